/**
 * Code for arithmetic and casts of narrow numbers (generator.ts): float64 lanes with checks at ±2^53.
 *
 * Why this is exact: sums, differences and products of safe integers are exact in float64 whenever the result is safe,
 * and the check sees when it is not; `trunc(a / b)` is the exact quotient of safe integers (the distance of a / b to
 * the next integer is at least 1 / b, and its rounding error below that), hence so is `a - trunc(a / b) * b`.
 */
import type { DataType } from '../data/type.ts'
import type { AnyCode, Code, ScalarCode } from './code.ts'
import { anyNull, SAFE_MAX } from './code.ts'
import { asDecimal, integerRange, isFloat, isInteger, isNumeric, unitsPerSecond } from './types.ts'
import type { CallExpression, Expression } from './expression.ts'
import type { Generator, Template } from './generator.ts'
import { asScalar } from './generate-wide.ts'
import { castPair, negatePair, wideArithmetic, wideShift } from './generate-wide-numbers.ts'

/** Two operands whose code is scalar, in variables where they are used more than once. */
function operands(generator: Generator, call: CallExpression): readonly [ScalarCode, ScalarCode] {
  const [a, b] = call.arguments.map((part) => generator.generate(part)) as [ScalarCode, ScalarCode]
  return [a, b]
}

function narrowed(generator: Generator, code: AnyCode): Code {
  return code.form === 'pair' ? asScalar(generator, code) : code
}

/** Assigns a value that can fail, only where no operand is null; returns the variable. */
function guarded(generator: Generator, isNull: string, compute: () => string): string {
  if (isNull === 'false') return generator.temp(compute())
  const name = generator.name()
  generator.line(`let ${name} = 0`)
  const { lines, result } = generator.capture(compute)
  generator.line(`if (!(${isNull})) {`)
  generator.append([...lines, `${name} = ${result}`])
  generator.line('}')
  return name
}

/** Leaves the loop when a number does not fit its type. Results that cannot leave it need no check. */
export function checkRange(
  generator: Generator,
  name: string,
  type: DataType,
  canGrow: boolean = true,
): void {
  if (!canGrow) return
  switch (type.kind) {
    case 'int32':
    case 'date':
      return generator.bailIf(`(${name} | 0) !== ${name}`)
    case 'uint64':
      return generator.bailIf(`${name} > ${SAFE_MAX} || ${name} < 0`)
    case 'decimal': {
      const limit = type.precision >= 16 ? SAFE_MAX : String(10 ** type.precision - 1)
      return generator.bailIf(`${name} > ${limit} || ${name} < -${limit}`)
    }
    case 'int64':
    case 'time':
    case 'timestamp':
      return generator.bailIf(`${name} > ${SAFE_MAX} || ${name} < -${SAFE_MAX}`)
    default: {
      const range = integerRange(type.kind)
      if (range !== undefined) generator.bailIf(`${name} > ${range.high} || ${name} < ${range.low}`)
    }
  }
}

function arithmetic(symbol: '+' | '-' | '*' | '/' | '%'): Template {
  return (generator, call) => {
    const types = call.arguments.map((part) => part.type)
    if (!types.every(isNumeric) || !isNumeric(call.type)) return timeShift(generator, call, symbol)
    const codes = call.arguments.map((part) => generator.generateAny(part))
    const wide = wideArithmetic(generator, symbol, call, codes)
    if (wide !== undefined) return wide
    const [a, b] = codes.map((code) => narrowed(generator, code)) as [ScalarCode, ScalarCode]
    const isNull = anyNull([a.isNull, b.isNull])
    if (isNull === 'true') return { form: 'scalar', value: '0', isNull }
    const compute = isFloat(call.type) ? floatOperation : call.type.kind === 'decimal' ? decimalOperation : integerOperation // prettier-ignore
    const value = guarded(generator, isNull, () => compute(generator, symbol, a.value, b.value, call))
    return { form: 'scalar', value, isNull }
  }
}

