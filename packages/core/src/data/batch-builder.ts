/**
 * Builds batches: column builders side by side, filled by generated code or row by row.
 *
 * The builder's memory is reused (B1): a finished batch is valid until `reset`, or until rows are added again.
 * Generated code writes `builder.columns[i]` itself for rows below `capacity` and then sets `length`.
 */
import type { Batch } from './batch.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { makeColumnBuilder } from './column-builder.ts'
import type { RowWriter } from './row-writer.ts'
import { rowWriterOf } from './row-writer.ts'
import type { Schema } from './type.ts'

/** Which of a batch's further columns a builder has. */
export interface BatchBuilderOptions {
  readonly eventTime?: boolean
  readonly weights?: boolean
  readonly order?: boolean
}

/** A batch in the making. */
export class BatchBuilder<Row = unknown> {
  readonly schema: Schema<Row>
  readonly columns: readonly ColumnBuilder[]
  /** Rows that fit before the builder grows. */
  capacity: number
  /** Rows so far. Whoever writes columns directly sets it. */
  length = 0
  eventTime: Float64Array | undefined
  weights: Int32Array | undefined
  order: Float64Array | undefined
  readonly #writeRow: RowWriter

  constructor(schema: Schema<Row>, capacity: number, options?: BatchBuilderOptions) {
    this.schema = schema
    this.capacity = Math.max(1, capacity)
    this.columns = schema.fields.map((field) => makeColumnBuilder(field, this.capacity))
    this.#writeRow = rowWriterOf(schema)
    if (options?.eventTime === true) this.eventTime = new Float64Array(this.capacity)
    if (options?.weights === true) this.weights = new Int32Array(this.capacity).fill(1)
    if (options?.order === true) this.order = new Float64Array(this.capacity)
  }

  /** Makes room for rows; arrays may be replaced, so hoisted ones must be read again. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return
    this.capacity = Math.max(rows, this.capacity * 2)
    for (const column of this.columns) column.reserve(this.capacity)
    if (this.eventTime !== undefined) this.eventTime = grown(this.eventTime, this.capacity)
    if (this.order !== undefined) this.order = grown(this.order, this.capacity)
    if (this.weights !== undefined) {
      const weights = new Int32Array(this.capacity).fill(1)
      weights.set(this.weights)
      this.weights = weights
    }
  }

  /**
   * Appends a row object; properties that are no column are ignored, missing ones are null.
   * A refused row leaves the rows before it untouched, and the next row takes its place.
   *
   * @throws MillraceError `value/invalid` or `value/unsafe-integer` with the column's name as place.
   */
  appendRow(row: Row & object): void {
    const index = this.length
    if (index >= this.capacity) this.reserve(index + 1)
    try {
      this.#writeRow(this.columns, index, row)
    } catch (error) {
      this.truncate(index)
      throw error
    }
    this.length = index + 1
  }

  /** Forgets the rows from `length` on: also what was written of a row that turned out to be undecodable. */
  truncate(length: number): void {
    for (const column of this.columns) column.truncate(length)
    this.length = length
  }

  /** The first `length` rows (default: all) as a batch over the builder's memory. */
  finish(length: number = this.length): Batch {
    return {
      schema: this.schema,
      length,
      columns: this.columns.map((column) => column.finish(length)),
      eventTime: this.eventTime,
      weights: this.weights,
      order: this.order,
      selection: undefined,
      selectedCount: length,
    }
  }

  /** Forgets all rows and keeps the memory; batches finished before are no longer valid. */
  reset(): void {
    for (const column of this.columns) column.reset()
    this.weights?.fill(1, 0, this.length)
    this.length = 0
  }
}

/** Makes one batch of row objects. */
export function batchOfRows<Row>(schema: Schema<Row>, rows: readonly (Row & object)[]): Batch {
  const builder = new BatchBuilder(schema, rows.length)
  for (const row of rows) builder.appendRow(row)
  return builder.finish()
}

function grown(array: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity)
  larger.set(array)
  return larger
}
