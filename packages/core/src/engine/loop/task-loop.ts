/**
 * The loop that drives an execution: takes everything that is due, waits on I/O when nothing is, and closes epochs.
 *
 * Order within a turn, the same on every run with the same host (law L5): watermarks in progress first, then one step
 * of each source in plan order, then flushes when nothing more is ready. Invariants (tests quote them):
 *  TL1  Nothing is read while a sink is busy or a watermark is in progress: a full queue blocks its producer (law L6).
 *  TL2  An epoch is cut between two steps, when nothing is in progress and every row that was taken was pushed: positions
 *       are then exactly the cut. A read that is under way is not waited for: it belongs to the next epoch.
 *  TL3  The loop yields at least every few milliseconds of work, so that signals and timers live.
 *  TL4  Inputs that are tables of lookup joins are read to their end before any other.
 *  TL5  While an epoch is made durable, the next one is read. Only what `Epochs` holds back stops the reading.
 *  TL6  Input that cannot be read ends a run that keeps its state behind a last epoch: what was read before is put out,
 *       and not read again.
 */
import type { Execution } from '../execution.ts'
import { withLastEpoch } from '../connector-failure.ts'
import type { LoopGround } from './loop-ground.ts'
import type { LoopInput } from './loop-input.ts'

/** How a loop is run. */
export interface TaskLoopOptions {
  /** Milliseconds between epochs while running; undefined: only the final one. */
  readonly epochIntervalMs: number | undefined
  /** End when no source brought rows for so long; undefined: never. */
  readonly stopWhenIdleMs: number | undefined
  /** At the end of an unbounded run: move the watermark to its end, so that every window fires. */
  readonly drain: boolean
  /** How often unbounded sources are asked for new splits. */
  readonly discoverIntervalMs: number
  readonly epochs: EpochCutter
}

/** What the loop needs to know of epochs: when one may end, and whom to tell. */
export interface EpochCutter {
  /** A later run goes on with what epochs keep of operators and sources. */
  readonly keepsState: boolean
  /** The epoch before is durable: another may be cut. */
  readonly canCut: boolean
  /** So much waits to be delivered that nothing more is to be read. */
  readonly holdsReading: boolean
  /**
   * Cuts an epoch where everything stands now, `alignMs` after it was time for it. What is to be made durable and
   * delivered goes on beside the loop.
   */
  cut(alignMs: number): void
  /** Somebody waits for the end of the run: what cannot be delivered soon is left to the next start. */
  hurry(): void
  /** Cuts the last epoch, and resolves when everything is durable and delivered. */
  cutLast(end: LoopEnd): Promise<void>
}

/** The longest wait without looking at clocks. */
const WAIT_MAX_MS = 1000

/** Why a loop ended. */
export type LoopEnd = 'finished' | 'idle' | 'stopped'

/** Drives one execution to its end. */
export class TaskLoop {
  private readonly execution: Execution
  private readonly options: TaskLoopOptions
  private readonly ground: LoopGround
  private nextEpochAt = Infinity
  /** Since when nothing more is read, so that an epoch can be cut. */
  private dueAt: number | undefined
  private nextDiscoveryAt = 0

  constructor(ground: LoopGround, options: TaskLoopOptions) {
    this.ground = ground
    this.execution = ground.execution
    this.options = options
  }

  /**
   * Runs until all sources are done, the input is idle for long enough, or the run is stopped: then it ends at the next
   * border, and rows read so far are written and committed. A batch run that is stopped commits nothing: half an answer must
   * not look like one.
   */
  async run(): Promise<LoopEnd> {
    const { inputs, sources } = this.execution
    for (const input of inputs) if (!(await this.ground.unlessStopped(input.open()))) return 'stopped'
    const now = this.ground.now()
    this.nextEpochAt = now + this.epochIntervalMs()
    this.nextDiscoveryAt = now + this.options.discoverIntervalMs
    const end = await this.loop().catch(async (error: unknown) => {
      if (this.ground.isForReading(error) && this.options.epochs.keepsState)
        throw withLastEpoch(error, await this.saveWhatWasRead())
      throw error
    })
    if (end === 'stopped' && this.isBounded()) return end
    if (end !== 'finished') for (const source of sources) await source.stop(this.options.drain)
    await this.ground.settle()
    await this.options.epochs.cutLast(end)
    return end
  }

  /** TL6. That something cannot be read is what to report, whatever becomes of this: gives what went wrong. */
  private async saveWhatWasRead(): Promise<unknown> {
    const { sources } = this.execution
    try {
      this.options.epochs.hurry()
      await this.ground.finishPending()
      while (!this.isSettled()) {
        for (const source of sources) if (this.execution.pending.length === 0) source.turn(false)
        await this.ground.finishPending()
        await this.ground.waitForSinks()
      }
      for (const source of sources) await source.stop(false).catch(() => undefined)
      await this.ground.settle()
      await this.options.epochs.cutLast('stopped')
      return undefined
    } catch (error) {
      // Then the next start goes on with the epoch before, or delivers this one.
      return error
    }
  }

