/**
 * Maps of keyed state (keyed-state.ts): one per key; entries of all keys in one table, those of a key linked in the order
 * of their first `set`.
 */
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column } from '../data/column.ts'
import { isWellFormed } from '../data/text-bytes.ts'
import type { DataType } from '../data/type.ts'
import { GroupTable } from './group-table.ts'
import type { KeyCursor, KeyedStateParts } from './keyed-state.ts'
import { addLive } from './keyed-state.ts'
import type { RecordField } from './record-layout.ts'
import { RecordLayout } from './record-layout.ts'
import type { ValueShape } from './state-value.ts'
import { ValueSlot, loadEncoded, saveEncoded, savedType, savedTypeNote } from './state-value.ts'
import type { StringTable } from './string-table.ts'
import { ValueCheck } from './value-check.ts'
import { ValueEncoder, decodeValue } from './value-codec.ts'

/** A map per key. */
export class MapStateHandle {
  readonly #cursor: KeyCursor
  readonly name: string
  /** Behind the names of the columns of keys and values. */
  readonly typeNotes: { readonly key: string; readonly value: string }
  readonly #keyCheck: ValueCheck
  readonly #keyShape: ValueShape
  readonly #valueCheck: ValueCheck
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
  /** Orders the entries of a key: by their first `set`. */
  readonly #order: RecordField
  /** 1 when the last snapshot has the entry. */
  readonly #saved: RecordField
  #lastOrder = 0
  /** Called when an entry that a snapshot has goes, for the key of the cursor, with the number of the map key's string. */
  onRemoved: (key: number) => void = () => undefined

  constructor(
    types: { key: DataType; value: DataType },
    name: string,
    parts: KeyedStateParts,
    cursor: KeyCursor,
  ) {
    this.#cursor = cursor
    this.name = name
    this.typeNotes = { key: savedTypeNote(types.key), value: savedTypeNote(types.value) }
    this.#keyCheck = new ValueCheck(types.key, `${name} (key)`)
    this.#keyShape = this.#keyCheck.shape
    this.#valueCheck = new ValueCheck(types.value, name)
    this.#size = parts.layout.add('i32', 0)
    this.#first = parts.layout.add('i32', 0)
    this.#last = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#strings = parts.strings
    // The key of an entry: the record of its owner, and the encoded map key's string.
    const layout = new RecordLayout(2)
    this.#next = layout.add('i32', 0)
    this.#previous = layout.add('i32', 0)
    this.#order = layout.add('f64', 0)
    this.#saved = layout.add('i32', 0)
    this.#slot = new ValueSlot(types.value, layout, parts.blocks)
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
    this.#keyCheck.check(key)
    this.#valueCheck.check(value)
    const found = this.#find(key)
    if (found >= 0) {
      this.#slot.set(this.#entries, found, value)
      this.#entries.mark(found)
      return
    }
    const entry = this.#insert()
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

  /** Where entries lie, for snapshots: the key of an entry is its owner's record and the number of its key's string. */
  get entries(): GroupTable {
    return this.#entries
  }

  /** The types of the columns of keys and values. */
  get savedTypes(): { readonly key: DataType; readonly value: DataType } {
    return { key: savedType(this.#keyShape), value: savedType(this.#slot.shape) }
  }

  /** Writes a map key to a cell of a snapshot. */
  saveKey(key: number, out: ColumnBuilder, row: number): void {
    saveEncoded(this.#keyShape, this.#strings.bytes, this.#strings.starts[key] as number, out, row)
  }

  /** Writes the value of an entry to a cell of a snapshot. */
  saveValue(entry: number, out: ColumnBuilder, row: number): void {
    this.#slot.save(this.#entries, entry, out, row)
  }

  orderOf(entry: number): number {
    return this.#entries.f64[entry * (this.#entries.words >> 1) + this.#order.offset] as number
  }

  /** From now on the last snapshot has the entry. */
  wasSaved(entry: number): void {
    this.#setLink(entry, this.#saved, 1)
  }

  /** Takes over an entry that a snapshot has, into the map of the cursor's key. */
  load(columns: { readonly key: Column; readonly value: Column }, row: number, order: number): void {
    loadEncoded(this.#keyShape, columns.key, row, this.#encoder)
    const found = this.#findEncoded()
    const entry = found >= 0 ? found : this.#insert()
    this.#slot.load(this.#entries, entry, columns.value, row)
    if (found < 0) this.#append(entry)
    this.#setOrder(entry, order)
    this.#lastOrder = Math.max(this.#lastOrder, order)
    this.wasSaved(entry)
  }

  /** Takes over that an entry is gone. */
  loadRemoval(key: Column, row: number): void {
    loadEncoded(this.#keyShape, key, row, this.#encoder)
    const entry = this.#findEncoded()
    if (entry >= 0) this.#remove(entry)
  }

  /** Links the entries of all keys in their order, after the last `load`. */
  relink(): void {
    const entries = this.#entries.liveRecords()
    entries.sort((a, b) => this.orderOf(a) - this.orderOf(b))
    const ends = new Map<number, number>()
    for (const entry of entries) {
      this.#cursor.record = this.#entries.i32[entry * this.#entries.words] as number
      const last = ends.get(this.#cursor.record) ?? 0
      this.#setLink(entry, this.#previous, last)
      this.#setLink(entry, this.#next, 0)
      if (last === 0) this.#setField(this.#first, entry + 1)
      else this.#setLink(last - 1, this.#next, entry + 1)
      this.#setField(this.#last, entry + 1)
      ends.set(this.#cursor.record, entry + 1)
    }
  }

  /** Makes an entry for the key in the encoder: without a value, and in no list yet. */
  #insert(): number {
    const id = this.#strings.intern(this.#encoder.bytes, 0, this.#encoder.length)
    this.#strings.retain(id)
    this.#entries.key[0] = this.#cursor.record
    this.#entries.key[1] = id
    const entry = this.#entries.insert(this.#entries.tagOfKey())
    this.#setOrder(entry, ++this.#lastOrder)
    return entry
  }

  #setOrder(entry: number, order: number): void {
    this.#entries.f64[entry * (this.#entries.words >> 1) + this.#order.offset] = order
  }

  /** The entry of a map key of the current record, or −1. Leaves the encoded key in the encoder. */
  #find(key: unknown): number {
    // It would be encoded as another text, which may be there.
    if (typeof key === 'string' && !isWellFormed(key)) return -1
    this.#encoder.encode(key)
    return this.#findEncoded()
  }

  #findEncoded(): number {
    this.#entries.key[0] = this.#cursor.record
    const id = this.#strings.find(this.#encoder.bytes, 0, this.#encoder.length)
    if (id === 0) return -1
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
    if (this.#link(entry, this.#saved) === 1)
      this.onRemoved(this.#entries.i32[entry * this.#entries.words + 1] as number)
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
