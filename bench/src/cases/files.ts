/**
 * Files in and out: five million bids as NDJSON or CSV, filtered, counted, and written again; and the naive programs.
 */
import { pipeline, sql, tumbling } from 'millrace'
import type { Pipeline, Stream } from 'millrace'
import { nexmarkSchemas } from 'millrace/connect'
import type { NexmarkBid } from 'millrace/connect'
import { schema as rowsOf, t } from 'millrace/data'
import { csv, ndjson, parquet } from 'millrace/files'
import { outputPath } from '../bench-folder.ts'
import type { Answers, BenchCase, CaseRun, DataSet } from '../case.ts'
import { fileOf } from '../data-files.ts'
import { digestSink, RowDigest } from '../row-digest.ts'
import { runPipeline } from '../run-pipeline.ts'
import { bytesDigest, naiveFilter, naiveWindow } from './naive.ts'

const eventTime = { column: 'dateTime', disorder: '2 s' } as const
const schema = nexmarkSchemas.bid

type Builder = Parameters<Parameters<typeof pipeline>[1]>[0]

function fromNdjson(
  name: string,
  rest: (bids: Stream<NexmarkBid>) => void,
  set: DataSet = 'bids-ndjson',
): Pipeline {
  return pipeline(name, (p) => rest(p.read('bids', ndjson(fileOf(set), { schema }), { eventTime })))
}

async function run(built: Pipeline, answers: () => Promise<Answers>): Promise<CaseRun> {
  const progress = await runPipeline(built, { outputMode: 'overwrite' })
  return { units: progress.rowsIn, rowsOut: progress.rowsOut, answers }
}

const counted = (bids: Stream<NexmarkBid>) =>
  bids
    .keyBy('by-auction', 'auction')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))

/** Reads what a case wrote and digests it, column by column of the source. */
async function digestOf<Row>(read: (p: Builder) => Stream<Row>): Promise<string> {
  const digest = new RowDigest()
  await runPipeline(pipeline('look', (p) => read(p).write('digest', digestSink(digest))))
  return `${digest}`
}

const counts = { schema: rowsOf({ auction: t.int64(), windowStart: t.timestamp(), bids: t.int64() }) }
const projection = {
  schema: rowsOf({
    auction: t.int64(),
    bidder: t.int64(),
    price: t.float64(),
    channel: t.string(),
    dateTime: t.timestamp(),
  }),
}

const duckdb = (rate: number) => ({ name: 'DuckDB 2.0', rate })
const spark = (rate: number) => ({ name: 'Spark 4.2 batch', rate })

export const fileCases: readonly BenchCase[] = [
  {
    name: 'ndjson-window-parquet',
    about: '5 M bids as NDJSON, count by auction and 10 s window, to Parquet',
    unit: 'rows',
    fixed: true,
    goal: 1 / 0.36,
    peers: [duckdb(1 / 0.36), spark(1 / 5.7)],
    needs: ['bids-ndjson'],
    run: () =>
      run(
        fromNdjson('window', (bids) =>
          counted(bids).write('out', parquet(outputPath('ndjson-window'), { compression: 'snappy' })),
        ),
        async () => ({
          window: await digestOf((p) => p.read('rows', parquet(outputPath('ndjson-window'), counts))),
        }),
      ),
  },
  {
    name: 'ndjson-parquet',
    about: '5 M bids as NDJSON, filter and five columns, to Parquet with snappy',
    unit: 'rows',
    fixed: true,
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
        async () => ({
          projection: await digestOf((p) =>
            p.read('rows', parquet(outputPath('ndjson-parquet'), projection)),
          ),
        }),
      ),
  },
  {
    name: 'ndjson-ndjson',
    about: '5 M bids as NDJSON of 230 bytes a line, filter, to NDJSON',
    unit: 'rows',
    fixed: true,
    goal: 2,
    needs: ['long-bids-ndjson'],
    run: () =>
      run(
        fromNdjson(
          'filter',
          (bids) =>
            bids
              .filter('dear', sql`price > 10000`)
              .write('out', ndjson(outputPath('ndjson-ndjson'), { timestamps: 'epoch' })),
          'long-bids-ndjson',
        ),
        async () => ({ filter: await bytesDigest(outputPath('ndjson-ndjson')) }),
      ),
  },
  {
    name: 'csv-window-csv',
    about: '5 M bids as CSV, count by auction and 10 s window, to CSV',
    unit: 'rows',
    fixed: true,
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
        async () => ({
          window: await digestOf((p) => p.read('rows', csv(outputPath('csv-window'), counts))),
        }),
      ),
  },
  {
    name: 'naive-window',
    about: 'the same count with JSON.parse, objects and a Map',
    unit: 'rows',
    fixed: true,
    needs: ['bids-ndjson'],
    run: naiveWindow,
  },
  {
    name: 'naive-filter',
    about: 'the same filter to NDJSON with JSON.parse and JSON.stringify',
    unit: 'rows',
    fixed: true,
    needs: ['long-bids-ndjson'],
    run: naiveFilter,
  },
]
