/**
 * Single values of any type in typed memory: what lists, sets, extremes and value state hold.
 *
 * A cell takes one double (two for big decimals). Numbers of at most 53 bits lie there as float64; int64, uint64, time,
 * timestamp and decimal as their exact bits, low word first, so that equal values have equal bits whether their column
 * was `fixed` or `wide`; strings as their number in the string table. Nested values are encoded to bytes and interned:
 * equal ones have equal numbers too, but no order.
 */
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column, FixedColumn, WideColumn } from '../data/column.ts'
import type { FixedColumnBuilder } from '../data/fixed-column-builder.ts'
import { readValue } from '../data/read-value.ts'
import type { DataType } from '../data/type.ts'
import type { Utf8ColumnBuilder } from '../data/utf8-column-builder.ts'
import { writeValue } from '../data/write-value.ts'
import { assert } from '../errors.ts'
import type { ByteReader, ByteWriter } from './byte-cell.ts'
import type { StringTable } from './string-table.ts'
import { ValueEncoder, decodeValue } from './value-codec.ts'

/** How a cell holds its value. */
export type CellKind = 'number' | 'int64' | 'int128' | 'string'

/** The cell kind of a type, or undefined for nested types. */
export function cellKind(type: DataType): CellKind | undefined {
  switch (type.kind) {
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'float32':
    case 'float64':
    case 'date':
      return 'number'
    case 'int64':
    case 'uint64':
    case 'time':
    case 'timestamp':
      return 'int64'
    case 'decimal':
      return type.precision <= 18 ? 'int64' : 'int128'
    case 'string':
    case 'bytes':
    case 'uuid':
    case 'json':
      return 'string'
    default:
      return undefined
  }
}

/** Doubles that a cell of a kind takes. */
function cellDoubles(kind: CellKind): number {
  return kind === 'int128' ? 2 : 1
}

/** Memory seen as doubles and as words. */
export interface Memory {
  readonly f64: Float64Array
  readonly i32: Int32Array
}

/** Reads, writes and compares cells of one type. `at` is always in doubles. */
export class CellCodec {
  readonly type: DataType
  readonly kind: CellKind
  readonly doubles: number
  readonly #strings: StringTable
  readonly #unsigned: boolean
  /** For nested types, whose values are encoded first. */
  readonly #encoder: ValueEncoder | undefined
  #wideValues: BigInt64Array | undefined
  #wideWords: Int32Array = new Int32Array(0)

  constructor(type: DataType, strings: StringTable) {
    const plain = cellKind(type)
    const kind = plain ?? 'string'
    this.type = type
    this.kind = kind
    this.#encoder = plain === undefined ? new ValueEncoder() : undefined
    this.doubles = cellDoubles(kind)
    this.#strings = strings
    this.#unsigned = type.kind === 'uint64'
  }

  /** Writes the value of a valid row. A string is interned but not retained. */
  store(memory: Memory, at: number, column: Column, row: number): void {
    switch (this.kind) {
      case 'number': {
        const value = (column as FixedColumn).values[row] as number
        // One zero and one NaN, so that equal values have equal bits.
        memory.f64[at] = value === value ? value + 0 : Number.NaN
        return
      }
      case 'string':
        memory.f64[at] = this.#internCell(column, row)
        return
      default:
        this.#storeInteger(memory, at, column, row)
    }
  }

  /** Puts a whole number, exact in float64, into an integer cell. */
  storeNumber(memory: Memory, at: number, value: number): void {
    if (this.kind === 'number') {
      memory.f64[at] = value
      return
    }
    const low = value | 0
    const high = low === value ? low >> 31 : Math.floor(value / 4294967296) | 0
    memory.i32[2 * at] = low
    memory.i32[2 * at + 1] = high
    if (this.kind === 'int128') memory.i32[2 * at + 2] = memory.i32[2 * at + 3] = high >> 31
  }

  /** Order of two cells, possibly in different memories: numeric (NaN greatest) or bytewise. */
  compare(left: Memory, leftAt: number, right: Memory, rightAt: number): number {
    switch (this.kind) {
      case 'number':
        return compareNumbers(left.f64[leftAt] as number, right.f64[rightAt] as number)
      case 'string':
        return this.#strings.compare(left.f64[leftAt] as number, right.f64[rightAt] as number)
      case 'int64':
        return this.#compareWords(left.i32, 2 * leftAt, right.i32, 2 * rightAt)
      case 'int128':
        return (
          compareNumbers(highPart(left.i32, 2 * leftAt), highPart(right.i32, 2 * rightAt)) ||
          compareNumbers(lowPart(left.i32, 2 * leftAt), lowPart(right.i32, 2 * rightAt)) ||
          compareUnsigned(left.i32, 2 * leftAt, right.i32, 2 * rightAt)
        )
    }
  }

