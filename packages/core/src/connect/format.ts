/**
 * The format contract: how bytes of files become column batches and back.
 *
 * A format knows nothing of paths, directories, compression of whole files, splits or epochs: connect/files does that
 * and calls formats. Two families: *record* formats (NDJSON, CSV, JSON) are fed with chunks of a byte stream, in
 * order; *random* formats (Parquet) read ranges of a file of known length. Invariants (tests quote them):
 *  F1  A decoder consumes whole records only: cutting the same bytes into chunks differently gives the same rows.
 *  F2  Decoding from (byte, line, resume) as they stood between two records gives exactly the rows that were left.
 *  F3  A batch, and the bytes an encoder returns, are valid until the next call of the decoder, reader or encoder.
 *  F4  Every record becomes a row, a call of `reject`, or an error with file, line and byte: never nothing (blank lines
 *      are not records).
 */
import type { Batch } from '../data/batch.ts'
import type { Json, Schema } from '../data/type.ts'
import type { Compression } from '../host/host.ts'
import type { Pushdown } from './source.ts'

type Expression = NonNullable<Pushdown['predicate']>

/** A record that could not be decoded, as a decoder reports it. The reader adds source and file. */
export interface RejectedRecord {
  /** The record's bytes, without its line end; valid during the call. */
  readonly raw: Uint8Array
  /** Why, in one clause: lower case, no final stop. */
  readonly reason: string
  /** An error code of the catalogue: input/undecodable, input/missing-column, value/unsafe-integer... */
  readonly code: string
  /** Where the record begins, from 1; of a random format the row. */
  readonly line: number
  /** Where the record begins, from 0, in the decompressed stream; undefined of a random format. */
  readonly byte: number | undefined
  readonly column?: string
}

/** What a record decoder is made with. */
export interface DecoderOptions {
  /** Only these columns are produced, in schema order; undefined: all. The others are skipped, not checked. */
  readonly columns: readonly string[] | undefined
  /** Where the first pushed byte stands in the decompressed stream; default 0. */
  readonly byte?: number
  /** The line (from 1) of the first pushed byte; default 1. */
  readonly line?: number
  /** What `resume` of a decoder at that place gave; undefined at the start of a file. */
  readonly resume?: Json
  /** The name of the file, for errors. */
  readonly file: string
  /** Where undecodable records go; undefined: throw. */
  readonly reject: ((record: RejectedRecord) => void) | undefined
  /** Told where each record that becomes a row begins. Decoding is slower with it: it is for rows that are to be told of. */
  readonly located?: ((line: number, byte: number) => void) | undefined
  /** The native check for valid UTF-8, where the host has one; text decoders bring a slower one of their own. */
  readonly isUtf8?: ((bytes: Uint8Array) => boolean) | undefined
}

/** Turns chunks of a byte stream into batches. Synchronous. */
export interface RecordDecoder {
  /** The schema of its batches: the file's, cut down to `columns`. */
  readonly schema: Schema
  /**
   * Starts a new batch and decodes whole records of `chunk[start … end)` into it, at most `rowsMax`. Returns the bytes
   * consumed; the incomplete record at the end stays unconsumed and is pushed again, with more behind it, unless
   * `final` says that nothing comes behind `end`: then it is decoded (or is an error). Returning less than `end - start`
   * without having `rowsMax` rows means: more bytes are needed. String columns of the batch may refer to `chunk`.
   */
  push(chunk: Uint8Array, start: number, end: number, final: boolean, rowsMax: number): number
  /** The rows of the last `push`, or undefined when there are none. Valid until the next `push` (F3). */
  take(): Batch | undefined
  /** Rows decoded by the last `push`. */
  readonly rows: number
  /** The line (from 1) of the next unconsumed byte. */
  readonly line: number
  /** What a decoder that goes on at the next unconsumed byte must know besides byte and line: the header of CSV, the nesting of JSON. Small, JSON-safe. */
  resume(): Json
}

/** What a record encoder is made with. */
export interface EncoderOptions {
  /** Parquet compresses its pages with it; record formats ignore it. */
  readonly compression: Compression
}

