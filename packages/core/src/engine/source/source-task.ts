/**
 * The task of a source step: which of its splits is read next, and how far. What follows for event time is said by
 * announced-time.ts.
 *
 * Rows go through the whole local graph in one synchronous step per piece. The watermark is that of split-frontier.ts (SO2,
 * SO4); +Infinity comes only when nothing more can be discovered, or on a drain. Invariants (tests quote them):
 *  SO3  A sequential source has at most one split open that is not idle, and splits are opened in order of discovery.
 *  SO7  In planned epochs only splits of the plan are read, each lane in its order.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Source, SourceContext, Split } from '../../connect/source.ts'
import type { EventTime } from '../../plan/logical.ts'
import type { Lane } from './lane.ts'
import { AnnouncedTime } from './announced-time.ts'
import type { SourceTime } from './announced-time.ts'
import { SplitFrontier } from './split-frontier.ts'
import type { FrontierMarks } from './split-frontier.ts'
import type { SourceRows } from './source-rows.ts'
import { SplitRun } from './split-run.ts'
import type { SplitStart, SplitState } from './split-run.ts'
import { SplitWatermark } from './split-watermark.ts'
import type { PunctuationReader } from './split-watermark.ts'
import type { Receiver } from '../output-port.ts'

/** What a source task is made with. */
export interface SourceTaskOptions {
  readonly source: Source
  readonly context: SourceContext
  readonly eventTime: EventTime | undefined
  readonly punctuation: PunctuationReader | undefined
  /** Rows are pushed apart from each other wherever the watermark moves between them. */
  readonly cutsAtAdvance: boolean
  readonly rows: SourceRows
  readonly batchRows: number
  /** How many splits may be open and not idle at a time. */
  readonly openMax: number
  /** Epochs are planned: micro-batch mode (SO6, SO7). */
  readonly isPlanned: boolean
  /** All tasks of the source. */
  readonly sourceTime: SourceTime
  /** Where rows and watermarks go. */
  readonly output: Receiver
  readonly wake: () => void
  readonly failed: (error: unknown) => void
  readonly readingFailed: (error: unknown) => void
}

/** When a reader that has nothing, and does not say until when, is asked again. */
const ASK_AGAIN_MS = 1

/** What became of one turn. */
export type Turn = 'worked' | 'waiting' | 'done'

/** Reads the splits that were assigned to one task. */
export class SourceTask {
  readonly progress = {
    rows: 0,
    bytesDone: 0,
    bytesSkipped: 0,
    bytesKnown: 0,
    rowsKnown: 0,
    splitsDone: 0,
    splitsKnown: 0,
  }
  /** When the last rows came, on the clock that never goes back. */
  lastRowsAt: number
  readonly time: AnnouncedTime
  private readonly options: SourceTaskOptions
  private readonly frontier = new SplitFrontier()
  private waiting: SplitRun[] = []
  private open: SplitRun[] = []
  private next = 0
  private moreMayCome = true
  /** Splits that were found, asked or became idle since the state was looked at last, and those that ended. */
  private changed = new Set<SplitRun>()
  private finished: string[] = []
  private readonly lanes = new Map<SplitRun, Lane>()
  private readonly openLanes = new Set<Lane>()

  constructor(options: SourceTaskOptions) {
    this.options = options
    const { sourceTime, output, isPlanned } = options
    this.time = new AnnouncedTime(this.frontier, { source: sourceTime, output, isPlanned })
    this.lastRowsAt = options.context.host.clock.monotonic()
  }

  get bytesRead(): number {
    let bytes = this.progress.bytesDone
    for (const run of this.open) bytes += run.bytesRead
    return bytes
  }

  /** Bytes of the splits that were found, but for what readers pass over. */
  get bytesToRead(): number {
    let bytes = this.progress.bytesKnown - this.progress.bytesSkipped
    for (const run of this.open) bytes -= run.bytesSkipped
    return bytes
  }

  /** Whether all splits were read to their end and no more can come. */
  get done(): boolean {
    return this.time.hasEnded
  }

  /** Nothing is under way that could bring rows which are there already. */
  get isIdle(): boolean {
    return this.waiting.length === 0 && this.open.every((run) => run.state === 'idle')
  }

