/**
 * Streams: what a pipeline is written with. Types only; handles.ts does the work.
 *
 * Every step takes its name first: the name is the identity of its state and stands in progress, metrics and errors.
 * One rule tells functions from expressions. `filter`, `map`, `flatMap` and `with` take a *function over rows*, which
 * runs as it is, row by row. `where`, `select`, `extend`, `keyBy` and aggregates take *expressions*: a column name, a
 * sql`…` template, or a callback over typed columns, `(c) => c.delay.gt(15)`. Expressions run as generated code
 * over columns, and the planner can push them into the source; a function is opaque to it.
 */
import type { ColumnTypes, RowOfTypes } from '../data/builder.ts'
import type { OfKind } from '../data/row-values.ts'
import type { Schema } from '../data/type.ts'
import type { RejectedRowColumns, SinkOf } from '../plan/index.ts'
import type { BuilderValue, ExpressionOf, SqlExpression, ValueOfInput } from './expression-input.ts'
import type { SideSchemas } from './process.ts'
import type { BooleanColumn, ColumnOf, Extended, Flat, NotNull } from './row-types.ts'
import type { GlobalWindow, TimeWindow } from './windows.ts'
import type { BoundsOf, KeyedStream, WindowedStream, WindowOptions } from './windowed-stream.ts'

/** How a user function is treated. */
export interface FunctionOptions<Used extends string> {
  /** The only columns that the function reads; others then need not be read from the source for it. Default: all. */
  readonly uses?: readonly Used[]
  /** A function that throws fails the run (default), or its row goes to `.rejected`. */
  readonly onError?: 'fail' | 'reject'
}

/** Columns by name: each an existing column or an expression. */
export interface Projection<Row> {
  readonly [name: string]: (keyof Row & string) | ExpressionOf<Row>
}

/** The row that a projection makes. */
export type Projected<Row, Columns> = { readonly [Name in keyof Columns]: ValueOfInput<Row, Columns[Name]> }

/** The row that `select` makes, of names or of a projection. */
export type Selected<Row, Columns> = Columns extends readonly (infer Name)[]
  ? Flat<Pick<Row, Name & keyof Row>>
  : Flat<Projected<Row, Columns>>

/** What makes a key: a column, several, or named expressions (which become columns). */
export type KeyInput<Row> = (keyof Row & string) | readonly (keyof Row & string)[] | Projection<Row>

/** The key columns of a keyed stream. */
export type KeyOf<Row, Input> = Input extends keyof Row
  ? Pick<Row, Input>
  : Input extends readonly (infer Name)[]
    ? Pick<Row, Name & keyof Row>
    : Projected<Row, Input>

/** The rows of a keyed stream: with computed keys as further columns. */
export type KeyedRow<Row, Input> = Input extends string | readonly string[]
  ? Row
  : Extended<Row, Projected<Row, Input>>

/**
 * Something that these rows can be written to: a sink, or a dataset of `millrace/files`. Where it has a row type, such as
 * `memorySink<Flight>()` or a dataset with a schema, the rows have to be of that type; others take any rows.
 */
export type Writable<Row> = SinkOf<Row> | { toSink(): SinkOf<Row> }

/** How a stream is joined with a table. */
export interface LookupJoinOptions<Row, Table, Join extends 'left' | 'inner', Select> {
  /**
   * What must be equal: a name that both sides have, `{ columnOfTheStream: 'columnOfTheTable' }`, or, where the stream's
   * side is computed, pairs of a column or an expression of the stream and a column of the table.
   */
  readonly on:
    | (keyof Row & keyof Table & string)
    | readonly (readonly [(keyof Row & string) | ExpressionOf<Row>, keyof Table & string])[]
    | { readonly [Left in keyof Row & string]?: ColumnOf<Table, NonNullable<Row[Left]>> }
  /** `left` (default) keeps rows without a partner, with nulls; `inner` drops them. */
  readonly join?: Join
  /** Columns taken from the table: `{ nameInTheResult: 'columnOfTheTable' }`. */
  readonly select: Select
}

/** The row of a lookup join: the stream's columns and those taken, which a left join may leave null. */
export type Joined<Row, Table, Join, Select> = Flat<
  Row & {
    readonly [Name in keyof Select]: Select[Name] extends keyof Table
      ? Table[Select[Name]] | (Join extends 'inner' ? never : null)
      : never
  }
>

/** A stream of rows. */
export interface Stream<Row> {
  /** The columns, as they will be at run time. */
  readonly schema: Schema<Row>

  /**
   * Keeps the rows for which a function gives true; or, given sql`…`, the same as `where`.
   *
   * @example
   * ```ts in-pipeline
   * flights.filter('departed', (f) => f.distance > 0)
   * flights.filter('also-departed', sql`distance > 0`)
   * ```
   */
  filter<const Used extends keyof Row & string = keyof Row & string>(
    name: string,
    predicate:
      | ((row: Pick<Row, Used>) => boolean)
      | BooleanColumn<Row>
      | ((SqlExpression | BuilderValue) & OfKind<'boolean'>),
    options?: FunctionOptions<Used>,
  ): RejectingStream<Row>

  /**
   * Keeps the rows for which an expression is true (rows for which it is null are dropped, as in SQL).
   *
   * @example
   * ```ts in-pipeline
   * flights.where('late', sql`delay > ${limit}`)
   * flights.where('also-late', (c) => c.delay.gt(limit))
   * ```
   */
  where(name: string, condition: BooleanColumn<Row> | ExpressionOf<Row, 'boolean'>): Stream<Row>

