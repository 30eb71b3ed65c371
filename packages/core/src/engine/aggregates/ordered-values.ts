/**
 * first, last, top-N and collect: a bounded list of values per group, kept in order.
 *
 * An entry is (event time, order, value cells). Ties of event time are broken by the batch's `order` column, which
 * follows (source split, position); rows that a step made from one row share its number and come as they were made.
 * Rows behind a window or a process step have no order of their own, and arrive as the tasks happen to run; several
 * matches of a lookup join share one. Among them the values of the whole row decide, column by column in the order of
 * the schema, nulls last. So `first('a')` and `first('b')` speak of one row, and equal entries cannot be told apart.
 * Either way, which entries survive does not depend on how rows were cut into batches, panes or partial results (A2),
 * nor on parallelism (L1).
 */
import type { Batch } from '../../data/batch.ts'
import type { ColumnBuilder, ListColumnBuilder, StructColumnBuilder } from '../../data/column-builder.ts'
import type { Column } from '../../data/column.ts'
import { isValid } from '../../data/column.ts'
import { typeToString } from '../../data/type-text.ts'
import { MillraceError, assert } from '../../errors.ts'
import type {
  BlockHeap,
  ByteReader,
  ByteWriter,
  Memory,
  RecordField,
  RecordStore,
} from '../../state/index.ts'
import { CellCodec, classFor, compareNumbers } from '../../state/index.ts'
import type { Aggregate, AggregateInput, AggregateParts, RecordRange, SavedForm } from './aggregate.ts'

/** What `collect` keeps when the plan does not say. */
const COLLECT_MAX_DEFAULT = 1000

/** How entries are ordered: by time, or by value and then by time. */
interface Order {
  readonly by: 'time' | 'value'
  readonly descending: boolean
}

/** Makes `first` or `last`: the value of the earliest or latest row. */
export function createFirstOrLast(parts: AggregateParts, which: 'first' | 'last'): Aggregate {
  return new OrderedValues(parts, {
    order: { by: 'time', descending: which === 'last' },
    max: 1,
    shape: 'value',
  })
}

/** Makes `top`: the n best values, or the named columns of their rows. */
export function createTop(parts: AggregateParts): Aggregate {
  const { n, order } = parts.call.parameters
  const shape = parts.inputs.length > 1 ? 'structs' : 'list'
  return new OrderedValues(parts, {
    order: { by: 'value', descending: order !== 'asc' },
    max: countOf(n, parts),
    shape,
  })
}

/** Makes `collect`: the first `max` values in the order of event time. */
export function createCollect(parts: AggregateParts): Aggregate {
  const max = countOf(parts.call.parameters['max'] ?? COLLECT_MAX_DEFAULT, parts)
  return new OrderedValues(parts, { order: { by: 'time', descending: false }, max, shape: 'list' })
}

interface Options {
  readonly order: Order
  /** Entries kept per group. */
  readonly max: number
  /** What comes out: the value, a list of values, or a list of structs of all columns but the first. */
  readonly shape: 'value' | 'list' | 'structs'
}

/** A column of an entry: of what comes out, or of what only breaks ties. */
interface EntryColumn {
  /** Its number among the entry's columns, and among its null bits. */
  readonly number: number
  readonly input: AggregateInput
  readonly cell: CellCodec
  /** Doubles from the start of the entry. */
  readonly at: number
}

const TIME = 0
const ORDER = 1
const NULLS = 2
/** Null bits per double. */
const BITS = 64

class OrderedValues implements Aggregate {
  readonly saved: SavedForm
  readonly #block: RecordField
  readonly #blockClass: RecordField
  readonly #count: RecordField
  readonly #options: Options
  /** What comes out, in the order of the call. */
  readonly #columns: readonly EntryColumn[]
  /** Columns that only break ties, behind those. */
  readonly #further: readonly EntryColumn[]
  /** All columns that break ties, in the order of the schema. */
  readonly #ties: readonly EntryColumn[]
  /** Of two entries that nothing tells apart, `last` means the one that came later. */
  readonly #isLatest: boolean
  /** Where cells begin: behind the null bits. */
  readonly #cells: number
  /** Doubles per entry. */
  readonly #stride: number
  readonly #blocks: BlockHeap
  readonly #scratch: Memory
  #batch: Batch | undefined
  /** Stands in for `order` where the plan has none. */
  #arrival = 0

