/**
 * What a server or a network said, as an operating error: whether it may pass by itself, what to do, and no secrets.
 */
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import type { ErrorCode, Place } from '@millrace/core/errors'

/** What pg's errors have. */
interface ServerError extends Error {
  readonly code?: string
  readonly detail?: string
  readonly hint?: string
  readonly where?: string
  readonly constraint?: string
  readonly column?: string
  /** Only errors of the server have one. */
  readonly severity?: string
}

/** Where an error happened, for people. */
export interface FailurePlace {
  /** What was being done: 'connecting to', 'writing rows to', … */
  readonly doing: string
  /** The table or the server. */
  readonly of: string
  readonly place?: Place
}

/** States of the server that pass by themselves: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const passing = [
  /^08/, // the connection
  /^40/, // a conflict with another transaction: serialisation, deadlock
  /^53(?!100)/, // too many connections, no memory; a full disk is told apart
  /^57(01[456]|P0\d)$/, // cancelled or timed out, shut down, starting, crashed
  /^55P03$/, // a lock is held
  /^25006$/, // a standby that is about to be promoted, maybe
  /^58030$/, // an input or output error of the server
]

/** SQLSTATE of a unique violation. */
export const UNIQUE_VIOLATION = '23505'

/** SQLSTATE of a lock that was not to be had in time. */
export const LOCK_NOT_AVAILABLE = '55P03'

/** The code that a server gave an error, or the system. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether the same may succeed later without anyone changing anything. */
export function mayPass(error: unknown): boolean {
  if (isMillraceError(error)) return error.retry === 'retry'
  if (!isServerError(error)) return true
  return passing.some((pattern) => pattern.test(error.code ?? ''))
}

/** What was said, on one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  if (!(error instanceof Error)) return String(error)
  const { message, detail } = error as ServerError
  return (detail === undefined ? message : `${message}; ${detail}`).replaceAll(/\s+/g, ' ')
}

/** What was being done and why it failed, on one line. */
export function whyOf(error: unknown): string {
  if (!isMillraceError(error)) return reasonOf(error)
  return error.detail === undefined ? error.what : `${error.what}: ${error.detail}`
}

/** The operating error of something that went wrong. */
export function failureOf(error: unknown, { doing, of, place }: FailurePlace): MillraceError {
  if (isMillraceError(error)) return error
  const { code, hint } = remedyOf(error)
  return new MillraceError(code, {
    what: `${doing} ${of} failed`,
    detail: reasonOf(error),
    hint,
    place: place ?? { name: of },
    cause: error,
  })
}

function remedyOf(error: unknown): { readonly code: ErrorCode; readonly hint: string } {
  if (!isServerError(error))
    return { code: 'output/write-failed', hint: 'see that the server runs and can be reached from here' }
  const { code = '', hint } = error
  if (code.startsWith('28'))
    return { code: 'output/permission', hint: hint ?? 'see to the user, the password and pg_hba.conf' }
  if (code === '42501')
    return { code: 'output/permission', hint: hint ?? 'grant what is missing to the user of the connection' }
  if (code === '3D000')
    return { code: 'output/unfit', hint: hint ?? 'create the database, or name another one' }
  if (code === '53100') return { code: 'output/disk-full', hint: 'make room on the disk of the server' }
  if (mayPass(error))
    return { code: 'output/write-failed', hint: hint ?? 'run again: this may pass by itself' }
  if (/^(22|23)/.test(code))
    return {
      code: 'output/rejected',
      hint: hint ?? 'mend the row in the pipeline, or the table; then run again',
    }
  return { code: 'output/rejected', hint: hint ?? 'mend the table; then run again' }
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && typeof (error as ServerError).severity === 'string'
}
