/**
 * Byte strings held once each and known by a small integer: keys, extremes and remembered values of string type.
 *
 * State never refers to an input chunk (C3), so a string that is kept is copied here. Equal strings have equal numbers,
 * so composite keys, panes and sessions compare strings by number. Numbers are counted references: a table that lives
 * for ever does not keep every key it has ever seen.
 *
 * Invariants (tests quote them):
 *  S1  Number 0 is never given out: it stands for null.
 *  S2  A string without references lives until the next `sweep`, so that numbers seen during a batch stay valid in it.
 *  S3  Bytes once written are never overwritten: columns may refer to `bytes` until the operator is called again, even
 *      when a growth or a compaction has put another array in its place.
 *  S4  `version` changes whenever a number is freed: caches of numbers compare it once per batch.
 */
import { hashSecretly, tableSeed } from '../data/table-seed.ts'
import { assert } from '../errors.ts'

const SLOTS_MIN = 64
const ARENA_MIN = 1024
/** Compaction waits until so many bytes are dead, and at least half of the arena. */
const DEAD_BYTES_MIN = 64 * 1024
const ARENA_MAX = 2 ** 31 - 1
/** Strings that are freed in one go between two steps: about a millisecond (TL3). */
export const SWEPT_MAX = 8192

/** Interned byte strings with reference counts. */
export class StringTable {
  bytes: Uint8Array = new Uint8Array(ARENA_MIN)
  starts: Int32Array = new Int32Array(SLOTS_MIN)
  lengths: Int32Array = new Int32Array(SLOTS_MIN)
  /** Changes when numbers were freed (S4). */
  version = 0
  /** Strings held. */
  size = 0
  readonly #seed = tableSeed()
  #hashes = new Int32Array(SLOTS_MIN)
  #references = new Int32Array(SLOTS_MIN)
  #index = new Int32Array(SLOTS_MIN * 2)
  #mask = SLOTS_MIN - 1
  #high = 1
  #top = 0
  #deadBytes = 0
  #free: number[] = []
  /** Numbers whose references fell to zero (or that were never held) since the last sweep. */
  #unheld: number[] = []

  /** Bytes of memory held. */
  get memoryBytes(): number {
    return this.bytes.byteLength + this.#index.byteLength + this.starts.byteLength * 4
  }

