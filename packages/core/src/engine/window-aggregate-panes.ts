/**
 * Tumbling, sliding and global windows: one table of groups per pane, merged when a window fires.
 *
 * A row is added to exactly one pane, whatever the ratio of size and slide. A tumbling window is its pane, and fires by
 * a scan of its table; a sliding window merges its panes into a scratch table first.
 *
 * Invariants (tests quote them):
 *  W1  Window [s, e) fires when the watermark reaches e, once, in order of e; an empty window emits nothing.
 *  W2  A row is late when every window that contains it has end + allowed lateness at or below the watermark. It is
 *      counted and goes to the late port. A row in no window (slide longer than size) is neither late nor counted.
 *  W3  Within the allowed lateness a row revises windows that have fired: their old result leaves with weight −1
 *      (if there was one) and the new one with +1.
 *  W4  Within a window, rows leave in order of their group's first row.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import type { Schema } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { WindowAggregateNode } from '../plan/logical.ts'
import { LATE_PORT, MAIN_PORT } from '../plan/logical.ts'
import { GroupTable } from '../state/index.ts'
import { LateRows } from './late-rows.ts'
import type { Emit, Operator, OperatorContext } from './operator.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import { paneArithmetic } from './pane-arithmetic.ts'
import type { BoundKernel } from './window-aggregate-kernel.ts'
import { AccumulateKernels } from './window-aggregate-kernel.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import { bindAggregates, holdKey, releaseRecord, windowAggregateParts } from './window-aggregate-parts.ts'
import { WindowOutput } from './window-output.ts'

/** Emptied tables kept for the next panes, with the memory they grew to. */
const SPARE_TABLES_MAX = 8

interface Pane {
  readonly start: number
  readonly end: number
  readonly table: GroupTable
}

/** A window in the middle of leaving. */
interface Firing {
  readonly end: number
  readonly table: GroupTable
  /** The table was merged for this window and goes when it has left. */
  readonly isScratch: boolean
  position: number
}

/** The operator for windows that are made of panes. */
export class PaneWindows implements Operator {
  readonly #context: OperatorContext
  readonly #parts: WindowAggregateParts
  readonly #arithmetic: PaneArithmetic
  readonly #kernels: AccumulateKernels
  readonly #output: WindowOutput
  readonly #main: Emit
  readonly #late: LateRows
  readonly #lateness: number
  /** In order of start. */
  readonly #panes: Pane[] = []
  readonly #spare: GroupTable[] = []
  #numbers: Int32Array = new Int32Array(0)
  #targets: Int32Array = new Int32Array(0)
  /** Windows that end at or before this have fired, or had no rows when they should have. */
  #firedEnd = -Infinity
  #watermark = -Infinity
  #firing: Firing | undefined

