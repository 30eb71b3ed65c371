import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { makeBatch } from '../../../../src/data/batch.ts'
import type { Batch } from '../../../../src/data/batch.ts'
import { isValid } from '../../../../src/data/column.ts'
import type { FixedColumn, Utf8Column } from '../../../../src/data/column.ts'
import { batchToRows, textValue } from '../../../../src/data/read-value.ts'
import type { Json, Schema } from '../../../../src/data/type.ts'
import type { RejectedRecord } from '../../../../src/connect/format.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { fileBytes, fileOf, readBatches, readerOptions, readRows } from './parquet-files.ts'

const numbers = schema({ n: t.int32(), text: t.string(), list: t.list(t.int32()) })
const rows = Array.from({ length: 1000 }, (_, n) => ({
  n,
  text: `t${n % 10}`,
  list: [n, n + 1].slice(0, n % 3),
}))
const file = (): Uint8Array =>
  fileBytes(parquet({ rowGroupRows: 300 }), numbers, [batchOfRows(numbers, rows)])

describe('reading goes on at a position', () => {
  it('with exactly the rows that were left, wherever it stopped', async () => {
    const bytes = file()
    const reader = await parquet().open(fileOf(bytes), undefined, readerOptions())
    const places: { position: Json; row: number }[] = []
    for (let batch = await reader.read(77); batch !== undefined; batch = await reader.read(77))
      places.push({ position: reader.position(), row: reader.rowIndex() })
    expect(places.at(-1)?.row).toBe(1000)
    for (const { position, row } of places) {
      const from = JSON.parse(JSON.stringify(position)) as Json
      expect(await readRows(bytes, { from, rowsMax: 64 })).toEqual(rows.slice(row))
    }
  })

  it('within the row groups of its split', async () => {
    const bytes = file()
    expect(await readRows(bytes, { groups: { first: 1, last: 3 } })).toEqual(rows.slice(300, 900))
    const reader = await parquet().open(fileOf(bytes), undefined, {
      ...readerOptions(),
      groups: { first: 2, last: 3 },
    })
    expect(reader.rowIndex()).toBe(600)
    await reader.read(10)
    expect(reader.rowIndex()).toBe(610)
    expect(reader.position()).toEqual({ v: 1, group: 2, row: 10 })
  })

  it('and refuses a position of another version', async () => {
    await expect(readRows(file(), { from: { v: 9, group: 0, row: 0 } })).rejects.toMatchObject({
      code: 'input/changed',
    })
  })
})

describe('a reader', () => {
  it('counts rows without reading a column', async () => {
    const source = fileOf(file())
    let count = 0
    await readBatches(source, { columns: [] }, (batch) => {
      expect(batch.columns).toHaveLength(0)
      count += batch.length
    })
    expect(count).toBe(1000)
  })

  it('answers without a promise while the rows are in memory', async () => {
    const reader = await parquet().open(fileOf(file()), undefined, readerOptions())
    await reader.read(50)
    expect(reader.read(50)).not.toBeInstanceOf(Promise)
  })

  it('ends, and stays at the end', async () => {
    const empty = fileBytes(parquet(), numbers, [])
    const reader = await parquet().open(fileOf(empty), undefined, readerOptions())
    expect(await reader.read(10)).toBeUndefined()
    expect(await reader.read(10)).toBeUndefined()
  })
})

