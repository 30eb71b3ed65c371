/**
 * The first half of an aggregation, in front of its exchange: groups rows per key and pane, and sends accumulators.
 *
 * The second half (window-aggregate-panes.ts) must come to the same answer and find the same rows late as if every row
 * had been sent at once. Its watermark is never ahead of the last one that this task sent on, unless this task is idle.
 * Invariants (tests quote them):
 *  PA1  Only rows are held whose pane ends behind the last watermark: no window that contains them can have fired, or
 *       fire, behind the exchange before the next watermark is sent on. All other rows are sent on raw, at once: they
 *       may be late, or miss some of their windows, and that is decided behind the exchange.
 *  PA2  Before a watermark is sent on, every pane that ends at or before it has left.
 *  PA3  Before the inputs are declared idle, everything held has left: the watermark may overtake it then.
 *  PA4  At most PARTIAL_GROUPS_MAX groups, and those of one batch more, are held.
 *  PA5  A row in no window (slide longer than size) is dropped, as it would be behind the exchange.
 *  PA6  A checkpoint holds no accumulators: at a cut everything held leaves by `release` first, and the cut is behind
 *       it. So it has no state, and may be there or not when the job is started again.
 * Where grouping makes few of many no more (keys that hardly repeat), rows are sent on raw for a while, untouched.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { PARTIAL_GROUPS_MAX } from '../../plan/accumulator-columns.ts'
import type { PartialAggregateNode, WindowAggregateNode } from '../../plan/logical.ts'
import { MAIN_PORT, RAW_PORT } from '../../plan/logical.ts'
import { GroupTable } from '../../state/index.ts'
import { accumulatorWriters, rowsCall } from './accumulator-columns.ts'
import type { Emit, Operator, OperatorContext } from '../operator.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import { paneArithmetic } from './pane-arithmetic.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import { bindAggregates, holdKey, releaseRecord, windowAggregateParts } from './window-aggregate-parts.ts'
import { WindowOutput } from './window-output.ts'

/** Rows after which it is looked at how many groups became of them. */
export const SAMPLE_ROWS = 65_536

/** Fewer rows per group than this do not pay for grouping them twice. */
const ROWS_PER_GROUP_MIN = 2

/** Rows sent on raw before grouping is tried again. */
export const BYPASS_ROWS: number = 32 * SAMPLE_ROWS

/** Emptied tables kept for the next panes. */
const SPARE_TABLES_MAX = 8

interface Pane {
  readonly start: number
  readonly end: number
  readonly table: GroupTable
}

