/**
 * The reference evaluator: one expression, one row, one value, written to be read and trusted.
 *
 * Generated code (compile.ts) must agree with it on every function and layout; it also runs whatever generated code
 * hands back (what fits neither float64 nor its code for 64 bits) and finds the exact error of a batch that failed.
 */
import type { Batch } from '../data/batch.ts'
import { unknownColumn } from '../data/schema.ts'
import type { Schema } from '../data/type.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import { catalogue } from './catalogue.ts'
import { castValue, toText } from './casts.ts'
import type { CallExpression, Expression } from './expression.ts'
import type { CallContext } from './functions/define.ts'
import { expressionToString } from './print.ts'
import { columnsOf } from './rewrite.ts'
import { shorten } from './value-error.ts'
import { fromLiteral, readCell } from './value.ts'
import type { Value } from './value.ts'

/** Where a column's values come from: a batch's row, or anything else. */
export type ColumnReader = (name: string) => Value

const positions = new WeakMap<Schema, Map<string, number>>()

/** The position of a column by name. Throws an assertion: binding has checked the names. */
export function columnIndex(schema: Schema, name: string): number {
  let byName = positions.get(schema)
  if (byName === undefined) {
    byName = new Map(schema.fields.map((field, index) => [field.name, index]))
    positions.set(schema, byName)
  }
  const index = byName.get(name)
  if (index === undefined) {
    throw new MillraceError('plan/unknown-column', unknownColumn(name, [...byName.keys()]))
  }
  return index
}

/**
 * The value of a bound expression on physical row `row` of a batch.
 *
 * Values are exact: int64, uint64, decimal (unscaled), time and timestamp are bigints.
 * @throws MillraceError `value/…` with the expression and the row's values in `detail`.
 */
export function evaluate(expression: Expression, batch: Batch, row: number): Value {
  const read: ColumnReader = (name) => {
    const column = batch.columns[columnIndex(batch.schema, name)]
    if (column === undefined) throw new MillraceError('internal/assertion', { what: `no column "${name}"` })
    return readCell(column, row)
  }
  try {
    return evaluateWith(expression, read)
  } catch (error) {
    throw withRow(error, expression, batch.schema, read)
  }
}

/** The value of a bound expression over any source of column values. */
export function evaluateWith(expression: Expression, read: ColumnReader): Value {
  switch (expression.kind) {
    case 'column':
      return read(expression.name)
    case 'literal':
      return fromLiteral(expression.type, expression.value)
    case 'case':
      for (const { when, then } of expression.branches) {
        if (evaluateWith(when, read) === true) return evaluateWith(then, read)
      }
      return evaluateWith(expression.otherwise, read)
    case 'call':
      return evaluateCall(expression, read)
  }
}

function evaluateCall(expression: CallExpression, read: ColumnReader): Value {
  const parts = expression.arguments
  if (expression.name === 'cast') {
    const [operand] = parts as [Expression]
    return castValue(evaluateWith(operand, read), operand.type, expression.type)
  }
  const definition = catalogue.get(expression.name)
  if (definition === undefined) {
    throw new MillraceError('expression/unknown-function', {
      what: `function "${expression.name}" does not exist`,
    })
  }
  const context: CallContext = { type: expression.type, types: parts.map((part) => part.type) }
  if (definition.lazy !== undefined) {
    return definition.lazy(
      parts.map((part) => () => evaluateWith(part, read)),
      context,
    )
  }
  const values = parts.map((part) => evaluateWith(part, read))
  if (definition.nulls === 'strict' && values.includes(null)) return null
  return definition.evaluate(values, context)
}

/** Adds the expression's text and the values it read to an error about a value. */
function withRow(error: unknown, expression: Expression, schema: Schema, read: ColumnReader): unknown {
  if (!isMillraceError(error) || !error.code.startsWith('value/')) return error
  const shown = columnsOf(expression).map((name) => {
    const field = schema.fields[columnIndex(schema, name)]
    const value = read(name)
    if (value === null || field === undefined) return `${name} = null`
    const scalar = !Array.isArray(value)
    const text = scalar ? toText(value, field.type) : `${(value as readonly Value[]).length} elements`
    return `${name} = ${typeof value === 'string' ? JSON.stringify(shorten(text)) : shorten(text)}`
  })
  const row = shown.length === 0 ? '' : ` with ${shown.join(', ')}`
  return new MillraceError(error.code, {
    what: error.what,
    detail: `in ${shortenExpression(expressionToString(expression))}${row}`,
    hint: error.hint,
    place: error.place,
    step: error.step,
    cause: error.cause,
  })
}

function shortenExpression(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
