/**
 * Writes leaves of numbers: integers, dates, times, timestamps, decimals of up to 18 digits, floats.
 *
 * A page's values are collected as float64 (exact for safe integers), or as 64-bit words when a column is wide. They
 * are written as dictionary codes where values repeat, else delta-packed (integers) or PLAIN.
 */
import type { Column, FixedColumn, WideColumn } from '../../../data/column.ts'
import { wideWords } from '../../../data/layout.ts'
import type { DataType } from '../../../data/type.ts'
import type { ByteSink } from './byte-sink.ts'
import { writeDeltas } from './delta-writer.ts'
import { DictionaryChoice } from './dictionary-choice.ts'
import { grownCapacity } from './leaf.ts'
import { NumberDictionary } from './number-dictionary.ts'
import { writeNumbers } from './plain-numbers.ts'
import { bitWidth } from './rle-reader.ts'
import { writeRuns } from './rle-writer.ts'
import type { ByteBounds, ValueWriter } from './value-writer.ts'
import { encoding, physicalType } from './vocabulary.ts'

/** Collects and encodes numbers. */
export class NumberWriter implements ValueWriter {
  private readonly type: DataType
  private readonly physical: number
  private readonly isFloat: boolean
  private readonly isUnsigned: boolean
  private readonly choice = new DictionaryChoice()
  private readonly dictionary = new NumberDictionary()
  /** The chunk has pages of codes. */
  private anyCodes = false
  private values: Float64Array = new Float64Array(0)
  private codes: Int32Array = new Int32Array(0)
  private words: BigInt64Array = new BigInt64Array(0)
  private isWide = false
  private length = 0
  private low = Infinity
  private high = -Infinity
  private lowWord: bigint | undefined
  private highWord: bigint | undefined

  constructor(type: DataType, physical: number) {
    this.type = type
    this.physical = physical
    this.isFloat = physical === physicalType.float || physical === physicalType.double
    this.isUnsigned = type.kind === 'uint64'
  }

  startChunk(): void {
    this.choice.startChunk()
    this.dictionary.clear()
    this.anyCodes = false
    this.low = Infinity
    this.high = -Infinity
    this.lowWord = undefined
    this.highWord = undefined
  }

  pageBytes(): number {
    return (
      this.length * (this.physical === physicalType.int32 || this.physical === physicalType.float ? 4 : 8)
    )
  }

  needsFlush(column: Column): boolean {
    return this.length > 0 && this.isWide !== (column.layout === 'wide')
  }

  append(column: Column, rows: Int32Array | undefined, first: number, count: number): void {
    if (column.layout === 'wide') {
      this.appendWords(column, rows, first, count)
      return
    }
    this.isWide = false
    if (this.length + count > this.values.length) {
      const grown = new Float64Array(grownCapacity(this.values.length, this.length + count))
      grown.set(this.values.subarray(0, this.length))
      this.values = grown
    }
    this.copyValues((column as FixedColumn).values, rows, first, count)
    this.length += count
  }

  private copyValues(
    from: FixedColumn['values'],
    rows: Int32Array | undefined,
    first: number,
    count: number,
  ): void {
    const { values, length } = this
    if (rows === undefined) values.set(from.subarray(first, first + count), length)
    else
      for (let index = 0; index < count; index++)
        values[length + index] = from[rows[index] as number] as number
  }

  private appendWords(column: WideColumn, rows: Int32Array | undefined, first: number, count: number): void {
    this.isWide = true
    if (this.length + count > this.words.length) {
      const grown = new BigInt64Array(grownCapacity(this.words.length, this.length + count))
      grown.set(this.words.subarray(0, this.length))
      this.words = grown
    }
    // Decimals of up to 18 digits fit their low word.
    const stride = wideWords(this.type)
    for (let index = 0; index < count; index++) {
      const row = rows === undefined ? first + index : (rows[index] as number)
      this.words[this.length++] = column.values[row * stride] as bigint
    }
  }

  encodePage(sink: ByteSink): number {
    const chosen = this.isWide ? this.encodeWords(sink) : this.encodeValues(sink)
    this.length = 0
    return chosen
  }

  private encodeWords(sink: ByteSink): number {
    const { words, length } = this
    const byteCount = this.physical === physicalType.int32 ? 4 : 8
    sink.reserve(length * byteCount)
    for (let index = 0; index < length; index++) {
      const word = words[index] as bigint
      this.coverWord(word)
      if (byteCount === 8) sink.view.setBigInt64(sink.length + index * 8, word, true)
      else sink.view.setInt32(sink.length + index * 4, Number(word), true)
    }
    sink.length += length * byteCount
    return encoding.plain
  }

