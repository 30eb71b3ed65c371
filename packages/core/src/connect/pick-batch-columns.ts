/** A batch of some of its columns: how sources in memory answer a pushdown. */
import type { Batch } from '../data/batch.ts'
import type { Column } from '../data/column.ts'

/** A batch of some of its columns, in the order of `schema`. */
export function pickBatchColumns(batch: Batch, schema: Batch['schema']): Batch {
  if (schema === batch.schema) return batch
  const indices = schema.fields.map(({ name }) =>
    batch.schema.fields.findIndex((field) => field.name === name),
  )
  return { ...batch, schema, columns: indices.map((index) => batch.columns[index] as Column) }
}
