/**
 * Arithmetic: + - * / % and signs, on numbers, times and intervals. PostgreSQL's rules.
 *
 * Integers are computed in at least 32 bits and checked; integer division truncates; decimals are exact and round half
 * away from zero; division by zero is an error for floats too. Unsigned 32-bit operands widen to int64.
 */
import type { DataType, Interval } from '../../data/type.ts'
import { digitsOf, divideRounded, powerOfTen, rescale } from '../decimal.ts'
import { checkDecimal, toInteger, unitsPerDay } from '../casts.ts'
import type { Expression } from '../expression.ts'
import { roundHalfEven } from '../float-text.ts'
import { addMonthsTo } from '../interval.ts'
import { asDecimal, commonInteger, commonType, dateType, decimalType, float64Type, int32Type, int64Type, integerRange, intervalType, isFloat, isInteger, isNumeric, unitsPerSecond } from '../types.ts' // prettier-ignore
import type { DecimalType } from '../decimal.ts'
import { failValue } from '../value-error.ts'
import type { Value } from '../value.ts'
import type { CallContext, FunctionDefinition, Resolution } from './define.ts'
import { isUntypedNull } from './define.ts'

type Operator = '+' | '-' | '*' | '/' | '%'

/** Resolves `a op b` for numbers. */
function resolveNumbers(symbol: Operator, parts: readonly Expression[]): Resolution | undefined {
  const [left, right] = parts as [Expression, Expression]
  const a = isUntypedNull(left) ? right.type : left.type
  const b = isUntypedNull(right) ? left.type : right.type
  if (!isNumeric(a) || !isNumeric(b)) return undefined
  if (isFloat(a) || isFloat(b)) {
    const type = a.kind === 'float32' && b.kind === 'float32' ? a : float64Type
    return { parameters: [type, type], type }
  }
  if (isInteger(a) && isInteger(b)) {
    const type = integerResult(a, b, left, right)
    if (type.kind !== 'decimal') return { parameters: [type, type], type }
  }
  const first = decimalOperand(left, a)
  const second = decimalOperand(right, b)
  return { parameters: [first, second], type: decimalResult(symbol, first, second) }
}

/** At least 32 bits; uint32 in 64; a literal that fits stays out of the decision for 64 unsigned bits. */
function integerResult(a: DataType, b: DataType, left: Expression, right: Expression): DataType {
  if (a.kind === 'uint64' && fitsLiteral(right, a)) return a
  if (b.kind === 'uint64' && fitsLiteral(left, b)) return b
  const common = commonInteger(a, b)
  const range = integerRange(common.kind)
  if (range === undefined || range.bits === 64) return common
  if (range.bits === 32) return range.signed ? common : int64Type
  return int32Type
}

/** Tells whether a node is an integer literal within the range of a type. */
export function fitsLiteral(part: Expression, type: DataType): boolean {
  const range = integerRange(type.kind)
  if (part.kind !== 'literal' || part.value === null || !isInteger(part.type) || range === undefined)
    return false
  const value = BigInt(part.value as string | number)
  return value >= range.low && value <= range.high
}

/** An integer literal has as many digits as it shows, not as many as its type can hold. */
function decimalOperand(part: Expression, type: DataType): DecimalType {
  if (part.kind !== 'literal' || part.value === null || !isInteger(type)) return asDecimal(type)
  return decimalType(digitsOf(BigInt(part.value as string | number)), 0)
}

function decimalResult(symbol: Operator, a: DecimalType, b: DecimalType): DecimalType {
  const scale = Math.max(a.scale, b.scale)
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale)
  switch (symbol) {
    case '+':
    case '-':
      return decimalType(whole + scale + 1, scale)
    case '*':
      return decimalType(a.precision + b.precision, a.scale + b.scale)
    case '/': {
      const wanted = Math.max(6, a.scale + b.precision + 1)
      return decimalType(a.precision - a.scale + b.scale + wanted, wanted)
    }
    case '%':
      return decimalType(Math.min(a.precision - a.scale, b.precision - b.scale) + scale, scale)
  }
}

