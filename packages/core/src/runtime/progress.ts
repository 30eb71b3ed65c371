/**
 * What a running job shows of itself: a snapshot of counters, read between steps and never on a hot path.
 */
import type { Execution, SinkWait } from '../engine/index.ts'
import type { CommitRetry } from './commit-retries.ts'
import type { EpochPhases } from './epochs.ts'
import { targetOf } from './other-output.ts'

/** One step as it stands. */
export interface StepProgress {
  readonly step: string
  readonly kind: string
  readonly rowsIn: number
  readonly rowsOut: number
  readonly lateRows: number
  readonly rejectedRows: number
  readonly stateEntries: number
  /** Event-time timers of a `process` step that are set and have not fired. */
  readonly pendingTimers: number
  /** Rows of a join that still wait for a partner and leave alone when none can come any more. */
  readonly waitingRows: number
  readonly stateBytes: number
  /** The event time up to which everything has left the step, milliseconds; −Infinity before the first. */
  readonly watermark: number
}

/** A whole job as it stands. */
export interface JobProgress {
  readonly elapsedMs: number
  /** User and system time of the process since the job began. */
  readonly cpuMs: number
  readonly rowsIn: number
  /** Bytes of input that were read and used: not what was passed over, such as columns and row groups of Parquet files. */
  readonly bytesIn: number
  /** Bytes that a bounded input takes to read, as far as that is known; undefined when it is not. */
  readonly bytesTotal: number | undefined
  readonly rowsTotal: number | undefined
  readonly rowsOut: number
  readonly bytesOut: number
  readonly rowsLate: number
  readonly rowsRejected: number
  /** The lowest watermark of all sources. */
  readonly watermark: number
  /** Share of the elapsed time in which sinks kept sources from reading, 0 to 1. */
  readonly backpressure: number
  readonly epoch: number
  /** Of a batch in phases: which one it is in, from 1, and how many there are. */
  readonly phase?: { readonly number: number; readonly of: number } | undefined
  /** The epoch that was delivered last, and how long its phases took; undefined before the first. */
  readonly lastEpoch?: EpochPhases | undefined
  /** A sink that could not commit yet and will be tried again; undefined mostly. */
  readonly retrying?: CommitRetry | undefined
  /** Sinks that wait for their targets, one each at most: before a write, to prepare an epoch, to commit. */
  readonly waiting?: readonly SinkWait[] | undefined
  /** What sources have told of that is no failure, such as an input that has gone. */
  readonly notices?: readonly { readonly step: string; readonly text: string }[] | undefined
  readonly steps: readonly StepProgress[]
}

/** Nothing has run yet. */
export const noProgress: JobProgress = {
  elapsedMs: 0,
  cpuMs: 0,
  rowsIn: 0,
  bytesIn: 0,
  bytesTotal: undefined,
  rowsTotal: undefined,
  rowsOut: 0,
  bytesOut: 0,
  rowsLate: 0,
  rowsRejected: 0,
  watermark: -Infinity,
  backpressure: 0,
  epoch: 0,
  retrying: undefined,
  steps: [],
}

/** Reads the counters of an execution. */
export function readProgress(
  execution: Execution,
  run: {
    readonly elapsedMs: number
    readonly cpuMs: number
    readonly blockedMs: number
    readonly epoch: number
    readonly phase: JobProgress['phase']
    readonly lastEpoch: EpochPhases | undefined
    readonly retrying: CommitRetry | undefined
  },
): JobProgress {
  const steps = [...sourceSteps(execution), ...operatorSteps(execution)]
  const tasks = execution.sources.flatMap((source) => source.tasks)
  const written = execution.sinks.flatMap(({ runners }) => runners.map((runner) => runner.written()))
  const discovered = execution.sources.every((source) => source.discovery.isOver)
  return {
    elapsedMs: run.elapsedMs,
    cpuMs: run.cpuMs,
    rowsIn: sum(tasks, (task) => task.progress.rows),
    bytesIn: sum(tasks, (task) => task.bytesRead),
    bytesTotal: known(
      discovered,
      sum(tasks, (task) => task.bytesToRead),
    ),
    rowsTotal: known(
      discovered,
      sum(tasks, (task) => task.progress.rowsKnown),
    ),
    rowsOut: sum(written, ({ rows }) => rows),
    bytesOut: sum(written, ({ bytes }) => bytes),
    rowsLate: sum(steps, (step) => step.lateRows),
    rowsRejected: sum(steps, (step) => step.rejectedRows),
    watermark: Math.min(Infinity, ...tasks.map((task) => task.time.watermark)),
    backpressure: run.elapsedMs === 0 ? 0 : Math.min(1, run.blockedMs / run.elapsedMs),
    epoch: run.epoch,
    ...(run.phase === undefined ? {} : { phase: run.phase }),
    lastEpoch: run.lastEpoch,
    retrying: run.retrying,
    waiting: execution
      .sinkWaits()
      .map((wait) => ({ ...wait, target: wait.target ?? targetBy(execution, wait) })),
    notices: execution.sources.flatMap(({ step, notices }) => notices.map((text) => ({ step, text }))),
    steps,
  }
}

/** Where a sink puts its rows, when it has not said what it waits for. */
function targetBy(execution: Execution, { step }: SinkWait): string | undefined {
  const node = execution.node(step)
  return node.kind === 'sink' ? (targetOf(node.sink) ?? node.sink.connector) : undefined
}

function sourceSteps(execution: Execution): StepProgress[] {
  return execution.sources.map((source) => {
    const rows = sum(source.tasks, (task) => task.progress.rows)
    return {
      step: source.step,
      kind: 'source',
      rowsIn: rows,
      rowsOut: rows,
      lateRows: 0,
      rejectedRows: source.rejectedRows,
      stateEntries: 0,
      pendingTimers: 0,
      waitingRows: 0,
      stateBytes: 0,
      watermark: Math.min(Infinity, ...source.tasks.map((task) => task.time.watermark)),
    }
  })
}

function operatorSteps(execution: Execution): StepProgress[] {
  return [...execution.runners].map(([step, runners]) => ({
    step,
    kind: execution.node(step).kind,
    rowsIn: sum(runners, ({ counters }) => counters.rowsIn),
    rowsOut: sum(runners, ({ counters }) => counters.rowsOut),
    lateRows: sum(runners, ({ counters }) => counters.lateRows),
    rejectedRows: sum(runners, ({ counters }) => counters.rejectedRows),
    stateEntries: sum(runners, ({ counters }) => counters.stateEntries),
    pendingTimers: sum(runners, ({ counters }) => counters.pendingTimers),
    waitingRows: sum(runners, ({ counters }) => counters.waitingRows),
    stateBytes: sum(runners, ({ counters }) => counters.stateBytes),
    watermark: Math.min(Infinity, ...runners.map((runner) => runner.watermark)),
  }))
}

function known(complete: boolean, value: number): number | undefined {
  return complete && value > 0 ? value : undefined
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  let total = 0
  for (const item of items) total += value(item)
  return total
}
