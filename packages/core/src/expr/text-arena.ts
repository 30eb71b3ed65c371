/**
 * Scratch bytes for texts that a row's expression makes (concatenation, change of case), emptied before each batch.
 *
 * A text is remembered as its offset; `bytes` is replaced when it grows, so users read it anew each time.
 */
import { readText, textBufferOf, textBytesMax, writeText } from '../data/text-bytes.ts'
import type { TextBuffer } from '../data/text-bytes.ts'
import { formatDate } from '../time/index.ts'
import { fourDigitCivil } from './calendar-kernels.ts'
import { toText } from './casts.ts'
import { matchesAt } from './text-kernels.ts'
import { formatDecimal } from './decimal.ts'
import { formatFloat } from './float-text.ts'

/** Writes a safe integer that is not negative, with zeros before it up to `digits`; returns where it ends. */
function writeDigits(bytes: Uint8Array, from: number, value: number, digits: number): number {
  let count = 1
  for (let limit = 10; value >= limit; limit *= 10) count++
  const end = from + (count > digits ? count : digits)
  let at = end
  let rest = value
  // Above 31 bits a division is of floats; below, it is a multiplication.
  while (rest > 0x7fffffff) {
    const tenth = Math.floor(rest / 10)
    bytes[--at] = 48 + (rest - tenth * 10)
    rest = tenth
  }
  let small = rest | 0
  while (at > from) {
    const tenth = (small / 10) | 0
    bytes[--at] = 48 + (small - tenth * 10)
    small = tenth
  }
  return end
}

/** Writes a number below 100 with two digits; returns where it ends. */
function writeTwo(bytes: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0
  bytes[at] = 48 + tens
  bytes[at + 1] = 48 + (value - tens * 10)
  return at + 2
}

/** Writes `YYYY-MM-DD` of a packed day (calendar-kernels.ts). */
function writeCivil(bytes: Uint8Array, from: number, civil: number): number {
  const year = civil >> 9
  const century = (year / 100) | 0
  let at = writeTwo(bytes, writeTwo(bytes, from, century), year - century * 100)
  bytes[at++] = 45
  at = writeTwo(bytes, at, (civil >> 5) & 15)
  bytes[at++] = 45
  return writeTwo(bytes, at, civil & 31)
}

/** A growing run of texts. */
export class TextArena {
  bytes: TextBuffer = textBufferOf(new Uint8Array(1024))
  end = 0
  /** Length of the text made last. */
  length = 0

