// Row groups are skipped also where the declared type is not the file's, and never with a row that is wanted or is to be told.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { rowCount, rowIndex } from '../../../../src/data/batch.ts'
import type { Batch } from '../../../../src/data/batch.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { makeSchema } from '../../../../src/data/schema.ts'
import { typeToString } from '../../../../src/data/type-text.ts'
import type { DataType, Field, Schema } from '../../../../src/data/type.ts'
import { conformer } from '../../../../src/connect/formats/parquet/conform.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { prunablePart } from '../../../../src/connect/formats/parquet/prunable.ts'
import { bindExpression, evaluate, sqlText } from '../../../../src/expr/index.ts'
import type { Expression } from '../../../../src/expr/index.ts'
import { readCell, toLiteral } from '../../../../src/expr/value.ts'
import type { Value } from '../../../../src/expr/value.ts'
import { arbitraryBatch } from '../../../data/arbitrary.ts'
import { fileBytes, fileOf, readBatches, readRows } from './parquet-files.ts'

const types: readonly DataType[] = [
  ...(['boolean', 'int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32'] as const).map((kind) => ({ kind })),
  ...(['int64', 'uint64'] as const).map((kind) => ({ kind, rows: 'bigint' as const })),
  ...(['float32', 'float64', 'date', 'string', 'json', 'bytes', 'uuid'] as const).map((kind) => ({ kind })),
  { kind: 'decimal', precision: 6, scale: 2 },
  { kind: 'decimal', precision: 30, scale: 2 },
  ...(['ms', 'us', 'ns'] as const).flatMap((unit): DataType[] => [
    { kind: 'time', unit },
    { kind: 'timestamp', unit, zoned: false },
  ]),
  { kind: 'timestamp', unit: 'ms', zoned: true },
]

function accepts(file: DataType, declared: DataType): boolean {
  const field = (type: DataType): Field => ({ name: 'x', type, nullable: true })
  try {
    conformer(field(file), field(declared))
    return true
  } catch {
    return false
  }
}

const pairs = types.flatMap((file) =>
  types.filter((declared) => accepts(file, declared)).map((declared) => ({ file, declared })),
)

const boolean = { type: { kind: 'boolean' }, nullable: true } as const

/** What reading gives: values for which the condition is true, and what was told of others; or the failure. */
async function reading(
  bytes: Uint8Array,
  declared: Schema,
  options: { readonly condition: Expression; readonly pushed: boolean; readonly rejects: boolean },
): Promise<unknown> {
  const { condition, pushed, rejects } = options
  const values: Value[] = []
  const told: string[] = []
  const reject = ({ line, reason }: { line: number; reason: string }): void =>
    void told.push(`${line} ${reason}`)
  const asked = { schema: declared, rowsMax: 4, ...(pushed ? { predicate: condition } : {}) }
  try {
    await readBatches(fileOf(bytes), rejects ? { ...asked, reject } : asked, (batch) => {
      for (let n = 0; n < rowCount(batch); n++) {
        const row = rowIndex(batch, n)
        if (evaluate(condition, batch, row) === true)
          values.push(readCell(batch.columns[0] as Batch['columns'][0], row))
      }
    })
  } catch (error) {
    return String(error)
  }
  return { values, told }
}

/** Comparisons of the column with values that lie in it, near it, or anywhere. */
async function literalsOf(bytes: Uint8Array, declared: Schema): Promise<Value[]> {
  const literals = new Set<Value>([null])
  await readBatches(fileOf(bytes), { schema: declared, reject: () => undefined }, (batch) => {
    for (let n = 0; n < rowCount(batch); n++) {
      const value = readCell(batch.columns[0] as Batch['columns'][0], rowIndex(batch, n))
      literals.add(value)
      if (typeof value === 'bigint' && BigInt.asIntN(63, value) === value)
        literals.add(value + 1n).add(value - 1n)
      if (typeof value === 'string') literals.add(`${value}a`).add(value.slice(0, 1))
    }
  })
  return [...literals].filter((value) => typeof value !== 'bigint' || value >= 0n || !isUnsigned(declared))
}

function isUnsigned({ fields: [field] }: Schema): boolean {
  return field?.type.kind.startsWith('uint') === true || field?.type.kind === 'time'
}

describe('reading with a condition', () => {
  it.each(pairs.map((pair) => [typeToString(pair.file), typeToString(pair.declared), pair] as const))(
    'gives what reading without it gives: %s as %s',
    async (_file, _declared, pair) => {
      const file = makeSchema([{ name: 'x', type: pair.file, nullable: true }])
      const made = fc.record({
        batch: arbitraryBatch({ schema: file, rowsMax: 12 }),
        rowGroupRows: fc.integer({ min: 1, max: 4 }),
        nullable: fc.boolean(),
        rejects: fc.boolean(),
        drawn: fc.array(
          fc.tuple(fc.constantFrom('=', '<', '<=', '>', '>=', 'is_null', 'is_not_null'), fc.nat()),
          {
            minLength: 1,
            maxLength: 2,
          },
        ),
        join: fc.constantFrom('and', 'or'),
      })
      await fc.assert(
        fc.asyncProperty(made, async ({ batch: { batch }, rowGroupRows, nullable, rejects, drawn, join }) => {
          const bytes = fileBytes(parquet({ rowGroupRows }), file, [batch])
          const declared = makeSchema([{ name: 'x', type: pair.declared, nullable }])
          const literals = await literalsOf(bytes, declared)
          const column: Expression = { kind: 'column', name: 'x', type: pair.declared, nullable }
          const parts = drawn.map(([name, pick]): Expression => {
            const value = literals[pick % literals.length] as Value
            const literal: Expression = {
              kind: 'literal',
              type: pair.declared,
              nullable: value === null,
              value: toLiteral(pair.declared, value),
            }
            return {
              kind: 'call',
              name,
              ...boolean,
              arguments: name.startsWith('is') ? [column] : [column, literal],
            }
          })
          const condition: Expression = { kind: 'call', name: join, ...boolean, arguments: parts }
          const all = await reading(bytes, declared, { condition, pushed: false, rejects })
          expect(await reading(bytes, declared, { condition, pushed: true, rejects })).toEqual(all)
        }),
        { numRuns: 25 },
      )
    },
  )
})

