/**
 * Rows of a kept table as rows of the program's table, column by column, as state-fit.ts has decided.
 */
import type { StateRows } from '../checkpoint/index.ts'
import { BatchBuilder, isValid, makeBatch, readValue, valueWidening, writeValue } from '../data/index.ts'
import type { Batch, Column, ColumnBuilder, Field } from '../data/index.ts'
import { assert, isMillraceError, MillraceError } from '../errors.ts'
import { savedCells, valueOfSavedCell } from '../state/index.ts'
import type { ColumnFit } from './column-fit.ts'
import type { PartFit } from './state-fit.ts'

/**
 * Converts rows.
 *
 * @throws MillraceError `step/function-failed` when a migration throws, `value/invalid` when it gives what the state
 *   cannot hold.
 */
export function convertRows(rows: StateRows, { part, columns }: PartFit, step: string): StateRows {
  if (columns === undefined) return rows
  const { batch } = rows
  assert(batch.selection === undefined, 'rows of a state file are selected')
  const converted = columns.map((fit, at) => convertColumn(fit, batch, part.schema.fields[at] as Field, step))
  return { ...rows, batch: makeBatch(part.schema, converted, batch.length) }
}

function convertColumn(fit: ColumnFit, batch: Batch, field: Field, step: string): Column {
  switch (fit.kind) {
    case 'take':
      return batch.columns[fit.from] as Column
    case 'fill':
      return fit.with === null ? emptyColumn(field, batch.length) : cells(batch.length, field, () => fit.with)
    case 'widen': {
      const { column, type } = columnAt(batch, fit.from)
      const widen = valueWidening(type, field.type)
      return cells(batch.length, field, (row) => widen(readValue(column, row)))
    }
    case 'state': {
      const { column } = columnAt(batch, fit.from)
      const { before, after, state } = fit
      const change = fit.migrate === undefined ? valueWidening(before, after) : migration(fit, step)
      const saved = savedCells(after, state)
      return cells(batch.length, field, (row) => {
        if (!isValid(column, row)) return null
        return saved(change(valueOfSavedCell(before, readValue(column, row))))
      })
    }
  }
}

function columnAt(batch: Batch, at: number): { readonly column: Column; readonly type: Field['type'] } {
  return { column: batch.columns[at] as Column, type: (batch.schema.fields[at] as Field).type }
}

function migration(
  { migrate, state }: Extract<ColumnFit, { kind: 'state' }>,
  step: string,
): (value: unknown) => unknown {
  return (value) => {
    try {
      return migrate?.(value)
    } catch (cause) {
      if (isMillraceError(cause)) throw cause
      throw new MillraceError('step/function-failed', {
        what: `the migration of state "${state}" threw`,
        detail: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
        hint: 'the state is untouched: mend the function, then start again',
        step,
        cause,
      })
    }
  }
}

/** A column of cells without a value, also where the column of the step never has one. */
function emptyColumn(field: Field, length: number): Column {
  return cells(length, { ...field, nullable: true }, () => null)
}

function cells(length: number, field: Field, valueOf: (row: number) => unknown): Column {
  const builder = new BatchBuilder({ fields: [field] }, Math.max(1, length))
  const column = builder.columns[0] as ColumnBuilder
  for (let row = 0; row < length; row++) writeValue(column, row, valueOf(row), field.name)
  builder.length = length
  return builder.finish().columns[0] as Column
}
