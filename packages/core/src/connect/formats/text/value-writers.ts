/**
 * Scalar values as text in bytes: integers by pairs of digits, shortest floats, decimals, dates, times, base64.
 *
 * Every function writes at `w` of `out` (with `view` over the same memory) and gives the position behind; the caller
 * has made room for VALUE_BYTES_MAX (base64: for its length). Nothing here makes a string on the usual paths.
 */
import { civilFromDays, DAY_MS, formatDate } from '../../../time/index.ts'
import { powersOfTen } from './number-limits.ts'

/** Room that any single value but text needs. */
export const VALUE_BYTES_MAX = 64

/** Two digits as the 16-bit word that writes them. */
const digitPairs = Uint16Array.from(
  { length: 100 },
  (_, n) => (48 + Math.floor(n / 10)) | ((48 + (n % 10)) << 8),
)

/** Four digits of a number below 10^4, as the 32-bit word that writes them. */
function fourDigits(value: number): number {
  const high = (value / 100) | 0
  return (digitPairs[high] as number) | ((digitPairs[value - high * 100] as number) << 16)
}

/** How many digits a number below 10^4 has; without branches, since the numbers of a column differ in length. */
function digitCount(value: number): number {
  return 1 + ((9 - value) >>> 31) + ((99 - value) >>> 31) + ((999 - value) >>> 31)
}

/** A whole number from 0 to 2^31 − 1. Writes up to ten bytes, whatever its length. */
function writeSmall(view: DataView, w: number, value: number): number {
  if (value < 10_000) {
    const count = digitCount(value)
    view.setInt32(w, fourDigits(value) >>> (32 - 8 * count), true)
    return w + count
  }
  if (value < 100_000_000) {
    const high = (value / 10_000) | 0
    const count = digitCount(high)
    view.setInt32(w, fourDigits(high) >>> (32 - 8 * count), true)
    view.setInt32(w + count, fourDigits(value - high * 10_000), true)
    return w + count + 4
  }
  const top = (value / 100_000_000) | 0
  const count = digitCount(top)
  view.setInt32(w, fourDigits(top) >>> (32 - 8 * count), true)
  return writeEight(view, w + count, value - top * 100_000_000)
}

/** Eight digits of a number below 10^8. */
function writeEight(view: DataView, w: number, value: number): number {
  const high = (value / 10_000) | 0
  view.setInt32(w, fourDigits(high), true)
  view.setInt32(w + 4, fourDigits(value - high * 10_000), true)
  return w + 8
}

/** A safe integer. */
function writeInteger(out: Uint8Array, view: DataView, w: number, value: number): number {
  let at = w
  let rest = value
  if (rest < 0) {
    out[at++] = 45
    rest = -rest
  }
  if (rest < 2147483648) return writeSmall(view, at, rest)
  const high = Math.floor(rest / 1e8)
  return writeEight(view, writeSmall(view, at, high), rest - high * 1e8)
}

