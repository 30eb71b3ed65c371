/**
 * A dataset of files: what a pipeline reads from or writes to, as the user writes it down.
 *
 * It only carries checked options; the source is file-source.ts, the sink file-sink.ts.
 */
import { MillraceError } from '../../errors.ts'
import type { Schema } from '../../data/type.ts'
import type { Duration } from '../../time/duration.ts'
import type { Format } from '../format.ts'
import type { Sink, SinkOf } from '../sink.ts'
import type { Source } from '../source.ts'
import type { FileCompression } from './file-name.ts'
import {
  checkBytes,
  checkChoice,
  checkDeclared,
  checkEventTime,
  checkPartitionBy,
  checkRoll,
  positiveDuration,
  wrongOption,
} from './file-options.ts'
import { fileSink } from './file-sink.ts'
import type { FileSinkOptions } from './file-sink.ts'
import { fileSource } from './file-source.ts'
import type { FileSourceOptions } from './file-source-options.ts'
import type { FormatChoice } from './format-choice.ts'
import type { OutputPlace } from './output-place.ts'

const POLL_MS_DEFAULT = 500
const CHUNK_BYTES_DEFAULT = 1024 * 1024
const ROLL_BYTES_DEFAULT = 128 * 1024 * 1024
const ROLL_AGE_MS_DEFAULT = 60_000
const OPEN_FILES_MAX_DEFAULT = 100

/** Event time of the rows, in full. */
export interface FileEventTime<Column extends string = string> {
  /** A timestamp, a date, or a number of milliseconds since 1970. */
  readonly column: Column
  /** How much earlier than its predecessors in the same file a row may be without being late; default 0. */
  readonly disorder?: Duration
  /** `'at-end'`: no row of a file is ever late; `{ from }`: rows in which the column is not null carry the watermark. */
  readonly watermark?: 'at-end' | { readonly from: Column }
  /** A file without new rows for so long (by the clock) no longer holds windows back; default: it holds them. */
  readonly idleAfter?: Duration
  /** A row without an event time fails the run (default) or goes to `.rejected`. */
  readonly onMissing?: 'fail' | 'reject'
}

/** How files are read. */
export interface FileReadOptions<Row> {
  /** The column that is event time, or event time in full. Windows need one. */
  readonly eventTime?: (keyof Row & string) | FileEventTime<keyof Row & string>
  /** Short for `eventTime: { column, disorder }`. */
  readonly disorder?: Duration
  /** A row that cannot be decoded fails the run (default) or goes to `.rejected`. */
  readonly onError?: 'fail' | 'reject'
  /**
   * What a run that follows does: read new files as they appear and stop changing (`'files'`, default), or also lines
   * as they are added to files (`'lines'`: NDJSON, CSV and TSV, not compressed).
   */
  readonly follow?: 'files' | 'lines'
  /**
   * What becomes of rows of a file that is followed which went before they were read, because it was deleted, emptied or
   * replaced: the run fails (default), or the next one goes on without them and says so.
   */
  readonly lostRows?: 'fail' | 'skip'
  /** How often a run that follows looks for new files and lines; default 500 ms. */
  readonly pollInterval?: Duration
  /** Cut larger files into parts of about so many bytes that tasks share (NDJSON, and Parquet by row groups); default: never. */
  readonly splitBytes?: number
}

/** How files are written; `Name` are the columns that the rows have. */
export interface FileWriteOptions<Name extends string = string> {
  /** Columns whose values name folders (`day=2001-01-01/`) instead of standing in the files. */
  readonly partitionBy?: readonly Name[]
  /**
   * When a file is ended and becomes visible: with every epoch (lowest latency, many small files), or at a size in
   * bytes or an age; default 128 MB or 60 s. A file ends with the run in any case.
   */
  readonly roll?: 'epoch' | { readonly size?: number; readonly interval?: Duration }
  /** Files that one task holds open; needing more, it ends the one written to the longest ago. Default 100. */
  readonly openFilesMax?: number
}

/** Options of a dataset of files. */
export interface FileOptions<Row> extends FileReadOptions<Row>, FileWriteOptions<keyof Row & string> {
  /**
   * Compression of whole files; `'uncompressed'` is another name of `'none'`. Read: by their endings (`.gz`, `.zst`)
   * unless said here. Written: none by default.
   */
  readonly compression?: FileCompression | 'none' | 'uncompressed'
}

/** Rows of files whose schema was not declared: the columns are found when the pipeline starts. */
export interface UndeclaredRow {
  readonly [column: string]: unknown
}

interface DatasetBase {
  /** Event time that was given with the dataset; `p.read` takes it on. */
  readonly eventTime: FileEventTime | string | undefined
  readonly onError: 'fail' | 'reject' | undefined
}

/** Files of known schema: something to read from and to write to. */
export interface FileDataset<Row> extends DatasetBase {
  readonly schema: Schema<Row>
  toSource(): Source<Row>
  toSink(): SinkOf<Row>
}

/** Files whose schema is found in them when they are read, and follows the rows when they are written. */
export interface UndeclaredFileDataset extends DatasetBase {
  readonly schema: undefined
  toSource(): Source<UndeclaredRow>
  toSink(): Sink
}

/** Options of files, with or without a schema. */
export type AnyFileOptions<Row> =
  | (FileOptions<NoInfer<Row>> & { readonly schema: Schema<Row> })
  | (FileOptions<UndeclaredRow> & { readonly schema?: undefined })

