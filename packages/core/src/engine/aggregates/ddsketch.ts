/**
 * DDSketch (Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
 * VLDB 2019), with α = 1 %: a quantile it gives is within 1 % of a value of that rank.
 *
 * Buckets are powers of γ = (1 + α) / (1 − α); counts of consecutive buckets lie side by side in a block, one run for
 * positive and one for negative values, kept by magnitude. A run has at most 4,096 buckets, which spans 35 orders of
 * magnitude; of values that spread wider the smallest magnitudes share the lowest bucket and lose the guarantee. That
 * folding depends on the largest magnitude only, so it commutes with adding and merging.
 */
import type { BlockHeap, ByteReader, ByteWriter } from '../../state/index.ts'
import { classFor } from '../../state/index.ts'

const ERROR = 0.01
const GAMMA = (1 + ERROR) / (1 - ERROR)
const LOG_GAMMA = Math.log(GAMMA)
const BUCKETS_MAX = 4096
const BUCKETS_MIN = 64

// The header of a block, in doubles.
const ZEROS = 0
const NANS = 1
const INFINITIES = 2
const NEGATIVE_INFINITIES = 3
/** Two runs: (first bucket, buckets, room) each. */
const POSITIVE = 4
const NEGATIVE = 7
const HEADER = 10
const FIRST = 0
const LENGTH = 1
const ROOM = 2

/** A sketch's block; changes when the sketch grows. */
export interface SketchHandle {
  block: number
  blockClass: number
}

/** Operations on sketches in a block heap. */
export class Sketches {
  readonly #blocks: BlockHeap

  constructor(blocks: BlockHeap) {
    this.#blocks = blocks
  }

  /** An empty sketch. */
  create(): SketchHandle {
    return this.#allocate(0, 0)
  }

  /** Adds a value `count` times; true when the handle has changed. */
  add(handle: SketchHandle, value: number, count = 1): boolean {
    const { f64 } = this.#blocks
    const { block } = handle
    if (value > 0 && value < Infinity) return this.#addBucket(handle, POSITIVE, bucketOf(value), count)
    if (value < 0 && value > -Infinity) return this.#addBucket(handle, NEGATIVE, bucketOf(-value), count)
    const at =
      block + (value === 0 ? ZEROS : value !== value ? NANS : value > 0 ? INFINITIES : NEGATIVE_INFINITIES)
    f64[at] = (f64[at] as number) + count
    return false
  }

  /** Adds all values of another sketch; `target` may change. */
  merge(target: SketchHandle, source: number): void {
    for (const at of [ZEROS, NANS, INFINITIES, NEGATIVE_INFINITIES]) {
      const { f64 } = this.#blocks
      f64[target.block + at] = (f64[target.block + at] as number) + (f64[source + at] as number)
    }
    for (const run of [POSITIVE, NEGATIVE]) {
      const { first, length, start } = this.#run(source, run)
      // From the top: the largest bucket decides what is folded, and room is made once.
      for (let b = length - 1; b >= 0; b--) {
        const count = this.#blocks.f64[start + b] as number
        if (count !== 0) this.#addBucket(target, run, first + b, count)
      }
    }
  }

  /** The value at rank ⌊q · (n − 1)⌋, within 1 %. */
  quantile(block: number, share: number): number {
    const { f64 } = this.#blocks
    const negative = this.#run(block, NEGATIVE)
    const positive = this.#run(block, POSITIVE)
    let total = 0
    for (const at of [ZEROS, NANS, INFINITIES, NEGATIVE_INFINITIES]) total += f64[block + at] as number
    for (const { start, length } of [negative, positive])
      for (let b = 0; b < length; b++) total += f64[start + b] as number
    let left = Math.floor(share * (total - 1))
    left -= f64[block + NEGATIVE_INFINITIES] as number
    if (left < 0) return -Infinity
    for (let b = negative.length - 1; b >= 0; b--) {
      left -= f64[negative.start + b] as number
      if (left < 0) return -valueOf(negative.first + b)
    }
    left -= f64[block + ZEROS] as number
    if (left < 0) return 0
    for (let b = 0; b < positive.length; b++) {
      left -= f64[positive.start + b] as number
      if (left < 0) return valueOf(positive.first + b)
    }
    return left < (f64[block + INFINITIES] as number) ? Infinity : Number.NaN
  }

  /** Writes the counts that need no bucket, then both runs: first bucket, buckets, their counts. */
  save(block: number, out: ByteWriter): void {
    const { f64 } = this.#blocks
    for (const at of [ZEROS, NANS, INFINITIES, NEGATIVE_INFINITIES]) out.f64(f64[block + at] as number)
    for (const run of [POSITIVE, NEGATIVE]) {
      const { first, length, start } = this.#run(block, run)
      out.i32(first)
      out.i32(length)
      for (let b = 0; b < length; b++) out.f64(f64[start + b] as number)
    }
  }