  /** The number of the string `source[start … start + length)`, added when it is new, not yet held by anyone. */
  intern(source: Uint8Array, start: number, length: number): number {
    const hash = hashSecretly(this.#seed, source, start, length)
    const found = this.#lookup(hash, source, start, length)
    return found !== 0 ? found : this.#add(hash, source, start, length)
  }

  /** The number of the string, or 0 when it is not here. */
  find(source: Uint8Array, start: number, length: number): number {
    return this.#lookup(hashSecretly(this.#seed, source, start, length), source, start, length)
  }

  /** Counts one more reference. Number 0 is ignored. */
  retain(id: number): void {
    if (id !== 0) (this.#references[id] as number)++
  }

  /** Counts one reference less; the string lives until the next sweep. Number 0 is ignored. */
  release(id: number): void {
    if (id === 0) return
    const left = (this.#references[id] as number) - 1
    this.#references[id] = left
    if (left === 0) this.#unheld.push(id)
  }

  /** Frees what nobody holds (S2). Called between steps. */
  sweep(): void {
    this.sweepSome(Infinity)
  }

  /** The same for so many strings at most, since a million of them take long; whether all are freed. */
  sweepSome(most: number): boolean {
    const unheld = this.#unheld
    const left = Math.max(0, unheld.length - most)
    let freed = 0
    for (let n = unheld.length - 1; n >= left; n--) {
      const id = unheld[n] as number
      // A number can be listed twice, or be held again, or be free already.
      if (this.#references[id] !== 0 || this.lengths[id] === -1) continue
      this.#remove(id)
      freed++
    }
    unheld.length = left
    if (freed > 0) this.version++
    if (left > 0) return false
    if (this.#deadBytes >= DEAD_BYTES_MIN && this.#deadBytes * 2 > this.#top) this.#compact()
    return true
  }

  /** Bytewise order of two strings. */
  compare(left: number, right: number): number {
    if (left === right) return 0
    return this.compareTo(left, this.bytes, this.starts[right] as number, this.lengths[right] as number)
  }

  /** Bytewise order of a string and some bytes. */
  compareTo(id: number, source: Uint8Array, start: number, length: number): number {
    const { bytes } = this
    const own = this.starts[id] as number
    const ownLength = this.lengths[id] as number
    const common = Math.min(ownLength, length)
    for (let i = 0; i < common; i++) {
      const difference = (bytes[own + i] as number) - (source[start + i] as number)
      if (difference !== 0) return difference
    }
    return ownLength - length
  }

  /** Calls back for every string: what a snapshot walks. */
  forEachEntry(visit: (id: number, references: number) => void): void {
    for (let id = 1; id < this.#high; id++) {
      if ((this.lengths[id] as number) >= 0) visit(id, this.#references[id] as number)
    }
  }

  #lookup(hash: number, source: Uint8Array, start: number, length: number): number {
    const index = this.#index
    const mask = this.#mask
    let slot = hash & mask
    for (;;) {
      const id = index[2 * slot + 1] as number
      if (id === 0) return 0
      if (index[2 * slot] === hash && this.lengths[id] === length && this.#same(id, source, start, length))
        return id
      slot = (slot + 1) & mask
    }
  }

  #same(id: number, source: Uint8Array, start: number, length: number): boolean {
    const { bytes } = this
    const own = this.starts[id] as number
    for (let i = 0; i < length; i++) if (bytes[own + i] !== source[start + i]) return false
    return true
  }

  #add(hash: number, source: Uint8Array, start: number, length: number): number {
    this.#reserve(length)
    if (this.size * 16 >= (this.#mask + 1) * 9) this.#resize()
    let id = this.#free.pop()
    if (id === undefined) {
      if (this.#high === this.starts.length) this.#growEntries()
      id = this.#high++
    }
    const { bytes } = this
    const top = this.#top
    for (let i = 0; i < length; i++) bytes[top + i] = source[start + i] as number
    this.starts[id] = top
    this.lengths[id] = length
    this.#hashes[id] = hash
    this.#references[id] = 0
    this.#top += length
    this.#place(hash, id)
    this.size++
    this.#unheld.push(id)
    return id
  }

  #place(hash: number, id: number): void {
    const index = this.#index
    let slot = hash & this.#mask
    while (index[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
    index[2 * slot] = hash
    index[2 * slot + 1] = id
  }

  #remove(id: number): void {
    const index = this.#index
    const mask = this.#mask
    let hole = (this.#hashes[id] as number) & mask
    while (index[2 * hole + 1] !== id) hole = (hole + 1) & mask
    let slot = hole
    for (;;) {
      slot = (slot + 1) & mask
      const entry = index[2 * slot + 1] as number
      if (entry === 0) break
      const hash = index[2 * slot] as number
      if (((slot - hash) & mask) >= ((slot - hole) & mask)) {
        index[2 * hole] = hash
        index[2 * hole + 1] = entry
        hole = slot
      }
    }
    index[2 * hole] = 0
    index[2 * hole + 1] = 0
    this.#deadBytes += this.lengths[id] as number
    this.lengths[id] = -1
    this.#free.push(id)
    this.size--
  }

  #resize(): void {
    const slots = (this.#mask + 1) * 2
    this.#index = new Int32Array(slots * 2)
    this.#mask = slots - 1
    for (let id = 1; id < this.#high; id++) {
      if ((this.lengths[id] as number) >= 0) this.#place(this.#hashes[id] as number, id)
    }
  }

  #growEntries(): void {
    const length = this.starts.length * 2
    this.starts = grown(this.starts, length)
    this.lengths = grown(this.lengths, length)
    this.#hashes = grown(this.#hashes, length)
    this.#references = grown(this.#references, length)
  }

  #reserve(length: number): void {
    const needed = this.#top + length
    if (needed <= this.bytes.length) return
    assert(needed <= ARENA_MAX, `the strings in the state of one step need more than ${ARENA_MAX} bytes`)
    const bytes = new Uint8Array(Math.min(ARENA_MAX, Math.max(needed, this.bytes.length * 2)))
    bytes.set(this.bytes.subarray(0, this.#top))
    this.bytes = bytes
  }

  #compact(): void {
    const live = this.#top - this.#deadBytes
    const bytes = new Uint8Array(Math.max(ARENA_MIN, live * 2))
    let top = 0
    for (let id = 1; id < this.#high; id++) {
      const length = this.lengths[id] as number
      if (length < 0) continue
      const start = this.starts[id] as number
      bytes.set(this.bytes.subarray(start, start + length), top)
      this.starts[id] = top
      top += length
    }
    this.bytes = bytes
    this.#top = top
    this.#deadBytes = 0
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const result = new Int32Array(length)
  result.set(array)
  return result
}

/**
 * MurmurHash3's 32-bit mixing (Appleby, 2011) over bytes, for sketches, whose answers depend on it. Tables use
 * `hashSecretly`.
 */
export function hashBytes(source: Uint8Array, start: number, length: number, seed: number = 0): number {
  let hash = length ^ seed
  let i = start
  const blocks = start + (length & ~3)
  for (; i < blocks; i += 4) {
    let k =
      (source[i] as number) |
      ((source[i + 1] as number) << 8) |
      ((source[i + 2] as number) << 16) |
      ((source[i + 3] as number) << 24)
    k = Math.imul(k, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    hash ^= Math.imul(k, 0x1b873593)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let shift = 0; i < start + length; i++, shift += 8) tail |= (source[i] as number) << shift
  hash ^= Math.imul((tail << 15) | (tail >>> 17), 0x1b873593)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
