import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { createLookupJoin } from '../../src/engine/lookup/lookup-join.ts'
import type { LookupJoinNode } from '../../src/plan/logical.ts'
import { extendSchema, makeSchema } from '../../src/data/schema.ts'
import { Job } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { batchOf, Dictionary, harness, withDictionary } from './operator-harness.ts'

const Left = schema({ key: t.string().nullable(), id: t.int32() })
const Right = schema({ code: t.string().nullable(), name: t.string().nullable(), rank: t.int64().bigint() })

type LeftRow = { key: string | null; id: number }
type RightRow = { code: string | null; name: string | null; rank: bigint }

const nodeOf = (join: 'left' | 'inner'): LookupJoinNode => ({
  kind: 'lookup-join',
  step: 'join',
  inputs: [],
  sidePorts: {},
  join,
  on: [{ left: 'key', right: 'code' }],
  columns: [
    { name: 'name', column: 'name' },
    { name: 'rank', column: 'rank' },
  ],
  schema: extendSchema(
    Left,
    makeSchema(Right.fields.slice(1).map((field) => ({ ...field, nullable: true }))),
  ),
})

/** A join by its definition: each pair of rows whose keys are equal and not null, in table order. */
function joined(stream: readonly LeftRow[], table: readonly RightRow[], join: 'left' | 'inner'): object[] {
  return stream.flatMap((row): object[] => {
    const partners = table.filter(({ code }) => code !== null && code === row.key)
    if (partners.length > 0) return partners.map(({ name, rank }) => ({ ...row, name, rank }))
    return join === 'left' ? [{ ...row, name: null, rank: null }] : []
  })
}

const key = fc.option(fc.constantFrom('a', 'b', 'c', 'é', ''), { freq: 4 })
const stream = fc.array(fc.record({ key, id: fc.nat(1000) }), { maxLength: 30 })
const table = fc.array(
  fc.record({ code: key, name: fc.option(fc.string()), rank: fc.bigInt({ min: 0n, max: 2n ** 60n }) }),
  { maxLength: 12 },
)
const timed = (rows: readonly LeftRow[]) => rows.map((row) => ({ row, time: row.id * 3 }))

