/**
 * Single values as the reference evaluator handles them, read from columns and literals, and put back into columns.
 *
 * Exact and simple, not fast: int64, uint64, decimal (unscaled), time and timestamp are bigints in their unit; date is
 * days since 1970; json is its text; a struct is the array of its fields, a map the array of its [key, value] pairs.
 * Row values for users (milliseconds, Maps …) are data/row-view.ts.
 */
import { isValid } from '../data/column.ts'
import { readText as decodeText } from '../data/text-bytes.ts'
import type { Column, FixedArray } from '../data/column.ts'
import type { DataType, Interval, Json } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import { isBig } from './types.ts'

/** A value, or null. */
export type Value = null | boolean | number | bigint | string | Uint8Array | Interval | readonly Value[]

const encoder = new TextEncoder()

/** The value of one cell. */
export function readCell(column: Column, index: number): Value {
  if (!isValid(column, index)) return null
  switch (column.layout) {
    case 'fixed':
      return fromNumber(column.type, column.values[index] as number)
    case 'wide':
      return readWide(column.type, column.values, index)
    case 'utf8':
      return readText(
        column.type,
        column.bytes,
        column.starts[index] as number,
        column.lengths[index] as number,
      )
    case 'dictionary':
      return readCell(column.dictionary, column.codes[index] as number)
    case 'list': {
      const start = column.starts[index] as number
      const length = column.lengths[index] as number
      return Array.from({ length }, (_, n) => readCell(column.child, start + n))
    }
    case 'struct': {
      const parts = column.children.map((child) => readCell(child, index))
      if (column.type.kind !== 'interval') return parts
      return { months: Number(parts[0]), days: Number(parts[1]), micros: Number(parts[2]) }
    }
  }
}

/** A number of a fixed column as a value. */
function fromNumber(type: DataType, number: number): Value {
  if (type.kind === 'boolean') return number !== 0
  return isBig(type) ? BigInt(number) : number
}

function readWide(type: DataType, values: BigInt64Array, index: number): bigint {
  if (type.kind === 'decimal') {
    return ((values[2 * index + 1] as bigint) << 64n) | BigInt.asUintN(64, values[2 * index] as bigint)
  }
  const word = values[index] as bigint
  return type.kind === 'uint64' ? BigInt.asUintN(64, word) : word
}

/** Bytes as a value: text, or a copy for bytes. */
function readText(type: DataType, bytes: Uint8Array, start: number, length: number): string | Uint8Array {
  if (type.kind === 'bytes') return Uint8Array.from(bytes.subarray(start, start + length))
  return decodeText(bytes, start, length)
}

/** Makes a column of values. */
export function columnOf(type: DataType, values: readonly Value[]): Column {
  const validity = validityOf(values)
  switch (type.kind) {
    case 'string':
    case 'bytes':
    case 'json':
    case 'uuid':
      return {
        layout: 'utf8',
        type,
        ...textArrays(values as readonly (string | Uint8Array | null)[]),
        validity,
      }
    case 'int64':
    case 'uint64':
    case 'decimal':
    case 'time':
    case 'timestamp':
      return bigColumn(type, values as readonly (bigint | null)[], validity)
    case 'list':
    case 'map':
      return listColumn(type, values as readonly (readonly Value[] | null)[], validity)
    case 'struct': {
      const children = type.fields.map((field, n) =>
        columnOf(field.type, values.map((value) => (value as readonly Value[] | null)?.[n] ?? null)),
      ) // prettier-ignore
      return { layout: 'struct', type, children, validity }
    }
    case 'interval':
      return intervalColumn(type, values as readonly (Interval | null)[], validity)
    default: {
      const array = fixedArray(type, values.length)
      for (const [index, value] of values.entries()) array[index] = Number(value ?? 0)
      return { layout: 'fixed', type, values: array, validity }
    }
  }
}

/** An empty array for the values of a fixed column of a type. */
export function fixedArray(type: DataType, length: number): FixedArray {
  switch (type.kind) {
    case 'boolean':
    case 'uint8':
      return new Uint8Array(length)
    case 'int8':
      return new Int8Array(length)
    case 'int16':
      return new Int16Array(length)
    case 'uint16':
      return new Uint16Array(length)
    case 'int32':
    case 'date':
      return new Int32Array(length)
    case 'uint32':
      return new Uint32Array(length)
    case 'float32':
      return new Float32Array(length)
    default:
      return new Float64Array(length)
  }
}

function validityOf(values: readonly Value[]): Uint8Array | undefined {
  if (!values.includes(null)) return undefined
  const bits = new Uint8Array((values.length + 7) >> 3)
  for (const [index, value] of values.entries()) {
    if (value !== null) bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7))
  }
  return bits
}

