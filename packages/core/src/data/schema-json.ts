/**
 * Schemas as JSON and back: for plans, state files and anything that outlives the process.
 *
 * The form has a version. Reading it trusts nothing: types are rebuilt part by part, so a damaged form is refused with
 * the path of its first wrong part. Version 1 is `{ "version": 1, "fields": [{ "name", "type", "nullable" }] }` with
 * types as type.ts has them.
 */
import { MillraceError } from '../errors.ts'
import { columnTypeOf, t } from './builder.ts'
import { makeSchema } from './schema.ts'
import type { DataType, ElementType, Field, Json, Schema, TimeUnit } from './type.ts'

/** The version that is written. */
export const SCHEMA_JSON_VERSION = 1

/** Types may be nested this deep. */
const DEPTH_MAX = 64

/** A schema as JSON. */
export function schemaToJson(schema: Schema): Json {
  return { version: SCHEMA_JSON_VERSION, fields: fieldsToJson(schema.fields) }
}

/**
 * The schema of JSON that `schemaToJson` made.
 *
 * @throws MillraceError `schema/invalid` with the path of the part that is wrong, or when the version is newer.
 */
export function schemaFromJson(json: unknown): Schema {
  const form = objectAt(json, 'schema')
  if (form['version'] !== SCHEMA_JSON_VERSION) {
    throw invalid('schema.version', `version ${String(form['version'])} is not ${SCHEMA_JSON_VERSION}`)
  }
  return makeSchema(fieldsFromJson(form['fields'], 'schema.fields', 0))
}

function fieldsToJson(fields: readonly Field[]): Json {
  return fields.map((field) => ({ name: field.name, ...elementToJson(field) }))
}

function elementToJson(element: ElementType): { readonly type: Json; readonly nullable: boolean } {
  return { type: typeToJson(element.type), nullable: element.nullable }
}

/** A type as JSON: the plain data that it is. */
export function typeToJson(type: DataType): Json {
  switch (type.kind) {
    case 'list':
      return { kind: 'list', element: elementToJson(type.element) }
    case 'map':
      return { kind: 'map', key: typeToJson(type.key), value: elementToJson(type.value) }
    case 'struct':
      return { kind: 'struct', fields: fieldsToJson(type.fields) }
    default:
      return { ...type }
  }
}

/** The type of JSON that `typeToJson` made; throws like `schemaFromJson`. */
export function typeFromJson(json: unknown, path: string = 'type', depth: number = 0): DataType {
  if (depth > DEPTH_MAX) throw invalid(path, `types are nested deeper than ${DEPTH_MAX}`)
  const form = objectAt(json, path)
  const kind = form['kind']
  switch (kind) {
    case 'int64':
    case 'uint64':
      if (form['rows'] !== 'number' && form['rows'] !== 'bigint')
        throw invalid(`${path}.rows`, 'it is neither number nor bigint')
      return Object.freeze<DataType>({ kind, rows: form['rows'] })
    case 'decimal':
      return t.decimal(form['precision'] as number, form['scale'] as number).type
    case 'time':
      return t.time(unitAt(form['unit'], path)).type
    case 'timestamp':
      return t.timestamp(unitAt(form['unit'], path), { zoned: booleanAt(form['zoned'], `${path}.zoned`) })
        .type
    case 'list':
      return Object.freeze<DataType>({
        kind,
        element: elementFromJson(form['element'], `${path}.element`, depth),
      })
    case 'map': {
      const key = columnTypeOf(typeFromJson(form['key'], `${path}.key`, depth + 1))
      const value = elementFromJson(form['value'], `${path}.value`, depth)
      return t.map(key, columnTypeOf(value.type, value.nullable)).type
    }
    case 'struct':
      return Object.freeze<DataType>({
        kind,
        fields: makeSchema(fieldsFromJson(form['fields'], `${path}.fields`, depth)).fields,
      })
    default:
      return flatType(kind, path)
  }
}

const flatKinds = [
  'boolean',
  'int8',
  'int16',
  'int32',
  'uint8',
  'uint16',
  'uint32',
  'float32',
  'float64',
  'string',
  'bytes',
  'date',
  'interval',
  'uuid',
  'json',
] as const

function flatType(kind: unknown, path: string): DataType {
  const known = flatKinds.find((flat) => flat === kind)
  if (known === undefined)
    throw invalid(`${path}.kind`, `there is no type ${JSON.stringify(kind) ?? 'undefined'}`)
  return Object.freeze<DataType>({ kind: known })
}

function fieldsFromJson(json: unknown, path: string, depth: number): Field[] {
  if (!Array.isArray(json)) throw invalid(path, 'it is not an array')
  return json.map((item: unknown, index) => {
    const at = `${path}[${index}]`
    const name = objectAt(item, at)['name']
    if (typeof name !== 'string') throw invalid(`${at}.name`, 'it is not a string')
    return { name, ...elementFromJson(item, at, depth) }
  })
}

function elementFromJson(json: unknown, path: string, depth: number): ElementType {
  const form = objectAt(json, path)
  return Object.freeze({
    type: typeFromJson(form['type'], `${path}.type`, depth + 1),
    nullable: booleanAt(form['nullable'], `${path}.nullable`),
  })
}

function objectAt(json: unknown, path: string): { readonly [name: string]: unknown } {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw invalid(path, 'it is not an object')
  return json as { readonly [name: string]: unknown }
}

function booleanAt(json: unknown, path: string): boolean {
  if (typeof json !== 'boolean') throw invalid(path, 'it is neither true nor false')
  return json
}

function unitAt(json: unknown, path: string): TimeUnit {
  if (json !== 'ms' && json !== 'us' && json !== 'ns')
    throw invalid(`${path}.unit`, 'it is none of ms, us and ns')
  return json
}

function invalid(path: string, detail: string): MillraceError {
  return new MillraceError('schema/invalid', {
    what: `the JSON form of a schema is wrong at ${path}`,
    detail,
  })
}
