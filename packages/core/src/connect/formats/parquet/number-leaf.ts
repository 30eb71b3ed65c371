/**
 * Leaf decoder of columns with one small number per value: booleans, integers of up to 32 bits, dates, times in
 * milliseconds, floats.
 */
import type { Column, FixedArray } from '../../../data/column.ts'
import { fixedArrayKindOf, makeFixedArray } from '../../../data/layout.ts'
import type { DataType } from '../../../data/type.ts'
import { ByteStreams } from './byte-streams.ts'
import { damaged, unsupported } from './damage.ts'
import { DeltaReader } from './delta-reader.ts'
import { grownCapacity } from './leaf.ts'
import type { Leaf } from './leaf.ts'
import type { LeafType } from './leaf-type.ts'
import { RleReader } from './rle-reader.ts'
import { spread } from './spread.ts'
import { encoding, nameOf, physicalType } from './vocabulary.ts'

/** Values are decoded in portions of so many: 64 KiB of scratch at most. */
const PORTION = 8192

type Mode = 'plain' | 'bits' | 'runs' | 'codes' | 'delta' | 'split'

function fixedArray(type: DataType, length: number): FixedArray {
  return makeFixedArray(fixedArrayKindOf(type), length)
}

/** Decoder of small numbers. */
export class NumberLeaf implements Leaf {
  private readonly leaf: LeafType
  private readonly size: number
  private readonly scratchBytes: Uint8Array
  private readonly scratch: FixedArray
  private readonly codes = new Int32Array(PORTION)
  private readonly runs = new RleReader()
  private readonly delta = new DeltaReader()
  private readonly streams = new ByteStreams()
  private values: FixedArray
  private length = 0
  private dictionary: FixedArray | undefined
  private mode: Mode = 'plain'
  private bytes: Uint8Array = new Uint8Array(0)
  private position = 0
  private end = 0
  private bit = 0

  constructor(leaf: LeafType) {
    this.leaf = leaf
    this.size = leaf.physical === physicalType.double ? 8 : leaf.fixedBytes === 2 ? 2 : 4
    this.scratchBytes = new Uint8Array(PORTION * 8)
    this.scratch = nativeArray(leaf, this.scratchBytes.buffer)
    this.values = fixedArray(leaf.type, 0)
  }

  openChunk(): void {
    this.dictionary = undefined
  }

  openDictionary(bytes: Uint8Array, count: number): void {
    if (this.leaf.physical === physicalType.boolean) throw damaged('booleans with a dictionary')
    if (count * this.size > bytes.length) throw damaged('the dictionary is shorter than its count')
    const outer = { values: this.values, length: this.length }
    this.values = fixedArray(this.leaf.type, count)
    this.length = 0
    this.openPage(encoding.plain, bytes, 0, bytes.length)
    this.readDense(count)
    this.dictionary = this.values
    this.values = outer.values
    this.length = outer.length
  }

  openPage(code: number, bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.mode = this.modeOf(code)
    this.bit = 0
    if (this.mode === 'codes') this.openCodes()
    else if (this.mode === 'delta') this.delta.open(bytes, start, end, true)
    else if (this.mode === 'split') this.streams.open(bytes, start, end, this.size)
    else if (this.mode === 'runs') this.openRuns()
  }

  private modeOf(code: number): Mode {
    const { physical } = this.leaf
    if (code === encoding.plain) return physical === physicalType.boolean ? 'bits' : 'plain'
    if (code === encoding.rleDictionary || code === encoding.plainDictionary) return 'codes'
    if (code === encoding.rle && physical === physicalType.boolean) return 'runs'
    if (code === encoding.deltaBinaryPacked && physical === physicalType.int32) return 'delta'
    if (code === encoding.byteStreamSplit && physical !== physicalType.boolean) return 'split'
    throw unsupported(`encoding ${nameOf(encoding, code)} of ${nameOf(physicalType, physical)} values`)
  }

  private openCodes(): void {
    if (this.dictionary === undefined) throw damaged('a page of codes without a dictionary')
    if (this.position < this.end) {
      const width = this.bytes[this.position] as number
      this.runs.open(this.bytes, this.position + 1, this.end, width)
    } else this.runs.open(this.bytes, this.end, this.end, 1)
  }