/** The operator of a partial aggregate. */
export class PartialAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #parts: WindowAggregateParts
  readonly #arithmetic: PaneArithmetic
  readonly #kernels: KeyedKernels
  readonly #output: WindowOutput
  readonly #hasTime: boolean
  readonly #main: Emit
  readonly #raw: Emit
  /** By start. */
  readonly #panes = new Map<number, Pane>()
  /** Groups and bytes in all panes. */
  #groups = 0
  #bytes = 0
  readonly #spare: GroupTable[] = []
  #watermark = -Infinity
  /** Rows and groups since grouping was last judged, and rows to send on raw until it is tried again. */
  #sampledRows = 0
  #sampledGroups = 0
  #bypass = 0
  #rawRows: Int32Array = new Int32Array(0)
  #rawCount = 0
  #numbers: Int32Array = new Int32Array(0)
  /** Event times of the batches emitted in one call (O3), and how many there are. */
  readonly #times: Float64Array[] = []
  #sent = 0

  constructor(node: PartialAggregateNode, inputSchema: Schema, context: OperatorContext) {
    this.#context = context
    this.#parts = partsOf(node, inputSchema)
    this.#arithmetic = paneArithmetic(node.window)
    this.#hasTime = node.window.kind !== 'global'
    const words = this.#parts.template.length
    this.#kernels = new KeyedKernels({
      ...this.#parts,
      groupWords: words,
      recordWords: words,
      hasStableGroups: true,
      shape: { kind: 'pane', checksTime: this.#hasTime },
    })
    this.#output = new WindowOutput(this.#parts, {
      batchRows: context.batchRows,
      hasWeights: false,
      other: { schema: node.schema, writers: accumulatorWriters(this.#parts.aggregates) },
    })
    this.#main = context.emit(MAIN_PORT)
    this.#raw = context.emit(RAW_PORT)
  }

  /** Rows that may be late are told by the watermark (PA1). */
  resume(watermark: number): void {
    this.#watermark = watermark
  }

  push(batch: Batch): void {
    this.#output.recycle()
    const rows = rowCount(batch)
    if (this.#bypass > 0) {
      this.#bypass -= rows
      this.#passOn(batch)
      return
    }
    const before = this.#groups
    bindAggregates(this.#parts, batch)
    this.#accumulate(batch)
    this.#sampledRows += rows
    this.#sampledGroups += this.#groups - before
    if (this.#sampledRows >= SAMPLE_ROWS) this.#judge()
    if (this.#groups > PARTIAL_GROUPS_MAX || this.#bypass > 0) this.#send(Infinity)
    this.#countState()
  }

  /** PA2. */
  advance(watermark: number): boolean {
    this.#output.recycle()
    this.#watermark = watermark
    this.#send(watermark)
    this.#countState()
    return true
  }

  /** PA3. */
  release(): void {
    this.#output.recycle()
    this.#send(Infinity)
    this.#countState()
  }

  close(): void {
    for (const { table } of this.#panes.values()) table.dispose()
    for (const table of this.#spare) table.dispose()
    this.#panes.clear()
    this.#spare.length = 0
  }

  /** Strings and block memory that records refer to: nothing when nothing is held (for leak tests). */
  held(): { readonly strings: number; readonly doubles: number } {
    return { strings: this.#parts.strings.size, doubles: this.#parts.blocks.liveDoubles }
  }

  #accumulate(batch: Batch): void {
    const { selection } = batch
    const count = rowCount(batch)
    const kernel = this.#kernels.bind(batch, selection)
    const time = this.#hasTime ? batch.eventTime : undefined
    this.#rawCount = 0
    let n = 0
    while (n < count) {
      const row = selection === undefined ? n : (selection[n] as number)
      const start = this.#arithmetic.paneStart(time === undefined ? -Infinity : (time[row] as number))
      const end = this.#arithmetic.firstEnd(start, -Infinity)
      if (end !== end) n++
      else if (end <= this.#watermark) {
        this.#addRaw(row, count)
        n++
      } else {
        const { end: paneEnd, table } = this.#pane(start)
        const { size, bytes } = table
        n = kernel.loop(kernel.lanes, time, selection, n, count, start, paneEnd, table)
        this.#groups += table.size - size
        this.#bytes += table.bytes - bytes
      }
    }
    if (this.#rawCount > 0)
      this.#passOn({ ...batch, selection: this.#rawRows, selectedCount: this.#rawCount })
  }

  /** Few rows per group: sends rows on raw for a while. */
  #judge(): void {
    if (this.#sampledRows < this.#sampledGroups * ROWS_PER_GROUP_MIN) this.#bypass = BYPASS_ROWS
    this.#sampledRows = 0
    this.#sampledGroups = 0
  }

  #addRaw(row: number, count: number): void {
    if (this.#rawRows.length < count) {
      const rows = new Int32Array(count * 2)
      rows.set(this.#rawRows)
      this.#rawRows = rows
    }
    this.#rawRows[this.#rawCount++] = row
  }

  #passOn(batch: Batch): void {
    this.#context.counters.rowsOut += rowCount(batch)
    this.#raw(batch)
  }

  #pane(start: number): Pane {
    const found = this.#panes.get(start)
    if (found !== undefined) return found
    const { key, template, pool } = this.#parts
    const table = this.#spare.pop() ?? new GroupTable({ keyWords: key.words, template, pool })
    const end = start === -Infinity ? Infinity : start + this.#arithmetic.paneMs
    const pane = { start, end, table }
    this.#panes.set(start, pane)
    this.#bytes += table.bytes
    return pane
  }

  /** Sends the panes that a window ending at or before `end` contains. */
  #send(end: number): void {
    this.#sent = 0
    const before = this.#panes.size
    for (const pane of this.#panes.values()) {
      if (this.#arithmetic.firstEnd(pane.start, -Infinity) > end) continue
      this.#panes.delete(pane.start)
      this.#sendPane(pane)
    }
    this.#emitOutput()
    if (this.#panes.size < before) this.#parts.strings.sweep()
  }

  /** Writes the groups of a pane; those of many small panes share a batch. */
  #sendPane({ start, table }: Pane): void {
    const numbers = this.#identity(table.size)
    for (let from = 0; from < table.size;) {
      const at = this.#output.length
      const to = Math.min(table.size, from + this.#output.room)
      const where = { keys: table, groups: numbers, store: table, records: numbers, from, to }
      this.#output.write({ ...where, windowStart: start, windowEnd: start, weight: 1 })
      // The start of a pane as the event time of its accumulators: it lies in the pane, which is all that counts.
      this.#timesOfBatch().fill(start, at, at + to - from)
      from = to
      if (this.#output.room === 0) this.#emitOutput()
    }
    this.#groups -= table.size
    this.#bytes -= table.bytes
    this.#empty(table)
  }

  #empty(table: GroupTable): void {
    if (this.#parts.key.stringWords.length > 0)
      for (let n = 0; n < table.size; n++) holdKey(this.#parts, table, n, false)
    if (this.#parts.aggregates.some(({ aggregate }) => aggregate.release !== undefined))
      for (let n = 0; n < table.size; n++) releaseRecord(this.#parts, table, n)
    if (this.#spare.length < SPARE_TABLES_MAX) {
      table.clear()
      this.#spare.push(table)
    } else table.dispose()
  }

  #emitOutput(): void {
    const batch = this.#output.take()
    if (batch === undefined) return
    const eventTime = this.#timesOfBatch()
    this.#sent++
    this.#main(this.#hasTime ? { ...batch, eventTime } : batch)
  }

  /** Event times of the batch at work. */
  #timesOfBatch(): Float64Array {
    return (this.#times[this.#sent] ??= new Float64Array(Math.max(1, this.#context.batchRows)))
  }

  #identity(count: number): Int32Array {
    if (this.#numbers.length < count)
      this.#numbers = Int32Array.from({ length: Math.max(64, count * 2) }, (_, n) => n)
    return this.#numbers
  }

  #countState(): void {
    const { counters } = this.#context
    let bytes = this.#bytes + this.#parts.strings.memoryBytes + this.#parts.pool.retainedBytes
    for (const table of this.#spare) bytes += table.bytes
    counters.stateEntries = this.#groups
    counters.stateBytes = bytes
  }
}

/** Parts as those of the aggregation itself, with the number of rows as one more aggregate in front. */
function partsOf(node: PartialAggregateNode, inputSchema: Schema): WindowAggregateParts {
  const counting: WindowAggregateNode = {
    ...node,
    kind: 'window-aggregate',
    aggregates: [rowsCall, ...node.aggregates],
    allowedLatenessMs: 0,
  }
  return windowAggregateParts(counting, inputSchema, { functions: new Map() }, () => undefined).parts
}
