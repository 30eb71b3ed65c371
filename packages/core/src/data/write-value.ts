/**
 * Writes a row value into a cell of a column builder, checking that it fits: the interpreted writer.
 *
 * Generated row writers (row-writer.ts) handle the common cases inline and come here for the others, so that every
 * refusal has one wording. What each type's row value is, builder.ts says.
 */
import { MillraceError } from '../errors.ts'
import { parseDate } from '../time/instant.ts'
import type { ColumnBuilder, ListColumnBuilder, StructColumnBuilder } from './column-builder.ts'
import { fitsPrecision, parseDecimal } from './decimal.ts'
import type { FixedColumnBuilder } from './fixed-column-builder.ts'
import { integerRanges } from './integer-ranges.ts'
import { typeToString } from './type-text.ts'
import type { DataType, Field, Interval } from './type.ts'
import type { Utf8ColumnBuilder } from './utf8-column-builder.ts'
import { valueText } from './value-text.ts'

/** Where a value stands in a row, for errors: `legs[2].miles`. */
export type ValuePath = string

/**
 * Writes a row value to row `row` of a builder that has room for it; `undefined` counts as null.
 *
 * @throws MillraceError `value/invalid` when the value does not fit the type, or is null and may not be;
 * `value/unsafe-integer` for a number that is not exact.
 */
export function writeValue(builder: ColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  if (value === null || value === undefined) {
    // JSON has a null of its own, which a column without nulls can hold.
    if (!builder.nullable && builder.type.kind === 'json' && value === null) {
      ;(builder as Utf8ColumnBuilder).setText(row, 'null')
      return
    }
    if (!builder.nullable) throw nullRefused(builder.type, value, path)
    builder.setNull(row)
    return
  }
  switch (builder.layout) {
    case 'fixed':
      return writeFixed(builder, row, value, path)
    case 'utf8':
      return writeBytes(builder, row, value, path)
    case 'list':
      return builder.type.kind === 'map'
        ? writeMap(builder, row, value, path)
        : writeList(builder, row, value, path)
    case 'struct':
      return writeStruct(builder, row, value, path)
  }
}

const DAY_MS = 86_400_000
const unitsPerMs = { ms: 1, us: 1000, ns: 1_000_000 } as const

function writeFixed(builder: FixedColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  const { type } = builder
  switch (type.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') throw refused(type, value, path)
      builder.values[row] = value ? 1 : 0
      return
    case 'float32':
    case 'float64':
      if (typeof value !== 'number') throw refused(type, value, path)
      builder.values[row] = value
      return
    case 'int64':
    case 'uint64':
      return writeInteger64(builder, type, { row, value, path })
    case 'decimal':
      return writeDecimal(builder, type, { row, value, path })
    case 'date': {
      const days = typeof value === 'string' ? parseDate(value) : Number.NaN
      if (days !== days) throw refused(type, value, path, "a text such as '2001-03-25'")
      builder.values[row] = days
      return
    }
    case 'time':
    case 'timestamp':
      return writeTime(builder, type, { row, value, path })
    default: {
      const [low, high] = integerRanges[type.kind] as readonly [number, number]
      if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
        throw refused(type, value, path, `a whole number from ${low} to ${high}`)
      }
      builder.values[row] = value
    }
  }
}

interface Cell {
  readonly row: number
  readonly value: unknown
  readonly path: ValuePath
}

function writeInteger64(builder: FixedColumnBuilder, type: DataType, cell: Cell): void {
  const { row, value, path } = cell
  const unsigned = type.kind === 'uint64'
  if (typeof value === 'number' && Number.isInteger(value) && (!unsigned || value >= 0)) {
    if (!Number.isSafeInteger(value)) {
      throw new MillraceError('value/unsafe-integer', {
        what: `${subject(path)} was given ${value}`,
        detail: 'a JavaScript number is exact only to ±9007199254740991',
        hint: 'give a bigint',
        place: { column: path },
      })
    }
    // + 0 turns −0 into 0: integers have one zero.
    builder.values[row] = value + 0
    return
  }
  const fits =
    typeof value === 'bigint' &&
    (unsigned ? value >= 0n && BigInt.asUintN(64, value) === value : BigInt.asIntN(64, value) === value)
  if (!fits)
    throw refused(
      type,
      value,
      path,
      unsigned ? 'a whole number from 0 to 2^64 − 1' : 'a whole number of 64 bits',
    )
  builder.setExact(row, value as bigint)
}

function writeDecimal(builder: FixedColumnBuilder, type: DataType & { kind: 'decimal' }, cell: Cell): void {
  const { row, value, path } = cell
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
  const unscaled = parseDecimal(text, type.scale)
  if (unscaled === undefined || !fitsPrecision(unscaled, type.precision)) {
    throw refused(
      type,
      value,
      path,
      `at most ${type.precision} digits, ${type.scale} of them after the point`,
    )
  }
  builder.setExact(row, unscaled)
}

