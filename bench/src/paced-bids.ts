/**
 * Bids that become due by the clock: row i at start + i / rate. Event time is the moment at which a row was due, so
 * that a sink can tell how late it got it.
 */
import { performance } from 'node:perf_hooks'
import { nexmark } from 'millrace/connect'
import type { ReadResult, Source } from 'millrace/connect'
import type { Schema } from 'millrace/data'

/** Milliseconds between looks at the clock while nothing is due. */
const POLL_MS = 1

/** A source of `rate` bids per second for `seconds`. */
export function pacedBids(options: {
  readonly rate: number
  readonly seconds: number
  readonly schema: Schema
}): Source {
  const { rate, seconds, schema } = options
  const rows = rate * seconds
  return {
    description: { connector: 'paced-bids', options: { rate, seconds } },
    schema,
    supports: ['unbounded'],
    enumerate: async () => ({
      next: async () => ({ splits: [{ id: '0', detail: 0 }], done: true }),
      close: async () => undefined,
    }),
    async open(split, _from, context) {
      const events = nexmark('bid', { events: Math.ceil((rows * 50) / 46) + 50 })
      const reader = await events.open({ id: split.id, detail: 0 }, undefined, context)
      const start = performance.timeOrigin + performance.now()
      const eventTime = new Float64Array(65_536)
      let taken = 0
      return {
        read(rowsMax): ReadResult {
          if (taken >= rows) return { kind: 'end' }
          const now = performance.timeOrigin + performance.now()
          const count = Math.min(rowsMax, Math.floor(((now - start) * rate) / 1000) - taken, rows - taken)
          if (count <= 0) {
            const until = new Promise<void>((resolve) => {
              context.host.timers.set(POLL_MS, resolve)
            })
            return { kind: 'idle', until }
          }
          const result = reader.read(count) as ReadResult
          if (result.kind !== 'batch') return result
          for (let i = 0; i < result.batch.length; i++) eventTime[i] = start + ((taken + i) * 1000) / rate
          taken += result.batch.length
          return { kind: 'batch', batch: { ...result.batch, eventTime } }
        },
        position: () => ({ v: 1, taken }),
        bytesRead: () => 0,
        close: () => reader.close(),
      }
    },
  }
}
