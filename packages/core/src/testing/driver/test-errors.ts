/** Errors of tests that drive a pipeline: each says what to do instead. */
import { didYouMean, listNames } from '../../data/nearest-names.ts'
import { MillraceError } from '../../errors.ts'

/** A name that the pipeline does not have. */
export function unknownName(
  kind: 'source' | 'sink' | 'step',
  name: string,
  names: readonly string[],
): MillraceError {
  return new MillraceError('test/unknown-name', {
    what: `the pipeline has no ${kind} "${name}"`,
    detail: `its ${kind}s: ${listNames(names)}`,
    hint: didYouMean(name, names) ?? `name a ${kind} as the pipeline does`,
  })
}

/** A column that rows do not have. */
export function unknownColumn(where: string, name: string, names: readonly string[]): MillraceError {
  return new MillraceError('test/unknown-name', {
    what: `${where} has no column "${name}"`,
    detail: `its columns: ${listNames(names)}`,
    hint: didYouMean(name, names) ?? 'name a column that it has',
  })
}

/** Something that what is driven cannot do. */
export function notPossible(what: string, hint: string, step?: string): MillraceError {
  return new MillraceError('test/not-possible', { what, hint, step })
}

/** A run that is over. */
export function notRunning(state: 'failed' | 'ended', cause?: unknown): MillraceError {
  return new MillraceError('test/not-running', {
    what: state === 'failed' ? 'the run has failed' : 'the run has come to its end',
    detail: cause instanceof Error ? cause.message.split('\n')[0] : undefined,
    hint:
      state === 'failed'
        ? 'go on from its last epoch with await test.restart(), with { pipeline } for a mended one'
        : 'send everything before finish(); what was read and kept can still be looked at',
    cause,
  })
}