  private coverWord(word: bigint): void {
    const value = this.isUnsigned ? BigInt.asUintN(64, word) : word
    if (this.lowWord === undefined || value < this.lowWord) this.lowWord = value
    if (this.highWord === undefined || value > this.highWord) this.highWord = value
  }

  private encodeValues(sink: ByteSink): number {
    const { values, length, physical } = this
    if (this.physical === physicalType.float) roundToFloat(values, length)
    this.cover()
    // As the signed words that stand in the file.
    if (this.type.kind === 'uint32')
      for (let index = 0; index < length; index++) values[index] = (values[index] as number) | 0
    if (length > 0 && this.choice.isOn && this.findCodes()) {
      const width = bitWidth(Math.max(0, this.dictionary.length - 1))
      sink.byte(width)
      writeRuns(this.codes, length, width, sink)
      this.anyCodes = true
      return encoding.rleDictionary
    }
    if (!this.isFloat && writeDeltas(values, length, physical === physicalType.int32, sink))
      return encoding.deltaBinaryPacked
    writeNumbers(values, length, physical, sink)
    return encoding.plain
  }

  private cover(): void {
    // In pieces: a function that is called often is optimised as a whole, one long loop only in its middle.
    for (let from = 0; from < this.length; from += 1024)
      this.coverValues(from, Math.min(this.length, from + 1024))
  }

  private coverValues(from: number, end: number): void {
    const { values } = this
    let { low, high } = this
    for (let index = from; index < end; index++) {
      // Comparisons with NaN are false, so it is in no bounds.
      const value = values[index] as number
      if (value < low) low = value
      if (value > high) high = value
    }
    this.low = low
    this.high = high
  }

  /** The codes of the page's values; false when the dictionary is given up. */
  private findCodes(): boolean {
    const { values, length, dictionary, choice } = this
    if (this.codes.length < length) this.codes = new Int32Array(this.values.length)
    const before = dictionary.length
    for (let from = 0; from < length; from += 1024) {
      const end = Math.min(length, from + 1024)
      for (let index = from; index < end; index++)
        this.codes[index] = dictionary.codeOf(values[index] as number)
      if (choice.goesOn(end - from, dictionary.length, dictionary.length * 8)) continue
      // Entries that only this page would have used are not written.
      dictionary.length = before
      return false
    }
    return true
  }

  encodeDictionary(sink: ByteSink): number {
    if (!this.anyCodes) return 0
    writeNumbers(this.dictionary.values, this.dictionary.length, this.physical, sink)
    return this.dictionary.length
  }

  bounds(): ByteBounds | undefined {
    if (this.low <= this.high && !this.isFloat) {
      this.coverWord(BigInt(this.low))
      this.coverWord(BigInt(this.high))
    }
    const [min, max] = this.isFloat ? this.floatBounds() : this.wholeBounds()
    return min === undefined || max === undefined ? undefined : { min, max, minExact: true, maxExact: true }
  }

  private wholeBounds(): readonly (Uint8Array | undefined)[] {
    const byteCount = this.physical === physicalType.int32 ? 4 : 8
    return [this.lowWord, this.highWord].map((word) => {
      if (word === undefined) return undefined
      const view = new DataView(new ArrayBuffer(8))
      view.setBigInt64(0, BigInt.asIntN(64, word), true)
      return new Uint8Array(view.buffer, 0, byteCount)
    })
  }

  /** A zero bound takes the sign that covers both zeros, as parquet.thrift asks. */
  private floatBounds(): readonly (Uint8Array | undefined)[] {
    if (!(this.low <= this.high)) return [undefined, undefined]
    return [this.low === 0 ? -0 : this.low, this.high === 0 ? 0 : this.high].map((value) => {
      const bytes = this.physical === physicalType.float ? 4 : 8
      const view = new DataView(new ArrayBuffer(bytes))
      if (bytes === 4) view.setFloat32(0, value, true)
      else view.setFloat64(0, value, true)
      return new Uint8Array(view.buffer)
    })
  }
}

function roundToFloat(values: Float64Array, length: number): void {
  for (let index = 0; index < length; index++) values[index] = Math.fround(values[index] as number)
}
