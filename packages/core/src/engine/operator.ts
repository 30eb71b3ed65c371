/**
 * The operator contract: what runs inside a task, one file per operator beside this one.
 *
 * An operator is driven by its task: `push` and `advance` are synchronous and never overlap; rows leave through the
 * outputs it was given when it was made. Invariants (tests quote them):
 *  O1  Rows pushed after `advance(w)` may be late, never rows pushed before it.
 *  O2  The task forwards a watermark downstream only after `advance` returned true: everything due at it has left.
 *  O3  A pushed batch is valid during the call only; an emitted batch is valid until the emitting operator is called again.
 *  O4  An operator reaches nothing but its context (laws L4, L5).
 */
import type { StatePart, StateRows } from '../checkpoint/state-file.ts'
import type { Batch } from '../data/batch.ts'
import type { Clock } from '../host/host.ts'

/** Takes the batches of one output port. */
export type Emit = (batch: Batch) => void

/** Counters of one step in one task, read by progress and metrics while the task runs. */
export interface StepCounters {
  rowsIn: number
  rowsOut: number
  lateRows: number
  rejectedRows: number
  /** Live keys, windows and timers, for display. */
  stateEntries: number
  /** Event-time timers that are set and have not fired. */
  pendingTimers: number
  /** Rows of a join without a partner so far, each of which leaves alone if none comes. */
  waitingRows: number
  stateBytes: number
}

/** What an operator gets from its task. */
export interface OperatorContext {
  readonly step: string
  /** This task's number within its stage, and how many there are. */
  readonly task: number
  readonly tasks: number
  /** Key groups of the plan; the task owns a contiguous range of them (engine/exchange.ts). */
  readonly keyGroups: number
  /** Rows per emitted batch, at most. */
  readonly batchRows: number
  /** For processing time only; journaled per epoch in micro-batch mode. */
  readonly clock: Pick<Clock, 'now'>
  /** The output of a port; ports that nobody reads get a function that drops. */
  emit(port: string): Emit
  /**
   * Rows of equal event time, and of equal order where their batches have one, may come in any order (not all come
   * straight from sources): what depends on the order of such rows goes by their values instead (L1).
   */
  readonly isUnordered?: boolean | undefined
  /** Whether anybody reads the port. */
  isRead(port: string): boolean
  readonly counters: StepCounters
}

/** What a snapshot has of a state. */
export type SnapshotScope =
  /** All there is. */
  | 'whole'
  /** What changed since the last whole one, in place of all snapshots since. */
  | 'since-whole'
  /** What changed since the last one. */
  | 'changes'

/** What a step keeps between rows, as it leaves into a checkpoint and comes back (docs/design/0004-epochs.md). */
export interface OperatorState {
  /** Its tables; names and schemas are stable: they are compared when a later program restores. */
  readonly parts: readonly StatePart[]
  /** Whether `since-whole` can be asked for. After a restore it means since the restore. */
  readonly remembersWhole?: boolean
  /**
   * Copies of what is in scope, in memory of their own: they are written while processing goes on. Synchronous; its cost
   * is in proportion to what changed.
   *
   * @throws MillraceError `value/invalid` for a value of a user function that cannot be written down.
   */
  snapshot(scope: SnapshotScope): readonly StateRows[]
  /**
   * Takes rows back, before the first `push`, in the order in which they were written; later rows replace earlier ones
   * of the same record. Rows of keys that other tasks own are left aside, so that any parallelism may restore.
   */
  restore(rows: StateRows): void
  /** Called once after the last `restore`. */
  restored?(): void
  /** Event time begins anew: the run before was drained, and nothing is late yet. Called after `restored`. */
  beginTime?(): void
}

/** A step's code and state in one task. */
export interface Operator {
  /** The state that a checkpoint keeps; undefined: the step has none between two rows. */
  readonly state?: OperatorState
  /** Goes on from the watermark of an earlier run: nothing is due at it any more. Before the first `push`. */
  resume?(watermark: number): void
  /** Takes rows of one input (0 unless the step has several). */
  push(batch: Batch, input: number): void
  /**
   * The combined watermark of all inputs moved to `watermark` (+Infinity: no more rows ever).
   * Emits what is due. Returns false when a slice was emitted and more is due: it is called again with the same value
   * before any further `push`.
   */
  advance(watermark: number): boolean
  /**
   * What to tell behind the step when everything due at a watermark has left; default the same. Lower where rows leave that
   * are behind their inputs' watermark. Never falls while `watermark` does not.
   */
  outputWatermark?(watermark: number): number
  /** Emits rows that were only held to fill a batch. Called between steps when nothing more is ready. */
  flush?(): void
  /**
   * Emits rows that were held to send fewer of them. Called before the step's inputs are declared idle: from then on the
   * watermark may pass these rows by without the operator being told.
   */
  release?(): void
  /** Frees memory; nothing is emitted. */
  close(): void
}
