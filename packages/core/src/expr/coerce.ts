/**
 * Makes nodes of the IR: literals of JavaScript values, conversions, calls; constants are converted at once.
 */
import type { DataType, Interval, Json } from '../data/type.ts'
import { sameType } from '../data/type-text.ts'
import { castValue } from './casts.ts'
import { DECIMAL_PRECISION_LIMIT, digitsOf, parseDecimal } from './decimal.ts'
import type { Expression, LiteralExpression } from './expression.ts'
import { isUntypedNull } from './functions/define.ts'
import { booleanType, bytesType, decimalType, float64Type, int32Type, int64Type, intervalType, stringType } from './types.ts' // prettier-ignore
import type { Value } from './value.ts'
import { fromLiteral, toLiteral, wellFormed } from './value.ts'

/** A literal node. */
export function literal(type: DataType, value: Value): LiteralExpression {
  return { kind: 'literal', type, nullable: value === null, value: toLiteral(type, value) }
}

/** The expression converted to a type; constants are converted now and may throw `value/…`. */
export function convert(expression: Expression, type: DataType): Expression {
  if (sameType(expression.type, type)) return expression
  if (isUntypedNull(expression)) return { kind: 'literal', type, nullable: true, value: null }
  if (expression.kind === 'literal') {
    return literal(type, castValue(fromLiteral(expression.type, expression.value), expression.type, type))
  }
  return { kind: 'call', name: 'cast', type, nullable: expression.nullable, arguments: [expression] }
}

/** Prefixes of whole numbers in other bases, as JavaScript and PostgreSQL write them. */
const otherBase = /^[+-]?0[xob]/i

/**
 * The literal of a number as written: int32, int64, or a decimal. Only what has an exponent and more digits than a
 * decimal can hold is a float64, as 1e300.
 */
export function numberLiteral(text: string): LiteralExpression | undefined {
  if (otherBase.test(text)) {
    const value = BigInt(text.replace('-', ''))
    return integerLiteral(text.startsWith('-') ? -value : value)
  }
  const parsed = parseDecimal(text)
  if (parsed === undefined) return floatLiteral(text)
  if (!/[.eE]/.test(text)) return integerLiteral(parsed.unscaled)
  const precision = Math.max(digitsOf(parsed.unscaled), parsed.scale, 1)
  if (precision > DECIMAL_PRECISION_LIMIT) return floatLiteral(text)
  return literal(decimalType(precision, parsed.scale), parsed.unscaled)
}

function floatLiteral(text: string): LiteralExpression | undefined {
  const number = Number(text)
  return /e/i.test(text) && Number.isFinite(number) ? literal(float64Type, number) : undefined
}

function integerLiteral(value: bigint): LiteralExpression | undefined {
  if (BigInt.asIntN(32, value) === value) return literal(int32Type, Number(value))
  if (BigInt.asIntN(64, value) === value) return literal(int64Type, value)
  const digits = digitsOf(value)
  return digits > DECIMAL_PRECISION_LIMIT ? undefined : literal(decimalType(digits, 0), value)
}

/** The literal of a JavaScript value (a parameter), or undefined when it has no SQL type. */
export function valueLiteral(value: unknown): LiteralExpression | undefined {
  if (value === null || value === undefined) return literal(stringType, null)
  switch (typeof value) {
    case 'boolean':
      return literal(booleanType, value)
    case 'string':
      return literal(stringType, wellFormed(value))
    case 'bigint':
      return integerLiteral(value)
    case 'number':
      return numberValue(value)
    case 'object':
      return objectLiteral(value)
    default:
      return undefined
  }
}

function numberValue(value: number): LiteralExpression {
  const whole = Number.isSafeInteger(value) && !Object.is(value, -0)
  return whole ? (integerLiteral(BigInt(value)) as LiteralExpression) : literal(float64Type, value)
}

function objectLiteral(value: object): LiteralExpression | undefined {
  if (value instanceof Uint8Array) return literal(bytesType, value)
  if (isDate(value)) {
    const ms = value.getTime()
    if (Number.isNaN(ms)) return undefined
    return literal({ kind: 'timestamp', unit: 'ms', zoned: true }, BigInt(ms))
  }
  if (isInterval(value)) return literal(intervalType, value)
  return undefined
}

function isDate(value: object): value is { getTime(): number } {
  return Object.prototype.toString.call(value) === '[object Date]'
}

function isInterval(value: object): value is Interval {
  const parts = value as { readonly [name: string]: Json }
  return ['months', 'days', 'micros'].every((name) => Number.isSafeInteger(parts[name])) && Object.keys(value).length === 3 // prettier-ignore
}