  /** Takes on a split; `index` is its number in the order of discovery over all tasks. */
  assign(split: Split, index: number, start?: SplitStart): void {
    const { eventTime, punctuation, cutsAtAdvance, wake, readingFailed } = this.options
    const watermark = new SplitWatermark(eventTime?.watermark ?? { kind: 'at-end' }, {
      punctuation,
      cutsAtAdvance,
    })
    const events = {
      wake,
      failed: readingFailed,
      later: (callback: () => void) => void this.options.context.host.timers.set(ASK_AGAIN_MS, callback),
      now: () => this.options.context.host.clock.monotonic(),
    }
    const run = new SplitRun(split, index, { watermark, events, ...(start === undefined ? {} : { start }) })
    this.waiting.push(run)
    this.frontier.discovered(run)
    this.changed.add(run)
    this.progress.splitsKnown++
    this.progress.bytesKnown += split.bytes ?? 0
    this.progress.rowsKnown += split.rows ?? 0
  }

  /** No further split will be assigned. */
  noMoreSplits(): void {
    this.moreMayCome = false
  }

  /** The end of an epoch: what the next one has to say stands from here on. */
  endEpoch(): void {
    this.time.endEpoch(this.isOver)
    this.lanes.clear()
    this.openLanes.clear()
  }

  /** Before anything is found: stands at the border behind the epoch that an earlier run ended with. */
  restoreBorder(sourceWasIdle: boolean): void {
    const isIdle = this.time.frontier.isEmpty ? sourceWasIdle : this.wasIdle
    this.time.restoreBorder(isIdle, this.isOver)
  }

  /** Whether all splits that it goes on with were idle. */
  get wasIdle(): boolean {
    return this.waiting.every((run) => run.wasIdle)
  }

  /** Reads a split in this epoch, when its turn comes in the lane. */
  addToLane(run: SplitRun, lane: Lane): void {
    this.lanes.set(run, lane)
    this.openLanes.add(lane)
  }

  /** Opens a split out of turn: to ask how far it can be read. */
  openNow(run: SplitRun): void {
    if (run.state !== 'waiting') return
    this.takeWaiting(run)
    this.openRun(run)
  }

  /** The planned epoch finds that a split has been silent for too long. */
  becomeIdle(run: SplitRun): void {
    this.frontier.setIdle(run, true)
    this.changed.add(run)
  }

  /** Every row that was taken was pushed: positions are exactly what comes next. */
  get isSettled(): boolean {
    return this.open.every((run) => run.state !== 'ready')
  }

  /** The splits that are not read to their end. */
  get splits(): readonly SplitRun[] {
    return [...this.waiting, ...this.open]
  }

  /** What became of splits since the last call; `finished` are names. */
  takeChanges(): { readonly changed: readonly SplitRun[]; readonly finished: readonly string[] } {
    const changes = { changed: [...this.changed], finished: this.finished }
    this.changed = new Set()
    this.finished = []
    return changes
  }

  /** How far event time has come, beside what the splits themselves say. */
  get marks(): FrontierMarks {
    return this.frontier.marks
  }

  /** Goes on from the marks of an earlier run; before anything else. */
  restore(marks: FrontierMarks): void {
    this.frontier.restore(marks)
  }

  isIdleSplit(run: SplitRun): boolean {
    return run.state === 'waiting' ? run.wasIdle : this.frontier.isIdle(run)
  }

  /**
   * One step: pushes rows of the split whose turn it is; the turn passes on with the last row of a batch. Readers are
   * asked for more, and what they brought is taken, only when `ask` says so: before an epoch is cut, what was taken is
   * to be pushed.
   */
  turn(ask: boolean): Turn {
    if (this.done) return 'done'
    if (ask) this.openWaiting()
    const count = this.open.length
    for (let tried = 0; tried < count; tried++) {
      const run = this.open[this.next % this.open.length] as SplitRun
      const worked = this.advanceSplit(run, ask)
      if (run.state !== 'ready') this.next++
      if (worked) return 'worked'
    }
    if (count === 0) this.time.announce()
    if (this.options.isPlanned) return 'waiting'
    // Ending is work: others may wait for it, such as the streams behind the table of a lookup join.
    return this.endIfDone() ? 'worked' : 'waiting'
  }

  /** Marks splits whose readers have had nothing for `idleAfter` as idle. Called now and then by the loop. */
  checkIdle(now: number): void {
    const idleAfterMs = this.options.eventTime?.idleAfterMs ?? 0
    // How fast a bounded input is read says nothing of its event time.
    if (idleAfterMs === 0 || this.done || this.options.context.boundedness === 'bounded') return
    for (const run of this.open) {
      if (run.silentMs(now) < idleAfterMs || this.frontier.isIdle(run)) continue
      this.frontier.setIdle(run, true)
      this.changed.add(run)
    }
    this.time.announce()
  }

