/**
 * Estimated distinct counts in bounded memory: HyperLogLog over 64-bit hashes (Flajolet et al., 2007), with the
 * improved estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, §4), which needs
 * no bias tables and no switch between ranges.
 *
 * With precision p there are 2^p registers of one byte, and the relative standard error is 1.04 / √(2^p): 0.8 % at the
 * default of 14. Up to 2^p / 16 values the hashes themselves are kept, and the count is exact (but for equal 64-bit
 * hashes). What comes out is a function of the set of values alone, whatever their order and grouping (A2).
 *
 * FROZEN: the hashes, and which register and rank follow from one. Checkpoints hold them.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { typeToString } from '../../data/type-text.ts'
import { assert } from '../../errors.ts'
import type {
  BlockHeap,
  ByteReader,
  ByteWriter,
  Memory,
  RecordField,
  RecordStore,
  StringTable,
} from '../../state/index.ts'
import { CellCodec, hashBytes } from '../../state/index.ts'
import type { Aggregate, AggregateParts, RecordRange, SavedForm } from './aggregate.ts'
import { anyInput } from './distinct.ts'

const PRECISION_DEFAULT = 14
const SEED_HIGH = 0x3c6ef372
const SEED_LOW = 0x1f83d9ab
const SPARSE_CLASS_MIN = 2
/** The value of the count field when the block holds registers. */
const DENSE = -1

/** Makes an approximate distinct count. */
export function createApproximateDistinct(parts: AggregateParts): Aggregate {
  return new ApproximateDistinct(parts)
}

class ApproximateDistinct implements Aggregate {
  readonly saved: SavedForm
  readonly #block: RecordField
  readonly #blockClass: RecordField
  /** Hashes in the sparse set, or DENSE. */
  readonly #count: RecordField
  readonly #precision: number
  readonly #sparseMax: number
  readonly #column: number
  readonly #cell: CellCodec
  readonly #strings: StringTable
  readonly #blocks: BlockHeap
  readonly #scratch: Memory
  #batchColumn: Column | undefined
  #high = 0
  #low = 0

