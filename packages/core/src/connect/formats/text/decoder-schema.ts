/**
 * The schema of a decoder's batches: the file's, cut down to the columns that are asked for.
 */
import { columnIndex } from '../../../data/schema.ts'
import type { Field, Schema } from '../../../data/type.ts'
import type { DecoderOptions } from '../../format.ts'

/** The schema with only `options.columns`, in schema order. May have no columns (only rows are counted then). */
export function decodedSchema(schema: Schema, options: DecoderOptions): Schema {
  const { columns } = options
  if (columns === undefined) return schema
  const wanted = new Set(columns.map((name) => columnIndex(schema, name)))
  const fields: Field[] = schema.fields.filter((_, index) => wanted.has(index))
  return Object.freeze({ fields: Object.freeze(fields) })
}
