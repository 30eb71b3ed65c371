/**
 * The formats CSV and TSV.
 */
import type { Schema } from '../../../data/type.ts'
import type {
  DecoderOptions,
  EncoderOptions,
  RecordDecoder,
  RecordEncoder,
  RecordFormat,
} from '../../format.ts'
import { CsvDecoder } from './csv-decoder.ts'
import type { CsvOptions } from './csv-dialect.ts'
import { csvDialect } from './csv-dialect.ts'
import { CsvEncoder } from './csv-encoder.ts'
import { inferCsvSchema } from './csv-inference.ts'
import { plainOptions } from '../text/text-options.ts'

export type { CsvOptions } from './csv-dialect.ts'

/**
 * Comma-separated values: RFC 4180 with a header by default, other dialects by options.
 *
 * Columns are found by the header's names, in any order; fields of columns that are not needed are skipped. Lists,
 * maps and structs stand in a field as JSON, intervals as ISO 8601 durations, bytes as base64.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 */
export function csv(options: CsvOptions = {}): RecordFormat {
  return separatedValues('csv', ',', options)
}

/** Tab-separated values: CSV with a tab as the delimiter. */
export function tsv(options: Omit<CsvOptions, 'delimiter'> = {}): RecordFormat {
  return separatedValues('tsv', '\t', options)
}

function separatedValues(name: 'csv' | 'tsv', delimiter: string, options: CsvOptions): RecordFormat {
  const dialect = csvDialect(options, delimiter)
  return Object.freeze<RecordFormat>({
    kind: 'records',
    name,
    extensions: Object.freeze([name]),
    options: plainOptions(options),
    // A quoted field may hold a line feed.
    lineRecords: false,
    decoder: (schema: Schema, decoderOptions: DecoderOptions): RecordDecoder =>
      new CsvDecoder(schema, decoderOptions, dialect),
    encoder: (schema: Schema, _options: EncoderOptions): RecordEncoder => new CsvEncoder(schema, dialect),
    inferSchema: (sample, { complete, file }) => inferCsvSchema(sample, { complete, file, dialect }),
  })
}
