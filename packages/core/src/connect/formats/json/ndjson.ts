/**
 * The format NDJSON (newline-delimited JSON, JSON Lines): one object per line.
 */
import type { Schema } from '../../../data/type.ts'
import type {
  DecoderOptions,
  EncoderOptions,
  RecordDecoder,
  RecordEncoder,
  RecordFormat,
} from '../../format.ts'
import { JsonEncoder } from './json-encoder.ts'
import { inferJsonSchema } from './json-inference.ts'
import { NdjsonDecoder } from './ndjson-decoder.ts'
import type { RecordLimitOptions, TimeTextOptions } from '../text/text-options.ts'
import { epochUnitOf, plainOptions, recordBytesMaxOf, timestampTextOf } from '../text/text-options.ts'

/** Options of NDJSON. */
export interface NdjsonOptions extends TimeTextOptions, RecordLimitOptions {}

/**
 * Newline-delimited JSON.
 *
 * Reads LF and CRLF line ends, skips blank lines and a byte order mark; writes LF. Integers and decimals of any size
 * stay exact in both directions. NaN and infinities are written as text (`"NaN"`), which float columns read again.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 */
export function ndjson(options: NdjsonOptions = {}): RecordFormat {
  const epochUnit = epochUnitOf(options)
  const recordBytesMax = recordBytesMaxOf(options)
  const timestamps = timestampTextOf(options)
  return Object.freeze<RecordFormat>({
    kind: 'records',
    name: 'ndjson',
    extensions: Object.freeze(['ndjson', 'jsonl']),
    options: plainOptions(options),
    lineRecords: true,
    decoder: (schema: Schema, decoderOptions: DecoderOptions): RecordDecoder =>
      new NdjsonDecoder(schema, decoderOptions, { epochUnit, recordBytesMax }),
    encoder: (schema: Schema, _options: EncoderOptions): RecordEncoder =>
      new JsonEncoder(schema, { framing: 'lines', timestamps, epochUnit }),
    inferSchema: (sample, { complete, file }) =>
      inferJsonSchema(sample, { complete, file, framing: 'lines', recordBytesMax }),
  })
}
