/**
 * The typed expression builder: `(c) => c.delay.gt(15).and(c.origin.in(['SEA', 'LAX']))`.
 *
 * Methods only build syntax; names, overloads and exact types are checked when the expression is bound (bind.ts).
 * TypeScript checks what it can see: column names, and kinds of values (row-values.ts). Constants are written as they
 * stand in rows: beside a timestamp a number is milliseconds since 1970, beside a decimal a string is a decimal.
 */
import { builderSyntax } from './builder-value.ts'
import type { BuilderValue } from './builder-value.ts'
import { isSqlExpression } from './sql.ts'
import type { SqlExpression } from './sql.ts'
import type { Syntax, TypeName } from './syntax.ts'
import { nowhere } from './syntax.ts'
import type { KindOf, OfKind, Timestamp, ValueKind } from '../data/row-values.ts'
import type { DataType, Interval, Schema } from '../data/type.ts'

/** An unbound expression of one of these kinds, or one whose kind the compiler does not know. */
export type Unbound<Kind> = (BuilderValue | SqlExpression) & OfKind<Kind>

/** What is compared with what: numbers with decimals, dates with timestamps. */
interface ComparedKinds {
  number: 'number' | 'bigint' | 'decimal'
  bigint: 'number' | 'bigint' | 'decimal'
  decimal: 'number' | 'bigint' | 'decimal'
  date: 'date' | 'timestamp'
  timestamp: 'date' | 'timestamp'
}

/** Constants beside a value of a kind: values as they stand in rows, and what means the same. */
interface ComparedConstants {
  number: number | bigint
  bigint: number | bigint
  decimal: string | number | bigint
  date: string | Date
  timestamp: number | string | Date
  time: number | string
}

/** Constants that a value can be replaced by or computed with, its type staying what it is. */
interface OwnConstants {
  number: number | bigint
  bigint: number | bigint
  decimal: string | number | bigint
  timestamp: number | string | Date
  time: number | string
}

type ConstantOf<Value, Constants> = [KindOf<Value>] extends [never]
  ? NonNullable<Value>
  : KindOf<Value> extends keyof Constants
    ? Constants[KindOf<Value>]
    : [KindOf<Value>] extends ['other']
      ? Extract<NonNullable<Value>, Uint8Array | string> | ListOnly<NonNullable<Value>>
      : NonNullable<Value>
type ListOnly<Value> = [Value] extends [readonly unknown[]] ? Value : never
type ComparedWith<Value> = [KindOf<Value>] extends [never]
  ? ValueKind
  : KindOf<Value> extends keyof ComparedKinds
    ? ComparedKinds[KindOf<Value>]
    : KindOf<Value>
type OwnKind<Value> = [KindOf<Value>] extends [never] ? ValueKind : KindOf<Value>

/** What a value is compared with: a constant as it stands in rows, null, or another expression. */
export type Operand<Value> = ConstantOf<Value, ComparedConstants> | null | Unbound<ComparedWith<Value>>

/** What a value is computed with or replaced by: the same, of its own kind. */
export type OwnOperand<Value> = ConstantOf<Value, OwnConstants> | null | Unbound<OwnKind<Value>>

/** What moves a time: an interval, or for dates a number of days. */
export type Step<Value> =
  | Interval
  | null
  | Unbound<'interval'>
  | ([KindOf<Value>] extends ['date'] ? number | Unbound<'number'> : never)

/** What a time is subtracted from another: times of day, or dates and timestamps. */
export type Moment<Value> = [KindOf<Value>] extends ['time']
  ? Unbound<'time'>
  : Date | Unbound<'date' | 'timestamp'>

type Either<First, Second> = null extends First ? Second | null : Second
type Mixed<First, Second, Result> = unknown extends First
  ? unknown
  : null extends First
    ? Result | null
    : null extends Second
      ? Result | null
      : Result
type ValueIn<In> = In extends BuilderValue<infer Value> | SqlExpression<infer Value> ? Value : In
type KindOfOperand<By> = By extends number
  ? 'number'
  : By extends Interval | null
    ? 'interval'
    : By extends Date
      ? 'timestamp'
      : '~kind' extends keyof By
        ? Exclude<By['~kind'], undefined>
        : never
/** What a time becomes that is moved, or that another one is taken from. */
type Moved<Value, By> = unknown extends Value
  ? unknown
  : [KindOfOperand<By>] extends [never]
    ? unknown
    : Mixed<Value, ValueIn<By>, MovedBy<NonNullable<Value>, KindOf<Value>, KindOfOperand<By>>>
type MovedBy<Value, Kind, By> = By extends 'number'
  ? Value
  : By extends 'interval'
    ? Kind extends 'date'
      ? Timestamp
      : Value
    : Kind | By extends 'date'
      ? number
      : Interval

