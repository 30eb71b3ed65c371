/**
 * The source contract: what a connector implements so that Millrace can read from it.
 *
 * A source is described by a plain `SourceDescription` (it goes into the plan and is hashed) and opened by its
 * connector at run time. It lists splits, opens a reader per split, and each reader hands over column batches.
 *
 * Calls come in this order: `enumerate` once; `next` again and again; for each split `open`, then `read` and
 * `position` in turns, never two at a time per reader, then `close`. Readers of different splits may be open together.
 *
 * An epoch is cut between two steps of the engine, at any moment, also while a read is under way: such a read belongs to
 * the next epoch, and the position that counts is the one from before it. What was found and not ended, each with its
 * position, and what enumerators remember is written down by the engine; a later run gets it back and goes on.
 */
import type { Batch } from '../data/batch.ts'
import type { Json, Schema } from '../data/type.ts'
import type { Expression } from '../expr/expression.ts'
import type { Files, Host } from '../host/host.ts'

/** Whether a run reads what is there and ends, or follows what comes. */
export type Boundedness = 'bounded' | 'unbounded'

/** One independently readable piece of a source: a file, a range of a file, a partition. */
export interface Split {
  /** Stable across runs and unique within the source. */
  readonly id: string
  /** What the connector needs to open it; JSON-safe. */
  readonly detail: Json
  /** A lower bound of its event times, when known without reading (milliseconds); else it holds the watermark until read. */
  readonly lowestEventTime?: number
  /** Size in bytes and rows when known: for progress and to share work out. */
  readonly bytes?: number
  readonly rows?: number
  /**
   * Rows may be added to it behind those that are there: its readers have a horizon. Default: what it holds is fixed when
   * it is found, however long that takes to read.
   */
  readonly grows?: boolean
}

/** What a horizon is asked for with. */
export interface HorizonWish {
  /** About so many bytes of input; but as many as a row needs. Undefined: all that is there. */
  readonly bytesMax: number | undefined
  /** Not behind this, the `to` of an earlier answer. */
  readonly within: Json | undefined
}

/** How far a split that grows can be read: what lies before it stays as it is. */
export interface Horizon {
  /** For `readTo` of this reader, or of another one of the same split in another process. */
  readonly to: Json
  /** Bytes of input that are new before it; 0 when the source does not count any. */
  readonly bytes: number
}

/** What a look for splits brought. */
export interface FoundSplits {
  /** New ones, in a deterministic order. */
  readonly splits: readonly Split[]
  /** None can come any more. */
  readonly done: boolean
  /**
   * Input was seen that is no split yet, such as a file that is still written: it holds the watermark as a split does that
   * was not read. Undefined: as it was said last; false at first.
   */
  readonly coming?: boolean
  /**
   * Entries that are new, are changed or (undefined) are gone: with all of them `enumerate` goes on behind this answer.
   * They count together with the splits, never one without the other. Not needed by a source that finds all of its
   * splits before it says `done` for the first time.
   */
  readonly remember?: ReadonlyMap<string, Json | undefined>
}

/** How far a split has come in an epoch whose output is delivered. */
export interface SplitProgress<Position extends Json = Json> {
  readonly split: string
  /** Of the next row; undefined: the split was read to its end. */
  readonly position: Position | undefined
}

/** A split that an earlier run has not read to its end. */
export interface UnfinishedSplit<Position extends Json = Json> {
  readonly split: Split
  /** Of the next row; undefined: the split was not begun. */
  readonly position: Position | undefined
}

/** Finds splits. A bounded one ends; an unbounded one goes on finding. */
export interface SplitEnumerator<Position extends Json = Json> {
  /** New splits since the last call. Called on an interval while unbounded, never two at a time. */
  next(): Promise<FoundSplits>
  /**
   * Rows before these positions will never be asked for again: their epoch is durable and its output delivered. Splits
   * that have not moved since the last call are left out. Failures end the run.
   */
  acknowledge?(progress: readonly SplitProgress<Position>[]): Promise<void>
  /**
   * Whether the last call of `next` has looked, and nothing was there that will be a split soon. Default: true. A run that
   * is to end when it is idle goes on while this is false.
   */
  readonly isSettled?: boolean
  close(): Promise<void>
}

/** What a read brought. A batch is valid until the next call of the same reader (B1). */
export type ReadResult =
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** Nothing now; call again when `until` resolves (or soon, when absent). */
  | { readonly kind: 'idle'; readonly until?: Promise<void>; readonly atHorizon?: undefined }
  /** All before the horizon that `readTo` has set was read. */
  | { readonly kind: 'idle'; readonly until?: undefined; readonly atHorizon: true }
  /**
   * The source itself says that the rows behind this point have this event time or a later one, in milliseconds: rows that
   * are earlier all the same are late. It is read like rows: the position moves past it, and it may come again. For sources
   * with event time, beside what their rows say; an earlier one than known means nothing. Call again at once.
   */
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'end' }

