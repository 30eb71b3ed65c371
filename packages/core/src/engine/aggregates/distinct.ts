/**
 * count(distinct column), exactly: a set of values per group, in a block of its own.
 *
 * The set is an open-addressing table of cells. A slot is empty when its words are those of a NaN that no cell holds;
 * only 64-bit integers can have these bits by themselves, and that one value has a field of its own.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { tableSeed } from '../../data/table-seed.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { typeToString } from '../../data/type-text.ts'
import { MillraceError } from '../../errors.ts'
import type {
  BlockHeap,
  ByteReader,
  ByteWriter,
  Memory,
  RecordField,
  RecordStore,
} from '../../state/index.ts'
import { CellCodec, hashWords } from '../../state/index.ts'
import type { Aggregate, AggregateInput, AggregateParts, RecordRange, SavedForm } from './aggregate.ts'

const EMPTY_LOW = 0x5eed_0001
const EMPTY_HIGH = 0xfff8_0001 | 0
const CLASS_MIN = 2

/** Makes an exact distinct count. */
export function createDistinct(parts: AggregateParts): Aggregate {
  return new Distinct(parts)
}

/** The one input of an aggregate of any type. */
export function anyInput({ inputs, call, step }: AggregateParts): AggregateInput {
  const [input] = inputs
  if (input !== undefined && inputs.length === 1) return input
  throw new MillraceError('plan/invalid-argument', {
    what: `aggregate "${call.name}": ${call.aggregate} takes one column`,
    detail: `it was given ${inputs.length}`,
    step,
  })
}

class Distinct implements Aggregate {
  readonly saved: SavedForm
  readonly #block: RecordField
  readonly #blockClass: RecordField
  readonly #count: RecordField
  readonly #hasEmptyBits: RecordField
  readonly #column: number
  readonly #cell: CellCodec
  readonly #blocks: BlockHeap
  readonly #scratch: Memory
  readonly #seed = tableSeed()
  #batchColumn: Column | undefined

