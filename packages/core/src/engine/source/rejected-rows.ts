/**
 * Collects rejected rows of a step and hands them to its rejected output as a batch.
 */
import type { Batch } from '../../data/batch.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import { rejectedRowSchema } from '../../plan/rejected-row.ts'

/** A rejected row; what is not known may be left out. */
export interface Rejection {
  readonly raw: string
  readonly reason: string
  readonly code: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly byte?: number | undefined
}

const ROWS_MAX = 1024

/** Buffers at most a thousand rows, so that a bad input costs no more memory than a good one. */
export class RejectedRows {
  private readonly step: string
  private readonly emit: (batch: Batch) => void
  private builder: BatchBuilder | undefined
  private count = 0

  constructor(step: string, emit: (batch: Batch) => void) {
    this.step = step
    this.emit = emit
  }

  add(row: Rejection): void {
    this.builder ??= new BatchBuilder(rejectedRowSchema, 64)
    this.builder.appendRow({
      source: this.step,
      raw: row.raw,
      reason: row.reason,
      code: row.code,
      file: row.file ?? null,
      line: row.line ?? null,
      byte: row.byte ?? null,
    })
    if (++this.count >= ROWS_MAX) this.flush()
  }

  flush(): void {
    if (this.count === 0 || this.builder === undefined) return
    this.count = 0
    this.emit(this.builder.finish())
    this.builder.reset()
  }
}
