/**
 * The sink contract: what a connector implements so that Millrace can write to it exactly once.
 *
 * Two-phase commit by epoch: writers take batches; at the cut of epoch n they are told at once to `seal(n)`, and then
 * asked to `prepare(n)` a committable (everything the second phase needs, JSON-safe, durable before the answer) while
 * rows of n + 1 come in. Only when the epoch itself stands is `commit` called, as often as it takes; it is idempotent.
 * What was prepared and never named is removed by `sweep`.
 */
import type { Batch } from '../data/batch.ts'
import type { Json, Schema } from '../data/type.ts'
import type { Host } from '../host/host.ts'
import type { CheckpointStore } from '../checkpoint/store.ts'

/** A numbered epoch. */
export type EpochId = number

/** Identifies one try at running a job; later attempts are larger. */
export type Attempt = number

/** What to do with an output that already holds something. */
export type OutputMode = 'refuse' | 'overwrite' | 'append'

/** Which changes a sink can take. */
export type ChangeSupport = 'append' | 'retract' | 'upsert'

/** What became of a committable. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly rows: number }
  | { readonly kind: 'already-committed' }
  | { readonly kind: 'retry'; readonly reason: string; readonly cause?: unknown }
  /** The prepared output is gone: stops the job with the epoch and what to do: `hint`, where the sink knows it. */
  | { readonly kind: 'lost'; readonly reason: string; readonly hint?: string }

/** A wait for the target that a sink tells of. */
export interface SinkNotice {
  /** What is waited for, in words: a table and its server, a file. No secrets. */
  readonly target: string
  /** Why, on one line, without secrets. Asked whenever somebody looks: it may change while the wait goes on. */
  reason(): string
}

/** What a sink gets from the engine. */
export interface SinkContext {
  readonly host: Host
  readonly step: string
  readonly schema: Schema
  readonly outputMode: OutputMode
  /** Unique per run of the job without a state directory, constant over attempts with one. */
  readonly lineage: string
  readonly attempt: Attempt
  /** Whether the run will end by itself; a batch rolls its files once at the end by default. */
  readonly bounded: boolean
  /**
   * Whether a later attempt of this lineage may go on where this one stops, from any of its epochs. Then rows that a
   * writer holds back at a seal have to be durable too, and `abandon` is not called. Default: no.
   */
  readonly resumable?: boolean
  /**
   * Whether an epoch of this lineage stands already: what is there is this job's own output and nothing is in the way,
   * in no output mode. Default: no.
   */
  readonly resumed?: boolean
  /**
   * Whether all the same nothing was written to this sink yet, if it is written to at all: behind a border of a batch in
   * phases, where what earlier phases wrote is not written any more. Default: no.
   */
  readonly unwritten?: boolean
  /**
   * Lineages of this job that were left for this one, by going back to an earlier epoch: no attempt of theirs goes on. What
   * they prepared goes with the sweep that does not keep it, like that of earlier attempts. Default: none.
   */
  readonly left?: readonly string[]
  /**
   * The newest epoch that the log of the job knows, 0 when it knows none; absent when there is no log. A sink that can tell
   * that a later one of this lineage was committed throws (later-output.ts): the log has lost entries.
   */
  readonly standing?: EpochId
  /**
   * The place of checkpoints, for sinks that have to keep rows themselves until they are delivered: files whose names
   * begin with `sinks/`. Absent in a run without one: then nothing outlives the process.
   */
  readonly store?: SinkStore
  /**
   * Tells that the sink waits for its target until the function is called that it gives: progress shows it meanwhile. For
   * waits that no answer tells of, such as for a server that is away while rows are sent to it, where tries follow each
   * other; a commit answers `retry` instead. A call that is not answered for long shows in any case. Absent: nobody looks.
   */
  readonly waiting?: (notice: SinkNotice) => () => void
}

/** What a sink may do in the place of checkpoints. */
export type SinkStore = Pick<CheckpointStore, 'place' | 'create' | 'write' | 'read' | 'list' | 'remove'>

/**
 * Writes for one task of a sink step. Calls of `write` and `seal` never overlap: neither is made while a promise of
 * `write` is open. Calls of `prepare` come in the order of the seals and do not overlap each other, but `write` and
 * `seal` for later epochs go on meanwhile. `close` may come at any moment.
 */
