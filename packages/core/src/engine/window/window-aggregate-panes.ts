/**
 * Tumbling, sliding and global windows: one table of groups per pane, merged when a window fires.
 *
 * A row is added to exactly one pane, whatever the ratio of size and slide. A tumbling window is its pane, and fires by
 * a scan of its table; a sliding window merges its panes into a scratch table first, or runs of them (pane-spans.ts).
 *
 * Invariants (tests quote them):
 *  WP1  Window [s, e) fires when the watermark reaches e, once, in order of e; an empty window emits nothing.
 *  WP2  A row is late when every window that contains it has end + allowed lateness at or below the watermark. It is
 *       counted and goes to the late port. A row in no window (slide longer than size) is neither late nor counted.
 *  WP3  Within the allowed lateness a row revises windows that have fired: their old result leaves with weight −1
 *       (if there was one) and the new one with +1.
 *  WP4  Within a window, rows leave in order of their group's first row.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type { WindowAggregateNode } from '../../plan/logical.ts'
import { LATE_PORT, MAIN_PORT } from '../../plan/logical.ts'
import type { GroupTable } from '../../state/index.ts'
import { isLate, isWindowComplete } from '../../time/window.ts'
import { AccumulatorInput } from './accumulator-columns.ts'
import { LateRows } from '../rows/late-rows.ts'
import type { Emit, Operator, OperatorContext, OperatorState } from '../operator.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import { paneArithmetic } from './pane-arithmetic.ts'
import type { Pane } from './pane-list.ts'
import { PaneList } from './pane-list.ts'
import { PaneRevisions } from './pane-revisions.ts'
import { PaneSpans, paysForSpans } from './pane-spans.ts'
import { PaneState } from './pane-state.ts'
import { PaneTables } from './pane-tables.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import { bindAggregates, windowAggregateParts } from './window-aggregate-parts.ts'
import type { FunctionBindings } from './window-aggregate.ts'
import { WindowCorrections } from './window-corrections.ts'
import { WindowOutput } from './window-output.ts'

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
  readonly state: OperatorState
  readonly #context: OperatorContext
  readonly #parts: WindowAggregateParts
  readonly #arithmetic: PaneArithmetic
  readonly #kernels: KeyedKernels
  readonly #output: WindowOutput
  readonly #main: Emit
  readonly #late: LateRows
  readonly #lateness: number
  readonly #accumulators: AccumulatorInput | undefined
  readonly #panes: PaneList
  readonly #tables: PaneTables
  /** Not with an allowed lateness: a result that is computed again has to be the same to the last bit. */
  readonly #spans: PaneSpans | undefined
  /** Only with an allowed lateness is there anything to revise. */
  readonly #corrections: WindowCorrections | undefined
  readonly #revisions: PaneRevisions | undefined
  /** Windows that end at or before this have fired, or had no rows when they should have. */
  #firedEnd = -Infinity
  #watermark = -Infinity
  #firing: Firing | undefined

  constructor(
    node: WindowAggregateNode,
    inputSchema: Schema,
    context: OperatorContext,
    bindings: FunctionBindings,
  ) {
    assert(node.window.kind !== 'session', 'sessions have no panes')
    const options = { functions: bindings.functions, isUnordered: context.isUnordered }
    this.#parts = windowAggregateParts(node, inputSchema, options, () => undefined).parts
    this.#context = context
    this.#arithmetic = paneArithmetic(node.window)
    this.#lateness = node.allowedLatenessMs
    this.#kernels = new KeyedKernels({
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
    this.#panes = new PaneList(this.#arithmetic)
    this.#tables = new PaneTables(this.#parts)
    if (this.#lateness === 0 && paysForSpans(this.#arithmetic))
      this.#spans = new PaneSpans(this.#arithmetic, this.#panes, this.#tables)
    if (this.#lateness > 0) {
      const { batchRows } = context
      this.#corrections = new WindowCorrections(this.#parts, { batchRows, emit: this.#main })
      this.#revisions = new PaneRevisions({
        arithmetic: this.#arithmetic,
        panes: this.#panes,
        tables: this.#tables,
        kernels: this.#kernels,
        corrections: this.#corrections,
        allowedLateness: this.#lateness,
        paneAt: (start) => this.#pane(start),
      })
    }
    this.#late = new LateRows(context, LATE_PORT)
    const { accumulators } = bindings
    this.#accumulators = accumulators && new AccumulatorInput(this.#parts, accumulators)
    this.state = this.#makeState()
  }

  push(batch: Batch, input: number = 0): void {
    this.#recycle()
    if (input === 1) {
      this.#mergeAccumulators(batch)
      return
    }
    this.#late.begin(batch)
    bindAggregates(this.#parts, batch)
    this.#accumulate(batch)
    this.#revisions?.apply(batch, { firedEnd: this.#firedEnd, watermark: this.#watermark })
    this.#late.emit()
    this.#countState()
  }

  advance(watermark: number): boolean {
    this.#recycle()
    this.#watermark = watermark
    for (;;) {
      this.#firing ??= this.#nextFiring(watermark)
      if (this.#firing === undefined) break
      if (!this.#writeFiring(this.#firing)) {
        this.#emitOutput()
        return false
      }
      this.#firing = undefined
      this.#dropPanes()
    }
    this.#firedEnd = Math.max(this.#firedEnd, watermark)
    this.#dropPanes()
    this.#emitOutput()
    if (!this.#tables.proceed()) return false
    this.#countState()
    return true
  }

  /** Strings and block memory that records refer to: nothing when there are no records (for leak tests). */
  held(): { readonly strings: number; readonly doubles: number } {
    return { strings: this.#parts.strings.size, doubles: this.#parts.blocks.liveDoubles }
  }

  close(): void {
    this.#accumulators?.close()
    this.#spans?.dispose()
    this.#panes.dispose()
    this.#tables.dispose()
  }

  #makeState(): OperatorState {
    return new PaneState({
      parts: this.#parts,
      arithmetic: this.#arithmetic,
      panes: this.#panes,
      tables: this.#tables,
      place: this.#context,
      paneAt: (start) => this.#pane(start),
      track: () => {
        this.#kernels.marksChanges = true
      },
      progress: () => {
        assert(this.#firing === undefined, 'a window is in the middle of firing at a cut')
        const droppedTo = this.#watermark - this.#lateness
        return { watermark: this.#watermark, firedEnd: this.#firedEnd, droppedTo }
      },
      goOn: ({ watermark, firedEnd, droppedTo }) => {
        this.#watermark = Math.max(this.#watermark, watermark)
        this.#firedEnd = Math.max(this.#firedEnd, firedEnd)
        this.#dropPanes(droppedTo)
      },
      beginTime: () => {
        this.#watermark = -Infinity
        this.#firedEnd = -Infinity
      },
      restored: () => {
        while (!this.#tables.proceed());
        this.#countState()
      },
    })
  }

  /** Adds the rows of a batch to their panes; those that revise fired windows are put aside. */
  #accumulate(batch: Batch): void {
    const { selection } = batch
    const count = rowCount(batch)
    const kernel = this.#kernels.bind(batch, selection)
    const time = batch.eventTime
    let n = 0
    while (n < count) {
      const row = selection === undefined ? n : (selection[n] as number)
      const start = this.#arithmetic.paneStart(time === undefined ? -Infinity : (time[row] as number))
      const lastEnd = this.#arithmetic.lastEnd(start)
      if (lastEnd !== lastEnd) n++
      else if (isLate(lastEnd, this.#lateness, this.#watermark)) {
        this.#late.add(row)
        n++
      } else if (
        this.#revisions !== undefined &&
        this.#arithmetic.firstEnd(start, -Infinity) <= this.#firedEnd
      ) {
        this.#revisions.add(start, row)
        n++
      } else {
        const pane = this.#pane(start)
        n = kernel.loop(kernel.lanes, time, selection, n, count, pane.start, pane.end, pane.table)
      }
    }
  }

  /**
   * Takes in what a partial aggregate has begun; rows of one pane stand together. Accumulators are late only when this
   * task's watermark went on while their sender was idle.
   */
  #mergeAccumulators(batch: Batch): void {
    const accumulators = this.#accumulators as AccumulatorInput
    const { selection, eventTime } = batch
    const count = rowCount(batch)
    const timeOf = (n: number): number =>
      eventTime === undefined ? -Infinity : (eventTime[selection?.[n] ?? n] as number)
    accumulators.begin(batch)
    for (let from = 0, to = 0; from < count; from = to) {
      const start = this.#arithmetic.paneStart(timeOf(from))
      to = eventTime === undefined ? count : from + 1
      while (to < count && timeOf(to) === timeOf(from)) to++
      if (isLate(this.#arithmetic.lastEnd(start), 0, this.#watermark))
        this.#context.counters.lateRows += accumulators.rowsOf(from, to)
      else accumulators.merge(from, to, this.#pane(start).table)
    }
    this.#countState()
  }

  /** The pane that starts at `start`, to be written to; made when it is not there. */
  #pane(start: number): Pane {
    this.#spans?.forget(start)
    return this.#panes.find(start) ?? this.#panes.open(start, this.#tables.take())
  }

  /** The next window that is due, by its end; its panes merged when it has several. */
  #nextFiring(watermark: number): Firing | undefined {
    const end = this.#panes.nextEnd(this.#firedEnd)
    // Written so that NaN, no window, is not due.
    if (!isWindowComplete(end, watermark)) return undefined
    const tables = this.#spans?.of(end) ?? this.#panes.of(end).map((pane) => pane.table)
    if (tables.length === 1) return { end, table: tables[0] as GroupTable, isScratch: false, position: 0 }
    return { end, table: this.#tables.merged(tables), isScratch: true, position: 0 }
  }

  /** Writes as many groups as there is room for; true when all have been written. */
  #writeFiring(firing: Firing): boolean {
    const { table, end } = firing
    const rows = Math.min(this.#output.room, table.size - firing.position)
    if (rows > 0) {
      const { numbers } = this.#tables.all(table)
      const from = firing.position
      const to = from + rows
      const windowStart = end - this.#arithmetic.sizeMs
      const where = { keys: table, groups: numbers, store: table, records: numbers, from, to }
      this.#output.write({ ...where, windowStart, windowEnd: end, weight: 1 })
      firing.position = to
    }
    if (firing.position < table.size) return false
    this.#firedEnd = end
    if (firing.isScratch) this.#tables.giveScratch(table)
    return true
  }

  /** Drops panes whose last window ends at or before a time. */
  #dropPanes(to: number = this.#watermark - this.#lateness): void {
    for (;;) {
      const pane = this.#panes.takeOver(Math.min(this.#firedEnd, to))
      if (pane === undefined) return
      this.#spans?.dropTo(pane.start)
      this.#tables.giveLater(pane.table)
    }
  }

  /** Takes back the memory of emitted batches (O3). */
  #recycle(): void {
    this.#output.recycle()
    this.#corrections?.recycle()
  }

  #emitOutput(): void {
    const batch = this.#output.take()
    if (batch !== undefined) this.#main(batch)
  }

  #countState(): void {
    const { counters } = this.#context
    const { entries, bytes } = this.#panes.measure()
    const { strings, blocks, pool } = this.#parts
    counters.stateEntries = entries
    counters.stateBytes =
      bytes +
      (this.#spans?.bytes ?? 0) +
      this.#tables.spareBytes +
      strings.memoryBytes +
      blocks.bytes +
      pool.retainedBytes
  }
}
