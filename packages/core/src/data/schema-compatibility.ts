/**
 * Whether data written under one schema can be read under another, and why not.
 *
 * Columns match by name. What may change: the order, a new column that is nullable or has a default, null allowed where it was
 * not, a number made wider without loss, and how 64-bit integers show in rows. Everything else is named as a reason.
 */
import { fieldDefault } from './type.ts'
import type { DataType, ElementType, Field, Schema } from './type.ts'
import { typeToString } from './type-text.ts'

/** Whether it can be read; the reasons when it cannot. */
export interface Compatibility {
  readonly readable: boolean
  /** One sentence fragment per obstacle, with the path of the column: none when it is readable. */
  readonly reasons: readonly string[]
}

/** Tells whether `reader` can read what was written under `writer`. */
export function canRead(reader: Schema, writer: Schema): Compatibility {
  const reasons = fieldReasons(reader.fields, writer.fields, '')
  return { readable: reasons.length === 0, reasons }
}

/** Tells whether every value of a type is exactly a value of the other. */
export function widensTo(from: DataType, to: DataType): boolean {
  return wideningReasons(from, to).length === 0
}

/** Why not, with the path of each part; the reason of a type without parts has an empty one. */
export function wideningReasons(from: DataType, to: DataType): readonly string[] {
  return typeReasons(to, from, '')
}

function fieldReasons(reader: readonly Field[], writer: readonly Field[], prefix: string): string[] {
  const written = new Map(writer.map((field) => [field.name, field]))
  const wanted = new Set(reader.map((field) => field.name))
  const reasons: string[] = []
  for (const field of reader) {
    const path = `${prefix}${field.name}`
    const from = written.get(field.name)
    if (from !== undefined) reasons.push(...elementReasons(field, from, path))
    else if (!field.nullable && !(fieldDefault in field))
      reasons.push(`column "${path}" is new, and neither nullable nor with a default`)
  }
  for (const field of writer) {
    if (!wanted.has(field.name)) reasons.push(`column "${prefix}${field.name}" was removed`)
  }
  return reasons
}

function elementReasons(to: ElementType, from: ElementType, path: string): string[] {
  const reasons = typeReasons(to.type, from.type, path)
  if (from.nullable && !to.nullable) reasons.push(`column "${path}" may hold nulls and must not any more`)
  return reasons
}

function typeReasons(to: DataType, from: DataType, path: string): string[] {
  if (to.kind === 'struct' && from.kind === 'struct') return fieldReasons(to.fields, from.fields, `${path}.`)
  if (to.kind === 'list' && from.kind === 'list') return elementReasons(to.element, from.element, `${path}[]`)
  if (to.kind === 'map' && from.kind === 'map') {
    return [
      ...typeReasons(to.key, from.key, `${path}.key`),
      ...elementReasons(to.value, from.value, `${path}.value`),
    ]
  }
  if (flatWidens(from, to)) return []
  return [`column "${path}" was ${typeToString(from)} and is ${typeToString(to)}`]
}

/** Bits of the value range of integer types, negative ones first. */
const integerBits: { readonly [kind: string]: readonly [negative: number, positive: number] } = {
  int8: [7, 7],
  int16: [15, 15],
  int32: [31, 31],
  int64: [63, 63],
  uint8: [0, 8],
  uint16: [0, 16],
  uint32: [0, 32],
  uint64: [0, 64],
  // Whole numbers that a float holds exactly.
  float32: [24, 24],
  float64: [53, 53],
}

function flatWidens(from: DataType, to: DataType): boolean {
  if (from.kind === to.kind) {
    if (from.kind === 'decimal' && to.kind === 'decimal') {
      return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
    }
    if (from.kind === 'time' && to.kind === 'time') return from.unit === to.unit
    if (from.kind === 'timestamp' && to.kind === 'timestamp')
      return from.unit === to.unit && from.zoned === to.zoned
    return true
  }
  if (from.kind === 'float32' && to.kind === 'float64') return true
  if (from.kind === 'float32' || from.kind === 'float64') return false
  const small = integerBits[from.kind]
  const large = integerBits[to.kind]
  return small !== undefined && large !== undefined && large[0] >= small[0] && large[1] >= small[1]
}
