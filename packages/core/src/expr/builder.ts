/**
 * The typed expression builder: `(c) => c.delay.gt(15).and(c.origin.in(['SEA', 'LAX']))`.
 *
 * Methods only build syntax; names, overloads and exact types are checked when the expression is bound (bind.ts).
 * TypeScript checks what it can see: column names, and that numbers are compared with numbers. Because decimals and
 * dates are strings in rows, and timestamps are numbers, values of those TypeScript types have the methods of both.
 */
import { builderSyntax } from './builder-value.ts'
import type { BuilderValue } from './builder-value.ts'
import { isSqlExpression } from './sql.ts'
import type { SqlExpression } from './sql.ts'
import type { Syntax, TypeName } from './syntax.ts'
import { nowhere } from './syntax.ts'
import type { DataType, Interval, Schema } from '../data/type.ts'

/** An operand of a method: a value of the type, null, or another expression of it. */
export type Operand<Value> =
  | NonNullable<Value>
  | null
  | BuilderValue<Value | null>
  | BuilderValue<NonNullable<Value>>
  | SqlExpression<Value>
  | SqlExpression<unknown>

type Either<First, Second> = null extends First ? Second | null : Second
type Mixed<First, Second, Result> = null extends First
  ? Result | null
  : null extends Second
    ? Result | null
    : Result
type ValueIn<In> = In extends BuilderValue<infer Value> | SqlExpression<infer Value> ? Value : In

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
  coalesce<Other extends Operand<Value>>(other: Other): TypedValue<NonNullable<Value> | Extract<ValueIn<Other>, null>>
  /** Null where it equals `other`. */
  nullif(other: Operand<Value>): TypedValue<Value | null>
  /** Converts to a type, for example `cast(t.float64())`. */
  cast<Target>(type: { readonly type: DataType; readonly '~value'?: Target }): TypedValue<Either<Value, NonNullable<Target>>>
} // prettier-ignore

/** Methods of numbers, decimals, and (with intervals) dates and timestamps. */
export interface NumberMethods<Value> {
  add<Other extends Operand<Value> | Interval>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  sub<Other extends Operand<Value> | Interval>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  mul<Other extends Operand<Value> | number>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  /** Integers truncate; division by zero stops the run. */
  div<Other extends Operand<Value> | number>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  mod<Other extends Operand<Value> | number>(other: Other): TypedValue<Mixed<Value, ValueIn<Other>, NonNullable<Value>>>
  neg(): TypedValue<Value>
  abs(): TypedValue<Value>
  round(digits?: number): TypedValue<Value>
  floor(): TypedValue<Value>
  ceil(): TypedValue<Value>
  /** A part of a date or timestamp: `extract('hour')`. */
  extract(field: TimeField): TypedValue<Either<Value, number>>
  /** The timestamp cut to a unit, in a time zone if one is given. */
  dateTrunc(unit: TimeField, zone?: string): TypedValue<Value>
} // prettier-ignore

/** Fields of dates and timestamps. */
export type TimeField =
  | 'century' | 'decade' | 'year' | 'isoyear' | 'quarter' | 'month' | 'week' | 'day' | 'dow' | 'isodow' | 'doy'
  | 'hour' | 'minute' | 'second' | 'millisecond' | 'microsecond' | 'epoch' // prettier-ignore

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

/** A value of the builder with the methods of its TypeScript type. */
export type TypedValue<Value> = AnyMethods<Value> &
  ([NonNullable<Value>] extends [boolean]
    ? BooleanMethods<Value>
    : [NonNullable<Value>] extends [number | bigint]
      ? NumberMethods<Value>
      : [NonNullable<Value>] extends [string]
        ? TextMethods<Value> & NumberMethods<Value>
        : NestedMethods<Value>)

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
export function when<Value>(
  condition: BuilderValue<boolean | null>,
  then: Operand<Value>,
): WhenChain<Widened<Value>> {
  return chain([{ when: condition[builderSyntax], then: operandSyntax(then) }])
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
  when(condition: BuilderValue<boolean | null>, then: Operand<Value>): WhenChain<Value>
  otherwise(otherwise: Operand<Value>): TypedValue<Value>
}

function chain<Value>(branches: readonly { when: Syntax; then: Syntax }[]): WhenChain<Value> {
  return {
    when: (condition, then) =>
      chain([...branches, { when: condition[builderSyntax], then: operandSyntax(then) }]),
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
