/** The record reader with tiny buffers: every border between chunks is met. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import { csv } from '../../../src/connect/formats/csv/csv.ts'
import { json } from '../../../src/connect/formats/json/json.ts'
import { ndjson } from '../../../src/connect/formats/json/ndjson.ts'
import { fileSource } from '../../../src/connect/files/file-source.ts'
import { oneFormat } from '../../../src/connect/files/format-choice.ts'
import type { RecordFormat } from '../../../src/connect/format.ts'
import type { Boundedness, Source } from '../../../src/connect/source.ts'
import { createManualHost, sourceConformance } from '../../../src/testing/index.ts'
import { encodeRows, readSource, readToEnd } from './file-fixtures.ts'

const Item = schema({ id: t.int32(), text: t.string() })
const item = (n: number): { id: number; text: string } => ({ id: n, text: 'ä'.repeat((n * 7) % 40) })
const items = Array.from({ length: 30 }, (_, n) => item(n))

function tiny(
  path: string,
  format: RecordFormat,
  options: { chunkBytes: number; splitBytes?: number; follow?: 'files' | 'lines' },
): Source {
  return fileSource({
    path,
    formats: oneFormat(format),
    schema: Item,
    compression: 'auto',
    follow: options.follow ?? 'files',
    lostRows: 'fail',
    pollMs: 500,
    splitBytes: options.splitBytes,
    chunkBytes: options.chunkBytes,
    pushdown: { columns: undefined, predicate: undefined },
  })
}

for (const format of [ndjson(), csv(), json()]) {
  for (const chunkBytes of [1, 16, 100]) {
    sourceConformance(
      { describe, test, expect },
      {
        name: `${format.name} through buffers of ${chunkBytes} bytes (CF1)`,
        bounded: async () => {
          const host = createManualHost()
          host.files.put('in', encodeRows(format, Item, items))
          return { host, source: tiny('in', format, { chunkBytes }), rows: items }
        },
      },
    )
  }
}

sourceConformance(
  { describe, test, expect },
  {
    name: 'gzip through buffers of 16 bytes',
    bounded: async () => {
      const host = createManualHost()
      host.files.put('in.gz', gzipSync(encodeRows(ndjson(), Item, items)))
      return { host, source: tiny('in.gz', ndjson(), { chunkBytes: 16 }), rows: items }
    },
  },
)

describe('reading records', () => {
  test('F1: gives the same rows for every size of buffers, parts and batches', async () => {
    const rowsOf = fc.array(
      fc.record({ id: fc.integer({ min: -5, max: 5 }), text: fc.string({ maxLength: 30 }) }),
      { maxLength: 30 },
    )
    const size = fc.integer({ min: 1, max: 200 })
    await fc.assert(
      fc.asyncProperty(rowsOf, size, size, size, async (rows, chunkBytes, splitBytes, rowsMax) => {
        const host = createManualHost()
        host.files.put('in', encodeRows(ndjson(), Item, rows))
        expect(await readSource(host, tiny('in', ndjson(), { chunkBytes, splitBytes }), { rowsMax })).toEqual(
          rows,
        )
        expect(host.files.openFiles).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('counts the bytes that were read', async () => {
    const host = createManualHost()
    const bytes = encodeRows(ndjson(), Item, items)
    host.files.put('in', bytes)
    const context = { host, boundedness: 'bounded', step: 'read', rejected: undefined } as const
    const source = tiny('in', ndjson(), { chunkBytes: 64 })
    const { splits } = await (await source.enumerate(context)).next()
    const reader = await source.open(splits[0] as (typeof splits)[number], undefined, context)
    let before = 0
    for (;;) {
      const result = await reader.read(2)
      if (result.kind === 'end') break
      expect(reader.bytesRead()).toBeGreaterThanOrEqual(before)
      before = reader.bytesRead()
    }
    expect(reader.bytesRead()).toBe(bytes.length)
    await reader.close()
  })
})

describe('a file that is written again while it is read', () => {
  const byLines = { follow: 'lines' } as const
  type Way = readonly [string, RecordFormat, { splitBytes?: number; follow?: 'lines' }, Boundedness]
  const first: Way = ['NDJSON', ndjson(), {}, 'bounded']
  const lines: Way = ['NDJSON, following lines', ndjson(), byLines, 'unbounded']
  const ways: readonly Way[] = [
    first,
    lines,
    ['NDJSON, following files', ndjson(), {}, 'unbounded'],
    ['NDJSON, a part', ndjson(), { splitBytes: 600 }, 'bounded'],
    ['CSV', csv(), {}, 'bounded'],
    ['CSV, following lines', csv(), byLines, 'unbounded'],
    ['JSON', json(), {}, 'bounded'],
  ]

  /** Reads a few rows, writes other bytes into the file, and reads on. */
  async function codeAfter(
    [, format, how, boundedness]: Way,
    path: string,
    change: (bytes: Uint8Array) => Uint8Array,
  ): Promise<string> {
    const host = createManualHost()
    const plain = encodeRows(format, Item, items)
    const bytes = path.endsWith('.gz') ? gzipSync(plain) : plain
    host.files.put(path, bytes)
    await host.advance(10_000)
    const source = tiny(path, format, { chunkBytes: 100, ...how })
    const context = { host, boundedness, step: 'read', rejected: undefined } as const
    const { splits } = await (await source.enumerate(context)).next()
    const reader = await source.open(splits[0] as (typeof splits)[number], undefined, context)
    expect((await reader.read(2)).kind).toBe('batch')
    await host.advance(1)
    const file = await host.files.open(path, 'overwrite')
    await file.write(change(bytes))
    await file.close()
    try {
      await readToEnd(reader)
      return 'no error'
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await reader.close()
      expect(host.files.openFiles).toBe(0)
    }
  }

  test.each(ways)('to the same size is input/changed: %s', async (...way) => {
    const changed = items.map(({ id, text }) => ({ id: ((id + 5) % 10) + (id < 10 ? 0 : 10), text }))
    const other = encodeRows(way[1], Item, changed)
    expect(await codeAfter(way, 'in', (bytes) => other.subarray(0, bytes.length))).toBe('input/changed')
  })

  test.each(ways)('with more is input/changed, whatever stands at the seam: %s', async (...way) => {
    const other = encodeRows(
      way[1],
      Item,
      [...items, ...items].map(({ id, text }) => ({ id: id * 1000, text })),
    )
    expect(await codeAfter(way, 'in', () => other)).toBe('input/changed')
  })

  test.each(ways)('with other bytes is input/changed, not damage: %s', async (...way) => {
    expect(await codeAfter(way, 'in', (bytes) => bytes.map(() => 0xff))).toBe('input/changed')
  })

  test('gzip, too', async () => {
    expect(await codeAfter(first, 'in.gz', (bytes) => bytes.map(() => 0xff))).toBe('input/changed')
  })

  test('is read on when it only grew, or was touched while it is followed by lines', async () => {
    const more = encodeRows(ndjson(), Item, items)
    for (const way of [first, lines])
      expect(await codeAfter(way, 'in', (bytes) => Buffer.concat([bytes, more]))).toBe('no error')
    expect(await codeAfter(lines, 'in', (bytes) => bytes)).toBe('no error')
  })
})
