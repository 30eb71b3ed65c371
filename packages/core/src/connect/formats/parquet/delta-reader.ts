/**
 * Reads DELTA_BINARY_PACKED integers (Encodings.md, "DELTA_BINARY_PACKED = 5"; after Lemire and Boytsov, "Decoding
 * billions of integers per second through vectorization", 2012).
 *
 * A cursor that decodes one miniblock at a time. Sums are kept as a float64 while they are safe integers and as a
 * bigint (modulo 2^64, as writers compute them) from the first that is not; 32-bit columns cut each sum to 32 bits.
 */
import { extractBits, unpackerOf } from './bit-unpack.ts'
import { damaged } from './damage.ts'

/** Larger miniblocks than this are taken for damage; writers use 32 to 256 values. */
const MINIBLOCK_VALUES_MAX = 1 << 14

const MINIBLOCKS_MAX = 1 << 10

const noBytes = new Uint8Array(0)

/** A cursor over delta-packed values. */
export class DeltaReader {
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0
  private narrow32 = false
  private miniValues = 0
  private miniCount = 0
  /** Values whose deltas were not unpacked yet. */
  private packedLeft = 0
  /** Values that the whole stream announces. */
  total = 0
  /** The last value of the unpacked part. */
  private last = 0n
  private lastNumber = 0
  private lastIsNumber = true
  private minDelta: number | bigint = 0
  private widthsAt = 0
  private miniIndex = 0
  /** The present miniblock, unpacked: numbers, or bigints when one of them is not safe. */
  private numbers = new Float64Array(32)
  private bigints = new BigInt64Array(0)
  private deltas = new Int32Array(32)
  private isBig = false
  private readyAt = 0
  private readyEnd = 0

  /** Starts at `bytes[start … end)`; `narrow32`: sums are modulo 2^32. */
  open(bytes: Uint8Array, start: number, end: number, narrow32: boolean): void {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.narrow32 = narrow32
    const block = this.smallVarint()
    this.miniCount = this.smallVarint()
    this.total = this.smallVarint()
    this.miniValues = this.miniCount > 0 ? block / this.miniCount : 0
    const possible =
      this.miniCount > 0 &&
      this.miniCount <= MINIBLOCKS_MAX &&
      this.miniValues % 8 === 0 &&
      this.miniValues > 0 &&
      this.miniValues <= MINIBLOCK_VALUES_MAX
    if (!possible) throw damaged(`delta blocks of ${block} values in ${this.miniCount} parts`)
    this.grow()
    this.setLast(this.zigzag())
    this.packedLeft = Math.max(0, this.total - 1)
    this.miniIndex = this.miniCount
    this.readyAt = 0
    this.readyEnd = this.total > 0 ? 1 : 0
    this.isBig = !this.lastIsNumber
    if (this.isBig) this.bigints[0] = this.last
    else this.numbers[0] = this.lastNumber
  }

  private grow(): void {
    if (this.deltas.length >= this.miniValues) return
    this.deltas = new Int32Array(this.miniValues)
    this.numbers = new Float64Array(this.miniValues)
    if (this.bigints.length > 0) this.bigints = new BigInt64Array(this.miniValues)
  }

  private smallVarint(): number {
    const value = this.varint()
    if (typeof value === 'bigint' || value > 0x7fffffff) throw damaged('a count of deltas is too large')
    return value
  }

