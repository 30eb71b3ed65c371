/**
 * Packed records in one buffer, addressed by a small integer that stays the same for the life of the record.
 *
 * Invariants (tests quote them):
 *  R1  A record's number never changes; `i32` and `f64` are views of one buffer that may be replaced by `allocate`.
 *  R2  Released numbers are given out again, latest first, so a store that shrinks and grows does not creep.
 *  R3  Records are found by number only; finding them by key is group-table.ts.
 *  R4  `changed` has a bit for every record that was allocated, or marked, since it was taken last, unless it was released
 *      since. Whoever writes to a record marks it: generated loops set the bit themselves. What was taken is remembered
 *      until `forgetChanges`, so that it can be taken again together with what changed later.
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
  /** Bit (id & 31) of word (id >> 5), for every record (R4). Replaced only together with `i32`. */
  changed: Int32Array = NO_WORDS
  /** The same for those that were taken since `forgetChanges`. */
  #taken: Int32Array = NO_WORDS
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
    return this.i32.byteLength + this.#free.byteLength + 2 * this.changed.byteLength
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
    this.mark(id)
    return id
  }

  /** Makes room for so many records at once. May replace `i32` and `f64`. */
  reserve(records: number): void {
    if (records > this.#capacity) this.#grow(records * this.words * 4)
  }

  /** A record has changed. */
  mark(id: number): void {
    ;(this.changed[id >> 5] as number) |= 1 << id
  }

  /** The numbers of the records that have changed, in ascending order; from now on none has. */
  takeChanged(): Int32Array {
    const { changed } = this
    const taken = this.#taken
    const words = (this.high + 31) >> 5
    let count = 0
    for (let w = 0; w < words; w++) {
      const bits = changed[w] as number
      if (bits === 0) continue
      count += bitCount(bits)
      ;(taken[w] as number) |= bits
    }
    const ids = numbersOf(changed, words, count)
    changed.fill(0, 0, words)
    return ids
  }

  /** The same with all that was taken since `forgetChanges`. */
  takeChangedSinceForgotten(): Int32Array {
    this.takeChanged()
    const words = (this.high + 31) >> 5
    let count = 0
    for (let w = 0; w < words; w++) count += bitCount(this.#taken[w] as number)
    return numbersOf(this.#taken, words, count)
  }

  /** From now on no record has changed, nor been taken. */
  forgetChanges(): void {
    const words = (this.high + 31) >> 5
    this.changed.fill(0, 0, words)
    this.#taken.fill(0, 0, words)
  }

  /** The numbers of all live records, in ascending order. */
  liveRecords(): Int32Array {
    const isFree = new Uint8Array(this.high)
    for (let n = 0; n < this.#freeCount; n++) isFree[this.#free[n] as number] = 1
    const ids = new Int32Array(this.live)
    let at = 0
    for (let id = 0; id < this.high; id++) if (isFree[id] === 0) ids[at++] = id
    return ids
  }

  release(id: number): void {
    ;(this.changed[id >> 5] as number) &= ~(1 << id)
    ;(this.#taken[id >> 5] as number) &= ~(1 << id)
    if (this.#freeCount === this.#free.length) {
      const free = new Int32Array(Math.max(16, this.#free.length * 2))
      free.set(this.#free)
      this.#free = free
    }
    this.#free[this.#freeCount++] = id
  }

  /** Forgets all records; a store much bigger than it was needed gives most of its memory back. */
  clear(): void {
    this.forgetChanges()
    if (this.#capacity > RECORDS_MIN && this.high * 8 < this.#capacity) this.#shrink()
    this.high = 0
    this.#freeCount = 0
  }

  /** Becomes a copy of a store of the same layout, of which no record has been released. To be called on an empty one. */
  protected copyRecords(source: RecordStore): void {
    this.reserve(source.high)
    this.i32.set(source.i32.subarray(0, source.high * this.words))
    this.high = source.high
  }

  /** Gives the memory back to the pool; the store must not be used again. */
  dispose(): void {
    this.pool.release(this.i32.buffer as ArrayBuffer)
    this.i32 = new Int32Array(0)
    this.f64 = new Float64Array(0)
    this.changed = NO_WORDS
    this.#taken = NO_WORDS
    this.high = 0
    this.#capacity = 0
  }

  #grow(bytes = 2 * this.i32.byteLength): void {
    const old = this.i32
    this.#acquire(bytes)
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
    const marks = (this.#capacity + 31) >> 5
    // Only growing: after a shrink there are more bits than records.
    if (this.changed.length < marks) {
      this.changed = grown(this.changed, marks)
      this.#taken = grown(this.#taken, marks)
    }
  }
}

function grown(marks: Int32Array, words: number): Int32Array {
  const longer = new Int32Array(words)
  longer.set(marks)
  return longer
}

/** The numbers of the bits that are set, of which there are `count`. */
function numbersOf(marks: Int32Array, words: number, count: number): Int32Array {
  const ids = new Int32Array(count)
  let at = 0
  for (let w = 0; w < words && at < count; w++)
    for (let bits = marks[w] as number; bits !== 0; bits &= bits - 1)
      ids[at++] = 32 * w + 31 - Math.clz32(bits & -bits)
  return ids
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
