/**
 * A column batch: the unit that flows, a few thousand rows held as columns.
 *
 * Invariants (tests quote them):
 *  B1  A batch and everything it refers to is valid until its producer is called again; whoever keeps rows copies them.
 *  B2  `selection`, when there, lists the live rows in ascending physical order; all other rows do not exist.
 *  B3  `eventTime`, `weights` and `order` are indexed by physical row, like the columns.
 */
import type { Column } from './column.ts'
import type { Schema } from './type.ts'

/** Rows as columns. */
export interface Batch {
  readonly schema: Schema
  /** Physical rows: the length that every column can be read to. */
  readonly length: number
  readonly columns: readonly Column[]
  /** Event time of each row, milliseconds since 1970; absent on streams without event time. */
  readonly eventTime: Float64Array | undefined
  /** +1 inserted, −1 retracted; absent on append-only streams. */
  readonly weights: Int32Array | undefined
  /**
   * A number that orders rows of equal event time by (source, split, position); present only where the plan needs
   * ties broken.
   */
  readonly order: Float64Array | undefined
  /** Physical indices of the live rows (the first `selectedCount` entries), or undefined when all rows are live. */
  readonly selection: Int32Array | undefined
  readonly selectedCount: number
}

/** How many live rows a batch has. */
export function rowCount(batch: Batch): number {
  return batch.selection === undefined ? batch.length : batch.selectedCount
}

/** The physical index of live row `n`. */
export function rowIndex(batch: Batch, n: number): number {
  return batch.selection === undefined ? n : (batch.selection[n] as number)
}

/** A batch of all `length` rows of some columns. */
export function makeBatch(
  schema: Schema,
  columns: readonly Column[],
  length: number,
  extra?: Partial<Pick<Batch, 'eventTime' | 'weights' | 'order'>>,
): Batch {
  return {
    schema,
    length,
    columns,
    eventTime: extra?.eventTime,
    weights: extra?.weights,
    order: extra?.order,
    selection: undefined,
    selectedCount: length,
  }
}
