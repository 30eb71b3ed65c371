/**
 * Which layout of column.ts a logical type has, and what its parts are.
 *
 * Only the plain layouts are named here: a `fixed` column may become `wide`, a `utf8` column `dictionary` (column.ts C4).
 */
import type { FixedArray } from './column.ts'
import type { DataType, Field } from './type.ts'

/** The layout that a type has when nothing special is known of its values. */
export type PlainLayout = 'fixed' | 'utf8' | 'list' | 'struct'

/** Typed arrays of fixed columns, by name. */
export type FixedArrayKind = 'u8' | 'i8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64'

/** The parts of an interval, as columns of its struct. */
export const INTERVAL_FIELDS: readonly Field[] = Object.freeze([
  Object.freeze<Field>({ name: 'months', type: { kind: 'int32' }, nullable: false }),
  Object.freeze<Field>({ name: 'days', type: { kind: 'int32' }, nullable: false }),
  Object.freeze<Field>({ name: 'micros', type: { kind: 'float64' }, nullable: false }),
])

/** The layout of a type. */
export function plainLayoutOf(type: DataType): PlainLayout {
  switch (type.kind) {
    case 'string':
    case 'bytes':
    case 'json':
    case 'uuid':
      return 'utf8'
    case 'list':
    case 'map':
      return 'list'
    case 'struct':
    case 'interval':
      return 'struct'
    default:
      return 'fixed'
  }
}

/** The array of a type whose layout is `fixed`. */
export function fixedArrayKindOf(type: DataType): FixedArrayKind {
  switch (type.kind) {
    case 'boolean':
    case 'uint8':
      return 'u8'
    case 'int8':
      return 'i8'
    case 'int16':
      return 'i16'
    case 'uint16':
      return 'u16'
    case 'int32':
    case 'date':
      return 'i32'
    case 'uint32':
      return 'u32'
    case 'float32':
      return 'f32'
    default:
      return 'f64'
  }
}

/** Tells whether a type may have the `wide` layout (C4). */
export function canBeWide(type: DataType): boolean {
  const { kind } = type
  return (
    kind === 'int64' || kind === 'uint64' || kind === 'decimal' || kind === 'time' || kind === 'timestamp'
  )
}

/** Words of 64 bits per row of the `wide` layout. */
export function wideWords(type: DataType): number {
  return type.kind === 'decimal' ? 2 : 1
}

/** The rows of a list column's child: the element, or key and value of a map. */
export function listChildField(type: DataType): Field {
  if (type.kind === 'list') {
    return { name: 'element', type: type.element.type, nullable: type.element.nullable }
  }
  if (type.kind === 'map') return { name: 'entry', type: mapEntryType(type), nullable: false }
  throw new TypeError(`a ${type.kind} has no elements`)
}

/** The struct of key and value that a map is a list of. */
export function mapEntryType(
  type: DataType & { readonly kind: 'map' },
): DataType & { readonly kind: 'struct' } {
  return {
    kind: 'struct',
    fields: [
      { name: 'key', type: type.key, nullable: false },
      { name: 'value', type: type.value.type, nullable: type.value.nullable },
    ],
  }
}

/** The columns of a struct column's children. */
export function structFields(type: DataType): readonly Field[] {
  if (type.kind === 'struct') return type.fields
  if (type.kind === 'interval') return INTERVAL_FIELDS
  throw new TypeError(`a ${type.kind} has no fields`)
}

/** A zeroed array of a kind. */
export function makeFixedArray(kind: FixedArrayKind, length: number): FixedArray {
  switch (kind) {
    case 'u8':
      return new Uint8Array(length)
    case 'i8':
      return new Int8Array(length)
    case 'i16':
      return new Int16Array(length)
    case 'u16':
      return new Uint16Array(length)
    case 'i32':
      return new Int32Array(length)
    case 'u32':
      return new Uint32Array(length)
    case 'f32':
      return new Float32Array(length)
    case 'f64':
      return new Float64Array(length)
  }
}
