/**
 * Rows that a source or a user function could not take. Their number and the code of the reason are part of the meaning; the
 * words that describe them are not.
 */
import { rejectedRowSchema } from '../../plan/index.ts'
import type { OracleRow, Relation } from './relation.ts'
import { madeRow } from './relation.ts'

/** A rejected row. It has neither the event time nor the place of the row that it tells of. */
export function rejectedRow(code: string): OracleRow {
  const cells = { source: '', raw: '', reason: '', code, file: null, line: null, byte: null }
  return madeRow(cells, undefined)
}

/** What leaves a rejected port. */
export function rejectedRows(rows: readonly OracleRow[]): Relation {
  return { schema: rejectedRowSchema, rows, hasTies: true }
}
