/**
 * Latency of a stateless step and memory over time: an open loop of 200,000 rows per second by the clock.
 */
import { performance } from 'node:perf_hooks'
import { pipeline, sql } from 'millrace'
import { nexmarkSchemas } from 'millrace/connect'
import type { Sink, Source } from 'millrace/connect'
import { rowCount } from 'millrace/data'
import type { Batch } from 'millrace/data'
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import type { BenchCase, CaseRun } from '../case.ts'
import { pacedBids } from '../paced-bids.ts'

const RATE = 200_000

/** Records, for every row, how long after it was due it reached the sink. */
function latencySink(latencies: Float64Array, taken: { count: number }): Sink {
  return {
    description: { connector: 'latency', options: {} },
    accepts: 'append',
    open: async () => ({
      writer: async () => ({
        write(batch: Batch) {
          const now = performance.timeOrigin + performance.now()
          const due = batch.eventTime as Float64Array
          const rows = rowCount(batch)
          for (let n = 0; n < rows; n++) {
            const row = batch.selection === undefined ? n : (batch.selection[n] as number)
            latencies[taken.count++ % latencies.length] = now - (due[row] as number)
          }
        },
        seal: () => undefined,
        prepare: async () => undefined,
        written: () => ({ rows: taken.count, bytes: 0 }),
        close: async () => undefined,
      }),
      commit: async () => [],
      sweep: async () => undefined,
      finish: async () => undefined,
      close: async () => undefined,
    }),
  }
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number
}

async function steady(seconds: number): Promise<CaseRun> {
  // Filled, so that its memory is there before the first look at it.
  const latencies = new Float64Array(RATE * Math.min(seconds, 30)).fill(0)
  const taken = { count: 0 }
  const source: Source = pacedBids({ rate: RATE, seconds, schema: nexmarkSchemas.bid })
  const built = pipeline('latency', (p) =>
    p
      .read('bids', source as Source<{ auction: number; price: number }>, { eventTime: 'dateTime' as never })
      .filter('all', sql`auction > 0`)
      .write('out', latencySink(latencies, taken)),
  ).build()
  const memory: number[] = []
  const sampling = setInterval(() => memory.push(process.memoryUsage().rss / 2 ** 20), 1000)
  await new Job(built, { host: createNodeHost(), mode: 'continuous' }).run()
  clearInterval(sampling)
  // The first two seconds warm up.
  const kept = latencies
    .subarray(Math.min(2 * RATE, taken.count / 2), Math.min(taken.count, latencies.length))
    .slice()
    .sort()
  const third = Math.max(1, Math.floor(memory.length / 3))
  const mean = (values: readonly number[]): number =>
    values.reduce((a, b) => a + b, 0) / Math.max(1, values.length)
  return {
    units: taken.count,
    rowsOut: taken.count,
    extra: {
      p50Ms: quantile(kept, 0.5),
      p99Ms: quantile(kept, 0.99),
      p999Ms: quantile(kept, 0.999),
      memoryFirstThirdMb: mean(memory.slice(0, third)),
      memoryLastThirdMb: mean(memory.slice(-third)),
    },
  }
}

export const latencyCases: readonly BenchCase[] = [
  {
    name: 'latency',
    about: 'p99 latency of a stateless step at 200,000 rows per second, 10 s',
    unit: 'rows',
    run: (scale) => steady(Math.ceil(10 * scale)),
  },
  {
    name: 'memory-10min',
    about: 'memory over ten minutes at 200,000 rows per second',
    unit: 'rows',
    long: true,
    run: (scale) => steady(Math.ceil(600 * scale)),
  },
]
