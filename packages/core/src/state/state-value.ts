/**
 * How one value of keyed state lies in a record: numbers as float64 in place, everything else encoded in a block.
 *
 * What a user function sets is checked before (value-check.ts).
 */
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column, FixedColumn, Utf8Column } from '../data/column.ts'
import type { FixedColumnBuilder } from '../data/fixed-column-builder.ts'
import { typeToString } from '../data/type-text.ts'
import type { DataType } from '../data/type.ts'
import type { Utf8ColumnBuilder } from '../data/utf8-column-builder.ts'
import { assert } from '../errors.ts'
import type { BlockHeap } from './block-heap.ts'
import { classFor } from './block-heap.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import type { RecordStore } from './record-store.ts'
import { TEXT_HEADER_BYTES, ValueEncoder, decodeValue, encodedEnd } from './value-codec.ts'

/** How values of a type are checked and kept. */
export type ValueShape = 'number' | 'integer' | 'boolean' | 'bigint' | 'text' | 'other'

/** The shape of a type's row values. */
export function valueShape(type: DataType): ValueShape {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'float32':
    case 'float64':
      return 'number'
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? 'bigint' : 'integer'
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'time':
    case 'timestamp':
      return 'integer'
    case 'string':
    case 'uuid':
    case 'decimal':
    case 'date':
      return 'text'
    default:
      return 'other'
  }
}

/** The type of the column in which a snapshot has values of a shape: wide enough for all that the state takes. */
export function savedType(shape: ValueShape): DataType {
  switch (shape) {
    case 'number':
      return { kind: 'float64' }
    case 'integer':
      return { kind: 'int64', rows: 'number' }
    case 'boolean':
      return { kind: 'boolean' }
    case 'text':
      return { kind: 'string' }
    case 'bigint':
    case 'other':
      return { kind: 'bytes' }
  }
}

/**
 * What the type of the column leaves out, to stand behind its name: a text that is a date is no other text, and an encoded
 * struct no other struct. Whole numbers and floats of any width are the same.
 */
export function savedTypeNote(type: DataType): string {
  const shape = valueShape(type)
  const isInstant = type.kind === 'time' || type.kind === 'timestamp'
  const isPlain = (isInPlace(shape) && !isInstant) || type.kind === 'string'
  return isPlain ? '' : ` ${typeToString(type)}`
}

/** Writes an encoded value to a cell of a column of `savedType`. */
export function saveEncoded(
  shape: ValueShape,
  bytes: Uint8Array,
  at: number,
  out: ColumnBuilder,
  row: number,
): void {
  if (isInPlace(shape)) (out as FixedColumnBuilder).values[row] = toNumber(decodeValue(bytes, at))
  else {
    const end = encodedEnd(bytes, at)
    const start = shape === 'text' ? at + TEXT_HEADER_BYTES : at
    ;(out as Utf8ColumnBuilder).setBytes(row, bytes, start, end - start)
  }
}

/** Encodes what `saveEncoded` wrote; the result lies in the encoder. */
export function loadEncoded(shape: ValueShape, column: Column, row: number, encoder: ValueEncoder): void {
  if (isInPlace(shape)) {
    encoder.encode(fromNumber(shape, (column as FixedColumn).values[row] as number))
    return
  }
  const { bytes, starts, lengths } = column as Utf8Column
  assert(column.layout === 'utf8', 'values of state are not in a column of bytes')
  const start = starts[row] as number
  const length = lengths[row] as number
  if (shape === 'text') encoder.encodeText(bytes, start, length)
  else encoder.takeEncoded(bytes, start, length)
}

/** Whether values of a shape are a float64 in place. */
export function isInPlace(shape: ValueShape): boolean {
  return shape === 'number' || shape === 'integer' || shape === 'boolean'
}

/** The number that stands for a value in place. */
export function toNumber(value: unknown): number {
  return value === true ? 1 : value === false ? 0 : (value as number)
}

/** The value that a number in place stands for. */
export function fromNumber(shape: ValueShape, value: number): unknown {
  return shape === 'boolean' ? value !== 0 : value
}

/** The fields that hold one value in a record. */
export class ValueSlot {
  readonly shape: ValueShape
  readonly #number: RecordField | undefined
  readonly #block: RecordField | undefined
  readonly #blockClass: RecordField | undefined
  readonly #blocks: BlockHeap
  readonly #encoder = new ValueEncoder()

  constructor(type: DataType, layout: RecordLayout, blocks: BlockHeap) {
    this.shape = valueShape(type)
    this.#blocks = blocks
    if (isInPlace(this.shape)) this.#number = layout.add('f64', 0)
    else {
      this.#block = layout.add('i32', 0)
      this.#blockClass = layout.add('i32', 0)
    }
  }

  /** The value of a record that has one. */
  get(store: RecordStore, record: number): unknown {
    if (this.#number !== undefined) {
      return fromNumber(this.shape, store.f64[record * (store.words >> 1) + this.#number.offset] as number)
    }
    const block = store.i32[record * store.words + (this.#block as RecordField).offset] as number
    return decodeValue(this.#blocks.u8, 8 * block)
  }

  /** Puts a value that was checked into a record. */
  set(store: RecordStore, record: number, value: unknown): void {
    if (this.#number !== undefined) {
      store.f64[record * (store.words >> 1) + this.#number.offset] = toNumber(value)
      return
    }
    this.#encoder.encode(value)
    this.#setEncoded(store, record)
  }

  /** Writes the value of a record that has one to a cell of a column of `savedType`. */
  save(store: RecordStore, record: number, out: ColumnBuilder, row: number): void {
    if (this.#number !== undefined) {
      const at = record * (store.words >> 1) + this.#number.offset
      ;(out as FixedColumnBuilder).values[row] = store.f64[at] as number
      return
    }
    const block = store.i32[record * store.words + (this.#block as RecordField).offset] as number
    saveEncoded(this.shape, this.#blocks.u8, 8 * block, out, row)
  }

  /** Puts what `save` wrote into a record. */
  load(store: RecordStore, record: number, column: Column, row: number): void {
    if (this.#number !== undefined) {
      const at = record * (store.words >> 1) + this.#number.offset
      store.f64[at] = (column as FixedColumn).values[row] as number
      return
    }
    loadEncoded(this.shape, column, row, this.#encoder)
    this.#setEncoded(store, record)
  }

  /** Puts what lies in the encoder into a record. */
  #setEncoded(store: RecordStore, record: number): void {
    const { length } = this.#encoder
    const at = record * store.words + (this.#block as RecordField).offset
    const classAt = record * store.words + (this.#blockClass as RecordField).offset
    const needed = classFor((length + 7) >> 3)
    if (store.i32[at] === 0 || store.i32[classAt] !== needed) {
      this.#blocks.free(store.i32[at] as number, store.i32[classAt] as number)
      store.i32[at] = this.#blocks.allocate(needed)
      store.i32[classAt] = needed
    }
    this.#blocks.u8.set(this.#encoder.bytes.subarray(0, length), 8 * (store.i32[at] as number))
  }

  /** Gives back the memory of a record's value. */
  release(store: RecordStore, record: number): void {
    if (this.#block === undefined) return
    const at = record * store.words + this.#block.offset
    this.#blocks.free(
      store.i32[at] as number,
      store.i32[record * store.words + (this.#blockClass as RecordField).offset] as number,
    )
    store.i32[at] = 0
  }
}