  constructor(parts: AggregateParts, options: Options) {
    this.#block = parts.layout.add('i32', 0)
    this.#blockClass = parts.layout.add('i32', 0)
    this.#count = parts.layout.add('i32', 0)
    this.#options = options
    this.#blocks = parts.blocks
    const ties = parts.tieColumns ?? []
    const named = new Set(parts.inputs.map(({ index }) => index))
    const inputs = [...parts.inputs, ...ties.filter(({ index }) => !named.has(index))]
    this.#cells = NULLS + Math.ceil(inputs.length / BITS)
    let stride = this.#cells
    const columns = inputs.map((input, number): EntryColumn => {
      const cell = new CellCodec(input.field.type, parts.strings)
      const at = stride
      stride += cell.doubles
      return { number, input, cell, at }
    })
    this.#columns = columns.slice(0, parts.inputs.length)
    this.#further = columns.slice(parts.inputs.length)
    this.#ties = ties.map(({ index }) => columns.find(({ input }) => input.index === index) as EntryColumn)
    const { by, descending } = options.order
    const order = `${by}${descending ? ' descending' : ''}`
    this.saved = {
      kind: `${options.max} by ${order} of ${columns.map(({ input }) => typeToString(input.field.type)).join(', ')}`,
      save: (store, record, out) => this.#save(store, record, out),
      load: (store, record, from) => this.#load(store, record, from),
    }
    this.#isLatest = options.order.by === 'time' && options.order.descending
    this.#stride = stride
    const f64 = new Float64Array(stride)
    this.#scratch = { f64, i32: new Int32Array(f64.buffer) }
  }

  bind(batch: Batch): void {
    this.#batch = batch
  }

