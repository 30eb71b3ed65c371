/**
 * Builds a column of strings, bytes, uuids or JSON texts.
 *
 * It is in one of three modes (C3: one chunk per column). `arena`: values are copied into memory of its own.
 * `chunk`: rows are ranges of one foreign chunk; generated decoders write `starts` and `lengths` themselves.
 * `dictionary`: rows are codes of one foreign dictionary, or of a copy that the builder makes of one (own-dictionary.ts).
 * A value that does not fit the mode moves all rows to the arena.
 */
import type { DictionaryColumn, Utf8Column } from './column.ts'
import { OwnDictionary } from './own-dictionary.ts'
import type { TextBuffer } from './text-bytes.ts'
import { copyBytes, textBufferOf, textBytesMax, writeText } from './text-bytes.ts'
import type { DataType } from './type.ts'
import { ValidityBuilder } from './validity.ts'

/** Bytes a column may hold: offsets are 32-bit. */
export const CHUNK_BYTES_MAX: number = 2 ** 31 - 1

/** A growing column of byte ranges. */
export class Utf8ColumnBuilder {
  readonly layout = 'utf8'
  readonly type: DataType
  readonly nullable: boolean
  /** Start of each row in the arena or chunk; replaced by `reserve`. */
  starts: Int32Array
  lengths: Int32Array
  readonly validity: ValidityBuilder
  /** The arena. Generated code may write behind `bytesLength` after `reserveBytes`, and then moves `bytesLength`. */
  bytes: Uint8Array
  /** The arena's memory with native text access; replaced together with `bytes`. */
  text: TextBuffer
  bytesLength = 0
  /** Codes of rows in dictionary mode; shares no memory with `starts`. */
  codes: Int32Array | undefined
  #chunk: Uint8Array | undefined
  #dictionary: Utf8Column | undefined
  #dictionaryLength = 0
  /** Kept over `reset`, so that codes stay the same from batch to batch. */
  #copied: OwnDictionary | undefined

  constructor(type: DataType, nullable: boolean, capacity: number) {
    this.type = type
    this.nullable = nullable
    this.starts = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
    this.validity = new ValidityBuilder(capacity)
    this.bytes = new Uint8Array(Math.min(capacity * 16, 1 << 16))
    this.text = textBufferOf(this.bytes)
  }

  /** The foreign chunk in use, if any. */
  get chunk(): Uint8Array | undefined {
    return this.#chunk
  }

  /** The foreign dictionary in use, if any. */
  get dictionary(): Utf8Column | undefined {
    return this.#dictionary
  }

  /** Makes room for rows; the arrays may be replaced. */
  reserve(capacity: number): void {
    if (capacity <= this.starts.length) return
    this.starts = grown(this.starts, capacity)
    this.lengths = grown(this.lengths, capacity)
    if (this.codes !== undefined) this.codes = grown(this.codes, capacity)
    this.validity.reserve(capacity)
  }

