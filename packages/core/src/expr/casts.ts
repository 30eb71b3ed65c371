/**
 * Converts values between types: CAST, `::`, and the implicit conversions that binding inserts.
 *
 * PostgreSQL's rules: decimals round half away from zero, floats half to even, text is read as a literal would be;
 * what does not fit is `value/cast` or `value/overflow`. Timestamps without zone convert to zoned ones as UTC.
 */
import type { DataType, Interval, TimeUnit } from '../data/type.ts'
import { sameType, typeToString, typeWithArticle } from '../data/type-text.ts'
import { DAY_MS, formatDate, formatInstantExact, parseDate, parseInstant, exactCount, parseTimeOfDay } from '../time/index.ts' // prettier-ignore
import {
  decimalToNumber,
  divideRounded,
  fitsPrecision,
  formatDecimal,
  parseDecimal,
  rescale,
} from './decimal.ts'
import { formatFloat, formatFloat32, roundHalfEven } from './float-text.ts'
import { formatInterval, parseInterval } from './interval.ts'
import { integerRange, isFloat, isInteger, isNumeric, unitsPerSecond } from './types.ts'
import { failValue, shorten } from './value-error.ts'
import type { Value } from './value.ts'

/** Tells whether CAST exists from one type to another. */
export function canCast(from: DataType, to: DataType): boolean {
  if (from.kind === to.kind && !['list', 'map', 'struct'].includes(from.kind)) return true
  if (from.kind === 'string') return !['list', 'map', 'struct'].includes(to.kind)
  if (to.kind === 'string') return !['list', 'map', 'struct'].includes(from.kind)
  if (isNumeric(from))
    return isNumeric(to) || (to.kind === 'boolean' && isInteger(from)) || to.kind === 'json'
  switch (from.kind) {
    case 'boolean':
      return isInteger(to) || to.kind === 'json'
    case 'date':
      return to.kind === 'timestamp'
    case 'timestamp':
      return to.kind === 'date' || to.kind === 'time'
    case 'json':
      return isNumeric(to) || to.kind === 'boolean'
    case 'list':
      return to.kind === 'list' && canCast(from.element.type, to.element.type)
    case 'interval':
    case 'time':
      return from.kind === to.kind || (from.kind === 'time' && to.kind === 'interval')
    default:
      return sameType(from, to)
  }
}

/** Converts a value that is not null. */
export function castValue(value: Value, from: DataType, to: DataType): Value {
  if (value === null) return null
  if (sameType(from, to)) return value
  if (from.kind === 'string') return fromText(value as string, to)
  if (isNumeric(to)) return castToNumber(value, from, to)
  switch (to.kind) {
    case 'string':
      return toText(value, from)
    case 'boolean':
      return from.kind === 'json'
        ? jsonScalar(value as string, 'boolean', to)
        : BigInt(value as number) !== 0n
    case 'timestamp':
      return castToTimestamp(value, from, to)
    case 'date':
      return Number(floorDivide(value as bigint, unitsPerDay(from)))
    case 'time':
      return castToTime(value as bigint, from, to.unit)
    case 'interval':
      return { months: 0, days: 0, micros: Number(((value as bigint) * 1_000_000n) / perSecond(from)) }
    case 'json':
      return from.kind === 'boolean' ? String(value as boolean) : jsonNumber(toText(value, from))
    case 'list': {
      const element = (from as typeof to).element.type
      return (value as readonly Value[]).map((item) => castValue(item, element, to.element.type))
    }
    default:
      return failValue('value/cast', `${typeWithArticle(from)} cannot become ${typeWithArticle(to)}`)
  }
}

function jsonNumber(text: string): string {
  return /^-?[\dI]/.test(text) && Number.isFinite(Number(text)) ? text : JSON.stringify(text)
}

function castToNumber(value: Value, from: DataType, to: DataType): Value {
  if (from.kind === 'json') return jsonScalar(value as string, 'number', to)
  if (from.kind === 'boolean') return toInteger(value === true ? 1n : 0n, to)
  if (isFloat(to)) return toFloat(numberOf(value, from), to)
  if (to.kind === 'decimal') return toDecimal(value, from, to)
  if (isFloat(from)) {
    const number = value as number
    if (!Number.isFinite(number)) overflow(String(number), to)
    return toInteger(BigInt(roundHalfEven(number)), to)
  }
  const scale = from.kind === 'decimal' ? from.scale : 0
  return toInteger(scale === 0 ? BigInt(value as number) : rescale(value as bigint, scale, 0), to)
}

