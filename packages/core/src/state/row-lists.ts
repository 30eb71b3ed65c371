/**
 * Rows of a key in order of time: one list per key, of record numbers with their times, in one block of the heap.
 *
 * Times lie side by side in front, so that a search touches few lines of memory; the numbers behind them. New rows mostly
 * come last; one that does not moves those behind it, a copy within the block. Taking the first out moves nothing.
 *
 * Invariants (tests quote them):
 *  RL1  A list is in order of time; rows of one time are in the order in which they were added.
 *  RL2  An empty list has no block.
 */
import type { BlockHeap } from './block-heap.ts'
import { classFor } from './block-heap.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import type { RecordStore } from './record-store.ts'

/** Room of a new list. */
const ROWS_MIN = 2

/** The lists of one kind of row; several kinds may have lists in the same records of keys. */
export class RowLists {
  readonly #blocks: BlockHeap
  readonly #block: RecordField
  /** Rows that fit. */
  readonly #room: RecordField
  /** The first row, and the end: places between were taken out at the front. */
  readonly #first: RecordField
  readonly #end: RecordField

  /** Adds its fields to the records of keys. */
  constructor(layout: RecordLayout, blocks: BlockHeap) {
    this.#blocks = blocks
    this.#block = layout.add('i32', 0)
    this.#room = layout.add('i32', 0)
    this.#first = layout.add('i32', 0)
    this.#end = layout.add('i32', 0)
  }

  /** Rows of a key. */
  count(keys: RecordStore, key: number): number {
    const base = key * keys.words
    return (keys.i32[base + this.#end.offset] as number) - (keys.i32[base + this.#first.offset] as number)
  }

  /** The place behind the last row of a key; places are valid until the list changes. */
  end(keys: RecordStore, key: number): number {
    return keys.i32[key * keys.words + this.#end.offset] as number
  }

  /** The place of the first row of a key whose time is not before `time`. */
  find(keys: RecordStore, key: number, time: number): number {
    const base = key * keys.words
    const block = keys.i32[base + this.#block.offset] as number
    let low = keys.i32[base + this.#first.offset] as number
    let high = keys.i32[base + this.#end.offset] as number
    const { f64 } = this.#blocks
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((f64[block + middle] as number) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  timeAt(keys: RecordStore, key: number, place: number): number {
    return this.#blocks.f64[(keys.i32[key * keys.words + this.#block.offset] as number) + place] as number
  }

  recordAt(keys: RecordStore, key: number, place: number): number {
    const base = key * keys.words
    const block = keys.i32[base + this.#block.offset] as number
    return this.#blocks.i32[2 * (block + (keys.i32[base + this.#room.offset] as number)) + place] as number
  }

  /** Adds a row, behind those of the same time. */
  add(keys: RecordStore, key: number, record: number, time: number): void {
    const base = key * keys.words
    const { i32 } = keys
    if (i32[base + this.#end.offset] === i32[base + this.#room.offset]) this.#makeRoom(keys, base)
    const block = i32[base + this.#block.offset] as number
    const numbers = 2 * (block + (i32[base + this.#room.offset] as number))
    const first = i32[base + this.#first.offset] as number
    const end = i32[base + this.#end.offset] as number
    const { f64, i32: words } = this.#blocks
    let place = end
    while (place > first && (f64[block + place - 1] as number) > time) place--
    if (place < end) {
      f64.copyWithin(block + place + 1, block + place, block + end)
      words.copyWithin(numbers + place + 1, numbers + place, numbers + end)
    }
    f64[block + place] = time
    words[numbers + place] = record
    i32[base + this.#end.offset] = end + 1
  }

  /** Takes a row out. */
  remove(keys: RecordStore, key: number, record: number, time: number): void {
    const base = key * keys.words
    const { i32 } = keys
    const block = i32[base + this.#block.offset] as number
    const numbers = 2 * (block + (i32[base + this.#room.offset] as number))
    const { f64, i32: words } = this.#blocks
    const first = i32[base + this.#first.offset] as number
    const end = i32[base + this.#end.offset] as number
    let place = this.find(keys, key, time)
    while (place < end && words[numbers + place] !== record) place++
    if (place === end) return
    if (place === first) i32[base + this.#first.offset] = first + 1
    else {
      f64.copyWithin(block + place, block + place + 1, block + end)
      words.copyWithin(numbers + place, numbers + place + 1, numbers + end)
      i32[base + this.#end.offset] = end - 1
    }
    if (end - first === 1) this.release(keys, key)
  }

  /** Forgets the list of a key; its rows are their owner's. */
  release(keys: RecordStore, key: number): void {
    const base = key * keys.words
    const { i32 } = keys
    const room = i32[base + this.#room.offset] as number
    if (room > 0) this.#blocks.free(i32[base + this.#block.offset] as number, classOf(room))
    i32[base + this.#block.offset] = 0
    i32[base + this.#room.offset] = 0
    i32[base + this.#first.offset] = 0
    i32[base + this.#end.offset] = 0
  }

  /** A longer block, or the same with what was taken out at the front given back. */
  #makeRoom(keys: RecordStore, base: number): void {
    const { i32 } = keys
    const blocks = this.#blocks
    const old = i32[base + this.#block.offset] as number
    const room = i32[base + this.#room.offset] as number
    const first = i32[base + this.#first.offset] as number
    const end = i32[base + this.#end.offset] as number
    const count = end - first
    // Half of the room is free at the front: moving costs no more than what was taken out did.
    const isEnough = first > 0 && 2 * count <= room
    const newRoom = isEnough ? room : roomOf(Math.max(ROWS_MIN, 2 * count))
    const block = isEnough ? old : blocks.allocate(classOf(newRoom))
    blocks.f64.copyWithin(block, old + first, old + end)
    const from = 2 * (old + room)
    blocks.i32.copyWithin(2 * (block + newRoom), from + first, from + end)
    if (!isEnough && room > 0) blocks.free(old, classOf(room))
    i32[base + this.#block.offset] = block
    i32[base + this.#room.offset] = newRoom
    i32[base + this.#first.offset] = 0
    i32[base + this.#end.offset] = count
  }
}

/** The class of blocks with room for so many rows: a double and half of one each. */
function classOf(room: number): number {
  return classFor(room + ((room + 1) >> 1))
}

/** The most rows that fit where so many do. */
function roomOf(rows: number): number {
  return Math.floor(((1 << classOf(rows)) * 2) / 3)
}
