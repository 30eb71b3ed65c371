/**
 * The format JSON: a document that is one array of objects.
 */
import type { Schema } from '../../../data/type.ts'
import type {
  DecoderOptions,
  EncoderOptions,
  RecordDecoder,
  RecordEncoder,
  RecordFormat,
} from '../../format.ts'
import { JsonDecoder } from './json-decoder.ts'
import { JsonEncoder } from './json-encoder.ts'
import { inferJsonSchema } from './json-inference.ts'
import type { RecordLimitOptions, TimeTextOptions } from '../text/text-options.ts'
import { epochUnitOf, plainOptions, recordBytesMaxOf, timestampTextOf } from '../text/text-options.ts'

/** Options of JSON documents. */
export interface JsonOptions extends TimeTextOptions, RecordLimitOptions {}

/**
 * JSON documents: one array of objects, streamed in both directions, so that no document has to fit in memory.
 *
 * Also reads objects that stand one behind another without an array.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 */
export function json(options: JsonOptions = {}): RecordFormat {
  const epochUnit = epochUnitOf(options)
  const recordBytesMax = recordBytesMaxOf(options)
  const timestamps = timestampTextOf(options)
  return Object.freeze<RecordFormat>({
    kind: 'records',
    name: 'json',
    extensions: Object.freeze(['json']),
    options: plainOptions(options),
    lineRecords: false,
    appendable: false,
    decoder: (schema: Schema, decoderOptions: DecoderOptions): RecordDecoder =>
      new JsonDecoder(schema, decoderOptions, { epochUnit, recordBytesMax }),
    encoder: (schema: Schema, _options: EncoderOptions): RecordEncoder =>
      new JsonEncoder(schema, { framing: 'array', timestamps, epochUnit }),
    inferSchema: (sample, { complete, file }) =>
      inferJsonSchema(sample, { complete, file, framing: 'array', recordBytesMax }),
  })
}
