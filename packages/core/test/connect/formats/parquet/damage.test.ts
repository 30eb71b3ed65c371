import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import type { Column } from '../../../../src/data/column.ts'
import { batchToRows } from '../../../../src/data/read-value.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { ThriftWriter } from '../../../../src/connect/formats/parquet/thrift-writer.ts'
import { fileBytes, fileOf, readBatches, readRows } from './parquet-files.ts'

const declared = schema({
  id: t.int64().nullable(),
  name: t.string(),
  price: t.float64().nullable(),
  tags: t.list(t.string()).nullable(),
  total: t.decimal(30, 2),
})
const rows = Array.from({ length: 60 }, (_, index) => ({
  id: index % 7 === 0 ? null : index * 1000,
  name: `n${index % 5}`,
  price: index % 3 === 0 ? null : index / 3,
  tags: index % 4 === 0 ? null : ['a', `b${index}`],
  total: `${index}.25`,
}))

function small(compression: 'uncompressed' | 'snappy' | 'zstd' | 'gzip'): Uint8Array {
  return fileBytes(parquet({ compression, rowGroupRows: 40 }), declared, [batchOfRows(declared, rows)])
}

/** Reads everything; undefined when it was refused with one of our errors, else throws what is not ours. */
async function outcome(bytes: Uint8Array): Promise<number | string> {
  let count = 0
  try {
    await readBatches(fileOf(bytes), {}, (batch) => {
      count += batch.length
      // Every row of what comes out must be readable.
      batchToRows(batch)
    })
  } catch (error) {
    if (!isMillraceError(error) || error.code === 'internal/assertion') throw error
    return error.code
  }
  return count
}

describe('a damaged file', () => {
  it.each(['uncompressed', 'snappy', 'zstd', 'gzip'] as const)(
    'is refused or read, whichever byte changed (%s)',
    async (compression) => {
      const bytes = small(compression)
      let refused = 0
      for (let index = 0; index < bytes.length; index++) {
        const damagedBytes = bytes.slice()
        damagedBytes[index] = (bytes[index] as number) ^ (1 << (index % 8))
        if (typeof (await outcome(damagedBytes)) === 'string') refused++
      }
      // Nearly every byte of pages is under a checksum; texts and bounds in the footer are not.
      expect(refused).toBeGreaterThan(bytes.length / 3)
    },
  )

  it('never gives other values when a byte of a page changed', async () => {
    const bytes = small('uncompressed')
    const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true)
    const expected = JSON.stringify(await readRows(bytes))
    let wrong = 0
    for (let index = 4; index < bytes.length - 8 - footer; index++) {
      const damagedBytes = bytes.slice()
      damagedBytes[index] = (bytes[index] as number) ^ 0x55
      const found = await readRows(damagedBytes).catch((error: unknown) => error)
      if (!isMillraceError(found) && JSON.stringify(found) !== expected) wrong++
    }
    expect(wrong).toBe(0)
  })

  it('is refused as incomplete or damaged wherever it was cut', async () => {
    const bytes = small('snappy')
    for (let length = 0; length < bytes.length; length++) {
      const found = await outcome(bytes.slice(0, length))
      expect(['input/truncated', 'input/corrupt', 'input/unsupported']).toContain(found)
    }
    expect(await outcome(bytes.slice(0, 500))).toBe('input/truncated')
    expect(await outcome(new Uint8Array(0))).toBe('input/truncated')
  })

  it('names the file, and the column and row of a page', async () => {
    const bytes = small('uncompressed')
    bytes[60] = (bytes[60] as number) ^ 1
    const error = await readRows(bytes).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'input/corrupt',
      place: { file: 'test.parquet', column: 'id', row: 1 },
    })
  })

  it.each(['id', 'price', 'tags', 'element'])(
    'with another name for %s in its schema is refused, not read as nulls',
    async (name) => {
      const bytes = small('uncompressed')
      const footer = bytes.length - 8 - new DataView(bytes.buffer).getUint32(bytes.length - 8, true)
      const at = Buffer.from(bytes.buffer).indexOf(name, footer)
      bytes[at] = (bytes[at] as number) ^ 1
      await expect(readRows(bytes, { schema: declared })).rejects.toMatchObject({
        code: 'input/corrupt',
        place: { file: 'test.parquet' },
      })
      await expect(readRows(bytes, { schema: declared, columns: [] })).rejects.toMatchObject({
        code: 'input/corrupt',
      })
    },
  )

  it('that is no Parquet file at all is called that', async () => {
    const text = new TextEncoder().encode('a,b\n1,2\n3,4\n5,6\n')
    await expect(readRows(text)).rejects.toThrow(/not a Parquet file/)
  })

  it('with an encrypted footer is refused by name', async () => {
    const bytes = small('snappy')
    bytes.set(new TextEncoder().encode('PARE'), bytes.length - 4)
    await expect(readRows(bytes)).rejects.toThrow(/encrypted/)
  })

  it('with two flipped bytes at random is refused or read', async () => {
    const bytes = small('zstd')
    let state = 12345
    const next = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state % below
    }
    let refused = 0
    for (let run = 0; run < 3000; run++) {
      const damagedBytes = bytes.slice()
      damagedBytes[next(bytes.length)] = next(256)
      damagedBytes[bytes.length - 1 - next(1200)] = next(256)
      if (typeof (await outcome(damagedBytes)) === 'string') refused++
    }
    expect(refused).toBeGreaterThan(1000)
  })
})

