/**
 * Writes a bound expression as SQL that binds to the same expression again: for plans, errors and `explain`.
 */
import type { Interval, Json } from '../data/type.ts'
import { castValue, toText } from './casts.ts'
import type { CallExpression, Expression, LiteralExpression } from './expression.ts'
import { precedence } from './precedence.ts'
import { sqlTypeName } from './type-names.ts'
import { fromLiteral } from './value.ts'

/** The expression as SQL text. */
export function expressionToString(expression: Expression): string {
  return print(expression, 0)
}

const infix: { readonly [name: string]: number } = {
  '+': precedence.add, '-': precedence.add, '*': precedence.multiply, '/': precedence.multiply,
  '%': precedence.multiply, '||': precedence.other, '->': precedence.other, '->>': precedence.other,
  '~': precedence.other, '~*': precedence.other, '=': precedence.comparison, '<>': precedence.comparison,
  '<': precedence.comparison, '<=': precedence.comparison, '>': precedence.comparison, '>=': precedence.comparison,
  like: precedence.match, ilike: precedence.match, similar_to: precedence.match,
  is_distinct_from: precedence.is, is_not_distinct_from: precedence.is, and: precedence.and, or: precedence.or,
} // prettier-ignore
const suffixes: { readonly [name: string]: string } = {
  is_null: 'is null', is_not_null: 'is not null', is_true: 'is true', is_false: 'is false',
} // prettier-ignore

const plainName = /^[a-z_][a-z0-9_$]*$/
const words = new Set(
  ('all and any array as asc between both by case cast current_date current_timestamp date desc distinct else end ' +
    'extract false for from group having ilike in interval into is isnull join leading left like limit localtimestamp ' +
    'natural not notnull null offset on or order position right select similar some substring symmetric then time ' +
    'timestamp to trailing trim true union using when where window with').split(' '),
) // prettier-ignore

/** A name as SQL writes it, quoted where it must be. */
function quoteName(name: string): string {
  return plainName.test(name) && !words.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** A text as a SQL literal. */
function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function print(expression: Expression, minimum: number): string {
  switch (expression.kind) {
    case 'column':
      return quoteName(expression.name)
    case 'literal':
      return printLiteral(expression)
    case 'case': {
      const branches = expression.branches.map(
        ({ when, then }) => ` when ${print(when, 0)} then ${print(then, 0)}`,
      )
      const { otherwise } = expression
      const isNull = otherwise.kind === 'literal' && otherwise.value === null
      return `case${branches.join('')}${isNull ? '' : ` else ${print(otherwise, 0)}`} end`
    }
    case 'call':
      return printCall(expression, minimum)
  }
}

function printCall(expression: CallExpression, minimum: number): string {
  const { name, arguments: parts } = expression
  const first = parts[0] as Expression
  const power = infix[name]
  if (
    power !== undefined &&
    parts.length >= 2 &&
    !(parts.length > 2 && power !== precedence.and && power !== precedence.or)
  ) {
    // prettier-ignore
    const word = name.replaceAll('_', ' ')
    const nonAssociative =
      power === precedence.comparison || power === precedence.match || power === precedence.is
    const printed = parts.map((part, n) => print(part, n > 0 || nonAssociative ? power + 1 : power))
    return parenthesise(printed.join(` ${word} `), power, minimum)
  }
  if (name === 'cast') return `cast(${print(first, 0)} as ${sqlTypeName(expression.type)})`
  if (name === 'not') return parenthesise(`not ${print(first, precedence.not)}`, precedence.not, minimum)
  if (name === 'negate') return parenthesise(`-(${print(first, 0)})`, precedence.sign, minimum)
  if (name === 'in') {
    const items = parts.slice(1).map((part) => print(part, 0)).join(', ') // prettier-ignore
    return parenthesise(`${print(first, precedence.match + 1)} in (${items})`, precedence.match, minimum)
  }
  const suffix = suffixes[name]
  if (suffix !== undefined) {
    return parenthesise(`${print(first, precedence.is + 1)} ${suffix}`, precedence.is, minimum)
  }
  if (name === 'struct_field') {
    const field = (parts[1] as LiteralExpression).value as string
    return `(${print(first, 0)}).${quoteName(field)}`
  }
  if (name === 'array') return `array[${parts.map((part) => print(part, 0)).join(', ')}]`
  return `${plainName.test(name) ? name : quoteName(name)}(${parts.map((part) => print(part, 0)).join(', ')})`
}

function parenthesise(text: string, power: number, minimum: number): string {
  return power < minimum ? `(${text})` : text
}

function printLiteral({ type, value }: LiteralExpression): string {
  const name = sqlTypeName(type)
  if (value === null) return type.kind === 'string' ? 'null' : `cast(null as ${name})`
  switch (type.kind) {
    case 'boolean':
      return value === true ? 'true' : 'false'
    case 'string':
      return quoteText(value as string)
    case 'int32':
      return String(value as number)
    case 'decimal': {
      const text = toText(BigInt(value as string), type)
      const digits = text.replace(/[-.]/g, '').replace(/^0+(?=\d)/, '').length
      const plain = type.scale > 0 && type.precision === Math.max(digits, type.scale)
      return plain ? text : `cast(${text} as ${name})`
    }
    case 'int64':
      return Math.abs(Number(value)) >= 2 ** 31 && type.rows === 'number'
        ? String(value as number | string)
        : `cast(${value as number | string} as ${name})`
    case 'date':
    case 'time':
    case 'timestamp':
    case 'uuid':
      return `cast(${quoteText(toText(fromLiteral(type, value), type))} as ${name})`
    case 'interval':
      return `interval ${quoteText(toText(value as unknown as Interval, type))}`
    case 'list':
      return `cast(array[${(value as readonly Json[]).map((item) => printLiteral({ kind: 'literal', type: type.element.type, nullable: item === null, value: item })).join(', ')}] as ${name})` // prettier-ignore
    case 'map':
    case 'struct':
      return quoteText(JSON.stringify(value))
    default:
      return `cast(${quoteText(castValue(fromLiteral(type, value), type, { kind: 'string' }) as string)} as ${name})`
  }
}
