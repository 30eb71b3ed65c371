import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../../../src/data/batch.ts'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { batchToRows as rowsOf } from '../../../../src/data/read-value.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { arbitraryBatch, arbitrarySchema } from '../../../data/arbitrary.ts'
import { fileBytes, fileOf, readBatches, readRows } from './parquet-files.ts'

const codec = fc.constantFrom(
  'none' as const,
  'uncompressed' as const,
  'snappy' as const,
  'gzip' as const,
  'zstd' as const,
)

describe('a file written and read again', () => {
  it('has the same rows, whatever types, nulls, layouts, selections, codecs and row groups', async () => {
    const files = arbitrarySchema({ without: ['interval'], max: 4 }).chain((declared) =>
      fc.record({
        declared: fc.constant(declared),
        batches: fc.array(arbitraryBatch({ schema: declared, rowsMax: 12 }), { maxLength: 4 }),
        compression: codec,
        rowGroupRows: fc.integer({ min: 1, max: 20 }),
        rowsMax: fc.integer({ min: 1, max: 30 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(files, async ({ declared, batches, compression, rowGroupRows, rowsMax }) => {
        const format = parquet({ compression, rowGroupRows })
        const bytes = fileBytes(
          format,
          declared,
          batches.map(({ batch }) => batch),
        )
        const rows = await readRows(bytes, { schema: declared, rowsMax })
        expect(rows).toEqual(batches.flatMap((batch) => batch.rows))
      }),
      { numRuns: 200 },
    )
  })

  it('has the same schema, but for how integers show in rows', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySchema({ max: 6 }), async (declared) => {
        const summary = await parquet().summarize(
          fileOf(fileBytes(parquet(), declared, [])),
          undefined as never,
        )
        expect(JSON.stringify(summary.schema.fields).replaceAll('"bigint"', '"number"')).toBe(
          JSON.stringify(declared.fields).replaceAll('"bigint"', '"number"'),
        )
        expect(summary.rows).toBe(0)
      }),
    )
  })

  it('tells columns apart whose names differ in a mark at their beginning', async () => {
    const declared = schema({ a: t.int32(), '\ufeffa': t.int32() })
    const row = { a: 1, '\ufeffa': 2 }
    const bytes = fileBytes(parquet(), declared, [batchOfRows(declared, [row])])
    const { schema: found } = await parquet().summarize(fileOf(bytes), undefined as never)
    expect(found.fields.map(({ name }) => name)).toEqual(['a', '\ufeffa'])
    expect(await readRows(bytes, { schema: declared, rowsMax: 10 })).toEqual([row])
  })

  it('keeps intervals of whole milliseconds, and refuses the others by name', async () => {
    const declared = schema({ span: t.interval().nullable() })
    const row = (months: number, days: number, micros: number) => ({ span: { months, days, micros } })
    const good = [row(1, 2, 3000), { span: null }, row(0, 0, 4294967295000)]
    const bytes = fileBytes(parquet(), declared, [batchOfRows(declared, good)])
    expect(await readRows(bytes)).toEqual(good)
    for (const bad of [row(-1, 0, 0), row(0, -1, 0), row(0, 0, 1), row(0, 0, -1000)])
      expect(() => fileBytes(parquet(), declared, [batchOfRows(declared, [bad])])).toThrow(/column "span"/)
  })
})

/** Batches of so many rows each. */
function* numbered(count: number, size: number, make: (index: number) => object): Generator<object[]> {
  for (let from = 0; from < count; from += size)
    yield Array.from({ length: Math.min(size, count - from) }, (_, index) => make(from + index))
}

describe('columns longer than a page', () => {
  const declared = schema({
    id: t.int64(),
    big: t.int64().bigint().nullable(),
    name: t.string().nullable(),
    url: t.string(),
    flag: t.boolean().nullable(),
    price: t.float64(),
    at: t.timestamp('us'),
    tags: t.list(t.string().nullable()).nullable(),
  })
  const make = (index: number): Record<string, unknown> => ({
    id: index * 3 - 1000,
    // From some row on the values need all 64 bits.
    big: index % 7 === 0 ? null : index > 30_000 ? 9223372036854775807n - BigInt(index) : BigInt(index),
    name: index % 11 === 0 ? null : `name ${index % 50}`,
    url: `https://example.org/${(index * 2654435761) % 4294967296}/${'x'.repeat(index % 90)}`,
    flag: index % 13 === 0 ? null : index % 3 === 0,
    price: index / 8,
    at: 1_700_000_000_000 + index,
    tags:
      index % 5 === 0
        ? null
        : Array.from({ length: index % 4 }, (_, n) => (n === 2 ? null : `t${(index + n) % 9}`)),
  })
  const count = 70_000
  const bytes = (): Uint8Array => {
    const batches: Batch[] = []
    for (const rows of numbered(count, 5000, make)) batches.push(batchOfRows(declared, rows as never))
    return fileBytes(parquet({ rowGroupRows: 60_000 }), declared, batches)
  }

  it('come back whole in batches of any size', async () => {
    const file = bytes()
    for (const rowsMax of [777, 8192, 1 << 20]) {
      let index = 0
      const wrong: unknown[] = []
      await readBatches(fileOf(file), { schema: declared, rowsMax }, (batch) => {
        expect(batch.length).toBeLessThanOrEqual(rowsMax)
        // Arrays are used again for the next batch, so they are looked at now.
        for (const row of rowsOf(batch)) {
          const expected = make(index++)
          if (JSON.stringify(row, plain) !== JSON.stringify(expected, plain)) wrong.push({ row, expected })
        }
      })
      expect(wrong.slice(0, 3)).toEqual([])
      expect(index).toBe(count)
    }
  })

  it('keep one dictionary object over row groups', async () => {
    const seen = new Set<object>()
    let batches = 0
    await readBatches(fileOf(bytes()), { columns: ['name'] }, (batch) => {
      const [column] = batch.columns
      if (column?.layout === 'dictionary') seen.add(column.dictionary)
      batches++
    })
    expect(seen.size).toBe(1)
    expect(batches).toBeGreaterThan(10)
  })

  it('read only the columns that are asked for', async () => {
    const whole = fileOf(bytes())
    await readBatches(whole, {}, () => {})
    const part = fileOf(bytes())
    const names = await readBatches(part, { columns: ['flag', 'id'] }, () => {})
    expect(names.fields.map((field) => field.name)).toEqual(['id', 'flag'])
    expect(part.bytesRead).toBeLessThan(whole.bytesRead / 2)
  })
})

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