  /** The whole number in an integer cell when it is exact in float64, else NaN. */
  number(memory: Memory, at: number): number {
    if (this.kind === 'number' || this.kind === 'string') return memory.f64[at] as number
    const low = memory.i32[2 * at] as number
    const high = memory.i32[2 * at + 1] as number
    if (this.kind === 'int128') {
      const sign = high >> 31
      if (memory.i32[2 * at + 2] !== sign || memory.i32[2 * at + 3] !== sign) return Number.NaN
    }
    const value = (this.#unsigned ? high >>> 0 : high) * 4294967296 + (low >>> 0)
    return Number.isSafeInteger(value) ? value : Number.NaN
  }

  /** The value of an integer cell. */
  bigint(memory: Memory, at: number): bigint {
    return integerOfWords(memory.i32, 2 * at, this.kind === 'int128' ? 4 : 2, this.#unsigned)
  }

  /** Counts a reference to what the cell refers to. */
  retain(memory: Memory, at: number): void {
    if (this.kind === 'string') this.#strings.retain(memory.f64[at] as number)
  }

  /** Gives up a reference. */
  release(memory: Memory, at: number): void {
    if (this.kind === 'string') this.#strings.release(memory.f64[at] as number)
  }

  /** Writes the cell's value to a row of a column of the cell's type. */
  write(memory: Memory, at: number, out: ColumnBuilder, row: number): void {
    if (this.kind === 'string') {
      const id = memory.f64[at] as number
      const { bytes, starts, lengths } = this.#strings
      if (this.#encoder !== undefined) writeValue(out, row, decodeValue(bytes, starts[id] as number), 'value')
      else (out as Utf8ColumnBuilder).setBytes(row, bytes, starts[id] as number, lengths[id] as number)
      return
    }
    const value = this.number(memory, at)
    const isExact = this.kind !== 'number' && value !== value
    if (isExact) (out as FixedColumnBuilder).setExact(row, this.bigint(memory, at))
    else (out as FixedColumnBuilder).values[row] = value
  }

  /** Writes the cell's value into a snapshot: numbers as float64, integers as their words, the others as bytes. */
  save(memory: Memory, at: number, out: ByteWriter): void {
    if (this.kind === 'string') {
      const id = memory.f64[at] as number
      const { bytes, starts, lengths } = this.#strings
      out.block(bytes, starts[id] as number, lengths[id] as number)
    } else if (this.kind === 'number') out.f64(memory.f64[at] as number)
    else for (let w = 2 * at; w < 2 * (at + this.doubles); w++) out.i32(memory.i32[w] as number)
  }

  /** Reads what `save` wrote. A string is interned but not retained. */
  load(memory: Memory, at: number, from: ByteReader): void {
    if (this.kind === 'string') {
      const length = from.i32()
      memory.f64[at] = this.#strings.intern(from.bytes, from.raw(length), length)
    } else if (this.kind === 'number') memory.f64[at] = from.f64()
    else for (let w = 2 * at; w < 2 * (at + this.doubles); w++) memory.i32[w] = from.i32()
  }

  #internCell(column: Column, row: number): number {
    if (this.#encoder !== undefined) {
      this.#encoder.encode(readValue(column, row))
      return this.#strings.intern(this.#encoder.bytes, 0, this.#encoder.length)
    }
    if (column.layout === 'dictionary') {
      const { bytes, starts, lengths } = column.dictionary
      const code = column.codes[row] as number
      return this.#strings.intern(bytes, starts[code] as number, lengths[code] as number)
    }
    assert(column.layout === 'utf8', 'a string column is neither utf8 nor dictionary')
    return this.#strings.intern(column.bytes, column.starts[row] as number, column.lengths[row] as number)
  }

  #storeInteger(memory: Memory, at: number, column: Column, row: number): void {
    if (column.layout === 'fixed') {
      this.storeNumber(memory, at, column.values[row] as number)
      return
    }
    const wide = column as WideColumn
    const { i32 } = memory
    const words = this.#wordsOf(wide.values)
    const perRow = this.type.kind === 'decimal' ? 4 : 2
    for (let w = 0; w < 2 * this.doubles; w++) i32[2 * at + w] = words[perRow * row + w] as number
  }

  /** A wide column seen as words; the view is made once per column, not per row. */
  #wordsOf(values: BigInt64Array): Int32Array {
    if (this.#wideValues !== values) {
      this.#wideValues = values
      this.#wideWords = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
    }
    return this.#wideWords
  }

  #compareWords(left: Int32Array, l: number, right: Int32Array, r: number): number {
    const a = left[l + 1] as number
    const b = right[r + 1] as number
    if (a !== b) return this.#unsigned ? (a >>> 0) - (b >>> 0) : a - b
    return ((left[l] as number) >>> 0) - ((right[r] as number) >>> 0)
  }
}

/** Order of numbers with NaN after everything and equal to itself. */
export function compareNumbers(left: number, right: number): number {
  if (left < right) return -1
  if (left > right) return 1
  if (left === right) return 0
  return Number(left !== left) - Number(right !== right)
}

/** A two's complement integer of 2 or 4 words, low word first. */
export function integerOfWords(words: Int32Array, at: number, count: number, unsigned: boolean): bigint {
  let value = 0n
  for (let w = count - 1; w >= 0; w--) value = (value << 32n) | BigInt((words[at + w] as number) >>> 0)
  return unsigned ? value : BigInt.asIntN(32 * count, value)
}

function highPart(words: Int32Array, at: number): number {
  return words[at + 3] as number
}

function lowPart(words: Int32Array, at: number): number {
  return (words[at + 2] as number) >>> 0
}

function compareUnsigned(left: Int32Array, l: number, right: Int32Array, r: number): number {
  return (
    ((left[l + 1] as number) >>> 0) - ((right[r + 1] as number) >>> 0) ||
    ((left[l] as number) >>> 0) - ((right[r] as number) >>> 0)
  )
}
