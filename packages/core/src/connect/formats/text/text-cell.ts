/**
 * One cell from text: the exact reader of every scalar type, used where the generated fast path does not apply.
 *
 * Numbers and quoted text come in as byte ranges (no quotes, no escapes). What does not fit the column's type throws a
 * `RecordFault`; nothing is rounded, wrapped or cut, except that digits of a second finer than the column's unit are
 * dropped (time/instant.ts).
 */
import { fitsPrecision, parseDecimal } from '../../../data/decimal.ts'
import { typeToString } from '../../../data/type-text.ts'
import type { TimeUnit } from '../../../data/type.ts'
import {
  DAY_MS,
  exactCount,
  parseDate,
  parseDateBytes,
  parseInstant,
  parseInstantBytes,
  parseTimeOfDay,
  UNITS_PER_MS,
} from '../../../time/index.ts'
import type { DecodedColumn, DecodedColumns } from './decoded-columns.ts'
import { quoteInput, RecordFault } from './record-fault.ts'
import { integerRanges } from './number-limits.ts'
import type { EpochUnit } from './text-options.ts'

/** Up to where the types take integers of either sign; types that are more than a plain number are absent. */
const shortLimits: { readonly [kind: string]: number } = {
  int8: 127,
  int16: 32767,
  int32: 2147483647,
  int64: Number.MAX_SAFE_INTEGER,
  uint8: 255,
  uint16: 65535,
  uint32: 4294967295,
  uint64: Number.MAX_SAFE_INTEGER,
  float64: Number.MAX_SAFE_INTEGER,
  timestamp: Number.MAX_SAFE_INTEGER,
}

const NANOS_PER: { readonly [Unit in EpochUnit]: bigint } = {
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  ns: 1n,
}

const integerPattern = /^[+-]?\d+$/
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Writes cells from text; one per decoder. */
export class TextCellReader {
  readonly #target: DecodedColumns
  readonly #epochUnit: EpochUnit

  constructor(target: DecodedColumns, epochUnit: EpochUnit) {
    this.#target = target
    this.#epochUnit = epochUnit
  }

  /** A number: a JSON number token, or the text of a CSV field. */
  readNumber(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    const { type } = column.field
    if (this.#readShortInteger(column, row, bytes, start, end)) return
    const text = asciiText(bytes, start, end)
    if (!numberPattern.test(text)) throw this.#fault(column, bytes, start, end)
    switch (type.kind) {
      case 'float32':
      case 'float64':
        column.values[row] = this.#float(column, text, bytes, start, end)
        return
      case 'decimal':
        this.#decimal(column, row, text, start)
        return
      case 'timestamp':
        this.#epoch(column, row, text, start, type.unit)
        return
      case 'date':
        this.#integer(column, row, text, start, 'int32')
        return
      case 'time': {
        const dayUnits = DAY_MS * UNITS_PER_MS[type.unit]
        const count = Number(text)
        if (!Number.isInteger(count) || count < 0 || count >= dayUnits)
          throw this.#fault(column, bytes, start, end)
        column.values[row] = count
        return
      }
      default:
        if (integerRanges[type.kind] === undefined) throw this.#fault(column, bytes, start, end)
        this.#integer(column, row, text, start, type.kind)
    }
  }

  /** Integers of up to 15 digits, which most numbers are, without making a string; false: not one of them. */
  #readShortInteger(
    column: DecodedColumn,
    row: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const { type } = column.field
    const inUnit = type.kind !== 'timestamp' || type.unit === this.#epochUnit
    const limit = shortLimits[type.kind]
    const from = bytes[start] === 45 ? start + 1 : start
    if (limit === undefined || !inUnit || end === from || end - from > 15) return false
    let value = 0
    for (let p = from; p < end; p++) {
      const digit = (bytes[p] as number) - 48
      if (digit < 0 || digit > 9) return false
      value = value * 10 + digit
    }
    // A negative zero is left to the reader of floats.
    if (value > limit || (from > start && (value === 0 || type.kind.startsWith('u')))) return false
    column.values[row] = from > start ? -value : value
    return true
  }