describe('column chunks of many megabytes', () => {
  it('are read a few megabytes at a time', async () => {
    const declared = schema({ x: t.float64(), text: t.string().nullable() })
    const length = 50_000
    const batches = Array.from({ length: 30 }, (_, n) => {
      const values = Float64Array.from({ length }, (__, index) => Math.sin(n * length + index))
      const bytes = new Uint8Array(length * 8)
      const view = new DataView(bytes.buffer)
      const starts = new Int32Array(length)
      const lengths = new Int32Array(length).fill(8)
      const validity = new Uint8Array(length / 8).fill(0xfe)
      for (let index = 0; index < length; index++) {
        starts[index] = index * 8
        // Eight letters that hardly repeat.
        const random = Math.imul(n * length + index, 0x9e3779b1) >>> 0
        view.setUint32(index * 8, 0x61616161 + (random & 0x0f0f0f0f))
        view.setUint32(index * 8 + 4, 0x61616161 + ((random >>> 4) & 0x0f0f0f0f))
      }
      return makeBatch(
        declared,
        [
          { layout: 'fixed', type: { kind: 'float64' }, values, validity: undefined },
          { layout: 'utf8', type: { kind: 'string' }, bytes, starts, lengths, validity },
        ],
        length,
      )
    })
    const format = parquet({ compression: 'uncompressed', rowGroupRows: 1 << 24, rowGroupBytes: 1 << 30 })
    const bytes = fileBytes(format, declared, batches)
    let longest = 0
    const file = fileOf(bytes)
    const counting = {
      ...file,
      read: async (position: number, size: number) => {
        longest = Math.max(longest, size)
        return file.read(position, size)
      },
    }
    let row = 0
    const wrong: number[] = []
    await readBatches(counting, { rowsMax: 8000 }, (batch) => {
      const [x, text] = batch.columns as readonly [FixedColumn, Utf8Column]
      for (let index = 0; index < batch.length; index++, row++) {
        const source = batches[Math.floor(row / length)] as Batch
        const at = row % length
        const [wantedX, wantedText] = source.columns as readonly [FixedColumn, Utf8Column]
        if (x.values[index] !== wantedX.values[at]) wrong.push(row)
        if (isValid(text, index) !== isValid(wantedText, at)) wrong.push(row)
        if (at % 1000 === 1 && textValue(text, index) !== textValue(wantedText, at)) wrong.push(row)
      }
    })
    expect(row).toBe(1_500_000)
    expect(wrong).toEqual([])
    expect(bytes.length).toBeGreaterThan(20 << 20)
    expect(longest).toBeLessThan(6 << 20)
  })
})

describe('a declared schema', () => {
  const write = (from: Schema, values: readonly object[]): Uint8Array =>
    fileBytes(parquet(), from, [batchOfRows(from, values as never)])

  it('may have wider or narrower integers, as long as the values fit', async () => {
    const bytes = write(schema({ a: t.int64(), b: t.int16(), c: t.uint32() }), [
      { a: 5, b: -3, c: 4294967295 },
    ])
    const wanted = schema({ c: t.int64(), a: t.int8(), b: t.float64() })
    expect(await readRows(bytes, { schema: wanted })).toEqual([{ c: 4294967295, a: 5, b: -3 }])
  })

  it('may have coarser or finer times; coarser ones are rounded down', async () => {
    const bytes = write(schema({ a: t.timestamp('ms'), d: t.date() }), [{ a: -1, d: '1969-12-31' }])
    const finer = schema({ a: t.timestamp('ns'), d: t.timestamp('us') })
    expect(await readRows(bytes, { schema: finer })).toEqual([{ a: -1, d: -86_400_000 }])
    const fine = fileBytes(parquet(), finer, [batchOfRows(finer, [{ a: -1, d: 0 }])])
    await readBatches(fileOf(fine), { schema: schema({ a: t.timestamp('ms') }) }, (batch) => {
      expect(batchToRows(batch)).toEqual([{ a: -1 }])
    })
  })

  it('gives nulls for a nullable column that the file lacks, and refuses one that is not nullable', async () => {
    const bytes = write(schema({ a: t.int32(), late: t.string() }), [{ a: 1, late: 'x' }])
    const nullable = schema({ a: t.int32(), b: t.struct({ c: t.list(t.string()) }).nullable() })
    expect(await readRows(bytes, { schema: nullable })).toEqual([{ a: 1, b: null }])
    await expect(readRows(bytes, { schema: schema({ lata: t.string() }) })).rejects.toMatchObject({
      code: 'input/missing-column',
      hint: expect.stringContaining('"late"'),
      place: { file: 'test.parquet', column: 'lata' },
    })
  })

  it('refuses a file that has none of its columns, whatever is read of them', async () => {
    const bytes = write(schema({ a: t.int32(), b: t.int32() }), [{ a: 1, b: 2 }])
    const other = schema({ x: t.string().nullable(), y: t.string().nullable() })
    for (const read of [{}, { columns: ['x'] }, { columns: [] }])
      await expect(readRows(bytes, { schema: other, ...read })).rejects.toMatchObject({
        code: 'input/missing-column',
        detail: 'it has "a", "b"; declared are "x", "y"',
        place: { file: 'test.parquet' },
      })
  })

  it('refuses a column of another kind by name', async () => {
    const bytes = write(schema({ a: t.string() }), [{ a: 'x' }])
    await expect(readRows(bytes, { schema: schema({ a: t.int32() }) })).rejects.toMatchObject({
      code: 'schema/mismatch',
      detail: expect.stringContaining('string'),
    })
  })

  it('rejects the rows that do not fit, and only those', async () => {
    const from = schema({ a: t.int64().nullable() })
    const bytes = write(from, [{ a: 1 }, { a: null }, { a: 300 }, { a: -128 }])
    const wanted = schema({ a: t.int8() })
    await expect(readRows(bytes, { schema: wanted })).rejects.toMatchObject({
      code: 'input/undecodable',
      place: { file: 'test.parquet', row: 2, column: 'a' },
    })
    const rejected: Pick<RejectedRecord, 'reason' | 'line'>[] = []
    const kept = await readRows(bytes, {
      schema: wanted,
      reject: ({ reason, line }) => rejected.push({ reason, line }),
    })
    expect(kept).toEqual([{ a: 1 }, { a: -128 }])
    expect(rejected).toEqual([
      { reason: 'null in a column that has none', line: 2 },
      { reason: '300 is not a value of int8', line: 3 },
    ])
  })
})

