/**
 * What the parts of binding share: the schema, the source text for errors, and the way back into the walk (bind.ts).
 */
import type { Schema } from '../data/type.ts'
import { isMillraceError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { Expression } from './expression.ts'
import type { SourceText, Span, Syntax } from './syntax.ts'

/** What binding may be told. */
export interface BindOptions {
  /** The time, in milliseconds since 1970, that `now()` stands for. Without it `now()` is refused: it is not deterministic. */
  readonly nowMs?: number
}

/** What binding knows while it walks a tree. */
export interface Binder {
  readonly schema: Schema
  readonly source: SourceText | undefined
  readonly options: BindOptions
  readonly height: number
  bind(syntax: Syntax): Expression
  fail(code: ErrorCode, at: Span, what: string, hint?: string): never
}

/** Runs a conversion of a constant and gives its error the place. */
export function located<Result>(make: () => Result, at: Span, binder: Binder): Result {
  try {
    return make()
  } catch (error) {
    if (!isMillraceError(error) || error.detail !== undefined) throw error
    return binder.fail(error.code, at, error.what, error.hint)
  }
}
