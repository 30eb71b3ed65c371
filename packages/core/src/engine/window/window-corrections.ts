/**
 * Corrections of results that have left: old ones with weight −1, new ones with +1, consolidated per batch.
 *
 * A late row need not change a result (a maximum that stays). Then nothing leaves: no pair (−1, +1) of equal rows.
 * Whoever corrects says which new row takes the place of which old one, so that only those two are compared.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import type { Emit } from '../operator.ts'
import { sameCell } from '../rows/same-cell.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import type { WindowRows } from './window-output.ts'
import { WindowOutput } from './window-output.ts'

/** Room for rows to begin with: corrections are few. */
const ROWS_MIN = 16

/** Gathers the corrections of one batch. */
export class WindowCorrections {
  readonly #old: WindowOutput
  readonly #new: WindowOutput
  readonly #batchRows: number
  readonly #emit: Emit
  /** Per new row the old one that it replaces, −1 for none. */
  #replaced: number[] = []

  constructor(parts: WindowAggregateParts, options: { readonly batchRows: number; readonly emit: Emit }) {
    const output = { batchRows: ROWS_MIN, hasWeights: true }
    this.#old = new WindowOutput(parts, output)
    this.#new = new WindowOutput(parts, output)
    this.#batchRows = Math.max(1, options.batchRows)
    this.#emit = options.emit
  }

  /** Takes results back; gives the number of the first, the others follow. */
  retract(rows: Omit<WindowRows, 'weight'>): number {
    const first = this.#old.length
    this.#old.write({ ...rows, weight: -1 })
    return first
  }

  /** Adds new results; `replaces` gives the number of the old one for each, −1 for none. */
  add(rows: Omit<WindowRows, 'weight'>, replaces: (n: number) => number): void {
    this.#new.write({ ...rows, weight: 1 })
    for (let n = rows.from; n < rows.to; n++) this.#replaced.push(replaces(n))
  }

  /** Emits what has changed: old rows first. */
  emit(): void {
    const before = this.#old.take()
    const after = this.#new.take()
    const keptOld = new Set(Array.from({ length: before?.length ?? 0 }, (_, n) => n))
    const keptNew: number[] = []
    for (const [n, old] of this.#replaced.entries()) {
      if (old >= 0 && sameRow(before as Batch, old, after as Batch, n)) keptOld.delete(old)
      else keptNew.push(n)
    }
    this.#replaced = []
    if (before !== undefined) this.#emitRows(before, Int32Array.from(keptOld))
    if (after !== undefined) this.#emitRows(after, Int32Array.from(keptNew))
  }

  /** Takes back the memory of emitted batches (O3). */
  recycle(): void {
    this.#old.recycle()
    this.#new.recycle()
  }

  #emitRows(batch: Batch, rows: Int32Array): void {
    for (let from = 0; from < rows.length; from += this.#batchRows) {
      const selection = rows.subarray(from, from + this.#batchRows)
      this.#emit({ ...batch, selection, selectedCount: selection.length })
    }
  }
}

function sameRow(a: Batch, i: number, b: Batch, j: number): boolean {
  return a.columns.every((column, c) => sameCell(column, i, b.columns[c] as Column, j))
}
