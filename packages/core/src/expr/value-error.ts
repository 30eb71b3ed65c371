/**
 * Errors that a value causes while an expression runs. The evaluator adds the expression and the row (evaluate.ts).
 */
import { MillraceError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

type ValueCode = Extract<ErrorCode, `value/${string}`>

/** What helps with every error of a kind, where the place of the error knows nothing better. */
const hints: { readonly [code in ValueCode]?: string } = {
  'value/cast': 'keep such rows away with .where(…), or cast only what fits: case when … then cast(…) end',
  'value/overflow': 'keep such rows away with .where(…), or compute in a wider type: cast the operands first',
}

/** Stops the expression with an error about a value. */
export function failValue(code: ValueCode, what: string, hint: string | undefined = hints[code]): never {
  throw new MillraceError(code, { what, hint })
}

/** A value cut to what an error message can hold. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