  constructor(parts: AggregateParts) {
    const { index, field } = anyInput(parts)
    this.saved = {
      kind: `distinct ${typeToString(field.type)}`,
      save: (store, record, out) => this.#save(store, record, out),
      load: (store, record, from) => this.#load(store, record, from),
    }
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#count = parts.layout.add('i32', 0)
    this.#hasEmptyBits = parts.layout.add('i32', 0)
    this.#column = index
    this.#cell = new CellCodec(field.type, parts.strings)
    this.#blocks = parts.blocks
    const f64 = new Float64Array(this.#cell.doubles)
    this.#scratch = { f64, i32: new Int32Array(f64.buffer) }
  }

  bind(batch: Batch): void {
    this.#batchColumn = batch.columns[this.#column]
  }

  update(store: RecordStore, record: number, row: number): void {
    this.#cell.store(this.#scratch, 0, this.#batchColumn as Column, row)
    this.#add(store, record)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const base = sourceRecord * source.words
    if (source.i32[base + this.#hasEmptyBits.offset] === 1) this.#addEmptyBits(target, targetRecord)
    const block = source.i32[base + this.#block.offset] as number
    if (block === 0) return
    const { doubles } = this.#cell
    const slots = (1 << (source.i32[base + this.#blockClass.offset] as number)) / doubles
    const words = 2 * doubles
    for (let slot = 0; slot < slots; slot++) {
      const at = 2 * (block + slot * doubles)
      if (isEmpty(this.#blocks.i32, at)) continue
      for (let w = 0; w < words; w++) this.#scratch.i32[w] = this.#blocks.i32[at + w] as number
      this.#add(target, targetRecord)
    }
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const base = (numbers[n] as number) * store.words
      const more = store.i32[base + this.#hasEmptyBits.offset] as number
      out.values[at + n - from] = (store.i32[base + this.#count.offset] as number) + more
    }
  }

  release(store: RecordStore, record: number): void {
    const base = record * store.words
    const block = store.i32[base + this.#block.offset] as number
    if (block === 0) return
    const blockClass = store.i32[base + this.#blockClass.offset] as number
    if (this.#cell.kind === 'string') {
      const end = block + (1 << blockClass)
      for (let at = block; at < end; at++)
        if (!isEmpty(this.#blocks.i32, 2 * at)) this.#cell.release(this.#blocks, at)
    }
    this.#blocks.free(block, blockClass)
  }

  /** How many values, and the values in their order: slots are no order that could be written down. */
  #save(store: RecordStore, record: number, out: ByteWriter): void {
    const base = record * store.words
    const hasEmptyBits = store.i32[base + this.#hasEmptyBits.offset] === 1
    const block = store.i32[base + this.#block.offset] as number
    const { doubles } = this.#cell
    const cells: number[] = []
    if (block !== 0) {
      const end = block + (1 << (store.i32[base + this.#blockClass.offset] as number))
      for (let at = block; at < end; at += doubles) if (!isEmpty(this.#blocks.i32, 2 * at)) cells.push(at)
    }
    cells.sort((a, b) => this.#cell.compare(this.#blocks, a, this.#blocks, b))
    out.u8(hasEmptyBits ? 1 : 0)
    out.i32(cells.length)
    for (const at of cells) this.#cell.save(this.#blocks, at, out)
  }

  #load(store: RecordStore, record: number, from: ByteReader): void {
    if (from.u8() === 1) this.#addEmptyBits(store, record)
    for (let left = from.i32(); left > 0; left--) {
      this.#cell.load(this.#scratch, 0, from)
      this.#add(store, record)
    }
  }

  /** Adds the cell in the scratch. */
  #add(store: RecordStore, record: number): void {
    const base = record * store.words
    const scratch = this.#scratch.i32
    if (isEmpty(scratch, 0)) {
      this.#addEmptyBits(store, record)
      return
    }
    const { doubles } = this.#cell
    const count = store.i32[base + this.#count.offset] as number
    let block = store.i32[base + this.#block.offset] as number
    let blockClass = store.i32[base + this.#blockClass.offset] as number
    if (block === 0 || (count + 1) * doubles * 4 > (1 << blockClass) * 3) {
      const newClass = block === 0 ? CLASS_MIN : blockClass + 1
      block = this.#rebuild(block, blockClass, newClass)
      blockClass = newClass
      store.i32[base + this.#block.offset] = block
      store.i32[base + this.#blockClass.offset] = blockClass
    }
    const at = this.#find(block, blockClass, scratch)
    const { i32 } = this.#blocks
    if (!isEmpty(i32, at)) return
    for (let w = 0; w < 2 * doubles; w++) i32[at + w] = scratch[w] as number
    this.#cell.retain(this.#scratch, 0)
    store.i32[base + this.#count.offset] = count + 1
  }

  #addEmptyBits(store: RecordStore, record: number): void {
    store.i32[record * store.words + this.#hasEmptyBits.offset] = 1
  }

  /** The word where the cell `words[0 …)` is, or where it belongs. */
  #find(block: number, blockClass: number, words: Int32Array): number {
    const { i32 } = this.#blocks
    const { doubles } = this.#cell
    const count = 2 * doubles
    const mask = (1 << blockClass) / doubles - 1
    let slot = (hashWords(this.#seed, words, count) >>> 7) & mask
    for (;;) {
      const at = 2 * (block + slot * doubles)
      if (isEmpty(i32, at)) return at
      let w = 0
      while (w < count && i32[at + w] === words[w]) w++
      if (w === count) return at
      slot = (slot + 1) & mask
    }
  }

  #rebuild(block: number, oldClass: number, newClass: number): number {
    const moved = this.#blocks.allocate(newClass)
    const { i32 } = this.#blocks
    for (let at = 2 * moved; at < 2 * (moved + (1 << newClass)); at += 2) {
      i32[at] = EMPTY_LOW
      i32[at + 1] = EMPTY_HIGH
    }
    if (block === 0) return moved
    const words = 2 * this.#cell.doubles
    const cell = new Int32Array(words)
    for (let at = 2 * block; at < 2 * (block + (1 << oldClass)); at += words) {
      if (isEmpty(i32, at)) continue
      for (let w = 0; w < words; w++) cell[w] = i32[at + w] as number
      const to = this.#find(moved, newClass, cell)
      for (let w = 0; w < words; w++) i32[to + w] = cell[w] as number
    }
    this.#blocks.free(block, oldClass)
    return moved
  }
}

function isEmpty(words: Int32Array, at: number): boolean {
  return words[at] === EMPTY_LOW && words[at + 1] === EMPTY_HIGH
}
