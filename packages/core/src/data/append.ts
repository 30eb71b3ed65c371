/**
 * Moves rows between batches: append rows of a batch to a builder, compact a selection away.
 */
import { assert } from '../errors.ts'
import type { RowRange } from './append-column.ts'
import { appendColumn } from './append-column.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { Batch } from './batch.ts'
import { rowCount } from './batch.ts'
import type { Column } from './column.ts'
import type { ColumnBuilder } from './column-builder.ts'

/**
 * Appends the physical rows `indices[0 … count)` of a batch, which has the builder's columns, column by column.
 * Event time, weights and order are copied where the builder has them. The rows are copies: the batch may go.
 */
export function appendSelected(
  builder: BatchBuilder,
  batch: Batch,
  indices: Int32Array,
  count: number,
): void {
  appendRows(builder, batch, { indices, count })
}

/** Appends all live rows of a batch. */
export function appendBatch(builder: BatchBuilder, batch: Batch): void {
  appendRows(builder, batch, { indices: batch.selection, count: rowCount(batch) })
}

const oneRow = new Int32Array(1)

/** Appends one physical row of a batch. For many rows `appendSelected` is several times as fast. */
export function appendFrom(builder: BatchBuilder, batch: Batch, physicalIndex: number): void {
  oneRow[0] = physicalIndex
  appendRows(builder, batch, { indices: oneRow, count: 1 })
}

/** The live rows of a batch without a selection: the batch itself when it has none, else a copy in `builder` (default: a new one). */
export function compactBatch(batch: Batch, builder?: BatchBuilder): Batch {
  if (batch.selection === undefined) return batch
  const target = builder ?? builderLike(batch, rowCount(batch))
  target.reset()
  appendBatch(target, batch)
  return target.finish()
}

/** A copy of the live rows of batches of one schema, in order, in memory of its own. */
export function concatBatches(batches: readonly [Batch, ...Batch[]]): Batch {
  const rows = batches.reduce((sum, batch) => sum + rowCount(batch), 0)
  const builder = builderLike(batches[0], rows)
  for (const batch of batches) appendBatch(builder, batch)
  return builder.finish()
}

/** An empty builder for the columns of a batch. */
export function builderLike(batch: Batch, capacity: number): BatchBuilder {
  return new BatchBuilder(batch.schema, capacity, {
    eventTime: batch.eventTime !== undefined,
    weights: batch.weights !== undefined,
    order: batch.order !== undefined,
  })
}

function appendRows(builder: BatchBuilder, batch: Batch, rows: RowRange): void {
  const { indices, count } = rows
  if (count === 0) return
  const at = builder.length
  builder.reserve(at + count)
  for (let c = 0; c < builder.columns.length; c++) {
    appendColumn(builder.columns[c] as ColumnBuilder, at, batch.columns[c] as Column, rows)
  }
  if (builder.eventTime !== undefined) copyNumbers(builder.eventTime, at, batch.eventTime, rows)
  if (builder.order !== undefined) copyNumbers(builder.order, at, batch.order, rows)
  const { weights } = builder
  if (weights !== undefined) {
    const source = batch.weights
    for (let i = 0; i < count; i++) {
      weights[at + i] =
        source === undefined ? 1 : (source[indices === undefined ? i : (indices[i] as number)] as number)
    }
  }
  builder.length = at + count
}

function copyNumbers(
  target: Float64Array,
  at: number,
  source: Float64Array | undefined,
  rows: RowRange,
): void {
  assert(source !== undefined, 'a batch lacks the event time or order that its receiver needs')
  const { indices, count } = rows
  if (indices === undefined) target.set(source.subarray(0, count), at)
  else for (let i = 0; i < count; i++) target[at + i] = source[indices[i] as number] as number
}