/** A file of one INT32 column whose single page is made by hand. */
function handMade(parts: {
  readonly uncompressedBytes: number
  readonly body: Uint8Array
  readonly values: number
  readonly rows: number
  readonly codec: number
  readonly physical?: number
}): Uint8Array {
  const page = new ThriftWriter()
  page.int32(1, 0)
  page.int32(2, parts.uncompressedBytes)
  page.int32(3, parts.body.length)
  page.struct(5)
  page.int32(1, parts.values)
  page.int32(2, 0)
  page.int32(3, 3)
  page.int32(4, 3)
  page.endStruct()
  page.endStruct()
  const header = page.written().slice()
  const footer = new ThriftWriter()
  footer.int32(1, 1)
  footer.list(2, 12, 2)
  footer.element()
  footer.text(4, 'schema')
  footer.int32(5, 1)
  footer.endStruct()
  footer.element()
  footer.int32(1, parts.physical ?? 1)
  footer.int32(3, 0)
  footer.text(4, 'x')
  footer.endStruct()
  footer.int64(3, parts.rows)
  footer.list(4, 12, 1)
  footer.element()
  footer.list(1, 12, 1)
  footer.element()
  footer.int64(2, 0)
  footer.struct(3)
  footer.int32(1, parts.physical ?? 1)
  footer.list(3, 8, 1)
  footer.textElement('x')
  footer.int32(4, parts.codec)
  footer.int64(5, parts.rows)
  footer.int64(6, parts.uncompressedBytes)
  footer.int64(7, header.length + parts.body.length)
  footer.int64(9, 4)
  footer.endStruct()
  footer.endStruct()
  footer.int64(3, parts.rows)
  footer.endStruct()
  footer.endStruct()
  const metadata = footer.written()
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, metadata.length, true)
  const magic = new TextEncoder().encode('PAR1')
  return new Uint8Array(Buffer.concat([magic, header, parts.body, metadata, length, magic]))
}

describe('a crafted file', () => {
  it('reads when its numbers are true', async () => {
    const file = handMade({
      uncompressedBytes: 8,
      body: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0),
      values: 2,
      rows: 2,
      codec: 0,
    })
    expect(await readRows(file)).toEqual([{ x: 1 }, { x: 2 }])
  })

  it.each([
    ['a huge page of few zstd bytes', { uncompressedBytes: 0x7fffffff, values: 2, rows: 2, codec: 6 }],
    ['a huge page of few Snappy bytes', { uncompressedBytes: 0x7ffffff0, values: 2, rows: 2, codec: 1 }],
    ['a page larger than a column of gzip', { uncompressedBytes: 0x3fffffff, values: 2, rows: 2, codec: 2 }],
    ['more values than bytes', { uncompressedBytes: 8, values: 0x7fffffff, rows: 0x7fffffff, codec: 0 }],
    ['more rows than values', { uncompressedBytes: 8, values: 2, rows: 2 ** 50, codec: 0 }],
    ['a codec that does not exist', { uncompressedBytes: 8, values: 2, rows: 2, codec: 77 }],
    ['a codec that is not supported', { uncompressedBytes: 8, values: 2, rows: 2, codec: 3 }],
  ])('with %s is refused before memory is taken for it', async (_name, parts) => {
    // What tests before have left goes first: else its end would hide what is taken here.
    collectGarbage()
    const before = process.memoryUsage().arrayBuffers
    const found = await outcome(handMade({ body: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0), ...parts }))
    expect(typeof found).toBe('string')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
  })

  it('with texts that are not UTF-8 is refused, and reads as bytes', async () => {
    const texts = schema({ x: t.string() })
    const bytes = fileBytes(parquet({ compression: 'uncompressed' }), texts, [
      { ...batchOfRows(texts, [{ x: 'abc' }]), columns: [badText()] },
    ])
    await expect(readRows(bytes)).rejects.toMatchObject({ code: 'input/undecodable', place: { column: 'x' } })
  })
})

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
})()

function badText(): Column {
  return {
    layout: 'utf8',
    type: { kind: 'string' },
    bytes: Uint8Array.of(0x61, 0xff, 0x62),
    starts: Int32Array.of(0),
    lengths: Int32Array.of(3),
    validity: undefined,
  }
}
