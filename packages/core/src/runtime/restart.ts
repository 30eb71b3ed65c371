/**
 * Whether a job that failed starts again, and when. Pure: waiting and starting are the job's.
 *
 * Only failures that may pass by themselves count as a reason to try again (`retry` in the catalogue of errors): a
 * pipeline that throws, or input that cannot be read, would fail the same way for ever. Invariants (tests quote them):
 *  RS1  A failure that somebody has to mend ends the job, under every strategy.
 *  RS2  Waits never exceed the longest; jitter only shortens them, so that many jobs do not come back together.
 *  RS3  After a run that lasted long enough, waits and attempts are counted from the first again.
 */
import { checkOptionNames } from '../data/option-names.ts'
import { errorCatalogue, isMillraceError, MillraceError } from '../errors.ts'
import { parseDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'

/** How a job with a state directory comes back after a failure. */
export type RestartStrategy =
  /** It does not: whoever started it decides. */
  | { readonly kind: 'none' }
  /**
   * After the same wait each time; `attempts` times in a row, default without end. A run of `resetAfter` (default 10 min)
   * begins to count anew.
   */
  | {
      readonly kind: 'fixed'
      readonly delay: Duration
      readonly attempts?: number
      readonly resetAfter?: Duration
    }
  /**
   * After waits that grow: `first` (default 1 s), times `factor` (default 2) each time, up to `longest` (default 1 min),
   * shortened by up to a fifth at random. A run of `resetAfter` (default 10 min) begins them anew. `attempts` times in a
   * row, default without end.
   */
  | {
      readonly kind: 'exponential'
      readonly first?: Duration
      readonly factor?: number
      readonly longest?: Duration
      readonly resetAfter?: Duration
      readonly attempts?: number
    }
  /** After the same wait each time, unless more than `failures` came `within` so long. */
  | {
      readonly kind: 'failure-rate'
      readonly failures: number
      readonly within: Duration
      readonly delay: Duration
    }

/** What is known of a failure. */
export interface FailureFacts {
  readonly error: unknown
  /** On a clock that does not jump. */
  readonly atMs: number
  /** How long the run lasted that failed. */
  readonly ranMs: number
}

/** What becomes of the job. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly reason: string }

const JITTER = 0.2

/** Decides after each failure of one job. */
export class Restarts {
  readonly #strategy: RestartStrategy
  readonly #random: () => number
  /** Failures in a row. */
  #row = 0
  #times: readonly number[] = []

  /**
   * @param random - uniform in [0, 1)
   * @throws MillraceError `plan/invalid-argument` for a strategy that cannot be.
   */
  constructor(strategy: RestartStrategy, random: () => number) {
    checkStrategy(strategy)
    this.#strategy = strategy
    this.#random = random
  }

  /** Takes note of a failure and says what follows. */
  decide(failure: FailureFacts): RestartDecision {
    if (!mayPass(failure.error)) return giveUp('it does not pass by itself')
    const strategy = this.#strategy
    switch (strategy.kind) {
      case 'none':
        return giveUp('the job does not start again by itself')
      case 'fixed':
        this.#beginAnew(strategy.resetAfter, failure.ranMs)
        return this.#again(strategy.attempts, parseDuration(strategy.delay))
      case 'exponential':
        return this.#exponential(strategy, failure.ranMs)
      case 'failure-rate':
        return this.#byRate(strategy, failure.atMs)
    }
  }

  /** RS3 */
  #beginAnew(resetAfter: Duration | undefined, ranMs: number): void {
    if (ranMs >= parseDuration(resetAfter ?? '10 min')) this.#row = 0
  }

  #again(attempts: number | undefined, delayMs: number): RestartDecision {
    this.#row++
    if (attempts !== undefined && this.#row > attempts) return giveUp(`it came ${attempts} times in a row`)
    return { kind: 'restart', delayMs }
  }

  #exponential(
    strategy: Extract<RestartStrategy, { readonly kind: 'exponential' }>,
    ranMs: number,
  ): RestartDecision {
    const { first = '1 s', factor = 2, longest = '1 min', resetAfter, attempts } = strategy
    this.#beginAnew(resetAfter, ranMs)
    const waitMs = Math.min(parseDuration(longest), parseDuration(first) * factor ** this.#row)
    return this.#again(attempts, waitMs * (1 - JITTER * this.#random()))
  }

  #byRate(
    { failures, within, delay }: Extract<RestartStrategy, { readonly kind: 'failure-rate' }>,
    atMs: number,
  ): RestartDecision {
    const since = atMs - parseDuration(within)
    this.#times = [...this.#times.filter((time) => time > since), atMs]
    if (this.#times.length > failures)
      return giveUp(`more than ${failures} came within ${parseDuration(within)} ms`)
    return { kind: 'restart', delayMs: parseDuration(delay) }
  }
}

function mayPass(error: unknown): boolean {
  return isMillraceError(error) && errorCatalogue[error.code].retry === 'retry'
}

function giveUp(reason: string): RestartDecision {
  return { kind: 'give-up', reason }
}

const optionNames: { readonly [kind in RestartStrategy['kind']]: readonly string[] } = {
  none: ['kind'],
  fixed: ['kind', 'delay', 'attempts', 'resetAfter'],
  exponential: ['kind', 'first', 'factor', 'longest', 'resetAfter', 'attempts'],
  'failure-rate': ['kind', 'failures', 'within', 'delay'],
}

function checkStrategy(strategy: RestartStrategy): void {
  const names = Object.hasOwn(optionNames, strategy.kind) ? optionNames[strategy.kind] : undefined
  if (names === undefined)
    throw invalid('kind', strategy.kind, `one of ${Object.keys(optionNames).join(', ')}`)
  checkOptionNames('restart', strategy, names)
  for (const [name, value] of Object.entries(strategy)) {
    if (name === 'kind') continue
    if (name === 'attempts' || name === 'failures')
      check(name, value, Number.isInteger(value) && Number(value) >= 0, 'a whole number')
    else if (name === 'factor') check(name, value, Number(value) >= 1, 'a number from 1 on')
    // Throws for what is no duration.
    else check(name, value, parseDuration(value as Duration) >= 0, 'a length of time')
  }
}

function check(name: string, value: unknown, isRight: boolean, expected: string): void {
  if (!isRight) throw invalid(name, value, expected)
}

function invalid(name: string, value: unknown, expected: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `option "${name}" of restart is ${String(value)}`,
    detail: `expected ${expected}`,
  })
}
