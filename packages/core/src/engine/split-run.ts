/**
 * One split while it is read: opening, asking its reader, and handing its rows over piece by piece.
 *
 * The reader is asked only when its rows are wanted (readers do their own read-ahead), so that between two steps the
 * reader's position is exactly the next row that has not been pushed. Invariant (tests quote it):
 *  S1  Never two reads at a time of one reader; a batch is done with before its reader is asked again (B1).
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import type { ReadResult, Source, SourceContext, Split, SplitReader } from '../connect/source.ts'
import { readFailure } from './connector-failure.ts'
import type { SplitWatermark } from './split-watermark.ts'
import { selectRange, SelectionScratch } from './split-watermark.ts'

/** Where a split stands between two steps. */
export type SplitState =
  /** Not opened yet. */
  | 'waiting'
  /** Being opened: nothing was read yet. */
  | 'opening'
  /** A read was answered with a promise. */
  | 'asked'
  /** The reader can be asked. */
  | 'due'
  /** Rows are there. */
  | 'ready'
  /** The reader had nothing. */
  | 'idle'
  | 'ended'

/** What a split run tells its task. */
export interface SplitEvents {
  wake(): void
  failed(error: unknown): void
  /** Calls back soon. */
  later(callback: () => void): void
  /** Wall-clock time. */
  now(): number
}

/** Reads one split. */
export class SplitRun {
  readonly split: Split
  /** Its number in the order of discovery: the split part of the row order. */
  readonly index: number
  readonly watermark: SplitWatermark
  state: SplitState = 'waiting'
  /** Live rows brought so far. */
  rowsRead = 0
  private readonly events: SplitEvents
  private readonly scratch = new SelectionScratch()
  private reader: SplitReader | undefined
  private batch: Batch | undefined
  private raw: Batch | undefined
  private pushed = 0
  private prepared = false
  private opening: Promise<void> | undefined
  /** Since when the reader has nothing to give, as far as is known: it said so, or it has not answered yet. */
  private silentSince: number | undefined

  constructor(split: Split, index: number, watermark: SplitWatermark, events: SplitEvents) {
    this.split = split
    this.index = index
    this.watermark = watermark
    this.events = events
  }

  /** Bytes of input consumed. */
  get bytesRead(): number {
    return this.reader?.bytesRead() ?? 0
  }

  /**
   * For how long the reader has had nothing. 0 while it has rows, or might have some and was not asked: that the engine
   * has no time for a split says nothing of the split.
   */
  silentMs(now: number): number {
    const isSilent = this.state === 'idle' || this.state === 'asked'
    return isSilent && this.silentSince !== undefined ? now - this.silentSince : 0
  }

  open(source: Source, context: SourceContext): void {
    this.state = 'opening'
    this.opening = source.open(this.split, undefined, context).then(
      (reader) => {
        this.reader = reader
        if (this.state === 'opening') this.state = 'due'
        this.events.wake()
      },
      (error: unknown) => this.fail(error),
    )
  }

  /** Asks the reader for rows. Afterwards the state says what came of it. */
  ask(rowsMax: number): Batch | undefined {
    const result = this.read(rowsMax)
    if (!('then' in result)) return this.settle(result)
    this.state = 'asked'
    this.silentSince ??= this.events.now()
    result.then(
      (answer) => {
        this.batch = this.settle(answer)
        this.events.wake()
      },
      (error: unknown) => this.fail(error),
    )
    return undefined
  }

  private read(rowsMax: number): ReadResult | Promise<ReadResult> {
    try {
      return (this.reader as SplitReader).read(rowsMax)
    } catch (error) {
      throw readFailure(error, this.split.id)
    }
  }

  private fail(error: unknown): void {
    this.events.failed(readFailure(error, this.split.id))
  }

  /** Whether pieces of a prepared batch are left; else a ready batch is as the reader brought it. */
  get begun(): boolean {
    return this.prepared
  }

  /** The batch that a promise brought. */
  taken(): Batch {
    return this.batch as Batch
  }

  /** None of the batch's rows is to be pushed. */
  skip(): void {
    this.batch = undefined
    this.raw = undefined
    this.prepared = false
    this.state = 'due'
  }

  /** Makes a prepared batch the one whose pieces `nextPiece` hands out. */
  begin(batch: Batch, raw: Batch): void {
    this.batch = batch
    this.raw = raw
    this.pushed = 0
    this.prepared = true
    this.state = 'ready'
  }

  /** The next rows to push before `watermark.current` is announced; afterwards `state` is `ready` while pieces are left. */
  nextPiece(): Batch {
    const batch = this.batch as Batch
    const end = this.watermark.observe(batch, this.pushed, this.raw)
    const piece = selectRange(batch, this.pushed, end, this.scratch)
    this.pushed = end
    if (end === rowCount(batch)) {
      this.skip()
    }
    return piece
  }

  async close(): Promise<void> {
    this.state = 'ended'
    // The run may end while the split is being opened: then it is closed as soon as it is open.
    await this.opening
    const { reader } = this
    this.reader = undefined
    await reader?.close()
  }

  private readonly becomeDue = (): void => {
    if (this.state !== 'idle') return
    this.state = 'due'
    this.events.wake()
  }

  /** The reader was waiting for something, and it came. */
  private readonly hasMore = (): void => {
    this.silentSince = undefined
    this.becomeDue()
  }

  private settle(result: ReadResult): Batch | undefined {
    switch (result.kind) {
      case 'batch':
        this.state = 'ready'
        this.silentSince = undefined
        return result.batch
      case 'end':
        this.state = 'ended'
        return undefined
      case 'idle':
        this.state = 'idle'
        this.silentSince ??= this.events.now()
        if (result.until === undefined) this.events.later(this.becomeDue)
        else result.until.then(this.hasMore, (error: unknown) => this.fail(error))
        return undefined
    }
  }
}
