/**
 * The TypeScript types of row values that JavaScript has no type of its own for: times are numbers in rows, dates and
 * decimals are strings.
 *
 * They are numbers and strings with a mark that only the compiler sees, and that plain ones need not have: `5` is a
 * `Timestamp`, and a `Timestamp` is a `number`. The mark tells expressions and aggregates what the column is.
 */

import type { Interval } from './type.ts'

/** A point in time, in milliseconds since 1970. */
export type Timestamp = number & { readonly '~type'?: 'timestamp' }

/** A time of day, in milliseconds since midnight. */
export type TimeOfDay = number & { readonly '~type'?: 'time' }

/** A calendar day, such as `'2001-03-25'`. */
export type CalendarDate = string & { readonly '~type'?: 'date' }

/** An exact decimal, such as `'-12.50'`. */
export type Decimal = string & { readonly '~type'?: 'decimal' }

/** A UUID: 36 lower-case characters. */
export type Uuid = string & { readonly '~type'?: 'uuid' }

/** A string of a schema from elsewhere, whose column is of type string, date or uuid. */
export type TextOrDate = string & { readonly '~type'?: never }

/** What columns are to expressions, as far as TypeScript can see it. */
export type ValueKind =
  | 'boolean'
  | 'number'
  | 'bigint'
  | 'decimal'
  | 'string'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'uuid'
  | 'interval'
  | 'other'

/** The kind of a value's type; `never` where it is not known, which fits everywhere and is checked later. */
export type KindOf<Value> = unknown extends Value
  ? never
  : [NonNullable<Value>] extends [never]
    ? never
    : [NonNullable<Value>] extends [boolean]
      ? 'boolean'
      : [NonNullable<Value>] extends [number]
        ? Marked<NonNullable<Value>, 'number'>
        : [NonNullable<Value>] extends [bigint]
          ? 'bigint'
          : [NonNullable<Value>] extends [string]
            ? Marked<NonNullable<Value>, 'string'>
            : [NonNullable<Value>] extends [Interval]
              ? 'interval'
              : 'other'

type Marked<Value, Plain> = '~type' extends keyof Value ? Exclude<Value['~type'], undefined> : Plain

/** Something whose kind the compiler may know. What has no kind fits everywhere. */
export interface OfKind<out Kind> {
  /** Only the compiler sees it. */
  readonly '~kind'?: Kind
}
