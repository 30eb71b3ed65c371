/** Which table of which file, as people say it. */
import { MillraceError } from '@millrace/core/errors'

/** A table to write to. */
export interface SqliteOptions {
  /** The file of the database. It has to exist, and be on a disk of this machine. */
  readonly path: string
  /** The name of the table, written exactly as it is. It has to exist. */
  readonly table: string
  /** Add rows, or keep one row per key: the last one that was written. */
  readonly mode: 'append' | 'upsert'
  /** Columns of an upsert that tell rows apart; the table has a unique index over them. */
  readonly key?: readonly string[]
}

/** Options with all defaults in place. */
export type SqliteTarget = Required<SqliteOptions>

const optionNames = ['path', 'table', 'mode', 'key']

/**
 * Puts the defaults in place.
 *
 * @throws MillraceError `plan/invalid-argument`
 */
export function targetOf(options: SqliteOptions): SqliteTarget {
  const other = Object.keys(options).find((name) => !optionNames.includes(name))
  if (other !== undefined)
    throw invalid(`sqlite has no option "${other}"`, `it has ${optionNames.join(', ')}`)
  const { path, table, mode, key = [] } = options
  if (path === '' || path === ':memory:') throw invalid('a database in memory does not outlive its process')
  if (table === '') throw invalid('the table has no name')
  if (mode !== 'append' && mode !== 'upsert')
    throw invalid(`the mode of a table is "append" or "upsert", not ${JSON.stringify(mode)}`)
  if (mode === 'upsert' && key.length === 0)
    throw invalid('an upsert has no key', "name the columns that tell rows apart: key: ['id']")
  if (mode === 'append' && key.length > 0)
    throw invalid('an append has no use for a key', "write mode: 'upsert', or leave the key out")
  return { path, table, mode, key }
}

/** A name as it stands in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function invalid(what: string, hint?: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
