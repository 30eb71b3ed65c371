/**
 * Rows that the functions of a process step emit, gathered into batches for one output port.
 *
 * Batches that left stay valid until `recycle`, which the operator calls when it is called again (O3).
 */
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError, isMillraceError } from '../../errors.ts'
import { LentBuilders } from './lent-builders.ts'
import type { Emit } from '../operator.ts'
import { rowText } from './row-text.ts'

/** Gathers the rows of one port. */
export class RowOutput {
  readonly #emit: Emit
  readonly #batchRows: number
  readonly #step: string
  #builder: BatchBuilder<object> | undefined
  #hasEventTime = false
  readonly #builders: LentBuilders<object>

  constructor(schema: Schema, emit: Emit, options: { readonly batchRows: number; readonly step: string }) {
    this.#emit = emit
    this.#batchRows = Math.max(1, options.batchRows)
    this.#step = options.step
    this.#builders = new LentBuilders(
      () => new BatchBuilder(schema as Schema<object>, this.#batchRows, { eventTime: this.#hasEventTime }),
    )
  }

  /** Adds a row; emits the batch when it is full. */
  add(row: unknown, eventTime: number | undefined): void {
    if (this.#builder !== undefined && this.#hasEventTime !== (eventTime !== undefined)) this.flush()
    const builder = (this.#builder ??= this.#take(eventTime !== undefined))
    try {
      if (typeof row !== 'object' || row === null) throw notAnObject(row)
      builder.appendRow(row)
    } catch (cause) {
      throw this.#refused(cause, row)
    }
    if (eventTime !== undefined) (builder.eventTime as Float64Array)[builder.length - 1] = eventTime
    if (builder.length >= this.#batchRows) this.flush()
  }

  /** Emits what there is. */
  flush(): void {
    const builder = this.#builder
    if (builder === undefined || builder.length === 0) return
    this.#builder = undefined
    this.#emit(this.#builders.lend(builder))
  }

  /** Takes back the memory of all batches that left. */
  recycle(): void {
    this.#builders.takeBack()
  }

  #take(hasEventTime: boolean): BatchBuilder<object> {
    // A stream either has event time or not; only a union of both would change it between batches.
    if (hasEventTime !== this.#hasEventTime) this.#builders.forget()
    this.#hasEventTime = hasEventTime
    return this.#builders.take()
  }

  #refused(cause: unknown, row: unknown): unknown {
    if (!isMillraceError(cause)) return cause
    return new MillraceError('step/invalid-row', {
      what: `step "${this.#step}" emitted a row that does not fit its schema`,
      detail: `${cause.what}${cause.detail === undefined ? '' : `: ${cause.detail}`}; row ${rowText(row)}`,
      hint: 'emit rows with exactly the columns and types of the output schema',
      place: cause.place,
      step: this.#step,
      cause,
    })
  }
}

function notAnObject(row: unknown): MillraceError {
  return new MillraceError('value/invalid', { what: `a row must be an object, not ${String(row)}` })
}
