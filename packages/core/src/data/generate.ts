/**
 * The one place where this room makes code from text.
 *
 * Templates hold indices and literals of ours, never names or values of a user (they come in as arguments).
 * Where the environment forbids `new Function` (a content-security policy), callers use their interpreted twin.
 */

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

/** Compiles a function body in strict mode; gives the function of the named parameters. */
export function generate<Compiled>(parameters: readonly string[], body: string): Compiled {
  return new Function(...parameters, `"use strict";\n${body}`) as Compiled
}
