/**
 * Leaf decoder of 64-bit integers, timestamps, times and decimals, in whatever physical form.
 *
 * A batch is narrow (float64) until a value that is no safe integer appears; then what was read is converted and the
 * rest is read exactly (column.ts, C4). Wide decimals have two words per value, everything else one.
 */
import type { Column } from '../../../data/column.ts'
import { ByteStreams } from './byte-streams.ts'
import { damaged, unsupported } from './damage.ts'
import { DeltaReader } from './delta-reader.ts'
import { grownCapacity } from './leaf.ts'
import type { Leaf } from './leaf.ts'
import type { LeafType } from './leaf-type.ts'
import { BigEndianSource, Int32Source, Int64Source, Int96Source } from './long-source.ts'
import type { LongSource, PlainSource } from './long-source.ts'
import { RleReader } from './rle-reader.ts'
import { spread } from './spread.ts'
import { encoding, nameOf, physicalType } from './vocabulary.ts'

const PORTION = 8192

/** Decoder of long values. */
export class LongLeaf implements Leaf {
  private readonly leaf: LeafType
  private readonly words: number
  private readonly plain: PlainSource
  private readonly delta = new DeltaReader()
  private readonly streams = new ByteStreams()
  private readonly runs = new RleReader()
  private readonly codes = new Int32Array(PORTION)
  private source: LongSource
  private mode: 'source' | 'split' | 'codes' = 'source'
  private splitBytes = new Uint8Array(0)
  private dictionary: Float64Array | undefined
  /** Exact values, when one of the dictionary's is not safe. */
  private wideDictionary: bigint[] | undefined
  private floats = new Float64Array(0)
  private wides = new BigInt64Array(0)
  private isWide = false
  private length = 0

  constructor(leaf: LeafType) {
    this.leaf = leaf
    this.words = leaf.type.kind === 'decimal' ? 2 : 1
    this.plain = plainSource(leaf)
    this.source = this.plain
  }

  openChunk(): void {
    this.dictionary = undefined
    this.wideDictionary = undefined
  }

  openDictionary(bytes: Uint8Array, count: number): void {
    // A value has at least one byte (variable decimals: four).
    if (count > bytes.length) throw damaged('the dictionary is shorter than its count')
    this.plain.open(bytes, 0, bytes.length)
    const floats = new Float64Array(count)
    const read = this.plain.readFloats(floats, 0, count)
    this.dictionary = floats
    if (read === count) return
    const wides: bigint[] = []
    for (let index = 0; index < count; index++)
      wides.push(index < read ? BigInt(floats[index] as number) : this.plain.readBigint())
    this.wideDictionary = wides
    floats.set(wides.map(safeNumber))
  }

  openPage(code: number, bytes: Uint8Array, start: number, end: number): void {
    const { physical } = this.leaf
    this.mode = 'source'
    if (code === encoding.plain) {
      this.plain.open(bytes, start, end)
      this.source = this.plain
    } else if (code === encoding.rleDictionary || code === encoding.plainDictionary) {
      if (this.dictionary === undefined) throw damaged('a page of codes without a dictionary')
      this.mode = 'codes'
      if (start < end) this.runs.open(bytes, start + 1, end, bytes[start] as number)
      else this.runs.open(bytes, end, end, 1)
    } else if (code === encoding.deltaBinaryPacked && isInteger(physical)) {
      this.delta.open(bytes, start, end, physical === physicalType.int32)
      this.source = this.leaf.type.kind === 'uint64' ? new UnsignedDelta(this.delta) : this.delta
    } else if (code === encoding.byteStreamSplit && sizeOf(this.leaf) > 0) {
      this.mode = 'split'
      this.streams.open(bytes, start, end, sizeOf(this.leaf))
    } else throw unsupported(`encoding ${nameOf(encoding, code)} of ${nameOf(physicalType, physical)} values`)
  }

  begin(capacity: number): void {
    this.length = 0
    this.isWide = false
    if (this.floats.length < capacity) this.floats = new Float64Array(capacity)
  }

  readDense(count: number): void {
    this.reserve(this.length + count)
    for (let left = count; left > 0;) {
      const part = Math.min(left, PORTION)
      if (this.mode === 'codes') this.readCodes(part)
      else {
        if (this.mode === 'split') this.joinStreams(part)
        this.readSource(part)
      }
      left -= part
    }
  }

  private reserve(values: number): void {
    if (values > this.floats.length) {
      const grown = new Float64Array(grownCapacity(this.floats.length, values))
      grown.set(this.floats.subarray(0, this.isWide ? 0 : this.length))
      this.floats = grown
    }
    if (this.isWide && values * this.words > this.wides.length) {
      const grown = new BigInt64Array(this.floats.length * this.words)
      grown.set(this.wides.subarray(0, this.length * this.words))
      this.wides = grown
    }
  }

