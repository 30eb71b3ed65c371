/**
 * The sink that stands in for one of the pipeline: keeps every change that reached it, and tells what is committed.
 *
 * It commits in two phases like a sink of files, and survives the processes that write to it: what an epoch prepared is
 * there for the process that commits it again. Invariant (tests quote it):
 *  DS1  After a crash only what was committed shows, until rows come again.
 */
import { rowCount, rowIndex } from '../../data/batch.ts'
import { batchToRows } from '../../data/read-value.ts'
import type { Json, Schema } from '../../data/type.ts'
import type { CommitOutcome, OpenSink, Sink, SinkContext } from '../../connect/sink.ts'

/** A row that came, or that was taken back. */
export interface Change<Row = { readonly [column: string]: unknown }> {
  readonly row: Row
  /** 1: the row came; −1: it was taken back. */
  readonly weight: number
}

/** A change with its place among all that reached the sink. */
interface ArrivedChange extends Change {
  readonly number: number
}

/** A moment in the life of an epoch at which a test can kill the process. */
export type CrashPoint = 'prepare' | 'commit'

/** Stops a process at a moment of an epoch. */
export interface CrashGate {
  /** Resolves at once, or never: then the process is to be killed here. */
  pass(point: CrashPoint): Promise<void>
}

interface DrivenCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly id: string
  readonly rows: number
}

interface Prepared {
  readonly owner: string
  readonly attempt: number
  readonly changes: readonly ArrivedChange[]
}

/** What reached one sink over all processes of a test. */
export class SinkRecord {
  schema: Schema
  /** Whether rows can be taken back. */
  readonly takesChanges: boolean
  /** In the order of commits. */
  readonly #committed: ArrivedChange[] = []
  /** Of the process that runs, not committed. */
  #open: ArrivedChange[] = []
  #arrived = 0
  readonly #prepared = new Map<string, Prepared>()
  readonly #shown = new Set<string>()

  constructor(schema: Schema, takesChanges: boolean) {
    this.schema = schema
    this.takesChanges = takesChanges
  }

  /** In the order in which they came. */
  get changes(): readonly Change[] {
    return inOrder([...this.#committed, ...this.#open])
  }

  get committed(): readonly Change[] {
    return this.committedSince(0)
  }

  get committedCount(): number {
    return this.#committed.length
  }

  /** What was committed behind the first so many. */
  committedSince(count: number): readonly Change[] {
    return inOrder(this.#committed.slice(count))
  }

  /** Takes what reaches the sink. */
  arrive(changes: readonly Change[]): readonly ArrivedChange[] {
    const arrived = changes.map((change) => ({ ...change, number: this.#arrived++ }))
    this.#open.push(...arrived)
    return arrived
  }

  /** DS1 */
  boot(): void {
    this.#open = []
  }

  prepare(id: string, prepared: Prepared): void {
    this.#prepared.set(id, prepared)
  }

  commit(id: string): CommitOutcome {
    if (this.#shown.has(id)) return { kind: 'already-committed' }
    const prepared = this.#prepared.get(id)
    if (prepared === undefined) return { kind: 'lost', reason: `the rows "${id}" are gone` }
    const { changes } = prepared
    const moved = new Set(changes)
    this.#open = this.#open.filter((change) => !moved.has(change))
    for (const change of changes) this.#committed.push(change)
    this.#prepared.delete(id)
    this.#shown.add(id)
    return { kind: 'committed', rows: changes.length }
  }

  sweep({ owner, attempt }: Pick<Prepared, 'owner' | 'attempt'>, kept: ReadonlySet<string>): void {
    for (const [id, prepared] of this.#prepared) {
      const isOlder = prepared.owner !== owner || prepared.attempt < attempt
      if (isOlder && !kept.has(id)) this.#prepared.delete(id)
    }
  }
}

function inOrder(changes: readonly ArrivedChange[]): readonly Change[] {
  return changes.toSorted((a, b) => a.number - b.number)
}

/** The sink in place of another one. */
export function drivenSink(
  original: Pick<Sink, 'description' | 'accepts'>,
  record: SinkRecord,
  gate: CrashGate,
): Sink<DrivenCommittable> {
  const { description, accepts } = original
  return { description, accepts, open: async (context) => openDriven(context, record, gate) }
}

function openDriven(context: SinkContext, record: SinkRecord, gate: CrashGate): OpenSink<DrivenCommittable> {
  const { attempt, lineage, step } = context
  const owner = `${lineage}/${step}`
  return {
    async writer(task) {
      let pending: ArrivedChange[] = []
      let written = 0
      const sealed = new Map<number, readonly ArrivedChange[]>()
      return {
        write(batch) {
          const changes = batchToRows(batch).map((row, at) => ({
            row,
            weight: batch.weights?.[rowIndex(batch, at)] ?? 1,
          }))
          pending.push(...record.arrive(changes))
          written += rowCount(batch)
        },
        seal(epoch) {
          if (pending.length > 0) sealed.set(epoch, pending)
          pending = []
        },
        async prepare(epoch) {
          await gate.pass('prepare')
          const changes = sealed.get(epoch)
          if (changes === undefined) return undefined
          sealed.delete(epoch)
          const id = `${owner}/${attempt}/${epoch}/${task}`
          record.prepare(id, { owner, attempt, changes })
          return { v: 1, id, rows: changes.length }
        },
        written: () => ({ rows: written, bytes: 0 }),
        close: async () => undefined,
      }
    },
    holdsBack: () => false,
    async commit(committables) {
      await gate.pass('commit')
      return committables.map(({ id }) => record.commit(id))
    },
    sweep: async (keep) => record.sweep({ owner, attempt }, new Set(keep.map(({ id }) => id))),
    finish: async () => undefined,
    close: async () => undefined,
  }
}