describe('a file of an empty table, as other writers make it', () => {
  // pyarrow 26: pa.table({ id: int64, k: string }) without rows is one row group whose columns have no pages.
  const empty = Buffer.from(
    [
      'UEFSMRUEFQAVAkwVABUAEgAAABUEFQAVAkwVABUAEgAAABUEGTw1ABgGc2NoZW1hFQQAFQIlAhgCaWQAFQwlAhgBay',
      'UATBwAAAAWABkcGSwmABwVAhklAAYZGAJpZBUCFgAWHBYeJgAmCCkcFQQVABUCAAAAJgAcFQwZJQAGGRgBaxUCFgAW',
      'HBYeJgAmJikcFQQVABUCAAAAFjgWACYIFjwAGRwYDEFSUk9XOnNjaGVtYRjsAS8vLy8vNmdBQUFBUUFBQUFBQUFLQU',
      'F3QUJnQUZBQWdBQ2dBQUFBQUJCQUFNQUFBQUNBQUlBQUFBQkFBSUFBQUFCQUFBQUFJQUFBQkFBQUFBQkFBQUFOai8v',
      'LzhBQUFFRkVBQUFBQmdBQUFBRUFBQUFBQUFBQUFFQUFBQnJBQUFBQkFBRUFBUUFBQUFRQUJRQUNBQUdBQWNBREFBQU',
      'FCQUFFQUFBQUFBQUFRSVFBQUFBSEFBQUFBUUFBQUFBQUFBQUFnQUFBR2xrQUFBSUFBd0FDQUFIQUFnQUFBQUFBQUFC',
      'SUFBQUFBQUFBQUE9ABggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZLBwAABwAAACrAQAAUEFSMQ==',
    ].join(''),
    'base64',
  )

  it('has its columns and no rows', async () => {
    expect(await readRows(new Uint8Array(empty))).toEqual([])
    const reader = await parquet().open(fileOf(new Uint8Array(empty)), undefined, readerOptions())
    expect(await reader.read(10)).toBeUndefined()
    expect(await reader.read(10)).toBeUndefined()
  })
})
