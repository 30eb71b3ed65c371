/**
 * The state that a `process` step declares, for the key whose turn it is: values, lists and maps.
 *
 * Handles are made once and follow a cursor: moving to another key moves one number. A record counts what it holds
 * (`live`); a key that holds nothing is dropped by its owner after the step.
 *
 * Invariants (tests quote them):
 *  K1  A handle shows the key of the cursor, and nothing of any other key.
 *  K2  `live` of a record is the number of values, non-empty lists, non-empty maps and timers that it has.
 *  K3  When `live` is 0 the record refers to no block, no map entry and no string but those of its key.
 */
import type { DataType } from '../data/type.ts'
import type { ArrayPool } from './array-pool.ts'
import type { BlockHeap } from './block-heap.ts'
import { classFor } from './block-heap.ts'
import { GroupTable } from './group-table.ts'
import type { RecordField } from './record-layout.ts'
import { RecordLayout } from './record-layout.ts'
import { ValueSlot, checkValue, fromNumber, isInPlace, toNumber, valueShape } from './state-value.ts'
import type { ValueShape } from './state-value.ts'
import type { StringTable } from './string-table.ts'
import { ValueDecoder, ValueEncoder, decodeValue } from './value-codec.ts'

/** What handles need: the layout under construction, and memory. */
export interface KeyedStateParts {
  readonly layout: RecordLayout
  readonly live: RecordField
  readonly blocks: BlockHeap
  readonly strings: StringTable
  readonly pool: ArrayPool
}

/** The key whose turn it is. */
export interface KeyCursor {
  /** Known once the layout is complete. */
  table: GroupTable
  record: number
}

function addLive(cursor: KeyCursor, live: RecordField, change: 1 | -1): void {
  const { table } = cursor
  const at = cursor.record * table.words + live.offset
  table.i32[at] = (table.i32[at] as number) + change
}

/** One value per key. */
export class ValueStateHandle {
  readonly #cursor: KeyCursor
  readonly #slot: ValueSlot
  readonly #isSet: RecordField
  readonly #live: RecordField

  constructor(type: DataType, name: string, parts: KeyedStateParts, cursor: KeyCursor) {
    this.#cursor = cursor
    this.#isSet = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#slot = new ValueSlot(type, name, parts.layout, parts.blocks)
  }