  /** Reads what `save` wrote into an empty sketch; it may change. */
  load(target: SketchHandle, from: ByteReader): void {
    for (const at of [ZEROS, NANS, INFINITIES, NEGATIVE_INFINITIES])
      this.#blocks.f64[target.block + at] = from.f64()
    for (const run of [POSITIVE, NEGATIVE]) {
      const first = from.i32()
      const length = from.i32()
      if (length === 0) continue
      this.#cover(target, run, first + length - 1)
      this.#cover(target, run, first)
      const { start } = this.#run(target.block, run)
      for (let b = 0; b < length; b++) this.#blocks.f64[start + b] = from.f64()
    }
  }

  #run(block: number, run: number): { first: number; length: number; room: number; start: number } {
    const { f64 } = this.#blocks
    const before = run === NEGATIVE ? (f64[block + POSITIVE + ROOM] as number) : 0
    return {
      first: f64[block + run + FIRST] as number,
      length: f64[block + run + LENGTH] as number,
      room: f64[block + run + ROOM] as number,
      start: block + HEADER + before,
    }
  }

  #addBucket(handle: SketchHandle, run: number, bucket: number, count: number): boolean {
    const { first, length, start } = this.#run(handle.block, run)
    // A run of full width takes everything below it into its lowest bucket.
    const offset = length === BUCKETS_MAX ? Math.max(0, bucket - first) : bucket - first
    if (offset >= 0 && offset < length) {
      this.#blocks.f64[start + offset] = (this.#blocks.f64[start + offset] as number) + count
      return false
    }
    const changed = this.#cover(handle, run, bucket)
    const now = this.#run(handle.block, run)
    const at = now.start + Math.max(0, bucket - now.first)
    this.#blocks.f64[at] = (this.#blocks.f64[at] as number) + count
    return changed
  }

  /** Makes a run reach `bucket`, folding what lies too far below its top; true when the block has moved. */
  #cover(handle: SketchHandle, run: number, bucket: number): boolean {
    const old = this.#run(handle.block, run)
    const high = old.length === 0 ? bucket : Math.max(bucket, old.first + old.length - 1)
    const low = Math.max(old.length === 0 ? bucket : Math.min(bucket, old.first), high - BUCKETS_MAX + 1)
    const length = high - low + 1
    const isMoved = length > old.room
    if (isMoved)
      this.#makeRoom(handle, run, Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, length + (length >> 1))))
    const { start } = this.#run(handle.block, run)
    const { f64 } = this.#blocks
    const counts = f64.slice(start, start + old.length)
    f64.fill(0, start, start + length)
    for (let b = 0; b < old.length; b++) {
      const at = start + Math.max(0, old.first + b - low)
      f64[at] = (f64[at] as number) + (counts[b] as number)
    }
    f64[handle.block + run + FIRST] = low
    f64[handle.block + run + LENGTH] = length
    return isMoved
  }

  #makeRoom(handle: SketchHandle, run: number, room: number): void {
    const positive = this.#run(handle.block, POSITIVE)
    const negative = this.#run(handle.block, NEGATIVE)
    const moved = run === POSITIVE ? this.#allocate(room, negative.room) : this.#allocate(positive.room, room)
    const { f64 } = this.#blocks
    for (let at = 0; at < HEADER; at++) {
      if (at !== POSITIVE + ROOM && at !== NEGATIVE + ROOM)
        f64[moved.block + at] = f64[handle.block + at] as number
    }
    for (const one of [POSITIVE, NEGATIVE]) {
      const from = one === POSITIVE ? positive : negative
      f64.copyWithin(this.#run(moved.block, one).start, from.start, from.start + from.length)
    }
    this.#blocks.free(handle.block, handle.blockClass)
    handle.block = moved.block
    handle.blockClass = moved.blockClass
  }

  #allocate(positiveRoom: number, negativeRoom: number): SketchHandle {
    const blockClass = classFor(HEADER + positiveRoom + negativeRoom)
    const block = this.#blocks.allocate(blockClass)
    const { f64 } = this.#blocks
    f64.fill(0, block, block + (1 << blockClass))
    f64[block + POSITIVE + ROOM] = positiveRoom
    f64[block + NEGATIVE + ROOM] = negativeRoom
    return { block, blockClass }
  }
}

function bucketOf(magnitude: number): number {
  return Math.ceil(Math.log(magnitude) / LOG_GAMMA)
}

/** The value of a bucket that is within 1 % of all values in it. */
function valueOf(bucket: number): number {
  return (2 * GAMMA ** bucket) / (GAMMA + 1)
}
