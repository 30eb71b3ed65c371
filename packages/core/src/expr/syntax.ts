/**
 * The syntax tree of SQL expressions, before any name or type is known.
 *
 * The parser makes it from text, the typed builder (builder.ts) by method calls; bind.ts turns it into the typed IR of
 * expression.ts. It is not the IR: names may be wrong and types may not fit. The full SQL front end uses the same tree.
 */

import type { DataType } from '../data/type.ts'

/** A range of the source text, in UTF-16 units. Builder nodes have `nowhere`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The span of nodes that no text stands behind. */
export const nowhere: Span = { start: -1, end: -1 }

/** A name as written: an unquoted one is matched without regard to case when no exact match exists. */
export interface Name {
  readonly text: string
  readonly quoted: boolean
}

/** A type as written: `decimal(12, 2)`, `timestamp with time zone`, `integer[]`. */
export interface TypeName {
  readonly name: string
  readonly parameters: readonly number[]
  readonly zoned: boolean
  /** Array brackets behind the name. */
  readonly dimensions: number
  readonly at: Span
  /** The type itself, where a program gave it instead of a name. */
  readonly type?: DataType
}

interface Node {
  readonly at: Span
}

/** `delay`, `"Delay"`, `flights.delay`. */
export interface IdentifierSyntax extends Node {
  readonly kind: 'identifier'
  readonly parts: readonly Name[]
}

/** A literal as written; `text` is the content without quotes and escapes. */
export interface LiteralSyntax extends Node {
  readonly kind: 'literal'
  readonly literal: 'number' | 'string' | 'bytes' | 'boolean' | 'null'
  readonly text: string
}

/** `DATE '2001-01-01'`, `TIMESTAMP '…'`, `INTERVAL '1 day'`, `INTERVAL '3' HOUR` (unit put behind the text). */
export interface TypedLiteralSyntax extends Node {
  readonly kind: 'typed-literal'
  readonly type: TypeName
  readonly text: string
}

/** A JavaScript value: an interpolated parameter, or an argument of a builder method. */
export interface ValueSyntax extends Node {
  readonly kind: 'value'
  readonly value: unknown
}

/** An operator or function by name; operators use their symbol (`+`, `and`, `not`, `like`, `is_null` …). */
export interface CallSyntax extends Node {
  readonly kind: 'call'
  readonly name: string
  readonly arguments: readonly Syntax[]
  /** Where the operator or function name stands. */
  readonly nameAt: Span
}

/** `CASE [operand] WHEN … THEN … ELSE … END`. */
export interface CaseSyntax extends Node {
  readonly kind: 'case'
  readonly operand: Syntax | undefined
  readonly branches: readonly { readonly when: Syntax; readonly then: Syntax }[]
  readonly otherwise: Syntax | undefined
}

/** `CAST(x AS t)`, `x::t`. */
export interface CastSyntax extends Node {
  readonly kind: 'cast'
  readonly operand: Syntax
  readonly type: TypeName
}

/** `(expression).field`. */
export interface FieldSyntax extends Node {
  readonly kind: 'field'
  readonly operand: Syntax
  readonly name: Name
}

/** A part of an expression as written. */
export type Syntax =
  | IdentifierSyntax
  | LiteralSyntax
  | TypedLiteralSyntax
  | ValueSyntax
  | CallSyntax
  | CaseSyntax
  | CastSyntax
  | FieldSyntax

/** The text that spans refer to. */
export interface SourceText {
  readonly text: string
  /** Interpolated parameters: their place in `text` and their value. */
  readonly parameters: readonly { readonly start: number; readonly end: number; readonly value: unknown }[]
}
