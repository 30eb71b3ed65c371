/**
 * A sink that keeps rows in memory: what a test looks at. Only committed rows show.
 */
import { batchToRows } from '../data/read-value.ts'
import type { Json } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { CommitOutcome, OpenSink, Sink, SinkContext } from './sink.ts'

/** Names what a task prepared; the rows themselves stay in the sink. */
export interface MemoryCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly id: string
  readonly rows: number
}

/** A sink whose rows can be looked at. */
export interface MemorySink<Row = { readonly [column: string]: unknown }> extends Sink<MemoryCommittable> {
  /** Committed rows, in order of their commits. */
  readonly rows: readonly Row[]
}

interface Prepared {
  readonly owner: string
  readonly attempt: number
  readonly rows: readonly object[]
}

interface Store {
  readonly prepared: Map<string, Prepared>
  committed: { readonly id: string; readonly owner: string; readonly rows: readonly object[] }[]
}

/**
 * Collects rows in memory.
 *
 * @example
 * ```ts in-pipeline
 * const seen = memorySink<{ origin: string }>()
 * flights.write('seen', seen)
 * ```
 */
export function memorySink<Row = { readonly [column: string]: unknown }>(): MemorySink<Row> {
  const store: Store = { prepared: new Map(), committed: [] }
  return {
    description: { connector: 'memory', options: {} },
    accepts: 'append',
    get rows() {
      return store.committed.flatMap(({ rows }) => rows) as Row[]
    },
    async open(context) {
      const owner = `${context.lineage}/${context.step}`
      if (context.outputMode === 'refuse' && store.committed.some((other) => other.owner !== owner)) {
        throw new MillraceError('output/exists', {
          what: 'the sink in memory holds rows of another run',
          hint: 'use a new sink, or the output mode overwrite or append',
        })
      }
      return openMemory(store, owner, context)
    },
  }
}

function openMemory(store: Store, owner: string, context: SinkContext): OpenSink<MemoryCommittable> {
  const { attempt, outputMode } = context
  return {
    async writer(task) {
      let pending: object[] = []
      let written = 0
      const sealed = new Map<number, readonly object[]>()
      return {
        write(batch) {
          for (const row of batchToRows(batch)) pending.push(row)
        },
        seal(epoch) {
          if (pending.length > 0) sealed.set(epoch, pending)
          written += pending.length
          pending = []
        },
        async prepare(epoch) {
          const rows = sealed.get(epoch)
          if (rows === undefined) return undefined
          sealed.delete(epoch)
          const id = `${owner}/${attempt}/${epoch}/${task}`
          store.prepared.set(id, { owner, attempt, rows })
          return { v: 1, id, rows: rows.length }
        },
        written: () => ({ rows: written + pending.length, bytes: 0 }),
        async close() {
          pending = []
          sealed.clear()
        },
      }
    },
    commit: async (committables) => committables.map((committable) => commitOne(store, committable)),
    async sweep(keep) {
      const named = new Set(keep.map(({ id }) => id))
      for (const [id, prepared] of store.prepared) {
        const isOlder = prepared.owner !== owner || prepared.attempt < attempt
        if (isOlder && !named.has(id)) store.prepared.delete(id)
      }
    },
    async finish() {
      if (outputMode === 'overwrite')
        store.committed = store.committed.filter((other) => other.owner === owner)
    },
    close: async () => undefined,
  }
}

function commitOne(store: Store, { id }: MemoryCommittable): CommitOutcome {
  if (store.committed.some((other) => other.id === id)) return { kind: 'already-committed' }
  const prepared = store.prepared.get(id)
  if (prepared === undefined) return { kind: 'lost', reason: `the rows "${id}" are not in memory any more` }
  store.prepared.delete(id)
  store.committed.push({ id, owner: prepared.owner, rows: prepared.rows })
  return { kind: 'committed', rows: prepared.rows.length }
}