  /** Keeps the rows in which none of these columns is null, and their type says so from here on. */
  notNull<const Name extends keyof Row & string>(
    name: string,
    ...columns: readonly Name[]
  ): Stream<NotNull<Row, Name>>

  /** Only these columns, existing or computed. */
  select<const Columns extends readonly (keyof Row & string)[] | Projection<Row>>(
    name: string,
    columns: Columns,
  ): Stream<Selected<Row, Columns>>

  /** All columns and further ones by expression; one of the same name is replaced. */
  extend<const Columns extends Projection<Row>>(
    name: string,
    columns: Columns,
  ): Stream<Extended<Row, Projected<Row, Columns>>>

  /** All columns but these. */
  omit<const Name extends keyof Row & string>(
    name: string,
    ...columns: readonly Name[]
  ): Stream<Flat<Omit<Row, Name>>>

  /** All columns, some under new names: `{ old: 'new' }`. */
  rename<const Names extends { readonly [From in keyof Row & string]?: string }>(
    name: string,
    names: Names,
  ): Stream<
    Flat<{
      readonly [
        From in keyof Row as From extends keyof Names
          ? Names[From] extends string
            ? Names[From]
            : From
          : From
      ]: Row[From]
    }>
  >

  /**
   * One row of another schema per row, by a function.
   *
   * @example
   * ```ts in-pipeline
   * flights.map('in-hours', schema({ origin: t.string(), hours: t.float64() }), (f) => ({
   *   origin: f.origin,
   *   hours: f.minutes / 60,
   * }))
   * ```
   */
  map<Out, const Used extends keyof Row & string = keyof Row & string>(
    name: string,
    output: Schema<Out>,
    fn: (row: Pick<Row, Used>) => NoInfer<Out>,
    options?: FunctionOptions<Used>,
  ): RejectingStream<Out>

  /** All columns and further ones that a function computes; the others pass untouched and cost nothing. */
  with<const Types extends ColumnTypes, const Used extends keyof Row & string = keyof Row & string>(
    name: string,
    columns: Types,
    fn: (row: Pick<Row, Used>) => NoInfer<RowOfTypes<Types>>,
    options?: FunctionOptions<Used>,
  ): RejectingStream<Extended<Row, RowOfTypes<Types>>>

  /** Any number of rows of another schema per row, by a function. They have the event time of the row they come from. */
  flatMap<Out, const Used extends keyof Row & string = keyof Row & string>(
    name: string,
    output: Schema<Out>,
    fn: (row: Pick<Row, Used>) => Iterable<NoInfer<Out>>,
    options?: FunctionOptions<Used>,
  ): RejectingStream<Out>

  /** The rows of this stream and of others with the same columns, in no particular order. */
  union(name: string, ...others: readonly Stream<Row>[]): Stream<Row>

  /**
   * Groups rows by a key: rows of one key meet in one place.
   *
   * @example
   * ```ts in-pipeline
   * flights.keyBy('by-origin', 'origin')
   * flights.keyBy('by-route', ['origin', 'destination'])
   * flights.keyBy('by-initial', { initial: sql.string`left(origin, 1)` })
   * ```
   */
  keyBy<const Input extends (keyof Row & string) | readonly (keyof Row & string)[] | Projection<Row>>(
    name: string,
    key: Input,
  ): KeyedStream<KeyedRow<Row, Input>, KeyOf<Row, Input>>

  /** Groups all rows by time, without a key. One task does the work of such a step. */
  window<const Window extends TimeWindow | GlobalWindow>(
    window: Window,
    options?: WindowOptions,
  ): WindowedStream<Row, unknown, BoundsOf<Window>>

  /**
   * Adds columns of a small table, which is read whole before the stream flows. A row with several partners gives
   * several rows; null never equals null.
   *
   * @example
   * ```ts in-pipeline
   * flights.lookupJoin('airport', airports, { on: { origin: 'iata' }, select: { airportName: 'name' } })
   * flights.lookupJoin('by-code', airports, { on: [[sql`upper(origin)`, 'iata']], select: { airportName: 'name' } })
   * ```
   */
  lookupJoin<
    Table,
    const Select extends { readonly [name: string]: keyof Table & string },
    const Join extends 'left' | 'inner' = 'left',
  >(
    name: string,
    table: Stream<Table>,
    options: LookupJoinOptions<Row, Table, Join, Select>,
  ): Stream<Joined<Row, Table, Join, Select>>

  /**
   * Writes the rows. A stream may be written to several sinks.
   *
   * @throws MillraceError `plan/type-mismatch` when the sink cannot take the columns.
   */
  write(name: string, sink: Writable<Row>): void
}

/** A stream whose step may reject rows instead of failing. */
export interface RejectingStream<Row> extends Stream<Row> {
  /** The rows that the step could not take, with the reason. Needs `onError: 'reject'` (or `onMissing: 'reject'`). */
  readonly rejected: Stream<RejectedRowColumns>
}

/** The results of windows. */
export interface AggregatedStream<Row, Late> extends Stream<Row> {
  /** The input rows that came too late for every window they fall into. They are counted, whether read or not. */
  readonly late: Stream<Late>
}

/** The rows that a process step emits. */
export interface ProcessedStream<Row, Sides extends SideSchemas> extends Stream<Row> {
  /** One of the side outputs that the step declares. */
  side<const Name extends keyof Sides & string>(
    name: Name,
  ): Stream<Sides[Name] extends Schema<infer SideRow> ? SideRow : never>
}
