/**
 * The row value of one cell, in any layout: the interpreted reader.
 *
 * The generated row view and everything that is not a hot path use it. What each type's row value is, builder.ts says.
 */
import { MillraceError } from '../errors.ts'
import { formatDate } from '../time/instant.ts'
import type { Batch } from './batch.ts'
import { rowCount, rowIndex } from './batch.ts'
import type { Column, DictionaryColumn, FixedColumn, Utf8Column, WideColumn } from './column.ts'
import { isValid } from './column.ts'
import { formatDecimal } from './decimal.ts'
import { exactOf } from './fixed-column-builder.ts'
import { readText } from './text-bytes.ts'
import type { DataType, Field, Interval, Json } from './type.ts'

/** Units of time types in a millisecond. */
const unitsPerMs = { ms: 1, us: 1000, ns: 1_000_000 } as const

/**
 * The row value of cell `index` of a column, null when it has none.
 *
 * @throws MillraceError `value/unsafe-integer` when a 64-bit integer that shows as a number is outside ±(2^53 − 1).
 */
export function readValue(column: Column, index: number, name?: string): unknown {
  if (!isValid(column, index)) return null
  switch (column.layout) {
    case 'fixed':
      return fixedValue(column.type, column.values[index] as number)
    case 'wide':
      return wideValue(column, index, name)
    case 'utf8':
      return bytesValue(column.type, column, index)
    case 'dictionary':
      return bytesValue(column.type, column.dictionary, column.codes[index] as number)
    case 'list':
      return column.type.kind === 'map' ? mapValue(column, index, name) : listValue(column, index, name)
    case 'struct':
      return column.type.kind === 'interval'
        ? intervalValue(column.children, index)
        : structValue(column, index)
  }
}

/** The row value of a number of a `fixed` column. */
export function fixedValue(type: DataType, value: number): unknown {
  switch (type.kind) {
    case 'boolean':
      return value !== 0
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? BigInt(value) : value
    case 'decimal':
      return formatDecimal(value, type.scale)
    case 'date':
      return formatDate(value)
    case 'time':
    case 'timestamp':
      return type.unit === 'ms' ? value : Math.floor(value / unitsPerMs[type.unit])
    default:
      return value
  }
}

/** The row value of a cell of a `wide` column. */
export function wideValue(column: WideColumn, index: number, name?: string): unknown {
  const { type } = column
  const exact = exactOf(column, index)
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? exact : safeNumber(exact, name)
    case 'decimal':
      return formatDecimal(exact, type.scale)
    case 'time':
    case 'timestamp':
      return safeNumber(floorDivide(exact, BigInt(unitsPerMs[type.unit])), name, 'time')
    default:
      return safeNumber(exact, name)
  }
}

/** The exact value of a cell of a 64-bit integer, decimal (unscaled), time or timestamp column, in its unit; null when it has none. */
export function exactValue(column: Column, index: number): bigint | null {
  if (!isValid(column, index)) return null
  if (column.layout === 'wide') return exactOf(column, index)
  return BigInt((column as FixedColumn).values[index] as number)
}

/** The string of a cell of a utf8 or dictionary column; null when it has none. */
export function textValue(column: Utf8Column | DictionaryColumn, index: number): string | null {
  if (!isValid(column, index)) return null
  const ranges = column.layout === 'utf8' ? column : column.dictionary
  const entry = column.layout === 'utf8' ? index : (column.codes[index] as number)
  return readText(ranges.bytes, ranges.starts[entry] as number, ranges.lengths[entry] as number)
}

/** All live rows of a batch as plain objects that share nothing with it. */
export function batchToRows(batch: Batch): Record<string, unknown>[] {
  const names = batch.schema.fields.map((field) => field.name)
  const rows: Record<string, unknown>[] = []
  const count = rowCount(batch)
  for (let n = 0; n < count; n++) {
    const index = rowIndex(batch, n)
    const row: Record<string, unknown> = {}
    for (let c = 0; c < names.length; c++) {
      const name = names[c] as string
      row[name] = readValue(batch.columns[c] as Column, index, name)
    }
    rows.push(row)
  }
  return rows
}

/** The refusal to show an integer as a number that would lose digits. */
function unsafeInteger(value: bigint, name: string | undefined, kind: 'integer' | 'time'): MillraceError {
  const isTime = kind === 'time'
  return new MillraceError('value/unsafe-integer', {
    what: `${name === undefined ? 'an integer' : `column "${name}"`} holds ${value}${isTime ? ' ms' : ''}`,
    detail: 'a JavaScript number is exact only to ±9007199254740991',
    hint: isTime
      ? 'such times mostly stand for none: filter these rows out with an expression, or take null for them'
      : 'declare the column with `.bigint()`, or convert it in an expression',
    place: name === undefined ? undefined : { column: name },
  })
}

function bytesValue(type: DataType, ranges: Utf8Column, entry: number): unknown {
  const start = ranges.starts[entry] as number
  const length = ranges.lengths[entry] as number
  if (type.kind === 'bytes') return new Uint8Array(ranges.bytes.subarray(start, start + length))
  const text = readText(ranges.bytes, start, length)
  return type.kind === 'json' ? (JSON.parse(text) as Json) : text
}

function listValue(column: Column & { layout: 'list' }, index: number, name?: string): unknown[] {
  const start = column.starts[index] as number
  const length = column.lengths[index] as number
  const values = new Array<unknown>(length)
  for (let i = 0; i < length; i++) values[i] = readValue(column.child, start + i, name)
  return values
}

function mapValue(column: Column & { layout: 'list' }, index: number, name?: string): Map<unknown, unknown> {
  const start = column.starts[index] as number
  const length = column.lengths[index] as number
  const [keys, values] = (column.child as Column & { layout: 'struct' }).children as [Column, Column]
  const map = new Map<unknown, unknown>()
  for (let i = start; i < start + length; i++) map.set(readValue(keys, i, name), readValue(values, i, name))
  return map
}

function structValue(column: Column & { layout: 'struct' }, index: number): Record<string, unknown> {
  const { fields } = column.type as DataType & { kind: 'struct' }
  const value: Record<string, unknown> = {}
  for (let i = 0; i < fields.length; i++) {
    const { name } = fields[i] as Field
    value[name] = readValue(column.children[i] as Column, index, name)
  }
  return value
}

function intervalValue(children: readonly Column[], index: number): Interval {
  const [months, days, micros] = children as unknown as readonly [FixedColumn, FixedColumn, FixedColumn]
  return {
    months: months.values[index] as number,
    days: days.values[index] as number,
    micros: micros.values[index] as number,
  }
}

function safeNumber(exact: bigint, name: string | undefined, kind: 'integer' | 'time' = 'integer'): number {
  if (exact > 9007199254740991n || exact < -9007199254740991n) throw unsafeInteger(exact, name, kind)
  return Number(exact)
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}
