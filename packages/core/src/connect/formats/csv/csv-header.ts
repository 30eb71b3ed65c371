/**
 * Which field of a CSV file fills which column.
 */
import { nearestNames } from '../../../data/nearest-names.ts'
import type { Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { DecoderOptions } from '../../format.ts'

/** The fields of a file's records. */
export interface CsvLayout {
  /** Names of the fields. */
  readonly names: readonly string[]
  /** Column of each field, or −1: not needed. */
  readonly columns: readonly number[]
  /** Columns that the file does not have; all nullable. */
  readonly missing: readonly number[]
}

/**
 * Matches the names of a file's fields with the columns to decode, which are some of those that are declared.
 *
 * @throws MillraceError `input/missing-column` for a column that must be there, `schema/mismatch` for one that stands twice.
 */
export function csvLayout(
  schema: Schema,
  names: readonly string[],
  options: DecoderOptions & { readonly declared: Schema },
): CsvLayout {
  const { declared } = options
  const byName = new Map(schema.fields.map((field, index) => [field.name, index]))
  const columns = names.map((name) => byName.get(name) ?? -1)
  const present = new Set(columns)
  const missing = schema.fields.flatMap((_, index) => (present.has(index) ? [] : [index]))
  const place = { file: options.file, line: 1 }
  for (const index of missing) {
    const field = schema.fields[index]
    if (field === undefined || field.nullable) continue
    const near = nearestNames(field.name, names)
    throw new MillraceError('input/missing-column', {
      what: `"${options.file}" has no column "${field.name}"`,
      detail: `its columns are ${listed(names)}`,
      hint:
        near.length > 0
          ? `is it "${near[0]}"? Otherwise declare the column as nullable`
          : 'declare the column as nullable if it may be absent, or check the options delimiter and header',
      place,
    })
  }
  refuseStrange(declared, names, options)
  columns.forEach((column, at) => {
    if (column < 0 || columns.indexOf(column) === at) return
    throw new MillraceError('schema/mismatch', {
      what: `"${options.file}" has two columns "${names[at]}"`,
      hint: 'rename one of them, or name the columns by the option header',
      place,
    })
  })
  return { names, columns, missing }
}

/** A file with none of the declared columns would be read as rows of nulls: it is another file, or another dialect. */
function refuseStrange(declared: Schema, names: readonly string[], { file }: DecoderOptions): void {
  const { fields } = declared
  if (fields.length === 0 || fields.some(({ name }) => names.includes(name))) return
  throw new MillraceError('input/missing-column', {
    what: `"${file}" has none of the declared columns`,
    detail: `its columns are ${listed(names)}; declared are ${listed(fields.map(({ name }) => name))}`,
    hint: 'check that this is the right file, and the options delimiter and header',
    place: { file, line: 1 },
  })
}

function listed(names: readonly string[]): string {
  return names
    .slice(0, 20)
    .map((name) => JSON.stringify(name))
    .join(', ')
}

/** The error of a header that goes on over line ends of carriage returns alone: the whole file would be the header. */
export function carriageReturnsError(file: string): MillraceError {
  return new MillraceError('input/undecodable', {
    what: `the lines of "${file}" end in carriage returns alone`,
    detail: 'its header holds one that no line feed follows, and that no quotes enclose',
    hint: String.raw`convert the line ends first, as with: tr '\r' '\n' < old.csv > new.csv`,
    place: { file, line: 1 },
  })
}