/** Makes a dataset; checks the options. */
export function makeDataset<Row>(
  formats: FormatChoice,
  place: string | OutputPlace,
  options: AnyFileOptions<Row>,
): FileDataset<Row> | UndeclaredFileDataset {
  const path = typeof place === 'object' && place !== null ? place.name : place
  if (typeof path !== 'string' || path.trim() === '')
    throw wrongOption('path', path, 'the path of a file, folder or pattern')
  const other = typeof place === 'string' ? undefined : place
  // Two slashes are one in a path: it would be a folder named like the scheme.
  if (other === undefined && /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new MillraceError('plan/unsupported', {
      what: `"${path}" is a URL, and files are read from and written to disks of this machine`,
      hint: path.startsWith('s3:')
        ? `write to a bucket with s3Folder('${path}') of @millrace/connector-s3 in place of the path; copy what is to be read to a folder`
        : 'read from and write to a folder, and copy the files there from elsewhere, or from there',
    })
  }
  checkDeclared(options.schema)
  checkChoice('onError', options.onError, ['fail', 'reject'])
  checkChoice('compression', options.compression, ['gzip', 'zstd', 'none', 'uncompressed'])
  const source = sourceOptions(formats, path, options)
  const sink = sinkOptions(options)
  const { schema, onError } = options
  return {
    schema,
    eventTime: eventTimeOf(options),
    onError,
    toSource: () => {
      if (other !== undefined) throw writtenOnly(path)
      return fileSource(source)
    },
    toSink: () => {
      if (other !== undefined) checkPlaceRoll(sink.roll.bytes)
      return fileSink({ ...sink, path, place: other, format: writtenFormat(formats, path) })
    },
  } as FileDataset<Row> | UndeclaredFileDataset
}

function eventTimeOf<Row>(options: AnyFileOptions<Row>): FileEventTime | string | undefined {
  const { eventTime, disorder } = options
  checkEventTime(eventTime)
  if (disorder === undefined) return eventTime
  if (eventTime === undefined) {
    throw wrongOption('disorder', disorder, 'given together with eventTime, the column that it is about')
  }
  return typeof eventTime === 'string' ? { column: eventTime, disorder } : { disorder, ...eventTime }
}

function sourceOptions<Row>(
  formats: FormatChoice,
  path: string,
  options: AnyFileOptions<Row>,
): FileSourceOptions {
  const { follow = 'files', lostRows = 'fail', splitBytes, schema } = options
  const compression = options.compression === 'uncompressed' ? 'none' : (options.compression ?? 'auto')
  checkChoice('follow', follow, ['files', 'lines'])
  checkChoice('lostRows', lostRows, ['fail', 'skip'])
  if (splitBytes !== undefined) checkBytes('splitBytes', splitBytes)
  const pollMs = positiveDuration('pollInterval', options.pollInterval ?? POLL_MS_DEFAULT)
  return {
    path, formats, schema, compression, follow, lostRows, pollMs, splitBytes,
    chunkBytes: CHUNK_BYTES_DEFAULT,
    pushdown: { columns: undefined, predicate: undefined },
  } // prettier-ignore
}

function sinkOptions(
  options: FileWriteOptions & { readonly compression?: FileCompression | 'none' | 'uncompressed' },
): Omit<FileSinkOptions, 'path' | 'place' | 'format'> {
  const { partitionBy = [], openFilesMax = OPEN_FILES_MAX_DEFAULT, compression } = options
  if (!Number.isInteger(openFilesMax) || openFilesMax < 1) {
    throw wrongOption('openFilesMax', openFilesMax, 'a whole number of files, 1 or more')
  }
  checkPartitionBy(partitionBy)
  return {
    partitionBy: [...partitionBy],
    openFilesMax,
    compression: compression === 'none' || compression === 'uncompressed' ? undefined : compression,
    roll: rollPolicy(options.roll),
  }
}

function rollPolicy(roll: FileWriteOptions['roll']): FileSinkOptions['roll'] {
  checkRoll(roll)
  if (roll === 'epoch')
    return { everyEpoch: true, bytes: ROLL_BYTES_DEFAULT, ageMs: undefined, ageGiven: false }
  const { size = ROLL_BYTES_DEFAULT, interval } = roll ?? {}
  checkBytes('roll.size', size)
  return {
    everyEpoch: false,
    bytes: size,
    ageMs: positiveDuration('roll.interval', interval ?? ROLL_AGE_MS_DEFAULT),
    ageGiven: interval !== undefined,
  }
}

/** Files in other places are copied there when they become visible, which stores do up to 5 GB. */
const PLACE_FILE_BYTES_MAX = 4 * 1024 ** 3

function checkPlaceRoll(bytes: number): void {
  if (bytes <= PLACE_FILE_BYTES_MAX) return
  throw wrongOption('roll.size', bytes, `up to ${PLACE_FILE_BYTES_MAX} for an output in a bucket`)
}

function writtenOnly(path: string): MillraceError {
  return new MillraceError('plan/unsupported', {
    what: `files in "${path}" are written, not read`,
    hint: 'copy them to a folder of this machine, and read that',
  })
}

function writtenFormat(formats: FormatChoice, path: string): Format {
  if (formats.written !== undefined) return formats.written
  throw new MillraceError('plan/unsupported', {
    what: `the format of output "${path}" is not said`,
    hint: `name it, as in parquet('${path}') or ndjson('${path}')`,
  })
}
