/**
 * A sink that keeps rows in memory: what a test looks at. Only committed rows show.
 */
import { batchToRows } from '../data/read-value.ts'
import type { Json } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { CommitOutcome, OpenSink, SinkContext, SinkOf } from './sink.ts'

/** Names what a task prepared; the rows themselves stay in the sink. */
export interface MemoryCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly id: string
  readonly rows: number
}

/** What one task committed of one epoch. */
export interface MemoryCommit<Row = { readonly [column: string]: unknown }> {
  readonly lineage: string
  readonly step: string
  readonly epoch: number
  readonly task: number
  readonly attempt: number
  readonly rows: readonly Row[]
}

/** What a sink in memory takes: rows of its type, or, when it was given none, any. */
export type MemoryRow<Row> = { readonly [column: string]: unknown } extends Row ? unknown : Row

/** A sink whose rows can be looked at. */
export interface MemorySink<Row = { readonly [column: string]: unknown }> extends SinkOf<
  MemoryRow<Row>,
  MemoryCommittable
> {
  /** Committed rows, in order of their commits. */
  readonly rows: readonly Row[]
  /** The same with where they come from. */
  readonly commits: readonly MemoryCommit<Row>[]
  /** Commits of a task's epoch that another attempt had committed before: rows that show twice. 0 unless the engine errs. */
  readonly duplicates: number
}

type Commit = MemoryCommit<object>

interface Store {
  readonly prepared: Map<string, Commit>
  committed: { readonly id: string; readonly commit: Commit }[]
}

/**
 * Collects rows in memory. With a row type it takes streams of such rows only.
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
      return store.committed.flatMap(({ commit }) => commit.rows) as Row[]
    },
    get commits() {
      return store.committed.map(({ commit }) => commit) as unknown as MemoryCommit<Row>[]
    },
    get duplicates() {
      const names = store.committed.map(({ commit }) => `${ownerOf(commit)}/${commit.epoch}/${commit.task}`)
      return names.length - new Set(names).size
    },
    async open(context) {
      const owner = ownerOf(context)
      const isOthers = store.committed.some(({ commit }) => ownerOf(commit) !== owner)
      if (context.outputMode === 'refuse' && isOthers && context.resumed !== true) {
        throw new MillraceError('output/exists', {
          what: 'the sink in memory holds rows of another run',
          hint: 'use a new sink, or the output mode overwrite or append',
        })
      }
      return openMemory(store, context)
    },
  }
}

function ownerOf({ lineage, step }: { readonly lineage: string; readonly step: string }): string {
  return `${lineage}/${step}`
}

function openMemory(store: Store, context: SinkContext): OpenSink<MemoryCommittable> {
  const { attempt, outputMode, lineage, step } = context
  const owner = ownerOf(context)
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
          store.prepared.set(id, { lineage, step, epoch, task, attempt, rows })
          return { v: 1, id, rows: rows.length }
        },
        written: () => ({ rows: written + pending.length, bytes: 0 }),
        async close() {
          pending = []
          sealed.clear()
        },
      }
    },
    holdsBack: () => false,
    commit: async (committables) => committables.map((committable) => commitOne(store, committable)),
    async sweep(keep) {
      const named = new Set(keep.map(({ id }) => id))
      for (const [id, prepared] of store.prepared) {
        const isOlder = ownerOf(prepared) !== owner || prepared.attempt < attempt
        if (isOlder && !named.has(id)) store.prepared.delete(id)
      }
    },
    async finish() {
      if (outputMode === 'overwrite')
        store.committed = store.committed.filter(({ commit }) => ownerOf(commit) === owner)
    },
    close: async () => undefined,
  }
}

function commitOne(store: Store, { id }: MemoryCommittable): CommitOutcome {
  if (store.committed.some((other) => other.id === id)) return { kind: 'already-committed' }
  const prepared = store.prepared.get(id)
  if (prepared === undefined) return { kind: 'lost', reason: `the rows "${id}" are not in memory any more` }
  store.prepared.delete(id)
  store.committed.push({ id, commit: prepared })
  return { kind: 'committed', rows: prepared.rows.length }
}