  private openRuns(): void {
    const { bytes, position, end } = this
    if (end - position < 4) throw damaged('a page of booleans without a length')
    const length = new DataView(bytes.buffer, bytes.byteOffset + position, 4).getUint32(0, true)
    if (length > end - position - 4) throw damaged('a page of booleans is shorter than its length')
    this.runs.open(bytes, position + 4, position + 4 + length, 1)
  }

  begin(capacity: number): void {
    this.length = 0
    if (this.values.length < capacity) this.values = fixedArray(this.leaf.type, capacity)
  }

  readDense(count: number): void {
    if (this.length + count > this.values.length) {
      const grown = fixedArray(this.leaf.type, grownCapacity(this.values.length, this.length + count))
      grown.set(this.values.subarray(0, this.length))
      this.values = grown
    }
    for (let left = count; left > 0;) {
      const part = Math.min(left, PORTION)
      this.readPortion(part)
      this.length += part
      left -= part
    }
  }

  private readPortion(count: number): void {
    switch (this.mode) {
      case 'plain':
        this.readPlain(count)
        return
      case 'split':
        this.streams.read(this.scratchBytes, count)
        this.takeScratch(count)
        return
      case 'codes':
        this.readCodes(count)
        return
      case 'delta':
        this.delta.readFloats(this.scratch as Int32Array, 0, count)
        this.takeScratch(count)
        return
      case 'bits':
        this.readBits(count)
        return
      case 'runs':
        this.runs.read(this.codes, 0, count)
        this.values.set(this.codes.subarray(0, count), this.length)
    }
  }

  private readPlain(count: number): void {
    const byteCount = count * this.size
    if (this.position + byteCount > this.end) throw damaged('a page has fewer values than it says')
    this.scratchBytes.set(this.bytes.subarray(this.position, this.position + byteCount))
    this.position += byteCount
    this.takeScratch(count)
  }

  private takeScratch(count: number): void {
    if (this.size === 2) {
      const halves = this.scratch as Uint16Array
      for (let index = 0; index < count; index++)
        this.values[this.length + index] = halfToNumber(halves[index] as number)
    } else this.values.set(this.scratch.subarray(0, count), this.length)
  }

  private readCodes(count: number): void {
    const { codes, values, length } = this
    const dictionary = this.dictionary as FixedArray
    this.runs.read(codes, 0, count)
    const size = dictionary.length
    for (let index = 0; index < count; index++) {
      const code = codes[index] as number
      if (code >>> 0 >= size) throw damaged(`code ${code} in a dictionary of ${size} values`)
      values[length + index] = dictionary[code] as number
    }
  }

  private readBits(count: number): void {
    const { bytes, position, values, length } = this
    if (position + Math.ceil((this.bit + count) / 8) > this.end)
      throw damaged('a page has fewer values than it says')
    for (let index = 0; index < count; index++) {
      const bit = this.bit + index
      values[length + index] = ((bytes[position + (bit >> 3)] as number) >> (bit & 7)) & 1
    }
    this.bit += count
  }

  finish(rows: number, validity: Uint8Array | undefined): Column {
    if (rows > this.values.length) this.reserveRows(rows)
    if (validity !== undefined) spread(this.values, this.length, rows, validity)
    return { layout: 'fixed', type: this.leaf.type, values: this.values.subarray(0, rows), validity }
  }

  private reserveRows(rows: number): void {
    const grown = fixedArray(this.leaf.type, grownCapacity(this.values.length, rows))
    grown.set(this.values.subarray(0, this.length))
    this.values = grown
  }
}

function nativeArray(leaf: LeafType, buffer: ArrayBufferLike): FixedArray {
  if (leaf.physical === physicalType.double) return new Float64Array(buffer)
  if (leaf.physical === physicalType.float) return new Float32Array(buffer)
  if (leaf.physical === physicalType.fixedLengthByteArray) return new Uint16Array(buffer)
  return new Int32Array(buffer)
}

/** An IEEE 754 binary16 as a number. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