  /** An unsigned number: exact, as a bigint where it has more than 49 bits. */
  private varint(): number | bigint {
    let result = 0
    let big = 0n
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw damaged('a block of deltas ends early')
      const byte = this.bytes[this.position++] as number
      if (shift < 49) result += (byte & 0x7f) * 2 ** shift
      else big |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte < 0x80) return big === 0n ? result : BigInt.asUintN(64, big | BigInt(result))
    }
    throw damaged('a delta has more than ten bytes')
  }

  private zigzag(): number | bigint {
    const folded = this.varint()
    if (typeof folded === 'number') return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
    return (folded >> 1n) ^ -(folded & 1n)
  }

  private setLast(value: number | bigint): void {
    const wrapped = this.narrow32 ? Number(BigInt.asIntN(32, BigInt(value))) : value
    this.lastIsNumber = typeof wrapped === 'number' && Number.isSafeInteger(wrapped)
    if (this.lastIsNumber) this.lastNumber = Number(wrapped)
    else this.last = BigInt.asIntN(64, BigInt(wrapped))
    if (!this.lastIsNumber && this.bigints.length === 0) this.bigints = new BigInt64Array(this.deltas.length)
  }

  /** Where the stream ends: the next byte after its last miniblock. Moves nothing. */
  endPosition(): number {
    const { position, miniIndex, packedLeft, widthsAt, minDelta } = this
    let left = packedLeft
    while (left > 0) {
      if (this.miniIndex === this.miniCount) this.openBlock()
      this.position += (this.miniValues * this.width()) / 8
      if (this.position > this.end) throw damaged('a block of deltas ends early')
      this.miniIndex++
      left -= this.miniValues
    }
    const found = this.position
    Object.assign(this, { position, miniIndex, packedLeft, widthsAt, minDelta })
    return found
  }

  private width(): number {
    const width = this.bytes[this.widthsAt + this.miniIndex] as number
    if (width > 64) throw damaged(`deltas of ${width} bits`)
    return width
  }

  private openBlock(): void {
    this.minDelta = this.zigzag()
    this.widthsAt = this.position
    this.position += this.miniCount
    if (this.position > this.end) throw damaged('a block of deltas ends early')
    this.miniIndex = 0
  }

  /** Makes the next miniblock ready. */
  private refill(): void {
    if (this.packedLeft <= 0) throw damaged('there are fewer deltas than values')
    if (this.miniIndex === this.miniCount) this.openBlock()
    const width = this.width()
    const count = Math.min(this.miniValues, this.packedLeft)
    // The last miniblock may be cut to the bytes that carry values.
    if (this.position + Math.ceil((count * width) / 8) > this.end)
      throw damaged('a block of deltas ends early')
    if (this.narrow32) this.sum32(width, count)
    else if (!this.sumNumbers(width, count)) this.sumBigints(width, count)
    this.position = Math.min(this.end, this.position + (this.miniValues * width) / 8)
    this.packedLeft -= count
    this.miniIndex++
    this.readyAt = 0
    this.readyEnd = count
  }

  /** Unpacks the deltas of a miniblock of at most 32 bits each. */
  private unpack(width: number, count: number): void {
    if (width === 0) {
      this.deltas.fill(0, 0, count)
      return
    }
    const groups = (count + 7) >> 3
    if (this.position + groups * width <= this.bytes.length)
      unpackerOf(width)(this.bytes, this.position, this.deltas, 0, groups)
    else
      for (let index = 0; index < count; index++)
        this.deltas[index] = extractBits(this.bytes, this.position * 8 + index * width, width)
  }

  private sum32(width: number, count: number): void {
    if (width > 32) throw damaged(`deltas of ${width} bits in a column of 32 bits`)
    this.unpack(width, count)
    const { deltas, numbers } = this
    const minDelta = Number(BigInt.asIntN(32, BigInt(this.minDelta)))
    let value = this.lastNumber
    for (let index = 0; index < count; index++) {
      value = (value + minDelta + (deltas[index] as number)) | 0
      numbers[index] = value
    }
    this.lastNumber = value
    this.isBig = false
  }

  /** Returns false, and changes nothing, when a sum leaves the safe integers. */
  private sumNumbers(width: number, count: number): boolean {
    const { minDelta } = this
    if (width > 32 || !this.lastIsNumber || typeof minDelta === 'bigint') return false
    this.unpack(width, count)
    const { deltas, numbers } = this
    let value = this.lastNumber
    let safe = true
    for (let index = 0; index < count; index++) {
      value += minDelta + ((deltas[index] as number) >>> 0)
      if (!(value <= 9007199254740991 && value >= -9007199254740991)) safe = false
      numbers[index] = value
    }
    if (!safe) return false
    this.lastNumber = value
    this.isBig = false
    return true
  }

  private sumBigints(width: number, count: number): void {
    if (this.bigints.length < count) this.bigints = new BigInt64Array(this.deltas.length)
    const minDelta = BigInt(this.minDelta)
    let value = this.lastIsNumber ? BigInt(this.lastNumber) : this.last
    for (let index = 0; index < count; index++) {
      value = BigInt.asIntN(64, value + minDelta + this.wideDelta(index, width))
      this.bigints[index] = value
    }
    this.isBig = true
    const number = Number(value)
    this.lastIsNumber = Number.isSafeInteger(number)
    if (this.lastIsNumber) this.lastNumber = number
    else this.last = value
  }

  private wideDelta(index: number, width: number): bigint {
    const bit = this.position * 8 + index * width
    const low = width === 0 ? 0 : extractBits(this.bytes, bit, Math.min(32, width)) >>> 0
    if (width <= 32) return BigInt(low)
    const high = extractBits(this.bytes, bit + 32, width - 32) >>> 0
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** Reads up to `count` values; stops before the first that is not a safe integer and returns how many were read. */
  readFloats(out: Float64Array | Int32Array, at: number, count: number): number {
    let done = 0
    while (done < count) {
      if (this.readyAt === this.readyEnd) this.refill()
      const part = Math.min(this.readyEnd - this.readyAt, count - done)
      if (this.isBig) {
        const value = Number(this.bigints[this.readyAt] as bigint)
        if (!Number.isSafeInteger(value)) return done
        out[at + done] = value
        this.readyAt++
        done++
        continue
      }
      const { numbers, readyAt } = this
      for (let index = 0; index < part; index++) out[at + done + index] = numbers[readyAt + index] as number
      this.readyAt += part
      done += part
    }
    return done
  }

  /** The next value, exactly. */
  readBigint(): bigint {
    if (this.readyAt === this.readyEnd) this.refill()
    const index = this.readyAt++
    return this.isBig ? (this.bigints[index] as bigint) : BigInt(this.numbers[index] as number)
  }

  /** The next value of a stream of lengths. */
  readLength(): number {
    if (this.readyAt === this.readyEnd) this.refill()
    const length = this.numbers[this.readyAt++] as number
    if (this.isBig || length < 0) throw damaged('a value has a negative length')
    return length
  }
}
