/**
 * Code for comparison, three-valued logic and null tests (generator.ts). Comparisons of text are generate-text.ts.
 */
import type { AnyCode, Code, ScalarCode } from './code.ts'
import { anyNull, formOf } from './code.ts'
import type { CallExpression, Expression, LiteralExpression } from './expression.ts'
import type { Generator, Template } from './generator.ts'
import { isFloat } from './types.ts'
import { fromLiteral } from './value.ts'
import { compareTexts, textIn } from './generate-text.ts'
import { asPair, comparePairs, pairOf } from './generate-wide.ts'

const operators: { readonly [name: string]: string } = {
  '=': '===', '<>': '!==', '<': '<', '<=': '<=', '>': '>', '>=': '>=',
} // prettier-ignore

function comparison(name: string): Template {
  return (generator, call) => {
    const [left, right] = call.arguments as [Expression, Expression]
    const form = formOf(left.type)
    if (form === 'boxed') return undefined
    if (form === 'string') return compareTexts(generator, call, operators[name] as string)
    const operands = [comparand(generator, left), comparand(generator, right)] as const
    if (operands.some((code) => code.form === 'pair')) return wideComparison(generator, name, call, operands)
    const [a, b] = operands as readonly [ScalarCode, ScalarCode]
    const isNull = anyNull([a.isNull, b.isNull])
    const value = isFloat(left.type)
      ? floatComparison(generator, name, a.value, b.value, right)
      : `(${a.value} ${operators[name]} ${b.value})`
    return { form: 'scalar', value: left.type.kind === 'boolean' ? boolComparison(name, a.value, b.value) : value, isNull }
  } // prettier-ignore
}

function comparand(generator: Generator, part: Expression): AnyCode {
  return part.kind === 'literal' ? generator.literal(part, true) : generator.generateAny(part)
}

/** Constants are taken from their literals: their code is the nearest float64. */
function wideComparison(generator: Generator, name: string, call: CallExpression, operands: readonly AnyCode[]): Code {
  const [a, b] = operands.map((code, n) => {
    const part = call.arguments[n] as Expression
    if (part.kind !== 'literal' || part.value === null) return asPair(generator, code)
    const [high, low] = pairOf(fromLiteral(part.type, part.value) as bigint)
    return { form: 'pair', high, low, isNull: 'false' } as const
  }) as [ReturnType<typeof asPair>, ReturnType<typeof asPair>]
  return { form: 'scalar', value: comparePairs(name, a, b), isNull: anyNull([a.isNull, b.isNull]) }
} // prettier-ignore

/** JavaScript compares booleans with < by converting them; say it with logic. */
function boolComparison(name: string, a: string, b: string): string {
  switch (name) {
    case '<':
      return `(!(${a}) && (${b}))`
    case '<=':
      return `(!(${a}) || (${b}))`
    case '>':
      return `((${a}) && !(${b}))`
    case '>=':
      return `((${a}) || !(${b}))`
    default:
      return `((${a}) ${operators[name]} (${b}))`
  }
}

/** PostgreSQL's order: NaN equals NaN and is above all. Against a constant that is no NaN it costs nothing. */
function floatComparison(
  generator: Generator,
  name: string,
  left: string,
  right: string,
  part: Expression,
): string {
  const constant = part.kind === 'literal' && part.value !== null && !Number.isNaN(Number(part.value))
  const a = generator.temp(left)
  const b = generator.temp(right)
  if (constant) {
    if (name === '>') return `!(${a} <= ${b})`
    return name === '>=' ? `!(${a} < ${b})` : `(${a} ${operators[name]} ${b})`
  }
  const equal = `(${a} === ${b} || (${a} !== ${a} && ${b} !== ${b}))`
  const below = (x: string, y: string): string => `(${x} < ${y} || (${x} === ${x} && ${y} !== ${y}))`
  switch (name) {
    case '=':
      return equal
    case '<>':
      return `!${equal}`
    case '<':
      return below(a, b)
    case '<=':
      return `!${below(b, a)}`
    case '>':
      return below(b, a)
    default:
      return `!${below(a, b)}`
  }
}

const not: Template = (generator, call) => {
  const code = generator.generate(call.arguments[0] as Expression) as ScalarCode
  return { ...code, value: `!(${code.value})` }
}

