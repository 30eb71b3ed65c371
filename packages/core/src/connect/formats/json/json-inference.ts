/**
 * The schema of JSON from its first records, by data's `inferSchema`.
 */
import type { Schema } from '../../../data/type.ts'
import { inferSchema } from '../../../data/infer.ts'
import { MillraceError } from '../../../errors.ts'
import { skipSpace, skipValue } from './json-scanner.ts'
import { RecordFault } from '../text/record-fault.ts'
import { widenSchema } from '../text/widen-schema.ts'

/** Records that are looked at. */
export const INFERENCE_RECORDS_MAX = 10_000

/** What is known of a sample. */
export interface JsonSample {
  /** The sample is the whole file. */
  readonly complete: boolean
  readonly file: string
  readonly framing: 'lines' | 'array'
  readonly recordBytesMax: number
}

/**
 * The schema that fits the records of a sample; a record that the sample cuts off, or that is damaged, is left out.
 *
 * @throws MillraceError `schema/not-inferable` when the sample holds no whole object.
 */
export function inferJsonSchema(sample: Uint8Array, options: JsonSample): Schema {
  const start = sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf ? 3 : 0
  const rows = options.framing === 'lines' ? lineRows(sample, start, options) : elementRows(sample, start)
  if (rows.length > 0) return widenSchema(inferSchema(rows).schema, options.complete)
  throw new MillraceError('schema/not-inferable', {
    what: `no schema can be inferred from "${options.file}"`,
    detail:
      sample.length === start
        ? 'the file is empty'
        : `the first ${sample.length} bytes hold no whole JSON object`,
    hint: 'declare a schema, or check that the format is the right one',
    place: { file: options.file },
  })
}

function lineRows(sample: Uint8Array, start: number, { complete }: JsonSample): object[] {
  const rows: object[] = []
  let position = start
  while (position < sample.length && rows.length < INFERENCE_RECORDS_MAX) {
    const feed = sample.indexOf(10, position)
    if (feed < 0 && !complete) break
    const end = feed < 0 ? sample.length : feed
    addRow(rows, sample, position, end)
    position = end + 1
  }
  return rows
}

function elementRows(sample: Uint8Array, start: number): object[] {
  const rows: object[] = []
  const end = sample.length
  let position = skipSpace(sample, start, end)
  if (sample[position] === 91) position = skipSpace(sample, position + 1, end)
  try {
    while (position < end && rows.length < INFERENCE_RECORDS_MAX && sample[position] !== 93) {
      const behind = skipValue(sample, position, end)
      addRow(rows, sample, position, behind)
      position = skipSpace(sample, behind, end)
      if (sample[position] === 44) position = skipSpace(sample, position + 1, end)
    }
  } catch (fault) {
    if (!(fault instanceof RecordFault)) throw fault
  }
  return rows
}

function addRow(rows: object[], sample: Uint8Array, start: number, end: number): void {
  const text = Buffer.from(sample.buffer, sample.byteOffset + start, end - start).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) rows.push(value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
}
