/**
 * Reading: what can be read, and what a pipeline says about the rows' event time and about rows that are broken.
 */
import type { Duration } from '../time/index.ts'
import type { EpochLimits, Source } from '../plan/index.ts'
import type { ColumnOfKind } from './row-types.ts'
import type { ExpressionOf } from './expression-input.ts'

/** Something that gives a source: the datasets of `millrace/files` do. It may carry read options (`eventTime`, `onError`) of its own. */
export interface Dataset<Row> {
  toSource(): Source<Row>
}

/** What a pipeline can read. */
export type Readable<Row> = Source<Row> | Dataset<Row>

/** Columns that can be event time: timestamps, dates, and numbers of milliseconds. */
export type EventTimeColumn<Row> = ColumnOfKind<Row, 'timestamp' | 'date' | 'number' | 'bigint'>

/** Event time in full. */
export interface EventTimeOptions<Column extends string, Row = never> {
  /** A timestamp, a date, or a number of milliseconds since 1970. */
  readonly column: Column
  /** How much earlier than its predecessors in the same split a row may be without being late; default 0. */
  readonly disorder?: Duration
  /**
   * `'at-end'`: no row of a split is ever late, and windows wait for its end. `{ from }`: rows in which this column or
   * expression is not null carry the watermark in milliseconds. Default: the latest event time less the disorder.
   */
  readonly watermark?: 'at-end' | { readonly from: (keyof Row & string) | ExpressionOf<Row> }
  /** A split without rows for so long (by the clock) no longer holds windows back; default: it holds them. */
  readonly idleAfter?: Duration
  /** A row without an event time fails the run (default) or goes to `.rejected`. */
  readonly onMissing?: 'fail' | 'reject'
}

/** A column name, or event time in full. */
export type EventTimeInput<Column extends string = string, Row = never> =
  | Column
  | EventTimeOptions<Column, Row>

/** What `p.read` says about a source. */
export interface ReadOptions<Row> {
  /** The column that is event time; windows need one. */
  readonly eventTime?: [Row] extends [never]
    ? EventTimeInput
    : EventTimeColumn<Row> | EventTimeOptions<EventTimeColumn<Row>, Row>
  /** A row that cannot be decoded fails the run (default) or goes to `.rejected`. */
  readonly onError?: 'fail' | 'reject'
  /** How much of it an epoch of micro-batch mode reads, at most. Default: all that is there. */
  readonly perEpoch?: EpochLimits
}