  /** Ends the task where it stands; with `drain` every window fires. */
  async stop(drain: boolean): Promise<void> {
    this.time.stop(drain)
    await this.close()
  }

  /** Frees all readers; where the splits stand is still known. */
  async close(): Promise<void> {
    const runs = this.open.filter((run) => run.state !== 'ended')
    for (const run of runs) this.countBytes(run)
    await Promise.all(runs.map((run) => run.close()))
  }

  private openWaiting(): void {
    let busy = 0
    for (const run of this.open) if (run.state !== 'idle' && this.isPermitted(run)) busy++
    while (busy < this.options.openMax && this.waiting.length > 0) {
      const run = this.options.isPlanned ? this.takePlanned() : this.waiting.shift()
      if (run === undefined) return
      this.openRun(run)
      busy++
    }
  }

  private isPermitted(run: SplitRun): boolean {
    return !this.options.isPlanned || this.lanes.get(run)?.current === run
  }

  /** The first waiting split whose turn it is in its lane. */
  private takePlanned(): SplitRun | undefined {
    for (const lane of this.openLanes) {
      const run = lane.current
      if (run === undefined) this.openLanes.delete(lane)
      // The turn may be that of another task's split.
      if (run?.state !== 'waiting' || !this.lanes.has(run)) continue
      this.takeWaiting(run)
      return run
    }
    return undefined
  }

  /** It is near the front: splits are read in the order in which they were found. */
  private takeWaiting(run: SplitRun): void {
    this.waiting.splice(this.waiting.indexOf(run), 1)
  }

  private openRun(run: SplitRun): void {
    this.open.push(run)
    run.open(this.options.source, this.options.context)
    this.frontier.opened(run)
    this.frontier.setIdle(run, run.wasIdle)
  }

  /** Pushes the next piece of a split; false when it has none now. */
  private advanceSplit(run: SplitRun, ask: boolean): boolean {
    if (run.state === 'ready') return this.pushPiece(run)
    if (!ask || (run.state !== 'due' && run.state !== 'answered')) return false
    if (!this.isPermitted(run)) return false
    const lane = this.lanes.get(run)
    const rowsMax = Math.min(this.options.batchRows, lane?.rowsLeft ?? Infinity)
    const batch = run.state === 'due' ? run.ask(rowsMax) : run.take()
    this.changed.add(run)
    if (batch !== undefined) return this.beginBatch(run, batch)
    if (run.takeSaid()) {
      this.frontier.setIdle(run, false)
      this.time.announce(run)
      return true
    }
    // The answer may have ended it.
    const hasEnded = (run.state as SplitState) === 'ended'
    if (!hasEnded && !run.atHorizon) return false
    lane?.pass()
    if (hasEnded) this.finish(run)
    return true
  }

  private beginBatch(run: SplitRun, raw: Batch): boolean {
    this.lastRowsAt = this.options.context.host.clock.monotonic()
    this.frontier.setIdle(run, false)
    const batch = this.options.rows.prepare(raw, {
      split: run.index,
      splitId: run.split.id,
      placeOf: (row) => run.placeOf(row),
      rowsBefore: run.rowsRead,
    })
    run.rowsRead += rowCount(raw)
    const lane = this.lanes.get(run)
    if (lane !== undefined) lane.rowsLeft -= rowCount(raw)
    this.progress.rows += rowCount(raw)
    if (rowCount(batch) === 0) {
      run.skip()
      return true
    }
    run.begin(batch, raw)
    return this.pushPiece(run)
  }

  private pushPiece(run: SplitRun): boolean {
    const piece = run.nextPiece()
    if (rowCount(piece) > 0) this.options.output.push(piece)
    this.time.announce(run)
    return true
  }

  /** Its reader counts no more from here on. */
  private countBytes(run: SplitRun): void {
    this.progress.bytesDone += run.bytesRead
    this.progress.bytesSkipped += run.bytesSkipped
  }

  private finish(run: SplitRun): void {
    this.progress.splitsDone++
    this.countBytes(run)
    this.open = this.open.filter((other) => other !== run)
    run.close().catch(this.options.failed)
    this.frontier.ended(run)
    this.changed.delete(run)
    this.finished.push(run.split.id)
    this.openWaiting()
    this.time.announce()
  }

  private endIfDone(): boolean {
    if (!this.isOver) return false
    this.time.end()
    return true
  }

  /** Everything was read, and nothing more can come. */
  private get isOver(): boolean {
    return !this.moreMayCome && this.open.length === 0 && this.waiting.length === 0
  }
}
