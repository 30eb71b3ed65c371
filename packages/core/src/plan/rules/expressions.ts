/**
 * What rewrite rules ask of expressions: their parts, what they cost, and whether they can fail.
 */
import type { Field, Schema } from '../../data/type.ts'
import type { Expression, NamedExpression } from '../../expr/expression.ts'
import { childrenOf, conjunctsOf } from '../../expr/rewrite.ts'

/** How often each column is referred to. */
export function countColumns(
  expressions: readonly (Expression | undefined)[],
  counts: Map<string, number> = new Map(),
): ReadonlyMap<string, number> {
  for (const expression of expressions) {
    if (expression === undefined) continue
    if (expression.kind === 'column') counts.set(expression.name, (counts.get(expression.name) ?? 0) + 1)
    else countColumns(childrenOf(expression), counts)
  }
  return counts
}

/** The conjunction of conditions; undefined for none. Earlier ones are looked at first. */
export function conjunction(conditions: readonly Expression[]): Expression | undefined {
  const parts = conditions.flatMap(conjunctsOf)
  if (parts.length < 2) return parts[0]
  return {
    kind: 'call',
    name: 'and',
    type: { kind: 'boolean' },
    nullable: parts.some((part) => part.nullable),
    arguments: parts,
  }
}

/** Functions that give a value for all arguments of their types. All others are taken to be able to fail. */
export const totalFunctions: ReadonlySet<string> = new Set([
  'and', 'or', 'not', '=', '<>', '<', '<=', '>', '>=', 'in',
  'is_null', 'is_not_null', 'is_true', 'is_false',
  'is_distinct_from', 'is_not_distinct_from', 'coalesce', 'nullif', 'greatest', 'least', 'lower', 'upper', 'length', 'starts_with',
]) // prettier-ignore

/** Whether computing an expression can fail for some row (overflow, division by zero, a cast). */
export function canFail(expression: Expression): boolean {
  if (expression.kind === 'call' && !totalFunctions.has(expression.name)) return true
  return childrenOf(expression).some(canFail)
}

/** Whether an expression is a column as it is: free to repeat. */
export function isTrivial(expression: Expression): boolean {
  return expression.kind === 'column' || expression.kind === 'literal'
}

/** The fields that named expressions make. */
export function fieldsOf(outputs: readonly NamedExpression[]): Field[] {
  return outputs.map(({ name, expression }) => ({
    name,
    type: expression.type,
    nullable: expression.nullable,
  }))
}

/** Columns of a schema as outputs that pass them through. */
export function passThrough(schema: Schema, names?: ReadonlySet<string>): NamedExpression[] {
  return schema.fields
    .filter(({ name }) => names === undefined || names.has(name))
    .map(({ name, type, nullable }) => ({ name, expression: { kind: 'column', name, type, nullable } }))
}
