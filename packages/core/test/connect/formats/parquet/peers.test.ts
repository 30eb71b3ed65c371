import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { fileBytes, readRows } from './parquet-files.ts'

describe('what hyparquet-writer writes', () => {
  const count = 5000
  const strings = Array.from({ length: count }, (_, index) => (index % 9 === 0 ? null : `s${index % 40}`))
  const texts = Array.from({ length: count }, (_, index) => `text ${index * 7919}`)
  const ints = Array.from({ length: count }, (_, index) => (index % 4 === 0 ? null : index * 17 - 900))
  const longs = Array.from({ length: count }, (_, index) => BigInt(index) * 1_000_003n)
  const doubles = Array.from({ length: count }, (_, index) => index / 7)
  const booleans = Array.from({ length: count }, (_, index) => index % 3 === 0)
  const dates = Array.from({ length: count }, (_, index) => new Date(1_600_000_000_000 + index * 1000))

  it.each(['SNAPPY', 'UNCOMPRESSED'] as const)('reads the same (%s)', async (codec) => {
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: 'strings', data: strings, type: 'STRING', nullable: true },
        { name: 'texts', data: texts, type: 'STRING', nullable: false },
        { name: 'ints', data: ints, type: 'INT32', nullable: true },
        { name: 'longs', data: longs, type: 'INT64', nullable: false },
        { name: 'doubles', data: doubles, type: 'DOUBLE', nullable: false },
        { name: 'booleans', data: booleans, type: 'BOOLEAN', nullable: false },
        { name: 'dates', data: dates, type: 'TIMESTAMP', nullable: false },
      ],
      codec,
      rowGroupSize: 2000,
      pageSize: 4096,
    })
    const rows = await readRows(new Uint8Array(buffer))
    expect(rows).toHaveLength(count)
    rows.forEach((row, index) => {
      expect(row).toEqual({
        strings: strings[index],
        texts: texts[index],
        ints: ints[index],
        longs: Number(longs[index]),
        doubles: doubles[index],
        booleans: booleans[index],
        dates: dates[index]?.getTime(),
      })
    })
  })

  it.each([
    ['DELTA_BINARY_PACKED', 'INT64', longs],
    ['DELTA_BINARY_PACKED', 'INT32', ints],
    ['DELTA_LENGTH_BYTE_ARRAY', 'STRING', texts],
    ['DELTA_BYTE_ARRAY', 'STRING', texts],
    ['BYTE_STREAM_SPLIT', 'DOUBLE', doubles],
    ['RLE', 'BOOLEAN', booleans],
  ] as const)('reads the same in encoding %s of %s', async (encoding, type, data) => {
    const nullable = (data as readonly unknown[]).includes(null)
    const buffer = parquetWriteBuffer({
      columnData: [{ name: 'x', data: data as unknown[], type, nullable, encoding } as never],
      pageSize: 3000,
    })
    const rows = await readRows(new Uint8Array(buffer))
    expect(rows.map(({ x }) => x)).toEqual(
      (data as readonly unknown[]).map((value) => (typeof value === 'bigint' ? Number(value) : value)),
    )
  })
})

describe('what we write', () => {
  const declared = schema({
    id: t.int64(),
    small: t.int8().nullable(),
    name: t.string().nullable(),
    price: t.float64(),
    at: t.timestamp('us', { zoned: true }),
    day: t.date(),
    flag: t.boolean().nullable(),
    tags: t.list(t.string().nullable()).nullable(),
    inner: t.struct({ a: t.int32(), b: t.string().nullable() }).nullable(),
    cost: t.decimal(12, 2),
  })
  const rows = Array.from({ length: 3000 }, (_, index) => ({
    id: index * 1_000_000_007,
    small: index % 5 === 0 ? null : (index % 200) - 100,
    name: index % 7 === 0 ? null : `näme ${index % 33}`,
    price: index / 3,
    at: 1_500_000_000_000 + index * 60_000,
    day: '2001-03-25',
    flag: index % 4 === 0 ? null : index % 3 === 0,
    tags: index % 6 === 0 ? null : Array.from({ length: index % 4 }, (__, n) => (n === 1 ? null : `t${n}`)),
    inner: index % 8 === 0 ? null : { a: index, b: index % 3 === 0 ? null : 'b' },
    cost: `${index}.50`,
  }))

  it.each(['uncompressed', 'snappy', 'gzip', 'zstd'] as const)(
    'hyparquet reads (%s)',
    async (compression) => {
      const format = parquet({ compression, rowGroupRows: 1100 })
      const bytes = fileBytes(format, declared, [batchOfRows(declared, rows)])
      const found = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer, compressors })
      expect(found).toHaveLength(rows.length)
      found.forEach((row, index) => {
        const expected = rows[index] as (typeof rows)[number]
        // It shows null groups as undefined.
        expect({
          ...row,
          inner: (row['inner'] as unknown) ?? null,
          tags: (row['tags'] as unknown) ?? null,
        }).toEqual({
          ...expected,
          id: BigInt(expected.id),
          at: new Date(expected.at),
          day: new Date('2001-03-25'),
          cost: index + 0.5,
        })
      })
    },
  )
})
