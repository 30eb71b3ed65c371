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
    const { announced, idle } = this
    this.speak(moved)
    if (this.announced === announced && this.idle === idle) return
    // Those without a split say what the source does (SO4).
    for (const other of this.source.tasks) if (other !== this && other.frontier.isEmpty) other.speak()
  }

  private speak(moved?: FrontierSplit): void {
    if (this.ended) return
    this.sayWatermark(this.combine(moved))
    this.sayIdle(this.isIdle)
  }

  private combine(moved?: FrontierSplit): number {
    const { frontier } = this
    const own = frontier.combine(moved)
    if (!frontier.isEmpty) return own
    frontier.raise(this.sourceWatermark())
    return frontier.marks.current
  }

  /** How far the source has come, as its tasks have said. */
  private sourceWatermark(): number {
    const { reading } = this
    if (reading.length === 0)
      return Math.max(...this.source.tasks.map(({ frontier }) => frontier.marks.highestEnded))
    const holding = reading.filter((task) => !task.isIdle)
    return holding.length === 0
      ? -Infinity
      : Math.min(...holding.map(({ frontier }) => frontier.marks.current))
  }

  /** The tasks that have a split, or wait for one. */
  private get reading(): readonly AnnouncedTime[] {
    return this.source.tasks.filter(({ frontier }) => !frontier.isEmpty)
  }

  private get isIdle(): boolean {
    const { frontier, source } = this
    if (frontier.hasSplits) return frontier.allIdle
    const { reading } = this
    return frontier.isEmpty && reading.length > 0 ? reading.every((task) => task.isIdle) : source.isSilent()
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
  restoreBorder(wasIdle: boolean, over: boolean): void {
    this.border = { watermark: this.frontier.marks.current, idle: wasIdle, over }
  }

  /**
   * The end of an epoch: what the next one has to say stands from here on. First the tasks that have splits, then the
   * others. `over`: everything was read.
   */
  endEpoch(over: boolean): void {
    this.border = { watermark: this.combine(), idle: this.isIdle, over }
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

  /** At the beginning of an epoch, before all watermarks: one that was idle and is not any more holds again. */
  sayActive(): void {
    if (!this.ended && !this.border.idle) this.sayIdle(false)
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
