/**
 * User functions answer at once: what is refused of those that do not, when a pipeline is built and when it runs.
 *
 * A function that is declared `async` shows it before it is called; a plain one that gives a promise shows it with its
 * first answer. Both get the same error.
 */
import { MillraceError } from '../errors.ts'

/** The error of a function whose answer is a promise. */
export function asynchronousFunction(what: string, step?: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `${what} is asynchronous`,
    detail: 'functions over rows answer at once: a promise is no row, and would count as true',
    hint: 'look things up beforehand, or join with a table: .lookupJoin(…)',
    step,
  })
}

/**
 * Whether an answer is a promise, or another object that is waited for. What it comes to later is nobody's business any
 * more, so that its failing does not end the process.
 */
export function isPromise(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false
  const { then } = answer as { readonly then?: unknown }
  if (typeof then !== 'function') return false
  void Promise.resolve(answer).catch(() => undefined)
  return true
}
