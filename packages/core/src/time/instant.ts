/**
 * Points in time as ISO 8601 text and back, exact to milliseconds, microseconds or nanoseconds.
 *
 * A point in time is a count of units since 1970-01-01T00:00Z. Counts that fit a safe integer are numbers; finer or
 * further ones come as bigint by the `Exact` functions. Without a zone designator text is read as UTC: a timestamp
 * without zone has no other meaning here. Zones by name are zone.ts.
 *
 * Accepted: `YYYY-MM-DD`, then `T` or one space, `HH:MM[:SS[.f…]]`, then `Z`, `±HH`, `±HHMM` or `±HH:MM`; years with a
 * sign and up to six digits (`-000001`, `+012345`). `24:00:00` and leap seconds are refused. Digits beyond the asked
 * unit are cut (floor).
 */
import type { CivilDate } from './civil.ts'
import { civilFromDays, DAY_MS, daysFromCivil, daysInMonth } from './civil.ts'

/** Precision of a count. */
export type InstantUnit = 'ms' | 'us' | 'ns'

/** Units in a millisecond. */
export const UNITS_PER_MS: { readonly [Unit in InstantUnit]: number } = { ms: 1, us: 1000, ns: 1_000_000 }

/** What the text of an instant said. */
export interface ParsedInstant {
  /** Whole milliseconds since 1970 UTC (floor). */
  readonly ms: number
  /** Nanoseconds within the millisecond, 0 to 999,999. */
  readonly nanos: number
  /** Whether the text named an offset. */
  readonly zoned: boolean
}

const instantPattern =
  /^([+-]\d{4,6}|\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/

/** Reads an instant, or gives undefined when the text is not one. */
export function parseInstant(text: string): ParsedInstant | undefined {
  const match = instantPattern.exec(text)
  if (match === null) return undefined
  const days = validDays(Number(match[1]), Number(match[2]), Number(match[3]))
  if (days === undefined) return undefined
  if (match[4] === undefined) return { ms: days * DAY_MS, nanos: 0, zoned: false }
  const hour = Number(match[4])
  const minute = Number(match[5])
  const second = match[6] === undefined ? 0 : Number(match[6])
  const offsetMinutes = match[8] === undefined ? 0 : offsetOf(match[8])
  if (hour > 23 || minute > 59 || second > 59 || offsetMinutes === undefined) return undefined
  const fraction = match[7] === undefined ? 0 : Number(match[7].padEnd(9, '0'))
  const milli = Math.floor(fraction / 1_000_000)
  return {
    ms: days * DAY_MS + hour * 3_600_000 + (minute - offsetMinutes) * 60_000 + second * 1000 + milli,
    nanos: fraction - milli * 1_000_000,
    zoned: match[8] !== undefined,
  }
}

/** Milliseconds since 1970 of ISO text (floor), or NaN when it is not an instant. */
export function parseInstantMs(text: string): number {
  return parseInstant(text)?.ms ?? Number.NaN
}

/** The exact count of ISO text in a unit, or undefined when it is not an instant. */
export function parseInstantExact(text: string, unit: InstantUnit): bigint | undefined {
  const parsed = parseInstant(text)
  return parsed === undefined ? undefined : exactCount(parsed, unit)
}

/** The count in a unit: milliseconds and the nanoseconds within. */
export function exactCount(instant: Pick<ParsedInstant, 'ms' | 'nanos'>, unit: InstantUnit): bigint {
  if (unit === 'ms') return BigInt(instant.ms)
  if (unit === 'us') return BigInt(instant.ms) * 1000n + BigInt(Math.floor(instant.nanos / 1000))
  return BigInt(instant.ms) * 1_000_000n + BigInt(instant.nanos)
}

/**
 * Milliseconds since 1970 of `bytes[start, end)`, or NaN. The fast path takes the fixed forms
 * `YYYY-MM-DD` and `YYYY-MM-DD[T ]HH:MM:SS[.f…][Z]` without making a string; all others go through `parseInstantMs`.
 */
export function parseInstantBytes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length < 10 || length > 64) return Number.NaN
  const days = parseDateBytes(bytes, start, start + 10)
  if (days === days) {
    if (length === 10) return days * DAY_MS
    const time = timeOfDayBytes(bytes, start + 10, end)
    if (time === time) return days * DAY_MS + time
  }
  return parseInstantMs(asciiText(bytes, start, end))
}

/** Days since 1970 of a `YYYY-MM-DD` in `bytes[start, end)`, or NaN. */
export function parseDateBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 10 || bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return Number.NaN
  const century = twoDigits(bytes, start)
  const year = century * 100 + twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 5)
  const day = twoDigits(bytes, start + 8)
  if (!(year >= 0) || !(month >= 1 && month <= 12) || !(day >= 1 && day <= 28)) {
    // Days after the 28th depend on the month; NaN from a non-digit ends here as well.
    if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) {
      return Number.NaN
    }
  }
  return daysFromCivil(year, month, day)
}

