/**
 * Keeps the lowest and highest byte string of a column chunk for its statistics, cut to a bounded length.
 *
 * A cut low bound is still a bound; a cut high bound is made larger than everything that begins like it.
 */
import { compareBytes } from './statistics.ts'
import type { ByteBounds } from './value-writer.ts'

/** Bounds are cut to so many bytes. */
const BOUND_BYTES_MAX = 64

/** The bounds of values seen so far. */
export class ByteBoundsTracker {
  private readonly isText: boolean
  private low: Uint8Array | undefined
  private high: Uint8Array | undefined

  constructor(isText: boolean) {
    this.isText = isText
  }

  clear(): void {
    this.low = undefined
    this.high = undefined
  }

  /** Takes note of `bytes[start … start + length)`. */
  cover(bytes: Uint8Array, start: number, length: number): void {
    const { low, high } = this
    if (low === undefined || high === undefined) {
      this.low = bytes.slice(start, start + length)
      this.high = this.low
      return
    }
    if (order(bytes, start, length, low) < 0) this.low = bytes.slice(start, start + length)
    else if (order(bytes, start, length, high) > 0) this.high = bytes.slice(start, start + length)
  }

  bounds(): ByteBounds | undefined {
    const { low, high } = this
    if (low === undefined || high === undefined) return undefined
    const min = cut(low, this.isText)
    const max = raised(high, this.isText)
    if (max === undefined || compareBytes(min, max) > 0) return undefined
    return { min, max, minExact: min.length === low.length, maxExact: max === high }
  }
}

function order(bytes: Uint8Array, start: number, length: number, other: Uint8Array): number {
  const shared = Math.min(length, other.length)
  for (let index = 0; index < shared; index++) {
    const difference = (bytes[start + index] as number) - (other[index] as number)
    if (difference !== 0) return difference
  }
  return length - other.length
}

/** At most `BOUND_BYTES_MAX` bytes from the front, whole characters of texts. */
function cut(bytes: Uint8Array, isText: boolean): Uint8Array {
  if (bytes.length <= BOUND_BYTES_MAX) return bytes
  let end = BOUND_BYTES_MAX
  while (isText && end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** The value, or a short one above all that begin like it; undefined when there is none. */
function raised(bytes: Uint8Array, isText: boolean): Uint8Array | undefined {
  if (bytes.length <= BOUND_BYTES_MAX) return bytes
  const prefix = cut(bytes, isText).slice()
  // In texts only an ASCII character can be raised without leaving UTF-8.
  const most = isText ? 0x7e : 0xfe
  for (let end = prefix.length; end > 0; end--) {
    const last = prefix[end - 1] as number
    if (last > most) continue
    prefix[end - 1] = last + 1
    return prefix.subarray(0, end)
  }
  return undefined
}
