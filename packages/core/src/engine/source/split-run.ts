/**
 * One split while it is read: opening, asking its reader, and handing its rows over piece by piece.
 *
 * Invariants (tests quote them):
 *  SO1  Never two reads at a time of one reader; a batch is done with before its reader is asked again (B1).
 *  SO5  An answer counts from when it is taken, between two steps. Until then the position is the one from before the
 *       question, and rows that the reader rejects meanwhile are held back: an epoch that is cut while a read is under way
 *       has nothing of it.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Json } from '../../data/type.ts'
import type {
  Horizon,
  HorizonWish,
  ReadResult,
  RejectedRow,
  RowPlace,
  Source,
  SourceContext,
  Split,
  SplitReader,
} from '../../connect/source.ts'
import { MillraceError } from '../../errors.ts'
import { readFailure } from '../connector-failure.ts'
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
  /** What the promise brought waits to be taken. */
  | 'answered'
  /** The reader can be asked. */
  | 'due'
  /** Rows were taken, and pieces of them are left. */
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
  /** Time on the clock that never goes back. */
  now(): number
}

/** Where an earlier run left a split. */
export interface SplitStart {
  /** Undefined: at its beginning. */
  readonly position: Json | undefined
  readonly rowsRead: number
  readonly watermark: number
  readonly isIdle: boolean
}

/** Reads one split. */
export class SplitRun {
  readonly split: Split
  /** Its number in the order of discovery: the split part of the row order. */
  readonly index: number
  readonly watermark: SplitWatermark
  /** Whether it was idle when the run began that this one goes on from. */
  readonly wasIdle: boolean
  state: SplitState = 'waiting'
  /** Live rows brought so far. */
  rowsRead: number
  /** Where it stood when that was written down last, as text. */
  written = ''
  /** Everything before the horizon was read. */
  atHorizon = false
  /** The horizon that was set and has not been reached. */
  unreached: Json | undefined
  /** Of a run over what is there now: how far that goes; undefined: not known yet, `[]`: nothing is there. */
  target: readonly [Json] | readonly [] | undefined
  /** Its place among the turns that splits have had: who had none for longest comes first. */
  turn = 0
  /** Planned time of the last epoch that found it new, or of the first one. */
  lastNewMs: number | undefined
  private readonly events: SplitEvents
  private readonly scratch = new SelectionScratch()
  private reader: SplitReader | undefined
  private batch: Batch | undefined
  private raw: Batch | undefined
  private pushed = 0
  private opening: Promise<void> | undefined
  private answer: ReadResult | undefined
  /** The position while the reader is at work, or is not there. */
  private keptPosition: Json | undefined
  private heldRejects: RejectedRow[] = []
  private passReject: ((row: RejectedRow) => void) | undefined
  /** Since when the reader has nothing to give, as far as is known: it said so, or it has not answered yet. */
  private silentSince: number | undefined
  /** The reader has said a watermark, which nobody was told of. */
  private hasSaid = false

  constructor(
    split: Split,
    index: number,
    parts: { readonly watermark: SplitWatermark; readonly events: SplitEvents; readonly start?: SplitStart },
  ) {
    const { watermark, events, start } = parts
    this.split = split
    this.index = index
    this.watermark = watermark
    this.events = events
    this.keptPosition = start?.position
    this.rowsRead = start?.rowsRead ?? 0
    this.wasIdle = start?.isIdle ?? false
    if (start !== undefined) watermark.current = start.watermark
  }

  /** Bytes of input consumed. */
  get bytesRead(): number {
    return this.reader?.bytesRead() ?? 0
  }

  /** Where a row of the batch in hand stands; undefined where the source does not tell. */
  placeOf(row: number): RowPlace | undefined {
    return this.reader?.placeOf?.(row)
  }

  /** Bytes of the split that are not read. */
  get bytesSkipped(): number {
    return this.reader?.bytesSkipped?.() ?? 0
  }

  /** Where a run that begins with the rows that were not taken would go on; undefined: at the beginning (SO5). */
  get position(): Json | undefined {
    const isAtWork = this.state === 'asked' || this.state === 'answered'
    return isAtWork || this.reader === undefined ? this.keptPosition : this.reader.position()
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
    this.passReject = context.rejected
    const own = { ...context, rejected: context.rejected === undefined ? undefined : this.reject }
    this.opening = source.open(this.split, this.keptPosition, own).then(
      (reader) => {
        this.reader = reader
        if (this.state === 'opening') this.state = 'due'
        this.events.wake()
      },
      (error: unknown) => this.fail(error),
    )
  }