/** Resolves `a op b` where a side is a date, a time, a timestamp or an interval. */
function resolveTimes(symbol: Operator, parts: readonly Expression[]): Resolution | undefined {
  const [left, right] = parts as [Expression, Expression]
  const a = isUntypedNull(left) ? intervalType : left.type
  const b = isUntypedNull(right) ? intervalType : right.type
  if (symbol === '+' && isTimed(b) && !isMoment(a) && !(a.kind === 'time' && b.kind === 'time')) {
    const mirrored = resolveTimes('+', [right, left])
    if (mirrored === undefined) return undefined
    return { ...mirrored, parameters: mirrored.parameters.toReversed() }
  }
  if (symbol === '+' || symbol === '-') return resolveShift(symbol, a, b)
  if (symbol === '*' && a.kind === 'interval' && isNumeric(b))
    return { parameters: [a, float64Type], type: a }
  if (symbol === '*' && isNumeric(a) && b.kind === 'interval')
    return { parameters: [float64Type, b], type: b }
  if (symbol === '/' && a.kind === 'interval' && isNumeric(b))
    return { parameters: [a, float64Type], type: a }
  return undefined
}

function isTimed(type: DataType): boolean {
  return isMoment(type) || type.kind === 'time'
}

function isMoment(type: DataType): boolean {
  return type.kind === 'date' || type.kind === 'timestamp'
}

function resolveShift(symbol: '+' | '-', a: DataType, b: DataType): Resolution | undefined {
  if (a.kind === 'interval' && b.kind === 'interval') return { parameters: [a, b], type: a }
  if (a.kind === 'date' && isInteger(b)) return { parameters: [a, b], type: dateType }
  if (a.kind === 'date' && b.kind === 'interval') {
    const type: DataType = { kind: 'timestamp', unit: 'ms', zoned: false }
    return { parameters: [type, b], type }
  }
  if ((a.kind === 'timestamp' || a.kind === 'time') && b.kind === 'interval')
    return { parameters: [a, b], type: a }
  if (symbol === '+') {
    // A date at a time of day.
    const type: DataType | undefined = a.kind === 'date' && b.kind === 'time' ? { kind: 'timestamp', unit: b.unit, zoned: false } : undefined // prettier-ignore
    return type === undefined ? undefined : { parameters: [type, b], type }
  }
  if (a.kind === 'date' && b.kind === 'date') return { parameters: [a, b], type: int32Type }
  const both = commonType(a, b)
  if (both?.kind === 'timestamp' || both?.kind === 'time')
    return { parameters: [both, both], type: intervalType }
  return undefined
}

function computeNumbers(symbol: Operator, values: readonly Value[], call: CallContext): Value {
  const { type } = call
  if (isFloat(type)) return computeFloats(symbol, values[0] as number, values[1] as number, type)
  if (type.kind === 'decimal') return computeDecimals(symbol, values as bigint[], call)
  const a = BigInt(values[0] as number)
  const b = BigInt(values[1] as number)
  if ((symbol === '/' || symbol === '%') && b === 0n) divisionByZero()
  return toInteger(integerOperations[symbol](a, b), type)
}

const integerOperations: { readonly [Name in Operator]: (a: bigint, b: bigint) => bigint } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}

function computeFloats(symbol: Operator, a: number, b: number, type: DataType): number {
  if ((symbol === '/' || symbol === '%') && b === 0) divisionByZero()
  const exact = floatOperations[symbol](a, b)
  const result = type.kind === 'float32' ? Math.fround(exact) : exact
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) {
    failValue('value/overflow', `${a} ${symbol} ${b} is outside the range of ${type.kind}`)
  }
  return result
}

const floatOperations: { readonly [Name in Operator]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}

