/**
 * Files in and out: five million bids as NDJSON or CSV, filtered, counted, and written again; and the naive programs.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline, sql, tumbling } from 'millrace'
import type { Pipeline, Stream } from 'millrace'
import { nexmarkSchemas } from 'millrace/connect'
import type { NexmarkBid } from 'millrace/connect'
import { csv, ndjson, parquet } from 'millrace/files'
import { outputPath } from '../bench-folder.ts'
import type { BenchCase, CaseRun } from '../case.ts'
import { fileOf } from '../make-data.ts'
import { runPipeline } from '../run-pipeline.ts'

const eventTime = { column: 'dateTime', disorder: '2 s' } as const
const schema = nexmarkSchemas.bid

function fromNdjson(name: string, rest: (bids: Stream<NexmarkBid>) => void): Pipeline {
  return pipeline(name, (p) => rest(p.read('bids', ndjson(fileOf('bids-ndjson'), { schema }), { eventTime })))
}

async function run(built: Pipeline): Promise<CaseRun> {
  const progress = await runPipeline(built, { outputMode: 'overwrite' })
  return { units: progress.rowsIn, rowsOut: progress.rowsOut }
}

const counted = (bids: Stream<NexmarkBid>) =>
  bids
    .keyBy('by-auction', 'auction')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))

/** What one would write without any of this: JSON.parse, objects, a Map, JSON.stringify. */
async function naiveWindow(): Promise<CaseRun> {
  const out = createWriteStream(join(outputPath('naive-window'), 'out.ndjson'))
  const windows = new Map<number, Map<number, number>>()
  let rows = 0
  for await (const line of createInterface({ input: createReadStream(fileOf('bids-ndjson')) })) {
    const bid = JSON.parse(line) as NexmarkBid
    const start = bid.dateTime - (bid.dateTime % 10_000)
    let window = windows.get(start)
    if (window === undefined) windows.set(start, (window = new Map()))
    window.set(bid.auction, (window.get(bid.auction) ?? 0) + 1)
    rows++
  }
  let rowsOut = 0
  for (const [windowStart, window] of windows) {
    for (const [auction, bids] of window) {
      rowsOut++
      if (!out.write(`${JSON.stringify({ auction, windowStart, bids })}\n`)) await once(out, 'drain')
    }
  }
  out.end()
  await once(out, 'finish')
  return { units: rows, rowsOut }
}

async function naiveFilter(): Promise<CaseRun> {
  const out = createWriteStream(join(outputPath('naive-filter'), 'out.ndjson'))
  let rows = 0
  let rowsOut = 0
  for await (const line of createInterface({ input: createReadStream(fileOf('bids-ndjson')) })) {
    const bid = JSON.parse(line) as NexmarkBid
    rows++
    if (bid.price <= 10_000) continue
    rowsOut++
    if (!out.write(`${JSON.stringify(bid)}\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'finish')
  return { units: rows, rowsOut }
}

const duckdb = (rate: number) => ({ name: 'DuckDB 2.0', rate })
const spark = (rate: number) => ({ name: 'Spark 4.2 batch', rate })

export const fileCases: readonly BenchCase[] = [
  {
    name: 'ndjson-window-parquet',
    about: '5 M bids as NDJSON, count by auction and 10 s window, to Parquet',
    unit: 'rows',
    goal: 1 / 0.36,
    peers: [duckdb(1 / 0.36), spark(1 / 5.7)],
    needs: ['bids-ndjson'],
    run: () =>
      run(
        fromNdjson('window', (bids) =>
          counted(bids).write('out', parquet(outputPath('ndjson-window'), { compression: 'snappy' })),
        ),
      ),
  },
  {
    name: 'ndjson-parquet',
    about: '5 M bids as NDJSON, filter and five columns, to Parquet with snappy',
    unit: 'rows',
    goal: 1 / 1.2,
    peers: [duckdb(1 / 0.59), spark(1 / 5.2)],
    needs: ['bids-ndjson'],
    run: () =>
      run(
        fromNdjson('filter', (bids) =>
          bids
            .filter('dear', sql`price > 10000`)
            .select('columns', {
              auction: 'auction',
              bidder: 'bidder',
              price: sql.number`CAST(price AS double precision) * 0.908::double precision`,
              channel: 'channel',
              dateTime: 'dateTime',
            })
            .write('out', parquet(outputPath('ndjson-parquet'), { compression: 'snappy' })),
        ),
      ),
  },
  {
    name: 'ndjson-ndjson',
    about: '5 M bids as NDJSON, filter, to NDJSON',
    unit: 'rows',
    goal: 2,
    needs: ['bids-ndjson'],
    run: () =>
      run(
        fromNdjson('filter', (bids) =>
          bids.filter('dear', sql`price > 10000`).write('out', ndjson(outputPath('ndjson-ndjson'))),
        ),
      ),
  },
  {
    name: 'csv-window-csv',
    about: '5 M bids as CSV, count by auction and 10 s window, to CSV',
    unit: 'rows',
    goal: 1.5,
    needs: ['bids-csv'],
    run: () =>
      run(
        pipeline('csv', (p) =>
          counted(p.read('bids', csv(fileOf('bids-csv'), { schema }), { eventTime })).write(
            'out',
            csv(outputPath('csv-window')),
          ),
        ),
      ),
  },
  {
    name: 'naive-window',
    about: 'the same count with JSON.parse, objects and a Map',
    unit: 'rows',
    needs: ['bids-ndjson'],
    run: naiveWindow,
  },
  {
    name: 'naive-filter',
    about: 'the same filter with JSON.parse and JSON.stringify',
    unit: 'rows',
    needs: ['bids-ndjson'],
    run: naiveFilter,
  },
]
