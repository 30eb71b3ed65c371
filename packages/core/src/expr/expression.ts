/**
 * The typed expression IR: what SQL text, column names and typed builders are bound to.
 *
 * Plain frozen data without functions, so that it can be hashed, printed and sent. Every node knows its type and
 * whether it can be null. Two things execute it: evaluate.ts (the reference, row by row) and compile.ts (columns in,
 * columns out); a test holds them equal on generated values for every function of the catalogue.
 */
import type { DataType, Json } from '../data/type.ts'

/** What every expression knows of its result. */
interface Typed {
  readonly type: DataType
  readonly nullable: boolean
}

/** A column of the input, by name; the position is found when the expression is compiled against a schema. */
export interface ColumnExpression extends Typed {
  readonly kind: 'column'
  readonly name: string
}

/** A constant. `value` is JSON-safe: int64, uint64, decimal, time and timestamp values are decimal strings of the unscaled integer. */
export interface LiteralExpression extends Typed {
  readonly kind: 'literal'
  readonly value: Json
}

/** A function, operator or cast of the catalogue, applied to bound arguments (casts: `cast`, to the node's own type). */
export interface CallExpression extends Typed {
  readonly kind: 'call'
  readonly name: string
  readonly arguments: readonly Expression[]
}

/** CASE: the first branch whose condition is true, else the last value. */
export interface CaseExpression extends Typed {
  readonly kind: 'case'
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[]
  readonly otherwise: Expression
}

/** A bound, typed expression. */
export type Expression = ColumnExpression | LiteralExpression | CallExpression | CaseExpression

/** An output column of a projection. */
export interface NamedExpression {
  readonly name: string
  readonly expression: Expression
}