describe('a lookup join', () => {
  test('gives each match once, in table order; null never equals null; left keeps rows without a partner', () => {
    fc.assert(
      fc.property(
        fc.record({
          batches: fc.array(stream, { maxLength: 4 }),
          tables: fc.array(table, { maxLength: 3 }),
          join: fc.constantFrom('left', 'inner'),
          selected: fc.boolean(),
          coded: fc.boolean(),
          batchRows: fc.constantFrom(1, 3, 1000),
        }),
        ({ batches, tables, join, selected, coded, batchRows }) => {
          const seen = harness({ batchRows })
          const operator = createLookupJoin(nodeOf(join), [Left, Right], seen.context)
          for (const rows of tables)
            operator.push(
              batchOf(
                Right,
                rows.map((row) => ({ row, time: 0 })),
                { selected },
              ),
              1,
            )
          const dictionary = new Dictionary()
          for (const rows of batches) {
            const batch = batchOf(Left, timed(rows), { selected })
            operator.push(coded ? withDictionary(batch, 0, dictionary) : batch, 0)
          }
          const expected = joined(batches.flat(), tables.flat(), join)
          expect(seen.out.map(({ row }) => row)).toEqual(expected)
          expect(seen.out.map(({ eventTime }) => eventTime)).toEqual(
            expected.map((row) => (row as LeftRow).id * 3),
          )
          expect(seen.counters.stateEntries).toBe(tables.flat().length)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('goes on in other tasks with the table that it had, of which each snapshot has what came since', () => {
    fc.assert(
      fc.property(
        fc.array(table, { maxLength: 4 }),
        stream,
        fc.constantFrom('left', 'inner'),
        (tables, rows, join) => {
          const contextOf = (task: number): ReturnType<typeof harness> => {
            const made = harness()
            return { ...made, context: { ...made.context, task, tasks: 2 } }
          }
          const running = [0, 1].map((task) =>
            createLookupJoin(nodeOf(join), [Left, Right], contextOf(task).context),
          )
          const snapshots = tables.flatMap((part) => {
            const batch = batchOf(
              Right,
              part.map((row) => ({ row, time: 0 })),
            )
            for (const operator of running) operator.push(batch, 1)
            return running.flatMap(({ state }) => state?.snapshot('changes') ?? [])
          })
          const whole = running.flatMap(({ state }) => state?.snapshot('whole') ?? [])
          const batch = batchOf(Left, timed(rows))
          for (const written of [snapshots, whole]) {
            const seen = contextOf(1)
            const operator = createLookupJoin(nodeOf(join), [Left, Right], seen.context)
            for (const some of written) operator.state?.restore(some)
            operator.state?.restored?.()
            operator.push(batch, 0)
            expect(seen.out.map(({ row }) => row)).toEqual(joined(rows, tables.flat(), join))
            expect(operator.state?.snapshot('changes')).toEqual([])
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('of several columns needs all of them equal, and compares values, not their text', async () => {
    const Pair = schema({ a: t.string(), b: t.int64().bigint(), c: t.date() })
    const Named = schema({ x: t.string(), y: t.int64().bigint(), z: t.date(), name: t.string() })
    const sink = memorySink()
    const rows = [
      { a: '1', b: 2n ** 60n, c: '2001-01-01' },
      { a: '1', b: 2n ** 60n + 1n, c: '2001-01-01' },
      { a: '1","2', b: 0n, c: '2001-01-02' },
    ]
    const built = pipeline('pairs', (p) =>
      p
        .read('rows', memoryRows(Pair, rows))
        .lookupJoin(
          'named',
          p.read(
            'names',
            memoryRows(Named, [
              { x: '1', y: 2n ** 60n, z: '2001-01-01', name: 'first' },
              { x: '1","2', y: 0n, z: '2001-01-02', name: 'third' },
            ]),
          ),
          { on: { a: 'x', b: 'y', c: 'z' }, select: { name: 'name' } },
        )
        .write('out', sink),
    ).build()
    await new Job(built, { host: createManualHost() }).run()
    expect(sink.rows.map((row) => row['name'])).toEqual(['first', null, 'third'])
  })

  test('with one key 30,000 times in the table stays linear, and its batches stay small', () => {
    const seen = harness({ batchRows: 1000 })
    const operator = createLookupJoin(nodeOf('left'), [Left, Right], seen.context)
    const repeats = Array.from({ length: 30_000 }, (_, n) => ({
      row: { code: 'a', name: null, rank: BigInt(n) },
      time: 0,
    }))
    operator.push(batchOf(Right, repeats), 1)
    operator.push(batchOf(Left, timed([{ key: 'a', id: 1 }, { key: 'b', id: 2 }, { key: 'a', id: 3 }])), 0) // prettier-ignore
    expect(seen.out).toHaveLength(60_001)
    expect(seen.largestBatch).toBe(1000)
  })

  test('TL4: the table is read to its end before the stream flows, in files and in tasks', async () => {
    const host = createManualHost()
    const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    const items = Array.from({ length: 500 }, (_, id) => ({ key: `k${id % 50}`, id }))
    host.files.put('in/a.ndjson', lines(items))
    const names = Array.from({ length: 80 }, (_, n) => ({ code: `k${n % 40}`, name: `name ${n}` }))
    host.files.put('names/1.ndjson', lines(names.slice(0, 40)))
    host.files.put('names/2.ndjson', lines(names.slice(40)))
    for (const parallelism of [1, 3]) {
      const sink = memorySink<{ id: number; key: string; name: string | null }>()
      const built = pipeline('files', (p) =>
        p
          .read('items', ndjson('in', { schema: schema({ key: t.string(), id: t.int32() }) }))
          .lookupJoin(
            'named',
            p.read('names', ndjson('names', { schema: schema({ code: t.string(), name: t.string() }) })),
            { on: { key: 'code' }, select: { name: 'name' } },
          )
          .write('out', sink),
      ).build()
      await new Job(built, { host, parallelism, batchRows: 7 }).run()
      const expected = items.flatMap((item): object[] => {
        const found = names.filter(({ code }) => code === item.key)
        return found.length === 0 ? [{ ...item, name: null }] : found.map(({ name }) => ({ ...item, name }))
      })
      const text = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()
      expect(text(sink.rows)).toEqual(text(expected))
    }
  })
})
