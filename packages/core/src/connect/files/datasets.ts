/**
 * The datasets of files by format: `ndjson('data/*.ndjson', { schema, eventTime: 'time' })`.
 *
 * Each can be read from and written to. A path is a file, a folder (its data files and its `k=v` partition folders) or
 * a pattern when read, and a folder when written. Options of the format and options of files stand side by side.
 */
import type { Schema } from '../../data/type.ts'
import type { Format } from '../format.ts'
import { csv as csvFormat, tsv as tsvFormat } from '../formats/csv/csv.ts'
import type { CsvOptions } from '../formats/csv/csv.ts'
import { json as jsonFormat } from '../formats/json/json.ts'
import type { JsonOptions } from '../formats/json/json.ts'
import { ndjson as ndjsonFormat } from '../formats/json/ndjson.ts'
import type { NdjsonOptions } from '../formats/json/ndjson.ts'
import { parquet as parquetFormat } from '../formats/parquet/index.ts'
import type { ParquetOptions } from '../formats/parquet/index.ts'
import { makeDataset } from './dataset.ts'
import type {
  AnyFileOptions,
  FileDataset,
  FileOptions,
  UndeclaredFileDataset,
  UndeclaredRow,
} from './dataset.ts'
import { partOptions } from './file-options.ts'
import type { DatasetFunction } from './file-options.ts'
import { formatByEnding, oneFormat } from './format-choice.ts'
import type { OutputPlace } from './output-place.ts'

// The overload with a schema comes last: of several the compiler explains the last one, and that one is meant.

/** Options with the schema of the rows. */
export type DeclaredOptions<Row, Format> = Format &
  FileOptions<NoInfer<Row>> & { readonly schema: Schema<Row> }

/** Options without a schema: it is taken from the files. */
export type UndeclaredOptions<Format> = Format & FileOptions<UndeclaredRow> & { readonly schema?: undefined }

/** Options of `files`: those that do not depend on the format. */
export type AnyFormatOptions = Readonly<Record<never, never>>

/** Without a schema: the columns are found in the files. */
export function ndjson(
  path: string | OutputPlace,
  options?: UndeclaredOptions<NdjsonOptions>,
): UndeclaredFileDataset
/**
 * Newline-delimited JSON: one object per line (`.ndjson`, `.jsonl`, and these with `.gz` or `.zst`).
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const Event = schema({ time: t.timestamp('ms'), kind: t.string() })
 * const events = p.read('events', ndjson('events', { schema: Event, eventTime: 'time', follow: 'lines' }))
 * ```
 */
export function ndjson<Row>(
  path: string | OutputPlace,
  options: DeclaredOptions<Row, NdjsonOptions>,
): FileDataset<Row>
export function ndjson<Row>(
  path: string | OutputPlace,
  options: NdjsonOptions & AnyFileOptions<Row> = {},
): FileDataset<Row> | UndeclaredFileDataset {
  return dataset('ndjson', path, { options, format: ndjsonFormat })
}

/** Without a schema: the columns are found in the files. */
export function json(
  path: string | OutputPlace,
  options?: UndeclaredOptions<JsonOptions>,
): UndeclaredFileDataset
/**
 * JSON documents that are one array of objects (`.json`).
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const flights = p.read('flights', json('flights-200k.json', { schema: Flight }))
 * ```
 */
export function json<Row>(
  path: string | OutputPlace,
  options: DeclaredOptions<Row, JsonOptions>,
): FileDataset<Row>
export function json<Row>(
  path: string | OutputPlace,
  options: JsonOptions & AnyFileOptions<Row> = {},
): FileDataset<Row> | UndeclaredFileDataset {
  return dataset('json', path, { options, format: jsonFormat })
}

/** Without a schema: the columns are found in the files. */
export function csv(
  path: string | OutputPlace,
  options?: UndeclaredOptions<CsvOptions>,
): UndeclaredFileDataset
/**
 * Comma-separated values: RFC 4180 with a header, or another dialect by options (`.csv`).
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const airports = p.read('airports', csv('airports.csv', { schema: Airport }))
 * ```
 */
