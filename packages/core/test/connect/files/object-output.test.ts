// Files in a bucket pass the suite of sinks, in every form that they have on a disk.
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import { csv, json, ndjson, objectFolder, parquet } from '../../../src/connect/files/index.ts'
import type { FileDataset, FileOptions, OutputPlace } from '../../../src/connect/files/index.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { createManualHost, sinkConformance } from '../../../src/testing/index.ts'
import { SimulatedObjects } from '../../../src/testing/simulated-objects.ts'
import { readSource } from './file-fixtures.ts'

const tools = { describe, test, expect }
const Item = schema({ id: t.int32(), name: t.string().nullable(), price: t.float64(), day: t.string() })

interface Row {
  readonly id: number
  readonly name: string | null
  readonly price: number
  readonly day: string
}

const item = (n: number): Row => ({
  id: n,
  name: n % 5 === 3 ? null : `item ${n}`,
  price: n / 4,
  day: `2001-01-0${1 + (n % 3)}`,
})

type Make = (
  place: string | OutputPlace,
  options: Omit<FileOptions<Row>, 'compression'> & { readonly schema: typeof Item },
) => FileDataset<Row>

const shapes: readonly { readonly name: string; readonly make: Make; readonly holdsBack?: true }[] = [
  { name: 'NDJSON', make: (place, options) => ndjson<Row>(place, { ...options, roll: 'epoch' }) },
  {
    name: 'NDJSON in gzip',
    make: (place, options) => ndjson<Row>(place, { ...options, compression: 'gzip', roll: 'epoch' }),
  },
  {
    name: 'CSV',
    make: (place, options) => csv<Row>(place, { ...options, nulls: ['', 'null'], roll: 'epoch' }),
  },
  { name: 'JSON', make: (place, options) => json<Row>(place, { ...options, roll: 'epoch' }) },
  {
    name: 'Parquet',
    make: (place, options) => parquet<Row>(place, { ...options, rowGroupRows: 5, roll: 'epoch' }),
  },
  {
    name: 'NDJSON in partition folders',
    make: (place, options) =>
      ndjson<Row>(place, { ...options, partitionBy: ['day'], openFilesMax: 2, roll: 'epoch' }),
  },
  {
    name: 'NDJSON in files of several epochs',
    make: (place, options) => ndjson<Row>(place, { ...options, roll: { size: 400 } }),
    holdsBack: true,
  },
]

describe('files in a bucket pass the suite of sinks:', () => {
  for (const { name, make, holdsBack } of shapes)
    sinkConformance(tools, {
      name,
      ...(holdsBack === undefined ? {} : { holdsBack }),
      setup: async () => {
        const objects = new SimulatedObjects({ pageSize: 50 })
        const place = objectFolder(objects.client(), { prefix: 'reports/orders', partBytes: 1000 })
        return {
          host: createNodeHost(),
          sink: () => make(place, { schema: Item }).toSink(),
          schema: Item,
          row: item,
          visible: () => visibleIn(objects, make),
        }
      },
    })
})

/** The rows of all objects that are not hidden, read as files. */
async function visibleIn(objects: SimulatedObjects, make: Make): Promise<readonly object[]> {
  const host = createManualHost()
  const shown = objects.contents().filter(([key]) => !key.includes('/_'))
  for (const [key, bytes] of shown) host.files.put(key.replace('reports/orders', 'out'), bytes)
  return shown.length === 0 ? [] : readSource(host, make('out', { schema: Item }).toSource())
}