/** Methods of every value. */
export interface AnyMethods<Value> extends BuilderValue<Value> {
  eq(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  ne(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  lt(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  lte(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  gt(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  gte(other: Operand<Value>): TypedValue<Either<Value, boolean>>
  /** Both bounds included. */
  between(low: Operand<Value>, high: Operand<Value>): TypedValue<Either<Value, boolean>>
  in(values: readonly Operand<Value>[]): TypedValue<Either<Value, boolean>>
  notIn(values: readonly Operand<Value>[]): TypedValue<Either<Value, boolean>>
  isNull(): TypedValue<boolean>
  isNotNull(): TypedValue<boolean>
  /** Differs, null being a value like others. */
  isDistinctFrom(other: Operand<Value>): TypedValue<boolean>
  /** The value, or `other` where it is null. */
  coalesce<Other extends OwnOperand<Value>>(other: Other): TypedValue<NonNullable<Value> | Extract<ValueIn<Other>, null>>
  /** Null where it equals `other`. */
  nullif(other: OwnOperand<Value>): TypedValue<Value | null>
  /** Converts to a type, for example `cast(t.float64())`. */
  cast<Target>(type: { readonly type: DataType; readonly '~value'?: Target }): TypedValue<Either<Value, NonNullable<Target>>>
} // prettier-ignore

/** Methods of numbers and decimals. */
export interface NumberMethods<Value> {
  add<Other extends OwnOperand<Value>>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  sub<Other extends OwnOperand<Value>>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  mul<Other extends OwnOperand<Value>>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  /** Integers truncate; division by zero stops the run. */
  div<Other extends OwnOperand<Value>>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  mod<Other extends OwnOperand<Value>>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  neg(): TypedValue<Value>
  abs(): TypedValue<Value>
  round(digits?: number): TypedValue<Value>
  floor(): TypedValue<Value>
  ceil(): TypedValue<Value>
} // prettier-ignore

/** Methods of dates and timestamps. */
export interface TimeMethods<Value> {
  /** Later by an interval, which makes a date a timestamp; a date also by a number of days. */
  add<By extends Step<Value>>(by: By): TypedValue<Moved<Value, By>>
  /** Earlier by an interval, a date also by a number of days; or what lies between: of two dates the days, else an interval. */
  sub<By extends Step<Value> | Moment<Value>>(by: By): TypedValue<Moved<Value, By>>
  /** A part of it: `extract('hour')`. */
  extract(field: FieldOf<Value>): TypedValue<Either<Value, number>>
  /** The timestamp cut to a unit, in a time zone if one is given. */
  dateTrunc(unit: TruncatedTo, zone?: string): TypedValue<Either<Value, Timestamp>>
}

/** Fields of dates. */
export type DateField = DateUnit | 'isoyear' | 'dow' | 'isodow' | 'doy' | 'epoch'

/** Fields of times of day. */
export type ClockField = ClockUnit | 'epoch'

/** Fields of dates, times and timestamps. */
export type TimeField = DateField | ClockField

/** What timestamps are cut to. */
export type TruncatedTo = DateUnit | ClockUnit

type DateUnit = 'millennium' | 'century' | 'decade' | 'year' | 'quarter' | 'month' | 'week' | 'day'
type ClockUnit = 'hour' | 'minute' | 'second' | 'millisecond' | 'microsecond'
type FieldOf<Value> = [KindOf<Value>] extends [never]
  ? TimeField
  : [KindOf<Value>] extends ['date']
    ? DateField
    : [KindOf<Value>] extends ['time']
      ? ClockField
      : TimeField

/** Methods of text. */
export interface TextMethods<Value> {
  like(pattern: string): TypedValue<Either<Value, boolean>>
  ilike(pattern: string): TypedValue<Either<Value, boolean>>
  /** Matches a regular expression somewhere. */
  matches(pattern: string): TypedValue<Either<Value, boolean>>
  startsWith(prefix: Operand<Value>): TypedValue<Either<Value, boolean>>
  endsWith(suffix: Operand<Value>): TypedValue<Either<Value, boolean>>
  concat(other: Operand<Value>): TypedValue<Value>
  lower(): TypedValue<Value>
  upper(): TypedValue<Value>
  trim(): TypedValue<Value>
  /** In characters. */
  length(): TypedValue<Either<Value, number>>
  /** From character `from` (the first is 1). */
  substring(from: number, length?: number): TypedValue<Value>
  replace(from: string, to: string): TypedValue<Value>
}

/** Methods of truth values. */
export interface BooleanMethods<Value> {
  and(...others: readonly Operand<boolean>[]): TypedValue<boolean | Extract<Value, null>>
  or(...others: readonly Operand<boolean>[]): TypedValue<boolean | Extract<Value, null>>
  not(): TypedValue<Value>
}

/** Methods of structs, lists and json. */
export interface NestedMethods<Value> {
  /** A field of a struct. */
  field<Name extends keyof NonNullable<Value> & string>(
    name: Name,
  ): TypedValue<Either<Value, NonNullable<Value>[Name]>>
}

/** A value of the builder with the methods of its TypeScript type; those of all types where it is not known. */
export type TypedValue<Value> = AnyMethods<Value> & OfKind<KindOf<Value>> & MethodsOf<Value>

type MethodsOf<Value> = unknown extends Value
  ? TimeMethods<Value> &
      NumberMethods<Value> &
      TextMethods<Value> &
      BooleanMethods<Value> &
      NestedMethods<Value>
  : [KindOf<Value>] extends [never]
    ? TextMethods<Value> & TimeMethods<Value>
    : [KindOf<Value>] extends ['boolean']
      ? BooleanMethods<Value>
      : [KindOf<Value>] extends ['number' | 'bigint' | 'decimal']
        ? NumberMethods<Value>
        : [KindOf<Value>] extends ['timestamp' | 'date']
          ? TimeMethods<Value>
          : [KindOf<Value>] extends ['time']
            ? Pick<TimeMethods<Value>, 'add' | 'sub' | 'extract'>
            : [KindOf<Value>] extends ['string']
              ? TextMethods<Value>
              : [KindOf<Value>] extends ['other']
                ? NestedMethods<Value>
                : unknown

/** The columns of a row type as builder values: what a callback `(c) => …` gets. */
export type TypedColumns<Row> = { readonly [Name in keyof Row]-?: TypedValue<Row[Name]> }

/** A callback that builds an expression over the columns of `Row`. */
export type ExpressionBuilder<Row, Value = unknown> = (columns: TypedColumns<Row>) => BuilderValue<Value>

/** A column by name; with a row type the name is completed and checked: `column<Flight>()('delay')`. */
export function column<Row>(): <Name extends keyof Row & string>(name: Name) => TypedValue<Row[Name]>
export function column<Value = unknown>(name: string): TypedValue<Value>
export function column(name?: string): unknown {
  if (name === undefined) return (inner: string) => column(inner)
  return new Node({ kind: 'identifier', parts: [{ text: name, quoted: true }], at: nowhere })
}

/** The columns of a schema for a builder callback. Unknown names fail when the expression is bound. */
export function typedColumns<Row>(schema: Schema<Row>): TypedColumns<Row> {
  const columns: { [name: string]: unknown } = {}
  for (const { name } of schema.fields) columns[name] = column(name)
  return new Proxy(columns, {
    get: (known, name) => (typeof name === 'string' ? (known[name] ?? column(name)) : undefined),
  }) as TypedColumns<Row>
}

/** A constant, or any unbound expression as a builder value. */
export function value<Value>(constant: Value | SqlExpression<Value>): TypedValue<Value> {
  return new Node(operandSyntax(constant)) as unknown as TypedValue<Value>
}

/** A call of any function of the catalogue; its result's TypeScript type is what the caller says. */
export function call<Value = unknown>(name: string, ...parts: readonly unknown[]): TypedValue<Value> {
  return make(name, parts.map(operandSyntax)) as unknown as TypedValue<Value>
}

/** `when(condition, value)…otherwise(value)`: the first value whose condition is true. */
export function when<Then>(
  condition: Unbound<'boolean'>,
  then: Then,
): WhenChain<Then extends null ? unknown : Widened<ValueIn<Then>>> {
  return chain([{ when: operandSyntax(condition), then: operandSyntax(then) }])
}

/** The type of a constant without its value: a CASE of 'late' and 'ok' is a string. */
export type Widened<Value> = Value extends string
  ? string
  : Value extends number
    ? number
    : Value extends boolean
      ? boolean
      : Value

/** A CASE under construction. */
export interface WhenChain<Value> {
  when(condition: Unbound<'boolean'>, then: OwnOperand<Value>): WhenChain<Value>
  otherwise(otherwise: OwnOperand<Value>): TypedValue<Value>
}

function chain<Value>(branches: readonly { when: Syntax; then: Syntax }[]): WhenChain<Value> {
  return {
    when: (condition, then) =>
      chain([...branches, { when: operandSyntax(condition), then: operandSyntax(then) }]),
    otherwise: (last) =>
      new Node({
        kind: 'case',
        operand: undefined,
        branches,
        otherwise: operandSyntax(last),
        at: nowhere,
      }) as unknown as TypedValue<Value>,
  }
}

function operandSyntax(operand: unknown): Syntax {
  if (typeof operand === 'object' && operand !== null && builderSyntax in operand) {
    return (operand as BuilderValue)[builderSyntax]
  }
  if (isSqlExpression(operand)) return { kind: 'value', value: operand, at: nowhere }
  return { kind: 'value', value: operand, at: nowhere }
}

function make(name: string, parts: readonly Syntax[]): Node {
  return new Node({ kind: 'call', name, arguments: parts, nameAt: nowhere, at: nowhere })
}

/** Holds the syntax; one class has the methods of all types, TypedValue shows those that fit. */
class Node implements BuilderValue {
  readonly [builderSyntax]: Syntax

  constructor(syntax: Syntax) {
    this[builderSyntax] = syntax
  }

  #call(name: string, ...operands: readonly unknown[]): Node {
    return make(name, [this[builderSyntax], ...operands.map(operandSyntax)])
  }

  eq(other: unknown): Node {
    return this.#call('=', other)
  }
  ne(other: unknown): Node {
    return this.#call('<>', other)
  }
  lt(other: unknown): Node {
    return this.#call('<', other)
  }
  lte(other: unknown): Node {
    return this.#call('<=', other)
  }
  gt(other: unknown): Node {
    return this.#call('>', other)
  }
  gte(other: unknown): Node {
    return this.#call('>=', other)
  }
  between(low: unknown, high: unknown): Node {
    return this.#call('between', low, high)
  }
  in(values: readonly unknown[]): Node {
    return this.#call('in', ...values)
  }
  notIn(values: readonly unknown[]): Node {
    return this.in(values).not()
  }
  isNull(): Node {
    return this.#call('is_null')
  }
  isNotNull(): Node {
    return this.#call('is_not_null')
  }
  isDistinctFrom(other: unknown): Node {
    return this.#call('is_distinct_from', other)
  }
  coalesce(other: unknown): Node {
    return this.#call('coalesce', other)
  }
  nullif(other: unknown): Node {
    return this.#call('nullif', other)
  }
  add(other: unknown): Node {
    return this.#call('+', other)
  }
  sub(other: unknown): Node {
    return this.#call('-', other)
  }
  mul(other: unknown): Node {
    return this.#call('*', other)
  }
  div(other: unknown): Node {
    return this.#call('/', other)
  }
  mod(other: unknown): Node {
    return this.#call('%', other)
  }
  neg(): Node {
    return this.#call('negate')
  }
  abs(): Node {
    return this.#call('abs')
  }
  floor(): Node {
    return this.#call('floor')
  }
  ceil(): Node {
    return this.#call('ceil')
  }
  round(digits?: number): Node {
    return digits === undefined ? this.#call('round') : this.#call('round', digits)
  }
  extract(field: string): Node {
    return make('date_part', [operandSyntax(field), this[builderSyntax]])
  }
  dateTrunc(unit: string, zone?: string): Node {
    return make('date_trunc', [
      operandSyntax(unit),
      this[builderSyntax],
      ...(zone === undefined ? [] : [operandSyntax(zone)]),
    ])
  }
  like(pattern: string): Node {
    return this.#call('like', pattern)
  }
  ilike(pattern: string): Node {
    return this.#call('ilike', pattern)
  }
  matches(pattern: string): Node {
    return this.#call('~', pattern)
  }
  startsWith(prefix: unknown): Node {
    return this.#call('starts_with', prefix)
  }
  endsWith(suffix: unknown): Node {
    return this.#call('ends_with', suffix)
  }
  concat(other: unknown): Node {
    return this.#call('||', other)
  }
  lower(): Node {
    return this.#call('lower')
  }
  upper(): Node {
    return this.#call('upper')
  }
  trim(): Node {
    return this.#call('btrim')
  }
  length(): Node {
    return this.#call('length')
  }
  substring(from: number, length?: number): Node {
    return length === undefined ? this.#call('substring', from) : this.#call('substring', from, length)
  }
  replace(from: string, to: string): Node {
    return this.#call('replace', from, to)
  }
  and(...others: readonly unknown[]): Node {
    return this.#call('and', ...others)
  }
  or(...others: readonly unknown[]): Node {
    return this.#call('or', ...others)
  }
  not(): Node {
    return this.#call('not')
  }
  field(name: string): Node {
    return new Node({
      kind: 'field',
      operand: this[builderSyntax],
      name: { text: name, quoted: true },
      at: nowhere,
    })
  }
  cast(type: { readonly type: DataType }): Node {
    const target: TypeName = {
      name: '',
      parameters: [],
      zoned: false,
      dimensions: 0,
      at: nowhere,
      type: type.type,
    }
    return new Node({ kind: 'cast', operand: this[builderSyntax], type: target, at: nowhere })
  }
}