  /** Text: the content of a JSON string, or of a CSV field. */
  readText(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    const { type } = column.field
    switch (type.kind) {
      case 'string':
        column.starts[row] = start
        column.lengths[row] = end - start
        return
      case 'uuid':
        this.#uuid(column, row, bytes, start, end)
        return
      case 'bytes':
        this.#base64(column, row, bytes, start, end)
        return
      case 'timestamp':
        this.#instant(column, row, bytes, start, end, type.unit)
        return
      case 'date':
        this.#date(column, row, bytes, start, end)
        return
      case 'time':
        this.#timeOfDay(column, row, bytes, start, end, type.unit)
        return
      case 'float32':
      case 'float64':
        column.values[row] = this.#namedFloat(column, bytes, start, end)
        return
      case 'int64':
      case 'uint64':
      case 'decimal':
        // Exact numbers are often quoted, so that JSON.parse does not round them.
        this.readNumber(column, row, bytes, start, end)
        return
      default:
        throw this.#fault(column, bytes, start, end)
    }
  }

  #integer(column: DecodedColumn, row: number, text: string, at: number, kind: string): void {
    const value = wholeNumber(text)
    const [least, most] = integerRanges[kind] as readonly [bigint, bigint]
    if (value === undefined || value < least || value > most) {
      const reason =
        value === undefined
          ? `expected ${typeToString(column.field.type)}, found ${clip(text)}`
          : `${clip(text)} is outside the range of ${typeToString(column.field.type)} (${least} to ${most})`
      throw new RecordFault(reason, at, { column: column.field.name })
    }
    this.#target.setExact(column, row, value)
  }

  #float(column: DecodedColumn, text: string, bytes: Uint8Array, start: number, end: number): number {
    const value = Number(text)
    const fits = column.field.type.kind === 'float64' || Number.isFinite(Math.fround(value))
    if (Number.isFinite(value) && fits) return value
    throw new RecordFault(
      `${quoteInput(bytes, start, end)} is outside the range of ${typeToString(column.field.type)}`,
      start,
      { column: column.field.name },
    )
  }

  /** The values that JSON has no number for. */
  #namedFloat(column: DecodedColumn, bytes: Uint8Array, start: number, end: number): number {
    const text = end - start <= 9 ? asciiText(bytes, start, end) : ''
    if (text === 'NaN') return Number.NaN
    if (text === 'Infinity' || text === '-Infinity') return Number(text)
    throw this.#fault(column, bytes, start, end)
  }

  #decimal(column: DecodedColumn, row: number, text: string, at: number): void {
    const { type } = column.field
    if (type.kind !== 'decimal') return
    const unscaled = parseDecimal(text, type.scale)
    if (unscaled === undefined || !fitsPrecision(unscaled, type.precision)) {
      throw new RecordFault(`${clip(text)} does not fit ${typeToString(type)}`, at, {
        column: column.field.name,
        hint: 'declare a decimal with more digits, or a float64',
      })
    }
    this.#target.setExact(column, row, unscaled)
  }

  /** A number of epoch units, perhaps with a fraction, as a count of the column's unit (floor). */
  #epoch(column: DecodedColumn, row: number, text: string, at: number, unit: TimeUnit): void {
    const nanos = parseDecimal(text, 12)
    if (nanos === undefined) {
      throw new RecordFault(`expected ${typeToString(column.field.type)}, found ${clip(text)}`, at, {
        column: column.field.name,
      })
    }
    const count = floorDivide(nanos * NANOS_PER[this.#epochUnit], 1_000_000_000_000n * NANOS_PER[unit])
    this.#setCount(column, row, count, text, at)
  }

  #instant(
    column: DecodedColumn,
    row: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    unit: TimeUnit,
  ): void {
    const ms = parseInstantBytes(bytes, start, end)
    if (Number.isNaN(ms)) throw this.#fault(column, bytes, start, end)
    if (unit === 'ms') {
      column.values[row] = ms
      return
    }
    const text = asciiText(bytes, start, end)
    const instant = parseInstant(text)
    if (instant === undefined) throw this.#fault(column, bytes, start, end)
    if (unit === 'us' && Math.abs(instant.ms) < 9e12) {
      column.values[row] = instant.ms * 1000 + Math.floor(instant.nanos / 1000)
      return
    }
    this.#setCount(column, row, exactCount(instant, unit), text, start)
  }

  #setCount(column: DecodedColumn, row: number, count: bigint, text: string, at: number): void {
    const [least, most] = integerRanges['int64'] as readonly [bigint, bigint]
    if (count < least || count > most) {
      throw new RecordFault(`${clip(text)} is outside the range of ${typeToString(column.field.type)}`, at, {
        column: column.field.name,
      })
    }
    this.#target.setExact(column, row, count)
  }

  #date(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    let days = parseDateBytes(bytes, start, end)
    if (Number.isNaN(days) && end - start <= 40) {
      days = parseDate(asciiText(bytes, start, end))
      // A timestamp is a date when it is at midnight, as JSON.stringify writes one.
      if (Number.isNaN(days)) days = parseInstantBytes(bytes, start, end) / DAY_MS
    }
    if (!Number.isInteger(days) || Math.abs(days) > 2 ** 31 - 1) throw this.#fault(column, bytes, start, end)
    column.values[row] = days
  }

  #timeOfDay(
    column: DecodedColumn,
    row: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    unit: TimeUnit,
  ): void {
    const nanos = end - start <= 40 ? parseTimeOfDay(asciiText(bytes, start, end)) : undefined
    if (nanos === undefined) throw this.#fault(column, bytes, start, end)
    column.values[row] = Number(nanos / NANOS_PER[unit])
  }

  #uuid(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 36) throw this.#fault(column, bytes, start, end)
    let upper = false
    for (let i = 0; i < 36; i++) {
      const byte = bytes[start + i] as number
      const dash = i === 8 || i === 13 || i === 18 || i === 23
      const digit = (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102)
      const upperDigit = byte >= 65 && byte <= 70
      if (dash ? byte !== 45 : !digit && !upperDigit) throw this.#fault(column, bytes, start, end)
      upper ||= upperDigit
    }
    if (!upper) {
      column.starts[row] = start
      column.lengths[row] = 36
      return
    }
    const arena = this.#target.arena(36)
    const at = this.#target.arenaAt
    for (let i = 0; i < 36; i++) {
      const byte = bytes[start + i] as number
      arena[at + i] = byte >= 65 && byte <= 70 ? byte + 32 : byte
    }
    this.#target.keepInArena(column, row, 36)
  }

  #base64(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    const decoded = decodeBase64(bytes, start, end)
    if (decoded === undefined) throw this.#fault(column, bytes, start, end)
    this.#target.arena(decoded.length).set(decoded, this.#target.arenaAt)
    this.#target.keepInArena(column, row, decoded.length)
  }

  #fault(column: DecodedColumn, bytes: Uint8Array, start: number, end: number): RecordFault {
    const found = quoteInput(bytes, start, end)
    return new RecordFault(`expected ${typeToString(column.field.type)}, found ${found}`, start, {
      column: column.field.name,
    })
  }
}

/** Bytes of base64 text (standard or URL alphabet, padding optional), or undefined when it is not that. */
export function decodeBase64(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const text = asciiText(bytes, start, end)
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) return undefined
  return Buffer.from(text, 'base64')
}

/** A short range of ASCII as a string; other bytes come out as Latin-1, which no pattern accepts. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

/** The integer that a number token stands for: `12`, `-3`, also `1.0` and `2e3`; undefined when it has a fraction. */
function wholeNumber(text: string): bigint | undefined {
  if (text.length > 400) return undefined
  return integerPattern.test(text)
    ? BigInt(text.startsWith('+') ? text.slice(1) : text)
    : parseDecimal(text, 0)
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}

function clip(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}
