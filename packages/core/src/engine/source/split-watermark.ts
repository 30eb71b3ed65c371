/**
 * The watermark of one split, and where its batches must be cut.
 *
 * A split's watermark is a function of its own row prefix, row by row, never of how rows were cut into batches
 * (docs/internals/task-loop.md). A whole batch may be pushed before its watermark as long as no row in it stands behind the
 * watermark of the rows before it; such a row is rare, and the batch is cut in front of it. Steps with timers can tell
 * more apart: for them every advance cuts. Invariant (tests quote it):
 *  SW1  A row that stands behind the watermark of the rows before it is pushed after that watermark was announced,
 *       however the rows are cut into batches.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import type { WatermarkStrategy } from '../../plan/logical.ts'

/** Reads the watermark that a punctuating row carries; NaN when the row is none. */
export type PunctuationReader = (batch: Batch, physicalRow: number) => number

/** Follows one split. */
export class SplitWatermark {
  /** What the rows seen so far promise. Never falls. */
  current: number = -Infinity
  private readonly disorderMs: number
  private readonly punctuation: PunctuationReader | undefined
  private readonly atEnd: boolean
  private readonly cutsAtAdvance: boolean

  constructor(
    strategy: WatermarkStrategy,
    options: { readonly punctuation?: PunctuationReader | undefined; readonly cutsAtAdvance?: boolean } = {},
  ) {
    this.disorderMs = strategy.kind === 'bounded-disorder' ? strategy.disorderMs : 0
    this.atEnd = strategy.kind === 'at-end'
    this.punctuation = strategy.kind === 'punctuated' ? options.punctuation : undefined
    this.cutsAtAdvance = options.cutsAtAdvance ?? false
  }

  /** The source itself says how far event time has come. */
  raise(watermark: number): void {
    if (watermark > this.current) this.current = watermark
  }

  /**
   * Takes live rows from `start` on and returns where to cut: rows `[start, result)` can be pushed at once, then
   * `current` is to be announced. The result is the row count when no cut is needed. `raw` is the batch as the reader
   * brought it, with the same physical rows: punctuation may stand in a column that nobody else needs.
   */
  observe(batch: Batch, start: number, raw: Batch = batch): number {
    const end = rowCount(batch)
    if (this.punctuation !== undefined) return this.observePunctuated(batch, start, raw)
    const { eventTime, selection } = batch
    if (this.atEnd || eventTime === undefined) return end
    return selection === undefined
      ? this.observeAll(eventTime, start, end)
      : this.observeSelected(eventTime, selection, { start, end })
  }

  private observeAll(eventTime: Float64Array, start: number, end: number): number {
    const { disorderMs, cutsAtAdvance } = this
    const announced = this.current
    let watermark = announced
    let row = start
    for (; row < end; row++) {
      const time = eventTime[row] as number
      if (watermark > announced && (time < watermark || cutsAtAdvance)) break
      const reached = time - disorderMs
      if (reached > watermark) watermark = reached
    }
    this.current = watermark
    return row
  }

  private observeSelected(
    eventTime: Float64Array,
    selection: Int32Array,
    range: { readonly start: number; readonly end: number },
  ): number {
    const { disorderMs, cutsAtAdvance } = this
    const announced = this.current
    let watermark = announced
    let row = range.start
    for (; row < range.end; row++) {
      const time = eventTime[selection[row] as number] as number
      if (watermark > announced && (time < watermark || cutsAtAdvance)) break
      const reached = time - disorderMs
      if (reached > watermark) watermark = reached
    }
    this.current = watermark
    return row
  }

  private observePunctuated(batch: Batch, start: number, raw: Batch): number {
    const end = rowCount(batch)
    for (let row = start; row < end; row++) {
      const value = this.punctuation?.(raw, rowIndex(batch, row)) ?? Number.NaN
      if (value > this.current) {
        this.current = value
        return row + 1
      }
    }
    return end
  }
}

/** The live rows `[start, end)` of a batch as a batch of their own; `scratch` is reused for the selection. */
export function selectRange(batch: Batch, start: number, end: number, scratch: SelectionScratch): Batch {
  if (start === 0 && end === rowCount(batch)) return batch
  if (batch.selection !== undefined) {
    return { ...batch, selection: batch.selection.subarray(start, end), selectedCount: end - start }
  }
  const indices = scratch.take(end - start)
  for (let n = start; n < end; n++) indices[n - start] = n
  return { ...batch, selection: indices, selectedCount: end - start }
}

/** A growing array of row indices that is written again and again. */
export class SelectionScratch {
  private indices = new Int32Array(0)

  take(length: number): Int32Array {
    if (this.indices.length < length)
      this.indices = new Int32Array(Math.max(length, this.indices.length * 2, 1024))
    return this.indices
  }
}
