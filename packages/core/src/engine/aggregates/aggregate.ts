/**
 * What an aggregate is to the operators that use it: fields in a packed record, and code that adds, merges and writes.
 *
 * An accumulator is a set of fields of a record (state/record-layout.ts). Records live in tables of keys (windows,
 * panes) or in a store of sessions; an aggregate sees only (store, record number), so each works in both. What does
 * not fit into fixed fields lies in the block heap and the string table, referred to from the record.
 *
 * Invariants (tests quote them):
 *  A1  `merge` leaves its source as it was: a pane belongs to many windows.
 *  A2  Adding rows in any order, split over any accumulators and merged in any order, gives one result (floats to 1e-9).
 *  A3  Whoever drops a record calls `release` for it once; aggregates without memory of their own have no `release`.
 */
import type { Batch } from '../../data/batch.ts'
import type { ColumnBuilder } from '../../data/column-builder.ts'
import type { Column } from '../../data/column.ts'
import type { Field, Schema } from '../../data/type.ts'
import type { AggregateCall } from '../../plan/logical.ts'
import type {
  BlockHeap,
  ByteReader,
  ByteWriter,
  RecordField,
  RecordLayout,
  RecordStore,
  StringTable,
} from '../../state/index.ts'

/** An input column of an aggregate. */
export interface AggregateInput {
  /** Position in the input schema. */
  readonly index: number
  readonly field: Field
}

/** What an aggregate is made from. */
export interface AggregateParts {
  readonly call: AggregateCall
  readonly inputs: readonly AggregateInput[]
  readonly inputSchema: Schema
  /**
   * Columns that break ties of event time where rows come in no order that a source gave them: all but the keys, in the
   * order of the schema. Undefined: rows have an order, or come in one.
   */
  readonly tieColumns?: readonly AggregateInput[] | undefined
  /** The record under construction: fields are added to it. */
  readonly layout: RecordLayout
  readonly strings: StringTable
  readonly blocks: BlockHeap
  readonly functions: ReadonlyMap<string, unknown>
  readonly step: string
}

/** Names that generated code uses for one aggregate. */
export interface InlineNames {
  /** The number in the aggregate's first column, as a local. */
  readonly value: string
  /** The aggregate itself, for slow paths. */
  readonly self: string
  /** An f64 or i32 field of the current record. */
  field(field: RecordField): string
}

/**
 * How accumulators travel in columns (plan/accumulator-columns.ts says which): as fields of their record, in the order
 * of the columns, and then joined by `merge`; or as one cell that the aggregate writes and joins itself.
 */
export type PartialForm =
  | { readonly kind: 'fields'; readonly fields: readonly RecordField[] }
  | {
      readonly kind: 'cell'
      write(store: RecordStore, records: RecordRange, out: ColumnBuilder, at: number): void
      merge(target: RecordStore, targetRecord: number, column: Column, row: number): void
    }

/**
 * How accumulators are written down that have no form in columns: as bytes of one cell. The bytes are a format: they
 * follow from what was added, not from how it lies in memory, and a change of them needs a new version (VERSION in
 * accumulator-cells.ts).
 */
export interface SavedForm {
  /** What the bytes mean, for people and for whoever compares: the kind of accumulator, its parameters, types of columns. */
  readonly kind: string
  save(store: RecordStore, record: number, out: ByteWriter): void
  /** Reads an accumulator into a new record. */
  load(store: RecordStore, record: number, from: ByteReader): void
}

/** One aggregate of a step. */
export interface Aggregate {
  /** Whether rows count in which the first column is null (SQL's aggregates ignore them). */
  readonly acceptsNulls?: boolean
  /** How accumulators travel; aggregates without it are whole before an exchange, or not at all. */
  readonly partial?: PartialForm
  /** How accumulators leave into a checkpoint; aggregates without it leave as they travel. */
  readonly saved?: SavedForm
  /**
   * Statements that add one row, or undefined when this input column's layout needs `update`.
   * They see `store` (the RecordStore) and `record` (the number), and the names given.
   */
  inline?(names: InlineNames, column: Column | undefined): string | undefined
  /** Called with each batch before `update` is. */
  bind?(batch: Batch): void
  /** Adds physical row `row` of the bound batch. */
  update?(store: RecordStore, record: number, row: number): void
  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void
  /** Writes the results of `records[from … to)` to rows `at …` of a column. */
  write(store: RecordStore, records: RecordRange, out: ColumnBuilder, at: number): void
  release?(store: RecordStore, record: number): void
  /** Bytes of memory of its own, besides record, strings and blocks. */
  bytes?(): number
}

/** Some records by number. */
export interface RecordRange {
  readonly numbers: Int32Array
  readonly from: number
  readonly to: number
}
