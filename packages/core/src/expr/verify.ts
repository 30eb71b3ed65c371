/**
 * Compares the batch of generated code with the evaluator's: the running check behind invariant X1 of compile.ts.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount, rowIndex } from '../data/batch.ts'
import type { Column } from '../data/column.ts'
import { MillraceError } from '../errors.ts'
import type { Value } from './value.ts'
import { readCell } from './value.ts'

/** Throws an assertion with the first difference. */
export function verifySame(generated: Batch, reference: Batch): void {
  if (rowCount(generated) !== rowCount(reference)) {
    fail(`${rowCount(generated)} rows passed, the evaluator lets ${rowCount(reference)} pass`)
  }
  for (let n = 0; n < rowCount(reference); n++) {
    const row = rowIndex(reference, n)
    if (rowIndex(generated, n) !== row) fail(`row ${row} was dropped`)
    for (const [index, column] of reference.columns.entries()) {
      const expected = readCell(column, row)
      const found = readCell(generated.columns[index] as Column, row)
      if (!sameValue(expected, found)) {
        fail(`row ${row}, column ${index}: ${show(found)} instead of ${show(expected)}`)
      }
    }
  }
}

/** The same value; NaN is the same as NaN, −0 as 0. */
export function sameValue(a: Value, b: Value): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [first, second] = [Object.entries(a), Object.entries(b)]
  return (
    first.length === second.length &&
    first.every(([name, part], n) => {
      const [otherName, other] = second[n] as [string, Value]
      return name === otherName && sameValue(part as Value, other)
    })
  )
}

function show(value: Value): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}

function fail(detail: string): never {
  throw new MillraceError('internal/assertion', {
    what: 'generated code and evaluator disagree',
    detail,
    hint: 'report it with the expression; until then compile with generate: false',
  })
}
