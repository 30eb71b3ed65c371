/**
 * Sources of 64-bit values and decimals: PLAIN pages of INT64, INT32, INT96 and of big-endian bytes.
 *
 * Each gives its values as float64 while they are safe integers, and exactly, as two's complement words, when one is
 * not (column.ts, C4). Delta-packed and split pages reuse these: see long-leaf.ts.
 */
import { damaged } from './damage.ts'

/** A cursor over 64-bit values or decimals. */
export interface LongSource {
  /** Reads up to `count` values; stops before the first that is not a safe integer and returns how many were read. */
  readFloats(out: Float64Array, at: number, count: number): number
  /** The next value, exactly. */
  readBigint(): bigint
}

/** A source that starts at bytes of a page. */
export interface PlainSource extends LongSource {
  open(bytes: Uint8Array, start: number, end: number): void
}

/** Portions in which words are copied to an aligned place: 64 KiB. */
const PORTION = 8192

/** The largest high word of a safe integer, plus one. */
const HIGH_SAFE = 0x200000

abstract class FixedSource implements PlainSource {
  protected bytes: Uint8Array = new Uint8Array(0)
  protected view: DataView = new DataView(new ArrayBuffer(0))
  protected position = 0
  protected end = 0

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = start
    this.end = end
  }

  protected need(byteCount: number): void {
    if (byteCount > this.end - this.position) throw damaged('a page has fewer values than it says')
  }

  abstract readFloats(out: Float64Array, at: number, count: number): number
  abstract readBigint(): bigint
}

/** INT64. Unsigned values of 2^63 and more have negative words and are never narrow. */
export class Int64Source extends FixedSource {
  private readonly lowestHigh: number
  private readonly words = new Int32Array(PORTION * 2)
  private readonly wordBytes = new Uint8Array(this.words.buffer)

  constructor(unsigned: boolean) {
    super()
    this.lowestHigh = unsigned ? 0 : -HIGH_SAFE
  }

  readFloats(out: Float64Array, at: number, count: number): number {
    this.need(count * 8)
    let done = 0
    while (done < count) {
      const part = Math.min(PORTION, count - done)
      this.wordBytes.set(this.bytes.subarray(this.position, this.position + part * 8))
      const read = this.convert(out, at + done, part)
      done += read
      this.position += read * 8
      if (read < part) break
    }
    return done
  }

  private convert(out: Float64Array, at: number, count: number): number {
    const { words, lowestHigh } = this
    for (let index = 0; index < count; index++) {
      const low = (words[2 * index] as number) >>> 0
      const high = words[2 * index + 1] as number
      if (high >= HIGH_SAFE || high < lowestHigh || (high === -HIGH_SAFE && low === 0)) return index
      out[at + index] = high * 4294967296 + low
    }
    return count
  }

  readBigint(): bigint {
    this.need(8)
    const value = this.view.getBigInt64(this.position, true)
    this.position += 8
    return value
  }
}

/** INT32, as decimals use it. */
export class Int32Source extends FixedSource {
  readFloats(out: Float64Array, at: number, count: number): number {
    this.need(count * 4)
    for (let index = 0; index < count; index++)
      out[at + index] = this.view.getInt32(this.position + 4 * index, true)
    this.position += count * 4
    return count
  }

  readBigint(): bigint {
    this.need(4)
    const value = this.view.getInt32(this.position, true)
    this.position += 4
    return BigInt(value)
  }
}

/** The Julian day number of 1970-01-01. */
const JULIAN_EPOCH = 2440588

const MICROS_PER_DAY = 86400000000

/** INT96 timestamps: nanoseconds of the day and the Julian day; as microseconds since 1970, rounded down. */
export class Int96Source extends FixedSource {
  readFloats(out: Float64Array, at: number, count: number): number {
    this.need(count * 12)
    for (let index = 0; index < count; index++, this.position += 12) {
      const low = this.view.getUint32(this.position, true)
      const high = this.view.getInt32(this.position + 4, true)
      const day = this.view.getInt32(this.position + 8, true) - JULIAN_EPOCH
      const value = day * MICROS_PER_DAY + Math.floor((high * 4294967296 + low) / 1000)
      if (!Number.isSafeInteger(value)) return index
      out[at + index] = value
    }
    return count
  }

  readBigint(): bigint {
    this.need(12)
    const nanos = this.view.getBigInt64(this.position, true)
    const day = this.view.getInt32(this.position + 8, true) - JULIAN_EPOCH
    this.position += 12
    const micros = nanos >= 0n ? nanos / 1000n : (nanos - 999n) / 1000n
    return BigInt.asIntN(64, BigInt(day) * BigInt(MICROS_PER_DAY) + micros)
  }
}

/** Decimals as big-endian two's complement bytes: of one length, or each with its length before it (`size` 0). */
export class BigEndianSource extends FixedSource {
  private readonly size: number

  constructor(size: number) {
    super()
    this.size = size
  }

  private nextLength(): number {
    if (this.size > 0) return this.size
    this.need(4)
    const length = this.view.getUint32(this.position, true)
    this.position += 4
    return length
  }

  readFloats(out: Float64Array, at: number, count: number): number {
    for (let index = 0; index < count; index++) {
      const start = this.position
      const length = this.nextLength()
      this.need(length)
      const value = this.number(this.position, length)
      if (!Number.isSafeInteger(value)) {
        this.position = start
        return index
      }
      out[at + index] = value
      this.position += length
    }
    return count
  }

  /** Inexact only when it is not a safe integer: each step only moves away from zero. */
  private number(start: number, length: number): number {
    if (length === 0) return 0
    const { bytes } = this
    let value = ((bytes[start] as number) << 24) >> 24
    for (let index = 1; index < length; index++) {
      value = value * 256 + (bytes[start + index] as number)
      if (value > 9007199254740991 || value < -9007199254740992) return Infinity
    }
    return value
  }

  readBigint(): bigint {
    const length = this.nextLength()
    this.need(length)
    if (length > 64) throw damaged(`a decimal of ${length} bytes`)
    let value = length === 0 ? 0n : BigInt(((this.bytes[this.position] as number) << 24) >> 24)
    for (let index = 1; index < length; index++)
      value = (value << 8n) | BigInt(this.bytes[this.position + index] as number)
    this.position += length
    return value
  }
}
