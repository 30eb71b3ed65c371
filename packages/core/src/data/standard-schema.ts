/**
 * Schemas of Zod, Valibot, ArkType and every other library of the Standard Schema family, as ours.
 *
 * The way goes over JSON Schema, which these libraries give themselves (Standard JSON Schema; for Valibot a small
 * reader of its own, valibot-json-schema.ts). What JSON Schema cannot say (a bigint, a Date, a transformation) is
 * marked on the way, so that it maps or is refused with its path. Values in rows keep the library's output type, but for
 * dates, which are milliseconds since 1970:
 *
 *   boolean; string and enums of strings: string; format uuid: uuid; format date: date ('2001-03-25')
 *   integers: the smallest type that holds minimum to maximum, else int64; other numbers: float64; bigint: int64 as bigint
 *   Date: timestamp with zone
 *   arrays: list; objects: struct; null beside something, or an optional property: nullable (and null in rows)
 *   records, tuples, unions, intersections, any: json
 *
 * Only types are taken over: rows are checked against the column types, not against the library's further rules.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../errors.ts'
import { columnTypeOf, t } from './builder.ts'
import type { ColumnType } from './builder.ts'
import { makeSchema } from './schema.ts'
import type { TextOrDate, Timestamp } from './row-values.ts'
import type { Field, Schema } from './type.ts'
import { MARK } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { jsonSchemaOf } from './standard-json-schema.ts'

/** Objects may be nested this deep. */
const DEPTH_MAX = 32

/**
 * The row type of a foreign schema's output: optional properties are there and null, dates are timestamps, and all are
 * read-only.
 */
export type RowOfOutput<Output> = { readonly [Name in keyof Output]-?: ValueOfOutput<Output[Name]> }

type ValueOfOutput<Value> = undefined extends Value
  ? RowValue<Exclude<Value, undefined>> | null
  : RowValue<Value>

/** Unions other than with null become json columns, whose values stay as they are. */
type RowValue<Value> =
  IsUnion<Exclude<Value, null>> extends true
    ? Value
    : Value extends null
      ? null
      : Value extends readonly (infer Element)[]
        ? number extends Value['length']
          ? readonly ValueOfOutput<Element>[]
          : Value
        : Value extends Date
          ? Timestamp
          : Value extends object
            ? string extends keyof Value
              ? Value
              : RowOfOutput<Value>
            : string extends Value
              ? TextOrDate
              : Value

type IsUnion<Value, Whole = Value> = [Value] extends [never]
  ? false
  : Value extends unknown
    ? [Whole] extends [Value]
      ? false
      : true
    : never

/**
 * The schema of a Zod, Valibot or ArkType object (or any library of the Standard Schema family that gives JSON Schema).
 *
 * Only types are taken over. Rules of the library, such as `min(1)`, `email()`, `refine(…)` and `transform`, are not
 * applied to rows: rows are checked against the types of their columns. Where rules have to hold, call the library in a
 * step: `.filter('valid', (row) => Order.safeParse(row).success)`.
 *
 * A `Date` becomes a timestamp with zone, which is a number of milliseconds in rows (`date.getTime()`).
 *
 * @throws MillraceError `schema/unmappable` with the path of the first part that no column type can hold.
 *
 * @example
 * ```ts no-run
 * import { fromStandardSchema } from '@millrace/core'
 * import { z } from 'zod'
 *
 * const flights = fromStandardSchema(z.object({ origin: z.string(), delay: z.int32().nullable() }))
 * ```
 */
export function fromStandardSchema<const Foreign extends StandardSchemaV1>(
  foreign: Foreign,
): Schema<RowOfOutput<StandardSchemaV1.InferOutput<Foreign>>> {
  const root = jsonSchemaOf(foreign)
  if (root.type !== 'object' || root.properties === undefined) {
    throw unmappable('', 'the whole is not an object with named properties')
  }
  return makeSchema(fieldsOf(root, '', 0))
}

function fieldsOf(object: JsonSchema, path: string, depth: number): Field[] {
  const required = new Set(object.required)
  return Object.entries(object.properties ?? {}).map(([name, property]) => {
    const column = columnOf(property, path === '' ? name : `${path}.${name}`, depth + 1)
    return { name, type: column.type, nullable: column.isNullable || !required.has(name) }
  })
}

function columnOf(given: JsonSchema, path: string, depth: number): ColumnType {
  if (depth > DEPTH_MAX) throw unmappable(path, `it is nested deeper than ${DEPTH_MAX}`)
  const { schema, nullable } = withoutNull(given)
  const column = notNullColumnOf(schema, path, depth)
  return nullable ? column.nullable() : column
}

