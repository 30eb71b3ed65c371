/**
 * What both loops stand on: watermarks in progress, sinks and borders that are busy, waiting, waking, stopping and
 * failing. There is one of it in a run, however many loops drive it one after the other.
 *
 * Which source is read when, and when an epoch ends, is for the loops to say: task-loop.ts and micro-batch-loop.ts.
 */
import { within } from '../../host/within.ts'
import type { Execution, ExecutionEvents } from '../execution.ts'

/** Work between two yields to the host, at most: each step of an epoch's way to its manifest waits for one. */
const YIELD_AFTER_MS = 1
/** How long a run that was stopped waits for a connector that does not answer. */
const HANGING_MS = 5000

/** The ground of one run. */
export class LoopGround implements ExecutionEvents {
  readonly execution: Execution
  /** Milliseconds of wall time in which sinks kept the loop from reading. */
  blockedMs = 0
  /** Something outside became ready since the last turn. */
  woken = false
  /** The run is asked to end. */
  isStopping = false
  /** Rows were pushed since the last flush. */
  workedSinceFlush = false
  private wakeUp: (() => void) | undefined
  private failure: { readonly error: unknown; readonly isReading: boolean } | undefined
  private sliceStart = 0
  private interrupt: () => void = () => undefined
  private stopWaiting: () => void = () => undefined
  private readonly stopped: Promise<void>

  constructor(execution: Execution) {
    this.stopped = new Promise((resolve) => (this.stopWaiting = resolve))
    this.execution = execution
  }

  /** Asks the run to end, as its loop ends runs. */
  stop(): void {
    this.isStopping = true
    this.stopWaiting()
    this.wake()
  }

  /**
   * Waits for what a connector does before anything is read. Undefined: the run was stopped, and the connector hangs: nothing
   * of what it does counts.
   */
  async unlessStopped<Value>(work: Promise<Value>): Promise<{ readonly value: Value } | undefined> {
    const done = work.then((value) => ({ value }))
    // Nobody listens any more when it fails later.
    done.catch(() => undefined)
    const { timers } = this.execution.options.host
    const isHanging = this.stopped.then(async () => !(await within(timers, HANGING_MS, done)))
    return Promise.race([done, isHanging.then((hangs) => (hangs ? undefined : done))])
  }

  /** Something outside became ready. */
  readonly wake = (): void => {
    this.woken = true
    this.wakeUp?.()
  }

  /** Something outside failed: the run ends with the first failure. */
  readonly failed = (error: unknown): void => {
    this.failure ??= { error, isReading: false }
    this.wake()
    this.interrupt()
  }

  /** A source failed: nothing of what it was about to give was taken. */
  readonly readingFailed = (error: unknown): void => {
    this.failure ??= { error, isReading: true }
    this.wake()
  }

  /**
   * Whether a run ends because something cannot be read, and for nothing else: what was read before is as good as ever.
   * What is thrown out of a step is another matter: the rows in hand have not been through.
   */
  isForReading(error: unknown): boolean {
    return this.failure?.isReading === true && this.failure.error === error
  }

  throwIfFailed(): void {
    if (this.failure !== undefined) throw this.failure.error
  }

  /** A piece of work begins that is to be cut by yields (TL3). */
  beginSlice(): void {
    this.sliceStart = this.now()
  }

  /** Lets signals and timers live, when it is time (TL3). */
  async yieldWhenLong(): Promise<void> {
    if (this.now() - this.sliceStart < YIELD_AFTER_MS) return
    await this.execution.options.host.timers.yield()
    this.beginSlice()
  }

  /** One slice of a watermark in progress; false when none is. */
  proceed(): boolean {
    const runner = this.execution.pending.shift()
    if (runner === undefined) return false
    runner.proceed()
    return true
  }

  /** Emits what operators only hold to fill batches, so that nobody waits for it. */
  flush(): void {
    if (!this.workedSinceFlush) return
    this.workedSinceFlush = false
    for (const runner of this.execution.working) runner.flush()
  }

  /** Lets everything leave that is in progress. */
  async finishPending(): Promise<void> {
    while (this.proceed()) {
      if (await this.waitForSinks()) this.beginSlice()
      await this.yieldWhenLong()
    }
  }

  /** Lets everything leave that is in progress, or is held for the sake of speed. */
  async settle(): Promise<void> {
    await this.finishPending()
    this.workedSinceFlush = false
    for (const runner of this.execution.working) runner.release()
  }

  sinksBusy(): boolean {
    const { sinks, borders } = this.execution
    return (
      sinks.some(({ runners }) => runners.some((runner) => runner.busy !== undefined)) ||
      borders.some((border) => border.busy !== undefined)
    )
  }

  /** Waits for sinks and borders; whether there was something to wait for. */
  async waitForSinks(): Promise<boolean> {
    let waited = false
    const start = this.now()
    const waitFor = async (writer: { readonly busy: Promise<void> | undefined }): Promise<void> => {
      while (writer.busy !== undefined) {
        waited = true
        await this.unlessFailed(writer.busy)
      }
    }
    const { sinks, borders } = this.execution
    for (const { runners } of sinks) for (const runner of runners) if (runner.busy) await waitFor(runner)
    for (const border of borders) if (border.busy) await waitFor(border)
    if (waited) this.blockedMs += this.now() - start
    return waited
  }

  /** One sink that hangs keeps no other failure waiting. */
  private async unlessFailed(busy: Promise<void>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.failure?.isReading === false) return resolve()
      this.interrupt = resolve
      busy.then(resolve, reject)
    })
    if (this.failure?.isReading === false) throw this.failure.error
  }

  /** Waits until something wakes the loop, at most so long. */
  async sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.execution.options.host.timers.set(Math.max(0, delayMs), resolve)
      this.wakeUp = () => {
        timer.clear()
        resolve()
      }
    })
    this.wakeUp = undefined
    this.beginSlice()
  }

  /** For waits: a wall clock may jump. Milliseconds. */
  now(): number {
    return this.execution.options.host.clock.monotonic()
  }
}