  /** The value, or undefined when none was set. */
  get(): unknown {
    const { table, record } = this.#cursor
    if (table.i32[record * table.words + this.#isSet.offset] === 0) return undefined
    return this.#slot.get(table, record)
  }

  set(value: unknown): void {
    const { table, record } = this.#cursor
    this.#slot.set(table, record, value)
    const at = record * table.words + this.#isSet.offset
    if (table.i32[at] !== 0) return
    table.i32[at] = 1
    addLive(this.#cursor, this.#live, 1)
  }

  clear(): void {
    const { table, record } = this.#cursor
    const at = record * table.words + this.#isSet.offset
    if (table.i32[at] === 0) return
    table.i32[at] = 0
    this.#slot.release(table, record)
    addLive(this.#cursor, this.#live, -1)
  }
}

/** A list per key, in one block: float64s side by side, or encoded values one after another. */
export class ListStateHandle {
  readonly #cursor: KeyCursor
  readonly #shape: ValueShape
  readonly #name: string
  readonly #count: RecordField
  readonly #block: RecordField
  readonly #blockClass: RecordField
  /** Bytes in use. */
  readonly #bytes: RecordField
  readonly #live: RecordField
  readonly #blocks: BlockHeap
  readonly #encoder = new ValueEncoder()

  constructor(type: DataType, name: string, parts: KeyedStateParts, cursor: KeyCursor) {
    this.#cursor = cursor
    this.#shape = valueShape(type)
    this.#name = name
    this.#count = parts.layout.add('i32', 0)
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#bytes = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#blocks = parts.blocks
  }

  get length(): number {
    return this.#field(this.#count)
  }

  add(value: unknown): void {
    checkValue(this.#shape, value, this.#name)
    const used = this.#field(this.#bytes)
    if (isInPlace(this.#shape)) {
      const block = this.#reserve(used, 8)
      this.#blocks.f64[block + (used >> 3)] = toNumber(value)
      this.#setField(this.#bytes, used + 8)
    } else {
      this.#encoder.encode(value)
      const { length } = this.#encoder
      const block = this.#reserve(used, length)
      this.#blocks.u8.set(this.#encoder.bytes.subarray(0, length), 8 * block + used)
      this.#setField(this.#bytes, used + length)
    }
    const count = this.length
    this.#setField(this.#count, count + 1)
    if (count === 0) addLive(this.#cursor, this.#live, 1)
  }

  /** The values in the order of adding; those added meanwhile are not among them. */
  *[Symbol.iterator](): IterableIterator<unknown> {
    const count = this.length
    let at = 0
    for (let n = 0; n < count; n++) {
      const block = this.#field(this.#block)
      if (isInPlace(this.#shape)) yield fromNumber(this.#shape, this.#blocks.f64[block + n] as number)
      else {
        const decoder = new ValueDecoder(this.#blocks.u8, 8 * block + at)
        const value = decoder.decode()
        at = decoder.position - 8 * block
        yield value
      }
    }
  }

  clear(): void {
    if (this.length === 0) return
    this.#blocks.free(this.#field(this.#block), this.#field(this.#blockClass))
    for (const field of [this.#count, this.#block, this.#bytes]) this.#setField(field, 0)
    addLive(this.#cursor, this.#live, -1)
  }

  /** The block, with room for `more` bytes behind the used ones. */
  #reserve(used: number, more: number): number {
    const block = this.#field(this.#block)
    const blockClass = this.#field(this.#blockClass)
    if (block !== 0 && used + more <= 8 << blockClass) return block
    const newClass = classFor((used + more + 7) >> 3)
    const moved = this.#blocks.resize(block, blockClass, newClass, (used + 7) >> 3)
    this.#setField(this.#block, moved)
    this.#setField(this.#blockClass, newClass)
    return moved
  }

  #field({ offset }: RecordField): number {
    const { table, record } = this.#cursor
    return table.i32[record * table.words + offset] as number
  }

  #setField({ offset }: RecordField, value: number): void {
    const { table, record } = this.#cursor
    table.i32[record * table.words + offset] = value
  }
}

/** A map per key: entries of all keys in one table, those of a key linked in the order of their first `set`. */
export class MapStateHandle {
  readonly #cursor: KeyCursor
  readonly #name: string
  readonly #keyShape: ValueShape
  readonly #size: RecordField
  /** First and last entry, as number + 1. */
  readonly #first: RecordField
  readonly #last: RecordField
  readonly #live: RecordField
  readonly #strings: StringTable
  readonly #encoder = new ValueEncoder()
  readonly #entries: GroupTable
  readonly #next: RecordField
  readonly #previous: RecordField
  readonly #slot: ValueSlot

  constructor(
    types: { key: DataType; value: DataType },
    name: string,
    parts: KeyedStateParts,
    cursor: KeyCursor,
  ) {
    this.#cursor = cursor
    this.#name = name
    this.#keyShape = valueShape(types.key)
    this.#size = parts.layout.add('i32', 0)
    this.#first = parts.layout.add('i32', 0)
    this.#last = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#strings = parts.strings
    // The key of an entry: the record of its owner, and the encoded map key's string.
    const layout = new RecordLayout(2)
    this.#next = layout.add('i32', 0)
    this.#previous = layout.add('i32', 0)
    this.#slot = new ValueSlot(types.value, name, layout, parts.blocks)
    this.#entries = new GroupTable({ keyWords: 2, template: layout.template(), pool: parts.pool })
  }

  get bytes(): number {
    return this.#entries.bytes
  }

  /** Entries of all keys. */
  get entryCount(): number {
    return this.#entries.size
  }

  get size(): number {
    return this.#field(this.#size)
  }

  get(key: unknown): unknown {
    const entry = this.#find(key)
    return entry < 0 ? undefined : this.#slot.get(this.#entries, entry)
  }

  has(key: unknown): boolean {
    return this.#find(key) >= 0
  }

  set(key: unknown, value: unknown): void {
    checkValue(this.#keyShape, key, this.#name)
    const found = this.#find(key)
    if (found >= 0) {
      this.#slot.set(this.#entries, found, value)
      return
    }
    checkValue(this.#slot.shape, value, this.#name)
    const id = this.#strings.intern(this.#encoder.bytes, 0, this.#encoder.length)
    this.#strings.retain(id)
    this.#entries.key[0] = this.#cursor.record
    this.#entries.key[1] = id
    const entry = this.#entries.insert(this.#entries.tagOfKey())
    this.#slot.set(this.#entries, entry, value)
    this.#append(entry)
  }

  delete(key: unknown): void {
    const entry = this.#find(key)
    if (entry >= 0) this.#remove(entry)
  }

  /** The entries in the order of their first `set`. */
  *[Symbol.iterator](): IterableIterator<readonly [unknown, unknown]> {
    // The next entry is read first, so that deleting the one at hand is safe.
    for (let entry = this.#field(this.#first) - 1; entry >= 0;) {
      const next = this.#link(entry, this.#next) - 1
      const id = this.#entries.i32[entry * this.#entries.words + 1] as number
      const key = decodeValue(this.#strings.bytes, this.#strings.starts[id] as number)
      yield [key, this.#slot.get(this.#entries, entry)]
      entry = next
    }
  }

  clear(): void {
    for (let entry = this.#field(this.#first) - 1; entry >= 0;) {
      const next = this.#link(entry, this.#next) - 1
      this.#remove(entry)
      entry = next
    }
  }

  /** The entry of a map key of the current record, or −1. Leaves the encoded key in the encoder. */
  #find(key: unknown): number {
    this.#encoder.encode(key)
    const id = this.#strings.find(this.#encoder.bytes, 0, this.#encoder.length)
    if (id === 0) return -1
    this.#entries.key[0] = this.#cursor.record
    this.#entries.key[1] = id
    return this.#entries.find()
  }

  #append(entry: number): void {
    const last = this.#field(this.#last)
    this.#setLink(entry, this.#previous, last)
    if (last === 0) this.#setField(this.#first, entry + 1)
    else this.#setLink(last - 1, this.#next, entry + 1)
    this.#setField(this.#last, entry + 1)
    const size = this.size
    this.#setField(this.#size, size + 1)
    if (size === 0) addLive(this.#cursor, this.#live, 1)
  }

  #remove(entry: number): void {
    const next = this.#link(entry, this.#next)
    const previous = this.#link(entry, this.#previous)
    if (previous === 0) this.#setField(this.#first, next)
    else this.#setLink(previous - 1, this.#next, next)
    if (next === 0) this.#setField(this.#last, previous)
    else this.#setLink(next - 1, this.#previous, previous)
    this.#slot.release(this.#entries, entry)
    this.#strings.release(this.#entries.i32[entry * this.#entries.words + 1] as number)
    this.#entries.remove(entry)
    const size = this.size - 1
    this.#setField(this.#size, size)
    if (size === 0) addLive(this.#cursor, this.#live, -1)
  }

  #link(entry: number, { offset }: RecordField): number {
    return this.#entries.i32[entry * this.#entries.words + offset] as number
  }

  #setLink(entry: number, { offset }: RecordField, value: number): void {
    this.#entries.i32[entry * this.#entries.words + offset] = value
  }

  #field({ offset }: RecordField): number {
    const { table, record } = this.#cursor
    return table.i32[record * table.words + offset] as number
  }

  #setField({ offset }: RecordField, value: number): void {
    const { table, record } = this.#cursor
    table.i32[record * table.words + offset] = value
  }
}
