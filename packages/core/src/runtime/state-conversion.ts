/**
 * Rows of a kept table as rows of the program's table, column by column, as state-fit.ts has decided.
 */
import type { StateRows } from '../checkpoint/index.ts'
import {
  columnOf,
  defaultColumn,
  isValid,
  makeBatch,
  readValue,
  typeToString,
  valueWidening,
  widenColumn,
} from '../data/index.ts'
import type { Batch, Column, DataType, Field } from '../data/index.ts'
import { assert, isMillraceError, MillraceError } from '../errors.ts'
import { savedCells, ValueCheck, valueOfSavedCell } from '../state/index.ts'
import type { ColumnFit } from './column-fit.ts'
import type { PartFit, StateMigration } from './state-fit.ts'

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
      return fit.with === 'default'
        ? defaultColumn(field, batch.length)
        : columnOf(field, batch.length, () => 0)
    case 'widen':
      return widenColumn(batch.columns[fit.from] as Column, field.type, batch.length)
    case 'state': {
      const column = batch.columns[fit.from] as Column
      const { before, after, state } = fit
      const change = changeOf(fit, step)
      const saved = savedCells(after, state)
      return columnOf(field, batch.length, (row) => {
        if (!isValid(column, row)) return null
        return saved(change(valueOfSavedCell(before, readValue(column, row))))
      })
    }
  }
}

/** From values of the kept type to those of the program's, over the migrations that lie between. */
function changeOf(
  { before, after, migrations, state }: Extract<ColumnFit, { kind: 'state' }>,
  step: string,
): (value: unknown) => unknown {
  const links = migrations.map(({ from, with: convert }, at) => {
    const next = migrations[at + 1]?.from
    const check = new ValueCheck(next ?? after, state)
    return (value: unknown): unknown => {
      const given = migrated(convert, value, { state, step })
      try {
        check.check(given)
      } catch (cause) {
        throw unexpectedValue(cause, { state, step, from })
      }
      return given
    }
  })
  const widen = valueWidening(before, migrations[0]?.from ?? after)
  return (value) => links.reduce((now, link) => link(now), widen(value))
}

/** What a migration gives has to be a value of the next version: nothing else could take it. */
function unexpectedValue(
  cause: unknown,
  { state, step, from }: { readonly state: string; readonly step: string; readonly from: DataType },
): unknown {
  if (!isMillraceError(cause)) return cause
  return new MillraceError('value/invalid', {
    what: `the migration of state "${state}" from ${typeToString(from)} gave a value that the next version cannot hold`,
    detail: cause.detail,
    hint: 'the state is untouched: mend the function, then start again',
    step,
    cause,
  })
}

function migrated(
  convert: StateMigration['with'],
  value: unknown,
  { state, step }: { readonly state: string; readonly step: string },
): unknown {
  try {
    return convert(value)
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