/** Milliseconds as a number, or a bigint that counts the column's own unit. */
function writeTime(
  builder: FixedColumnBuilder,
  type: DataType & { kind: 'time' | 'timestamp' },
  cell: Cell,
): void {
  const { row, value, path } = cell
  const units = unitsPerMs[type.unit]
  const wanted =
    type.kind === 'time' ? 'whole milliseconds of a day, 0 to 86399999' : 'whole milliseconds since 1970'
  if (typeof value === 'number') {
    const inRange = type.kind === 'timestamp' || (value >= 0 && value < DAY_MS)
    if (!Number.isSafeInteger(value) || !inRange) throw refused(type, value, path, wanted)
    const count = value * units
    if (Number.isSafeInteger(count)) builder.values[row] = count + 0
    else setInteger64(builder, BigInt(value) * BigInt(units), cell)
    return
  }
  if (typeof value !== 'bigint')
    throw refused(type, value, path, isDate(value) ? `${wanted}: getTime() of the Date` : wanted)
  if (type.kind === 'time' && (value < 0n || value >= BigInt(DAY_MS) * BigInt(units))) {
    throw refused(type, value, path, wanted)
  }
  setInteger64(builder, value, cell)
}

function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]'
}

function setInteger64(builder: FixedColumnBuilder, value: bigint, cell: Cell): void {
  if (BigInt.asIntN(64, value) !== value)
    throw refused(builder.type, cell.value, cell.path, 'a count of 64 bits')
  builder.setExact(cell.row, value)
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function writeBytes(builder: Utf8ColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  const { type } = builder
  switch (type.kind) {
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw refused(type, value, path, 'a Uint8Array')
      return builder.setBytes(row, value, 0, value.length)
    case 'uuid':
      if (typeof value !== 'string' || !uuidPattern.test(value)) throw refused(type, value, path)
      return builder.setText(row, value.toLowerCase())
    case 'json':
      return builder.setText(row, jsonText(type, value, path))
    default:
      if (typeof value !== 'string') throw refused(type, value, path)
      return builder.setText(row, value)
  }
}

function jsonText(type: DataType, value: unknown, path: ValuePath): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw refused(type, value, path, 'a value that JSON can hold', cause)
  }
  if (text === undefined) throw refused(type, value, path, 'a value that JSON can hold')
  return text
}

function writeList(builder: ListColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  if (!Array.isArray(value) && !ArrayBuffer.isView(value))
    throw refused(builder.type, value, path, 'an array')
  const elements = value as ArrayLike<unknown>
  const start = builder.setList(row, elements.length)
  for (let i = 0; i < elements.length; i++) {
    writeValue(builder.child, start + i, elements[i], `${path}[${i}]`)
  }
}

function writeMap(builder: ListColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : undefined
  if (entries === undefined) throw refused(builder.type, value, path, 'a Map')
  let at = builder.setList(row, entries.length)
  const [keys, values] = (builder.child as StructColumnBuilder).children as [ColumnBuilder, ColumnBuilder]
  for (const [key, entry] of entries) {
    writeValue(keys, at, key, `${path}.key`)
    writeValue(values, at, entry, `${path}[${String(key)}]`)
    at++
  }
}

function writeStruct(builder: StructColumnBuilder, row: number, value: unknown, path: ValuePath): void {
  if (typeof value !== 'object' || Array.isArray(value)) throw refused(builder.type, value, path, 'an object')
  if (builder.type.kind === 'interval' && !isInterval(value as Interval)) {
    throw refused(builder.type, value, path, 'whole numbers of months, days and micros')
  }
  const members = value as { readonly [name: string]: unknown }
  for (let i = 0; i < builder.fields.length; i++) {
    const { name } = builder.fields[i] as Field
    writeValue(builder.children[i] as ColumnBuilder, row, members[name], `${path}.${name}`)
  }
}

function isInterval(value: Interval): boolean {
  return (
    Number.isSafeInteger(value.months) &&
    Number.isSafeInteger(value.days) &&
    Number.isSafeInteger(value.micros)
  )
}

/** The refusal of a null. */
function nullRefused(type: DataType, value: null | undefined, path: ValuePath): MillraceError {
  return new MillraceError('value/invalid', {
    what: `${subject(path)} is ${value === undefined ? 'missing' : 'null'}`,
    detail: `${typeToString(type)} was expected`,
    hint: 'give a value, or declare the column with `.nullable()`',
    place: { column: path },
  })
}

function refused(
  type: DataType,
  value: unknown,
  path: ValuePath,
  wanted?: string,
  cause?: unknown,
): MillraceError {
  return new MillraceError('value/invalid', {
    what: `${subject(path)} does not take ${valueText(value)}`,
    detail: `${typeToString(type)} was expected${wanted === undefined ? '' : `: ${wanted}`}`,
    hint:
      isFraction(value) && integerKinds.has(type.kind)
        ? 'round it, for example with Math.round(…), or declare the type t.float64()'
        : undefined,
    place: { column: path },
    cause,
  })
}

const integerKinds: ReadonlySet<string> = new Set([...Object.keys(integerRanges), 'int64', 'uint64'])

function isFraction(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value)
}

function subject(path: ValuePath): string {
  return `column "${path}"`
}