/** Days since 1970 of a `YYYY-MM-DD` (years with a sign and up to six digits allowed), or NaN. */
export function parseDate(text: string): number {
  const match = /^([+-]\d{4,6}|\d{4})-(\d\d)-(\d\d)$/.exec(text)
  if (match === null) return Number.NaN
  return validDays(Number(match[1]), Number(match[2]), Number(match[3])) ?? Number.NaN
}

/** Days since 1970 as `YYYY-MM-DD`; years beyond 0 to 9999 get a sign and six digits, as in ECMA-262. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return `${yearText(year)}-${two(month)}-${two(day)}`
}

/** Milliseconds since 1970 as ISO text: `2001-03-25T02:00:00.000Z`, or without the `Z` when `zoned` is false. */
export function formatInstant(ms: number, zoned: boolean = true): string {
  if (!Number.isFinite(ms)) return String(ms)
  const days = Math.floor(ms / DAY_MS)
  return `${formatDate(days)}T${formatTimeOfDay(ms - days * DAY_MS)}${zoned ? 'Z' : ''}`
}

/** An exact count as ISO text with 3, 6 or 9 digits of the second, by its unit. */
export function formatInstantExact(count: bigint, unit: InstantUnit, zoned: boolean = true): string {
  const perMs = BigInt(UNITS_PER_MS[unit])
  let ms = count / perMs
  let rest = count - ms * perMs
  if (rest < 0n) {
    rest += perMs
    ms -= 1n
  }
  const digits = unit === 'ms' ? '' : String(rest).padStart(unit === 'us' ? 3 : 6, '0')
  return `${formatInstant(Number(ms), false)}${digits}${zoned ? 'Z' : ''}`
}

/** Milliseconds of a day as `HH:MM:SS.mmm`. */
export function formatTimeOfDay(ms: number): string {
  const whole = Math.floor(ms)
  const hour = Math.floor(whole / 3_600_000)
  const minute = Math.floor(whole / 60_000) % 60
  const second = Math.floor(whole / 1000) % 60
  return `${two(hour)}:${two(minute)}:${two(second)}.${String(whole % 1000).padStart(3, '0')}`
}

/** Nanoseconds of the day of `HH:MM[:SS[.f…]]`, or undefined. */
export function parseTimeOfDay(text: string): bigint | undefined {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?$/.exec(text)
  if (match === null) return undefined
  const hour = Number(match[1])
  const minute = Number(match[2])
  const second = Number(match[3] ?? '0')
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const seconds = BigInt(hour * 3600 + minute * 60 + second)
  return seconds * 1_000_000_000n + BigInt((match[4] ?? '').padEnd(9, '0'))
}

function validDays(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  return daysFromCivil(year, month, day)
}

/** Minutes east of UTC of `Z` or `±HH[[:]MM]`; up to 18 hours, as ISO and Java allow. */
function offsetOf(text: string): number | undefined {
  if (text === 'Z' || text === 'z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = text.length > 3 ? Number(text.slice(-2)) : 0
  if (hours > 18 || minutes > 59) return undefined
  return (text[0] === '-' ? -1 : 1) * (hours * 60 + minutes)
}

/** Milliseconds of `[T ]HH:MM:SS[.f…][Z]`, or NaN for any other form. */
function timeOfDayBytes(bytes: Uint8Array, start: number, end: number): number {
  const separator = bytes[start]
  const stop = bytes[end - 1] === 90 ? end - 1 : end
  if ((separator !== 84 && separator !== 32) || stop - start < 9) return Number.NaN
  if (bytes[start + 3] !== 58 || bytes[start + 6] !== 58) return Number.NaN
  const hour = twoDigits(bytes, start + 1)
  const minute = twoDigits(bytes, start + 4)
  const second = twoDigits(bytes, start + 7)
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN
  const whole = hour * 3_600_000 + minute * 60_000 + second * 1000
  if (stop === start + 9) return whole
  return bytes[start + 9] === 46 ? whole + fractionMs(bytes, start + 10, stop) : Number.NaN
}

/** Milliseconds (floor) of the digits after the point, or NaN when there is none or something else. */
function fractionMs(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return Number.NaN
  let ms = 0
  let scale = 100
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    if (scale >= 1) ms += digit * scale
    scale = scale === 1 ? 0 : scale / 10
  }
  return ms
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 48
  const ones = (bytes[at + 1] as number) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number)
  return text
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

function yearText(year: CivilDate['year']): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}
