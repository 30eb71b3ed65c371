/**
 * Reads strings of one column, batch after batch, decoding each row's string once.
 *
 * ASCII is read as Latin-1, which is faster; whether the column's part of the chunk is ASCII is found out once per
 * batch, at the first read. Entries of a dictionary are decoded once per dictionary (codes are stable, column.ts).
 */
import type { Column, DictionaryColumn, Utf8Column } from './column.ts'
import type { TextBuffer } from './text-bytes.ts'
import { isAscii, textBufferOf } from './text-bytes.ts'

/** Rows of a batch whose ranges are looked at to decide whether it is ASCII. */
const UNKNOWN = 0
const ASCII = 1
const UTF8 = 2

/** Decoded entries of dictionaries, for all readers; lives as long as the dictionary. */
const decodedEntries = new WeakMap<Utf8Column, (string | undefined)[]>()

/** Reads one string column. */
export class TextReader {
  #ranges: Utf8Column | undefined
  #buffer: TextBuffer | undefined
  #encoding: typeof UNKNOWN | typeof ASCII | typeof UTF8 = UNKNOWN
  #codes: Int32Array | undefined
  #entries: (string | undefined)[] | undefined
  #cachedIndex = -1
  #cached = ''

  /** Takes the column of another batch. */
  bind(column: Column): void {
    this.#cachedIndex = -1
    this.#buffer = undefined
    this.#encoding = UNKNOWN
    if (column.layout === 'dictionary') {
      this.#ranges = column.dictionary
      this.#codes = column.codes
      this.#entries = entriesOf(column)
    } else {
      this.#ranges = column as Utf8Column
      this.#codes = undefined
      this.#entries = undefined
    }
  }

  /** The string of a row that is not null. */
  read(index: number): string {
    if (this.#cachedIndex === index) return this.#cached
    const text = this.#codes === undefined ? this.#decode(index) : this.#entry(this.#codes[index] as number)
    this.#cachedIndex = index
    this.#cached = text
    return text
  }

  #entry(code: number): string {
    const entries = this.#entries as (string | undefined)[]
    const known = entries[code]
    if (known !== undefined) return known
    const { bytes, starts, lengths } = this.#ranges as Utf8Column
    const start = starts[code] as number
    const text = textBufferOf(bytes).utf8Slice(start, start + (lengths[code] as number))
    entries[code] = text
    return text
  }

  #decode(index: number): string {
    const { bytes, starts, lengths } = this.#ranges as Utf8Column
    const start = starts[index] as number
    const length = lengths[index] as number
    if (length === 0) return ''
    const buffer = (this.#buffer ??= textBufferOf(bytes))
    if (this.#encoding === UTF8) return buffer.utf8Slice(start, start + length)
    // Looking at the row's own bytes costs less than its string; long ones are left to the native decoder.
    if (length <= 64 && isAsciiShort(bytes, start, length)) return buffer.latin1Slice(start, start + length)
    return isAscii(bytes, start, start + length)
      ? buffer.latin1Slice(start, start + length)
      : buffer.utf8Slice(start, start + length)
  }
}

function isAsciiShort(bytes: Uint8Array, start: number, length: number): boolean {
  let any = 0
  for (let i = start; i < start + length; i++) any |= bytes[i] as number
  return any < 128
}

function entriesOf(column: DictionaryColumn): (string | undefined)[] {
  let entries = decodedEntries.get(column.dictionary)
  if (entries === undefined) {
    entries = []
    decodedEntries.set(column.dictionary, entries)
  }
  return entries
}