  update(store: RecordStore, record: number, row: number): void {
    const { eventTime, order } = this.#batch as Batch
    const { f64, i32 } = this.#scratch
    f64[TIME] = eventTime === undefined ? 0 : (eventTime[row] as number)
    f64[ORDER] = order === undefined ? this.#orderless() : (order[row] as number)
    const { by } = this.#options.order
    if (by === 'time' && this.#isBeaten(store, record)) return
    i32.fill(0, 2 * NULLS, 2 * this.#cells)
    for (const column of this.#columns) {
      this.#fill(column, row)
      // The column that orders is often all that is needed to know that the row is out.
      if (column.number === 0 && by === 'value' && this.#isBeaten(store, record)) return
    }
    for (const column of this.#further) this.#fill(column, row)
    this.#offer(store, record, this.#scratch, 0)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const base = sourceRecord * source.words
    const block = source.i32[base + this.#block.offset] as number
    const count = source.i32[base + this.#count.offset] as number
    for (let e = 0; e < count; e++) {
      // Entries are in order: the first that is beaten ends it.
      if (!this.#offer(target, targetRecord, this.#blocks, block + e * this.#stride)) return
    }
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: ColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const base = (numbers[n] as number) * store.words
      const block = store.i32[base + this.#block.offset] as number
      const count = store.i32[base + this.#count.offset] as number
      if (this.#options.shape === 'value') this.#writeValue(out, at + n - from, count, block)
      else this.#writeList(out as ListColumnBuilder, at + n - from, count, block)
    }
  }

  release(store: RecordStore, record: number): void {
    const base = record * store.words
    const block = store.i32[base + this.#block.offset] as number
    const count = store.i32[base + this.#count.offset] as number
    for (let e = 0; e < count; e++) this.#hold(this.#blocks, block + e * this.#stride, false)
    this.#blocks.free(block, store.i32[base + this.#blockClass.offset] as number)
  }

  /** The order of a row that has none: that of its arrival, or equal with all others where values break ties. */
  #orderless(): number {
    return this.#ties.length > 0 ? Infinity : this.#arrival++
  }

  /** Puts a column of a row of the batch into the scratch. */
  #fill({ number, input, cell, at }: EntryColumn, row: number): void {
    const column = (this.#batch as Batch).columns[input.index] as Column
    if (isValid(column, row)) cell.store(this.#scratch, at, column, row)
    else setNull(this.#scratch, 0, number)
  }

  #writeValue(out: ColumnBuilder, row: number, count: number, block: number): void {
    const { cell, at } = this.#columns[0] as EntryColumn
    if (count === 0) out.setNull(row)
    else cell.write(this.#blocks, block + at, out, row)
  }

  #writeList(out: ListColumnBuilder, row: number, count: number, block: number): void {
    const start = out.setList(row, count)
    for (let e = 0; e < count; e++) {
      const entry = block + e * this.#stride
      if (this.#options.shape === 'list') {
        const { cell, at } = this.#columns[0] as EntryColumn
        cell.write(this.#blocks, entry + at, out.child, start + e)
        continue
      }
      const { children } = out.child as StructColumnBuilder
      for (let c = 1; c < this.#columns.length; c++) {
        const { number, cell, at } = this.#columns[c] as EntryColumn
        const child = children[c - 1] as ColumnBuilder
        if (isNull(this.#blocks, entry, number)) child.setNull(start + e)
        else cell.write(this.#blocks, entry + at, child, start + e)
      }
    }
  }

  /** Whether the list is full and the entry in the scratch comes after its last one, whatever its other columns are. */
  #isBeaten(store: RecordStore, record: number): boolean {
    const base = record * store.words
    const count = store.i32[base + this.#count.offset] as number
    if (count < this.#options.max) return false
    const last = (store.i32[base + this.#block.offset] as number) + (count - 1) * this.#stride
    const order = this.#compareOrder(this.#scratch, 0, this.#blocks, last)
    return this.#ties.length > 0 ? order > 0 : this.#isAfter(order)
  }

  /** Whether an entry that compares so with one that came before it stands behind it. */
  #isAfter(order: number): boolean {
    return this.#isLatest ? order > 0 : order >= 0
  }

  /** Columns of an entry, entries, and of each in their order: time, order, and per column 1 and the value, or 0. */
  #save(store: RecordStore, record: number, out: ByteWriter): void {
    const base = record * store.words
    const block = store.i32[base + this.#block.offset] as number
    const count = store.i32[base + this.#count.offset] as number
    const columns = [...this.#columns, ...this.#further]
    out.i32(columns.length)
    out.i32(count)
    for (let e = 0; e < count; e++) {
      const entry = block + e * this.#stride
      out.f64(this.#blocks.f64[entry + TIME] as number)
      out.f64(this.#blocks.f64[entry + ORDER] as number)
      for (const { number, cell, at } of columns) {
        const isMissing = isNull(this.#blocks, entry, number)
        out.u8(isMissing ? 0 : 1)
        if (!isMissing) cell.save(this.#blocks, entry + at, out)
      }
    }
  }

  #load(store: RecordStore, record: number, from: ByteReader): void {
    const columns = [...this.#columns, ...this.#further]
    const saved = from.i32()
    assert(saved === columns.length, `entries of ${saved} columns are not ones of ${columns.length}`)
    const { f64, i32 } = this.#scratch
    for (let left = from.i32(); left > 0; left--) {
      f64[TIME] = from.f64()
      const order = from.f64()
      f64[ORDER] = order
      // Rows that come now arrive later than these did.
      if (order < Infinity) this.#arrival = Math.max(this.#arrival, order + 1)
      i32.fill(0, 2 * NULLS, 2 * this.#cells)
      for (const { number, cell, at } of columns) {
        if (from.u8() === 1) cell.load(this.#scratch, at, from)
        else setNull(this.#scratch, 0, number)
      }
      this.#offer(store, record, this.#scratch, 0)
    }
  }

  /** Puts an entry in its place; false when the list is full of better ones. */
  #offer(store: RecordStore, record: number, memory: Memory, entry: number): boolean {
    const base = record * store.words
    const stride = this.#stride
    let block = store.i32[base + this.#block.offset] as number
    let count = store.i32[base + this.#count.offset] as number
    if (count === this.#options.max) {
      const last = block + (count - 1) * stride
      if (this.#isAfter(this.#compare(memory, entry, this.#blocks, last))) return false
      this.#hold(memory, entry, true)
      this.#hold(this.#blocks, last, false)
      count--
    } else {
      this.#hold(memory, entry, true)
      const oldClass = store.i32[base + this.#blockClass.offset] as number
      const needed = (count + 1) * stride
      if (block === 0 || needed > 1 << oldClass) {
        const newClass = classFor(needed)
        block = this.#blocks.resize(block, oldClass, newClass, count * stride)
        store.i32[base + this.#block.offset] = block
        store.i32[base + this.#blockClass.offset] = newClass
      }
    }
    const place = this.#place(block, count, memory, entry)
    const { i32, f64 } = this.#blocks
    f64.copyWithin(block + (place + 1) * stride, block + place * stride, block + count * stride)
    // Word by word: a float64 copy could change the bits of a cell that is not a number.
    const to = 2 * (block + place * stride)
    for (let w = 0; w < 2 * stride; w++) i32[to + w] = memory.i32[2 * entry + w] as number
    store.i32[base + this.#count.offset] = count + 1
    return true
  }

  /** How many entries come before the given one. Rows mostly come in order, so the end is tried first. */
  #place(block: number, count: number, memory: Memory, entry: number): number {
    const stride = this.#stride
    if (count === 0 || this.#compare(memory, entry, this.#blocks, block + (count - 1) * stride) >= 0)
      return count
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(memory, entry, this.#blocks, block + middle * stride) < 0) high = middle
      else low = middle + 1
    }
    return low
  }

  #compare(left: Memory, l: number, right: Memory, r: number): number {
    const order = this.#compareOrder(left, l, right, r)
    if (order !== 0 || this.#ties.length === 0) return order
    return this.#isLatest ? -this.#compareTies(left, l, right, r) : this.#compareTies(left, l, right, r)
  }

  #compareOrder(left: Memory, l: number, right: Memory, r: number): number {
    const { by, descending } = this.#options.order
    if (by === 'value') {
      const { cell, at } = this.#columns[0] as EntryColumn
      const order = cell.compare(left, l + at, right, r + at)
      if (order !== 0) return descending ? -order : order
    }
    const byTime =
      compareNumbers(left.f64[l + TIME] as number, right.f64[r + TIME] as number) ||
      compareNumbers(left.f64[l + ORDER] as number, right.f64[r + ORDER] as number)
    return this.#isLatest ? -byTime : byTime
  }

  #compareTies(left: Memory, l: number, right: Memory, r: number): number {
    for (const { number, cell, at } of this.#ties) {
      const isLeftNull = isNull(left, l, number)
      const isRightNull = isNull(right, r, number)
      const order =
        isLeftNull || isRightNull
          ? Number(isLeftNull) - Number(isRightNull)
          : cell.compare(left, l + at, right, r + at)
      if (order !== 0) return order
    }
    return 0
  }

  /** Counts (or gives up) the references of an entry's cells. */
  #hold(memory: Memory, entry: number, hold: boolean): void {
    for (const column of this.#columns) holdCell(column, memory, entry, hold)
    for (const column of this.#further) holdCell(column, memory, entry, hold)
  }
}

function holdCell({ number, cell, at }: EntryColumn, memory: Memory, entry: number, hold: boolean): void {
  if (cell.kind !== 'string' || isNull(memory, entry, number)) return
  if (hold) cell.retain(memory, entry + at)
  else cell.release(memory, entry + at)
}

function isNull(memory: Memory, entry: number, column: number): boolean {
  return ((memory.i32[2 * (entry + NULLS) + (column >> 5)] as number) & (1 << (column & 31))) !== 0
}

function setNull(memory: Memory, entry: number, column: number): void {
  const word = 2 * (entry + NULLS) + (column >> 5)
  memory.i32[word] = (memory.i32[word] as number) | (1 << (column & 31))
}

function countOf(value: unknown, { call, step }: AggregateParts): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
  throw new MillraceError('plan/invalid-argument', {
    what: `aggregate "${call.name}": ${call.aggregate} needs a number of values to keep`,
    detail: `it was given ${JSON.stringify(value)}`,
    step,
  })
}
