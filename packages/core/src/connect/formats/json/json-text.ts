/**
 * Cells as JSON text in strings: nested values, and the scalars inside them. Exact: no number passes through a double
 * that could lose digits.
 *
 * The slow way out, for lists, maps, structs and values that the generated encoder does not write itself.
 */
import type { Column, ListColumn, StructColumn } from '../../../data/column.ts'
import { isValid } from '../../../data/column.ts'
import { formatDecimal } from '../../../data/decimal.ts'
import { readText } from '../../../data/text-bytes.ts'
import { exactValue, readValue } from '../../../data/read-value.ts'
import type { DataType, Field, Interval, TimeUnit } from '../../../data/type.ts'
import { formatDate, formatInstantExact } from '../../../time/index.ts'
import { formatIsoInterval } from '../text/interval-text.ts'
import type { EpochUnit } from '../text/text-options.ts'

/** How times are written. */
export interface TimeText {
  readonly timestamps: 'iso' | 'epoch'
  readonly epochUnit: EpochUnit
}

const NANO_DIGITS: { readonly [Unit in EpochUnit]: number } = { s: 9, ms: 6, us: 3, ns: 0 }

/** The JSON text of a cell. */
export function jsonTextOf(column: Column, index: number, times: TimeText): string {
  if (!isValid(column, index)) return 'null'
  switch (column.layout) {
    case 'list':
      return column.type.kind === 'map' ? mapText(column, index, times) : listText(column, index, times)
    case 'struct':
      return column.type.kind === 'interval'
        ? JSON.stringify(formatIsoInterval(readValue(column, index) as Interval))
        : structText(column, index, times)
    default:
      return scalarText(column, index, times)
  }
}

/** The text of a scalar cell: quoted in JSON when `isQuoted` says so. */
export function plainTextOf(column: Column, index: number, times: TimeText): string {
  const { type } = column
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(exactValue(column, index) as bigint, type.scale)
    case 'date':
      return formatDate((column as Column & { layout: 'fixed' }).values[index] as number)
    case 'time':
      return formatInstantExact(exactValue(column, index) as bigint, type.unit, false).slice(11)
    case 'timestamp': {
      const count = exactValue(column, index) as bigint
      return times.timestamps === 'iso'
        ? formatInstantExact(count, type.unit, type.zoned)
        : epochText(count, type.unit, times.epochUnit)
    }
    case 'bytes':
      return Buffer.from(readValue(column, index) as Uint8Array).toString('base64')
    case 'json':
      return rawText(column, index)
    case 'int64':
    case 'uint64':
      return String(exactValue(column, index))
    default: {
      const value = readValue(column, index)
      return Object.is(value, -0) ? '-0' : String(value)
    }
  }
}

/** A count of a unit as a number of another unit, with a fraction where it needs one. */
function epochText(count: bigint, unit: TimeUnit, epochUnit: EpochUnit): string {
  const digits = NANO_DIGITS[epochUnit] - NANO_DIGITS[unit]
  if (digits <= 0) return String(count * 10n ** BigInt(-digits))
  return formatDecimal(count, digits).replace(/\.?0+$/, '')
}

/** Tells whether JSON writes a value of the type in quotes. */
export function isQuoted(type: DataType, times: TimeText): boolean {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'bytes':
    case 'date':
    case 'time':
      return true
    case 'timestamp':
      return times.timestamps === 'iso'
    default:
      return false
  }
}

function scalarText(column: Column, index: number, times: TimeText): string {
  const { kind } = column.type
  const text = plainTextOf(column, index, times)
  if (kind === 'float32' || kind === 'float64') return Number.isFinite(Number(text)) ? text : `"${text}"`
  return isQuoted(column.type, times) ? JSON.stringify(text) : text
}

/** The text of a json cell, on one line: line ends in valid JSON stand between tokens only. */
function rawText(column: Column, index: number): string {
  const ranges = column.layout === 'dictionary' ? column.dictionary : (column as Column & { layout: 'utf8' })
  const entry = column.layout === 'dictionary' ? (column.codes[index] as number) : index
  const text = readText(ranges.bytes, ranges.starts[entry] as number, ranges.lengths[entry] as number)
  return text.replaceAll(/[\n\r]/g, ' ')
}

function listText(column: ListColumn, index: number, times: TimeText): string {
  const start = column.starts[index] as number
  const parts: string[] = []
  for (let i = 0; i < (column.lengths[index] as number); i++) {
    parts.push(jsonTextOf(column.child, start + i, times))
  }
  return `[${parts.join(',')}]`
}

/** An object when the keys are text in JSON, else a list of pairs. */
function mapText(column: ListColumn, index: number, times: TimeText): string {
  const [keys, values] = (column.child as StructColumn).children as readonly [Column, Column]
  const asObject = isQuoted(keys.type, times)
  const parts: string[] = []
  const start = column.starts[index] as number
  for (let i = start; i < start + (column.lengths[index] as number); i++) {
    const key = jsonTextOf(keys, i, times)
    const value = jsonTextOf(values, i, times)
    parts.push(asObject ? `${key}:${value}` : `[${key},${value}]`)
  }
  return asObject ? `{${parts.join(',')}}` : `[${parts.join(',')}]`
}

function structText(column: StructColumn, index: number, times: TimeText): string {
  const fields: readonly Field[] = column.type.kind === 'struct' ? column.type.fields : []
  const parts = fields.map(
    (field, i) => `${JSON.stringify(field.name)}:${jsonTextOf(column.children[i] as Column, index, times)}`,
  )
  return `{${parts.join(',')}}`
}