function floatOperation(generator: Generator, symbol: string, left: string, right: string, call: CallExpression): string {
  const a = generator.temp(left)
  const b = generator.temp(right)
  if ((symbol === '/' || symbol === '%') && !isNonZeroConstant(call.arguments[1])) generator.bailIf(`${b} === 0`)
  const exact = `${a} ${symbol} ${b}`
  const result = generator.temp(call.type.kind === 'float32' ? `Math.fround(${exact})` : exact)
  // Infinity from finite operands is an overflow.
  if (symbol !== '%') generator.bailIf(`${result} - ${result} !== 0 && ${a} - ${a} === 0 && ${b} - ${b} === 0`)
  return result
} // prettier-ignore

function isNonZeroConstant(part: Expression | undefined): boolean {
  return part?.kind === 'literal' && part.value !== null && Number(part.value) !== 0
}

function integerOperation(generator: Generator, symbol: string, left: string, right: string, call: CallExpression): string {
  const isInt32 = call.type.kind === 'int32'
  if (symbol === '/' || symbol === '%') return integerQuotient(generator, symbol, left, right, call)
  const result = generator.temp(symbol === '*' ? `${left} * ${right} + 0` : `${left} ${symbol} ${right}`)
  checkRange(generator, result, call.type)
  return isInt32 ? `(${result} | 0)` : result
} // prettier-ignore

function integerQuotient(generator: Generator, symbol: string, left: string, right: string, call: CallExpression): string {
  const isInt32 = call.type.kind === 'int32'
  const a = generator.temp(left)
  const b = generator.temp(right)
  const divisor = call.arguments[1]
  if (!isNonZeroConstant(divisor)) generator.bailIf(`${b} === 0`)
  if (symbol === '%') {
    // An int32 remainder is one multiplication for a constant divisor; a float64 one would call fmod.
    return isInt32 ? `((${a} % ${b}) | 0)` : `${a} - Math.trunc(${a} / ${b}) * ${b}`
  }
  const result = generator.temp(`Math.trunc(${a} / ${b}) + 0`)
  const canGrow = !(isNonZeroConstant(divisor) && Math.abs(Number((divisor as { value: unknown }).value)) > 1)
  checkRange(generator, result, call.type, isInt32 && canGrow)
  return result
} // prettier-ignore

function decimalOperation(generator: Generator, symbol: string, left: string, right: string, call: CallExpression): string {
  const type = asDecimal(call.type)
  const [first, second] = call.arguments.map((part) => asDecimal(part.type)) as [typeof type, typeof type]
  if (symbol === '*') {
    const product = generator.temp(`${left} * ${right} + 0`)
    const exactScale = first.scale + second.scale
    if (exactScale !== type.scale) return rescaleCode(generator, product, exactScale, type)
    checkRange(generator, product, type)
    return product
  }
  if (symbol === '/') return decimalQuotient(generator, left, right, call)
  const scale = Math.max(first.scale, second.scale)
  if (scale !== type.scale) generator.bailIf('true')
  const a = scaledUp(generator, left, scale - first.scale)
  const b = scaledUp(generator, right, scale - second.scale)
  if (symbol === '%') {
    if (!isNonZeroConstant(call.arguments[1])) generator.bailIf(`${b} === 0`)
    return `${a} - Math.trunc(${a} / ${b}) * ${b}`
  }
  const result = generator.temp(`${a} ${symbol} ${b}`)
  checkRange(generator, result, type, type.precision > 15)
  return result
} // prettier-ignore

/** A number times a power of ten, checked. */
function scaledUp(generator: Generator, value: string, digits: number): string {
  if (digits === 0) return generator.temp(value)
  const result = generator.temp(`${value} * ${10 ** digits}`)
  generator.bailIf(`${result} > ${SAFE_MAX} || ${result} < -${SAFE_MAX}`)
  return result
}

function decimalQuotient(generator: Generator, left: string, right: string, call: CallExpression): string {
  const type = asDecimal(call.type)
  const [first, second] = call.arguments.map((part) => asDecimal(part.type)) as [typeof type, typeof type]
  const shift = type.scale + second.scale - first.scale
  const b = scaledUp(generator, right, Math.max(0, -shift))
  if (!isNonZeroConstant(call.arguments[1])) generator.bailIf(`${b} === 0`)
  const a = scaledUp(generator, left, Math.max(0, shift))
  const result = roundedQuotient(generator, a, b)
  checkRange(generator, result, type)
  return result
}

