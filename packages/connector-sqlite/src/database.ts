/** A file of SQLite, opened so that what is committed is durable; and what it says when something fails. */
import { existsSync } from 'node:fs'
import Database from 'libsql'
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import type { ErrorCode } from '@millrace/core/errors'
import type { BoundValue } from './row-values.ts'

/** The longest that a statement waits for another process: nothing else happens in this one meanwhile. */
const BUSY_MS = 50

/** An open file. */
export class SqliteFile {
  readonly path: string
  readonly #database: Database.Database
  #isOpen = true

  /** @throws MillraceError `output/unfit` when there is no such file, or it is no database */
  constructor(path: string) {
    this.path = path
    // The library makes a file that is not there, whatever it is told.
    if (!existsSync(path))
      throw new MillraceError('output/unfit', {
        what: `database "${path}" does not exist`,
        detail: 'there is no such file',
        hint: 'make it, with the table: the sink makes neither; or name another file',
        place: { file: path },
      })
    try {
      this.#database = new Database(path, { fileMustExist: true })
    } catch (error) {
      throw failureOf(error, 'opening', path)
    }
    try {
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
      // A commit has to be durable when it is answered, in every mode of the journal.
      this.#database.exec('PRAGMA synchronous = FULL')
      this.#database.exec('PRAGMA foreign_keys = ON')
    } catch (error) {
      this.close()
      throw failureOf(error, 'opening', path)
    }
  }

  exec(text: string): void {
    this.#database.exec(text)
  }

  all<Row>(text: string, values: readonly BoundValue[] = []): readonly Row[] {
    return this.#database.prepare(text).all(...values) as readonly Row[]
  }

  /** Rows that the statement changed. */
  run(text: string, values: readonly BoundValue[] = []): number {
    return this.#database.prepare(text).run(...values).changes
  }

  /** Runs one statement for many rows. */
  runEach(text: string, rows: readonly (readonly BoundValue[])[]): void {
    const statement = this.#database.prepare(text)
    for (const row of rows) statement.run(...row)
  }

  /** All or nothing. The lock is taken at the beginning, so that it cannot fail for it later. */
  transaction<Result>(body: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = body()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    if (this.#isOpen) this.#database.close()
    this.#isOpen = false
  }
}

/** Whether the same may succeed later: another process is writing. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

/** The operating error of something that went wrong. */
export function failureOf(error: unknown, doing: string, path: string): MillraceError {
  if (isMillraceError(error)) return error
  const [code, hint] = remedyOf(codeOf(error))
  return new MillraceError(code, {
    what: `${doing} database "${path}" failed`,
    detail: error instanceof Error ? error.message : String(error),
    hint,
    place: { file: path },
    cause: error,
  })
}

function remedyOf(code: string): readonly [ErrorCode, string] {
  if (/^SQLITE_(BUSY|LOCKED)/.test(code))
    return ['output/write-failed', 'another process writes to it: run again when it is done']
  if (code.startsWith('SQLITE_CONSTRAINT'))
    return ['output/rejected', 'mend the row in the pipeline, or the table; then run again']
  if (code === 'SQLITE_FULL') return ['output/disk-full', 'make room on the disk']
  if (/^SQLITE_(READONLY|PERM|AUTH)/.test(code))
    return ['output/permission', 'see that the file and its folder can be written']
  if (/^SQLITE_(CANTOPEN|NOTADB|CORRUPT)/.test(code))
    return ['output/unfit', 'name a file that exists and is a database of SQLite']
  if (code.startsWith('SQLITE_IOERR')) return ['output/write-failed', 'see to the disk, then run again']
  return ['output/rejected', 'mend the table; then run again']
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}