const DAY_MS = 86_400_000

/** Ten row groups of a hundred rows; the values of a row grow with its number. */
const written = schema({
  at: t.timestamp('us').nullable(),
  fine: t.timestamp('ns'),
  day: t.date(),
  clock: t.time('us'),
  id: t.int64(),
  small: t.int16(),
  price: t.float32(),
  note: t.json(),
})
const file = fileBytes(parquet({ rowGroupRows: 100 }), written, [
  batchOfRows(
    written,
    Array.from({ length: 1000 }, (_, index) => ({
      at: index * DAY_MS,
      fine: index * DAY_MS,
      day: new Date(index * DAY_MS).toISOString().slice(0, 10),
      clock: index * 1000,
      id: index,
      small: index,
      price: index / 2,
      note: 7,
    })),
  ),
])

async function groupsRead(declared: Schema, text: string): Promise<number> {
  const predicate = bindExpression(sqlText(text), declared)
  let count = 0
  await readBatches(fileOf(file), { schema: declared, predicate, rowsMax: 100 }, () => count++)
  return count
}

describe('a condition on a column of another type', () => {
  const declared = schema({
    at: t.timestamp(),
    fine: t.timestamp('us', { zoned: true }),
    day: t.timestamp(),
    clock: t.time(),
    id: t.int32(),
    small: t.float64(),
    price: t.float64(),
    note: t.string(),
  })
  it.each([
    ["at >= timestamp '1972-09-01 00:00:00'", 1],
    ["at < '1970-01-02'", 1],
    ["at = '1970-01-02 00:00:01'", 1],
    ["at > '2030-01-01'", 0],
    ["fine >= timestamp '1972-09-01 00:00:00'", 1],
    ["day >= timestamp '1972-09-01 00:00:00'", 1],
    ["clock < time '00:01:00'", 1],
    ['id < 150', 2],
    ['id in (1, 2, 301)', 2],
    ['small >= 900', 1],
    ['small > 850.5 and small < 899.5', 1],
    ["note = '8'", 0],
    // NaN may be among them.
    ['price > 1000', 10],
    ['price < 10', 1],
    // The column is cast for the comparison.
    ['id < 99.5', 1],
    ["at < timestamp '1970-01-02 00:00:00.000001'", 1],
  ])('%s reads %d row groups of ten', async (text, count) => {
    expect(await groupsRead(declared, text)).toBe(count)
  })

  it('skips no row group with a value that does not fit the declared type', async () => {
    await expect(groupsRead(schema({ small: t.int8() }), 'small < 0')).rejects.toThrow(/does not fit/)
    expect(await groupsRead(schema({ small: t.int32() }), 'small < 0')).toBe(0)
  })
})

describe('a time that the declared unit cannot hold', () => {
  it('is told, and is no other time', async () => {
    const far = schema({ at: t.timestamp().nullable(), day: t.date() })
    const rows = [
      { at: Date.UTC(9999, 0, 1), day: '2000-01-01' },
      { at: null, day: '9999-01-01' },
      { at: 1, day: '2000-01-01' },
    ]
    const bytes = fileBytes(parquet(), far, [batchOfRows(far, rows)])
    const declared = schema({ at: t.timestamp('ns').nullable(), day: t.timestamp('ns') })
    const told: unknown[] = []
    const read = await readRows(bytes, {
      schema: declared,
      reject: ({ line, column }) => void told.push([line, column]),
    })
    expect(read).toEqual([{ at: 1, day: Date.UTC(2000, 0, 1) }])
    expect(told).toEqual([
      [1, 'at'],
      [2, 'day'],
    ])
  })
})

describe('the part of a condition that is told to a source', () => {
  it.each([
    ['id = 5', 'id = 5'],
    ["id = 5 and note like 'a%'", 'id = 5'],
    ["id = 5 or note like 'a%'", undefined],
    ['id % 2 = 0', undefined],
    ['id is null', 'id is null'],
    ['not (id = 5)', undefined],
    ['id in (1, 2)', 'id in (1, 2)'],
    ['id = small', undefined],
  ])('of %s is %s', (text, part) => {
    const bound = (one: string): Expression =>
      bindExpression(sqlText(one), schema({ id: t.int64().nullable(), small: t.int64(), note: t.string() }))
    expect(prunablePart(bound(text))).toEqual(part === undefined ? undefined : bound(part))
  })
})