function computeDecimals(symbol: Operator, [a, b]: readonly bigint[], call: CallContext): bigint {
  const type = call.type as DecimalType
  const { scale: scaleA } = call.types[0] as DecimalType
  const { scale: scaleB } = call.types[1] as DecimalType
  const left = a as bigint
  const right = b as bigint
  if ((symbol === '/' || symbol === '%') && right === 0n) divisionByZero()
  if (symbol === '*') return checkDecimal(rescale(left * right, scaleA + scaleB, type.scale), type)
  if (symbol === '/') {
    const shift = type.scale + scaleB - scaleA
    const numerator = shift >= 0 ? left * powerOfTen(shift) : left
    return checkDecimal(divideRounded(numerator, shift >= 0 ? right : right * powerOfTen(-shift)), type)
  }
  const scale = Math.max(scaleA, scaleB)
  const result = integerOperations[symbol](rescale(left, scaleA, scale), rescale(right, scaleB, scale))
  return checkDecimal(rescale(result, scale, type.scale), type)
}

function divisionByZero(): never {
  return failValue(
    'value/division-by-zero',
    'division by zero',
    'guard it: nullif(divisor, 0) gives null instead',
  )
}

function computeTimes(symbol: Operator, values: readonly Value[], call: CallContext): Value {
  const [a, b] = call.types as [DataType, DataType]
  if (symbol === '*') {
    const [interval, factor] = a.kind === 'interval' ? values : values.toReversed()
    return scaled(interval as Interval, (part) => part * (factor as number))
  }
  if (symbol === '/') {
    if (values[1] === 0) divisionByZero()
    return scaled(values[0] as Interval, (part) => part / (values[1] as number))
  }
  const sign = symbol === '+' ? 1 : -1
  if (a.kind === 'interval' && b.kind === 'interval') return addIntervals(values[0] as Interval, values[1] as Interval, sign) // prettier-ignore
  if (call.type.kind === 'int32')
    return toInteger(BigInt((values[0] as number) - (values[1] as number)), call.type)
  if (call.type.kind === 'interval') return difference(values as bigint[], a)
  if (symbol === '+' && call.type.kind === 'timestamp' && (a.kind === 'time' || b.kind === 'time'))
    return checkTimestamp((values[0] as bigint) + (values[1] as bigint))
  const swap = symbol === '+' && isTimed(b)
  const [moment, shift, shiftType] = swap ? [values[1], values[0], a] : [values[0], values[1], b]
  if (isInteger(shiftType)) return shiftDate(moment as number, Number(shift) * sign)
  return shiftBy(moment as bigint, shift as Interval, sign, call.type)
}

function shiftDate(day: number, days: number): number {
  const result = day + days
  if (!(Math.abs(result) < 2 ** 31)) failValue('value/overflow', `a date ${days} days away does not exist`)
  return result
}

/** Microseconds in the unit of a type, rounded. */
function microsIn(micros: number, type: DataType): bigint {
  const perSecond = unitsPerSecond((type as { unit: 'ms' | 'us' | 'ns' }).unit)
  return divideRounded(BigInt(micros) * BigInt(perSecond), 1_000_000n)
}

/** Adds an interval to a timestamp (months first, then days, then the rest, as PostgreSQL) or to a time of day. */
function shiftBy(moment: bigint, interval: Interval, sign: number, type: DataType): bigint {
  const day = unitsPerDay(type)
  const micros = microsIn(interval.micros * sign, type)
  if (type.kind === 'time') return (((moment + micros) % day) + day) % day
  const inMonth = addMonthsTo(moment, interval.months * sign, day)
  const result = inMonth + BigInt(interval.days * sign) * day + micros
  return checkTimestamp(result)
}

/** Throws unless a count fits the 64 bits of a timestamp. */
export function checkTimestamp(count: bigint): bigint {
  if (BigInt.asIntN(64, count) !== count)
    failValue('value/overflow', 'a timestamp is outside the range of its type')
  return count
}

function difference([a, b]: readonly bigint[], type: DataType): Interval {
  const units = (a as bigint) - (b as bigint)
  const day = unitsPerDay(type)
  const days = type.kind === 'time' ? 0n : units / day
  const rest = units - days * day
  return { months: 0, days: Number(days), micros: Number(divideRounded(rest * 86_400_000_000n, day)) }
}

