/**
 * Leaf decoder of intervals: twelve bytes of months, days and milliseconds (LogicalTypes.md, "INTERVAL").
 */
import type { Column } from '../../../data/column.ts'
import { damaged, unsupported } from './damage.ts'
import { grownCapacity } from './leaf.ts'
import type { Leaf } from './leaf.ts'
import type { LeafType } from './leaf-type.ts'
import { RleReader } from './rle-reader.ts'
import { rangeSource } from './range-source.ts'
import type { RangeSource } from './range-source.ts'
import { spread } from './spread.ts'
import { encoding, nameOf } from './vocabulary.ts'

/** Decoder of intervals. */
export class IntervalLeaf implements Leaf {
  private readonly leaf: LeafType
  private readonly runs = new RleReader()
  private dictionary: Uint8Array | undefined
  private source: RangeSource | undefined
  private codes = new Int32Array(64)
  private lengths = new Int32Array(64)
  private months = new Int32Array(64)
  private days = new Int32Array(64)
  private micros = new Float64Array(64)
  private length = 0

  constructor(leaf: LeafType) {
    this.leaf = leaf
  }

  openChunk(): void {
    this.dictionary = undefined
  }

  openDictionary(bytes: Uint8Array, count: number): void {
    if (count * 12 > bytes.length) throw damaged('the dictionary is shorter than its count')
    this.dictionary = bytes.subarray(0, count * 12)
  }

  openPage(code: number, bytes: Uint8Array, start: number, end: number): void {
    this.source = undefined
    if (code === encoding.rleDictionary || code === encoding.plainDictionary) {
      if (this.dictionary === undefined) throw damaged('a page of codes without a dictionary')
      if (start < end) this.runs.open(bytes, start + 1, end, bytes[start] as number)
      else this.runs.open(bytes, end, end, 1)
      return
    }
    this.source = rangeSource(this.leaf, code)
    if (this.source === undefined) throw unsupported(`encoding ${nameOf(encoding, code)} of intervals`)
    this.source.open(bytes, start, end)
  }

  begin(capacity: number): void {
    this.length = 0
    this.reserve(capacity)
  }

  private reserve(values: number): void {
    if (values <= this.codes.length) return
    const capacity = grownCapacity(this.codes.length, values)
    this.codes = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
    this.months = copied(this.months, new Int32Array(capacity))
    this.days = copied(this.days, new Int32Array(capacity))
    this.micros = copied(this.micros, new Float64Array(capacity))
  }

  readDense(count: number): void {
    this.reserve(this.length + count)
    let bytes: Uint8Array
    if (this.source === undefined) {
      bytes = this.dictionary as Uint8Array
      this.runs.read(this.codes, 0, count)
      for (let index = 0; index < count; index++) {
        const code = this.codes[index] as number
        if (code < 0 || code * 12 >= bytes.length)
          throw damaged(`code ${code} in a dictionary of ${bytes.length / 12} values`)
        this.codes[index] = code * 12
      }
    } else bytes = this.source.read(this.codes, this.lengths, 0, count)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let index = 0; index < count; index++, this.length++) {
      const start = this.codes[index] as number
      this.months[this.length] = view.getInt32(start, true)
      this.days[this.length] = view.getInt32(start + 4, true)
      this.micros[this.length] = view.getUint32(start + 8, true) * 1000
    }
  }

  finish(rows: number, validity: Uint8Array | undefined): Column {
    const dense = this.length
    this.reserve(rows)
    if (validity !== undefined)
      for (const lanes of [this.months, this.days, this.micros]) spread<number>(lanes, dense, rows, validity)
    const days = this.days.subarray(0, rows)
    const months = this.months.subarray(0, rows)
    const micros = this.micros.subarray(0, rows)
    const type = this.leaf.type
    return {
      layout: 'struct',
      type,
      children: [
        { layout: 'fixed', type: { kind: 'int32' }, values: months, validity: undefined },
        { layout: 'fixed', type: { kind: 'int32' }, values: days, validity: undefined },
        { layout: 'fixed', type: { kind: 'float64' }, values: micros, validity: undefined },
      ],
      validity,
    }
  }
}

function copied<Lanes extends Int32Array | Float64Array>(from: Lanes, to: Lanes): Lanes {
  to.set(from)
  return to
}
