import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/data/batch.ts'
import { rowCount } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import { hashKeys, keyGroupOf } from '../../src/data/key-hash.ts'
import { createRoute } from '../../src/engine/exchange.ts'
import type { ExchangeKind } from '../../src/plan/physical.ts'
import { batchOf, Dictionary, rowsOf, withDictionary } from './operator-harness.ts'

const Row = schema({ key: t.string(), id: t.int32() })
const KEY_GROUPS = 128

/** A route with what each receiving task got. */
function routed(exchange: ExchangeKind, tasks: number, task = 0) {
  const received = Array.from({ length: tasks }, (): Batch[] => [])
  const rows = Array.from({ length: tasks }, (): object[] => [])
  const send = rows.map((list, at) => (batch: Batch) => {
    received[at]?.push(batch)
    list.push(
      ...rowsOf(batch, 'main', { forwarded: -Infinity, push: 0 }).map(({ row, eventTime }) => ({
        ...row,
        eventTime,
      })),
    )
  })
  return { route: createRoute(exchange, Row, send, { task, keyGroups: KEY_GROUPS }), received, rows }
}

const rows = fc.array(fc.record({ key: fc.string({ maxLength: 3 }), id: fc.nat(1000) }), { maxLength: 60 })

const batchOfRows = (list: readonly { key: string; id: number }[], selected = false): Batch =>
  batchOf(
    Row,
    list.map((row) => ({ row, time: row.id * 10 })),
    { selected },
  )

describe('an exchange by key group', () => {
  const exchange = { kind: 'key-group', keys: ['key'] } as const

  test('sends each row to the task that owns its key group: all rows of a key meet, none is lost or doubled', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 9 }), fc.boolean(), (list, tasks, selected) => {
        const { route, rows: got } = routed(exchange, tasks)
        const batch = batchOfRows(list, selected)
        route(batch)
        const hashes = new Int32Array(batch.length)
        hashKeys(batch, [0], hashes)
        const taskOf = new Map<string, number>()
        for (const [task, received] of got.entries())
          for (const row of received as { key: string }[]) {
            expect(taskOf.get(row.key) ?? task).toBe(task)
            taskOf.set(row.key, task)
          }
        for (let n = 0; n < rowCount(batch); n++) {
          const i = batch.selection?.[n] ?? n
          const group = keyGroupOf(hashes[i] as number, KEY_GROUPS)
          expect(taskOf.get(list[n]?.key as string)).toBe(Math.floor((group * tasks) / KEY_GROUPS))
        }
        const order = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
        const expected = list.map((row) => ({ ...row, eventTime: row.id * 10 }))
        expect(got.flat().toSorted(order)).toEqual(expected.toSorted(order))
      }),
    )
  })

  test('keeps the order of the rows of a task', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { route, rows: got } = routed(exchange, 3)
        route(batchOfRows(list.map((row, id) => ({ ...row, id }))))
        for (const received of got) {
          const ids = (received as { id: number }[]).map(({ id }) => id)
          expect(ids).toEqual(ids.toSorted((a, b) => a - b))
        }
      }),
    )
  })

  test('sends a key to the same task however its column is laid out, and copies no columns', () => {
    const list = Array.from({ length: 50 }, (_, id) => ({ key: `key ${id % 11}`, id }))
    const plain = routed(exchange, 4)
    const coded = routed(exchange, 4)
    const batch = batchOfRows(list)
    plain.route(batch)
    coded.route(withDictionary(batch, 0, new Dictionary()))
    expect(coded.rows).toEqual(plain.rows)
    for (const received of plain.received.flat()) expect(received.columns).toBe(batch.columns)
  })

  test('sends nothing to a task without rows', () => {
    const { route, received } = routed(exchange, 9)
    route(batchOfRows([{ key: 'a', id: 1 }]))
    expect(received.map((batches) => batches.length).toSorted((a, b) => a - b)).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 1,
    ])
  })
})

describe('other exchanges', () => {
  const batches = Array.from({ length: 7 }, (_, id) => batchOfRows([{ key: 'k', id }]))
  const ids = (got: readonly object[][]): number[][] => got.map((list) => (list as { id: number }[]).map(({ id }) => id))

  test('forward stays at the sending task', () => {
    const { route, rows: got } = routed({ kind: 'forward' }, 3, 1)
    batches.forEach(route)
    expect(ids(got)).toEqual([[], [0, 1, 2, 3, 4, 5, 6], []])
  })

  test('broadcast reaches every task', () => {
    const { route, rows: got } = routed({ kind: 'broadcast' }, 3)
    batches.forEach(route)
    expect(ids(got)).toEqual([0, 1, 2].map(() => [0, 1, 2, 3, 4, 5, 6]))
  })

  test('gather goes to the only task, from whichever task, and is refused where there are more', () => {
    for (const task of [0, 1]) {
      const { route, rows: got } = routed({ kind: 'gather' }, 1, task)
      batches.forEach(route)
      expect(ids(got)).toEqual([[0, 1, 2, 3, 4, 5, 6]])
    }
    expect(() => routed({ kind: 'gather' }, 3)).toThrow(/gathered in one task, and the stage has 3/)
  })
}) // prettier-ignore
