/**
 * Lists of keyed state (keyed-state.ts): one per key, each in one block, float64s side by side or encoded values one
 * after another.
 *
 * A list only grows or is cleared, so a snapshot takes what was added since the last one.
 */
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column, FixedColumn } from '../data/column.ts'
import type { FixedColumnBuilder } from '../data/fixed-column-builder.ts'
import type { DataType } from '../data/type.ts'
import type { BlockHeap } from './block-heap.ts'
import { classFor } from './block-heap.ts'
import type { KeyCursor, KeyedStateParts } from './keyed-state.ts'
import { addLive } from './keyed-state.ts'
import type { RecordField } from './record-layout.ts'
import type { ValueShape } from './state-value.ts'
import {
  fromNumber,
  isInPlace,
  loadEncoded,
  saveEncoded,
  savedType,
  savedTypeNote,
  toNumber,
} from './state-value.ts'
import { ValueCheck } from './value-check.ts'
import { ValueDecoder, ValueEncoder, encodedEnd } from './value-codec.ts'

/** A list per key. */
export class ListStateHandle {
  readonly #cursor: KeyCursor
  readonly #check: ValueCheck
  readonly #shape: ValueShape
  readonly name: string
  /** Behind the name of the column that `save` writes. */
  readonly typeNote: string
  readonly #count: RecordField
  /** Values that the last snapshot has, and where the next one begins. */
  readonly #saved: RecordField
  readonly #savedBytes: RecordField
  readonly #block: RecordField
  readonly #blockClass: RecordField
  /** Bytes in use. */
  readonly #bytes: RecordField
  readonly #live: RecordField
  readonly #blocks: BlockHeap
  readonly #encoder = new ValueEncoder()
  /** Called when values that a snapshot has are cleared, for the key of the cursor. */
  onCleared: () => void = () => undefined

  constructor(type: DataType, name: string, parts: KeyedStateParts, cursor: KeyCursor) {
    this.#cursor = cursor
    this.#check = new ValueCheck(type, name)
    this.#shape = this.#check.shape
    this.name = name
    this.typeNote = savedTypeNote(type)
    this.#count = parts.layout.add('i32', 0)
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#bytes = parts.layout.add('i32', 0)
    this.#saved = parts.layout.add('i32', 0)
    this.#savedBytes = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#blocks = parts.blocks
  }

  get length(): number {
    return this.#field(this.#count)
  }

  /** The type of the column that `save` writes. */
  get savedType(): DataType {
    return savedType(this.#shape)
  }

  add(value: unknown): void {
    this.#check.check(value)
    if (isInPlace(this.#shape)) this.#addNumber(toNumber(value))
    else {
      this.#encoder.encode(value)
      this.#addEncoded()
    }
  }

  /**
   * Calls back for every value that no snapshot has (for all values with `all`) with its place in the list, and where it
   * lies; from now on the last snapshot has them.
   */
  takeUnsaved(all: boolean, visit: (index: number, at: number) => void): void {
    const block = 8 * this.#field(this.#block)
    let at = all ? 0 : this.#field(this.#savedBytes)
    const count = this.length
    for (let index = all ? 0 : this.#field(this.#saved); index < count; index++) {
      visit(index, block + at)
      at = isInPlace(this.#shape) ? at + 8 : encodedEnd(this.#blocks.u8, block + at) - block
    }
    this.#setField(this.#saved, count)
    this.#setField(this.#savedBytes, at)
  }

  /** Writes the value that lies at a byte of the blocks to a cell of a snapshot. */
  save(at: number, out: ColumnBuilder, row: number): void {
    if (isInPlace(this.#shape)) (out as FixedColumnBuilder).values[row] = this.#blocks.f64[at / 8] as number
    else saveEncoded(this.#shape, this.#blocks.u8, at, out, row)
  }

  /** Adds what `save` wrote. */
  load(column: Column, row: number): void {
    if (isInPlace(this.#shape)) this.#addNumber((column as FixedColumn).values[row] as number)
    else {
      loadEncoded(this.#shape, column, row, this.#encoder)
      this.#addEncoded()
    }
    this.#setField(this.#saved, this.length)
    this.#setField(this.#savedBytes, this.#field(this.#bytes))
  }

  #addNumber(value: number): void {
    const used = this.#field(this.#bytes)
    const block = this.#reserve(used, 8)
    this.#blocks.f64[block + (used >> 3)] = value
    this.#wasAdded(used + 8)
  }

  /** Adds what lies in the encoder. */
  #addEncoded(): void {
    const used = this.#field(this.#bytes)
    const { length } = this.#encoder
    const block = this.#reserve(used, length)
    this.#blocks.u8.set(this.#encoder.bytes.subarray(0, length), 8 * block + used)
    this.#wasAdded(used + length)
  }

  #wasAdded(bytes: number): void {
    this.#setField(this.#bytes, bytes)
    const { table, record } = this.#cursor
    table.mark(record)
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
    if (this.#field(this.#saved) > 0) this.onCleared()
    this.#blocks.free(this.#field(this.#block), this.#field(this.#blockClass))
    const fields = [this.#count, this.#block, this.#bytes, this.#saved, this.#savedBytes]
    for (const field of fields) this.#setField(field, 0)
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
