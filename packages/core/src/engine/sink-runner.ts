/**
 * The end of a stream: hands batches to a sink writer, one at a time.
 *
 * A writer that answers with a promise is busy: the loop takes no further input until it is free. What the step in
 * hand still emits meanwhile is copied and waits here, so the bound is one step's output. Invariant (tests quote it):
 *  K1  Writer calls never overlap, and `prepare` is called only when every batch before it was written.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { concatBatches } from '../data/append.ts'
import type { Json } from '../data/type.ts'
import type { EpochId, SinkWriter } from '../connect/sink.ts'
import { writeFailure } from './connector-failure.ts'
import type { Operator, OperatorContext } from './operator.ts'

/** Feeds one writer. */
export class SinkRunner implements Operator {
  readonly step: string
  private readonly writer: SinkWriter
  private readonly context: OperatorContext
  private readonly failed: (error: unknown) => void
  private readonly queue: Batch[] = []
  private writing: Promise<void> | undefined
  private failure: { readonly error: unknown } | undefined

  /** @param failed - told at once when a write fails that was answered with a promise */
  constructor(step: string, writer: SinkWriter, context: OperatorContext, failed: (error: unknown) => void) {
    this.step = step
    this.writer = writer
    this.context = context
    this.failed = failed
  }

  /** Resolves when the writer is free; undefined when it is. */
  get busy(): Promise<void> | undefined {
    return this.writing
  }

  push(batch: Batch): void {
    this.context.counters.rowsOut += rowCount(batch)
    if (this.failure !== undefined) throw this.failure.error
    if (this.writing !== undefined) {
      this.queue.push(concatBatches([batch]))
      return
    }
    const answer = this.write(batch)
    if (answer !== undefined) this.writing = this.drain(answer)
  }

  advance(): boolean {
    return true
  }

  written(): { readonly rows: number; readonly bytes: number } {
    return this.writer.written()
  }

  /** Ends an epoch: everything pushed so far is durable or hidden at the target. */
  async prepare(epoch: EpochId, final: boolean): Promise<Json | undefined> {
    while (this.writing !== undefined) await this.writing
    if (this.failure !== undefined) throw this.failure.error
    try {
      return await this.writer.prepare(epoch, { final })
    } catch (error) {
      throw writeFailure(error, 'preparing', this.step)
    }
  }

  close(): void {
    this.queue.length = 0
  }

  /** Frees the writer; what was not prepared is given up. */
  async closeWriter(): Promise<void> {
    try {
      await this.writing
    } finally {
      await this.writer.close()
    }
  }

  private write(batch: Batch): void | Promise<void> {
    try {
      return this.writer.write(batch)
    } catch (error) {
      throw writeFailure(error, 'writing', this.step)
    }
  }

  private async drain(first: Promise<void>): Promise<void> {
    try {
      await first
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
        await this.writer.write(next)
    } catch (error) {
      this.failure = { error: writeFailure(error, 'writing', this.step) }
      this.failed(this.failure.error)
    } finally {
      this.writing = undefined
    }
  }
}
