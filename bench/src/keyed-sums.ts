/**
 * Sums by key in a window that does not close: its state is what there is. Its source makes batches as they are asked for
 * and then has nothing more for ever, so that what a process holds is the state.
 */
import { pipeline, schema, t, tumbling } from 'millrace'
import type { Pipeline } from 'millrace'
import { blackhole } from 'millrace/connect'
import type { Source } from 'millrace/connect'
import { makeBatch } from 'millrace/data'
import type { Batch, Column, RowOf } from 'millrace/data'

/** Rows of a batch. */
export const BATCH_ROWS = 4096

const Reading = schema({ key: t.int32(), at: t.timestamp('ms'), value: t.float64() })

/** What the source has, batch by batch. */
export interface Readings {
  readonly batches: number
  batch(n: number): Batch
  /** Told of every batch that is read. */
  readonly onRead?: (n: number) => void
}

/** A batch of readings of the keys that are named. */
export function readingsOf(keyOf: (row: number) => number): Batch {
  const keys = new Int32Array(BATCH_ROWS)
  const times = new Float64Array(BATCH_ROWS)
  const values = new Float64Array(BATCH_ROWS)
  for (let row = 0; row < BATCH_ROWS; row++) {
    keys[row] = keyOf(row)
    times[row] = 1000 + (row % 1000)
    values[row] = row
  }
  const columns = [keys, times, values].map((column, at) => ({
    layout: 'fixed',
    type: Reading.fields[at]?.type,
    values: column,
    validity: undefined,
  })) as Column[]
  return makeBatch(Reading, columns, BATCH_ROWS)
}

/** Every key once, as many as there are batches of. */
export function everyKey(keys: number): Readings {
  const batches = Math.ceil(keys / BATCH_ROWS)
  return { batches, batch: (n) => readingsOf((row) => (n * BATCH_ROWS + row) % keys) }
}

function readings({ batches, batch, onRead }: Readings): Source<RowOf<typeof Reading>, number> {
  const forEver = new Promise<void>(() => undefined)
  return {
    description: { connector: 'readings', options: {} },
    schema: Reading,
    supports: ['unbounded'],
    enumerate: async () => {
      let found = false
      return {
        async next() {
          const splits = found ? [] : [{ id: '0', detail: 0 }]
          found = true
          return { splits, done: true }
        },
        close: async () => undefined,
      }
    },
    async open(_split, from = 0) {
      let at = from
      return {
        read() {
          if (at >= batches) return { kind: 'idle', until: forEver }
          onRead?.(at)
          return { kind: 'batch', batch: batch(at++) }
        },
        position: () => at,
        bytesRead: () => 0,
        close: async () => undefined,
      }
    },
  }
}

/** Counts and sums the readings of each key. */
export function keyedSums(input: Readings): Pipeline {
  return pipeline('sums', (p) =>
    p
      .read('readings', readings(input), { eventTime: 'at' })
      .keyBy('by-key', 'key')
      .window(tumbling('1 day'))
      .aggregate('sums', (a) => ({ readings: a.count(), total: a.sum('value') }))
      .write('out', blackhole()),
  )
}
