/**
 * The errors of reading Parquet: damaged bytes, and features that are not supported.
 *
 * Decoders throw them without a place; the reader adds file, column and row once, on the way up.
 */
import { isMillraceError, MillraceError } from '../../../errors.ts'
import type { Place } from '../../../errors.ts'

/** The error for bytes that no correct writer produces. */
export function damaged(detail: string, cause?: unknown): MillraceError {
  return new MillraceError('input/corrupt', {
    what: 'the Parquet file is damaged',
    detail,
    hint: 'write the file again or take it out of the input',
    cause,
  })
}

/** The error for something that Parquet allows and Millrace does not read. */
export function unsupported(detail: string): MillraceError {
  return new MillraceError('input/unsupported', {
    what: 'the Parquet file uses a feature that is not supported',
    detail,
    hint: 'leave the column out with a declared schema, or write the file without the feature',
  })
}

/** The error for a file that is shorter than it says. */
export function truncated(detail: string): MillraceError {
  return new MillraceError('input/truncated', {
    what: 'the Parquet file is incomplete',
    detail,
    hint: 'a Parquet file is readable only when its writer has finished; wait for it or write the file again',
  })
}

/** Any error of decoding, with its place; what is not ours (a RangeError of a typed array) counts as damage. */
export function located(error: unknown, place: Place): unknown {
  if (isMillraceError(error)) {
    const { code, what, detail, hint, step, cause } = error
    return new MillraceError(code, { what, detail, hint, step, cause, place: { ...place, ...error.place } })
  }
  const detail = error instanceof Error ? error.message : String(error)
  return located(damaged(detail, error), place)
}
