/**
 * What flows through the oracle: rows with all that their meaning needs, and the schema they have.
 *
 * Nothing here is a batch or a column. Values are those of the reference evaluator of expressions (expr/value.ts): exact,
 * one to a cell.
 */
import type { Schema } from '../../data/index.ts'
import type { Value } from '../../expr/value.ts'

/** The values of a row by column. */
export interface Cells {
  readonly [column: string]: Value
}

/** Where a row stood in its source: rows of one event time are in this order. */
export interface RowPlace {
  readonly source: number
  readonly split: number
  readonly position: number
}

/** A row. */
export interface OracleRow {
  readonly cells: Cells
  /** Milliseconds; undefined on streams without event time. */
  readonly eventTime: number | undefined
  /** +1, or −1 for a row that takes an earlier one back. */
  readonly weight: number
  /** Undefined for rows that a step made which has no order of its own. */
  readonly order: RowPlace | undefined
  /** How far event time had come when the row came: what makes it late. −Infinity for a row that never is. */
  readonly watermark: number
}

/** The rows that leave a port of a step, as they come. */
export interface Relation {
  readonly schema: Schema
  readonly rows: readonly OracleRow[]
  /** Whether the place in a source does not tell all rows of one event time apart: their values then do. */
  readonly hasTies: boolean
}

/** A row made anew, beside no other: of a window, or by a timer. */
export function madeRow(cells: Cells, eventTime: number | undefined): OracleRow {
  return { cells, eventTime, weight: 1, order: undefined, watermark: -Infinity }
}
