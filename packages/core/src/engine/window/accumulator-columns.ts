/**
 * Accumulators as columns: what a partial aggregate sends, and how the aggregate behind the exchange takes it in.
 *
 * Columns are those of plan/accumulator-columns.ts: keys, the number of rows, then each aggregate's. Nothing is
 * allocated per row: fields are copied column by column into a store of records, found groups go into an array, and
 * each aggregate's `merge` runs over all of them.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Column, FixedArray } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { Schema } from '../../data/type.ts'
import { assert } from '../../errors.ts'
import type { AggregateCall } from '../../plan/logical.ts'
import type { GroupTable, RecordField } from '../../state/index.ts'
import { RecordStore, keyLayout } from '../../state/index.ts'
import type { PartialForm } from '../aggregates/index.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'
import type { BoundKernel } from '../keyed/keyed-kernel.ts'
import type { BoundAggregate, WindowAggregateParts } from './window-aggregate-parts.ts'
import type { ResultWriter } from './window-output.ts'

/** Counts the rows of an accumulator; the first column behind the keys. */
export const rowsCall: AggregateCall = {
  name: '/rows',
  aggregate: 'count',
  columns: [],
  filter: undefined,
  parameters: {},
  functionId: undefined,
  type: { kind: 'float64' },
  nullable: false,
}

/** Writers of the columns of accumulators. */
export function accumulatorWriters(
  aggregates: readonly Pick<BoundAggregate, 'aggregate' | 'call'>[],
): readonly ResultWriter[] {
  return aggregates.flatMap((bound) => {
    const form = formOf(bound)
    return form.kind === 'cell' ? [form] : form.fields.map(fieldWriter)
  })
}

/** Takes in batches of accumulators. */
export class AccumulatorInput {
  readonly #parts: WindowAggregateParts
  readonly #kernels: KeyedKernels
  readonly #staged: RecordStore
  /** Where the number of rows and the first aggregate's columns stand. */
  readonly #rowsColumn: number
  #groups: Int32Array = new Int32Array(0)
  #identity: Int32Array = new Int32Array(0)
  #kernel: BoundKernel | undefined
  #batch: Batch | undefined

  /** @param parts - those of the aggregate that takes the accumulators in, made for its rows */
  constructor(parts: WindowAggregateParts, schema: Schema) {
    this.#parts = parts
    this.#rowsColumn = parts.node.keys.length
    this.#staged = new RecordStore(parts.template, parts.pool)
    const words = parts.template.length
    this.#kernels = new KeyedKernels({
      key: keyLayout(schema, parts.node.keys, parts.node.step),
      strings: parts.strings,
      aggregates: [],
      groupWords: words,
      recordWords: words,
      hasStableGroups: true,
      shape: { kind: 'locate', groups: () => this.#groups },
    })
    const columns = parts.aggregates.reduce((sum, bound) => sum + columnsOf(formOf(bound)), 1)
    assert(
      schema.fields.length === this.#rowsColumn + columns,
      `the accumulators for step "${parts.node.step}" do not fit its aggregates`,
    )
  }

  /** Points at a batch. */
  begin(batch: Batch): void {
    const count = rowCount(batch)
    if (this.#groups.length < count) {
      this.#groups = new Int32Array(count * 2)
      this.#identity = Int32Array.from({ length: count * 2 }, (_, n) => n)
    }
    while (this.#staged.high < count) this.#staged.allocate()
    this.#batch = batch
    this.#kernel = this.#kernels.bind(batch, batch.selection)
    let column = this.#rowsColumn + 1
    for (const bound of this.#parts.aggregates) {
      const form = formOf(bound)
      if (form.kind === 'fields') {
        for (const [f, field] of form.fields.entries())
          this.#stage(field, batch.columns[column + f] as Column)
      }
      column += columnsOf(form)
    }
  }

  /** Rows that live rows `from … to)` stand for. */
  rowsOf(from: number, to: number): number {
    const { selection, columns } = this.#batch as Batch
    const values = valuesOf(columns[this.#rowsColumn] as Column)
    let rows = 0
    for (let n = from; n < to; n++)
      rows += values[selection === undefined ? n : (selection[n] as number)] as number
    return rows
  }

  /** Merges live rows `from … to)` into the groups of a table. */
  merge(from: number, to: number, table: GroupTable): void {
    const batch = this.#batch as Batch
    const { loop, lanes } = this.#kernel as BoundKernel
    loop(lanes, undefined, batch.selection, from, to, -Infinity, Infinity, table)
    const groups = this.#groups
    const staged = this.#staged
    const rows = batch.selection ?? this.#identity
    for (let n = from; n < to; n++) table.mark(groups[n] as number)
    let column = this.#rowsColumn + 1
    for (const bound of this.#parts.aggregates) {
      const form = formOf(bound)
      if (form.kind === 'cell') {
        const cells = batch.columns[column] as Column
        for (let n = from; n < to; n++) form.merge(table, groups[n] as number, cells, rows[n] as number)
      } else {
        for (let n = from; n < to; n++) bound.aggregate.merge(table, groups[n] as number, staged, n)
      }
      column += columnsOf(form)
    }
  }

  close(): void {
    this.#staged.dispose()
  }

  /** Copies a column into a field of the staged records: record n is live row n. */
  #stage(field: RecordField, column: Column): void {
    const { selection } = this.#batch as Batch
    const count = rowCount(this.#batch as Batch)
    const values = valuesOf(column)
    const isDouble = field.kind === 'f64'
    const target = isDouble ? this.#staged.f64 : this.#staged.i32
    const stride = isDouble ? this.#staged.words >> 1 : this.#staged.words
    let at = field.offset
    for (let n = 0; n < count; n++, at += stride)
      target[at] = values[selection === undefined ? n : (selection[n] as number)] as number
  }
}

function formOf({ aggregate, call }: Pick<BoundAggregate, 'aggregate' | 'call'>): PartialForm {
  const form = aggregate.partial
  assert(form !== undefined, `the aggregate ${call.aggregate} cannot be sent half done`)
  return form
}

function columnsOf(form: PartialForm): number {
  return form.kind === 'cell' ? 1 : form.fields.length
}

function valuesOf(column: Column): FixedArray {
  assert(column.layout === 'fixed', 'a number of an accumulator is not in a fixed column')
  return column.values
}

function fieldWriter(field: RecordField): ResultWriter {
  return {
    write(store, { numbers, from, to }, out, at) {
      const { values } = out as FixedColumnBuilder
      const source = field.kind === 'f64' ? store.f64 : store.i32
      const stride = field.kind === 'f64' ? store.words >> 1 : store.words
      for (let n = from; n < to; n++)
        values[at + n - from] = source[(numbers[n] as number) * stride + field.offset] as number
    },
  }
}