  /** Makes room for bytes behind `bytesLength` in the arena. */
  reserveBytes(more: number): void {
    const needed = this.bytesLength + more
    if (needed <= this.bytes.length) return
    if (needed > CHUNK_BYTES_MAX) {
      throw new RangeError(`a column batch holds at most ${CHUNK_BYTES_MAX} bytes of text, not ${needed}`)
    }
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES_MAX, Math.max(needed, this.bytes.length * 2)))
    bytes.set(this.bytes.subarray(0, this.bytesLength))
    this.bytes = bytes
    this.text = textBufferOf(bytes)
  }

  /** From now on rows are ranges of `chunk`, written to `starts` and `lengths`. Call it before the first row. */
  useChunk(chunk: Uint8Array): void {
    this.#chunk = chunk
  }

  /** From now on rows are codes of `dictionary`, written to the array it gives. Call it before the first row. */
  useDictionary(dictionary: Utf8Column, dictionaryLength: number): Int32Array {
    this.#dictionary = dictionary
    this.#dictionaryLength = dictionaryLength
    this.codes ??= new Int32Array(this.starts.length)
    return this.codes
  }

  /** More entries of the dictionary in use are valid. */
  setDictionaryLength(dictionaryLength: number): void {
    this.#dictionaryLength = Math.max(this.#dictionaryLength, dictionaryLength)
  }

  /** Whether rows are codes now. */
  get isInDictionary(): boolean {
    return this.#dictionary !== undefined
  }

  /** Whether the builder has a copy of entries of this foreign dictionary. */
  ownsDictionaryOf(source: Utf8Column): boolean {
    return this.#copied !== undefined && this.#copied.source === source
  }

  /** From now on rows are codes of a copy of a foreign dictionary; write them to `codes`, translated by what this gives. */
  useOwnDictionary(source: Utf8Column, entries: number): OwnDictionary {
    let copied = this.#copied
    if (copied === undefined || copied.source !== source) copied = new OwnDictionary(source, entries)
    this.#copied = copied
    this.useDictionary(copied.own, copied.length)
    return copied
  }

  /** Leaves chunk or dictionary mode: copies the first `rows` rows into the arena. */
  ownBytes(rows: number): void {
    const chunk = this.#chunk
    const dictionary = this.#dictionary
    this.#chunk = undefined
    this.#dictionary = undefined
    if (chunk !== undefined) {
      for (let row = 0; row < rows; row++) this.#copyIn(row, chunk, this.starts[row]!, this.lengths[row]!)
    } else if (dictionary !== undefined) {
      const codes = this.codes as Int32Array
      const { bytes, starts, lengths } = dictionary
      const isNull = (row: number): boolean => (this.validity.bits[row >> 3]! & (1 << (row & 7))) === 0
      for (let row = 0; row < rows; row++) {
        if (isNull(row)) this.setUnused(row)
        else this.#copyIn(row, bytes, starts[codes[row]!]!, lengths[codes[row]!]!)
      }
    }
  }

  /** The row is a JavaScript string. Rows before it must be there already. */
  setText(row: number, text: string): void {
    if (this.#chunk !== undefined || this.#dictionary !== undefined) this.ownBytes(row)
    const room = textBytesMax(text)
    if (this.bytesLength + room > this.bytes.length) this.reserveBytes(room)
    const length = writeText(this.text, this.bytesLength, text)
    this.starts[row] = this.bytesLength
    this.lengths[row] = length
    this.bytesLength += length
  }

  /** The row is a copy of bytes (UTF-8 unless the type is bytes). Rows before it must be there already. */
  setBytes(row: number, source: Uint8Array, start: number, length: number): void {
    if (this.#chunk !== undefined || this.#dictionary !== undefined) this.ownBytes(row)
    this.#copyIn(row, source, start, length)
  }

  /** The row is null. */
  setNull(row: number): void {
    this.setUnused(row)
    this.validity.setNull(row)
  }

  /** Fills a row that nobody can see (C2: its range is inside the bytes). */
  setUnused(row: number): void {
    this.starts[row] = 0
    this.lengths[row] = 0
    if (this.#dictionary !== undefined) (this.codes as Int32Array)[row] = 0
  }

  /** The rows so far as a column over the builder's memory: valid until `reset`. */
  finish(_length: number): Utf8Column | DictionaryColumn {
    const validity = this.validity.finish()
    const { type, starts, lengths } = this
    if (this.#dictionary !== undefined) {
      return {
        layout: 'dictionary',
        type,
        codes: this.codes as Int32Array,
        dictionary: this.#dictionary,
        dictionaryLength:
          this.#dictionary === this.#copied?.own ? this.#copied.length : this.#dictionaryLength,
        validity,
      }
    }
    return { layout: 'utf8', type, bytes: this.#chunk ?? this.bytes, starts, lengths, validity }
  }

  /** Forgets the rows from `length` on; their bytes stay in the arena until `reset`. */
  truncate(length: number): void {
    this.validity.truncate(length)
  }

  /** Forgets all rows and the mode, and keeps the memory. */
  reset(): void {
    this.validity.reset()
    this.bytesLength = 0
    this.#chunk = undefined
    this.#dictionary = undefined
    this.#dictionaryLength = 0
  }

  #copyIn(row: number, source: Uint8Array, start: number, length: number): void {
    if (this.bytesLength + length > this.bytes.length) this.reserveBytes(length)
    copyBytes(source, start, length, this.bytes, this.bytesLength)
    this.starts[row] = this.bytesLength
    this.lengths[row] = length
    this.bytesLength += length
  }
}

function grown(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity)
  larger.set(array)
  return larger
}
