/**
 * Records found by a key of packed words: open addressing over numbers of records that never move.
 *
 * The index is one interleaved Int32Array of (tag, record number + 1) pairs; the records lie densely in their own
 * store. Against slots that hold the record itself this costs a second cache miss in tables far beyond the cache, and
 * buys: growth that moves 8 bytes per entry, stable numbers (dictionary codes, timers and lists can refer to a group),
 * scans and emission in order of first appearance, and no space lost to empty slots in wide records.
 *
 * The hot probe is generated inline by kernels; the methods here are the same probe for everything else.
 *
 * Invariants (tests quote them):
 *  G1  The tag is the key itself for keys of one word, else the full hash; the home slot is a function of the tag and
 *      of the table's secret seed (data/table-seed.ts).
 *  G2  Load stays at or under 0.6; the number of slots is a power of two.
 *  G3  Deleting shifts the following entries back: there are no tombstones, and probes stay short for ever.
 *  G4  `size` is the number of entries; their record numbers are live in the store, which may hold more of the same keys.
 */
import { tableSeed } from '../data/table-seed.ts'
import type { TableSeed } from '../data/table-seed.ts'
import type { ArrayPool } from './array-pool.ts'
import { NO_WORDS, RecordStore } from './record-store.ts'

/** Small: many windows without keys, or with few, are open at once. */
const SLOTS_MIN = 16

/** Load limit in sixteenths: 9/16 is just under 0.6 (G2). */
const LOAD_SIXTEENTHS = 9

/** What a table is told when groups come and go. */
export interface GroupTableOptions {
  /** Words of the key, at the start of the record. */
  readonly keyWords: number
  /** Words of a new record (record-layout.ts). */
  readonly template: Int32Array
  readonly pool: ArrayPool
}

/** A hash table from key words to records. */
export class GroupTable extends RecordStore {
  readonly keyWords: number
  /** The key to find or insert is put here. */
  readonly key: Int32Array
  seed: TableSeed = tableSeed()
  index: Int32Array
  mask: number
  /** Home slot = hash >>> shift. */
  shift: number
  size = 0
  /** Lookups by code of one dictionary, kept by kernels for single-column dictionary keys: record number + 1. */
  groupsByCode: Int32Array = NO_WORDS
  groupsByCodeOwner: unknown = undefined
  #limit: number

  constructor(options: GroupTableOptions) {
    super(options.template, options.pool)
    this.keyWords = options.keyWords
    this.key = new Int32Array(Math.max(1, options.keyWords))
    this.index = this.#emptyIndex(SLOTS_MIN)
    this.mask = SLOTS_MIN - 1
    this.shift = 32 - Math.log2(SLOTS_MIN)
    this.#limit = limitOf(SLOTS_MIN)
  }

  override get bytes(): number {
    return super.bytes + this.index.byteLength + this.groupsByCode.byteLength
  }