/** `a / b` rounded half away from zero; both are variables. */
function roundedQuotient(generator: Generator, a: string, b: string): string {
  const quotient = generator.name()
  generator.line(`let ${quotient} = Math.trunc(${a} / ${b}) + 0`)
  const rest = generator.temp(`Math.abs(${a} - ${quotient} * ${b})`)
  generator.line(`if (${rest} >= Math.abs(${b}) - ${rest}) ${quotient} += (${a} < 0) === (${b} < 0) ? 1 : -1`)
  return quotient
}

/** A decimal at another scale, rounded and checked. */
function rescaleCode(generator: Generator, value: string, from: number, to: { kind: 'decimal'; precision: number; scale: number }): string {
  const digits = to.scale - from
  let result: string
  if (digits >= 0) result = scaledUp(generator, value, digits)
  else {
    const whole = generator.temp(value)
    generator.bailIf(`${whole} > ${SAFE_MAX} || ${whole} < -${SAFE_MAX}`)
    result = digits < -22 ? '0' : roundedQuotient(generator, whole, String(10 ** -digits))
    if (digits < -22) generator.bailIf('true')
  }
  checkRange(generator, result, to)
  return result
} // prettier-ignore

/** A timestamp or date moved by a constant interval without months, or by whole days. */
function timeShift(generator: Generator, call: CallExpression, symbol: string): AnyCode | undefined {
  const [left, right] = call.arguments as [Expression, Expression]
  if (symbol !== '+' && symbol !== '-') return undefined
  if (call.type.kind === 'int32' || (call.type.kind === 'date' && isInteger(right.type))) {
    const [a, b] = operands(generator, call)
    const isNull = anyNull([a.isNull, b.isNull])
    const value = guarded(generator, isNull, () => {
      const result = generator.temp(`${a.value} ${symbol} ${b.value}`)
      checkRange(generator, result, call.type)
      return result
    })
    return { form: 'scalar', value, isNull }
  }
  const { type } = call
  if (type.kind !== 'timestamp' || right.kind !== 'literal' || right.type.kind !== 'interval')
    return undefined
  const interval = right.value as { months: number; days: number; micros: number } | null
  if (interval === null) return undefined
  const any = generator.generateAny(left)
  if (any.form === 'pair') return wideShift(generator, any, call, interval)
  const perSecond = unitsPerSecond(type.unit)
  const micros = perSecond < 1e6 ? interval.micros / 1e3 : interval.micros * (perSecond / 1e6)
  const units = interval.days * 86_400 * perSecond + micros
  if (!Number.isSafeInteger(units) || !Number.isSafeInteger(micros)) return undefined
  const moment = any as ScalarCode
  const value = guarded(generator, moment.isNull, () => {
    const start = interval.months === 0 ? moment.value : monthsLater(generator, moment.value, symbol === '+' ? interval.months : -interval.months, type)
    const result = generator.temp(`${start} ${symbol} (${units})`)
    checkRange(generator, result, type)
    return result
  })
  return { form: 'scalar', value, isNull: moment.isNull }
} // prettier-ignore

/** A timestamp some months later, at the same time of day. */
function monthsLater(generator: Generator, moment: string, months: number, type: DataType): string {
  const perDay = 86_400 * unitsPerSecond((type as { unit: 'ms' | 'us' | 'ns' }).unit)
  const count = generator.temp(moment)
  const day = generator.temp(`Math.floor(${count} / ${perDay})`)
  const moved = generator.temp(`h.addMonthsToDay(${day}, ${months}) * ${perDay}`)
  checkRange(generator, moved, type)
  return generator.temp(`${moved} + (${count} - ${day} * ${perDay})`)
}

const negate: Template = (generator, call) => {
  const any = generator.generateAny(call.arguments[0] as Expression)
  if (any.form === 'pair') return negatePair(generator, any, call.type)
  const operand = any
  if (operand.form !== 'scalar') return undefined
  if (isFloat(call.type)) return { ...operand, value: `(-${operand.value})` }
  const value = guarded(generator, operand.isNull, () => {
    const result = generator.temp(`0 - ${operand.value}`)
    checkRange(generator, result, call.type)
    return result
  })
  return { form: 'scalar', value, isNull: operand.isNull }
}

