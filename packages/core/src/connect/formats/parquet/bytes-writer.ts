/**
 * Writes leaves of strings, bytes and JSON texts, from bytes to bytes.
 *
 * Values that repeat are written as codes of a dictionary; a dictionary column's entries are looked up once per chunk,
 * not once per row. Other values are copied behind their lengths, PLAIN.
 */
import type { Column, DictionaryColumn, Utf8Column } from '../../../data/column.ts'
import type { ByteSink } from './byte-sink.ts'
import { ByteSink as Sink } from './byte-sink.ts'
import { ByteBoundsTracker } from './byte-bounds.ts'
import { BytesDictionary } from './bytes-dictionary.ts'
import { DictionaryChoice } from './dictionary-choice.ts'
import { grownCapacity } from './leaf.ts'
import { bitWidth } from './rle-reader.ts'
import { writeRuns } from './rle-writer.ts'
import type { ByteBounds, ValueWriter } from './value-writer.ts'
import { encoding } from './vocabulary.ts'

/** Values interned between two looks at the dictionary's size. */
const PORTION = 512

/** Collects and encodes byte strings. */
export class BytesWriter implements ValueWriter {
  private readonly choice = new DictionaryChoice()
  private readonly dictionary = new BytesDictionary()
  private readonly tracker: ByteBoundsTracker
  /** Codes of the present page, while it has codes. */
  private codes: Int32Array = new Int32Array(0)
  private codeCount = 0
  private anyCodes = false
  /** PLAIN values of the present page. */
  private readonly plain = new Sink(0)
  /** Codes of the entries of the dictionary that columns came with last; −1: not looked up. */
  private known: Utf8Column | undefined
  private knownCodes = new Int32Array(0)

  constructor(isText: boolean) {
    this.tracker = new ByteBoundsTracker(isText)
  }

  startChunk(): void {
    this.choice.startChunk()
    this.dictionary.clear()
    this.tracker.clear()
    this.anyCodes = false
    this.known = undefined
  }

  pageBytes(): number {
    return this.plain.length + this.codeCount * 2
  }

  needsFlush(): boolean {
    return false
  }

  append(column: Column, rows: Int32Array | undefined, first: number, count: number): void {
    let done = 0
    while (this.choice.isOn && done < count) {
      const part = Math.min(PORTION, count - done)
      this.appendCodes(column as Utf8Column | DictionaryColumn, rows?.subarray(done), first + done, part)
      done += part
      if (!this.choice.goesOn(part, this.dictionary.length, this.dictionary.byteLength)) this.giveUp()
    }
    if (done === count) return
    if (column.layout === 'dictionary')
      this.appendEntries(column, rows?.subarray(done), first + done, count - done)
    else this.appendPlain(column as Utf8Column, rows?.subarray(done), first + done, count - done)
  }

  /** Turns the page's codes into PLAIN values, so that a dictionary that no other page uses is not written. */
  private giveUp(): void {
    const { bytes, starts, lengths } = this.dictionary
    for (let index = 0; index < this.codeCount; index++) {
      const code = this.codes[index] as number
      const start = starts[code] as number
      this.appendValue(bytes, start, lengths[code] as number)
    }
    this.codeCount = 0
  }

  private appendCodes(
    column: Utf8Column | DictionaryColumn,
    rows: Int32Array | undefined,
    first: number,
    count: number,
  ): void {
    if (this.codeCount + count > this.codes.length) {
      const grown = new Int32Array(grownCapacity(this.codes.length, this.codeCount + count))
      grown.set(this.codes.subarray(0, this.codeCount))
      this.codes = grown
    }
    if (column.layout === 'dictionary') this.mapCodes(column, rows, first, count)
    else this.internRows(column, rows, first, count)
    this.codeCount += count
  }