  /** How far a split that grows can be read; undefined when nothing is new. After `open`. */
  async horizon(wish: HorizonWish): Promise<Horizon | undefined> {
    await this.opening
    try {
      return await this.reader?.horizon?.(wish)
    } catch (error) {
      throw readFailure(error, this.split.id)
    }
  }

  /** Lets a split that grows be read up to `to`, and no farther. After `open`. */
  async readTo(to: Json): Promise<void> {
    await this.opening
    const { reader } = this
    if (reader === undefined) return
    if (reader.readTo === undefined) throw noHorizon(this.split.id)
    reader.readTo(to)
    this.atHorizon = false
    this.unreached = to
    if (this.state === 'idle') this.state = 'due'
  }

  /** Asks the reader for rows and takes what it answers at once. Afterwards the state says what came of it. */
  ask(rowsMax: number): Batch | undefined {
    const reader = this.reader as SplitReader
    this.keptPosition = reader.position()
    this.state = 'asked'
    const result = this.read(reader, rowsMax)
    if (result === undefined) return undefined
    if (!('then' in result)) return this.settle(result)
    this.awaitAnswer(result)
    return undefined
  }

  /** Undefined: the reader failed. Nothing was taken: the split stays where it was when it was asked. */
  private read(reader: SplitReader, rowsMax: number): ReadResult | Promise<ReadResult> | undefined {
    try {
      return reader.read(rowsMax)
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }

  private awaitAnswer(result: Promise<ReadResult>): void {
    this.silentSince ??= this.events.now()
    result.then(
      (answer) => {
        if (this.state !== 'asked') return
        this.answer = answer
        this.state = 'answered'
        this.events.wake()
      },
      (error: unknown) => this.fail(error),
    )
  }

  /** Takes what a promise has brought. */
  take(): Batch | undefined {
    const { answer } = this
    this.answer = undefined
    return this.settle(answer as ReadResult)
  }

  /** Whether the answer taken last was a watermark. */
  takeSaid(): boolean {
    const { hasSaid } = this
    this.hasSaid = false
    return hasSaid
  }

  /** None of the rows is to be pushed. */
  skip(): void {
    this.batch = undefined
    this.raw = undefined
    this.state = 'due'
  }

  /** Makes a prepared batch the one whose pieces `nextPiece` hands out. */
  begin(batch: Batch, raw: Batch): void {
    this.batch = batch
    this.raw = raw
    this.pushed = 0
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

  /** Frees the reader; `position` stays what it was. */
  async close(): Promise<void> {
    this.keptPosition = this.position
    this.state = 'ended'
    const { reader } = this
    this.reader = undefined
    // The run may end while the split is being opened: then it is closed as soon as it is open.
    await this.opening
    await (reader ?? this.takeReader())?.close()
  }

  private takeReader(): SplitReader | undefined {
    const { reader } = this
    this.reader = undefined
    return reader
  }

  private fail(error: unknown): void {
    this.events.failed(readFailure(error, this.split.id))
  }

  private readonly reject = (row: RejectedRow): void => {
    this.heldRejects.push(row)
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
    for (const row of this.heldRejects) this.passReject?.(row)
    this.heldRejects = []
    switch (result.kind) {
      case 'batch':
        this.state = 'ready'
        this.silentSince = undefined
        return result.batch
      case 'watermark':
        this.state = 'due'
        this.silentSince = undefined
        this.watermark.raise(result.watermark)
        this.hasSaid = true
        return undefined
      case 'end':
        this.state = 'ended'
        return undefined
      case 'idle':
        this.state = 'idle'
        this.atHorizon = result.atHorizon === true
        if (this.atHorizon) {
          this.unreached = undefined
          return undefined
        }
        this.silentSince ??= this.events.now()
        if (result.until === undefined) this.events.later(this.becomeDue)
        else result.until.then(this.hasMore, (error: unknown) => this.fail(error))
        return undefined
    }
  }
}

function noHorizon(split: string): MillraceError {
  return new MillraceError('plan/unsupported', {
    what: `split "${split}" grows while it is read, and its reader has no horizon`,
    detail: 'in micro-batch mode the input of an epoch is fixed before it is read',
    hint: 'use --mode continuous, or add `horizon` and `readTo` to the readers of the connector',
  })
}
