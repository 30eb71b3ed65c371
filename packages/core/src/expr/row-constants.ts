/**
 * Constants of the typed builder beside other values: they are written as they stand in rows.
 *
 * Beside a timestamp or a time a whole number is its milliseconds; beside a decimal a string or a number is the decimal
 * that it shows. Constants of SQL text and its parameters are SQL's own: this is not for them.
 */
import type { DataType } from '../data/type.ts'
import { literal, numberLiteral } from './coerce.ts'
import type { Expression } from './expression.ts'
import type { Syntax, ValueSyntax } from './syntax.ts'

const comparisons = new Set(['=', '<>', '<', '<=', '>', '>=', 'between', 'in', 'is_distinct_from', 'coalesce', 'nullif']) // prettier-ignore
const arithmetic = new Set(['+', '-', '*', '/', '%'])

/** The arguments of a call, constants among them read as row values of the type beside them. */
export function argumentsAsInRows(
  name: string,
  syntaxes: readonly Syntax[],
  parts: readonly Expression[],
): readonly Expression[] {
  if (comparisons.has(name)) return asInRows(syntaxes, parts, () => true)
  // A number beside a time could be meant as a length of time: arithmetic takes intervals.
  return arithmetic.has(name) ? asInRows(syntaxes, parts, (type) => type.kind === 'decimal') : parts
}

/** Parts that are to have one type, constants among them read as row values of it. */
export function asInRows(
  syntaxes: readonly (Syntax | undefined)[],
  parts: readonly Expression[],
  applies: (type: DataType) => boolean = () => true,
): readonly Expression[] {
  const type = parts.find((_, at) => constantAt(syntaxes, at) === undefined)?.type
  if (type === undefined || !applies(type)) return parts
  return parts.map((part, at) => {
    const constant = constantAt(syntaxes, at)
    return constant === undefined ? part : (rowValue(constant.value, type) ?? part)
  })
}

/** A constant that a builder method was given: it stands nowhere in a text. */
function constantAt(syntaxes: readonly (Syntax | undefined)[], at: number): ValueSyntax | undefined {
  const syntax = syntaxes[at]
  if (syntax?.kind !== 'value' || syntax.at.start >= 0) return undefined
  return ['number', 'string'].includes(typeof syntax.value) ? syntax : undefined
}

function rowValue(value: unknown, type: DataType): Expression | undefined {
  switch (type.kind) {
    case 'timestamp':
    case 'time':
      return Number.isSafeInteger(value)
        ? literal({ ...type, unit: 'ms' }, BigInt(value as number))
        : undefined
    case 'decimal':
      return typeof value === 'string' || Number.isFinite(value) ? decimalLiteral(String(value)) : undefined
    default:
      return undefined
  }
}

function decimalLiteral(text: string): Expression | undefined {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? numberLiteral(text.trim()) : undefined
}
