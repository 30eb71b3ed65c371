import { describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import { csv as csvFormat } from '../../../src/connect/formats/csv/csv.ts'
import { json as jsonFormat } from '../../../src/connect/formats/json/json.ts'
import { ndjson as ndjsonFormat } from '../../../src/connect/formats/json/ndjson.ts'
import { parquet as parquetFormat } from '../../../src/connect/formats/parquet/index.ts'
import { csv, json, ndjson, parquet } from '../../../src/connect/files/index.ts'
import type { FileDataset, FileOptions } from '../../../src/connect/files/index.ts'
import type { Format } from '../../../src/connect/format.ts'
import { createManualHost, sinkConformance, sourceConformance } from '../../../src/testing/index.ts'
import { encodeRows, readSource } from './file-fixtures.ts'

const tools = { describe, test, expect }

const Item = schema({
  id: t.int32(), name: t.string().nullable(), big: t.int64(), price: t.float64(), day: t.string(),
}) // prettier-ignore

interface Row {
  readonly id: number
  readonly name: string | null
  readonly big: number
  readonly price: number
  readonly day: string
}

const item = (n: number): Row => ({
  id: n,
  name: n % 5 === 3 ? null : n % 7 === 2 ? 'with "quotes",\nlines and ünïcödé' : `item ${n}`,
  big: n * 2 ** 40,
  price: n / 4,
  day: `2001-01-0${1 + (n % 3)}`,
})
const items = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, n) => item(from + n))

type MakeDataset = (
  path: string,
  options: Omit<FileOptions<Row>, 'compression'> & { readonly schema: typeof Item },
) => FileDataset<Row>

const formats: readonly { readonly name: string; readonly format: Format; readonly dataset: MakeDataset }[] =
  [
    { name: 'NDJSON', format: ndjsonFormat(), dataset: (path, options) => ndjson<Row>(path, options) },
    {
      name: 'CSV',
      format: csvFormat({ nulls: ['', 'null'] }),
      dataset: (path, options) => csv<Row>(path, { ...options, nulls: ['', 'null'] }),
    },
    { name: 'JSON', format: jsonFormat(), dataset: (path, options) => json<Row>(path, options) },
    {
      name: 'Parquet',
      format: parquetFormat({ rowGroupRows: 5 }),
      dataset: (path, options) => parquet<Row>(path, options),
    },
  ]