  constructor(parts: AggregateParts) {
    const { index, field } = anyInput(parts)
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#count = parts.layout.add('i32', 0)
    const { precision } = parts.call.parameters
    this.#precision = typeof precision === 'number' ? precision : PRECISION_DEFAULT
    this.saved = {
      kind: `registers 2^${this.#precision} ${typeToString(field.type)}`,
      save: (store, record, out) => this.#save(store, record, out),
      load: (store, record, from) => this.#load(store, record, from),
    }
    this.#sparseMax = Math.max(4, (2 ** this.#precision) >> 4)
    this.#column = index
    this.#cell = new CellCodec(field.type, parts.strings)
    this.#strings = parts.strings
    this.#blocks = parts.blocks
    const f64 = new Float64Array(this.#cell.doubles)
    this.#scratch = { f64, i32: new Int32Array(f64.buffer) }
  }

  bind(batch: Batch): void {
    this.#batchColumn = batch.columns[this.#column]
  }

  update(store: RecordStore, record: number, row: number): void {
    this.#hash(this.#batchColumn as Column, row)
    this.#add(store, record)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const base = sourceRecord * source.words
    const block = source.i32[base + this.#block.offset] as number
    if (block === 0) return
    if (source.i32[base + this.#count.offset] === DENSE) {
      this.#mergeRegisters(target, targetRecord, block)
      return
    }
    const slots = 1 << (source.i32[base + this.#blockClass.offset] as number)
    for (let slot = 0; slot < slots; slot++) {
      this.#high = this.#blocks.i32[2 * (block + slot)] as number
      this.#low = this.#blocks.i32[2 * (block + slot) + 1] as number
      if (this.#high !== 0 || this.#low !== 0) this.#add(target, targetRecord)
    }
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const base = (numbers[n] as number) * store.words
      const count = store.i32[base + this.#count.offset] as number
      const block = store.i32[base + this.#block.offset] as number
      out.values[at + n - from] = count === DENSE ? this.#estimate(block) : count
    }
  }

  release(store: RecordStore, record: number): void {
    const base = record * store.words
    this.#blocks.free(
      store.i32[base + this.#block.offset] as number,
      store.i32[base + this.#blockClass.offset] as number,
    )
  }

  /** Hashes in their order, or the registers: how many there are says which. */
  #save(store: RecordStore, record: number, out: ByteWriter): void {
    const base = record * store.words
    const count = store.i32[base + this.#count.offset] as number
    const block = store.i32[base + this.#block.offset] as number
    out.u8(this.#precision)
    out.i32(count)
    if (count === DENSE) {
      out.raw(this.#blocks.u8, 8 * block, 1 << this.#precision)
      return
    }
    const hashes: { readonly high: number; readonly low: number }[] = []
    if (block !== 0) {
      this.#forEachHash(block, store.i32[base + this.#blockClass.offset] as number, () =>
        hashes.push({ high: this.#high, low: this.#low }),
      )
    }
    hashes.sort((a, b) => a.high - b.high || a.low - b.low)
    for (const { high, low } of hashes) {
      out.i32(high)
      out.i32(low)
    }
  }

  #load(store: RecordStore, record: number, from: ByteReader): void {
    const precision = from.u8()
    assert(
      precision === this.#precision,
      `a sketch of precision ${precision} is not one of ${this.#precision}`,
    )
    const count = from.i32()
    if (count === DENSE) {
      this.#becomeDense(store, record)
      const registers = from.raw(1 << precision)
      const block = store.i32[record * store.words + this.#block.offset] as number
      this.#blocks.u8.set(from.bytes.subarray(registers, registers + (1 << precision)), 8 * block)
      return
    }
    for (let left = count; left > 0; left--) {
      this.#high = from.i32()
      this.#low = from.i32()
      this.#add(store, record)
    }
  }

  /** The 64-bit hash of a cell: of the bytes of strings, of the words of numbers. */
  #hash(column: Column, row: number): void {
    if (column.layout === 'utf8') {
      this.#hashString(column.bytes, column.starts[row] as number, column.lengths[row] as number)
      return
    }
    if (column.layout === 'dictionary') {
      const { bytes, starts, lengths } = column.dictionary
      const code = column.codes[row] as number
      this.#hashString(bytes, starts[code] as number, lengths[code] as number)
      return
    }
    this.#cell.store(this.#scratch, 0, column, row)
    if (this.#cell.kind === 'string') {
      const id = this.#scratch.f64[0] as number
      this.#hashString(
        this.#strings.bytes,
        this.#strings.starts[id] as number,
        this.#strings.lengths[id] as number,
      )
      return
    }
    let high = SEED_HIGH
    let low = SEED_LOW
    for (const word of this.#scratch.i32) {
      high = mix(Math.imul(high ^ word, 0xcc9e2d51))
      low = mix(Math.imul(low ^ word, 0x1b873593) + high)
    }
    this.#setHash(high, low)
  }

  #hashString(bytes: Uint8Array, start: number, length: number): void {
    this.#setHash(hashBytes(bytes, start, length, SEED_HIGH), hashBytes(bytes, start, length, SEED_LOW))
  }

  /** A hash of zero would look like an empty slot. */
  #setHash(high: number, low: number): void {
    this.#high = high | 0
    this.#low = high === 0 && low === 0 ? 1 : low | 0
  }

  /** Adds the current hash. */
  #add(store: RecordStore, record: number): void {
    const base = record * store.words
    const count = store.i32[base + this.#count.offset] as number
    const block = store.i32[base + this.#block.offset] as number
    if (count === DENSE) {
      this.#setRegister(block)
      return
    }
    const blockClass = store.i32[base + this.#blockClass.offset] as number
    if (block !== 0) {
      const at = this.#find(block, blockClass)
      if (this.#blocks.i32[at] !== 0 || this.#blocks.i32[at + 1] !== 0) return
    }
    if (count >= this.#sparseMax) {
      this.#becomeDense(store, record)
      this.#setRegister(store.i32[base + this.#block.offset] as number)
      return
    }
    let target = block
    if (block === 0 || (count + 1) * 4 > (1 << blockClass) * 3) {
      const newClass = block === 0 ? SPARSE_CLASS_MIN : blockClass + 1
      target = this.#rebuild(block, blockClass, newClass)
      store.i32[base + this.#block.offset] = target
      store.i32[base + this.#blockClass.offset] = newClass
    }
    const at = this.#find(target, store.i32[base + this.#blockClass.offset] as number)
    this.#blocks.i32[at] = this.#high
    this.#blocks.i32[at + 1] = this.#low
    store.i32[base + this.#count.offset] = count + 1
  }

  /** The word of the current hash in a sparse set, or of the empty slot where it belongs. */
  #find(block: number, blockClass: number): number {
    const { i32 } = this.#blocks
    const mask = (1 << blockClass) - 1
    let slot = this.#low & mask
    for (;;) {
      const at = 2 * (block + slot)
      const high = i32[at] as number
      const low = i32[at + 1] as number
      if ((high === 0 && low === 0) || (high === this.#high && low === this.#low)) return at
      slot = (slot + 1) & mask
    }
  }

  #rebuild(block: number, oldClass: number, newClass: number): number {
    const moved = this.#blocks.allocate(newClass)
    this.#blocks.f64.fill(0, moved, moved + (1 << newClass))
    if (block === 0) return moved
    this.#forEachHash(block, oldClass, () => {
      const at = this.#find(moved, newClass)
      this.#blocks.i32[at] = this.#high
      this.#blocks.i32[at + 1] = this.#low
    })
    this.#blocks.free(block, oldClass)
    return moved
  }

  #becomeDense(store: RecordStore, record: number): void {
    const base = record * store.words
    const old = store.i32[base + this.#block.offset] as number
    const oldClass = store.i32[base + this.#blockClass.offset] as number
    const newClass = Math.max(0, this.#precision - 3)
    const block = this.#blocks.allocate(newClass)
    this.#blocks.f64.fill(0, block, block + (1 << newClass))
    if (old !== 0) {
      this.#forEachHash(old, oldClass, () => this.#setRegister(block))
      this.#blocks.free(old, oldClass)
    }
    store.i32[base + this.#block.offset] = block
    store.i32[base + this.#blockClass.offset] = newClass
    store.i32[base + this.#count.offset] = DENSE
  }

  /** Calls back with each hash of a sparse set as the current one, which it then puts back. */
  #forEachHash(block: number, blockClass: number, visit: () => void): void {
    const high = this.#high
    const low = this.#low
    for (let at = 2 * block; at < 2 * (block + (1 << blockClass)); at += 2) {
      this.#high = this.#blocks.i32[at] as number
      this.#low = this.#blocks.i32[at + 1] as number
      if (this.#high !== 0 || this.#low !== 0) visit()
    }
    this.#high = high
    this.#low = low
  }

  /** Register number: the hash's first p bits. Its value: the position of the first 1 in the rest. */
  #setRegister(block: number): void {
    const p = this.#precision
    const register = this.#high >>> (32 - p)
    const rest = this.#high << p
    const rank = rest === 0 ? 32 - p + Math.clz32(this.#low) + 1 : Math.clz32(rest) + 1
    const at = 8 * block + register
    if (rank > (this.#blocks.u8[at] as number)) this.#blocks.u8[at] = rank
  }

  #mergeRegisters(target: RecordStore, targetRecord: number, source: number): void {
    const base = targetRecord * target.words
    if (target.i32[base + this.#count.offset] !== DENSE) this.#becomeDense(target, targetRecord)
    const to = 8 * (target.i32[base + this.#block.offset] as number)
    const { u8 } = this.#blocks
    for (let r = 0; r < 1 << this.#precision; r++) {
      const value = u8[8 * source + r] as number
      if (value > (u8[to + r] as number)) u8[to + r] = value
    }
  }

  /** Ertl 2017, algorithm 6. */
  #estimate(block: number): number {
    const m = 1 << this.#precision
    const q = 64 - this.#precision
    const histogram = new Float64Array(q + 2)
    for (let r = 0; r < m; r++) (histogram[this.#blocks.u8[8 * block + r] as number] as number)++
    let z = m * tau(1 - (histogram[q + 1] as number) / m)
    for (let k = q; k >= 1; k--) z = 0.5 * (z + (histogram[k] as number))
    z += m * sigma((histogram[0] as number) / m)
    return Math.round((m * m) / (2 * Math.LN2 * z))
  }
}

function sigma(start: number): number {
  if (start === 1) return Infinity
  let x = start
  let y = 1
  let z = x
  for (;;) {
    x *= x
    const before = z
    z += x * y
    y += y
    if (z === before) return z
  }
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0
  let x = start
  let y = 1
  let z = 1 - x
  for (;;) {
    x = Math.sqrt(x)
    const before = z
    y *= 0.5
    z -= (1 - x) ** 2 * y
    if (z === before) return z / 3
  }
}

function mix(value: number): number {
  let hash = value | 0
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