export interface SinkWriter<Committable extends Json = Json> {
  /**
   * Takes the rows, and reads all of them before it returns: what it defers it has encoded or copied, since the batch
   * is overwritten as soon as the call is back. A promise is backpressure: no further call until it resolves.
   */
  write(batch: Batch): void | Promise<void>
  /**
   * The cut: rows written before belong to epoch `epoch`, rows written after it to a later one. Does no waiting: it
   * only notes what `prepare` will make durable. With `final` no rows come any more.
   */
  seal(epoch: EpochId, options: { readonly final: boolean }): void
  /**
   * Resolves when every row up to the seal of `epoch` is durable (or hidden at the target), with the committable that
   * names them; rows written after the seal are in it never. Undefined: nothing to commit. A writer may hold rows back
   * from being shown until a later epoch, as one does whose files roll by size; in a run that is `resumable` its
   * committable then names what they can be restored from, with every epoch until they are shown.
   */
  prepare(epoch: EpochId): Promise<Committable | undefined>
  /** Rows and bytes written so far, for progress. */
  written(): { readonly rows: number; readonly bytes: number }
  /**
   * Gives up what no answer of `prepare` names, removes what it can of it and frees handles; a `prepare` that is under
   * way rejects. Also called after a successful end.
   */
  close(): Promise<void>
}

/** The JSON-safe description of a sink as it stands in a plan. */
export interface SinkDescription {
  readonly connector: string
  readonly options: { readonly [name: string]: Json }
}

/** A sink opened for one run. */
export interface OpenSink<Committable extends Json = Json> {
  /**
   * A writer for one task. `restored`: committables of the epoch that the run goes on from, made by any task of an
   * earlier attempt; rows that they hold back are this writer's now, before any other. Every such committable is given
   * to exactly one writer, whatever the number of tasks is now.
   */
  writer(task: number, restored?: readonly Committable[]): Promise<SinkWriter<Committable>>
  /**
   * Whether a committable names rows that its own commit does not show, because they wait for a later epoch. Of an epoch
   * without such rows savepoints can be made while the job runs. Default: every one may.
   */
  holdsBack?(committable: Committable): boolean
  /** Finishes the second phase; safe to call again with the same committables. Outcomes in the same order. */
  commit(committables: readonly Committable[]): Promise<readonly CommitOutcome[]>
  /**
   * Removes what attempts before this one, of its lineage or of those that were `left`, prepared and `keep` does not name,
   * rows held back included. `keep`: the
   * committables of all epochs that the job may still go on from. Called first before anything else, then whenever epochs
   * were given up: also rows that this attempt held back, and has shown since, stay until then.
   */
  sweep(keep: readonly Committable[]): Promise<void>
  /** After the last commit of a run that ended well (for example: delete what `overwrite` replaces). */
  finish(): Promise<void>
  /**
   * The run has failed and nobody can go on with it (never in one that is `resumable`): removes what it prepared and did not commit, and what else it made
   * that holds nothing. Called after the writers were closed, before `close`. Default: the next run sweeps.
   */
  abandon?(): Promise<void>
  /**
   * No row was written and none will be: the start was refused, or found nothing to do. Removes what opening has made,
   * where it holds nothing; what earlier attempts have prepared and shown stays. Called before `close`, in place of
   * `abandon`, in a run that is `resumable`. Default: nothing is removed.
   */
  withdraw?(): Promise<void>
  close(): Promise<void>
}

/** Something that can be written to. */
export interface Sink<Committable extends Json = Json> {
  readonly description: SinkDescription
  readonly accepts: ChangeSupport
  /** What the sink must have for itself, such as a folder: two sinks of a pipeline that name the same are refused. */
  readonly exclusive?: string
  /**
   * The folder that output appears in, for sinks of files: a run is refused when one of its sources reads there, or
   * another of its sinks writes in it or around it.
   */
  readonly folder?: string
  /** Whether the sink needs all columns of its input (a blackhole does: nothing is pruned because a sink is empty). */
  validate?(schema: Schema, step: string): void
  /** Checks that the output can be written (exists? allowed? empty?) before anything runs. */
  open(context: SinkContext): Promise<OpenSink<Committable>>
}

/**
 * A sink for rows of one type: writing a stream of other rows to it does not compile. A `Sink` that is none takes any
 * rows.
 */
export interface SinkOf<in Row, Committable extends Json = Json> extends Sink<Committable> {
  /** Only the compiler sees it. */
  readonly '~takes'?: ((row: Row) => void) | undefined
}