describe('files pass the conformance suites:', () => {
  for (const { name, format, dataset } of formats) {
    const ending = format.extensions[0] as string

    sourceConformance(tools, {
      name: `${name} files`,
      bounded: async () => {
        const host = createManualHost()
        host.files.put(`in/a.${ending}`, encodeRows(format, Item, items(0, 11)))
        host.files.put(`in/b.${ending}`, encodeRows(format, Item, []))
        host.files.put(`in/c.${ending}`, encodeRows(format, Item, items(11, 18)))
        return { host, source: dataset('in', { schema: Item }).toSource(), rows: items(0, 18) }
      },
      unbounded: async () => {
        const host = createManualHost()
        host.files.put(`in/a.${ending}`, encodeRows(format, Item, items(0, 5)))
        return {
          host,
          source: dataset('in', { schema: Item }).toSource(),
          rows: items(0, 5),
          more: async () => {
            host.files.put(`in/b.${ending}`, encodeRows(format, Item, items(5, 8)))
            host.files.put(`in/c.${ending}`, encodeRows(format, Item, items(8, 9)))
            return items(0, 9)
          },
          wait: () => host.advance(500),
        }
      },
    })

    sourceConformance(tools, {
      name: `${name} files in partition folders`,
      bounded: async () => {
        const host = createManualHost()
        const inFile = { fields: Item.fields.filter((field) => field.name !== 'day') }
        const rows: Row[] = []
        for (const day of ['2001-01-01', '2001-01-02', '2001-01-03']) {
          const own = items(0, 9).filter((row) => row.day === day)
          host.files.put(`in/day=${day}/x.${ending}`, encodeRows(format, inFile, own))
          rows.push(...own)
        }
        return { host, source: dataset('in', { schema: Item }).toSource(), rows }
      },
    })

    sourceConformance(tools, {
      name: `${name} files in parts`,
      bounded: async () => {
        const host = createManualHost()
        host.files.put(`in/a.${ending}`, encodeRows(format, Item, items(0, 23)))
        return {
          host,
          source: dataset('in', { schema: Item, splitBytes: 300 }).toSource(),
          rows: items(0, 23),
        }
      },
    })

    sinkConformance(tools, {
      name: `${name} output`,
      setup: async () => {
        const host = createManualHost()
        return {
          host,
          sink: () => dataset('out', { schema: Item, roll: 'epoch' }).toSink(),
          schema: Item,
          row: item,
          visible: async () => readOutput(host, dataset),
        }
      },
    })

    sinkConformance(tools, {
      name: `${name} output in partition folders`,
      setup: async () => {
        const host = createManualHost()
        return {
          host,
          sink: () =>
            dataset('out', { schema: Item, roll: 'epoch', partitionBy: ['day'], openFilesMax: 2 }).toSink(),
          schema: Item,
          row: item,
          visible: async () => readOutput(host, dataset),
        }
      },
    })
  }

  async function readOutput(
    host: ReturnType<typeof createManualHost>,
    dataset: MakeDataset,
  ): Promise<object[]> {
    if (!host.files.paths('out').some((path) => !path.includes('/_'))) return []
    return readSource(host, dataset('out', { schema: Item }).toSource())
  }

  for (const compression of ['gzip', 'zstd'] as const) {
    const ending = compression === 'gzip' ? 'gz' : 'zst'
    for (const { name, dataset, compressed } of [
      {
        name: 'NDJSON',
        dataset: (path: string) => ndjson<Row>(path, { schema: Item }),
        compressed: ndjson<Row>('out', { schema: Item, compression, roll: 'epoch' }),
      },
      {
        name: 'JSON',
        dataset: (path: string) => json<Row>(path, { schema: Item }),
        compressed: json<Row>('out', { schema: Item, compression, roll: 'epoch' }),
      },
    ]) {
      sourceConformance(tools, {
        name: `${name} files in ${compression}`,
        bounded: async () => {
          const host = createManualHost()
          const format = name === 'JSON' ? jsonFormat() : ndjsonFormat()
          const compressor = host.compression.compressor(compression)
          const head = Uint8Array.from(await compressor.push(encodeRows(format, Item, items(0, 15))))
          host.files.put(
            `in/a.${format.extensions[0]}.${ending}`,
            Buffer.concat([head, await compressor.end()]),
          )
          return { host, source: dataset('in').toSource(), rows: items(0, 15) }
        },
      })

      sinkConformance(tools, {
        name: `${name} output in ${compression}`,
        setup: async () => {
          const host = createManualHost()
          return {
          host, schema: Item, row: item,
          sink: () => compressed.toSink(),
          visible: () => readOutput(host, (path) => dataset(path)),
        } // prettier-ignore
        },
      })
    }
  }

  sourceConformance(tools, {
    name: 'followed lines',
    unbounded: async () => {
      const host = createManualHost()
      const text = (from: number, to: number): string =>
        Buffer.from(encodeRows(ndjsonFormat(), Item, items(from, to))).toString()
      host.files.put('in/a.ndjson', text(0, 3))
      host.files.put('in/b.ndjson', '')
      return {
        host,
        source: ndjson<Row>('in', { schema: Item, follow: 'lines' }).toSource(),
        rows: items(0, 3),
        more: async () => {
          host.files.append('in/a.ndjson', text(3, 5))
          host.files.append('in/b.ndjson', text(5, 6))
          host.files.put('in/c.ndjson', text(6, 7))
          return items(0, 7)
        },
        wait: () => host.advance(500),
      }
    },
  })
})