  private joinStreams(count: number): void {
    const byteCount = count * sizeOf(this.leaf)
    if (this.splitBytes.length < byteCount) this.splitBytes = new Uint8Array(byteCount)
    this.streams.read(this.splitBytes, count)
    this.plain.open(this.splitBytes, 0, byteCount)
    this.source = this.plain
  }

  private readSource(count: number): void {
    let done = 0
    if (!this.isWide) {
      done = this.source.readFloats(this.floats, this.length, count)
      this.length += done
      if (done === count) return
      this.widen()
    }
    for (; done < count; done++) this.appendWide(this.source.readBigint())
  }

  private readCodes(count: number): void {
    const { codes, wideDictionary } = this
    const dictionary = this.dictionary as Float64Array
    this.runs.read(codes, 0, count)
    const size = dictionary.length
    if (wideDictionary !== undefined && !this.isWide) this.widen()
    if (!this.isWide) {
      const { floats, length } = this
      for (let index = 0; index < count; index++) {
        const code = codes[index] as number
        if (code >>> 0 >= size) throw damaged(`code ${code} in a dictionary of ${size} values`)
        floats[length + index] = dictionary[code] as number
      }
      this.length += count
      return
    }
    for (let index = 0; index < count; index++) {
      const code = codes[index] as number
      if (code >>> 0 >= size) throw damaged(`code ${code} in a dictionary of ${size} values`)
      this.appendWide(wideDictionary?.[code] ?? BigInt(dictionary[code] as number))
    }
  }

  /** From here on the batch is exact. */
  private widen(): void {
    const capacity = this.floats.length * this.words
    if (this.wides.length < capacity) this.wides = new BigInt64Array(capacity)
    const count = this.length
    this.isWide = true
    this.length = 0
    for (let index = 0; index < count; index++) this.appendWide(BigInt(this.floats[index] as number))
  }

  private appendWide(value: bigint): void {
    if (this.words === 1) this.wides[this.length++] = value
    else {
      if (value !== BigInt.asIntN(128, value)) throw damaged('a decimal has more than 38 digits')
      this.wides[2 * this.length] = BigInt.asIntN(64, value)
      this.wides[2 * this.length + 1] = value >> 64n
      this.length++
    }
  }

  finish(rows: number, validity: Uint8Array | undefined): Column {
    const dense = this.length
    this.reserve(rows)
    const { type } = this.leaf
    if (!this.isWide) {
      if (validity !== undefined) spread(this.floats, dense, rows, validity)
      const values = this.floats.subarray(0, rows)
      return { layout: 'fixed', type, values, validity }
    }
    if (validity !== undefined) this.spreadWide(dense, rows, validity)
    return { layout: 'wide', type, values: this.wides.subarray(0, rows * this.words), validity }
  }

  private spreadWide(dense: number, rows: number, validity: Uint8Array): void {
    const { wides } = this
    if (this.words === 1) {
      spread(wides, dense, rows, validity)
      return
    }
    let from = dense - 1
    for (let row = rows - 1; row > from && from >= 0; row--) {
      if (((validity[row >> 3] as number) & (1 << (row & 7))) === 0) continue
      wides[2 * row] = wides[2 * from] as bigint
      wides[2 * row + 1] = wides[2 * from + 1] as bigint
      from--
    }
  }
}

/** Delta-packed unsigned values: sums are signed words, so those from 2^63 on must not pass as negative floats. */
class UnsignedDelta implements LongSource {
  private readonly delta: DeltaReader
  private pending: bigint | undefined

  constructor(delta: DeltaReader) {
    this.delta = delta
  }

  readFloats(out: Float64Array, at: number, count: number): number {
    for (let index = 0; index < count; index++) {
      const value = this.readBigint()
      if (value < 0n || value > 9007199254740991n) {
        this.pending = value
        return index
      }
      out[at + index] = Number(value)
    }
    return count
  }

  readBigint(): bigint {
    const { pending } = this
    if (pending === undefined) return this.delta.readBigint()
    this.pending = undefined
    return pending
  }
}

function safeNumber(value: bigint): number {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : 0
}

function isInteger(physical: number): boolean {
  return physical === physicalType.int32 || physical === physicalType.int64
}

/** Bytes of a value; 0 when they vary or have no split form. */
function sizeOf(leaf: LeafType): number {
  switch (leaf.physical) {
    case physicalType.int32:
      return 4
    case physicalType.int64:
      return 8
    case physicalType.fixedLengthByteArray:
      return leaf.fixedBytes
    default:
      return 0
  }
}

function plainSource(leaf: LeafType): PlainSource {
  switch (leaf.physical) {
    case physicalType.int32:
      return new Int32Source()
    case physicalType.int64:
      return new Int64Source(leaf.type.kind === 'uint64')
    case physicalType.int96:
      return new Int96Source()
    case physicalType.fixedLengthByteArray:
      return new BigEndianSource(leaf.fixedBytes)
    default:
      return new BigEndianSource(0)
  }
}