function addIntervals(a: Interval, b: Interval, sign: number): Interval {
  return checkInterval({
    months: a.months + sign * b.months,
    days: a.days + sign * b.days,
    micros: a.micros + sign * b.micros,
  })
}

/** As PostgreSQL: fractions of months spill into days (of 30), fractions of days into time, rounded at each step. */
function scaled(interval: Interval, scale: (part: number) => number): Interval {
  const months = scale(interval.months)
  const days = scale(interval.days)
  const spilled = rounded((months - Math.trunc(months)) * 30)
  const rest = rounded((days - Math.trunc(days) + spilled - Math.trunc(spilled)) * 86_400)
  const carried = Math.trunc(rest / 86_400)
  const micros = roundHalfEven(scale(interval.micros) + (rest - carried * 86_400) * 1e6)
  const wholeDays = Math.trunc(days) + Math.trunc(spilled) + carried
  return checkInterval({ months: Math.trunc(months) + 0, days: wholeDays + 0, micros: micros + 0 })
}

/** Rounded to millionths. */
function rounded(value: number): number {
  return roundHalfEven(value * 1e6) / 1e6
}

function checkInterval(interval: Interval): Interval {
  const fits = Math.abs(interval.months) < 2 ** 31 && Math.abs(interval.days) < 2 ** 31
  if (!fits || !Number.isSafeInteger(interval.micros)) failValue('value/overflow', 'an interval is too long')
  return interval
}

function binary(symbol: Operator, doc: string): FunctionDefinition {
  return {
    name: symbol,
    family: 'arithmetic',
    signature: `a ${symbol} b`,
    doc,
    nulls: 'strict',
    resolve: (parts) =>
      parts.length !== 2 ? undefined : (resolveNumbers(symbol, parts) ?? resolveTimes(symbol, parts)),
    evaluate: (values, call) =>
      isNumeric(call.type) && call.types.every(isNumeric)
        ? computeNumbers(symbol, values, call)
        : computeTimes(symbol, values, call),
  }
}

/** The type of a sign's result: unsigned operands become signed. */
function signed(type: DataType): DataType | undefined {
  if (type.kind === 'interval' || isFloat(type) || type.kind === 'decimal') return type
  const range = integerRange(type.kind)
  if (range === undefined) return undefined
  if (range.bits === 64) return range.signed ? type : decimalType(20, 0)
  return range.bits === 32 && !range.signed ? int64Type : int32Type
}

const negate: FunctionDefinition = {
  name: 'negate',
  family: 'arithmetic',
  signature: '- a',
  doc: 'The number or interval with the opposite sign.',
  nulls: 'strict',
  resolve(parts) {
    const type = parts.length === 1 ? signed((parts[0] as Expression).type) : undefined
    return type === undefined ? undefined : { parameters: [type], type }
  },
  evaluate([value], { type }) {
    if (type.kind === 'interval') return scaled(value as Interval, (part) => -part)
    if (isFloat(type)) return -(value as number)
    if (type.kind === 'decimal') return -(value as bigint)
    return toInteger(-BigInt(value as number), type)
  },
}

const plus: FunctionDefinition = {
  ...negate,
  name: 'plus',
  signature: '+ a',
  doc: 'The number or interval itself.',
  evaluate: ([value]) => value as Value,
}

/** The entries of this family. */
export const arithmeticFunctions: readonly FunctionDefinition[] = [
  binary('+', 'Sum; a date plus days or a time of day; a timestamp, date or time plus an interval.'),
  binary('-', 'Difference; of two dates the days between, of two timestamps an interval.'),
  binary('*', 'Product; an interval times a number.'),
  binary('/', 'Quotient; integers truncate towards zero; division by zero is an error.'),
  binary('%', 'Remainder with the sign of the dividend.'),
  negate,
  plus,
]
