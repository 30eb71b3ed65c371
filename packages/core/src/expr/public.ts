/**
 * The door `millrace/expr`: writing expressions, and what a connector needs to take one that was pushed into it.
 *
 * The other rooms share more of each other: that is index.ts.
 */
export type {
  CallExpression,
  CaseExpression,
  ColumnExpression,
  Expression,
  LiteralExpression,
  NamedExpression,
} from './expression.ts'
export { sql } from './sql.ts'
export type { DeclaredType, Sql, SqlExpression, SqlTag } from './sql.ts'
export type { BuilderValue } from './builder-value.ts'
export { call, column, value, when } from './builder.ts'
export type {
  ExpressionBuilder,
  Operand,
  TimeField,
  TypedColumns,
  TypedValue,
  WhenChain,
  Widened,
} from './builder.ts'
export { bindExpression } from './bind.ts'
export type { ExpressionInput } from './bind.ts'
export type { BindOptions } from './binder.ts'
export { evaluate } from './evaluate.ts'
export type { Value } from './value.ts'
export { compileTransform } from './compile.ts'
export type { CompileOptions, Transform } from './compile.ts'
export type { TransformSpec } from './transform.ts'
export { expressionToString } from './print.ts'
export { columnsOf, conjunctsOf } from './rewrite.ts'
