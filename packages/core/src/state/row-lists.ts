/**
 * Rows of a key in order of time: one list per key, of record numbers with their times, in one block of the heap.
 *
 * Times lie side by side in front, so that a search touches few lines of memory; the numbers behind them. New rows mostly
 * come last; one that does not moves those behind it, a copy within the block. Nothing is taken out one by one: who asks
 * says from which time on rows live, and those before it go when their room is needed.
 *
 * Invariants (tests quote them):
 *  RL1  A list is in order of time; rows of one time are in the order in which they were added.
 *  RL2  Whenever a list is full, it takes room for at most four times the rows that live in it, or two: the room of many
 *       that lived once comes back when it would be needed again, or with the key.
 */
import type { BlockHeap } from './block-heap.ts'
import { classFor } from './block-heap.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import type { RecordStore } from './record-store.ts'

/** Room of a new list. */
const ROWS_MIN = 2

/** A row on its way into a list. */
export interface AddedRow {
  readonly record: number
  readonly time: number
  readonly liveFrom: number
}

/** The lists of one kind of row; several kinds may have lists in the same records of keys. */
export class RowLists {
  readonly #blocks: BlockHeap
  readonly #block: RecordField
  /** Rows that fit. */
  readonly #room: RecordField
  readonly #end: RecordField

  /** Adds its fields to the records of keys. */
  constructor(layout: RecordLayout, blocks: BlockHeap) {
    this.#blocks = blocks
    this.#block = layout.add('i32', 0)
    this.#room = layout.add('i32', 0)
    this.#end = layout.add('i32', 0)
  }

  /** The place behind the last row of a key; places are valid until the list changes. */
  end(keys: RecordStore, key: number): number {
    return keys.i32[key * keys.words + this.#end.offset] as number
  }

  /** The place of the first row of a key whose time is not before `time`. */
  find(keys: RecordStore, key: number, time: number): number {
    const base = key * keys.words
    const block = keys.i32[base + this.#block.offset] as number
    let low = 0
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

  /** Adds a row, behind those of the same time. Rows before `liveFrom` may be forgotten. */
  add(keys: RecordStore, key: number, { record, time, liveFrom }: AddedRow): void {
    const base = key * keys.words
    const { i32 } = keys
    if (i32[base + this.#end.offset] === i32[base + this.#room.offset]) this.#makeRoom(keys, key, liveFrom)
    const block = i32[base + this.#block.offset] as number
    const numbers = 2 * (block + (i32[base + this.#room.offset] as number))
    const end = i32[base + this.#end.offset] as number
    const { f64, i32: words } = this.#blocks
    // Mostly last; else behind all that are not later: those before the next millisecond.
    const isLast = end === 0 || (f64[block + end - 1] as number) <= time
    const place = isLast ? end : this.find(keys, key, time + 1)
    if (place < end) {
      f64.copyWithin(block + place + 1, block + place, block + end)
      words.copyWithin(numbers + place + 1, numbers + place, numbers + end)
    }
    f64[block + place] = time
    words[numbers + place] = record
    i32[base + this.#end.offset] = end + 1
  }

  /** Forgets the list of a key; its rows are their owner's. */
  release(keys: RecordStore, key: number): void {
    const base = key * keys.words
    const { i32 } = keys
    const room = i32[base + this.#room.offset] as number
    if (room > 0) this.#blocks.free(i32[base + this.#block.offset] as number, classOf(room))
    i32[base + this.#block.offset] = 0
    i32[base + this.#room.offset] = 0
    i32[base + this.#end.offset] = 0
  }

  /** A block with room for another row: a longer one, or the same without the rows that live no more. */
  #makeRoom(keys: RecordStore, key: number, liveFrom: number): void {
    const base = key * keys.words
    const { i32 } = keys
    const blocks = this.#blocks
    const first = this.find(keys, key, liveFrom)
    const old = i32[base + this.#block.offset] as number
    const room = i32[base + this.#room.offset] as number
    const end = i32[base + this.#end.offset] as number
    const count = end - first
    // Half of the room comes free: moving costs no more than what is gone did. A quarter is enough: less room does, too.
    const isSame = room > 0 && 2 * count <= room && (8 * count > room || room <= ROWS_MIN)
    const newRoom = isSame ? room : roomOf(Math.max(ROWS_MIN, 2 * count))
    const block = isSame ? old : blocks.allocate(classOf(newRoom))
    blocks.f64.copyWithin(block, old + first, old + end)
    const from = 2 * (old + room)
    blocks.i32.copyWithin(2 * (block + newRoom), from + first, from + end)
    if (!isSame && room > 0) blocks.free(old, classOf(room))
    i32[base + this.#block.offset] = block
    i32[base + this.#room.offset] = newRoom
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
