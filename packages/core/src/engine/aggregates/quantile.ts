/**
 * Quantiles: exact up to 1,000 values per group, beyond that by a sketch with a relative error of 1 %.
 *
 * Exact ones interpolate linearly between ranks, as SQL's percentile_cont does. The sketch is ddsketch.ts. Which of the
 * two it is depends on the number of values alone, and both on the values alone, so the order of rows and the way they
 * were split over panes and partial results never shows (A2). NaN counts as greater than everything.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { MillraceError } from '../../errors.ts'
import type { BlockHeap, ByteReader, ByteWriter, RecordField, RecordStore } from '../../state/index.ts'
import { classFor } from '../../state/index.ts'
import type { Aggregate, AggregateParts, RecordRange, SavedForm } from './aggregate.ts'
import { Sketches } from './ddsketch.ts'
import { NumericInput } from './numeric-input.ts'
import { numericInput } from './sum.ts'

/** Values per group that are kept as they are. */
const EXACT_VALUES_MAX = 1000

/** The value of the count field when the block holds a sketch. */
const SKETCH = -1

/** Makes a quantile; the parameter `q` is the share of values below it. */
export function createQuantile(parts: AggregateParts): Aggregate {
  const { q } = parts.call.parameters
  if (typeof q === 'number' && q >= 0 && q <= 1) return new Quantile(parts, q)
  throw new MillraceError('plan/invalid-argument', {
    what: `aggregate "${parts.call.name}": quantile needs a share q from 0 to 1`,
    detail: `it was given ${JSON.stringify(q)}`,
    step: parts.step,
  })
}

class Quantile implements Aggregate {
  readonly saved: SavedForm = {
    kind: 'values or sketch',
    save: (store, record, out) => this.#save(store, record, out),
    load: (store, record, from) => this.#load(store, record, from),
  }
  readonly #block: RecordField
  readonly #blockClass: RecordField
  /** Values in the block, or SKETCH. */
  readonly #count: RecordField
  readonly #share: number
  readonly #column: number
  readonly #input: NumericInput
  readonly #blocks: BlockHeap
  readonly #sketches: Sketches
  readonly #sorted = new Float64Array(EXACT_VALUES_MAX)

  constructor(parts: AggregateParts, share: number) {
    const { index, field } = numericInput(parts)
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#count = parts.layout.add('i32', 0)
    this.#share = share
    this.#column = index
    this.#input = new NumericInput(field.type)
    this.#blocks = parts.blocks
    this.#sketches = new Sketches(parts.blocks)
  }

  bind(batch: Batch): void {
    this.#input.bind(batch.columns[this.#column] as Column)
  }

  update(store: RecordStore, record: number, row: number): void {
    this.#add(store, record, this.#input.at(row))
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const base = sourceRecord * source.words
    const count = source.i32[base + this.#count.offset] as number
    const block = source.i32[base + this.#block.offset] as number
    if (count === SKETCH) {
      this.#becomeSketch(target, targetRecord)
      const handle = this.#handle(target, targetRecord)
      this.#sketches.merge(handle, block)
      this.#setHandle(target, targetRecord, handle)
      return
    }
    for (let n = 0; n < count; n++) this.#add(target, targetRecord, this.#blocks.f64[block + n] as number)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const base = (numbers[n] as number) * store.words
      const count = store.i32[base + this.#count.offset] as number
      const block = store.i32[base + this.#block.offset] as number
      if (count === 0) out.setNull(at + n - from)
      else if (count === SKETCH) out.values[at + n - from] = this.#sketches.quantile(block, this.#share)
      else out.values[at + n - from] = this.#exact(block, count)
    }
  }

  release(store: RecordStore, record: number): void {
    const { block, blockClass } = this.#handle(store, record)
    this.#blocks.free(block, blockClass)
  }

  /** How many values, and the values as they came; or SKETCH and the sketch. */
  #save(store: RecordStore, record: number, out: ByteWriter): void {
    const base = record * store.words
    const count = store.i32[base + this.#count.offset] as number
    const block = store.i32[base + this.#block.offset] as number
    out.i32(count)
    if (count === SKETCH) this.#sketches.save(block, out)
    else for (let n = 0; n < count; n++) out.f64(this.#blocks.f64[block + n] as number)
  }

  #load(store: RecordStore, record: number, from: ByteReader): void {
    const count = from.i32()
    for (let n = 0; n < count; n++) this.#add(store, record, from.f64())
    if (count !== SKETCH) return
    this.#becomeSketch(store, record)
    const handle = this.#handle(store, record)
    this.#sketches.load(handle, from)
    this.#setHandle(store, record, handle)
  }

  #add(store: RecordStore, record: number, value: number): void {
    const base = record * store.words
    const count = store.i32[base + this.#count.offset] as number
    if (count >= 0 && count < EXACT_VALUES_MAX) {
      let block = store.i32[base + this.#block.offset] as number
      const blockClass = store.i32[base + this.#blockClass.offset] as number
      if (block === 0 || count === 1 << blockClass) {
        const newClass = classFor(count + 1)
        block = this.#blocks.resize(block, blockClass, newClass, count)
        store.i32[base + this.#block.offset] = block
        store.i32[base + this.#blockClass.offset] = newClass
      }
      this.#blocks.f64[block + count] = value
      store.i32[base + this.#count.offset] = count + 1
      return
    }
    this.#becomeSketch(store, record)
    const handle = this.#handle(store, record)
    if (this.#sketches.add(handle, value)) this.#setHandle(store, record, handle)
  }

  #becomeSketch(store: RecordStore, record: number): void {
    const at = record * store.words + this.#count.offset
    const count = store.i32[at] as number
    if (count === SKETCH) return
    const exact = this.#handle(store, record)
    const sketch = this.#sketches.create()
    for (let n = 0; n < count; n++) this.#sketches.add(sketch, this.#blocks.f64[exact.block + n] as number)
    this.#blocks.free(exact.block, exact.blockClass)
    this.#setHandle(store, record, sketch)
    store.i32[at] = SKETCH
  }

  #handle(store: RecordStore, record: number): { block: number; blockClass: number } {
    const base = record * store.words
    return {
      block: store.i32[base + this.#block.offset] as number,
      blockClass: store.i32[base + this.#blockClass.offset] as number,
    }
  }

  #setHandle(
    store: RecordStore,
    record: number,
    handle: { readonly block: number; readonly blockClass: number },
  ): void {
    const base = record * store.words
    store.i32[base + this.#block.offset] = handle.block
    store.i32[base + this.#blockClass.offset] = handle.blockClass
  }

  #exact(block: number, count: number): number {
    const sorted = this.#sorted.subarray(0, count)
    sorted.set(this.#blocks.f64.subarray(block, block + count))
    // Typed arrays sort numerically, with NaN last.
    sorted.sort()
    const position = this.#share * (count - 1)
    const low = sorted[Math.floor(position)] as number
    const high = sorted[Math.ceil(position)] as number
    return low === high ? low : low + (high - low) * (position - Math.floor(position))
  }
}
