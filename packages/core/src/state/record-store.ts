/**
 * Packed records in one buffer, addressed by a small integer that stays the same for the life of the record.
 *
 * Invariants (tests quote them):
 *  R1  A record's number never changes; `i32` and `f64` are views of one buffer that may be replaced by `allocate`.
 *  R2  Released numbers are given out again, latest first, so a store that shrinks and grows does not creep.
 *  R3  Records are found by number only; finding them by key is group-table.ts.
 */
import type { ArrayPool } from './array-pool.ts'

const RECORDS_MIN = 4

/** Stands for an array that nothing was put in yet. */
export const NO_WORDS: Int32Array = new Int32Array(0)
const NO_DOUBLES = new Float64Array(0)

/** A growable array of records of equal size. */
export class RecordStore {
  /** Words per record. */
  readonly words: number
  i32: Int32Array
  f64: Float64Array
  /** Numbers given out so far, live or free: live records lie below it. */
  high = 0
  readonly pool: ArrayPool
  readonly #template: Int32Array
  #free: Int32Array = NO_WORDS
  #freeCount = 0
  #capacity: number

  constructor(template: Int32Array, pool: ArrayPool) {
    this.words = template.length
    this.pool = pool
    this.#template = template
    this.i32 = NO_WORDS
    this.f64 = NO_DOUBLES
    this.#capacity = 0
    this.#acquire(RECORDS_MIN * this.words * 4)
  }

  /** Live records. */
  get live(): number {
    return this.high - this.#freeCount
  }

  /** Bytes of the buffer, used or not. */
  get bytes(): number {
    return this.i32.byteLength + this.#free.byteLength
  }

  /** A new record, filled from the template. Replaces `i32` and `f64` when it has to grow. */
  allocate(): number {
    let id: number
    if (this.#freeCount > 0) {
      id = this.#free[--this.#freeCount] as number
    } else {
      if (this.high === this.#capacity) this.#grow()
      id = this.high++
    }
    const template = this.#template
    const { i32, words } = this
    const start = id * words
    for (let w = 0; w < words; w++) i32[start + w] = template[w] as number
    return id
  }

  release(id: number): void {
    if (this.#freeCount === this.#free.length) {
      const free = new Int32Array(Math.max(16, this.#free.length * 2))
      free.set(this.#free)
      this.#free = free
    }
    this.#free[this.#freeCount++] = id
  }

  /** Forgets all records; a store much bigger than it was needed gives most of its memory back. */
  clear(): void {
    if (this.#capacity > RECORDS_MIN && this.high * 8 < this.#capacity) this.#shrink()
    this.high = 0
    this.#freeCount = 0
  }

  /** Becomes a copy of a store of the same layout, of which no record has been released. To be called on an empty one. */
  protected copyRecords(source: RecordStore): void {
    while (this.#capacity < source.high) this.#grow()
    this.i32.set(source.i32.subarray(0, source.high * this.words))
    this.high = source.high
  }

  /** Gives the memory back to the pool; the store must not be used again. */
  dispose(): void {
    this.pool.release(this.i32.buffer as ArrayBuffer)
    this.i32 = new Int32Array(0)
    this.f64 = new Float64Array(0)
    this.high = 0
    this.#capacity = 0
  }

  #grow(): void {
    const old = this.i32
    this.#acquire(old.byteLength * 2)
    this.i32.set(old)
    this.pool.release(old.buffer as ArrayBuffer)
  }

  #shrink(): void {
    const bytes = Math.max(this.i32.byteLength / 4, RECORDS_MIN * this.words * 4)
    this.pool.release(this.i32.buffer as ArrayBuffer)
    this.#acquire(bytes)
  }

  #acquire(bytes: number): void {
    const buffer = this.pool.acquire(bytes)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.#capacity = Math.floor(this.i32.length / this.words)
  }
}