/** Turns batches into the bytes of one file. Synchronous; one per file. */
export interface RecordEncoder {
  /** What stands before the first row (a CSV header, `[`, `PAR1`). Called once, first. */
  begin(): Uint8Array | undefined
  /** Takes the live rows of the batch; the bytes that can be written now (possibly none) are valid until the next call. */
  encode(batch: Batch): Uint8Array
  /** What stands behind the last row (a footer). Called once, last. */
  end(): Uint8Array | undefined
  /** Bytes taken in and not yet returned, about: with the bytes written so far it gives the file's size to roll at. */
  estimatedBytes(): number
}

/** A file that can be read anywhere, of known length. */
export interface RandomAccessFile {
  /** Its name, for errors. */
  readonly name: string
  readonly size: number
  /** Exactly `length` bytes at `position` (both inside the file). The result is the caller's to keep. */
  read(position: number, length: number): Promise<Uint8Array>
}

/** What a random-access reader is opened with. */
export interface RandomReaderOptions {
  readonly compression: Compression
  /** Columns and predicate to read less by; a predicate may skip row groups, never rows that it holds for. */
  readonly pushdown: Pushdown
  /** Where to go on: a `position()` of an earlier reader of the same file. */
  readonly from?: Json
  /** Read only these row groups (first … last exclusive): how a file is cut into splits. */
  readonly groups?: { readonly first: number; readonly last: number }
  /** Where rows that cannot be represented go; undefined: throw. */
  readonly reject: ((record: RejectedRecord) => void) | undefined
}

/** Reads one file of a random format, from `from` to its end. */
export interface RandomReader {
  /** Of its batches: cut down to the pushed-down columns. */
  readonly schema: Schema
  /** The next rows, at most `rowsMax`; undefined at the end. Answers without a promise when the rows are in memory. */
  read(rowsMax: number): Batch | undefined | Promise<Batch | undefined>
  /** Of the next unread row. JSON-safe, versioned: for Parquet `{ v: 1, group, row }`. */
  position(): Json
  /** Rows of the file before the next unread one (also those skipped): with the split it orders rows. */
  rowIndex(): number
  /** Bytes of the columns and row groups that were read so far. */
  bytesRead(): number
  /** The same at the end, as far as it is known by now: row groups are skipped when they are come to. */
  bytesToRead(): number
  close(): Promise<void>
}

/** What is known of a random-format file from its footer alone. */
export interface RandomFileSummary {
  readonly schema: Schema
  readonly rows: number
  readonly groups: readonly { readonly rows: number; readonly bytes: number }[]
}

interface FormatBase {
  /** As it stands in plans: `ndjson`, `csv`, `json`, `parquet`. */
  readonly name: string
  /** File name endings without the dot, the first one is written: `['ndjson', 'jsonl']`. */
  readonly extensions: readonly string[]
  /** Its options as they stand in plans; JSON-safe. */
  readonly options: { readonly [name: string]: Json }
  encoder(schema: Schema, options: EncoderOptions): RecordEncoder
  /** Throws schema/unmappable for a schema that the format cannot hold; called before anything is written. */
  validate?(schema: Schema): void
}

/** A format whose files are a stream of records. */
export interface RecordFormat extends FormatBase {
  readonly kind: 'records'
  /** True when every LF byte ends a record, so that a file can be cut anywhere and followed line by line. */
  readonly lineRecords: boolean
  /** False when a file has an end of its own (a JSON array), so that nothing can be appended to it; default true. */
  readonly appendable?: boolean
  decoder(schema: Schema, options: DecoderOptions): RecordDecoder
  /** The schema of the first rows of a file. `complete`: the sample is the whole file. Throws schema/not-inferable. */
  inferSchema(sample: Uint8Array, options: { readonly complete: boolean; readonly file: string }): Schema
}

/** A format whose files are read by ranges. */
export interface RandomFormat extends FormatBase {
  readonly kind: 'random'
  /** Footer only. Throws input/truncated or input/corrupt. */
  summarize(file: RandomAccessFile, compression: Compression): Promise<RandomFileSummary>
  /** `schema` undefined: as the file says; else columns are found by name and must fit (input/missing-column, schema/mismatch). */
  open(
    file: RandomAccessFile,
    schema: Schema | undefined,
    options: RandomReaderOptions,
  ): Promise<RandomReader>
  /** As of a source (source.ts): the part of a condition by which it can leave out rows unread. Default: none. */
  skipsBy?(predicate: Expression): Expression | undefined
}

/** A file format. */
export type Format = RecordFormat | RandomFormat
