/**
 * One input of an interval join: its rows by key and in order of time, until no partner can come any more.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { isValid } from '../../data/column.ts'
import type { Schema } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type {
  ArrayPool,
  BlockHeap,
  GroupTable,
  KeyLayout,
  RecordField,
  StringTable,
} from '../../state/index.ts'
import { KeptRows, RecordLayout, RowLists, TimeWheel } from '../../state/index.ts'
import type { OperatorContext } from '../operator.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'
import { LateRows } from '../rows/late-rows.ts'

/** What both sides share. */
export interface JoinGround {
  readonly context: OperatorContext
  readonly strings: StringTable
  readonly blocks: BlockHeap
  readonly pool: ArrayPool
  /** The records of keys: sides add their fields before the table is made. */
  readonly keyLayout: RecordLayout
}

/** What one side is made of. */
export interface JoinSideOptions {
  readonly schema: Schema
  readonly key: KeyLayout
  /** Positions of the columns that are kept. */
  readonly columns: readonly number[]
  readonly latePort: string
  /** A row's partners lie from so far behind its own time to so far behind it. */
  readonly partnersFromMs: number
  readonly partnersToMs: number
  /** How far behind the watermark rows are taken in. */
  readonly allowedLatenessMs: number
  /** Whether it matters which rows found a partner. */
  readonly tracksPartners: boolean
  /** Rows that found none leave when their time is over. */
  readonly givesUnmatched: boolean
}

/** The rows of one input. */
export class JoinSide {
  readonly options: JoinSideOptions
  readonly rows: KeptRows
  readonly lists: RowLists
  /** By the last watermark at which a row may find a partner. */
  readonly wheel: TimeWheel = new TimeWheel()
  /** In the record of a row: the record of its key, its time, its number, and whether it found a partner. */
  readonly group: RecordField
  readonly time: RecordField
  readonly number: RecordField
  readonly matched: RecordField
  /** Of the batch at work, by live row. */
  groups: Int32Array = new Int32Array(1024)
  records: Int32Array = new Int32Array(1024)
  readonly #ground: JoinGround
  readonly #late: LateRows
  #kernels: KeyedKernels | undefined
  #selection: Int32Array = new Int32Array(1024)
  #unmatchable: Int32Array = new Int32Array(0)

  constructor(options: JoinSideOptions, ground: JoinGround) {
    this.options = options
    this.#ground = ground
    this.lists = new RowLists(ground.keyLayout, ground.blocks)
    const layout = new RecordLayout(0)
    this.group = layout.add('i32', 0)
    this.matched = layout.add('i32', 0)
    this.time = layout.add('f64', 0)
    this.number = layout.add('f64', 0)
    const { schema, columns } = options
    this.rows = new KeptRows({ schema, columns, layout, pool: ground.pool, blocks: ground.blocks })
    this.#late = new LateRows(ground.context, options.latePort)
  }

