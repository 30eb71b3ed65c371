/**
 * Accumulators as cells of a snapshot: in the columns in which they cross an exchange where they have such columns
 * (plan/accumulator-columns.ts), else as bytes of one cell whose first byte is the version of what follows.
 *
 * What comes back replaces what is there, to the last bit: nothing is merged.
 */
import { isValid } from '../../data/column.ts'
import type { Column, FixedColumn } from '../../data/column.ts'
import type { DataType, Field } from '../../data/type.ts'
import type { Utf8ColumnBuilder } from '../../data/utf8-column-builder.ts'
import { MillraceError, assert } from '../../errors.ts'
import { accumulatorColumns } from '../../plan/accumulator-columns.ts'
import type { AggregateCall } from '../../plan/logical.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import { ByteReader, ByteWriter } from '../../state/index.ts'
import { accumulatorWriters } from './accumulator-columns.ts'
import type { PartialForm, SavedForm } from '../aggregates/index.ts'
import type { PartColumn } from '../keyed/keyed-part.ts'
import type { BoundAggregate, WindowAggregateParts } from './window-aggregate-parts.ts'
import type { ResultWriter } from './window-output.ts'

/** The version of all cells of bytes. */
const VERSION = 1

/** Rows that come back: by record their physical row. */
export interface CellRows {
  readonly store: RecordStore
  readonly records: Int32Array
  readonly rows: Int32Array
  readonly from: number
  readonly to: number
}

/** The columns of the accumulators of one step. */
export class AccumulatorCells {
  readonly columns: readonly PartColumn[]
  readonly #parts: WindowAggregateParts
  readonly #reader = new ByteReader()

  constructor(parts: WindowAggregateParts) {
    this.#parts = parts
    this.columns = parts.aggregates.flatMap((bound) => columnsOf(bound, parts.node.step))
  }

  /** Puts accumulators into records, in place of what they hold; `columns` begins with the first accumulator's. */
  load(columns: readonly Column[], rows: CellRows): void {
    let at = 0
    for (const bound of this.#parts.aggregates) {
      const { saved, partial } = bound.aggregate
      const width = saved === undefined && partial?.kind === 'fields' ? partial.fields.length : 1
      // An aggregate that whoever wrote the rows did not have begins empty.
      if (hasNoValue(columns[at] as Column, rows) && partial?.kind !== 'cell') {
        empty(bound, rows)
        at += width
        continue
      }
      if (saved !== undefined || partial?.kind === 'cell') empty(bound, rows)
      if (saved !== undefined) this.#loadBytes(saved, columns[at++] as Column, rows)
      else at += loadColumns(partial as PartialForm, columns.slice(at), rows)
    }
  }

  #loadBytes(form: SavedForm, column: Column, { store, records, rows, from, to }: CellRows): void {
    assert(column.layout === 'utf8', 'accumulators are not in a column of bytes')
    const reader = this.#reader
    for (let n = from; n < to; n++) {
      const row = rows[n] as number
      reader.bind(column.bytes, column.starts[row] as number, column.lengths[row] as number)
      const version = reader.u8()
      if (version !== VERSION) throw newer(this.#parts.node.step, version)
      form.load(store, records[n] as number, reader)
      assert(reader.left === 0, 'a cell of a snapshot has more than its fields')
    }
  }
}

function hasNoValue(column: Column, { rows, from }: CellRows): boolean {
  return column.validity !== undefined && !isValid(column, rows[from] as number)
}

function columnsOf({ aggregate, call, inputs }: BoundAggregate, step: string): readonly PartColumn[] {
  const unit = unitOf(call, inputs[0]?.field.type)
  const named = (field: Field): Field => ({ ...field, name: `${call.name}/${field.name}` })
  if (aggregate.saved !== undefined) {
    const field: Field = named({ name: aggregate.saved.kind, type: { kind: 'bytes' }, nullable: false })
    return [{ field, writer: bytesWriter(aggregate.saved) }]
  }
  const fields = accumulatorColumns(call, inputs[0]?.field)
  assert(fields !== undefined, `the accumulators of ${call.aggregate} in step "${step}" have no columns`)
  const writers = accumulatorWriters([{ aggregate, call }])
  assert(fields.length === writers.length, `the accumulators of ${call.aggregate} do not fit their columns`)
  return fields.map((field, at) => ({
    field: named({ ...field, name: `${field.name}${unit}` }),
    writer: writers[at] as ResultWriter,
  }))
}

/** What sums and extremes count in, where that is not the number itself: other units are other numbers. */
function unitOf({ aggregate }: AggregateCall, type: DataType | undefined): string {
  if (aggregate !== 'sum' && aggregate !== 'mean' && aggregate !== 'min' && aggregate !== 'max') return ''
  switch (type?.kind) {
    case 'decimal':
      return ` of 10^-${type.scale}`
    case 'time':
    case 'timestamp':
      return ` in ${type.unit}`
    case 'date':
      return ' in days'
    default:
      return ''
  }
}

function bytesWriter(form: SavedForm): ResultWriter {
  const writer = new ByteWriter()
  return {
    write(store, { numbers, from, to }, out, at) {
      for (let n = from; n < to; n++) {
        writer.reset()
        writer.u8(VERSION)
        form.save(store, numbers[n] as number, writer)
        ;(out as Utf8ColumnBuilder).setBytes(at + n - from, writer.bytes, 0, writer.length)
      }
    },
  }
}

/** Makes the accumulators of records as they are in new ones. */
function empty({ aggregate, fields }: BoundAggregate, { store, records, from, to }: CellRows): void {
  for (let n = from; n < to; n++) aggregate.release?.(store, records[n] as number)
  for (const { kind, offset, initial } of fields) {
    const isDouble = kind === 'f64'
    const target = isDouble ? store.f64 : store.i32
    const stride = isDouble ? store.words >> 1 : store.words
    for (let n = from; n < to; n++) target[(records[n] as number) * stride + offset] = initial
  }
}

/** Gives how many columns the form has. */
function loadColumns(form: PartialForm, columns: readonly Column[], rows: CellRows): number {
  if (form.kind === 'fields') {
    for (const [at, field] of form.fields.entries()) loadField(field, columns[at] as FixedColumn, rows)
    return form.fields.length
  }
  const { store, records, from, to } = rows
  for (let n = from; n < to; n++)
    form.merge(store, records[n] as number, columns[0] as Column, rows.rows[n] as number)
  return 1
}

function loadField(
  field: RecordField,
  column: FixedColumn,
  { store, records, rows, from, to }: CellRows,
): void {
  const isDouble = field.kind === 'f64'
  const target = isDouble ? store.f64 : store.i32
  const stride = isDouble ? store.words >> 1 : store.words
  const { values } = column
  for (let n = from; n < to; n++)
    target[(records[n] as number) * stride + field.offset] = values[rows[n] as number] as number
}

function newer(step: string, version: number): MillraceError {
  return new MillraceError('checkpoint/newer-format', {
    what: `accumulators of step "${step}" were written in format ${version}`,
    detail: `this release reads format ${VERSION}`,
    hint: 'start the job with the release that wrote them, or a later one',
    step,
  })
}
