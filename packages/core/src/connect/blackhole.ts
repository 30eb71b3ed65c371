/**
 * A sink that counts rows and keeps none: for benchmarks, and for pipelines run for their side outputs.
 *
 * It takes every column of its input, so nothing upstream may leave out work because the rows go nowhere.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import type { Json } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { Sink } from './sink.ts'

/** What a task counted in an epoch. */
export interface CountCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly epoch: number
  readonly task: number
  readonly rows: number
}

/**
 * Counts rows and drops them.
 *
 * @example
 * ```ts in-pipeline
 * flights.write('nowhere', blackhole())
 * ```
 */
export function blackhole(): Sink<CountCommittable> {
  return {
    description: { connector: 'blackhole', options: {} },
    accepts: 'retract',
    async open(context) {
      const committed = new Set<string>()
      return {
        async writer(task) {
          let rows = 0
          let before = 0
          const sealed = new Map<number, number>()
          return {
            write(batch: Batch) {
              assert(
                batch.columns.length === context.schema.fields.length,
                'a batch lacks columns of the sink',
              )
              rows += rowCount(batch)
            },
            seal(epoch) {
              sealed.set(epoch, rows - before)
              before = rows
            },
            async prepare(epoch) {
              const count = sealed.get(epoch) ?? 0
              sealed.delete(epoch)
              return count === 0 ? undefined : { v: 1, epoch, task, rows: count }
            },
            written: () => ({ rows, bytes: 0 }),
            close: async () => undefined,
          }
        },
        holdsBack: () => false,
        async commit(committables) {
          return committables.map(({ epoch, task, rows }) => {
            const name = `${epoch}/${task}`
            if (committed.has(name)) return { kind: 'already-committed' }
            committed.add(name)
            return { kind: 'committed', rows }
          })
        },
        sweep: async () => undefined,
        finish: async () => undefined,
        close: async () => undefined,
      }
    },
  }
}
