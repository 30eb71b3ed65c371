/** Rows of a batch that came too late: counted, and handed to the late port as a selection of the same batch. */
import type { Batch } from '../../data/batch.ts'
import type { Emit, OperatorContext, StepCounters } from '../operator.ts'

/** Gathers the late rows of one batch at a time. */
export class LateRows {
  readonly #emit: Emit | undefined
  readonly #counters: StepCounters
  #rows: Int32Array = new Int32Array(64)
  #count = 0
  #batch: Batch | undefined

  constructor(context: OperatorContext, port: string) {
    this.#emit = context.isRead(port) ? context.emit(port) : undefined
    this.#counters = context.counters
  }

  begin(batch: Batch): void {
    this.#batch = batch
    this.#count = 0
  }

  /** Physical row `row` is late. Rows are added in ascending order (B2). */
  add(row: number): void {
    this.#counters.lateRows++
    if (this.#emit === undefined) return
    if (this.#count === this.#rows.length) {
      const rows = new Int32Array(this.#count * 2)
      rows.set(this.#rows)
      this.#rows = rows
    }
    this.#rows[this.#count++] = row
  }

  emit(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (this.#count === 0 || batch === undefined) return
    this.#emit?.({ ...batch, selection: this.#rows, selectedCount: this.#count })
  }
}
