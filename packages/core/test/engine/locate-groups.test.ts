// The generated loop that finds groups some rows ahead, and the room that is made for rows that follow, against a map.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StateRows } from '../../src/checkpoint/index.ts'
import { batchOfRows, schema, t } from '../../src/data/index.ts'
import type { Batch, Schema } from '../../src/data/index.ts'
import { KeyedPart } from '../../src/engine/keyed/keyed-part.ts'
import type { TaskPlace } from '../../src/engine/keyed/keyed-part.ts'
import { ArrayPool, GroupTable, RecordLayout, StringTable, keyLayout } from '../../src/state/index.ts'

const KEY_GROUPS = 16

const kinds: Record<
  string,
  { readonly schema: Schema; readonly key: fc.Arbitrary<Record<string, unknown>> }
> = {
  'one word': { schema: schema({ key: t.int32() }), key: fc.record({ key: fc.integer() }) },
  'few values': {
    schema: schema({ key: t.int32() }),
    key: fc.record({ key: fc.integer({ min: 0, max: 9 }) }),
  },
  strings: {
    schema: schema({ key: t.string() }),
    key: fc.record({ key: fc.integer({ min: 0, max: 900 }).map(String) }),
  },
  'several columns with nulls': {
    schema: schema({ key: t.string().nullable(), at: t.float64(), flag: t.boolean().nullable() }),
    key: fc.record({
      key: fc.option(fc.constantFrom('', 'a', 'b', 'some longer text')),
      at: fc.integer({ min: -50, max: 50 }),
      flag: fc.option(fc.boolean()),
    }),
  },
}

function partOf(keys: Schema, place: TaskPlace) {
  const names = keys.fields.map(({ name }) => name)
  const key = keyLayout(keys, names, 'step')
  const template = new RecordLayout(key.words).template()
  const strings = new StringTable()
  const table = new GroupTable({ keyWords: key.words, template, pool: new ArrayPool() })
  const part = new KeyedPart({
    name: 'part',
    key,
    strings,
    columns: [],
    groupWords: template.length,
    place,
    step: 'step',
  })
  return { part, table, strings }
}

const alone: TaskPlace = { task: 0, tasks: 1, keyGroups: KEY_GROUPS }

const cameAs = (batch: Batch, following?: number): StateRows => ({
  part: 'part',
  groups: [0, KEY_GROUPS],
  batch,
  following,
})

describe('groups of rows', () => {
  for (const [name, { schema: keys, key }] of Object.entries(kinds)) {
    it(`are found as a map finds them: ${name}`, () => {
      const some = fc.array(key, { minLength: 1, maxLength: 1500, size: 'max' })
      fc.assert(
        fc.property(fc.array(some, { minLength: 1, maxLength: 3 }), fc.boolean(), (batches, isSelected) => {
          const { part, table } = partOf(keys, alone)
          const model = new Map<string, number>()
          for (const rows of batches) {
            const whole = batchOfRows(keys, rows)
            const every2nd = Int32Array.from({ length: rows.length >> 1 }, (_, n) => 2 * n)
            const batch = isSelected
              ? { ...whole, selection: every2nd, selectedCount: every2nd.length }
              : whole
            const count = part.begin(cameAs(batch))
            const groups = part.locate(0, count, table)
            const wrong: string[] = []
            for (let n = 0; n < count; n++) {
              const text = JSON.stringify(rows[isSelected ? 2 * n : n])
              const known = model.get(text)
              if (known === undefined) model.set(text, groups[n] as number)
              else if (known !== groups[n]) wrong.push(text)
            }
            expect(wrong).toEqual([])
            expect(table.size).toBe(model.size)
            expect(new Set(model.values()).size).toBe(model.size)
          }
        }),
        { numRuns: 25 },
      )
    })
  }
})

describe('rows that follow', () => {
  const keys = schema({ key: t.int32() })
  const batchOf = (first: number, rows: number): Batch =>
    batchOfRows(
      keys,
      Array.from({ length: rows }, (_, n) => ({ key: first + n })),
    )

  it('are told of by all but the last batch of a table', () => {
    const { part, table } = partOf(keys, alone)
    const rows = 40_000
    part.begin(cameAs(batchOf(0, rows)))
    const records = part.locate(0, rows, table).slice()
    part.write({ keys: table, groups: records, store: table, records, count: rows })
    part.write({ keys: table, groups: records, store: table, records, count: 10 })
    const taken = part.take().map(({ batch, following }) => [batch.length, following])
    expect(taken).toEqual([
      [16_384, rows - 16_384],
      [16_384, rows - 2 * 16_384],
      [rows - 2 * 16_384 + 10, 0],
    ])
  })

  it('have room at once: a table does not grow while they come', () => {
    const { part, table } = partOf(keys, alone)
    const count = part.begin(cameAs(batchOf(0, 100), 49_900))
    part.makeRoom(count, table)
    part.locate(0, count, table)
    const { index, i32 } = table
    for (let first = 100; first < 50_000; first += 100) {
      part.begin(cameAs(batchOf(first, 100), 49_900 - first))
      part.makeRoom(100, table)
      part.locate(0, 100, table)
    }
    expect(table.size).toBe(50_000)
    expect(table.index).toBe(index)
    expect(table.i32).toBe(i32)
  })

  it('have room for the share of the task', () => {
    const { part, table } = partOf(keys, { ...alone, task: 1, tasks: 4 })
    const { part: all, table: whole } = partOf(keys, alone)
    for (const [each, into] of [
      [part, table],
      [all, whole],
    ] as const)
      each.makeRoom(each.begin(cameAs(batchOf(0, 100), 100_000)), into)
    expect(whole.index.length / table.index.length).toBe(4)
  })
})
