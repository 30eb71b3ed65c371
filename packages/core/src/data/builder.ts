/**
 * How people write types and schemas: `schema({ origin: t.string(), delay: t.int32().nullable() })`.
 *
 * A builder only makes the plain data of type.ts and tells the compiler the type of the values in a row.
 * What a schema can be asked is schema.ts; how its values lie in memory is column.ts.
 */
import { isMillraceError, MillraceError } from '../errors.ts'
import { writeValue } from './write-value.ts'
import { fieldDefault } from './type.ts'
import type { CalendarDate, Decimal, TimeOfDay, Timestamp, Uuid } from './row-values.ts'
import type { DataType, ElementType, Field, Interval, Json, Schema, TimeUnit } from './type.ts'
import { checkOptionNames } from './option-names.ts'
import { makeColumnBuilder } from './column-builder.ts'
import { makeSchema } from './schema.ts'

/** A column type under construction. `Value` is the TypeScript type of its values in rows. */
export interface ColumnType<out Value = unknown> {
  readonly type: DataType
  readonly isNullable: boolean
  /** The same type, whose values may also be null. */
  nullable(): ColumnType<Value | null>
  /**
   * The same type with a value for what was kept before it was there: state of an earlier version of the pipeline lacks a
   * member of a struct, or a column of a joined table, that is new in this one. Rows that are read or made need a value
   * all the same, and nothing else about the type changes.
   *
   * @throws MillraceError `schema/invalid` when the value is not one of the type.
   *
   * @example
   * ```ts
   * import { state, t } from 'millrace'
   *
   * const last = state.value(t.struct({ price: t.float64(), currency: t.string().default('EUR') }))
   * ```
   */
  default(value: Value): ColumnType<Value>
  /** The value that `default` was given, if any. */
  readonly [fieldDefault]?: unknown
  /** Only the compiler sees it. */
  readonly '~value'?: Value
}

/** A 64-bit integer type, whose row values are numbers unless `.bigint()` is called. */
export interface Integer64Type extends ColumnType<number> {
  /** Rows hold bigints. Without it, reading a value outside ±(2^53 − 1) throws `value/unsafe-integer`. */
  bigint(): ColumnType<bigint>
}

/** The type of the values of a column type: `ValueOf<typeof t.string()>` is string. */
export type ValueOf<Type> = Type extends ColumnType<infer Value> ? Value : never

/** Named column types, as `schema` and `t.struct` take them. */
export interface ColumnTypes {
  readonly [name: string]: ColumnType
}

/** The row type of named column types. */
export type RowOfTypes<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: ValueOf<Types[Name]>
} & {}

/** The column types. Every one is not null until `.nullable()` is called. */
export interface TypeBuilders {
  boolean(): ColumnType<boolean>
  int8(): ColumnType<number>
  int16(): ColumnType<number>
  int32(): ColumnType<number>
  uint8(): ColumnType<number>
  uint16(): ColumnType<number>
  uint32(): ColumnType<number>
  /** Exact 64-bit integers; numbers in rows, checked, unless `.bigint()`. */
  int64(): Integer64Type
  uint64(): Integer64Type
  float32(): ColumnType<number>
  float64(): ColumnType<number>
  /** Exact decimals of up to 38 digits, `scale` of them after the point; strings such as `'-12.50'` in rows. */
  decimal(precision: number, scale: number): ColumnType<Decimal>
  string(): ColumnType<string>
  bytes(): ColumnType<Uint8Array>
  /** A calendar day; `'2001-03-25'` in rows. */
  date(): ColumnType<CalendarDate>
  /** A time of day, by default in milliseconds; milliseconds since midnight in rows. */
  time(unit?: TimeUnit): ColumnType<TimeOfDay>
  /** A point in time, by default in milliseconds; milliseconds since 1970 (floor) in rows, exact by `exactTime`. */
  timestamp(unit?: TimeUnit, options?: { readonly zoned?: boolean }): ColumnType<Timestamp>
  interval(): ColumnType<Interval>
  /** 36 lower-case characters in rows. */
  uuid(): ColumnType<Uuid>
  /** Any JSON value; stored as its text. */
  json(): ColumnType<Json>
  /** The same, with a shape that the compiler believes and nobody checks. */
  json<Value>(): ColumnType<Value>
  list<Element>(element: ColumnType<Element>): ColumnType<readonly Element[]>
  map<Key, Value>(key: ColumnType<Key>, value: ColumnType<Value>): ColumnType<ReadonlyMap<Key, Value>>
  struct<const Types extends ColumnTypes>(fields: Types): ColumnType<RowOfTypes<Types>>
}

/** Digits that a decimal can have: what fits 128 bits. */
export const DECIMAL_PRECISION_MAX = 38

/**
 * The column types of Millrace.
 *
 * @example
 * ```ts
 * const flights = schema({
 *   date: t.timestamp(),
 *   origin: t.string(),
 *   delay: t.int32().nullable(),
 *   legs: t.list(t.struct({ to: t.string(), miles: t.float64() })),
 * })
 * type Flight = RowOf<typeof flights>
 * ```
 */
