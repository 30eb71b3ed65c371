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
 * Matches the names of a file's fields with the columns to decode.
 *
 * @throws MillraceError `input/missing-column` for a column that must be there, `schema/mismatch` for one that stands twice.
 */
export function csvLayout(schema: Schema, names: readonly string[], options: DecoderOptions): CsvLayout {
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
      detail: `its columns are ${names
        .slice(0, 20)
        .map((name) => `"${name}"`)
        .join(', ')}`,
      hint:
        near.length > 0
          ? `is it "${near[0]}"? Otherwise declare the column as nullable`
          : 'declare the column as nullable if it may be absent, or check the options delimiter and header',
      place,
    })
  }
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