function nullTest(wanted: boolean): Template {
  return (generator, call) => {
    const [part] = call.arguments as [Expression]
    const { isNull } = generator.generateAny(part)
    return { form: 'scalar', value: wanted ? `(${isNull})` : `!(${isNull})`, isNull: 'false' }
  }
}

function truthTest(wanted: boolean): Template {
  return (generator, call) => {
    const code = generator.generate(call.arguments[0] as Expression) as ScalarCode
    const value = wanted ? `(${code.value})` : `!(${code.value})`
    return { form: 'scalar', value: code.isNull === 'false' ? value : `(!(${code.isNull}) && ${value})`, isNull: 'false' }
  } // prettier-ignore
}

/** AND and OR: parts run from left to right until the answer stands. */
function connective(name: 'and' | 'or'): Template {
  return (generator, call) => pureConnective(generator, call, name) ?? stagedConnective(generator, call, name)
}

/** When no part needs statements or can be null, it is one JavaScript expression. */
function pureConnective(generator: Generator, call: CallExpression, name: 'and' | 'or'): Code | undefined {
  if (call.nullable) return undefined
  const { lines, result } = generator.capture(() =>
    call.arguments.map((part) => generator.generate(part) as ScalarCode),
  )
  if (lines.length > 0) return undefined
  const symbol = name === 'and' ? ' && ' : ' || '
  return { form: 'scalar', value: `(${result.map((code) => code.value).join(symbol)})`, isNull: 'false' }
}

function stagedConnective(generator: Generator, call: CallExpression, name: 'and' | 'or'): Code {
  const decisive = name === 'or'
  const value = generator.name()
  const isNull = call.nullable ? generator.name('n') : 'false'
  generator.line(
    call.nullable ? `let ${value} = ${!decisive}, ${isNull} = false` : `let ${value} = ${!decisive}`,
  )
  const label = generator.name('logic')
  generator.line(`${label}: {`)
  for (const part of call.arguments) {
    const { lines, result } = generator.capture(() => generator.generate(part) as ScalarCode)
    generator.append(lines)
    const decided = decisive ? result.value : `!(${result.value})`
    const reset = call.nullable ? `${isNull} = false; ` : ''
    const stop = `if (${decided}) { ${value} = ${decisive}; ${reset}break ${label} }`
    if (result.isNull === 'false') generator.append([stop])
    else generator.append([`if (${result.isNull}) ${isNull} = true`, `else ${stop}`])
  }
  generator.line('}')
  return { form: 'scalar', value, isNull }
}

/** IN over constants of a number type: one comparison each. */
const inList: Template = (generator, call) => {
  const [value, ...items] = call.arguments as [Expression, ...Expression[]]
  const constants = items.filter(
    (item): item is LiteralExpression => item.kind === 'literal' && item.value !== null,
  )
  if (constants.length !== items.length || items.length > 1000) return undefined
  if (formOf(value.type) === 'string') return textIn(generator, value, constants)
  if (formOf(value.type) !== 'scalar' || isFloat(value.type)) return undefined
  const any = generator.generateAny(value)
  if (any.form === 'pair') {
    const operand = asPair(generator, any)
    const tests = constants.map((item) => {
      const [high, low] = pairOf(fromLiteral(item.type, item.value) as bigint)
      return comparePairs('=', operand, { form: 'pair', high, low, isNull: 'false' })
    })
    return { form: 'scalar', value: `(${tests.join(' || ')})`, isNull: operand.isNull }
  }
  const code = any as ScalarCode
  const numbers = constants.map((item) => (generator.literal(item, true) as ScalarCode).value)
  if (items.length > 8) {
    const set = generator.constant(new Set(constants.map((item) => (item.value === true || item.value === false ? item.value : Number(item.value))))) // prettier-ignore
    return { form: 'scalar', value: `${set}.has(${code.value})`, isNull: code.isNull }
  }
  const operand = numbers.length === 1 ? code.value : generator.temp(code.value)
  const tests = numbers.map((number) => `${operand} === ${number}`)
  return { form: 'scalar', value: `(${tests.join(' || ')})`, isNull: code.isNull }
}

/** Templates by function name. */
export const logicTemplates: readonly (readonly [string, Template])[] = [
  ...Object.keys(operators).map((name) => [name, comparison(name)] as const),
  ['and', connective('and')],
  ['or', connective('or')],
  ['not', not],
  ['is_null', nullTest(true)],
  ['is_not_null', nullTest(false)],
  ['is_true', truthTest(true)],
  ['is_false', truthTest(false)],
  ['in', inList],
]
