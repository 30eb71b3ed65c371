/**
 * Result rows of windows, gathered into batches: keys, window bounds, aggregates, column by column.
 *
 * A finished batch stays valid until `recycle`, which the operator calls when it is called again (O3); several batches
 * may be finished in between.
 */
import type { Batch } from '../../data/batch.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { ColumnBuilder } from '../../data/column-builder.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { DataType, Schema } from '../../data/type.ts'
import { MillraceError, assert } from '../../errors.ts'
import type { GroupTable, RecordStore } from '../../state/index.ts'
import { windowMaxTime } from '../../time/window.ts'
import type { RecordRange } from '../aggregates/index.ts'
import { shareKeyStrings, writeKeys } from '../keyed/key-columns.ts'
import { LentBuilders } from '../rows/lent-builders.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'

/** Which rows to write, and what they say of their window. */
export interface WindowRows {
  /** Where the keys are, and the groups. */
  readonly keys: GroupTable
  readonly groups: Int32Array
  /** Where the accumulators are, and the records; for panes the same as keys and groups. */
  readonly store: RecordStore
  readonly records: Int32Array
  readonly from: number
  readonly to: number
  /** Bounds of each row's window, or of all of them. */
  readonly windowStart: number | ((n: number) => number)
  readonly windowEnd: number | ((n: number) => number)
  readonly weight: 1 | -1
}

/** Writes one column of results. */
export interface ResultWriter {
  write(store: RecordStore, records: RecordRange, out: ColumnBuilder, at: number): void
}

/** Rows that are not results of windows: keys, and columns that others write. */
export interface OtherRows {
  readonly schema: Schema
  readonly writers: readonly ResultWriter[]
}

/** Gathers result rows. */
export class WindowOutput {
  readonly #parts: WindowAggregateParts
  readonly #schema: Schema
  readonly #writers: readonly ResultWriter[]
  readonly #batchRows: number
  readonly #hasWeights: boolean
  readonly #hasWindow: boolean
  #builder: BatchBuilder
  readonly #builders: LentBuilders

  constructor(
    parts: WindowAggregateParts,
    options: { readonly batchRows: number; readonly hasWeights: boolean; readonly other?: OtherRows },
  ) {
    const { other } = options
    this.#parts = parts
    this.#schema = other?.schema ?? parts.node.schema
    this.#writers = other?.writers ?? parts.aggregates.map(({ aggregate }) => aggregate)
    this.#batchRows = Math.max(1, options.batchRows)
    this.#hasWeights = options.hasWeights
    this.#hasWindow = other === undefined && parts.node.window.kind !== 'global'
    const columns = parts.key.parts.length + (this.#hasWindow ? 2 : 0) + this.#writers.length
    assert(
      this.#schema.fields.length === columns,
      `the output schema of step "${parts.node.step}" does not fit its plan`,
    )
    this.#builders = new LentBuilders(() => this.#make())
    this.#builder = this.#builders.take()
  }

  /** Rows written and not yet taken. */
  get length(): number {
    return this.#builder.length
  }

  /** Rows that still fit. */
  get room(): number {
    return this.#batchRows - this.#builder.length
  }

  /** Writes rows; beyond `room` the batch grows. */
  write(rows: WindowRows): void {
    const builder = this.#builder
    const at = builder.length
    builder.reserve(at + rows.to - rows.from)
    const { columns } = builder
    const { key, strings } = this.#parts
    if (at === 0) shareKeyStrings(key, strings, columns)
    writeKeys(
      key,
      strings,
      { table: rows.keys, groups: rows.groups, from: rows.from, to: rows.to },
      columns,
      at,
    )
    let c = key.parts.length
    if (this.#hasWindow) {
      fillBound(columns[c++] as ColumnBuilder, rows.windowStart, rows, at)
      fillBound(columns[c++] as ColumnBuilder, rows.windowEnd, rows, at)
      fillEventTime(builder.eventTime as Float64Array, rows, {
        at,
        isSession: this.#parts.node.window.kind === 'session',
      })
    }
    const range = { numbers: rows.records, from: rows.from, to: rows.to }
    for (const writer of this.#writers) writer.write(rows.store, range, columns[c++] as ColumnBuilder, at)
    builder.length = at + rows.to - rows.from
    builder.weights?.fill(rows.weight, at, builder.length)
  }

  /** The rows so far as a batch, valid until `recycle`; undefined when there are none. */
  take(): Batch | undefined {
    const builder = this.#builder
    if (builder.length === 0) return undefined
    const batch = this.#builders.lend(builder)
    this.#builder = this.#builders.take()
    return batch
  }

  /** Takes back the memory of all batches handed out. */
  recycle(): void {
    this.#builders.takeBack()
  }

  #make(): BatchBuilder {
    return new BatchBuilder(this.#schema, this.#batchRows, {
      eventTime: this.#hasWindow,
      weights: this.#hasWeights,
    })
  }
}

function fillBound(out: ColumnBuilder, bound: WindowRows['windowStart'], rows: WindowRows, at: number): void {
  const fixed = out as FixedColumnBuilder
  const perMs = unitsPerMs(fixed.type)
  if (typeof bound === 'number') fixed.values.fill(bound * perMs, at, at + rows.to - rows.from)
  else for (let n = rows.from; n < rows.to; n++) fixed.values[at + n - rows.from] = bound(n) * perMs
}

/**
 * A result belongs to the last millisecond of its window: one before its end, for sessions the end itself. A row exactly
 * one gap after the last still joins a session, so it is [start, end] in truth, and is written when the watermark has
 * passed `end`. With an earlier time it would be late for the next step, to which a watermark of `end` may have gone.
 */
function fillEventTime(
  out: Float64Array,
  { windowEnd, from, to }: WindowRows,
  { at, isSession }: { readonly at: number; readonly isSession: boolean },
): void {
  if (typeof windowEnd === 'number') out.fill(maxTime(windowEnd, isSession), at, at + to - from)
  else for (let n = from; n < to; n++) out[at + n - from] = maxTime(windowEnd(n), isSession)
}

function maxTime(end: number, isSession: boolean): number {
  return isSession ? end : windowMaxTime(end)
}

function unitsPerMs(type: DataType): number {
  if (type.kind !== 'timestamp') {
    throw new MillraceError('plan/type-mismatch', { what: `window bounds cannot be of type ${type.kind}` })
  }
  return type.unit === 'ms' ? 1 : type.unit === 'us' ? 1e3 : 1e6
}