  private internRows(column: Utf8Column, rows: Int32Array | undefined, first: number, count: number): void {
    const { codes, codeCount, dictionary } = this
    const { bytes, starts, lengths } = column
    for (let index = 0; index < count; index++) {
      const row = rows === undefined ? first + index : (rows[index] as number)
      codes[codeCount + index] = dictionary.codeOf(bytes, starts[row] as number, lengths[row] as number)
    }
  }

  private mapCodes(
    column: DictionaryColumn,
    rows: Int32Array | undefined,
    first: number,
    count: number,
  ): void {
    const { codes, codeCount } = this
    const knownCodes = this.codesOf(column)
    const { bytes, starts, lengths } = column.dictionary
    for (let index = 0; index < count; index++) {
      const entry = column.codes[rows === undefined ? first + index : (rows[index] as number)] as number
      let code = knownCodes[entry] as number
      if (code < 0) {
        code = this.dictionary.codeOf(bytes, starts[entry] as number, lengths[entry] as number)
        knownCodes[entry] = code
      }
      codes[codeCount + index] = code
    }
  }

  private codesOf(column: DictionaryColumn): Int32Array {
    const { dictionary, dictionaryLength } = column
    if (this.known !== dictionary) {
      this.known = dictionary
      this.knownCodes = new Int32Array(dictionaryLength).fill(-1)
    } else if (this.knownCodes.length < dictionaryLength) {
      const grown = new Int32Array(dictionaryLength).fill(-1)
      grown.set(this.knownCodes)
      this.knownCodes = grown
    }
    return this.knownCodes
  }

  private appendEntries(
    column: DictionaryColumn,
    rows: Int32Array | undefined,
    first: number,
    count: number,
  ): void {
    const { bytes, starts, lengths } = column.dictionary
    for (let index = 0; index < count; index++) {
      const entry = column.codes[rows === undefined ? first + index : (rows[index] as number)] as number
      this.appendChecked(bytes, starts[entry] as number, lengths[entry] as number)
    }
  }

  private appendPlain(column: Utf8Column, rows: Int32Array | undefined, first: number, count: number): void {
    const { bytes, starts, lengths } = column
    for (let index = 0; index < count; index++) {
      const row = rows === undefined ? first + index : (rows[index] as number)
      this.appendChecked(bytes, starts[row] as number, lengths[row] as number)
    }
  }

  private appendChecked(bytes: Uint8Array, start: number, length: number): void {
    this.tracker.cover(bytes, start, length)
    this.appendValue(bytes, start, length)
  }

  private appendValue(bytes: Uint8Array, start: number, length: number): void {
    const { plain } = this
    plain.reserve(length + 4)
    plain.view.setInt32(plain.length, length, true)
    const to = plain.length + 4
    // Short values are copied faster byte by byte than through a view.
    if (length < 48)
      for (let index = 0; index < length; index++) plain.bytes[to + index] = bytes[start + index] as number
    else plain.bytes.set(bytes.subarray(start, start + length), to)
    plain.length = to + length
  }

  encodePage(sink: ByteSink): number {
    if (this.codeCount === 0) {
      sink.append(this.plain.written())
      this.plain.length = 0
      return encoding.plain
    }
    const width = bitWidth(this.dictionary.length - 1)
    sink.byte(width)
    writeRuns(this.codes, this.codeCount, width, sink)
    this.codeCount = 0
    this.anyCodes = true
    return encoding.rleDictionary
  }

  encodeDictionary(sink: ByteSink): number {
    if (!this.anyCodes) return 0
    const { bytes, starts, lengths, length } = this.dictionary
    for (let code = 0; code < length; code++) {
      const start = starts[code] as number
      sink.int32(lengths[code] as number)
      sink.append(bytes.subarray(start, start + (lengths[code] as number)))
    }
    return length
  }

  bounds(): ByteBounds | undefined {
    const { bytes, starts, lengths, length } = this.dictionary
    for (let code = 0; code < length; code++)
      this.tracker.cover(bytes, starts[code] as number, lengths[code] as number)
    return this.tracker.bounds()
  }
}
