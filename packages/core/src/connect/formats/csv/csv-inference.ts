/**
 * The schema of CSV from its first records, by data's `inferSchema` over texts.
 */
import { inferSchema } from '../../../data/infer.ts'
import type { Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { CsvDialect } from './csv-dialect.ts'
import { carriageReturnsError } from './csv-header.ts'
import { CsvFields, cutRecord, FIELD_PLAIN, fieldText, hasBareCarriageReturn } from './csv-record.ts'
import { INFERENCE_RECORDS_MAX } from '../json/json-inference.ts'
import { RecordFault } from '../text/record-fault.ts'
import { widenSchema } from '../text/widen-schema.ts'

/** What is known of a sample. */
export interface CsvSample {
  readonly complete: boolean
  readonly file: string
  readonly dialect: CsvDialect
}

/**
 * The schema that fits the records of a sample.
 *
 * @throws MillraceError `schema/not-inferable` when the sample holds no record that names or shows columns,
 *   `schema/mismatch` when two columns have one name.
 */
export function inferCsvSchema(sample: Uint8Array, options: CsvSample): Schema {
  const { header } = options.dialect
  const records = cutSample(sample, options)
  const first = records[0]
  if (first === undefined) {
    throw new MillraceError('schema/not-inferable', {
      what: `no schema can be inferred from "${options.file}"`,
      detail: sample.length === 0 ? 'the file is empty' : 'its first bytes hold no whole record',
      hint: 'declare a schema, or check that the format and its options are the right ones',
      place: { file: options.file },
    })
  }
  const names =
    header === true
      ? first.map((text) => text ?? '')
      : header === false
        ? first.map((_, at) => `column${at + 1}`)
        : header
  const fieldNames = names.map((name, at) => (name === '' ? `column${at + 1}` : name))
  refuseTwice(fieldNames, options.file)
  const all = header === true ? records.slice(1) : records
  // Records with another number of fields are damaged: reading refuses them, so they make no column nullable.
  const whole = all.filter((record) => record.length === fieldNames.length)
  const rows = whole.length > 0 ? whole : all
  // With no row at all the columns are at least known by name.
  const shown = rows.length > 0 ? rows : [fieldNames.map(() => null)]
  const objects = shown.map((row) =>
    Object.fromEntries(fieldNames.map((name, at) => [name, row[at] ?? null])),
  )
  return widenSchema(inferSchema(objects, { text: true }).schema, options.complete)
}

/** Reading would refuse such a file too: nobody could say which of the two is meant. */
function refuseTwice(names: readonly string[], file: string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice === undefined) return
  throw new MillraceError('schema/mismatch', {
    what: `"${file}" has two columns "${twice}"`,
    hint: 'rename one of them, or name the columns by the option header',
    place: { file, line: 1 },
  })
}

/** The records of a sample as texts; null stands for a field that means null. */
function cutSample(sample: Uint8Array, { complete, file, dialect }: CsvSample): (string | null)[][] {
  const fields = new CsvFields()
  const records: (string | null)[][] = []
  const end = sample.length
  let position = sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf ? 3 : 0
  while (position < end && records.length <= INFERENCE_RECORDS_MAX) {
    let feed = sample.indexOf(10, position)
    if (feed < 0) feed = end
    const isComment = sample[position] === dialect.comment
    const isBlank = feed === position || (feed === position + 1 && sample[position] === 13)
    if (!isComment && !isBlank) {
      try {
        feed = cutRecord(fields, dialect, sample, position, end)
        if (records.length === 0 && hasBareCarriageReturn(fields, sample)) throw carriageReturnsError(file)
        if (feed >= end && !complete) break
        records.push(textsOf(fields, dialect, sample))
      } catch (fault) {
        if (!(fault instanceof RecordFault)) throw fault
        if (fault.position >= end && !complete) break
      }
    }
    position = feed + 1
  }
  return records
}

function textsOf(fields: CsvFields, dialect: CsvDialect, sample: Uint8Array): (string | null)[] {
  return Array.from({ length: fields.count }, (_, at) => {
    const text = fieldText(fields, at, dialect, sample)
    return fields.forms[at] === FIELD_PLAIN && dialect.nulls.includes(text) ? null : text
  })
}