/** Code of casts between numbers, and of dates and timestamps to each other. */
export const castNumbers: Template = (generator, call) => {
  const [part] = call.arguments as [Expression]
  const from = part.type
  const to = call.type
  if (from.kind === 'float64' && to.kind === 'decimal' && to.scale <= 22) {
    return trustedFloat(generator, call, to.scale, (value) => checkRange(generator, value, to))
  }
  const convertible = castCode(from, to)
  if (convertible === undefined) return undefined
  const any = generator.generateAny(part)
  const wide = castPair(generator, any, from, to)
  if (wide !== undefined) return wide
  const operand = narrowed(generator, any)
  if (operand.form !== 'scalar') return undefined
  if (operand.isNull === 'true') return operand
  const value = guarded(generator, operand.isNull, () => convertible(generator, operand.value))
  return { form: 'scalar', value, isNull: operand.isNull }
}

/** A float times a power of ten as an integer; where its digits decide, and for NaN, the reference is asked. */
function trustedFloat(generator: Generator, call: CallExpression, scale: number, finish: (value: string) => void): Code | undefined {
  const code = generator.generate(call.arguments[0] as Expression)
  if (code.form !== 'scalar' || code.isNull === 'true') return undefined
  const operand = generator.keep(code) as ScalarCode
  const value = generator.name()
  generator.line(`let ${value} = 0`)
  const { lines } = generator.capture(() => {
    const scaled = `h.scaledFloat(${operand.value}, ${10 ** scale})`
    generator.line(`${value} = ${isFloat(call.type) ? `${scaled} / ${10 ** scale}` : scaled}`)
    generator.orReference(value, call, operand)
    finish(value)
  })
  generator.line(operand.isNull === 'false' ? '{' : `if (!(${operand.isNull})) {`)
  generator.append(lines)
  generator.line('}')
  return { form: 'scalar', value, isNull: operand.isNull }
} // prettier-ignore

type CastCode = (generator: Generator, value: string) => string

/** Code that converts a number, a date or a timestamp; undefined leaves it to the reference. */
function castCode(from: DataType, to: DataType): CastCode | undefined {
  if (isNumeric(from) && isNumeric(to)) return numberCast(from, to)
  if (from.kind === 'boolean' && isInteger(to)) return (_, value) => `(${value} ? 1 : 0)`
  if (from.kind === 'date' && to.kind === 'timestamp') {
    return (generator, value) => {
      const result = generator.temp(`${value} * ${86_400 * unitsPerSecond(to.unit)} + 0`)
      checkRange(generator, result, to)
      return result
    }
  }
  if (from.kind === 'timestamp' && to.kind === 'date') {
    return (_, value) => `Math.floor(${value} / ${86_400 * unitsPerSecond(from.unit)})`
  }
  if (from.kind !== 'timestamp' || to.kind !== 'timestamp') return undefined
  const factor = unitsPerSecond(to.unit) / unitsPerSecond(from.unit)
  if (factor === 1) return (_, value) => value
  return (generator, value) => {
    if (factor < 1) return roundedQuotient(generator, generator.temp(value), String(1 / factor))
    const result = generator.temp(`${value} * ${factor} + 0`)
    checkRange(generator, result, to)
    return result
  }
}

function numberCast(from: DataType, to: DataType): CastCode | undefined {
  if (to.kind === 'float64') {
    if (from.kind !== 'decimal' || from.scale === 0) return (_, value) => value
    return from.scale > 22 ? undefined : (_, value) => `${value} / ${10 ** from.scale}`
  }
  if (to.kind === 'float32') {
    if (from.kind === 'float64' || from.kind === 'decimal') return undefined
    return (_, value) => `Math.fround(${value})`
  }
  if (isFloat(from)) {
    if (to.kind === 'decimal') return undefined
    return (generator, value) => {
      const result = generator.temp(`h.roundHalfEven(${value}) + 0`)
      // Not a number fails every comparison.
      generator.bailIf(`!(${result} >= -${SAFE_MAX} && ${result} <= ${SAFE_MAX})`)
      checkRange(generator, result, to)
      return result
    }
  }
  if (to.kind === 'decimal') {
    const source = asDecimal(from)
    return (generator, value) =>
      source.scale === to.scale && source.precision <= to.precision
        ? value
        : rescaleCode(generator, value, source.scale, to)
  }
  return integerCast(from, to)
}

