/**
 * Three-valued logic and null handling: AND, OR, NOT, IS NULL, IS TRUE, coalesce, nullif.
 *
 * AND, OR and coalesce look at their arguments from left to right and stop when the answer stands, so that
 * `x <> 0 and 10 / x > 1` never divides by zero.
 */
import type { Expression } from '../expression.ts'
import { booleanType } from '../types.ts'
import type { Value } from '../value.ts'
import { comparableType, compareValues } from './comparison.ts'
import type { CallContext, FunctionDefinition } from './define.ts'
import { define, parameter } from './define.ts'

function connective(name: 'and' | 'or', doc: string): FunctionDefinition {
  const decisive = name === 'or'
  const lazy = (parts: readonly (() => Value)[]): Value => {
    let result: Value = !decisive
    for (const part of parts) {
      const value = part()
      if (value === decisive) return decisive
      if (value === null) result = null
    }
    return result
  }
  return {
    name,
    family: 'logic',
    signature: `a ${name} b`,
    doc,
    nulls: 'seen',
    resolve(parts) {
      if (parts.length < 1 || parts.some((part) => parameter.boolean.accept(part) === undefined))
        return undefined
      return { parameters: parts.map(() => booleanType), type: booleanType }
    },
    evaluate: (values) => lazy(values.map((value) => () => value)),
    lazy,
  }
}

const coalesce: FunctionDefinition = {
  name: 'coalesce',
  family: 'logic',
  signature: 'coalesce(a, …)',
  doc: 'The first value that is not null.',
  nulls: 'seen',
  resolve(parts) {
    const type = parts.length > 0 ? comparableType(parts) : undefined
    if (type === undefined) return undefined
    return { parameters: parts.map(() => type), type, nullable: parts.every((part) => part.nullable) }
  },
  evaluate: (values) => values.find((value) => value !== null) ?? null,
  lazy(parts) {
    for (const part of parts) {
      const value = part()
      if (value !== null) return value
    }
    return null
  },
}

const nullif: FunctionDefinition = {
  name: 'nullif',
  family: 'logic',
  signature: 'nullif(a, b)',
  doc: 'Null when a equals b, else a.',
  nulls: 'seen',
  resolve(parts) {
    const type = parts.length === 2 ? comparableType(parts) : undefined
    if (type === undefined) return undefined
    return { parameters: [type, type], type, nullable: true }
  },
  evaluate([a, b], { type }: CallContext) {
    if (a === null || b === null) return a as Value
    return compareValues(a as Value, b as Value, type) === 0 ? null : (a as Value)
  },
}

function nullTest(
  name: string,
  signature: string,
  doc: string,
  test: (value: Value) => boolean,
): FunctionDefinition {
  return {
    name,
    family: 'logic',
    signature,
    doc,
    nulls: 'seen',
    resolve: (parts) =>
      parts.length === 1
        ? { parameters: [(parts[0] as Expression).type], type: booleanType, nullable: false }
        : undefined,
    evaluate: ([value]) => test(value as Value),
  }
}

function truthTest(name: string, signature: string, doc: string, wanted: boolean): FunctionDefinition {
  return define(
    name,
    'logic',
    signature,
    doc,
    [{ parameters: [parameter.boolean], result: booleanType, nullable: false }],
    ([value]) => value === wanted,
    'seen',
  )
}

/** The entries of this family. */
export const logicFunctions: readonly FunctionDefinition[] = [
  connective('and', 'True when all are true, false when one is false, else null.'),
  connective('or', 'True when one is true, false when all are false, else null.'),
  define(
    'not',
    'logic',
    'not a',
    'The opposite; null stays null.',
    [{ parameters: [parameter.boolean], result: booleanType }],
    ([value]) => value !== true,
  ),
  nullTest('is_null', 'a is null', 'Whether a is null.', (value) => value === null),
  nullTest('is_not_null', 'a is not null', 'Whether a is not null.', (value) => value !== null),
  truthTest('is_true', 'a is true', 'Whether a is true (not false, not null).', true),
  truthTest('is_false', 'a is false', 'Whether a is false (not true, not null).', false),
  coalesce,
  nullif,
]
