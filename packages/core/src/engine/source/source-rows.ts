/**
 * What a reader brought turned into what flows: only the needed columns, event time, and row order where it is used.
 *
 * Rows without an event time fail the run or go to the rejected output, as the pipeline says.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { isValid } from '../../data/column.ts'
import { exactValue, readValue } from '../../data/read-value.ts'
import { findColumn } from '../../data/schema.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { EventTime } from '../../plan/logical.ts'
import { isEventTime } from '../../time/window.ts'
import type { RejectedRow, RowPlace } from '../../connect/source.ts'
import { extractEventTime, firstWithoutEventTime } from './event-time.ts'

/** Where a batch stands in its source. */
export interface BatchPlace {
  readonly split: number
  readonly splitId: string
  readonly rowsBefore: number
  /** Where a row stands, by its index in the columns; undefined where the source does not tell. */
  readonly placeOf: (row: number) => RowPlace | undefined
}

/** What a source's rows need. */
export interface SourceRowsOptions {
  readonly step: string
  /** What the source node promises to those behind it. */
  readonly schema: Schema
  readonly eventTime: EventTime | undefined
  readonly sourceIndex: number
  readonly needsOrder: boolean
  readonly rejected: ((row: RejectedRow) => void) | undefined
}

/** Prepares the batches of one source task. */
export class SourceRows {
  private readonly options: SourceRowsOptions
  private readonly scratch = { array: new Float64Array(0) }
  private order = new Float64Array(0)
  private kept = new Int32Array(0)
  private projection: { readonly of: Schema; readonly columns: readonly number[] } | undefined

  constructor(options: SourceRowsOptions) {
    this.options = options
  }

  /** The batch as it flows; valid as long as the reader's. */
  prepare(raw: Batch, place: BatchPlace): Batch {
    const projected = this.project(raw)
    const timed = this.time(projected, raw, place)
    return this.options.needsOrder && timed.order === undefined ? this.number(timed, raw, place) : timed
  }

  private project(raw: Batch): Batch {
    const { schema } = this.options
    if (this.projection?.of !== raw.schema) {
      this.projection = {
        of: raw.schema,
        columns: schema.fields.map((field) => findColumn(raw.schema, field.name)),
      }
    }
    const { columns } = this.projection
    if (columns.length === raw.columns.length && columns.every((from, to) => from === to)) return raw
    return { ...raw, schema, columns: columns.map((index) => raw.columns[index] as Column) }
  }

  private time(batch: Batch, raw: Batch, place: BatchPlace): Batch {
    const { eventTime } = this.options
    if (eventTime === undefined || raw.eventTime !== undefined) return batch
    const index = findColumn(raw.schema, eventTime.column)
    const times = extractEventTime(raw, index, this.scratch)
    const timed = { ...batch, eventTime: times }
    const column = raw.columns[index] as Column
    const first = firstWithoutEventTime(raw, column, times)
    return first < 0 ? timed : this.dropTimeless(timed, column, first, place)
  }

  private dropTimeless(batch: Batch, column: Column, first: number, place: BatchPlace): Batch {
    const { eventTime, rejected, step } = this.options
    const rows = rowCount(batch)
    if (this.kept.length < rows) this.kept = new Int32Array(Math.max(rows, 1024))
    let kept = 0
    for (let n = 0; n < rows; n++) {
      const i = rowIndex(batch, n)
      const timeless =
        n >= first && (!isValid(column, i) || !isEventTime((batch.eventTime as Float64Array)[i] as number))
      if (!timeless) this.kept[kept++] = i
      else if (eventTime?.onMissing === 'reject' && rejected !== undefined)
        rejected(describe(batch, i, place, step))
      else throw this.missing(place, { n, i }, shownValue(column, i))
    }
    return { ...batch, selection: this.kept, selectedCount: kept }
  }

  private missing(place: BatchPlace, { n, i }: { n: number; i: number }, value: unknown): MillraceError {
    const where = place.placeOf(i) ?? { name: place.splitId, row: place.rowsBefore + n + 1 }
    const column = this.options.eventTime?.column ?? ''
    const range = value === null ? '' : '; times are milliseconds within 100 million days of 1970'
    return new MillraceError('input/no-event-time', {
      what: `a row has no event time`,
      detail: `column "${column}" is ${String(value)}${range}`,
      hint: `reject such rows with { eventTime: { column: '${column}', onMissing: 'reject' } }, or filter the input`,
      place: { ...where, column },
      step: this.options.step,
    })
  }

  /** Numbers the rows as the reader gave them: of a batch with a selection, only those in it count. */
  private number(batch: Batch, raw: Batch, place: BatchPlace): Batch {
    if (this.order.length < batch.length) this.order = new Float64Array(Math.max(batch.length, 1024))
    const base = orderOf(this.options.sourceIndex, place)
    const count = rowCount(raw)
    for (let n = 0; n < count; n++) this.order[rowIndex(raw, n)] = base + n
    return { ...batch, order: this.order }
  }
}

/** A value for an error or a rejected row: an integer that no number of a row can hold is shown as it is. */
function shownValue(column: Column, row: number): unknown {
  try {
    return readValue(column, row)
  } catch (error) {
    if (column.layout !== 'wide') throw error
    return exactValue(column, row)
  }
}

function describe(batch: Batch, row: number, place: BatchPlace, step: string): RejectedRow {
  const where = place.placeOf(row)
  const values = batch.columns.map((column, at) => [batch.schema.fields[at]?.name, shownValue(column, row)])
  return {
    source: step,
    raw: JSON.stringify(Object.fromEntries(values), (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    ),
    reason: 'the row has no event time',
    code: 'input/no-event-time',
    file: where?.file ?? place.splitId,
    line: where?.line ?? where?.row,
    byte: where?.byte,
  }
}

/** How many sources, splits and rows per split the order tells apart: together 2^53, what a float64 holds exactly. */
const SOURCES_ORDERED = 2 ** 6
const SPLITS_ORDERED = 2 ** 15
const ROWS_ORDERED = 2 ** 32

/** Orders rows by (source, split, position); beyond the bounds rows share a number, and then keep their order of arrival. */
function orderOf(sourceIndex: number, place: BatchPlace): number {
  const source = Math.min(sourceIndex, SOURCES_ORDERED - 1)
  const split = Math.min(place.split, SPLITS_ORDERED - 1)
  return (source * SPLITS_ORDERED + split) * ROWS_ORDERED + Math.min(place.rowsBefore, ROWS_ORDERED - 1)
}
