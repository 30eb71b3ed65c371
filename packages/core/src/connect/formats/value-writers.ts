/**
 * Scalar values as text in bytes: integers by pairs of digits, shortest floats, decimals, dates, times, base64.
 *
 * Every function writes at `w` of `out` (with `view` over the same memory) and gives the position behind; the caller
 * has made room for VALUE_BYTES_MAX (base64: for its length). Nothing here makes a string on the usual paths.
 */
import { civilFromDays, DAY_MS, formatDate } from '../../time/index.ts'
import { powersOfTen } from './number-limits.ts'

/** Room that any single value but text needs. */
export const VALUE_BYTES_MAX = 64

/** Two digits as the 16-bit word that writes them. */
const digitPairs = Uint16Array.from(
  { length: 100 },
  (_, n) => (48 + Math.floor(n / 10)) | ((48 + (n % 10)) << 8),
)

/** A whole number from 0 to 2^31 − 1. */
function writeSmall(out: Uint8Array, view: DataView, w: number, value: number): number {
  if (value < 10) {
    out[w] = 48 + value
    return w + 1
  }
  let rest = value
  const count =
    rest < 100
      ? 2
      : rest < 1e3
        ? 3
        : rest < 1e4
          ? 4
          : rest < 1e5
            ? 5
            : rest < 1e6
              ? 6
              : rest < 1e7
                ? 7
                : rest < 1e8
                  ? 8
                  : rest < 1e9
                    ? 9
                    : 10
  const end = w + count
  let p = end
  while (rest >= 10) {
    const next = (rest / 100) | 0
    p -= 2
    view.setUint16(p, digitPairs[rest - next * 100] as number, true)
    rest = next
  }
  if (p > w) out[w] = 48 + rest
  return end
}

/** Eight digits of a number below 10^8. */
function writeEight(view: DataView, w: number, value: number): number {
  const high = (value / 10_000) | 0
  const low = value - high * 10_000
  const a = (high / 100) | 0
  const b = (low / 100) | 0
  view.setUint16(w, digitPairs[a] as number, true)
  view.setUint16(w + 2, digitPairs[high - a * 100] as number, true)
  view.setUint16(w + 4, digitPairs[b] as number, true)
  view.setUint16(w + 6, digitPairs[low - b * 100] as number, true)
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
  if (rest < 2147483648) return writeSmall(out, view, at, rest)
  const high = Math.floor(rest / 1e8)
  return writeEight(view, writeSmall(out, view, at, high), rest - high * 1e8)
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
const lastDay = { days: Number.NaN, text: new Uint8Array(10) }

/** Days since 1970 as `YYYY-MM-DD`. */
function writeDate(out: Uint8Array, w: number, days: number): number {
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
  const { text } = lastDay
  for (let i = 0; i < 10; i++) out[w + i] = text[i] as number
  return w + 10
}

/** Milliseconds of the day as `HH:MM:SS.mmm`. */
function writeTimeOfDay(out: Uint8Array, view: DataView, w: number, ms: number): number {
  const seconds = (ms / 1000) | 0
  const minutes = (seconds / 60) | 0
  const hours = (minutes / 60) | 0
  const second = seconds - minutes * 60
  view.setUint16(w, digitPairs[hours] as number, true)
  out[w + 2] = 58
  view.setUint16(w + 3, digitPairs[minutes - hours * 60] as number, true)
  out[w + 5] = 58
  view.setUint16(w + 6, digitPairs[second] as number, true)
  out[w + 8] = 46
  const milli = ms - seconds * 1000
  const tens = (milli / 10) | 0
  view.setUint16(w + 9, digitPairs[tens] as number, true)
  out[w + 11] = 48 + (milli - tens * 10)
  return w + 12
}

/** A count of `perMs` units per millisecond within the day, as `HH:MM:SS.mmm`, with µs or ns digits behind. */
function writeTime(out: Uint8Array, view: DataView, w: number, count: number, perMs: number): number {
  if (perMs === 1) return writeTimeOfDay(out, view, w, count)
  const ms = Math.floor(count / perMs)
  return writePadded(out, writeTimeOfDay(out, view, w, ms), count - ms * perMs, perMs === 1000 ? 3 : 6)
}

/** A count of `perMs` units per millisecond since 1970 as ISO 8601: `2001-03-25T02:00:00.000`, with `Z` when zoned. */
function writeInstant(
  out: Uint8Array,
  view: DataView,
  w: number,
  count: number,
  perMs: number,
  zoned: boolean,
): number {
  const ms = perMs === 1 ? count : Math.floor(count / perMs)
  const days = Math.floor(ms / DAY_MS)
  let at = writeDate(out, w, days)
  out[at] = 84
  at = writeTimeOfDay(out, view, at + 1, ms - days * DAY_MS)
  if (perMs !== 1) at = writePadded(out, at, count - ms * perMs, perMs === 1000 ? 3 : 6)
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
  readonly writeBase64: typeof writeBase64
} = Object.freeze({ writeInteger, writeFloat, writeScaled, writeDate, writeTime, writeInstant, writeBase64 })
