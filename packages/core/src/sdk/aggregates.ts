/**
 * Aggregates as people write them: `(a) => ({ flights: a.count(), late: a.mean(sql`delay > 15`) })`.
 *
 * The types here say which columns each aggregate takes and what comes out; lowering to the plan, where everything is
 * checked again, is lower-aggregate.ts. Rows in which the column is null do not count, as in SQL.
 */
import type { ColumnType } from '../data/builder.ts'
import type {
  BooleanColumn,
  ColumnOfKind,
  NullOf,
  NumericColumn,
  NumericKind,
  OrderedKind,
} from './row-types.ts'
import type { ExpressionOf, ValueOfInput } from './expression-input.ts'

/** An aggregate that was asked for. `Result` is its value in rows, `Filtered` its value once it has a filter. */
export interface Aggregate<Row, out Result, out Filtered = Result | null> {
  /** Only rows for which the condition is true count. */
  filter(condition: BooleanColumn<Row> | ExpressionOf<Row, 'boolean'>): Aggregate<Row, Filtered, Filtered>
  /** Only the compiler sees it. */
  readonly '~result'?: Result
}

/** The result type of an aggregate. */
export type ResultOf<Asked> = Asked extends Aggregate<never, infer Result, unknown> ? Result : never

/** Aggregates by the name of the column that they make. */
export interface NamedAggregates<Row> {
  readonly [name: string]: Aggregate<Row, unknown, unknown>
}

/** Columns whose values have an order. */
export type OrderedColumn<Row> = ColumnOfKind<Row, OrderedKind>

/** A double, null where the input can be. */
type FloatOf<Value> = number | NullOf<Value>

/** A sum keeps the kind of its input: number, bigint, or text for decimals. */
type SumOf<Value> = unknown extends Value ? number | null : Value

/** How `custom` aggregates. */
export interface CustomAggregate<Row, Accumulator, Result> {
  /** The accumulator of no rows. */
  create(): Accumulator
  /** Takes one row: changes the accumulator, or gives a new one. */
  add(accumulator: Accumulator, row: Row): Accumulator | void
  /** Both together: used when partial results of one key and window meet. May change and give the first. */
  merge(first: Accumulator, second: Accumulator): Accumulator
  /** The value of the result column. */
  result(accumulator: Accumulator): Result
  /** The type of the result column. */
  readonly type: ColumnType<Result>
  /** The only columns that `add` reads; default: all. Others need not be read from the source. */
  readonly uses?: readonly (keyof Row & string)[]
}

/** Which values `top` keeps, and what it gives of their rows. */
export interface TopOptions<Name extends string = never> {
  /** `desc` (default): the largest; `asc`: the smallest. */
  readonly order?: 'asc' | 'desc'
  /** Gives these columns of the rows instead of the values. */
  readonly columns?: readonly Name[]
}

/** What `top` gives: values, or rows of the columns it was asked for. */
export type TopOf<Row, In, Name extends keyof Row> = readonly ([Name] extends [never]
  ? NonNullable<ValueOfInput<Row, In>>
  : Pick<Row, Name>)[]

/** The aggregates that a window can compute. */
export interface Aggregates<Row> {
  /** The number of rows, or of rows in which the column is not null. */
  count(input?: (keyof Row & string) | ExpressionOf<Row>): Aggregate<Row, number, number>
  /** The sum; integers are exact within 64 bits and fail beyond. */
  sum<const In extends NumericColumn<Row> | ExpressionOf<Row, NumericKind>>(
    input: In,
  ): Aggregate<Row, SumOf<ValueOfInput<Row, In>>>
  min<const In extends OrderedColumn<Row> | ExpressionOf<Row, OrderedKind>>(
    input: In,
  ): Aggregate<Row, ValueOfInput<Row, In>>
  max<const In extends OrderedColumn<Row> | ExpressionOf<Row, OrderedKind>>(
    input: In,
  ): Aggregate<Row, ValueOfInput<Row, In>>
  /** The arithmetic mean of numbers; of truth values, the share that is true (0 to 1). */
  mean<
    const In extends ColumnOfKind<Row, NumericKind | 'boolean'> | ExpressionOf<Row, NumericKind | 'boolean'>,
  >(
    input: In,
  ): Aggregate<Row, FloatOf<ValueOfInput<Row, In>>>
  /** The variance of a sample (divided by n − 1); null for fewer than two values. */
  variance(input: NumericColumn<Row> | ExpressionOf<Row, NumericKind>): Aggregate<Row, number | null>
  /** The standard deviation of a sample; null for fewer than two values. */
  stddev(input: NumericColumn<Row> | ExpressionOf<Row, NumericKind>): Aggregate<Row, number | null>
  /** The value below which the share `q` (0 to 1) of all values lies, by a sketch. */
  quantile<const In extends NumericColumn<Row> | ExpressionOf<Row, NumericKind>>(
    input: In,
    q: number,
  ): Aggregate<Row, FloatOf<ValueOfInput<Row, In>>>
  /** The number of different values, exactly; its state grows with that number. */
  countDistinct(input: (keyof Row & string) | ExpressionOf<Row>): Aggregate<Row, number, number>
  /** The number of different values, estimated in bounded memory. `precision` 4 to 18, default 14 (error near 0.8 %). */
  approximateDistinct(
    input: (keyof Row & string) | ExpressionOf<Row>,
    options?: { readonly precision?: number },
  ): Aggregate<Row, number, number>
  /** The value of the row with the earliest event time. */
  first<const In extends (keyof Row & string) | ExpressionOf<Row>>(
    input: In,
  ): Aggregate<Row, ValueOfInput<Row, In>>
  /** The value of the row with the latest event time. */
  last<const In extends (keyof Row & string) | ExpressionOf<Row>>(
    input: In,
  ): Aggregate<Row, ValueOfInput<Row, In>>
  /** The `n` largest values (or smallest), or these columns of their rows, best first. */
  top<
    const In extends OrderedColumn<Row> | ExpressionOf<Row, OrderedKind>,
    const Name extends keyof Row & string = never,
  >(
    input: In,
    n: number,
    options?: TopOptions<Name>,
  ): Aggregate<Row, TopOf<Row, In, Name>, TopOf<Row, In, Name>>
  /** All values, in the order of event time; at most `max` of them (default 1000). */
  collect<const In extends (keyof Row & string) | ExpressionOf<Row>>(
    input: In,
    options?: { readonly max?: number },
  ): Aggregate<
    Row,
    readonly NonNullable<ValueOfInput<Row, In>>[],
    readonly NonNullable<ValueOfInput<Row, In>>[]
  >
  /** An aggregate of your own, by functions over rows. */
  custom<Accumulator, Result>(
    definition: CustomAggregate<Row, Accumulator, Result>,
  ): Aggregate<Row, Result, Result>
}
