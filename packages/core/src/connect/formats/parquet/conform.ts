/**
 * Fits a column of the file to the declared schema: the same values in another type, where every value that fits is
 * kept exactly; units of time may become coarser (rounded down).
 *
 * Rows whose value does not fit the declared type (an integer that is too large, a null where none may be) are not
 * representable; the caller rejects them or throws.
 */
import type { Column, FixedArray, FixedColumn, WideColumn } from '../../../data/column.ts'
import { integerRanges } from '../../../data/integer-ranges.ts'
import { fixedArrayKindOf, listChildField, makeFixedArray, structFields } from '../../../data/layout.ts'
import { fieldToString, typeToString } from '../../../data/type-text.ts'
import type { DataType, Field } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'

/** The rows (ascending) that do not fit, with a reason. */
export type Misfit = (row: number, reason: string) => void

/** Turns a column of the file's type into one of the declared type. */
export type Conform = (column: Column, rows: number, misfit: Misfit) => Column

/** How to fit `file` to `wanted`. Throws schema/mismatch when there is no way. */
export function conformer(file: Field, wanted: Field): Conform {
  const convert = conversion(file.type, wanted.type)
  if (convert === undefined)
    throw new MillraceError('schema/mismatch', {
      what: `column "${wanted.name}" of the Parquet file does not fit the declared schema`,
      detail: `declared as ${fieldToString(wanted)}, in the file it is ${fieldToString(file)}`,
      hint: 'declare the type that the file has, and convert in a step',
      place: { column: wanted.name },
    })
  if (wanted.nullable || !file.nullable) return convert
  return (column, rows, misfit) => {
    reportNulls(column, rows, misfit)
    return convert(column, rows, misfit)
  }
}

function reportNulls(column: Column, rows: number, misfit: Misfit): void {
  const { validity } = column
  if (validity === undefined) return
  for (let row = 0; row < rows; row++)
    if (((validity[row >> 3] as number) & (1 << (row & 7))) === 0)
      misfit(row, 'null in a column that has none')
}

function conversion(from: DataType, to: DataType): Conform | undefined {
  if (sameLayout(from, to)) return (column) => retyped(column, to)
  if (isInteger(from) && (isInteger(to) || to.kind === 'float64')) return integers(to)
  if (from.kind === 'float32' && to.kind === 'float64') return integers(to)
  if (from.kind === 'timestamp' && to.kind === 'timestamp')
    return times(unitsPerSecond[from.unit], unitsPerSecond[to.unit], to)
  if (from.kind === 'time' && to.kind === 'time')
    return times(unitsPerSecond[from.unit], unitsPerSecond[to.unit], to)
  if (from.kind === 'date' && to.kind === 'timestamp') return times(1 / 86400, unitsPerSecond[to.unit], to)
  if ((from.kind === 'uuid' || from.kind === 'json') && to.kind === 'string')
    return (column) => retyped(column, to)
  if (from.kind === 'string' && (to.kind === 'json' || to.kind === 'bytes'))
    return (column) => retyped(column, to)
  return undefined
}

const unitsPerSecond = { ms: 1e3, us: 1e6, ns: 1e9 } as const

function isInteger(type: DataType): boolean {
  return type.kind !== 'interval' && (type.kind.startsWith('int') || type.kind.startsWith('uint'))
}

/** The values mean the same and lie the same in memory. */
function sameLayout(from: DataType, to: DataType): boolean {
  if (from.kind !== to.kind) return false
  if (from.kind === 'decimal' && to.kind === 'decimal')
    return from.scale === to.scale && from.precision <= to.precision
  if (from.kind === 'time' && to.kind === 'time') return from.unit === to.unit
  // A timestamp without zone counts as UTC: the numbers are the same.
  if (from.kind === 'timestamp' && to.kind === 'timestamp') return from.unit === to.unit
  if (from.kind === 'list' && to.kind === 'list') return sameElement(from.element, to.element)
  if (from.kind === 'map' && to.kind === 'map')
    return sameLayout(from.key, to.key) && sameElement(from.value, to.value)
  if (from.kind === 'struct' && to.kind === 'struct')
    return (
      from.fields.length === to.fields.length &&
      from.fields.every((field, index) => {
        const other = to.fields[index] as Field
        return field.name === other.name && sameElement(field, other)
      })
    )
  return true
}

function sameElement(
  from: { readonly type: DataType; readonly nullable: boolean },
  to: { readonly type: DataType; readonly nullable: boolean },
): boolean {
  return (to.nullable || !from.nullable) && sameLayout(from.type, to.type)
}