export const t: TypeBuilders = Object.freeze<TypeBuilders>({
  boolean: () => columnType({ kind: 'boolean' }),
  int8: () => columnType({ kind: 'int8' }),
  int16: () => columnType({ kind: 'int16' }),
  int32: () => columnType({ kind: 'int32' }),
  uint8: () => columnType({ kind: 'uint8' }),
  uint16: () => columnType({ kind: 'uint16' }),
  uint32: () => columnType({ kind: 'uint32' }),
  int64: () => integer64('int64'),
  uint64: () => integer64('uint64'),
  float32: () => columnType({ kind: 'float32' }),
  float64: () => columnType({ kind: 'float64' }),
  decimal: (precision, scale) => columnType(decimalType(precision, scale)),
  string: () => columnType({ kind: 'string' }),
  bytes: () => columnType({ kind: 'bytes' }),
  date: () => columnType({ kind: 'date' }),
  time: (unit = 'ms') => columnType({ kind: 'time', unit: timeUnit(unit) }),
  timestamp: (unit = 'ms', options) => {
    checkOptionNames(
      't.timestamp',
      options,
      ['zoned'],
      'the only one says whether it has a zone: { zoned: true }',
    )
    return columnType({ kind: 'timestamp', unit: timeUnit(unit), zoned: zonedOf(options?.zoned) })
  },
  interval: () => columnType({ kind: 'interval' }),
  uuid: () => columnType({ kind: 'uuid' }),
  json: <Value = Json>() => columnType<Value>({ kind: 'json' }),
  list: (element) => columnType({ kind: 'list', element: elementOf(element) }),
  map: (key, value) => {
    if (key.isNullable) {
      throw new MillraceError('schema/invalid', {
        what: 'the key of a map is nullable',
        hint: 'drop `.nullable()` from the key type',
      })
    }
    return columnType({ kind: 'map', key: key.type, value: elementOf(value) })
  },
  struct: (fields) => columnType({ kind: 'struct', fields: makeSchema(fieldsOf(fields)).fields }),
})

function zonedOf(zoned: unknown): boolean {
  if (zoned === undefined || typeof zoned === 'boolean') return zoned ?? false
  throw new MillraceError('plan/invalid-argument', {
    what: `the option "zoned" of t.timestamp is a ${typeof zoned}`,
    detail: 'expected true or false',
  })
}

/**
 * Makes a schema from named column types; TypeScript infers the row type.
 *
 * @throws MillraceError `schema/invalid` when a name is empty, has control characters, or the schema has no column.
 */
export function schema<const Types extends ColumnTypes>(columns: Types): Schema<RowOfTypes<Types>> {
  return makeSchema<RowOfTypes<Types>>(fieldsOf(columns))
}

/** The column type of a plain type: the way back from data to builders. */
export function columnTypeOf(type: DataType, nullable: boolean = false): ColumnType {
  return columnType(type, nullable)
}

function fieldsOf(columns: ColumnTypes): Field[] {
  return Object.entries(columns).map(([name, column]) => ({
    name,
    type: column.type,
    nullable: column.isNullable,
    ...defaultOf(column),
  }))
}

/** The default of a type or field, to be spread. */
function defaultOf(column: { readonly [fieldDefault]?: unknown }): { readonly [fieldDefault]?: unknown } {
  return fieldDefault in column ? { [fieldDefault]: column[fieldDefault] } : {}
}

function columnType<Value>(
  type: DataType,
  nullable: boolean = false,
  given: { readonly [fieldDefault]?: unknown } = {},
): ColumnType<Value> {
  return Object.freeze({
    type: Object.freeze(type),
    isNullable: nullable,
    ...given,
    nullable: () => columnType<Value | null>(type, true, given),
    default: (value: Value) => columnType<Value>(type, nullable, checkedDefault(type, nullable, value)),
  })
}

function checkedDefault(
  type: DataType,
  nullable: boolean,
  value: unknown,
): { readonly [fieldDefault]: unknown } {
  try {
    if (value === undefined) throw new TypeError('it is undefined')
    writeValue(makeColumnBuilder({ type, nullable }, 1), 0, value, 'default')
  } catch (cause) {
    throw new MillraceError('schema/invalid', {
      what: `the default of a type is not a value of it`,
      detail: isMillraceError(cause) ? `${cause.what}, ${cause.detail ?? ''}` : (cause as Error).message,
      hint: 'give one as it stands in rows',
      cause,
    })
  }
  return { [fieldDefault]: value }
}

function integer64(kind: 'int64' | 'uint64'): Integer64Type {
  return Object.freeze({
    ...columnType<number>({ kind, rows: 'number' }),
    bigint: () => columnType<bigint>({ kind, rows: 'bigint' }),
  })
}

function elementOf(column: ColumnType): ElementType {
  if (fieldDefault in column) {
    throw new MillraceError('schema/invalid', {
      what: 'an element of a list or a value of a map has a default',
      detail: 'none was ever missing: defaults are for members of structs and for columns',
      hint: 'drop `.default(…)`',
    })
  }
  return Object.freeze({ type: column.type, nullable: column.isNullable })
}

function timeUnit(unit: TimeUnit): TimeUnit {
  if (unit === 'ms' || unit === 'us' || unit === 'ns') return unit
  throw new MillraceError('schema/invalid', {
    what: `the time unit "${String(unit)}" does not exist`,
    hint: "use 'ms', 'us' or 'ns'",
  })
}

function decimalType(precision: number, scale: number): DataType {
  const precisionFits = Number.isInteger(precision) && precision >= 1 && precision <= DECIMAL_PRECISION_MAX
  if (!precisionFits || !Number.isInteger(scale) || scale < 0 || scale > precision) {
    throw new MillraceError('schema/invalid', {
      what: `decimal(${precision}, ${scale}) is not a type`,
      detail: `the precision is 1 to ${DECIMAL_PRECISION_MAX} and the scale 0 to the precision`,
    })
  }
  return { kind: 'decimal', precision, scale }
}
