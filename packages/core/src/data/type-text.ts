/**
 * Types as text, and when two types are the same.
 *
 * The text is for people (errors, explain, `millrace schema`); plans carry the plain data itself.
 */
import type { DataType, ElementType, Field, Schema } from './type.ts'

/** A type with its article, for sentences: `an int32`, `a date`. */
export function typeWithArticle(type: DataType): string {
  const text = typeToString(type)
  return `${text.startsWith('int') ? 'an' : 'a'} ${text}`
}

/** A type as people read it: `decimal(10, 2)`, `timestamp(us, zoned)`, `list<string?>`, `struct<a: int32, b: string?>`. */
export function typeToString(type: DataType): string {
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? `${type.kind}(bigint)` : type.kind
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'time':
      return `time(${type.unit})`
    case 'timestamp':
      return type.zoned ? `timestamp(${type.unit}, zoned)` : `timestamp(${type.unit})`
    case 'list':
      return `list<${elementToString(type.element)}>`
    case 'map':
      return `map<${typeToString(type.key)}, ${elementToString(type.value)}>`
    case 'struct':
      return `struct<${type.fields.map(fieldToString).join(', ')}>`
    default:
      return type.kind
  }
}

/** A field as people read it: `delay: int32?`. */
export function fieldToString(field: Field): string {
  return `${field.name}: ${elementToString(field)}`
}

/** A schema on one line: `(origin: string, delay: int32?)`. */
export function schemaToString(schema: Schema): string {
  return `(${schema.fields.map(fieldToString).join(', ')})`
}

/** Tells whether two types are the same in every parameter. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'int64':
    case 'uint64':
      return a.rows === (b as typeof a).rows
    case 'decimal':
      return a.precision === (b as typeof a).precision && a.scale === (b as typeof a).scale
    case 'time':
      return a.unit === (b as typeof a).unit
    case 'timestamp':
      return a.unit === (b as typeof a).unit && a.zoned === (b as typeof a).zoned
    case 'list':
      return sameElement(a.element, (b as typeof a).element)
    case 'map':
      return sameType(a.key, (b as typeof a).key) && sameElement(a.value, (b as typeof a).value)
    case 'struct':
      return sameFields(a.fields, (b as typeof a).fields)
    default:
      return true
  }
}

/** Tells whether two schemas have the same fields in the same order. */
export function sameSchema(a: Schema, b: Schema): boolean {
  return a === b || sameFields(a.fields, b.fields)
}

function sameElement(a: ElementType, b: ElementType): boolean {
  return a.nullable === b.nullable && sameType(a.type, b.type)
}

function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  return (
    a.length === b.length &&
    a.every((field, index) => {
      const other = b[index] as Field
      return field.name === other.name && sameElement(field, other)
    })
  )
}

function elementToString(element: ElementType): string {
  return element.nullable ? `${typeToString(element.type)}?` : typeToString(element.type)
}
