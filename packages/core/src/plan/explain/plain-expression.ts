/**
 * Expressions as `explain` shows them: as near to what the user wrote as the bound expression still tells.
 *
 * Binding gives every literal its type and casts operands to a common one. `expressionToString` prints all of that, so
 * that its text binds to the same expression again; a reader is better off with `delay > 15` than with
 * `delay > cast('15' as double precision)`. What is dropped changes no value; a cast that may is kept.
 */
import { expressionToString } from '../../expr/print.ts'
import type { Expression, LiteralExpression } from '../../expr/expression.ts'
import type { DataType } from '../../data/type.ts'

const comparisons: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=', 'in', 'is_distinct_from'])
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])

/** Bits of whole numbers that each type holds exactly. */
const wholeBits: { readonly [kind: string]: number } = {
  int8: 8, uint8: 8, int16: 16, uint16: 16, int32: 32, uint32: 32, float32: 24, float64: 53, int64: 64,
} // prettier-ignore

/** The expression as text for people. */
export function plainExpression(expression: Expression): string {
  return expressionToString(plain(expression, undefined))
}

function plain(expression: Expression, parent: string | undefined): Expression {
  switch (expression.kind) {
    case 'column':
      return expression
    case 'literal':
      return plainLiteral(expression, parent)
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map(({ when, then }) => ({
          when: plain(when, undefined),
          then: plain(then, undefined),
        })),
        otherwise: plain(expression.otherwise, undefined),
      }
    case 'call': {
      const [first] = expression.arguments
      const isWidening =
        expression.name === 'cast' && first !== undefined && widens(first.type, expression.type)
      if (isWidening && parent !== undefined && comparisons.has(parent)) return plain(first, parent)
      return { ...expression, arguments: expression.arguments.map((part) => plain(part, expression.name)) }
    }
  }
}

/** Whether every number of one type is the same number in the other. */
function widens(from: DataType, to: DataType): boolean {
  const bits = wholeBits[from.kind]
  const room = to.kind === 'decimal' ? 64 : wholeBits[to.kind]
  return bits !== undefined && room !== undefined && bits <= room && !from.kind.startsWith('float')
}

/** A number as its digits; where it decides how is divided, with a point if it is a float. */
function plainLiteral(literal: LiteralExpression, parent: string | undefined): Expression {
  const { type, value } = literal
  if (type.kind !== 'float64' && type.kind !== 'float32' && type.kind !== 'int64') return literal
  const number = Number(value)
  if (value === null || !Number.isFinite(number)) return literal
  const showsFloat = type.kind !== 'int64' && parent !== undefined && arithmetic.has(parent)
  if (Number.isInteger(number) && !Object.is(number, -0) && Math.abs(number) < 2 ** 31) {
    return showsFloat ? decimal(`${number}.0`) : { ...literal, type: { kind: 'int32' }, value: number }
  }
  const text = String(number)
  return /^-?\d{1,15}\.\d{1,15}$/.test(text) ? decimal(text) : literal
}

/** A literal that prints as this text of digits with a point. */
function decimal(text: string): LiteralExpression {
  const [whole = '', fraction = ''] = text.split('.')
  const digits = `${whole}${fraction}`.replace('-', '').replace(/^0+(?=\d)/, '')
  const precision = Math.max(digits.length, fraction.length)
  const unscaled = BigInt(`${whole}${fraction}`)
  return {
    kind: 'literal',
    type: { kind: 'decimal', precision, scale: fraction.length },
    nullable: false,
    value: String(unscaled),
  }
}
