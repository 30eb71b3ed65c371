/**
 * The one place where code is made from text.
 *
 * Templates hold indices and literals of ours, never names or values of a user (they come in as arguments).
 * Where the environment forbids `new Function` (a content-security policy, --disallow-code-generation-from-strings),
 * callers that have an interpreted twin use it; for the others `generate` throws.
 */
import { MillraceError } from '../errors.ts'

let allowed: boolean | undefined

/** Tells whether code can be generated here. */
export function canGenerate(): boolean {
  if (allowed === undefined) {
    try {
      allowed = (new Function('return true') as () => boolean)()
    } catch {
      allowed = false
    }
  }
  return allowed
}

/**
 * Compiles a function body in strict mode; gives the function of the named parameters.
 *
 * @throws MillraceError `run/unsupported-runtime` where code may not be generated.
 */
export function generate<Compiled>(parameters: readonly string[], body: string): Compiled {
  if (!canGenerate()) {
    throw new MillraceError('run/unsupported-runtime', {
      what: 'this step needs generated code, which is forbidden here',
      detail: 'new Function() throws an EvalError',
      hint: "start Node without --disallow-code-generation-from-strings, or allow 'unsafe-eval'",
    })
  }
  return new Function(...parameters, `"use strict";\n${body}`) as Compiled
}