export function csv<Row>(
  path: string | OutputPlace,
  options: DeclaredOptions<Row, CsvOptions>,
): FileDataset<Row>
export function csv<Row>(
  path: string | OutputPlace,
  options: CsvOptions & AnyFileOptions<Row> = {},
): FileDataset<Row> | UndeclaredFileDataset {
  return dataset('csv', path, { options, format: csvFormat })
}

/** Without a schema: the columns are found in the files. */
export function tsv(
  path: string | OutputPlace,
  options?: UndeclaredOptions<Omit<CsvOptions, 'delimiter'>>,
): UndeclaredFileDataset
/**
 * Tab-separated values (`.tsv`): CSV with a tab as the delimiter.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 */
export function tsv<Row>(
  path: string | OutputPlace,
  options: DeclaredOptions<Row, Omit<CsvOptions, 'delimiter'>>,
): FileDataset<Row>
export function tsv<Row>(
  path: string | OutputPlace,
  options: Omit<CsvOptions, 'delimiter'> & AnyFileOptions<Row> = {},
): FileDataset<Row> | UndeclaredFileDataset {
  return dataset('tsv', path, { options, format: tsvFormat })
}

/** Without a schema: the columns are found in the files. */
export function parquet(path: string | OutputPlace, options?: UndeclaredParquetOptions): UndeclaredFileDataset
/**
 * Apache Parquet (`.parquet`). Only the columns and row groups that the pipeline needs are read.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const flights = p.read('flights', parquet('data/flights-3m.parquet', { schema: Flight, eventTime: 'date' }))
 * flights.write('out', parquet('out/flights', { partitionBy: ['origin'] }))
 * ```
 */
export function parquet<Row>(
  path: string | OutputPlace,
  options: DeclaredParquetOptions<Row>,
): FileDataset<Row>
export function parquet<Row>(
  path: string | OutputPlace,
  options: DeclaredParquetOptions<Row> | UndeclaredParquetOptions = {},
): FileDataset<Row> | UndeclaredFileDataset {
  return dataset('parquet', path, { options, format: parquetFormat })
}

/** Options of Parquet with the schema of the rows. Its `compression` is that of the pages in the file. */
export type DeclaredParquetOptions<Row> = ParquetOptions &
  Omit<FileOptions<NoInfer<Row>>, 'compression'> & { readonly schema: Schema<Row> }

/** Options of Parquet without a schema: it is taken from the files. */
export type UndeclaredParquetOptions = ParquetOptions &
  Omit<FileOptions<UndeclaredRow>, 'compression'> & { readonly schema?: undefined }

/** Without a schema: the columns are found in the files. */
export function files(
  path: string | OutputPlace,
  options?: UndeclaredOptions<AnyFormatOptions>,
): UndeclaredFileDataset
/**
 * Files of any of the formats, told apart by the endings of their names. For reading; what is written has a format.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const flights = p.read('flights', files('data/flights', { schema: Flight, eventTime: 'date' }))
 * ```
 */
export function files<Row>(
  path: string | OutputPlace,
  options: DeclaredOptions<Row, AnyFormatOptions>,
): FileDataset<Row>
export function files<Row>(
  path: string | OutputPlace,
  options: AnyFileOptions<Row> = {},
): FileDataset<Row> | UndeclaredFileDataset {
  const formats = [parquetFormat(), ndjsonFormat(), jsonFormat(), csvFormat(), tsvFormat()]
  const { ofFiles } = partOptions('files', options)
  return makeDataset<Row>(formatByEnding(formats), path, ofFiles as AnyFileOptions<Row>)
}

/** Parts the options; they lose their types on the way, and each name goes to the side that declares it. */
function dataset<Row, Options extends object>(
  of: DatasetFunction,
  path: string | OutputPlace,
  given: { readonly options: object; readonly format: (options: Options) => Format },
): FileDataset<Row> | UndeclaredFileDataset {
  const { ofFiles, ofFormat } = partOptions(of, given.options)
  return makeDataset<Row>(oneFormat(given.format(ofFormat as Options)), path, ofFiles as AnyFileOptions<Row>)
}
