/**
 * Types over rows: which columns a row has, which of them are numbers, and what a step makes of a row.
 *
 * Only the compiler sees them. They are kept shallow, so that an error names the columns that would have been right
 * and hovering over a stream shows a plain object type. For the same reason steps write `keyof Row & string` where
 * they take a name: of an alias the compiler would print the name instead of the columns.
 */
import type { KindOf, Timestamp, ValueKind } from '../data/row-values.ts'

/** The names of a row's columns: what the editor completes. */
export type ColumnName<Row> = keyof Row & string

/** A row type shown as one flat object. */
export type Flat<Row> = { readonly [Name in keyof Row]: Row[Name] } & {}

/** Columns whose values (apart from null) fit `Value`. A column of unknown type is let through and checked when the pipeline is built. */
export type ColumnOf<Row, Value> = keyof {
  [
    Name in keyof Row & string as unknown extends Row[Name]
      ? Name
      : [NonNullable<Row[Name]>] extends [Value]
        ? Name
        : never
  ]: never
}

/** Columns of these kinds. A column of unknown type is let through and checked when the pipeline is built. */
export type ColumnOfKind<Row, Kind extends ValueKind> = keyof {
  [Name in keyof Row & string as [KindOf<Row[Name]>] extends [Kind] ? Name : never]: never
}

/** Kinds that can be summed. */
export type NumericKind = 'number' | 'bigint' | 'decimal'

/** Kinds that have an order for minimum, maximum and the best of a window. */
export type OrderedKind = Exclude<ValueKind, 'interval' | 'other'>

/** Columns that can be summed. */
export type NumericColumn<Row> = ColumnOfKind<Row, NumericKind>

/** Columns that are true or false. */
export type BooleanColumn<Row> = ColumnOfKind<Row, 'boolean'>

/** The row with some columns no longer null. */
export type NotNull<Row, Names extends keyof Row> = Flat<{
  readonly [Name in keyof Row]: Name extends Names ? NonNullable<Row[Name]> : Row[Name]
}>

/** The row with columns added; an added column replaces one of the same name. */
export type Extended<Row, Added> = Flat<Omit<Row, keyof Added> & Added>

/** What is null where `Value` can be null or is not known. */
export type NullOf<Value> = unknown extends Value ? null : null extends Value ? null : never

/** Plain data of one window: its bounds in milliseconds since 1970; the end is exclusive. */
export interface WindowBounds {
  readonly windowStart: Timestamp
  readonly windowEnd: Timestamp
}