/** Reads one split. */
export interface SplitReader<Position extends Json = Json> {
  /**
   * The next rows, at most `rowsMax`. Answers at once when it can (no promise per batch of data already in memory).
   * Rows the source cannot decode go to `context.rejected` or throw, as the error policy says.
   */
  read(rowsMax: number): ReadResult | Promise<ReadResult>
  /** The position of the next unread row; JSON-safe and versioned by the connector. Asked before each read: it must be cheap. */
  position(): Position
  /** Where a row of the last batch (by its index in the columns) stands, for people. Asked before the next read. Default: unknown. */
  placeOf?(row: number): RowPlace
  /** Bytes of input that this reader has read and used so far. */
  bytesRead(): number
  /** Bytes of the split that it has passed over, or will, as far as it knows: progress does not wait for them. Default: 0. */
  bytesSkipped?(): number
  /**
   * Of a split that grows: how far it can be read now; undefined when nothing is new, neither rows nor the end. Asked
   * between two reads, in micro-batch mode only, where an epoch's input is fixed before it is read.
   */
  horizon?(wish: HorizonWish): Promise<Horizon | undefined>
  /**
   * Of a split that grows: from now on no read gives rows behind `to`. When all before it was read, reads are idle
   * `atHorizon`, or at the end when the horizon was the end. Called between two reads, with a horizon not before the last.
   */
  readTo?(to: Json): void
  close(): Promise<void>
}

/** A raw row that could not be decoded, with its place and the reason. */
export interface RejectedRow {
  readonly source: string
  /** The raw row as text (bytes that are not UTF-8 replaced), cut to 64 KiB. */
  readonly raw: string
  readonly reason: string
  readonly code: string
  readonly file: string | undefined
  readonly line: number | undefined
  readonly byte: number | undefined
}

/** Where a row stands in a file: its line, or in files without lines its number, both from 1, and its first byte. */
export interface RowPlace {
  readonly file: string
  readonly line?: number
  readonly row?: number
  /** In the decompressed stream. */
  readonly byte?: number
}

/** What a source gets from the engine. */
export interface SourceContext {
  readonly host: Host
  readonly boundedness: Boundedness
  /** The step's name, for errors. */
  readonly step: string
  /** Where undecodable rows go; undefined: throw (the default policy). */
  readonly rejected: ((row: RejectedRow) => void) | undefined
  /** Takes a clause for people that is no failure, such as that an input has gone which was read to its end. */
  readonly tell?: (text: string) => void
}

/** What may be asked of a source before it is opened, so that it reads less. */
export interface Pushdown {
  /** Only these columns are needed, in schema order. The source then produces batches of exactly these. */
  readonly columns: readonly string[] | undefined
  /** Rows for which this is not true are not needed: what `skipsBy` gave. It need not skip all: the filter stays in the plan. */
  readonly predicate: Expression | undefined
}

/** The JSON-safe description of a source as it stands in a plan. No secrets, only their names. */
export interface SourceDescription {
  readonly connector: string
  readonly options: { readonly [name: string]: Json }
}

/** Something that can be read from. */
export interface Source<Row = unknown, Position extends Json = Json> {
  readonly description: SourceDescription
  /**
   * The columns. When the user declared none, `resolveSchema` finds them before the plan is bound.
   */
  readonly schema: Schema<Row>
  /** What this source can be; a run in a mode it lacks is refused by name. */
  readonly supports: readonly Boundedness[]
  /**
   * How the splits of a bounded read are meant to be read: one after the other (files: less memory, order kept), or
   * side by side (parallel timelines of a generator or a log). Default: concurrent.
   */
  readonly splitOrder?: 'sequential' | 'concurrent'
  /**
   * Whether it reads what lies, or will lie, in a folder (absolute, links followed) or in partition folders in it: a
   * pipeline that writes there is refused. Default: it does not.
   */
  readsIn?(folder: string, files: Files): Promise<boolean>
  /**
   * Looks at the input and gives the same source with its schema. There, when the user declared none: until it was
   * called `schema` has no columns and the source cannot be bound to a plan. Throws schema/not-inferable, input/not-found...
   */
  resolveSchema?(host: Host): Promise<Source>
  /**
   * Whether this source can go on with what an earlier one has kept that read something else: undefined, or a clause that
   * says why not. Asked before a run, where the option `path` is another one. Default: it can.
   */
  goesOnWith?(
    kept: {
      readonly remembered: ReadonlyMap<string, Json>
      readonly unfinished: readonly UnfinishedSplit[]
    },
    files: Files,
  ): Promise<string | undefined>
  /**
   * The part of a condition by which it may leave out rows unread; undefined when it can with none of it. Without this
   * function a source is told no condition.
   */
  skipsBy?(predicate: Expression): Expression | undefined
  /** The same source reading less. Default: the engine drops the columns itself. */
  withPushdown?(pushdown: Pushdown): Source<unknown, Position>
  /**
   * Begins to look for splits. `remembered` is what an earlier run has remembered, when this one goes on from it: splits
   * that were found then are not found again. `unfinished` are those of them that were not read to their end.
   */
  enumerate(
    context: SourceContext,
    remembered?: ReadonlyMap<string, Json>,
    unfinished?: readonly UnfinishedSplit<Position>[],
  ): Promise<SplitEnumerator<Position>>
  open(split: Split, from: Position | undefined, context: SourceContext): Promise<SplitReader<Position>>
}