function textArrays(values: readonly (string | Uint8Array | null)[]): {
  bytes: Uint8Array
  starts: Int32Array
  lengths: Int32Array
} {
  const parts = values.map((value) => (typeof value === 'string' ? encoder.encode(value) : value))
  const bytes = new Uint8Array(parts.reduce((total, part) => total + (part?.length ?? 0), 0))
  const starts = new Int32Array(values.length)
  const lengths = new Int32Array(values.length)
  let end = 0
  for (const [index, part] of parts.entries()) {
    starts[index] = end
    if (part === null) continue
    bytes.set(part, end)
    lengths[index] = part.length
    end += part.length
  }
  return { bytes, starts, lengths }
}

/** Narrow when all values are safe integers (C4). */
function bigColumn(
  type: DataType,
  values: readonly (bigint | null)[],
  validity: Uint8Array | undefined,
): Column {
  const safe = values.every(
    (value) => value === null || (value <= 9007199254740991n && value >= -9007199254740991n),
  )
  if (safe) {
    return {
      layout: 'fixed',
      type,
      values: Float64Array.from(values, (value) => Number(value ?? 0n)),
      validity,
    }
  }
  if (type.kind !== 'decimal') {
    const words = BigInt64Array.from(values, (value) => BigInt.asIntN(64, value ?? 0n))
    return { layout: 'wide', type, values: words, validity }
  }
  const words = new BigInt64Array(values.length * 2)
  for (const [index, value] of values.entries()) {
    words[2 * index] = BigInt.asIntN(64, value ?? 0n)
    words[2 * index + 1] = BigInt.asIntN(64, (value ?? 0n) >> 64n)
  }
  return { layout: 'wide', type, values: words, validity }
}

function listColumn(
  type: Extract<DataType, { kind: 'list' | 'map' }>,
  values: readonly (readonly Value[] | null)[],
  validity: Uint8Array | undefined,
): Column {
  const starts = new Int32Array(values.length)
  const lengths = new Int32Array(values.length)
  const items: Value[] = []
  for (const [index, value] of values.entries()) {
    starts[index] = items.length
    lengths[index] = value?.length ?? 0
    if (value !== null) items.push(...value)
  }
  const child: DataType = type.kind === 'list' ? type.element.type : pairType(type)
  return { layout: 'list', type, starts, lengths, child: columnOf(child, items), validity }
}

/** The struct that the child of a map column is made of. */
function pairType(type: Extract<DataType, { kind: 'map' }>): DataType {
  return {
    kind: 'struct',
    fields: [
      { name: 'key', type: type.key, nullable: false },
      { name: 'value', ...type.value },
    ],
  }
}

function intervalColumn(
  type: DataType,
  values: readonly (Interval | null)[],
  validity: Uint8Array | undefined,
): Column {
  const part = (values_: Int32Array | Float64Array, kind: 'int32' | 'float64'): Column => ({
    layout: 'fixed',
    type: { kind },
    values: values_,
    validity: undefined,
  })
  return {
    layout: 'struct',
    type,
    children: [
      part(Int32Array.from(values, (value) => value?.months ?? 0), 'int32'),
      part(Int32Array.from(values, (value) => value?.days ?? 0), 'int32'),
      part(Float64Array.from(values, (value) => value?.micros ?? 0), 'float64'),
    ],
    validity,
  } // prettier-ignore
}

/** A value as the JSON-safe content of a literal node. */
export function toLiteral(type: DataType, value: Value): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : floatName(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array)
    return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (!Array.isArray(value)) {
    const { months, days, micros } = value as Interval
    return { months, days, micros }
  }
  const items = value as readonly Value[]
  switch (type.kind) {
    case 'list':
      return items.map((item) => toLiteral(type.element.type, item))
    case 'map':
      return items.map((pair) => toLiteral(pairType(type), pair))
    case 'struct':
      return type.fields.map((field, index) => toLiteral(field.type, items[index] ?? null))
    default:
      throw new MillraceError('internal/assertion', { what: `a list cannot be a literal of ${type.kind}` })
  }
}

function floatName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The value of a literal node's content. */
export function fromLiteral(type: DataType, json: Json): Value {
  if (json === null) return null
  if (isBig(type)) return BigInt(json as string)
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return Number(json)
    case 'bytes':
      return Uint8Array.from((json as string).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    case 'list':
      return (json as readonly Json[]).map((item) => fromLiteral(type.element.type, item))
    case 'map':
      return (json as readonly Json[]).map((pair) => fromLiteral(pairType(type), pair))
    case 'struct':
      return type.fields.map((field, index) =>
        fromLiteral(field.type, (json as readonly Json[])[index] ?? null),
      )
    default:
      return json as Value
  }
}

/** A text without halves of surrogate pairs, which UTF-8 cannot hold: each becomes U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD')
}