/** A finite number in its shortest form: no string unless it has more than six decimals or fifteen digits. */
function writeFloat(out: Uint8Array, view: DataView, w: number, value: number): number {
  if (value === 0) {
    if (1 / value > 0) {
      out[w] = 48
      return w + 1
    }
    out[w] = 45
    out[w + 1] = 48
    return w + 2
  }
  const micros = Math.round(value * 1e6)
  // Fifteen digits name one double, so a decimal of them that gives the value back is the shortest form.
  if (micros < 1e15 && micros > -1e15 && micros / 1e6 === value) {
    if (micros % 1e6 === 0) return writeInteger(out, view, w, value)
    return trimZeros(out, writeScaled(out, view, w, micros, 6))
  }
  if (Number.isInteger(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return writeInteger(out, view, w, value)
  }
  return writeAscii(out, w, String(value))
}

function trimZeros(out: Uint8Array, end: number): number {
  let at = end
  while (out[at - 1] === 48) at--
  return at
}

/** A safe integer divided by 10^scale, with all digits of the scale (at most 15). */
function writeScaled(out: Uint8Array, view: DataView, w: number, value: number, scale: number): number {
  let at = w
  let rest = value
  if (rest < 0) {
    out[at++] = 45
    rest = -rest
  }
  if (scale === 0) return writeInteger(out, view, at, rest)
  const unit = powersOfTen[scale] as number
  let whole = Math.floor(rest / unit)
  let fraction = rest - whole * unit
  if (fraction < 0) {
    // The division was rounded up to the next integer.
    whole--
    fraction += unit
  }
  at = writeInteger(out, view, at, whole)
  out[at++] = 46
  return writePadded(out, at, fraction, scale)
}

/** Exactly `count` digits of a number. */
function writePadded(out: Uint8Array, w: number, value: number, count: number): number {
  let rest = value
  for (let p = w + count - 1; p >= w; p--) {
    const next = Math.floor(rest / 10)
    out[p] = 48 + (rest - next * 10)
    rest = next
  }
  return w + count
}

/** ASCII text that was made as a string. */
function writeAscii(out: Uint8Array, w: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[w + i] = text.charCodeAt(i)
  return w + text.length
}

/** The day that was written last and its text: rows of one batch mostly share it. */
const lastDay = { days: Number.NaN, text: new Uint8Array(10), view: new DataView(new ArrayBuffer(0)) }
lastDay.view = new DataView(lastDay.text.buffer)

/** Days since 1970 as `YYYY-MM-DD`. */
function writeDate(out: Uint8Array, view: DataView, w: number, days: number): number {
  if (days !== lastDay.days) {
    const { year, month, day } = civilFromDays(days)
    if (!(year >= 0 && year <= 9999)) return writeAscii(out, w, formatDate(days))
    const text = lastDay.text
    writePadded(text, 0, year, 4)
    text[4] = 45
    writePadded(text, 5, month, 2)
    text[7] = 45
    writePadded(text, 8, day, 2)
    lastDay.days = days
  }
  const text = lastDay.view
  view.setInt32(w, text.getInt32(0, true), true)
  view.setInt32(w + 4, text.getInt32(4, true), true)
  view.setInt16(w + 8, text.getInt16(8, true), true)
  return w + 10
}

/** Milliseconds of the day as `HH:MM:SS.mmm`. */
function writeTimeOfDay(view: DataView, w: number, ms: number): number {
  const seconds = (ms / 1000) | 0
  const minutes = (seconds / 60) | 0
  const hours = (minutes / 60) | 0
  const minute = digitPairs[minutes - hours * 60] as number
  const second = digitPairs[seconds - minutes * 60] as number
  // Four bytes at a time: `HH:M`, `M:SS`, and `.mmm`, whose point takes the place of a leading zero.
  view.setInt32(w, (digitPairs[hours] as number) | (58 << 16) | (minute << 24), true)
  view.setInt32(w + 4, (minute >> 8) | (58 << 8) | (second << 16), true)
  view.setInt32(w + 8, fourDigits(ms - seconds * 1000) - 2, true)
  return w + 12
}

/** A count of `perMs` units per millisecond within the day, as `HH:MM:SS.mmm`, with µs or ns digits behind. */
function writeTime(out: Uint8Array, view: DataView, w: number, count: number, perMs: number): number {
  if (perMs === 1) return writeTimeOfDay(view, w, count)
  const ms = Math.floor(count / perMs)
  return writePadded(out, writeTimeOfDay(view, w, ms), count - ms * perMs, perMs === 1000 ? 3 : 6)
}

/**
 * A day since 1970 and milliseconds within it as ISO 8601: `2001-03-25T02:00:00.000`, with `Z` when zoned. In two parts,
 * since whole numbers beyond 2^31 are allocated when they are handed to a function.
 */
function writeInstant(
  out: Uint8Array,
  view: DataView,
  w: number,
  days: number,
  ms: number,
  zoned: boolean,
): number {
  let at = writeDate(out, view, w, days)
  out[at] = 84
  at = writeTimeOfDay(view, at + 1, ms)
  if (zoned) out[at++] = 90
  return at
}

/** Like `writeInstant` for a count of `perMs` units per millisecond (1,000 or 1,000,000), with their digits. */
function writeFineInstant(
  out: Uint8Array,
  view: DataView,
  w: number,
  count: number,
  perMs: number,
  zoned: boolean,
): number {
  const ms = Math.floor(count / perMs)
  const days = Math.floor(ms / DAY_MS)
  let at = writeInstant(out, view, w, days, ms - days * DAY_MS, false)
  at = writePadded(out, at, count - ms * perMs, perMs === 1000 ? 3 : 6)
  if (zoned) out[at++] = 90
  return at
}

const base64Digits = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1')

/** Bytes as base64 with padding; needs room for 4 bytes per 3. */
function writeBase64(out: Uint8Array, w: number, source: Uint8Array, start: number, length: number): number {
  let at = w
  const end = start + length
  let p = start
  for (; p + 2 < end; p += 3) {
    const word = ((source[p] as number) << 16) | ((source[p + 1] as number) << 8) | (source[p + 2] as number)
    at = writeBase64Word(out, at, word)
  }
  if (p < end) {
    const second = p + 1 < end ? (source[p + 1] as number) : 0
    at = writeBase64Word(out, at, ((source[p] as number) << 16) | (second << 8))
    out[at - 1] = 61
    if (p + 1 >= end) out[at - 2] = 61
  }
  return at
}

function writeBase64Word(out: Uint8Array, w: number, word: number): number {
  out[w] = base64Digits[word >> 18] as number
  out[w + 1] = base64Digits[(word >> 12) & 63] as number
  out[w + 2] = base64Digits[(word >> 6) & 63] as number
  out[w + 3] = base64Digits[word & 63] as number
  return w + 4
}

/** The writers that generated code calls, by their names. */
export const writers: {
  readonly writeInteger: typeof writeInteger
  readonly writeFloat: typeof writeFloat
  readonly writeScaled: typeof writeScaled
  readonly writeDate: typeof writeDate
  readonly writeTime: typeof writeTime
  readonly writeInstant: typeof writeInstant
  readonly writeFineInstant: typeof writeFineInstant
  readonly writeBase64: typeof writeBase64
} = Object.freeze({
  writeInteger,
  writeFloat,
  writeScaled,
  writeDate,
  writeTime,
  writeInstant,
  writeFineInstant,
  writeBase64,
})