/** A numeric value as the nearest float64. */
function numberOf(value: Value, type: DataType): number {
  return type.kind === 'decimal' ? decimalToNumber(value as bigint, type.scale) : Number(value)
}

function toFloat(number: number, to: DataType): number {
  if (to.kind === 'float64') return number
  const rounded = Math.fround(number)
  if (!Number.isFinite(rounded) && Number.isFinite(number)) overflow(formatFloat(number), to)
  return rounded
}

/** An exact integer as a value of an integer type, checked against its range. */
export function toInteger(number: bigint, to: DataType): number | bigint {
  const range = integerRange(to.kind)
  if (range === undefined || number < range.low || number > range.high) return overflow(String(number), to)
  return range.bits === 64 ? number : Number(number)
}

function toDecimal(value: Value, from: DataType, to: Extract<DataType, { kind: 'decimal' }>): bigint {
  let unscaled: bigint
  if (isFloat(from)) {
    const number = value as number
    // PostgreSQL takes 15 significant digits of a float8 (6 of a float4): what the decimal text can be trusted for.
    const digits = from.kind === 'float32' ? 6 : 15
    const parsed = Number.isFinite(number) ? parseDecimal(number.toPrecision(digits)) : undefined
    if (parsed === undefined) return failValue('value/cast', `${String(number)} cannot become a decimal`)
    unscaled = rescale(parsed.unscaled, parsed.scale, to.scale)
  } else {
    unscaled = rescale(BigInt(value as bigint), from.kind === 'decimal' ? from.scale : 0, to.scale)
  }
  return checkDecimal(unscaled, to)
}

/** The unscaled value, checked against the precision of its type. */
export function checkDecimal(unscaled: bigint, type: Extract<DataType, { kind: 'decimal' }>): bigint {
  if (!fitsPrecision(unscaled, type.precision)) overflow(formatDecimal(unscaled, type.scale), type)
  return unscaled
}

function overflow(text: string, to: DataType): never {
  return failValue(
    'value/overflow',
    `${shorten(text)} does not fit ${typeToString(to)}`,
    'cast the operands to a wider type first',
  )
}

/** `a / b` rounded down. */
export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

function perSecond(type: DataType): bigint {
  return type.kind === 'timestamp' || type.kind === 'time' ? BigInt(unitsPerSecond(type.unit)) : 1n
}

/** How many units of a timestamp type make a day. */
export function unitsPerDay(type: DataType): bigint {
  return 86_400n * perSecond(type)
}

function castToTimestamp(value: Value, from: DataType, to: Extract<DataType, { kind: 'timestamp' }>): bigint {
  const count =
    from.kind === 'date' ? BigInt(value as number) * unitsPerDay(to) : convertUnit(value as bigint, perSecond(from), perSecond(to)) // prettier-ignore
  if (BigInt.asIntN(64, count) !== count) overflow(String(count), to)
  return count
}

/** To a finer unit exactly, to a coarser one rounded (as PostgreSQL's timestamp(p) rounds). */
function convertUnit(count: bigint, from: bigint, to: bigint): bigint {
  return to >= from ? count * (to / from) : divideRounded(count, from / to)
}

function castToTime(value: bigint, from: DataType, unit: TimeUnit): bigint {
  const ofDay =
    from.kind === 'timestamp' ? value - floorDivide(value, unitsPerDay(from)) * unitsPerDay(from) : value
  return convertUnit(ofDay, perSecond(from), BigInt(unitsPerSecond(unit)))
}

