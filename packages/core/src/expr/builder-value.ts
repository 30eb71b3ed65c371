/**
 * What a value of the typed builder holds, and how to tell one: the part that binding needs.
 *
 * The methods and their types are builder.ts.
 */
import type { Syntax } from './syntax.ts'

/** Marks builder values and holds their syntax. */
export const builderSyntax: unique symbol = Symbol.for('millrace.builder') as never

/** A value of the typed builder, as binding sees it. */
export interface BuilderValue<out Value = unknown> {
  readonly [builderSyntax]: Syntax
  /** Only the compiler sees it. */
  readonly '~value'?: Value
}

/** Tells whether a value came from the typed builder, also of another copy of the package. */
export function isBuilderValue(value: unknown): value is BuilderValue {
  return typeof value === 'object' && value !== null && builderSyntax in value
}