function integerCast(from: DataType, to: DataType): CastCode {
  return (generator, value) => {
    if (from.kind === 'decimal' && from.scale > 22) generator.bailIf('true')
    const whole =
      from.kind === 'decimal' && from.scale > 0
        ? roundedQuotient(generator, generator.temp(value), String(10 ** from.scale))
        : generator.temp(value)
    const source = integerRange(from.kind)
    const target = integerRange(to.kind)
    const fits =
      source !== undefined && target !== undefined && source.low >= target.low && source.high <= target.high
    checkRange(generator, whole, to, !fits)
    return whole
  }
}

const greatest = (sign: '>' | '<'): Template => (generator, call) => {
  if (!isNumeric(call.type) || isFloat(call.type)) return undefined
  if (call.arguments.some((part) => part.nullable) || call.arguments.length !== 2) return undefined
  const [a, b] = operands(generator, call).map((code) => generator.temp(code.value)) as [string, string]
  return { form: 'scalar', value: generator.temp(`${a} ${sign} ${b} ? ${a} : ${b}`), isNull: 'false' }
} // prettier-ignore

const abs: Template = (generator, call) => {
  const code = generator.generate(call.arguments[0] as Expression) as ScalarCode
  const value = guarded(generator, code.isNull, () => {
    const result = generator.temp(`Math.abs(${code.value})`)
    checkRange(generator, result, call.type, isInteger(call.type))
    return result
  })
  return { form: 'scalar', value, isNull: code.isNull }
}

const sign: Template = (generator, call) => {
  const code = generator.generate(call.arguments[0] as Expression) as ScalarCode
  return { ...code, value: generator.temp(`Math.sign(${code.value}) + 0`) }
}

/** round, trunc, ceil and floor without digits of floats and integers, and round of decimals to constant digits. */
function rounding(name: 'round' | 'trunc' | 'ceil' | 'floor'): Template {
  return (generator, call) => {
    const [part, digits] = call.arguments as [Expression, Expression?]
    if (part.type.kind === 'decimal') return roundDecimal(generator, call, name)
    if (digits !== undefined) {
      const wanted = digits.kind === 'literal' && digits.value !== null ? Number(digits.value) : -1
      if (name !== 'round' || part.type.kind !== 'float64' || wanted < 0 || wanted > 22) return undefined
      return trustedFloat(generator, call, wanted, () => undefined)
    }
    const code = generator.generate(part) as ScalarCode
    if (isInteger(part.type)) return code
    const method = name === 'round' ? 'h.roundHalfEven' : `Math.${name}`
    return { ...code, value: generator.temp(`${method}(${code.value}) + 0`) }
  }
}

function roundDecimal(generator: Generator, call: CallExpression, name: string): Code | undefined {
  const [part, digits] = call.arguments as [Expression, Expression?]
  const from = asDecimal(part.type)
  const to = asDecimal(call.type)
  const wanted = digits === undefined ? 0 : digits.kind === 'literal' && digits.value !== null ? Number(digits.value) : -1
  const drop = from.scale - wanted
  if (wanted < 0 || wanted !== to.scale || drop < 0 || drop > 15) return undefined
  const code = generator.generate(part) as ScalarCode
  const value = guarded(generator, code.isNull, () => {
    const whole = generator.temp(code.value)
    if (drop === 0) return whole
    if (name !== 'round') return generator.temp(`Math.${name}(${whole} / ${10 ** drop}) + 0`)
    return roundedQuotient(generator, whole, String(10 ** drop))
  })
  return { form: 'scalar', value, isNull: code.isNull }
} // prettier-ignore

/** Templates by function name. */
export const numberTemplates: readonly (readonly [string, Template])[] = [
  ['+', arithmetic('+')],
  ['-', arithmetic('-')],
  ['*', arithmetic('*')],
  ['/', arithmetic('/')],
  ['%', arithmetic('%')],
  ['negate', negate],
  ['greatest', greatest('>')],
  ['least', greatest('<')],
  ['abs', abs],
  ['sign', sign],
  ['round', rounding('round')],
  ['trunc', rounding('trunc')],
  ['ceil', rounding('ceil')],
  ['floor', rounding('floor')],
]