/** A value as text, as PostgreSQL writes it (dates and times in ISO 8601 with a blank between date and time). */
export function toText(value: Value, type: DataType): string {
  switch (type.kind) {
    case 'boolean':
      return value === true ? 'true' : 'false'
    case 'float64':
      return formatFloat(value as number)
    case 'float32':
      return formatFloat32(value as number)
    case 'decimal':
      return formatDecimal(value as bigint, type.scale)
    case 'date':
      return formatDate(value as number)
    case 'timestamp':
      return timestampText(value as bigint, type)
    case 'time':
      return timestampText(value as bigint, { ...type, kind: 'timestamp', zoned: false }).slice(11)
    case 'interval':
      return formatInterval(value as Interval)
    case 'bytes':
      return `\\x${Array.from(value as Uint8Array, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
    default:
      return String(value as number | bigint | string)
  }
}

function timestampText(count: bigint, type: Extract<DataType, { kind: 'timestamp' }>): string {
  const text = formatInstantExact(count, type.unit, false).replace('T', ' ').replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') // prettier-ignore
  return type.zoned ? `${text}+00` : text
}

function fromText(text: string, to: DataType): Value {
  const value = readText(text.trim(), text, to)
  if (value === undefined) {
    return failValue('value/cast', `text ${JSON.stringify(shorten(text))} is not ${typeWithArticle(to)}`)
  }
  return value
}

/** The value that a text stands for, or undefined when it is not one of the type. */
function readText(trimmed: string, text: string, to: DataType): Value | undefined {
  switch (to.kind) {
    case 'string':
      return text
    case 'boolean':
      // Any beginning of a word that says which.
      if (/^(t|tr|tru|true|y|ye|yes|on|1)$/i.test(trimmed)) return true
      return /^(f|fa|fal|fals|false|n|no|of|off|0)$/i.test(trimmed) ? false : undefined
    case 'float32':
    case 'float64':
      return readFloat(trimmed, to)
    case 'decimal': {
      const parsed = parseDecimal(trimmed)
      return parsed === undefined
        ? undefined
        : checkDecimal(rescale(parsed.unscaled, parsed.scale, to.scale), to)
    }
    case 'date':
      return readDate(trimmed)
    case 'time': {
      const nanos = parseTimeOfDay(trimmed)
      return nanos === undefined ? undefined : nanos / BigInt(1e9 / unitsPerSecond(to.unit))
    }
    case 'timestamp':
      return readTimestamp(trimmed, to)
    case 'interval':
      return parseInterval(trimmed)
    case 'uuid':
      return readUuid(trimmed)
    case 'json':
      return isJson(text) ? text : undefined
    case 'bytes':
      return readBytes(text)
    default:
      return readInteger(trimmed, to)
  }
}

/** Digits as in SQL text: also in base 16, 8 and 2, and in groups (`1_000`). */
function readInteger(text: string, to: DataType): Value | undefined {
  const match = /^([+-]?)(0x_?[\da-f]+(?:_[\da-f]+)*|0o_?[0-7]+(?:_[0-7]+)*|0b_?[01]+(?:_[01]+)*|\d+(?:_\d+)*)$/i.exec(text)
  if (match === null || text.length > 200) return undefined
  const size = BigInt((match[2] as string).replaceAll('_', ''))
  return toInteger(match[1] === '-' ? -size : size, to)
} // prettier-ignore

function readFloat(text: string, to: DataType): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return Number.NaN
    return special[1] === '-' ? -Infinity : Infinity
  }
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined
  const number = Number(text)
  if (!Number.isFinite(number)) overflow(text, to)
  return toFloat(number, to)
}

function readDate(text: string): number | undefined {
  const days = parseDate(text)
  if (!Number.isNaN(days)) return days
  const instant = parseInstant(text)
  return instant === undefined ? undefined : Math.floor(instant.ms / DAY_MS)
}

/** The zone of a text is ignored for a timestamp without zone, as in PostgreSQL: it names a wall clock. */
function readTimestamp(text: string, to: Extract<DataType, { kind: 'timestamp' }>): bigint | undefined {
  const days = parseDate(text)
  if (!Number.isNaN(days)) return BigInt(days) * unitsPerDay(to)
  const written = to.zoned ? text : text.replace(/\s*(z|[+-]\d\d(:?\d\d)?)$/i, '')
  const instant = parseInstant(written)
  if (instant === undefined) return undefined
  return convertUnit(exactCount(instant, 'ns'), 1_000_000_000n, perSecond(to))
}

function readUuid(text: string): string | undefined {
  const digits = text.toLowerCase().replace(/^\{(.*)\}$/, '$1').replaceAll('-', '') // prettier-ignore
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function readBytes(text: string): Uint8Array | undefined {
  if (!text.startsWith('\\x')) return new TextEncoder().encode(text)
  if (!/^([0-9a-fA-F]{2})*$/.test(text.slice(2))) return undefined
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function jsonScalar(text: string, wanted: 'number' | 'boolean', to: DataType): Value {
  const trimmed = text.trim()
  const fits = wanted === 'boolean' ? /^(true|false)$/.test(trimmed) : /^-?\d/.test(trimmed)
  if (!fits) return failValue('value/cast', `json ${shorten(trimmed)} is not ${typeWithArticle(to)}`)
  if (wanted === 'boolean' || isFloat(to)) return fromText(trimmed, to)
  const parsed = parseDecimal(trimmed)
  if (parsed === undefined)
    return failValue('value/cast', `json ${shorten(trimmed)} is not ${typeWithArticle(to)}`)
  if (to.kind === 'decimal') return checkDecimal(rescale(parsed.unscaled, parsed.scale, to.scale), to)
  return toInteger(rescale(parsed.unscaled, parsed.scale, 0), to)
}