  #reserve(count: number): number {
    const start = this.end
    if (start + count > this.bytes.length) {
      const larger = textBufferOf(new Uint8Array(Math.max(start + count, this.bytes.length * 2)))
      larger.set(this.bytes.subarray(0, start))
      this.bytes = larger
    }
    return start
  }

  #finish(start: number, length: number): number {
    this.length = length
    this.end = start + length
    return start
  }

  #copy(source: Uint8Array, from: number, length: number, to: number): void {
    const { bytes } = this
    if (length < 32) for (let i = 0; i < length; i++) bytes[to + i] = source[from + i] as number
    else bytes.set(source.subarray(from, from + length), to)
  }

  /** Two ranges put together; returns where the text starts. */
  join(
    a: Uint8Array,
    startA: number,
    lengthA: number,
    b: Uint8Array,
    startB: number,
    lengthB: number,
  ): number {
    const start = this.#reserve(lengthA + lengthB)
    this.#copy(a, startA, lengthA, start)
    this.#copy(b, startB, lengthB, start + lengthA)
    return this.#finish(start, lengthA + lengthB)
  }

  /** A range with ASCII letters in lower (`isLower`) or upper case; text with other characters goes through a string. */
  changeCase(source: Uint8Array, from: number, length: number, isLower: boolean): number {
    const start = this.#reserve(length)
    const { bytes } = this
    const [first, last] = isLower ? [65, 90] : [97, 122]
    for (let i = 0; i < length; i++) {
      const byte = source[from + i] as number
      if (byte > 127) return this.#changeText(readText(source, from, length), isLower)
      bytes[start + i] = byte >= first && byte <= last ? byte ^ 32 : byte
    }
    return this.#finish(start, length)
  }

  /** A range with every occurrence of `part` replaced; `part` is not empty. */
  replace(source: Uint8Array, from: number, length: number, part: Uint8Array, other: Uint8Array): number {
    const growth = Math.max(other.length - part.length, 0)
    const start = this.#reserve(length + growth * Math.floor(length / part.length))
    const { bytes } = this
    const [end, last] = [from + length, from + length - part.length]
    let to = start
    let at = from
    while (at < end) {
      if (at <= last && source[at] === part[0] && matchesAt(source, at, part)) {
        this.#copy(other, 0, other.length, to)
        to += other.length
        at += part.length
      } else bytes[to++] = source[at++] as number
    }
    return this.#finish(start, to - start)
  }

  #changeText(text: string, isLower: boolean): number {
    return this.write(isLower ? text.toLowerCase() : text.toUpperCase())
  }

  /** An integer with `scale` digits after the point. It is safe (±2^53), so that the quotients here are exact. */
  writeDecimal(unscaled: number, scale: number): number {
    const start = this.#reserve(40)
    const { bytes } = this
    let at = start
    if (unscaled < 0) bytes[at++] = 45
    const size = Math.abs(unscaled)
    if (scale === 0) return this.#finish(start, writeDigits(bytes, at, size, 1) - start)
    if (scale > 22) return this.write(formatDecimal(BigInt(unscaled), scale))
    const unit = 10 ** scale
    const whole = Math.floor(size / unit)
    at = writeDigits(bytes, at, whole, 1)
    bytes[at++] = 46
    return this.#finish(start, writeDigits(bytes, at, size - whole * unit, scale) - start)
  }

  /** A float64 as PostgreSQL writes it. */
  writeFloat(value: number): number {
    const isPlain = Number.isInteger(value) && Math.abs(value) < 1e15 && !Object.is(value, -0)
    return isPlain ? this.writeDecimal(value, 0) : this.write(formatFloat(value))
  }

  /** Days since 1970 as `YYYY-MM-DD`. */
  writeDate(day: number): number {
    const start = this.#reserve(10)
    const civil = fourDigitCivil(day)
    if (civil < 0) return this.write(formatDate(day))
    return this.#finish(start, writeCivil(this.bytes, start, civil) - start)
  }

  /** Units since 1970 as `YYYY-MM-DD HH:MM:SS[.f…][+00]`. */
  writeTimestamp(count: number, perSecond: number, zoned: boolean): number {
    const start = this.#reserve(40)
    const { bytes } = this
    const seconds = Math.floor(count / perSecond)
    const day = Math.floor(seconds / 86_400)
    const civil = fourDigitCivil(day)
    if (civil < 0) {
      const unit = perSecond === 1e3 ? 'ms' : perSecond === 1e6 ? 'us' : 'ns'
      return this.write(toText(BigInt(count), { kind: 'timestamp', unit, zoned }))
    }
    const second = (seconds - day * 86_400) | 0
    let at = writeCivil(bytes, start, civil)
    bytes[at++] = 32
    at = writeTwo(bytes, at, (second / 3600) | 0)
    bytes[at++] = 58
    at = writeTwo(bytes, at, ((second / 60) | 0) % 60)
    bytes[at++] = 58
    at = writeTwo(bytes, at, second % 60)
    const fraction = count - seconds * perSecond
    if (fraction > 0) {
      bytes[at++] = 46
      at = writeDigits(bytes, at, fraction, perSecond === 1e3 ? 3 : perSecond === 1e6 ? 6 : 9)
      while (bytes[at - 1] === 48) at--
    }
    if (!zoned) return this.#finish(start, at - start)
    bytes[at++] = 43
    return this.#finish(start, writeTwo(bytes, at, 0) - start)
  }

  /** A string as bytes; returns where it starts. */
  write(text: string): number {
    const start = this.#reserve(textBytesMax(text))
    return this.#finish(start, writeText(this.bytes, start, text))
  }
}