  /** Called once, when the table of keys is there. */
  open(keys: GroupTable): void {
    this.#kernels = new KeyedKernels({
      key: this.options.key,
      strings: this.#ground.strings,
      aggregates: [],
      groupWords: keys.words,
      recordWords: keys.words,
      hasStableGroups: false,
      shape: { kind: 'locate', groups: () => this.groups },
    })
  }

  /** Rows before this time were forgotten: what their lists still say of them does not count. */
  liveFrom: number = -Infinity

  /** Entered rows without a partner that leave if none comes. */
  waiting: number = 0

  /** How far behind a row the watermark may be while a partner may come. */
  get livesMs(): number {
    return this.options.partnersToMs + this.options.allowedLatenessMs
  }

  /**
   * The rows that may find a partner; the late ones are counted and leave. `visitUnmatchable` gets those with a null in
   * their key, which equals nothing.
   */
  arrived(batch: Batch, watermark: number, visitUnmatchable: (batch: Batch) => void): Batch {
    const { eventTime } = batch
    assert(eventTime !== undefined, `rows of step "${this.#ground.context.step}" have no event time`)
    const count = rowCount(batch)
    const keys = this.options.key.parts.map(({ column }) => batch.columns[column] as Column)
    const hasNulls = keys.some(({ validity }) => validity !== undefined)
    const earliest = watermark - this.options.allowedLatenessMs
    if (!hasNulls && !hasEarlier(batch, earliest)) return batch
    if (this.#selection.length < count) this.#selection = new Int32Array(count)
    if (hasNulls && this.#unmatchable.length < count) this.#unmatchable = new Int32Array(count)
    let kept = 0
    let unmatchable = 0
    this.#late.begin(batch)
    for (let n = 0; n < count; n++) {
      const row = batch.selection === undefined ? n : (batch.selection[n] as number)
      if (Math.floor(eventTime[row] as number) < earliest) this.#late.add(row)
      else if (hasNulls && !keys.every((key) => isValid(key, row))) this.#unmatchable[unmatchable++] = row
      else this.#selection[kept++] = row
    }
    this.#late.emit()
    if (unmatchable > 0)
      visitUnmatchable({ ...batch, selection: this.#unmatchable, selectedCount: unmatchable })
    return { ...batch, selection: this.#selection, selectedCount: kept }
  }

  /** Finds the keys of rows: fills `groups`. */
  locate(batch: Batch, keys: GroupTable): void {
    const count = rowCount(batch)
    if (this.groups.length < count) this.groups = new Int32Array(count)
    const kernel = (this.#kernels as KeyedKernels).bind(batch, batch.selection)
    kernel.loop(kernel.lanes, batch.eventTime, batch.selection, 0, count, -Infinity, Infinity, keys)
  }

  /** Keeps rows: fills `records`. */
  keep(batch: Batch): void {
    const count = rowCount(batch)
    if (this.records.length < count) this.records = new Int32Array(count)
    this.rows.bind(batch)
    this.rows.add(0, count, this.records)
  }

  /** Puts a kept row into the list of its key. */
  enter(record: number, keys: GroupTable, { group, time, number }: EnteredRow): void {
    const { i32, f64, words } = this.rows.records
    const double = record * (words >> 1)
    i32[record * words + this.group.offset] = group
    f64[double + this.time.offset] = time
    f64[double + this.number.offset] = number
    this.lists.add(keys, group, { record, time, liveFrom: this.liveFrom })
    this.wheel.add(record, time + this.livesMs)
    if (this.options.givesUnmatched) this.waiting++
  }

  /** A row whose time is over gives back its memory. */
  release(record: number): void {
    if (this.options.givesUnmatched && !this.hasPartner(record)) this.waiting--
    this.rows.release(record)
  }

  get bytes(): number {
    return this.rows.records.bytes + this.wheel.bytes
  }

  hasPartner(record: number): boolean {
    const { i32, words } = this.rows.records
    return i32[record * words + this.matched.offset] !== 0
  }

  /** Notes that a row found a partner; true when it is the first. */
  found(record: number): boolean {
    const { records } = this.rows
    const at = record * records.words + this.matched.offset
    if (records.i32[at] !== 0) return false
    records.i32[at] = 1
    if (this.options.givesUnmatched) this.waiting--
    records.mark(record)
    return true
  }

  timeOf(record: number): number {
    const { f64, words } = this.rows.records
    return f64[record * (words >> 1) + this.time.offset] as number
  }

  numberOf(record: number): number {
    const { f64, words } = this.rows.records
    return f64[record * (words >> 1) + this.number.offset] as number
  }

  groupOf(record: number): number {
    const { i32, words } = this.rows.records
    return i32[record * words + this.group.offset] as number
  }
}

/** What a row is entered under. */
export interface EnteredRow {
  readonly group: number
  readonly time: number
  readonly number: number
}

function hasEarlier({ eventTime, selection, ...batch }: Batch, earliest: number): boolean {
  const time = eventTime as Float64Array
  const count = selection === undefined ? batch.length : batch.selectedCount
  for (let n = 0; n < count; n++) {
    if (Math.floor(time[selection === undefined ? n : (selection[n] as number)] as number) < earliest)
      return true
  }
  return false
}