  /** Cuts an epoch as soon as may be, beside those of the interval. Nothing in a run that cuts only its last one. */
  cutNow(): void {
    if (this.options.epochIntervalMs === undefined) return
    this.nextEpochAt = Math.min(this.nextEpochAt, this.ground.now())
    this.ground.wake()
  }

  private async loop(): Promise<LoopEnd> {
    const { ground } = this
    ground.beginSlice()
    for (;;) {
      ground.throwIfFailed()
      if (await ground.waitForSinks()) ground.beginSlice()
      const worked = this.workOnce()
      await ground.yieldWhenLong()
      const end = await this.atBorder(worked)
      if (end !== undefined) return end
      if (!worked && !this.hasMore()) await this.wait()
    }
  }

  /** Watermarks in progress, else one step of each input. */
  private workOnce(): boolean {
    if (this.ground.proceed()) return true
    this.ground.woken = false
    let worked = false
    const isDue = this.isEpochDue()
    if (isDue) this.dueAt ??= this.ground.now()
    const asks = !this.ground.isStopping && !isDue && !this.options.epochs.holdsReading
    for (const input of this.readable()) {
      if (this.execution.pending.length > 0 || this.ground.sinksBusy()) return true
      worked = input.turn(asks) || worked
    }
    if (worked) this.ground.workedSinceFlush = true
    return worked
  }

  /** Inputs that may be read now (TL4). */
  private readable(): readonly LoopInput[] {
    const { inputs } = this.execution
    const tables = inputs.filter((input) => input.forTable && !input.done)
    return tables.length > 0 ? tables : inputs
  }

  /** Ends, epochs and discovery, between two steps. */
  private async atBorder(worked: boolean): Promise<LoopEnd | undefined> {
    if (this.execution.pending.length > 0) return undefined
    if (this.ground.isStopping && (this.isBounded() || this.isSettled())) return 'stopped'
    if (!worked && this.execution.inputs.every((input) => input.done)) return 'finished'
    const now = this.ground.now()
    for (const source of this.execution.sources) source.discovery.takeFound()
    if (now >= this.nextDiscoveryAt) this.discover(now)
    // A split that became idle may have moved a watermark: TL2.
    if (this.execution.pending.length > 0) return undefined
    if (this.isEpochDue() && this.isSettled()) return this.cutEpoch()
    if (worked) return undefined
    this.ground.flush()
    const idleMs = this.options.stopWhenIdleMs
    if (idleMs !== undefined && this.isIdle() && now - this.lastRowsAt() >= idleMs) return 'idle'
    return undefined
  }

  private discover(now: number): void {
    this.nextDiscoveryAt = now + this.options.discoverIntervalMs
    for (const source of this.execution.sources) {
      source.discovery.ask()
      for (const task of source.tasks) task.checkIdle(now)
    }
  }

  private isEpochDue(): boolean {
    return this.ground.now() >= this.nextEpochAt && this.options.epochs.canCut
  }

  private async cutEpoch(): Promise<undefined> {
    await this.ground.settle()
    const now = this.ground.now()
    this.nextEpochAt = now + this.epochIntervalMs()
    this.options.epochs.cut(now - (this.dueAt ?? now))
    this.dueAt = undefined
    // Readers were not asked while the epoch was due: they may have rows.
    this.ground.woken = true
  }

  /** Never 0: between two epochs something must be read. */
  private epochIntervalMs(): number {
    return Math.max(1, this.options.epochIntervalMs ?? Infinity)
  }

  /** Something may be done at once: a wake-up came while the turn ran. */
  private hasMore(): boolean {
    return this.ground.woken || this.execution.pending.length > 0
  }

  private async wait(): Promise<void> {
    const now = this.ground.now()
    // An epoch that is due waits until the one before is durable: that wakes the loop.
    const epochAt = this.nextEpochAt > now ? this.nextEpochAt : Infinity
    const until = Math.min(epochAt, this.nextDiscoveryAt, this.idleDeadline(), now + WAIT_MAX_MS)
    await this.ground.sleep(until - now)
  }

  private idleDeadline(): number {
    const idleMs = this.options.stopWhenIdleMs
    const at = idleMs === undefined ? Infinity : this.lastRowsAt() + idleMs
    // Behind it the run waits for a read or a listing, which wakes the loop.
    return at > this.ground.now() ? at : Infinity
  }

  /** No read is under way that could still bring what is there already, and all sources have looked since the last row. */
  private isIdle(): boolean {
    const since = this.lastRowsAt()
    return this.execution.sources.every(
      ({ discovery, tasks }) =>
        !discovery.isListing &&
        (discovery.isOver || discovery.lookedAt > since) &&
        tasks.every((task) => task.isIdle),
    )
  }

  private isBounded(): boolean {
    return this.execution.options.boundedness === 'bounded'
  }

  private isSettled(): boolean {
    return this.execution.sources.every((source) => source.tasks.every((task) => task.isSettled))
  }

  private lastRowsAt(): number {
    return Math.max(...this.execution.sources.map((source) => source.lastRowsAt))
  }
}
