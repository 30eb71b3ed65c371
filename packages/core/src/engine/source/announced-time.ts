/**
 * What a source task has told its receivers of event time: watermarks, whether it is idle, and its end.
 *
 * In the stream of rows it follows the splits at once (`announce`). In planned epochs it moves at their borders only: what
 * an epoch has brought is said at the beginning of the next (M4). How far the splits have come is split-frontier.ts.
 * Tasks speak in an order in which no receiver ever takes the source for idle that is not. Invariant (tests quote it):
 *  SO6  In planned epochs watermarks, idleness and the end are said at the beginning of an epoch, as they stood at the end
 *       of the one before.
 */
import type { Receiver } from '../output-port.ts'
import type { FrontierSplit, SplitFrontier } from './split-frontier.ts'

/** The tasks of one source, as far as event time goes. */
export interface SourceTime {
  /** By task, the first of which stands for the source where none has a split (SO4). */
  readonly tasks: readonly AnnouncedTime[]
  /** Nothing has come for so long that a source without splits holds nobody back. */
  readonly isSilent: () => boolean
}

/** Tells what becomes of event time in one task. */
export class AnnouncedTime {
  readonly frontier: SplitFrontier
  private readonly source: SourceTime
  private readonly output: Receiver
  private readonly isPlanned: boolean
  private announced = -Infinity
  private idle = false
  private ended = false
  /** What the end of the last epoch left to say (SO6). */
  private border = { watermark: -Infinity, idle: false, over: false }
  private spoken = false

  constructor(
    frontier: SplitFrontier,
    { source, output, isPlanned }: { source: SourceTime; output: Receiver; isPlanned: boolean },
  ) {
    this.frontier = frontier
    this.source = source
    this.output = output
    this.isPlanned = isPlanned
  }

  /** The watermark announced last. */
  get watermark(): number {
    return this.announced
  }

  /** The end was said: nothing follows. */
  get hasEnded(): boolean {
    return this.ended
  }

  /**
   * Tells what follows how far event time has come, and whether this task has anything to say about it. `moved`: only
   * this split has moved since.
   */
  announce(moved?: FrontierSplit): void {
    if (this.isPlanned || this.ended) return
    const [first] = this.source.tasks
    // It stands for the source from here on, and says so before this one is silent.
    if (this.frontier.isEmpty && first !== this) first?.announce()
    const own = this.frontier.combine(moved)
    this.sayWatermark(this.standsForSource ? this.highest() : own)
    this.sayIdle(this.isIdle)
  }

  /** No task of the source has a split, and this is the one that speaks for all (SO4). */
  private get standsForSource(): boolean {
    const { tasks } = this.source
    return tasks[0] === this && tasks.every(({ frontier }) => frontier.isEmpty)
  }

  private get isIdle(): boolean {
    const { frontier, source } = this
    const waits = this.standsForSource || (!frontier.isEmpty && !frontier.hasSplits)
    return waits ? source.isSilent() : frontier.allIdle
  }

  /** How far the source has come where no task has a split. */
  private highest(): number {
    return Math.max(...this.source.tasks.map(({ frontier }) => frontier.combine()))
  }

  /** Everything was read: event time comes to its end. */
  end(): void {
    this.ended = true
    this.announced = Infinity
    this.output.end(true)
  }

  /** The task ends where it stands; with `drain` every window fires. */
  stop(drain: boolean): void {
    if (this.ended) return
    this.ended = true
    this.output.end(drain)
  }

  /** Before anything is found: stands at the border behind the epoch that an earlier run ended with. */
  restoreBorder(wereIdle: boolean, over: boolean): void {
    const { current } = this.frontier.marks
    if (!this.standsForSource) this.border = { watermark: current, idle: wereIdle, over }
    else {
      const all = this.source.tasks.map(({ frontier }) => frontier.marks.current)
      this.border = { watermark: Math.max(...all), idle: this.source.isSilent(), over }
    }
  }

  /** The end of an epoch: what the next one has to say stands from here on. `over`: everything was read. */
  endEpoch(over: boolean): void {
    const watermark = this.standsForSource ? this.highest() : this.frontier.combine()
    this.border = { watermark, idle: this.isIdle, over }
  }

  /** How far event time had come at the border. */
  get borderWatermark(): number {
    return this.border.over ? Infinity : this.border.watermark
  }

  /** What the epoch before left to say: another one is due for it alone. */
  get isDue(): boolean {
    return !this.ended && (this.border.over || this.border.watermark > this.announced)
  }

  /** Whether the epoch before left the task idle, which nobody has been told. */
  get isIdleDue(): boolean {
    return !this.ended && this.border.idle && !this.idle
  }

  /** Whether it has begun an epoch in this run: before that, what others know of it is not known here. */
  get hasSpoken(): boolean {
    return this.spoken
  }

  /** At the beginning of an epoch: how far event time came in the one before. */
  sayBorder(): void {
    if (!this.ended) this.sayWatermark(this.border.watermark)
  }

  /** Behind the watermarks of all tasks: whether this one was idle, or at its end. */
  sayStanding(): void {
    this.spoken = true
    if (this.ended) return
    if (this.border.over) this.end()
    else this.sayIdle(this.border.idle)
  }

  /** A task that was idle speaks again before the first row of the epoch, when splits were found. */
  beginEpoch(): void {
    if (!this.ended && !this.frontier.allIdle) this.sayIdle(false)
  }

  private sayWatermark(watermark: number): void {
    if (watermark <= this.announced) return
    this.announced = watermark
    this.output.watermark(watermark)
  }

  private sayIdle(idle: boolean): void {
    if (idle === this.idle) return
    this.idle = idle
    this.output.idle(idle)
  }
}