  constructor(
    node: WindowAggregateNode,
    inputSchema: Schema,
    context: OperatorContext,
    functions: ReadonlyMap<string, unknown>,
  ) {
    assert(node.window.kind !== 'session', 'sessions have no panes')
    const options = { ownKey: true, extra: () => undefined }
    this.#parts = windowAggregateParts(node, inputSchema, functions, options).parts
    this.#context = context
    this.#arithmetic = paneArithmetic(node.window)
    this.#lateness = node.allowedLatenessMs
    this.#kernels = new AccumulateKernels({
      ...this.#parts,
      groupWords: this.#parts.template.length,
      recordWords: this.#parts.template.length,
      hasStableGroups: true,
      shape: { kind: 'pane', checksTime: node.window.kind !== 'global' },
    })
    this.#output = new WindowOutput(this.#parts, {
      batchRows: context.batchRows,
      hasWeights: node.allowedLatenessMs > 0,
    })
    this.#main = context.emit(MAIN_PORT)
    this.#late = new LateRows(context, LATE_PORT)
  }

  push(batch: Batch): void {
    this.#output.recycle()
    this.#late.begin(batch)
    bindAggregates(this.#parts, batch)
    const revisions = this.#accumulate(batch)
    if (revisions !== undefined) for (const [start, rows] of revisions) this.#revise(batch, start, rows)
    this.#emitOutput()
    this.#late.emit()
    this.#countState()
  }

  advance(watermark: number): boolean {
    this.#output.recycle()
    this.#watermark = watermark
    for (;;) {
      this.#firing ??= this.#nextFiring(watermark)
      if (this.#firing === undefined) break
      if (!this.#writeFiring(this.#firing)) {
        this.#emitOutput()
        return false
      }
      this.#firing = undefined
    }
    this.#firedEnd = Math.max(this.#firedEnd, watermark)
    this.#dropPanes(watermark)
    this.#emitOutput()
    this.#parts.strings.sweep()
    this.#countState()
    return true
  }

  /** Strings and block memory that records refer to: nothing when there are no records (for leak tests). */
  held(): { readonly strings: number; readonly doubles: number } {
    return { strings: this.#parts.strings.size, doubles: this.#parts.blocks.liveDoubles }
  }

  close(): void {
    for (const pane of this.#panes) pane.table.dispose()
    for (const table of this.#spare) table.dispose()
    this.#panes.length = 0
    this.#spare.length = 0
  }

  /** Adds the rows of a batch to their panes; gives the rows that revise fired windows, by pane. */
  #accumulate(batch: Batch): Map<number, number[]> | undefined {
    const { selection } = batch
    const count = rowCount(batch)
    const kernel = this.#kernels.bind(batch, selection)
    const time = batch.eventTime
    let revisions: Map<number, number[]> | undefined
    let n = 0
    while (n < count) {
      const row = selection === undefined ? n : (selection[n] as number)
      const start = this.#arithmetic.paneStart(time === undefined ? -Infinity : (time[row] as number))
      const lastEnd = this.#arithmetic.lastEnd(start)
      if (lastEnd !== lastEnd) n++
      else if (this.#watermark >= lastEnd + this.#lateness) {
        this.#late.add(row)
        n++
      } else if (this.#lateness > 0 && this.#arithmetic.firstEnd(start, -Infinity) <= this.#firedEnd) {
        revisions ??= new Map()
        const rows = revisions.get(start)
        if (rows === undefined) revisions.set(start, [row])
        else rows.push(row)
        n++
      } else {
        const pane = this.#pane(start)
        n = kernel.loop(kernel.lanes, time, selection, n, count, pane.start, pane.end, pane.table)
      }
    }
    return revisions
  }

  /** The pane that starts at `start`, made when it is not there. */
  #pane(start: number): Pane {
    const panes = this.#panes
    let at = panes.length
    while (at > 0 && (panes[at - 1] as Pane).start > start) at--
    const before = panes[at - 1]
    if (before !== undefined && before.start === start) return before
    const pane = { start, end: start + this.#arithmetic.paneMs, table: this.#takeTable() }
    if (start === -Infinity) pane.end = Infinity
    panes.splice(at, 0, pane)
    return pane
  }

  /** The next window that is due, by its end; its panes merged when it has several. */
  #nextFiring(watermark: number): Firing | undefined {
    let end = Number.NaN
    for (const pane of this.#panes) {
      const candidate = this.#arithmetic.firstEnd(pane.start, this.#firedEnd)
      if (candidate <= watermark && !(candidate >= end)) end = candidate
    }
    if (end !== end) return undefined
    const panes = this.#panesOf(end)
    if (panes.length === 1) return { end, table: (panes[0] as Pane).table, isScratch: false, position: 0 }
    const table = this.#takeTable()
    for (const pane of panes) this.#mergeAll(table, pane.table)
    return { end, table, isScratch: true, position: 0 }
  }

  #panesOf(end: number): Pane[] {
    const start = end - this.#arithmetic.sizeMs
    // The global window: ∞ − ∞ is no number, and it contains everything.
    if (start !== start) return [...this.#panes]
    return this.#panes.filter((pane) => pane.start >= start && pane.end <= end)
  }

  /** Writes as many groups as there is room for; true when all have been written. */
  #writeFiring(firing: Firing): boolean {
    const { table, end } = firing
    const rows = Math.min(this.#output.room, table.size - firing.position)
    if (rows > 0) {
      const numbers = this.#identity(table.size)
      this.#write(table, { numbers, from: firing.position, to: firing.position + rows, end, weight: 1 })
      firing.position += rows
    }
    if (firing.position < table.size) return false
    this.#firedEnd = end
    if (firing.isScratch) this.#giveTable(table, { holdsKeys: false })
    return true
  }

  #write(
    table: GroupTable,
    rows: { numbers: Int32Array; from: number; to: number; end: number; weight: 1 | -1 },
  ): void {
    const { numbers, from, to, end, weight } = rows
    const windowStart = end - this.#arithmetic.sizeMs
    const where = { keys: table, groups: numbers, store: table, records: numbers }
    this.#output.write({ ...where, from, to, windowStart, windowEnd: end, weight })
  }

  /** Merges all groups of one table into another. */
  #mergeAll(target: GroupTable, source: GroupTable): void {
    const numbers = this.#identity(source.size)
    this.#merge(target, source, { numbers, count: source.size, insert: 'borrow' })
  }

  /**
   * Merges some groups. `insert`: `hold` keeps the strings of new keys, `borrow` does not (a scratch table does not
   * outlive the panes that hold them).
   */
  #merge(
    target: GroupTable,
    source: GroupTable,
    groups: { readonly numbers: Int32Array; readonly count: number; readonly insert: 'hold' | 'borrow' },
  ): void {
    const { numbers, count } = groups
    if (this.#targets.length < count) this.#targets = new Int32Array(count * 2)
    const targets = this.#targets
    for (let n = 0; n < count; n++) {
      target.loadKey(source.i32, (numbers[n] as number) * source.words)
      let record = target.find()
      if (record < 0) {
        record = target.insert(target.tagOfKey())
        if (groups.insert === 'hold') holdKey(this.#parts, target, record, true)
      }
      targets[n] = record
    }
    for (const { aggregate } of this.#parts.aggregates) {
      for (let n = 0; n < count; n++)
        aggregate.merge(target, targets[n] as number, source, numbers[n] as number)
    }
  }

  /** Adds rows to a pane some of whose windows have fired, and corrects those (W3). */
  #revise(batch: Batch, start: number, rows: readonly number[]): void {
    const delta = this.#takeTable()
    const selection = Int32Array.from(rows)
    const kernel: BoundKernel = this.#kernels.bind(batch, selection)
    const end = start + this.#arithmetic.paneMs
    kernel.loop(kernel.lanes, batch.eventTime, selection, 0, rows.length, start, end, delta)
    const fired: number[] = []
    for (let e = this.#arithmetic.firstEnd(start, -Infinity); e <= this.#firedEnd;) {
      if (this.#watermark < e + this.#lateness) fired.push(e)
      e = this.#arithmetic.firstEnd(start, e)
    }
    for (const e of fired) this.#writeGroupsOf(delta, e, -1)
    const numbers = this.#identity(delta.size)
    this.#merge(this.#pane(start).table, delta, { numbers, count: delta.size, insert: 'hold' })
    for (const e of fired) this.#writeGroupsOf(delta, e, 1)
    this.#giveTable(delta, { holdsKeys: true })
  }

  /** Writes a window's results for the groups in `delta` only. */
  #writeGroupsOf(delta: GroupTable, end: number, weight: 1 | -1): void {
    const table = this.#takeTable()
    for (const pane of this.#panesOf(end)) {
      const found = new Int32Array(delta.size)
      let count = 0
      for (let group = 0; group < delta.size; group++) {
        pane.table.loadKey(delta.i32, group * delta.words)
        const record = pane.table.find()
        if (record >= 0) found[count++] = record
      }
      this.#merge(table, pane.table, { numbers: found, count, insert: 'borrow' })
    }
    const numbers = this.#identity(table.size)
    for (let from = 0; from < table.size;) {
      if (this.#output.room === 0) this.#emitOutput()
      const to = Math.min(table.size, from + this.#output.room)
      this.#write(table, { numbers, from, to, end, weight })
      from = to
    }
    this.#giveTable(table, { holdsKeys: false })
  }

  #dropPanes(watermark: number): void {
    let kept = 0
    for (const pane of this.#panes) {
      if (watermark >= this.#arithmetic.lastEnd(pane.start) + this.#lateness) {
        this.#giveTable(pane.table, { holdsKeys: true })
      } else this.#panes[kept++] = pane
    }
    this.#panes.length = kept
  }

  #takeTable(): GroupTable {
    const { key, template, pool } = this.#parts
    return this.#spare.pop() ?? new GroupTable({ keyWords: key.words, template, pool })
  }

  /** Empties a table, giving up what its records hold. */
  #giveTable(table: GroupTable, { holdsKeys }: { readonly holdsKeys: boolean }): void {
    const holdsStrings = holdsKeys && this.#parts.key.stringWords.length > 0
    if (holdsStrings) for (let n = 0; n < table.size; n++) holdKey(this.#parts, table, n, false)
    if (this.#parts.aggregates.some(({ aggregate }) => aggregate.release !== undefined)) {
      for (let n = 0; n < table.size; n++) releaseRecord(this.#parts, table, n)
    }
    if (this.#spare.length < SPARE_TABLES_MAX) {
      table.clear()
      this.#spare.push(table)
    } else table.dispose()
  }

  /** 0, 1, 2, …: the records of a table of panes, which never deletes. */
  #identity(count: number): Int32Array {
    if (this.#numbers.length < count)
      this.#numbers = Int32Array.from({ length: Math.max(64, count * 2) }, (_, n) => n)
    return this.#numbers
  }

  #emitOutput(): void {
    const batch = this.#output.take()
    if (batch !== undefined) this.#main(batch)
  }

  #countState(): void {
    const { counters } = this.#context
    let entries = 0
    let bytes = this.#parts.strings.memoryBytes + this.#parts.blocks.bytes + this.#parts.pool.retainedBytes
    for (const { table } of this.#panes) {
      entries += table.size
      bytes += table.bytes
    }
    for (const table of this.#spare) bytes += table.bytes
    counters.stateEntries = entries
    counters.stateBytes = bytes
  }
}
