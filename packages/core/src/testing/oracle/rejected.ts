/**
 * Rows that a source or a user function could not take. Their number and the code of the reason are part of the meaning; the
 * words that describe them are not.
 */
import { rejectedRowSchema } from '../../plan/index.ts'
import type { OracleRow, Relation } from './relation.ts'
import { madeRow } from './relation.ts'

/** A rejected row. */
export function rejectedRow(code: string, from?: OracleRow): OracleRow {
  const cells = { source: '', raw: '', reason: '', code, file: null, line: null, byte: null }
  return from === undefined ? madeRow(cells, undefined) : { ...from, cells }
}

/** What leaves a rejected port. */
export function rejectedRows(rows: readonly OracleRow[]): Relation {
  return { schema: rejectedRowSchema, rows, hasTies: true }
}
