/** The causes of an error, from the nearest to the first one: why something failed that others report. */
import { isMillraceError } from '@millrace/core/errors'

/** Causes followed at most: a cause may be its own cause. */
const CAUSES_MAX = 8

/** What was thrown behind an error, the nearest first. */
export function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = []
  let cause = causeOf(error)
  while (cause !== undefined && causes.length < CAUSES_MAX) {
    causes.push(cause)
    cause = causeOf(cause)
  }
  return causes
}

function causeOf(error: unknown): unknown {
  return error instanceof Error || isMillraceError(error) ? error.cause : undefined
}
