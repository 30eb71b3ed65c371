/**
 * A range of a batch's rows without copying them: typed-array views where the validity bitmap allows, else a selection.
 */
import type { Batch } from './batch.ts'
import { rowCount, rowIndex } from './batch.ts'
import type { Column } from './column.ts'
import { wideWords } from './layout.ts'

/** Live rows `start` to `start + count` of a batch, as many of them as there are, over the same memory. */
export function sliceBatch(batch: Batch, start: number, count: number): Batch {
  const rows = rowCount(batch)
  const from = Math.min(start, rows)
  const to = Math.min(rows, from + count)
  if (from === 0 && to === rows) return batch
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
  const selection = new Int32Array(to - from)
  for (let row = from; row < to; row++) selection[row - from] = rowIndex(batch, row)
  return { ...batch, selection, selectedCount: selection.length }
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const validity = column.validity?.subarray(from >> 3, (to + 7) >> 3)
  switch (column.layout) {
    case 'fixed':
      return { ...column, values: column.values.subarray(from, to), validity }
    case 'wide': {
      const words = wideWords(column.type)
      return { ...column, values: column.values.subarray(from * words, to * words), validity }
    }
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
