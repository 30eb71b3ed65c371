/**
 * Reading numbers and times from bytes, and rounding floats, for generated code: the plain forms only.
 *
 * Each gives NaN for whatever needs a closer look (signs of trouble, more digits than float64 holds exactly, a tie that
 * the digits decide); the caller then asks the reference for the row, which knows all forms and words the errors.
 */
import { parseDateBytes, parseInstantBytes } from '../time/index.ts'

/** Digits that float64 holds exactly whatever they are. */
const DIGITS_MAX = 15

const powers = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)

/** The integer of `-12`, `+12` or `12`. */
export function readIntegerText(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length
  const sign = bytes[start]
  let at = sign === 45 || sign === 43 ? start + 1 : start
  // An empty text may lie before a sign of its neighbour.
  if (at >= end || end - at > DIGITS_MAX) return Number.NaN
  let value = 0
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return sign === 45 ? 0 - value : value
}

/** Digits after the point in the number read last by `readDigits`. */
let fractionDigits = 0

/** The digits of `12`, `12.`, `.5` or `12.50` without sign, as one integer. */
function readDigits(bytes: Uint8Array, from: number, end: number): number {
  if (end - from > DIGITS_MAX + 1) return Number.NaN
  let value = 0
  let point = -1
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === 46 && point < 0) point = at
    else if (byte >= 48 && byte <= 57) value = value * 10 + byte - 48
    else return Number.NaN
  }
  fractionDigits = point < 0 ? 0 : end - point - 1
  const digits = end - from - (point < 0 ? 0 : 1)
  return digits >= 1 && digits <= DIGITS_MAX ? value : Number.NaN
}

/** The float of a number without exponent. Digits and power of ten are exact, so that one division rounds once. */
export function readFloatText(bytes: Uint8Array, start: number, length: number): number {
  const sign = bytes[start]
  const value = readDigits(bytes, sign === 45 || sign === 43 ? start + 1 : start, start + length)
  const size = value / (powers[fractionDigits] as number)
  return sign === 45 ? -size : size
}

/** The unscaled integer of a number with at most `scale` digits after the point. */
export function readDecimalText(bytes: Uint8Array, start: number, length: number, scale: number): number {
  const sign = bytes[start]
  const value = readDigits(bytes, sign === 45 || sign === 43 ? start + 1 : start, start + length)
  if (fractionDigits > scale || scale - fractionDigits > 22) return Number.NaN
  const size = value * (powers[scale - fractionDigits] as number)
  if (!(size <= 9007199254740991)) return Number.NaN
  return sign === 45 ? 0 - size : size
}

/** Days since 1970 of `YYYY-MM-DD`. */
export function readDateText(bytes: Uint8Array, start: number, length: number): number {
  return length === 10 ? parseDateBytes(bytes, start, start + 10) : Number.NaN
}

/** Milliseconds since 1970 of `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS[.mmm]`, with or without `Z`. */
export function readTimestampText(bytes: Uint8Array, start: number, length: number): number {
  if (length !== 10) {
    if (length < 19 || length > 24 || bytes[start + 16] !== 58) return Number.NaN
    const stop = bytes[start + length - 1] === 90 ? length - 1 : length
    if (stop !== 19 && (stop < 21 || stop > 23 || bytes[start + 19] !== 46)) return Number.NaN
  }
  return parseInstantBytes(bytes, start, start + length)
}

/** Largest product whose distance to a tie the checks below can trust. */
const TRUSTED_MAX = 1e11
const TIE_DISTANCE = 1e-3

/**
 * The integer nearest to `value * power`; NaN near a tie, where the shortest decimal text of the value decides.
 * Below 1e11 neither the product nor 15 significant digits are off by more than 0.0005.
 */
export function scaledFloat(value: number, power: number): number {
  const product = value * power
  if (!(product < TRUSTED_MAX && product > -TRUSTED_MAX)) return Number.NaN
  const down = Math.floor(product)
  const rest = product - down
  if (rest > 0.5 - TIE_DISTANCE && rest < 0.5 + TIE_DISTANCE) return Number.NaN
  return (rest < 0.5 ? down : down + 1) + 0
}

/** FNV-1a over 32 bits with two seeds, cut to 53 bits: Fowler, Noll, Vo (1991). */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let at = start; at < start + length; at++) {
    const byte = bytes[at] as number
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x85ebca6b)
  }
  return ((high >>> 0) & 0x1fffff) * 0x1_0000_0000 + (low >>> 0)
}

/** A wide column's values as words of 32 bits, lowest first. */
export function wordsOf(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2)
}

/** The integer `high` · 2^32 + `low`. */
export function wideInteger(high: number, low: number): bigint {
  return BigInt(high) * 4294967296n + BigInt(low)
}
