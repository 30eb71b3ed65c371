/**
 * Expressions as arguments of steps: what people may write, and binding it to the schema of the step's input.
 *
 * The one place where the SDK meets `expr`. Names, functions and types are checked here, when the pipeline is built.
 */
import { fieldOf } from '../data/schema.ts'
import type { OfKind, ValueKind } from '../data/row-values.ts'
import type { Schema } from '../data/type.ts'
import { typeToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import { bindExpression, isUnbound, sqlText, substitute, typedColumns } from '../expr/index.ts'
import type { BuilderValue, Expression, SqlExpression, TypedColumns } from '../expr/index.ts'

export { isUnbound }
export type { BuilderValue, SqlExpression }

/**
 * An expression over the columns of `Row`: sql`…`, a value of the typed builder, or a callback over typed columns. With
 * kinds, one of another kind does not compile; what the compiler does not know is checked when the pipeline is built.
 */
export type ExpressionOf<Row, Kind extends ValueKind = ValueKind> =
  | ((SqlExpression | BuilderValue) & OfKind<Kind>)
  | ((columns: TypedColumns<Row>) => (SqlExpression | BuilderValue) & OfKind<Kind>)

/** The type of a value that was given as a column name or an expression. */
export type ValueOfInput<Row, In> = In extends keyof Row
  ? Row[In]
  : In extends SqlExpression<infer Value> | BuilderValue<infer Value>
    ? Value
    : In extends (...columns: never) => SqlExpression<infer Value> | BuilderValue<infer Value>
      ? Value
      : unknown

/** An argument of a step without its types: a column name or an expression. */
export type ExpressionInput = string | SqlExpression | BuilderValue | ((columns: never) => unknown)

/** A column as an expression. Throws `plan/unknown-column` with the nearest names. */
export function bindColumn(name: string, schema: Schema): Expression {
  const field = fieldOf(schema, name)
  return { kind: 'column', name: field.name, type: field.type, nullable: field.nullable }
}

/** Binds an expression; `what` says what it is for in the error for something else. */
export function bindInput(input: ExpressionInput, schema: Schema, what: string): Expression {
  const made = typeof input === 'function' ? input(typedColumns(schema) as never) : input
  if (isUnbound(made)) return bindExpression(made, schema)
  throw new MillraceError('plan/invalid-argument', {
    what: `${what} is not an expression`,
    detail:
      typeof input === 'function' ? 'its callback gave something else' : `it is of type ${typeof input}`,
    hint: 'give a column name, sql`…`, or a callback such as (c) => c.delay.gt(15)',
  })
}

/** Binds a condition: a boolean column or expression. */
export function bindCondition(input: ExpressionInput, schema: Schema): Expression {
  const bound =
    typeof input === 'string' ? bindColumn(input, schema) : bindInput(input, schema, 'the condition')
  if (bound.type.kind === 'boolean') return bound
  throw new MillraceError('plan/type-mismatch', {
    what: 'the condition is not true or false',
    detail: `its type is ${typeToString(bound.type)}`,
  })
}

/** The condition that none of these columns is null. */
export function notNullCondition(names: readonly string[], schema: Schema): Expression {
  const text = names.map((name) => `"${name.replaceAll('"', '""')}" is not null`).join(' and ')
  return bindExpression(sqlText(text), schema)
}

/** A truth value as the number 1 or 0, null staying null: the mean of it is a share. */
export function truthAsNumber(truth: Expression): Expression {
  const schema: Schema = { fields: [{ name: 'truth', type: truth.type, nullable: truth.nullable }] }
  const [one, zero] = ['cast(1 as double precision)', 'cast(0 as double precision)']
  const text = truth.nullable
    ? `case when truth then ${one} when not truth then ${zero} end`
    : `case when truth then ${one} else ${zero} end`
  return substitute(bindExpression(sqlText(text), schema), new Map([['truth', truth]]))
}