function notNullColumnOf(schema: JsonSchema, path: string, depth: number): ColumnType {
  const mark = schema[MARK]
  if (mark === 'bigint') return t.int64().bigint()
  if (mark === 'date') return t.timestamp('ms', { zoned: true })
  if (mark !== undefined) throw unmappable(path, `a ${mark} has no column type`)
  const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const])
  if (values !== undefined) return columnOfValues(values, path)
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) return unionColumn(schema, path, depth)
  switch (schema.type) {
    case 'boolean':
      return t.boolean()
    case 'integer':
      return integerColumn(schema)
    case 'number':
      return t.float64()
    case 'string':
      return schema.format === 'uuid' ? t.uuid() : schema.format === 'date' ? t.date() : t.string()
    case 'array':
      if (schema.prefixItems !== undefined || typeof schema.items !== 'object') break
      return t.list(columnOf(schema.items, `${path}[]`, depth + 1))
    case 'object': {
      const { properties } = schema
      if (properties === undefined || Object.keys(properties).length === 0) break
      const fields = makeSchema(fieldsOf(schema, path, depth)).fields
      return columnTypeOf(Object.freeze({ kind: 'struct', fields }))
    }
    case 'null':
      throw unmappable(path, 'nothing but null is no column type')
    case undefined:
      break
  }
  return jsonColumn(schema, path)
}

/** A union whose parts all have one column type is of that type; any other is JSON. */
function unionColumn(schema: JsonSchema, path: string, depth: number): ColumnType {
  if (schema.format === 'uuid') return t.uuid()
  const parts = schema.anyOf ?? schema.oneOf ?? []
  const flat = parts.every(
    (part) => part.type !== 'object' && part.type !== 'array' && part[MARK] === undefined,
  )
  if (flat && parts.length > 0) {
    const columns = parts.map((part) => notNullColumnOf(part, path, depth + 1))
    const kind = columns[0]?.type.kind
    if (kind !== 'json' && columns.every((column) => column.type.kind === kind))
      return columns[0] as ColumnType
  }
  return jsonColumn(schema, path)
}

function columnOfValues(values: readonly unknown[], path: string): ColumnType {
  const types = new Set(values.map((value) => typeof value))
  if (types.size !== 1) return t.json()
  const [only] = types
  if (only === 'string') return t.string()
  if (only === 'boolean') return t.boolean()
  if (only === 'number') {
    return values.every((value) => Number.isSafeInteger(value))
      ? integerColumn({
          minimum: Math.min(...(values as number[])),
          maximum: Math.max(...(values as number[])),
        })
      : t.float64()
  }
  if (only === 'object') return t.json()
  throw unmappable(path, `values of type ${only ?? 'nothing'} have no column type`)
}

const integerColumns: readonly (readonly [low: number, high: number, column: () => ColumnType])[] = [
  [-128, 127, t.int8],
  [0, 255, t.uint8],
  [-32768, 32767, t.int16],
  [0, 65535, t.uint16],
  [-2147483648, 2147483647, t.int32],
  [0, 4294967295, t.uint32],
]

function integerColumn(
  schema: Pick<JsonSchema, 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum'>,
): ColumnType {
  const low = Math.max(schema.minimum ?? -Infinity, (schema.exclusiveMinimum ?? -Infinity) + 1)
  const high = Math.min(schema.maximum ?? Infinity, (schema.exclusiveMaximum ?? Infinity) - 1)
  const fitting = integerColumns.find(([from, to]) => low >= from && high <= to)
  return fitting === undefined ? t.int64() : fitting[2]()
}

/** JSON, when nothing inside is beyond JSON. */
function jsonColumn(schema: JsonSchema, path: string): ColumnType {
  const mark = firstMark(schema, path, 0)
  if (mark !== undefined)
    throw unmappable(mark.path, `a ${mark.mark} inside of what becomes JSON has no column type`)
  return t.json()
}

function firstMark(part: unknown, path: string, depth: number): { path: string; mark: string } | undefined {
  if (typeof part !== 'object' || part === null || depth > DEPTH_MAX) return undefined
  const mark = (part as JsonSchema)[MARK]
  if (mark !== undefined) return { path, mark }
  for (const [name, inner] of Object.entries(part)) {
    const found = firstMark(inner, `${path}.${name}`, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

function withoutNull(schema: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== 'null')
    const { type: _, ...rest } = schema
    const nullable = types.length < schema.type.length
    const [only] = types
    if (types.length === 1 && only !== undefined) return { schema: { ...rest, type: only }, nullable }
    return { schema: { anyOf: types.map((type) => ({ ...rest, type })) }, nullable }
  }
  if (schema.enum?.includes(null) === true) {
    return { schema: { ...schema, enum: schema.enum.filter((value) => value !== null) }, nullable: true }
  }
  const parts = schema.anyOf ?? schema.oneOf
  if (parts === undefined) return { schema, nullable: false }
  const isNull = (part: JsonSchema): boolean => part.type === 'null' || part.const === null
  const kept = parts.filter((part) => !isNull(part))
  if (kept.length === parts.length) return { schema, nullable: false }
  const { anyOf: _, oneOf: __, ...rest } = schema
  return { schema: kept.length === 1 ? { ...rest, ...kept[0] } : { ...rest, anyOf: kept }, nullable: true }
}

function unmappable(path: string, detail: string): MillraceError {
  return new MillraceError('schema/unmappable', {
    what:
      path === '' ? 'the schema does not map to columns' : `the schema does not map to columns at "${path}"`,
    detail,
    hint: 'describe this part with `t`, or as a type that JSON can hold',
    place: path === '' ? undefined : { column: path },
  })
}
