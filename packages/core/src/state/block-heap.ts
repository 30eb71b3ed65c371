/**
 * Blocks of 2^k doubles in one buffer: per-group lists, sets and sketches, contiguous each.
 *
 * A group's list grows by moving to a block of twice the size; the old one serves the next group. One block is one run
 * of memory, so a list is read with one cache miss per line, and dropping a group is one free per block.
 *
 * Invariants (tests quote them):
 *  H1  A block is an offset in doubles and a size class k; it holds 2^k doubles. Offset 0 is never given out: it means none.
 *  H2  `f64`, `i32` and `u8` view one buffer and may be replaced by `allocate` and `resize`.
 *  H3  Contents of a new block are unspecified.
 */
import { assert } from '../errors.ts'

const DOUBLES_MIN = 512
const CLASSES = 28

/** An allocator of power-of-two blocks. */
export class BlockHeap {
  f64: Float64Array = new Float64Array(DOUBLES_MIN)
  i32: Int32Array = new Int32Array(this.f64.buffer)
  u8: Uint8Array = new Uint8Array(this.f64.buffer)
  /** Doubles in blocks that are in use. */
  liveDoubles = 0
  #top = 1
  /** Per class the offset of the first free block; the next one is in its first word. */
  readonly #free = new Int32Array(CLASSES)

  /** Bytes of the buffer. */
  get bytes(): number {
    return this.f64.byteLength
  }

  /** A block of 2^k doubles (H1, H3). */
  allocate(k: number): number {
    assert(k >= 0 && k < CLASSES, `the state of one group needs a block of 2^${k + 3} bytes`)
    const size = 1 << k
    this.liveDoubles += size
    const free = this.#free[k] as number
    if (free !== 0) {
      this.#free[k] = this.i32[2 * free] as number
      return free
    }
    if (this.#top + size > this.f64.length) this.#grow(this.#top + size)
    const offset = this.#top
    this.#top += size
    return offset
  }

  /** Gives a block back. Offset 0 is ignored. */
  free(offset: number, k: number): void {
    if (offset === 0) return
    this.liveDoubles -= 1 << k
    this.i32[2 * offset] = this.#free[k] as number
    this.#free[k] = offset
  }

  /** Moves a block to another size, keeping its first `keep` doubles. */
  resize(offset: number, from: number, to: number, keep: number): number {
    const moved = this.allocate(to)
    if (offset !== 0) {
      this.f64.copyWithin(moved, offset, offset + keep)
      this.free(offset, from)
    }
    return moved
  }

  #grow(needed: number): void {
    let length = this.f64.length * 2
    while (length < needed) length *= 2
    const f64 = new Float64Array(length)
    f64.set(this.f64)
    this.f64 = f64
    this.i32 = new Int32Array(f64.buffer)
    this.u8 = new Uint8Array(f64.buffer)
  }
}

/** The size class that holds `doubles` doubles. */
export function classFor(doubles: number): number {
  let k = 0
  while (1 << k < doubles) k++
  return k
}