  /** The record of the key in `this.key`, or −1. */
  find(): number {
    const tag = this.tagOfKey()
    const { index, mask } = this
    let slot = this.#home(tag)
    for (;;) {
      const entry = index[2 * slot + 1] as number
      if (entry === 0) return -1
      if (index[2 * slot] === tag && this.#keyEquals(entry - 1)) return entry - 1
      slot = (slot + 1) & mask
    }
  }

  /** The record of the key in `this.key`, made new when it was not there. */
  findOrInsert(): number {
    const found = this.find()
    return found >= 0 ? found : this.insert(this.tagOfKey())
  }

  /** Adds the key in `this.key`, which must not be there, under its tag. May replace `index`, `i32` and `f64`. */
  insert(tag: number): number {
    return this.insertAt(this.#freeSlot(tag), tag)
  }

  /** The same where the probe for the key has ended at an empty slot. */
  insertAt(slot: number, tag: number): number {
    let free = slot
    if (this.size >= this.#limit) {
      this.#resize((this.mask + 1) * 2)
      free = this.#freeSlot(tag)
    }
    const id = this.allocate()
    const start = id * this.words
    for (let w = 0; w < this.keyWords; w++) this.i32[start + w] = this.key[w] as number
    this.#put(free, tag, id)
    this.size++
    return id
  }

  /** Makes room for so many entries at once. May replace `index`, `i32` and `f64`. */
  override reserve(entries: number): void {
    let slots = this.mask + 1
    while (limitOf(slots) < entries) slots *= 2
    if (slots > this.mask + 1) this.#resize(slots)
    super.reserve(entries)
  }

  /** Removes the entry of a record and releases its number (G3). */
  remove(id: number): void {
    const { index, mask } = this
    this.loadKey(this.i32, id * this.words)
    let hole = this.#home(this.tagOfKey())
    while (index[2 * hole + 1] !== id + 1) hole = (hole + 1) & mask
    let slot = hole
    for (;;) {
      slot = (slot + 1) & mask
      const entry = index[2 * slot + 1] as number
      if (entry === 0) break
      const tag = index[2 * slot] as number
      // An entry may move back to the hole unless its home lies cyclically after the hole.
      if (((slot - this.#home(tag)) & mask) >= ((slot - hole) & mask)) {
        index[2 * hole] = tag
        index[2 * hole + 1] = entry
        hole = slot
      }
    }
    index[2 * hole] = 0
    index[2 * hole + 1] = 0
    this.size--
    this.release(id)
  }

  /** The entry of record `from` becomes that of `to`, which has the same key; `from` is in the store still. */
  redirect(from: number, to: number): void {
    const { index, mask } = this
    this.loadKey(this.i32, from * this.words)
    let slot = this.#home(this.tagOfKey())
    while (index[2 * slot + 1] !== from + 1) slot = (slot + 1) & mask
    index[2 * slot + 1] = to + 1
  }

  /** A record with the key words of another one, and without an entry. May replace `i32` and `f64`. */
  allocateLike(id: number): number {
    const made = this.allocate()
    const from = id * this.words
    this.i32.copyWithin(made * this.words, from, from + this.keyWords)
    return made
  }

  /** Puts the key words at `start` of some records of the same layout into `this.key`. */
  loadKey(words: Int32Array, start: number): void {
    for (let w = 0; w < this.keyWords; w++) this.key[w] = words[start + w] as number
  }

  /** The tag of the key in `this.key` (G1). */
  tagOfKey(): number {
    const { key, keyWords } = this
    return keyWords === 1 ? (key[0] as number) : hashWords(this.seed, key, keyWords)
  }

  /** Forgets all entries; a table much bigger than it was needed gives most of its index back. */
  override clear(): void {
    const slots = this.mask + 1
    if (slots > SLOTS_MIN && this.size * 8 < slots) {
      this.pool.release(this.index.buffer as ArrayBuffer)
      this.#useIndex(Math.max(SLOTS_MIN, slots / 4))
    } else {
      this.index.fill(0, 0, slots * 2)
    }
    this.size = 0
    this.groupsByCodeOwner = undefined
    super.clear()
  }

  /** Takes over the entries of a table of the same layout that never removed one. To be called on an empty one. */
  copyFrom(source: GroupTable): void {
    if (this.mask !== source.mask) {
      this.pool.release(this.index.buffer as ArrayBuffer)
      this.#useIndex(source.mask + 1)
    }
    this.seed = source.seed
    this.index.set(source.index.subarray(0, 2 * (source.mask + 1)))
    this.size = source.size
    this.copyRecords(source)
  }

  override dispose(): void {
    this.pool.release(this.index.buffer as ArrayBuffer)
    this.index = new Int32Array(2)
    this.mask = 0
    this.size = 0
    super.dispose()
  }

  /** Calls back for every live record number, in ascending order: the order of slots is secret. */
  forEachEntry(visit: (id: number) => void): void {
    const ids = new Int32Array(this.size)
    let count = 0
    for (let slot = 0; slot <= this.mask; slot++) {
      const entry = this.index[2 * slot + 1] as number
      if (entry !== 0) ids[count++] = entry - 1
    }
    for (const id of ids.sort()) visit(id)
  }

  /** The lookup array for a dictionary's codes, cleared when the dictionary is another one than before. */
  codesOf(dictionary: unknown, length: number): Int32Array {
    if (this.groupsByCodeOwner !== dictionary) {
      if (this.groupsByCode.length < length) this.groupsByCode = new Int32Array(Math.max(64, length * 2))
      else this.groupsByCode.fill(0)
      this.groupsByCodeOwner = dictionary
    } else if (this.groupsByCode.length < length) {
      const grown = new Int32Array(length * 2)
      grown.set(this.groupsByCode)
      this.groupsByCode = grown
    }
    return this.groupsByCode
  }

  #home(tag: number): number {
    return (this.keyWords === 1 ? Math.imul(tag, this.seed.home) : tag) >>> this.shift
  }

  #keyEquals(id: number): boolean {
    const { i32, key, keyWords } = this
    const start = id * this.words
    for (let w = 0; w < keyWords; w++) if (i32[start + w] !== key[w]) return false
    return true
  }

  /** The slot of a key that is not there. */
  #freeSlot(tag: number): number {
    const { index, mask } = this
    let slot = this.#home(tag)
    while (index[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    return slot
  }

  #put(slot: number, tag: number, id: number): void {
    this.index[2 * slot] = tag
    this.index[2 * slot + 1] = id + 1
  }

  #resize(slots: number): void {
    const old = this.index
    const oldSlots = this.mask + 1
    this.#useIndex(slots)
    for (let slot = 0; slot < oldSlots; slot++) {
      const entry = old[2 * slot + 1] as number
      if (entry === 0) continue
      const tag = old[2 * slot] as number
      this.#put(this.#freeSlot(tag), tag, entry - 1)
    }
    this.pool.release(old.buffer as ArrayBuffer)
  }

  #useIndex(slots: number): void {
    this.index = this.#emptyIndex(slots)
    this.mask = slots - 1
    this.shift = 32 - Math.log2(slots)
    this.#limit = limitOf(slots)
  }

