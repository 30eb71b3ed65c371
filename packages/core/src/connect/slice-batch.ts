/**
 * A range of a batch's rows without copying them: typed-array views where the validity bitmap allows, else a selection.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount, rowIndex } from '../data/batch.ts'
import type { Column } from '../data/column.ts'

/** Live rows `from … to` of a batch. Valid as long as the batch. */
export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === rowCount(batch)) return batch
  // A bitmap can be cut between bytes only.
  if (batch.selection !== undefined || (from & 7) !== 0) return selectRows(batch, from, to)
  return {
    schema: batch.schema,
    length: to - from,
    columns: batch.columns.map((column) => sliceColumn(column, from, to)),
    eventTime: batch.eventTime?.subarray(from, to),
    weights: batch.weights?.subarray(from, to),
    order: batch.order?.subarray(from, to),
    selection: undefined,
    selectedCount: to - from,
  }
}

function selectRows(batch: Batch, from: number, to: number): Batch {
  const selection = Int32Array.from({ length: to - from }, (_, row) => rowIndex(batch, from + row))
  return { ...batch, selection, selectedCount: selection.length }
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const validity = column.validity?.subarray(from >> 3, (to + 7) >> 3)
  switch (column.layout) {
    case 'fixed':
      return { ...column, values: column.values.subarray(from, to), validity }
    case 'wide':
      return { ...column, values: column.values.subarray(from, to), validity }
    case 'utf8':
    case 'list':
      return {
        ...column,
        starts: column.starts.subarray(from, to),
        lengths: column.lengths.subarray(from, to),
        validity,
      }
    case 'dictionary':
      return { ...column, codes: column.codes.subarray(from, to), validity }
    case 'struct':
      return { ...column, children: column.children.map((child) => sliceColumn(child, from, to)), validity }
  }
}

/** A batch of some of its columns, in the order of `schema`. */
export function pickBatchColumns(batch: Batch, schema: Batch['schema']): Batch {
  if (schema === batch.schema) return batch
  const indices = schema.fields.map(({ name }) =>
    batch.schema.fields.findIndex((field) => field.name === name),
  )
  return { ...batch, schema, columns: indices.map((index) => batch.columns[index] as Column) }
}
