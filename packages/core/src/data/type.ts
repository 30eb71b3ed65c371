/**
 * The logical types of columns, and the TypeScript type of a value of each in a row.
 *
 * Plain frozen data: a type can be compared, printed and written to a plan. How a type is laid out
 * in memory is column.ts; how people write types is builder.ts.
 */

/** Precision of times and timestamps. */
export type TimeUnit = 'ms' | 'us' | 'ns'

/** How an integer that may leave ±2^53 shows in rows: as a checked number, or as a bigint. */
export type IntegerRows = 'number' | 'bigint'

/** A logical type. */
export type DataType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32' }
  | { readonly kind: 'int64' | 'uint64'; readonly rows: IntegerRows }
  | { readonly kind: 'float32' | 'float64' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'string' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly unit: TimeUnit }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly zoned: boolean }
  | { readonly kind: 'interval' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'json' }
  | { readonly kind: 'list'; readonly element: ElementType }
  | { readonly kind: 'map'; readonly key: DataType; readonly value: ElementType }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }

/** The name of a logical type without its parameters. */
export type TypeKind = DataType['kind']

/** A type with its nullability, as lists and maps hold it. */
export interface ElementType {
  readonly type: DataType
  readonly nullable: boolean
}

/**
 * Where a field has its default: what older state takes for it that was kept before it was there.
 *
 * A symbol, since it is no part of what the type is: equal types stay equal, and neither plans nor files have it.
 */
export const fieldDefault: unique symbol = Symbol.for('millrace.field.default')

/** A named column of a schema, or a member of a struct. */
export interface Field {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly [fieldDefault]?: unknown
}

/** A value of SQL's INTERVAL: its three parts do not convert into each other. */
export interface Interval {
  readonly months: number
  readonly days: number
  /** Microseconds, a whole number. */
  readonly micros: number
}

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * The columns of a stream, with the row type that TypeScript infers from them.
 *
 * `Row` is a phantom: only the compiler sees it.
 */
export interface Schema<out Row = unknown> {
  readonly fields: readonly Field[]
  readonly '~row'?: Row | undefined
}

/** The row type of a schema: `type Flight = RowOf<typeof flightSchema>`. */
export type RowOf<S> = S extends Schema<infer Row> ? Row : never
