/**
 * Errors that connectors throw, as operating errors: one that is no MillraceError gets a code, a place and a remedy.
 *
 * Connectors of this repository say themselves what went wrong; this is for those of others.
 */
import { isMillraceError, MillraceError, withContext, withDetail } from '../errors.ts'
import { thrownText } from './rows/row-text.ts'

/** The error of a source: opening, reading or listing. `place` names the split. */
export function readFailure(error: unknown, place?: string): unknown {
  if (isMillraceError(error)) return error
  return new MillraceError('input/read-failed', {
    what: place === undefined ? 'the source failed' : 'reading a split failed',
    detail: thrownText(error),
    hint: 'the source gave no error code: look at what it says, mend it, and run again',
    place: place === undefined ? undefined : { name: place },
    cause: error,
  })
}

/** A failure to read, and what kept the last epoch before it from being put out: undefined, nothing did. */
export function withLastEpoch(failure: unknown, saving: unknown): unknown {
  if (saving === undefined || !isMillraceError(failure)) return failure
  const why = isMillraceError(saving)
    ? [saving.what, saving.detail].filter(Boolean).join(': ')
    : thrownText(saving)
  return withDetail(failure, {
    detail: `what was read before is not all put out, and is left to the next start: ${why}`,
    cause: new AggregateError(
      [failure.cause ?? failure, saving],
      'reading failed, and so did the last epoch',
    ),
  })
}

/** The error of a sink, in what it was `doing`: 'writing', 'preparing', 'committing'. */
export function writeFailure(error: unknown, doing: string, step: string): unknown {
  if (isMillraceError(error)) return withContext(error, { step })
  return new MillraceError('output/write-failed', {
    what: `${doing} the output failed`,
    detail: thrownText(error),
    hint: 'the sink gave no error code: look at what it says, mend it, and run again',
    step,
    cause: error,
  })
}
