/** Expressions: written in SQL or by a typed builder, bound to a schema, evaluated row by row or compiled for columns. */
export type {
  CallExpression,
  CaseExpression,
  ColumnExpression,
  Expression,
  LiteralExpression,
  NamedExpression,
} from './expression.ts'
export { isSqlExpression, isUnbound, parseSql, sql, sqlText } from './sql.ts'
export type { DeclaredType, Sql, SqlExpression, SqlTag } from './sql.ts'
export { isBuilderValue } from './builder-value.ts'
export type { BuilderValue } from './builder-value.ts'
export { call, column, typedColumns, value, when } from './builder.ts'
export type {
  ExpressionBuilder,
  Operand,
  TimeField,
  TypedColumns,
  TypedValue,
  WhenChain,
  Widened,
} from './builder.ts'
export { bindExpression, bindPredicate } from './bind.ts'
export type { ExpressionInput } from './bind.ts'
export type { BindOptions } from './binder.ts'
export { evaluate, evaluateWith } from './evaluate.ts'
export type { Value } from './value.ts'
export { compileTransform } from './compile.ts'
export type { CompileOptions, Transform } from './compile.ts'
export type { TransformSpec } from './transform.ts'
export { expressionToString, quoteName, quoteText } from './print.ts'
export {
  childrenOf,
  columnsOf,
  conjunctsOf,
  sameExpression,
  substitute,
  transformUp,
  visit,
} from './rewrite.ts'
export { simplify } from './simplify.ts'
export { expressionFromJson, expressionToJson } from './json-form.ts'
export { literal as makeLiteral } from './coerce.ts'
export { catalogue } from './catalogue.ts'
export type { FunctionDefinition } from './functions/define.ts'
