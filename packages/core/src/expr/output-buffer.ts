/**
 * Memory of computed output columns, reused from batch to batch (invariant B1 of data/batch.ts).
 *
 * Generated code writes at physical row indices into the arrays directly; text goes to the end of the byte arena.
 */
import type { Column, FixedArray, Utf8Column } from '../data/column.ts'
import type { DataType } from '../data/type.ts'
import { textBufferOf, textBytesMax, writeText } from '../data/text-bytes.ts'
import { columnOf, fixedArray } from './value.ts'
import type { Value } from './value.ts'

const none = new Uint8Array(0)

/** How an output is written. */
export type OutputForm = 'fixed' | 'wide' | 'text' | 'choice' | 'boxed'

/** The buffers of one output column. Arrays that the form does not use stay empty. */
export class OutputBuffer {
  readonly form: OutputForm
  readonly type: DataType
  /** fixed: the values. wide: words of 32 bits, lowest first. choice: dictionary codes are in `starts`. */
  values: FixedArray = none
  /** wide: whether a row is beyond ±(2^53 − 1). */
  isWide = false
  #narrow = new Float64Array(0)
  /** text: ranges. */
  starts: Int32Array = new Int32Array(0)
  lengths: Int32Array = new Int32Array(0)
  /** text: where the ranges point; an input column's chunk when the output only cuts it. */
  chunk: Uint8Array | undefined = undefined
  arena: Uint8Array = none
  arenaEnd = 0
  /** Bit per row, all set by `begin`; generated code clears bits and counts. */
  bits: Uint8Array = none
  nulls = 0
  /** boxed: the values. */
  boxed: Value[] = []
  /** choice: the texts. */
  readonly #dictionary: Utf8Column | undefined
  readonly #dictionaryLength: number
  #capacity = 0

  constructor(form: OutputForm, type: DataType, table: readonly string[] = []) {
    this.form = form
    this.type = type
    this.#dictionaryLength = table.length
    this.#dictionary = form === 'choice' ? (columnOf({ kind: 'string' }, table) as Utf8Column) : undefined
  }

  /** Makes room for `length` rows and forgets the last batch. */
  begin(length: number, nullable: boolean): void {
    if (length > this.#capacity) this.#grow(length)
    this.arenaEnd = 0
    this.chunk = undefined
    this.nulls = 0
    this.isWide = false
    if (nullable) this.bits.fill(255, 0, (length + 7) >> 3)
    if (this.form === 'boxed') this.boxed = new Array<Value>(length).fill(null)
  }

  #grow(length: number): void {
    this.#capacity = Math.max(length, Math.min(this.#capacity * 2, 1 << 20))
    const capacity = this.#capacity
    this.bits = new Uint8Array((capacity + 7) >> 3)
    if (this.form === 'fixed') this.values = fixedArray(this.type, capacity)
    if (this.form === 'wide') this.values = new Int32Array(capacity * this.#words)
    if (this.form === 'text' || this.form === 'choice') this.starts = new Int32Array(capacity)
    if (this.form === 'text') this.lengths = new Int32Array(capacity)
  }

  get #words(): number {
    return this.type.kind === 'decimal' ? 4 : 2
  }

  /** The words as a wide column, or as a narrow one where every row fits (C4). */
  #integers(length: number, validity: Uint8Array | undefined): Column {
    const { type } = this
    const words = this.values as Int32Array<ArrayBuffer>
    if (this.isWide) return { layout: 'wide', type, values: new BigInt64Array(words.buffer), validity }
    if (this.#narrow.length < length) this.#narrow = new Float64Array(this.#capacity)
    const values = this.#narrow
    const step = this.#words
    for (let row = 0; row < length; row++) {
      values[row] = (words[step * row + 1] as number) * 4294967296 + ((words[step * row] as number) >>> 0)
    }
    return { layout: 'fixed', type, values, validity }
  }

  /** Makes room for `count` more bytes in the arena and returns where they start. */
  reserve(count: number): number {
    const needed = this.arenaEnd + count
    if (needed > this.arena.length) {
      const larger = textBufferOf(new Uint8Array(Math.max(needed, this.arena.length * 2, 4096)))
      larger.set(this.arena.subarray(0, this.arenaEnd))
      this.arena = larger
    }
    return this.arenaEnd
  }

  /** Puts a string or bytes at the end of the arena and notes it as the text of a row. */
  putString(row: number, text: string | Uint8Array): void {
    const start = this.reserve(typeof text === 'string' ? textBytesMax(text) : text.length)
    let length: number
    if (typeof text === 'string') length = writeText(this.arena as never, start, text)
    else {
      this.arena.set(text, start)
      length = text.length
    }
    this.starts[row] = start
    this.lengths[row] = length
    this.arenaEnd = start + length
  }

  /** Copies a range to the end of the arena and notes it as the text of a row. */
  putRange(row: number, bytes: Uint8Array, from: number, length: number): void {
    const start = this.reserve(length)
    const { arena } = this
    if (length < 32) for (let i = 0; i < length; i++) arena[start + i] = bytes[from + i] as number
    else arena.set(bytes.subarray(from, from + length), start)
    this.starts[row] = start
    this.lengths[row] = length
    this.arenaEnd = start + length
  }

  /** The column of what was written. */
  column(length: number): Column {
    const { type } = this
    const validity = this.nulls > 0 ? this.bits : undefined
    switch (this.form) {
      case 'fixed':
        return { layout: 'fixed', type, values: this.values, validity }
      case 'wide':
        return this.#integers(length, validity)
      case 'text':
        return {
          layout: 'utf8',
          type,
          bytes: this.chunk ?? this.arena,
          starts: this.starts,
          lengths: this.lengths,
          validity,
        }
      case 'choice':
        return {
          layout: 'dictionary',
          type,
          codes: this.starts,
          dictionary: this.#dictionary as Utf8Column,
          dictionaryLength: this.#dictionaryLength,
          validity,
        }
      case 'boxed':
        return columnOf(type, this.boxed.slice(0, length))
    }
  }
}