  #emptyIndex(slots: number): Int32Array {
    return new Int32Array(this.pool.acquireZeroed(slots * 8))
  }
}

function limitOf(slots: number): number {
  return (slots / 16) * LOAD_SIXTEENTHS
}

/**
 * The hash of keys of several words (and of none). Kernels generate the same steps (`hashSource`).
 *
 * Its high bits choose the slot, so the last step has to spread entropy upwards: a multiplication does. Each word is
 * multiplied before it meets the others: what the difference of two words becomes cannot be foreseen then.
 */
export function hashWords(seed: TableSeed, words: Int32Array, count: number): number {
  const { word, chain } = seed
  let hash = seed.start
  for (let w = 0; w < count; w++) {
    hash = Math.imul(hash ^ Math.imul(words[w] as number, word), chain)
    hash ^= hash >>> 15
  }
  return Math.imul(hash, seed.home)
}

/**
 * Source text that computes the tag and the home slot of key words in locals; the twin of `tagOfKey`. `seeds` stands
 * before the loop, where `seed` is the table's.
 */
export function hashSource(words: readonly string[]): {
  readonly seeds: string
  readonly tag: string
  readonly statements: string
} {
  if (words.length === 1) {
    const tag = words[0] as string
    return {
      seeds: 'const seedHome = seed.home;',
      tag,
      statements: `let slot = Math.imul(${tag}, seedHome) >>> shift;`,
    }
  }
  const steps = words.map(
    (key) => `tag = Math.imul(tag ^ Math.imul(${key}, seedWord), seedChain); tag ^= tag >>> 15;`,
  )
  return {
    seeds: 'const { home: seedHome, start: seedStart, word: seedWord, chain: seedChain } = seed;',
    tag: 'tag',
    statements: `let tag = seedStart; ${steps.join(' ')} tag = Math.imul(tag, seedHome); let slot = tag >>> shift;`,
  }
}
