/**
 * Reads the RLE / bit-packing hybrid: levels, dictionary codes and booleans (Encodings.md, "RLE = 3").
 *
 * A cursor: values are read in any portions, so that a batch needs no whole page in memory. Values of 32 bits come
 * out as signed.
 */
import { extractBits, unpackerOf } from './bit-unpack.ts'
import type { Unpack } from './bit-unpack.ts'
import { damaged } from './damage.ts'

const noBytes = new Uint8Array(0)

/** A cursor over runs. */
export class RleReader {
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0
  private width = 0
  private unpack: Unpack = unpackerOf(1)
  /** Values left in the present run. */
  private left = 0
  private packed = false
  /** The value of a repeated run. */
  private value = 0
  /** A packed run: its first bit, counted from `runStart`, that was not read yet. */
  private runStart = 0
  private runIndex = 0

  /** Starts at `bytes[start … end)` with values of `width` bits. */
  open(bytes: Uint8Array, start: number, end: number, width: number): void {
    if (width > 32) throw damaged(`values of ${width} bits`)
    this.bytes = bytes
    this.position = start
    this.end = end
    this.width = width
    this.left = 0
    if (width > 0) this.unpack = unpackerOf(width)
    else {
      // No bytes are needed to know that everything is zero.
      this.left = Number.MAX_SAFE_INTEGER
      this.packed = false
      this.value = 0
    }
  }

  /** Reads the head of the next run. */
  private nextRun(): void {
    let head = 0
    for (let shift = 0; ; shift += 7) {
      if (this.position >= this.end || shift > 28) throw damaged('a run of levels or codes ends early')
      const byte = this.bytes[this.position++] as number
      head += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    const count = Math.floor(head / 2)
    this.packed = head % 2 === 1
    if (this.packed) this.openPacked(count)
    else this.openRepeated(count)
  }

  private openPacked(groups: number): void {
    const available = (this.end - this.position) * 8
    // The last group of a page may be cut to the bytes that carry values.
    this.left = Math.min(groups * 8, Math.floor(available / this.width))
    this.runStart = this.position
    this.runIndex = 0
    this.position = Math.min(this.end, this.position + groups * this.width)
  }

  private openRepeated(count: number): void {
    const size = (this.width + 7) >> 3
    if (this.position + size > this.end) throw damaged('a run of levels or codes ends early')
    let value = 0
    for (let byte = 0; byte < size; byte++)
      value |= (this.bytes[this.position + byte] as number) << (8 * byte)
    this.position += size
    this.left = count
    this.value = value
  }

  /** Reads `count` values to `out[at…]`. */
  read(out: Int32Array, at: number, count: number): void {
    let target = at
    const stop = at + count
    while (target < stop) {
      if (this.left === 0) {
        this.nextRun()
        continue
      }
      const part = Math.min(this.left, stop - target)
      if (this.packed) this.readPacked(out, target, part)
      else out.fill(this.value, target, target + part)
      this.left -= part
      target += part
    }
  }

  private readPacked(out: Int32Array, at: number, count: number): void {
    const { bytes, width, runStart } = this
    let index = this.runIndex
    let target = at
    const stop = at + count
    while (target < stop && (index & 7) !== 0)
      out[target++] = extractBits(bytes, runStart * 8 + index++ * width, width)
    const first = runStart + (index >> 3) * width
    const groups = Math.min((stop - target) >> 3, Math.floor((this.end - first) / width))
    if (groups > 0) {
      this.unpack(bytes, first, out, target, groups)
      target += groups * 8
      index += groups * 8
    }
    while (target < stop) out[target++] = extractBits(bytes, runStart * 8 + index++ * width, width)
    this.runIndex = index
  }

  /**
   * Reads `count` values of one bit into a bitmap that is zero from `bit` on; returns how many are 1.
   */
  readBitmap(bitmap: Uint8Array, bit: number, count: number): number {
    let ones = 0
    let done = 0
    while (done < count) {
      if (this.left === 0) {
        this.nextRun()
        continue
      }
      const part = Math.min(this.left, count - done)
      if (this.packed) ones += this.copyBits(bitmap, bit + done, part)
      else if (this.value !== 0) {
        setBits(bitmap, bit + done, part)
        ones += part
      }
      this.left -= part
      done += part
    }
    return ones
  }

  private copyBits(bitmap: Uint8Array, bit: number, count: number): number {
    const { bytes, runStart } = this
    let ones = 0
    for (let done = 0; done < count;) {
      const to = bit + done
      const from = this.runIndex
      const part = Math.min(8 - (to & 7), 8 - (from & 7), count - done)
      const bits = ((bytes[runStart + (from >> 3)] as number) >> (from & 7)) & ((1 << part) - 1)
      bitmap[to >> 3] = (bitmap[to >> 3] as number) | (bits << (to & 7))
      ones += ONES[bits] as number
      this.runIndex += part
      done += part
    }
    return ones
  }
}

/** Number of one bits of each byte. */
const ONES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest !== 0; rest >>= 1) count += rest & 1
  return count
})

/** Sets `count` bits from `bit` on. */
function setBits(bitmap: Uint8Array, bit: number, count: number): void {
  let from = bit
  const stop = bit + count
  while (from < stop && (from & 7) !== 0) {
    bitmap[from >> 3] = (bitmap[from >> 3] as number) | (1 << (from & 7))
    from++
  }
  const wholeEnd = stop & ~7
  if (wholeEnd > from) {
    bitmap.fill(0xff, from >> 3, wholeEnd >> 3)
    from = wholeEnd
  }
  while (from < stop) {
    bitmap[from >> 3] = (bitmap[from >> 3] as number) | (1 << (from & 7))
    from++
  }
}

/** How many bits values up to `max` need. */
export function bitWidth(max: number): number {
  return max === 0 ? 0 : 32 - Math.clz32(max)
}
