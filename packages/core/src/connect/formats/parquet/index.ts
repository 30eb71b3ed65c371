/**
 * The Parquet format: random-access files read into columns and written from columns.
 *
 * @see docs of connect/format.ts for the calls and their order.
 */
import type { Json, Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { RandomFormat } from '../../format.ts'
import type { WriteCodec } from './column-writer.ts'
import { ParquetEncoder } from './encoder.ts'
import { prunablePart } from './prunable.ts'
import { openParquet } from './reader.ts'
import { summarizeParquet } from './summary.ts'

/** Options of the Parquet format; they concern writing only. */
export interface ParquetOptions {
  /** How pages are compressed; `'uncompressed'` is another name of `'none'`. Default `'snappy'`. */
  readonly compression?: WriteCodec | 'none'
  /** Rows of a row group at most, 1 to 2^27. Default 262,144. */
  readonly rowGroupRows?: number
  /** Encoded bytes of a row group at most, about: what a writer holds in memory. Default 64 MiB. */
  readonly rowGroupBytes?: number
  /** Pairs of texts that are kept in the footer. */
  readonly metadata?: { readonly [key: string]: string }
}

const ROW_GROUP_ROWS = 262_144
const ROW_GROUP_ROWS_MAX = 2 ** 27
const ROW_GROUP_BYTES = 64 << 20

const codecs: readonly (WriteCodec | 'none')[] = ['none', 'uncompressed', 'snappy', 'gzip', 'zstd']

/**
 * The Parquet format.
 *
 * Reading: all encodings and the codecs uncompressed, Snappy, gzip, zstd, Brotli and LZ4; row groups that a pushed-down
 * predicate excludes are skipped by their statistics. Writing: dictionaries where values repeat, statistics, page checksums.
 * Throws `plan/invalid-argument` for options outside their range.
 */
export function parquet(options: ParquetOptions = {}): RandomFormat {
  const { compression = 'snappy', rowGroupRows = ROW_GROUP_ROWS, rowGroupBytes = ROW_GROUP_BYTES } = options
  if (!codecs.includes(compression))
    throw invalid('compression', `${codecs.join(', ')} are possible; it is ${JSON.stringify(compression)}`)
  checkWhole('rowGroupRows', rowGroupRows, ROW_GROUP_ROWS_MAX)
  checkWhole('rowGroupBytes', rowGroupBytes, Number.MAX_SAFE_INTEGER)
  const { metadata = {} } = options
  if (typeof metadata !== 'object' || metadata === null || Object.values(metadata).some(isNoText))
    throw invalid('metadata', `an object of texts is expected; it is ${JSON.stringify(metadata)}`)
  const codec = compression === 'none' ? 'uncompressed' : compression
  const write = { codec, rowGroupRows, rowGroupBytes, metadata }
  return {
    kind: 'random',
    name: 'parquet',
    extensions: ['parquet'],
    options: { ...options, ...(codec === 'uncompressed' ? { compression: 'none' } : {}) } as {
      readonly [name: string]: Json
    },
    summarize: (file) => summarizeParquet(file),
    open: openParquet,
    skipsBy: prunablePart,
    encoder: (schema, context) => new ParquetEncoder(schema, write, context),
    validate: checkWritable,
  }
}

function isNoText(value: unknown): boolean {
  return typeof value !== 'string'
}

function checkWhole(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw invalid(name, `a whole number from 1 to ${most} is expected; it is ${value}`)
}

function invalid(name: string, detail: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `option "${name}" of the Parquet format is out of range`,
    detail,
    hint: 'leave the option out for its default',
  })
}

/** Parquet has no struct without fields. */
function checkWritable(schema: Schema): void {
  for (const { name, type } of schema.fields) {
    if (type.kind !== 'struct' || type.fields.length > 0) continue
    throw new MillraceError('schema/unmappable', {
      what: `column "${name}" cannot be written to Parquet`,
      detail: 'it is a struct without fields',
      hint: 'drop the column in a step before the output',
    })
  }
}
