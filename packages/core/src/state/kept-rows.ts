/**
 * Whole rows kept in state: packed records, made from columns and written back into columns by generated loops.
 *
 * A record begins with fields of its owner (links, time, number). Behind them lie the null marks, the numbers in place,
 * and a reference to one block with all texts and nested values of the row: a row is one or two cache misses, where columns would be one per column. How
 * rows are found is the owner's business.
 *
 * Invariants (tests quote them):
 *  KR1  What `write` gives is what `add` was given, whatever the layout of the column was (`fixed` or `wide`, `utf8` or `dictionary`).
 *  KR2  A record that was released holds no block.
 *  KR3  Texts that `lend` gives may be ranges of the heap: they must leave before any of their records is released.
 */
import type { Batch } from '../data/batch.ts'
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column } from '../data/column.ts'
import { generate } from '../data/generate.ts'
import { copyBytes } from '../data/text-bytes.ts'
import type { Schema } from '../data/type.ts'
import type { ArrayPool } from './array-pool.ts'
import type { BlockHeap } from './block-heap.ts'
import { keyShape } from './key-layout.ts'
import type { KeptColumn, KeptLanes, KeptRange, KeptSource } from './kept-column.ts'
import {
  copySource,
  keptColumns,
  lanesOf,
  measureSource,
  placeInBlock,
  storeSource,
  writeKept,
} from './kept-column.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import { RecordStore } from './record-store.ts'

/** Copies live rows `from … to)` into new records; `out` gets their numbers, by live row. */
type AddLoop = (
  lanes: readonly unknown[],
  selection: Int32Array | undefined,
  from: number,
  to: number,
  out: Int32Array,
  store: RecordStore,
  heap: BlockHeap,
) => void

/** What kept rows are made of. */
export interface KeptRowsOptions {
  readonly schema: Schema
  /** The columns that are kept, by position; default all. */
  readonly columns?: readonly number[]
  /** Fields of the owner, which come first; the row's own are added. */
  readonly layout: RecordLayout
  readonly pool: ArrayPool
  readonly blocks: BlockHeap
}

/** Rows of one schema. */
export class KeptRows {
  /** The records; owners read and write their own fields of them. */
  readonly records: RecordStore
  readonly columns: readonly KeptColumn[]
  readonly #blocks: BlockHeap
  readonly #block: RecordField
  readonly #blockClass: RecordField
  readonly #hasBlocks: boolean
  readonly #loops = new Map<string, AddLoop>()
  #loop: AddLoop | undefined
  #lanes: KeptLanes | undefined
  #selection: Int32Array | undefined

  constructor({ schema, columns, layout, pool, blocks }: KeptRowsOptions) {
    this.#blocks = blocks
    const kept = keptColumns(schema, columns ?? schema.fields.map((_, c) => c), layout)
    this.columns = kept
    this.#hasBlocks = kept.some(({ hasBytes }) => hasBytes)
    this.#block = layout.add('i32', 0)
    this.#blockClass = layout.add('i32', 0)
    this.records = new RecordStore(layout.template(), pool)
  }

  /** Points at the rows to add. */
  bind(batch: Batch): void {
    this.bindColumns(
      this.columns.map(({ position }) => batch.columns[position] as Column),
      batch.selection,
    )
  }

  /** The same, with the kept columns themselves. */
  bindColumns(sources: readonly Column[], selection: Int32Array | undefined): void {
    const signature = `${selection === undefined ? '' : 's'}${sources.map(keyShape).join(',')}`
    let loop = this.#loops.get(signature)
    if (loop === undefined)
      this.#loops.set(signature, (loop = this.#compile(sources, selection !== undefined)))
    this.#loop = loop
    this.#lanes = lanesOf(this.columns, sources)
    this.#selection = selection
  }

  /** Keeps live rows `from … to)` of the batch; `out` gets the numbers of their records, by live row. */
  add(from: number, to: number, out: Int32Array): void {
    this.#loop?.(this.#lanes as KeptLanes, this.#selection, from, to, out, this.records, this.#blocks)
  }

  /**
   * Writes kept column `c` of records `from … to)` of a list to rows `at …` of a builder, which has room for them. −1
   * stands for no row: it is null.
   */
  write(c: number, range: KeptRange, out: ColumnBuilder, at: number): void {
    writeKept(this.columns[c] as KeptColumn, this.#source, { ...range, out, at, isLent: false })
  }

  /** The same without a copy of texts, where that is possible (KR3). */
  lend(c: number, range: KeptRange, out: ColumnBuilder, at: number): void {
    writeKept(this.columns[c] as KeptColumn, this.#source, { ...range, out, at, isLent: true })
  }

  /** Forgets a row. */
  release(record: number): void {
    if (this.#hasBlocks) {
      const { i32, words } = this.records
      const base = record * words
      this.#blocks.free(
        i32[base + this.#block.offset] as number,
        i32[base + this.#blockClass.offset] as number,
      )
    }
    this.records.release(record)
  }

  /** Gives the memory of the records back to the pool. The blocks are their heap's. */
  dispose(): void {
    this.records.dispose()
  }

  get #source(): KeptSource {
    return { store: this.records, heap: this.#blocks, block: this.#block.offset }
  }

  #compile(sources: readonly Column[], hasSelection: boolean): AddLoop {
    const lanes = lanesOf(this.columns, sources)
    const { words } = this.records
    const parts = this.columns.map((column, c) => ({ column, c, source: sources[c] as Column }))
    const withBytes = parts
      .filter(({ column, source }) => measureSource(column, source, 0) !== '')
      .toSorted((a, b) => placeInBlock(a.column) - placeInBlock(b.column))
    const body = `
return function add(lanes, selection, from, to, out, store, heap) {
  ${lanes.map((lane, l) => (lane === undefined ? '' : `const L${l} = lanes[${l}];`)).join(' ')}
  for (let n = from; n < to; n++) {
    const i = ${hasSelection ? 'selection[n]' : 'n'};
    const r = store.allocate();
    const I = store.i32, F = store.f64, b = r * ${words}, q = r * ${words / 2};
    ${parts.map(({ column, c, source }) => storeSource(column, source, c)).join('\n    ')}
    ${
      withBytes.length === 0
        ? ''
        : `let bytes = 0;
    ${withBytes.map(({ column, c, source }) => measureSource(column, source, c)).join('\n    ')}
    if (bytes > 0) {
      const doubles = (bytes + 7) >>> 3;
      const k = doubles <= 1 ? 0 : 32 - Math.clz32(doubles - 1);
      const block = heap.allocate(k);
      I[b + ${this.#block.offset}] = block; I[b + ${this.#blockClass.offset}] = k;
      const u8 = heap.u8, start = 8 * block;
      let at = start;
      ${withBytes.map(({ column, c, source }) => copySource(column, source, c)).join('\n      ')}
    }`
    }
    out[n] = r;
  }
}`
    return generate<(copy: typeof copyBytes) => AddLoop>(['copyBytes'], body)(copyBytes)
  }
}
