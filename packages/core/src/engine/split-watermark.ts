/**
 * The watermark of one split, and where its batches must be cut.
 *
 * A split's watermark is a function of its own row prefix, row by row, never of how rows were cut into batches
 * (semantics.md). A whole batch may be pushed before its watermark as long as no row in it stands behind the
 * watermark of the rows before it; such a row is rare, and the batch is cut in front of it. Invariant (tests quote it):
 *  W1  For any cutting of the same rows into batches, the sequence of (rows seen since the last emitted watermark that
 *      a row behind it could tell apart) is the same: a row r is pushed after every watermark that the rows before r
 *      imply and that is above r's event time.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import type { WatermarkStrategy } from '../plan/logical.ts'

/** Reads the watermark that a punctuating row carries; NaN when the row is none. */
export type PunctuationReader = (batch: Batch, physicalRow: number) => number

/** Follows one split. */
export class SplitWatermark {
  /** What the rows seen so far promise. Never falls. */
  current: number = -Infinity
  private readonly disorderMs: number
  private readonly punctuation: PunctuationReader | undefined
  private readonly atEnd: boolean

  constructor(strategy: WatermarkStrategy, punctuation?: PunctuationReader) {
    this.disorderMs = strategy.kind === 'bounded-disorder' ? strategy.disorderMs : 0
    this.atEnd = strategy.kind === 'at-end'
    this.punctuation = strategy.kind === 'punctuated' ? punctuation : undefined
  }

  /**
   * Takes live rows from `start` on and returns where to cut: rows `[start, result)` can be pushed at once, then
   * `current` is to be announced. The result is the row count when no cut is needed.
   */
  observe(batch: Batch, start: number): number {
    const end = rowCount(batch)
    const { eventTime } = batch
    if (this.atEnd || eventTime === undefined) return end
    if (this.punctuation !== undefined) return this.observePunctuated(batch, start, this.punctuation)
    return batch.selection === undefined
      ? this.observeAll(eventTime, start, end)
      : this.observeSelected(eventTime, batch.selection, start, end)
  }

  private observeAll(eventTime: Float64Array, start: number, end: number): number {
    const { disorderMs } = this
    const announced = this.current
    let watermark = announced
    let row = start
    for (; row < end; row++) {
      const reached = (eventTime[row] as number) - disorderMs
      if (reached > watermark) watermark = reached
      else if (reached + disorderMs < watermark && watermark > announced) break
    }
    this.current = watermark
    return row
  }

  private observeSelected(
    eventTime: Float64Array,
    selection: Int32Array,
    start: number,
    end: number,
  ): number {
    const { disorderMs } = this
    const announced = this.current
    let watermark = announced
    let row = start
    for (; row < end; row++) {
      const reached = (eventTime[selection[row] as number] as number) - disorderMs
      if (reached > watermark) watermark = reached
      else if (reached + disorderMs < watermark && watermark > announced) break
    }
    this.current = watermark
    return row
  }

  private observePunctuated(batch: Batch, start: number, punctuation: PunctuationReader): number {
    const end = rowCount(batch)
    for (let row = start; row < end; row++) {
      const physical = batch.selection === undefined ? row : (batch.selection[row] as number)
      const value = punctuation(batch, physical)
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