/** The same column under another type of the same layout. */
function retyped(column: Column, type: DataType): Column {
  switch (column.layout) {
    case 'list': {
      const child = retyped(column.child, listChildField(type).type)
      return { ...column, type, child }
    }
    case 'struct': {
      const fields = structFields(type)
      const children = column.children.map((child, index) => retyped(child, (fields[index] as Field).type))
      return { ...column, type, children }
    }
    default:
      return { ...column, type }
  }
}

function integers(to: DataType): Conform {
  const kind = fixedArrayKindOf(to)
  const [least, most] = integerRanges[to.kind] ?? [to.kind === 'uint64' ? 0 : -Infinity, Infinity]
  return (column, rows, misfit) => {
    const { validity } = column
    if (column.layout === 'wide') return wideIntegers(column, rows, to, misfit)
    const from = (column as FixedColumn).values
    const values: FixedArray = makeFixedArray(kind, rows)
    for (let row = 0; row < rows; row++) {
      const value = from[row] as number
      if (value >= least && value <= most) values[row] = value
      else if (Number.isNaN(value)) values[row] = value
      else if (isSet(validity, row)) misfit(row, `${value} is not a value of ${to.kind}`)
    }
    return { layout: 'fixed', type: to, values, validity }
  }
}

function isSet(validity: Uint8Array | undefined, row: number): boolean {
  return validity === undefined || ((validity[row >> 3] as number) & (1 << (row & 7))) !== 0
}

/** Wide integers fit no smaller type than 64 bits, and of the other sign only below 2^63. */
function wideIntegers(column: WideColumn, rows: number, to: DataType, misfit: Misfit): Column {
  const { values, validity, type } = column
  const unsigned = type.kind === 'uint64'
  const exact = to.kind === 'int64' || to.kind === 'uint64'
  const [least, most] = integerRanges[to.kind] ?? [to.kind === 'uint64' ? 0 : -Infinity, Infinity]
  const narrow = exact ? undefined : makeFixedArray(fixedArrayKindOf(to), rows)
  for (let row = 0; row < rows; row++) {
    if (!isSet(validity, row)) continue
    const word = values[row] as bigint
    const value = unsigned ? BigInt.asUintN(64, word) : word
    const number = Number(value)
    const fits = exact ? word >= 0n : Number.isSafeInteger(number) && number >= least && number <= most
    if (!fits) misfit(row, `${value} is not a value of ${to.kind}`)
    else if (narrow !== undefined) narrow[row] = number
  }
  if (narrow !== undefined) return { layout: 'fixed', type: to, values: narrow, validity }
  return { layout: 'wide', type: to, values, validity }
}

/** From one unit of time to another; to a coarser one it rounds down. In a finer one far times have no number. */
function times(fromPerSecond: number, toPerSecond: number, to: DataType): Conform {
  const factor = toPerSecond / fromPerSecond
  return (column, rows, misfit) => {
    const { validity } = column
    if (column.layout === 'fixed') {
      const narrow = narrowTimes(column.values, rows, factor)
      if (narrow !== undefined) return { layout: 'fixed', type: to, values: narrow, validity }
    }
    const wide = new BigInt64Array(rows)
    for (let row = 0; row < rows; row++) {
      const word = scaled(wordOf(column, row), factor)
      wide[row] = word
      if (wide[row] !== word && isSet(validity, row))
        misfit(row, `a time is not a value of ${typeToString(to)}`)
    }
    const narrowed = narrowWords(wide)
    return narrowed === undefined
      ? { layout: 'wide', type: to, values: wide, validity }
      : { layout: 'fixed', type: to, values: narrowed, validity }
  }
}

function narrowTimes(from: FixedArray, rows: number, factor: number): Float64Array | undefined {
  const values = new Float64Array(rows)
  const divisor = factor < 1 ? Math.round(1 / factor) : 0
  for (let row = 0; row < rows; row++) {
    const value = divisor > 0 ? Math.floor((from[row] as number) / divisor) : (from[row] as number) * factor
    if (!Number.isSafeInteger(value)) return undefined
    values[row] = value
  }
  return values
}

function wordOf(column: Column, row: number): bigint {
  if (column.layout === 'wide') return column.values[row] as bigint
  const value = (column as FixedColumn).values[row] as number
  return Number.isSafeInteger(value) ? BigInt(value) : 0n
}

function scaled(word: bigint, factor: number): bigint {
  if (factor >= 1) return word * BigInt(factor)
  const divisor = BigInt(Math.round(1 / factor))
  const quotient = word / divisor
  return word % divisor < 0n ? quotient - 1n : quotient
}

function narrowWords(words: BigInt64Array): Float64Array | undefined {
  const values = new Float64Array(words.length)
  for (let row = 0; row < words.length; row++) {
    const value = Number(words[row] as bigint)
    if (!Number.isSafeInteger(value)) return undefined
    values[row] = value
  }
  return values
}
