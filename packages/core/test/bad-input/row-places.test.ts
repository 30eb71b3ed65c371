// Where a bad row is said to be: the error that ends a run and the rejected row of another name the same line and byte.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/index.ts'
import { csv, json, ndjson, parquet } from '../../src/connect/files/index.ts'
import { parquet as parquetFormat } from '../../src/connect/formats/parquet/index.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { fileBytes } from '../connect/formats/parquet/parquet-files.ts'
import { copyOn, hostWith } from './copying.ts'

const Timed = schema({ id: t.int32(), at: t.timestamp('ms').nullable() })
const options = { schema: Timed, recordBytesMax: 200 }

/** Records as they stand in the files, the bad ones with what a run does with them. */
interface Format {
  readonly ending: string
  readonly read: (
    path: string,
    splitBytes?: number,
  ) => ReturnType<typeof ndjson<{ id: number; at: number | null }>>
  readonly good: (id: number) => string
  readonly bad: { readonly [kind: string]: string }
  readonly file: (records: readonly string[]) => string
}

const formats: readonly Format[] = [
  {
    ending: 'ndjson',
    read: (path, splitBytes) =>
      ndjson(path, { ...options, ...(splitBytes === undefined ? {} : { splitBytes }) }),
    good: (id) => `{"id":${id},"at":${id}}`,
    bad: {
      'no JSON': '  {"id":1,oops}',
      'another type': '{"id":"one","at":1}',
      'out of range': '{"id":3000000000,"at":1}',
      'a missing key': '{"at":1}',
      'too long': `{"id":1,"at":1,"x":"${'x'.repeat(300)}"}`,
      'no event time': '{"id":1,"at":null}',
    },
    file: (records) => records.map((record) => `${record}\n`).join('\n'),
  },
  {
    ending: 'csv',
    read: (path) => csv(path, options),
    good: (id) => `"a\n${'"".'.repeat(id % 3)}",${id},${id}`,
    bad: {
      'too few fields': 'a,1',
      'another type': '"two\nlines",one,1',
      'out of range': 'a,3000000000,1',
      'text behind a quote': '"a"b,1,1',
      'no event time': '"a\nb",1,',
    },
    file: (records) => `note,id,at\r\n${records.map((record) => `${record}\r\n`).join('')}`,
  },
  {
    ending: 'json',
    read: (path) => json(path, options),
    good: (id) => `{"id":${id},\n"at":${id}}`,
    bad: {
      'another type': '{"id":\n"one","at":1}',
      'out of range': '{"id":3000000000,"at":1}',
      'a missing key': '{\n"at":1}',
      'no event time': '{"id":1,\n"at":null}',
    },
    file: (records) => `[${records.join(' ,\n\n ')}]`,
  },
]

const cases = formats.flatMap((format) =>
  Object.keys(format.bad).map((kind) => [format.ending, kind, format] as const),
)

/** Line (from 1) and byte of the n-th record of its kind. */
function placeIn(text: string, record: string): { line: number; byte: number } {
  const index = text.indexOf(record)
  return { line: text.slice(0, index).split('\n').length, byte: Buffer.byteLength(text.slice(0, index)) }
}

describe('the place of a bad row', () => {
  test.each(cases)('of %s, %s, is one in errors and rejected rows', async (ending, kind, format) => {
    const bad = format.bad[kind] as string
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 5 }),
        fc.constantFrom('', '.gz', '.zst'),
        fc.constantFrom(1, 3, 4096),
        async (before, behind, packing, batchRows) => {
          const records = Array.from({ length: before + behind + 1 }, (_, id) =>
            id === before ? bad : format.good(id),
          )
          const text = format.file(records)
          const name = `in/a.${ending}${packing}`
          const bytes = await packed(text, packing)
          const place = { file: name, ...placeIn(text, bad) }
          const { error } = await copyOn(hostWith({ [name]: bytes }), format.read('in'), {
            eventTime: 'at',
            batchRows,
          })
          expect(error?.place).toMatchObject(place)
          const asked = { eventTime: 'at', onMissing: 'reject', reject: true, batchRows } as const
          const { rejected, rows } = await copyOn(hostWith({ [name]: bytes }), format.read('in'), asked)
          expect(rejected).toMatchObject([place])
          expect(rows).toHaveLength(before + behind)
        },
      ),
      { numRuns: 12 },
    )
  })

  test('in a part of a file has its byte, and its line where the part begins the file', async () => {
    const [format] = formats as [Format]
    const text = format.file(
      Array.from({ length: 60 }, (_, id) => (id % 20 === 10 ? '{"id":1,"at":null}' : format.good(id))),
    )
    const asked = { eventTime: 'at', onMissing: 'reject', reject: true } as const
    const { rejected } = await copyOn(hostWith({ 'in/a.ndjson': text }), format.read('in', 300), asked)
    const bytes = [...text.matchAll(/\{"id":1,"at":null\}/g)].map(({ index }) => index)
    expect(rejected.map(({ byte }) => byte)).toEqual(bytes)
    expect(rejected.map(({ line }) => line)).toEqual([placeIn(text, '{"id":1,"at":null}').line, null, null])
  })

  test('of Parquet is its row', async () => {
    const Loose = schema({ id: t.int64(), at: t.timestamp('ms').nullable() })
    const rows = Array.from({ length: 25 }, (_, id) => ({
      id: id === 7 ? 3_000_000_000 : id,
      at: id === 17 ? null : id,
    }))
    const bytes = fileBytes(parquetFormat({ rowGroupRows: 10 }), Loose, [batchOfRows(Loose, rows)])
    const input = parquet('in', { schema: Timed })
    const asked = { eventTime: 'at', onMissing: 'reject', reject: true, batchRows: 4 } as const
    const { rejected } = await copyOn(hostWith({ 'in/a.parquet': bytes }), input, asked)
    expect(rejected.map(({ file, line, byte }) => [file, line, byte])).toEqual([
      ['in/a.parquet', 8, null],
      ['in/a.parquet', 18, null],
    ])
    const failed = await copyOn(hostWith({ 'in/a.parquet': bytes }), input, { eventTime: 'at', reject: true })
    expect(failed.error?.place).toMatchObject({ file: 'in/a.parquet', row: 18, column: 'at' })
  })
})

async function packed(text: string, packing: '' | '.gz' | '.zst'): Promise<string | Uint8Array> {
  if (packing === '') return text
  const stream = createNodeHost().compression.compressor(packing === '.gz' ? 'gzip' : 'zstd')
  return Buffer.concat([Buffer.from(await stream.push(Buffer.from(text))), await stream.end()])
}
