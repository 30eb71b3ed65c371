/**
 * Mathematics. Rounding of decimals and integers is half away from zero, of floats half to even, as in PostgreSQL.
 */
import type { DataType } from '../../data/type.ts'
import { toInteger, checkDecimal } from '../casts.ts'
import type { DecimalType } from '../decimal.ts'
import { divideRounded, parseDecimal, powerOfTen, rescale } from '../decimal.ts'
import type { Expression } from '../expression.ts'
import { roundHalfEven } from '../float-text.ts'
import { decimalType, float64Type, int32Type, isFloat, isInteger, isNumeric } from '../types.ts'
import { failValue } from '../value-error.ts'
import type { Value } from '../value.ts'
import type { FunctionDefinition } from './define.ts'
import { define, parameter } from './define.ts'

const { float, number } = parameter

/** A function of floats with its domain. */
function ofFloats(
  name: string,
  doc: string,
  compute: (...values: number[]) => number,
  domain?: { readonly test: (...values: number[]) => boolean; readonly what: string },
): FunctionDefinition {
  const arity = compute.length
  const signature = `${name}(${['x', 'y'].slice(0, arity).join(', ')}) → float`
  return define(
    name,
    'math',
    signature,
    doc,
    [{ parameters: [float, float].slice(0, arity), result: float64Type }],
    (values) => {
      const numbers = values as readonly number[]
      if (domain !== undefined && !domain.test(...numbers)) failValue('value/invalid', domain.what)
      const result = compute(...(numbers as number[]))
      if (!Number.isFinite(result) && numbers.every(Number.isFinite)) {
        failValue('value/overflow', `${name}(${numbers.join(', ')}) is outside the range of float64`)
      }
      return result
    },
  )
}

const positive = (what: string): { test: (x: number) => boolean; what: string } => ({
  test: (x) => !(x <= 0),
  what: `${what} of zero or a negative number does not exist`,
})
const withinOne = (what: string): { test: (x: number) => boolean; what: string } => ({
  test: (x) => !(Math.abs(x) > 1),
  what: `${what} of a number outside −1 … 1 does not exist`,
})

/** PostgreSQL's power: errors instead of NaN. */
function power(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) failValue('value/division-by-zero', 'zero has no negative power')
  if (base < 0 && !Number.isInteger(exponent) && Number.isFinite(exponent) && Number.isFinite(base)) {
    failValue('value/invalid', 'a negative number has no fractional power')
  }
  // JavaScript gives NaN for 1 ** Infinity and 1 ** NaN; IEEE 754-2008 and PostgreSQL give 1.
  return base === 1 ? 1 : base ** exponent
}

type Rounding = 'round' | 'trunc' | 'ceil' | 'floor'

/** Rounds an unscaled integer to a multiple of `unit`. */
function roundTo(value: bigint, unit: bigint, rounding: Rounding): bigint {
  const rest = value % unit
  if (rest === 0n) return value
  if (rounding === 'round') return divideRounded(value, unit) * unit
  const down = rest < 0n ? value - rest - unit : value - rest
  if (rounding === 'floor') return down
  if (rounding === 'ceil') return down + unit
  return value - rest
}

const floatRounding: { readonly [Name in Rounding]: (value: number) => number } = {
  round: roundHalfEven,
  trunc: Math.trunc,
  ceil: Math.ceil,
  floor: Math.floor,
}

/** A float to some digits, by its shortest decimal text: round(2.675, 2) is 2.68, as people expect. */
function roundFloat(value: number, digits: number, rounding: Rounding): number {
  if (!Number.isFinite(value)) return value
  if (digits > 300) return value
  const parsed = parseDecimal(String(value)) as { unscaled: bigint; scale: number }
  const drop = parsed.scale - digits
  if (drop <= 0) return value
  const rounded = roundTo(parsed.unscaled, powerOfTen(drop), rounding)
  return Number(`${rounded}e${-parsed.scale}`)
}

/** The scale that a rounded decimal has: the digits asked for when they are constant. */
function roundedType(type: DecimalType, digits: Expression | undefined): DecimalType {
  const isConstant = digits === undefined || digits.kind === 'literal'
  const wanted = digits === undefined ? 0 : Number((digits as { value?: unknown }).value ?? 0)
  const scale = isConstant ? Math.min(Math.max(wanted, 0), type.scale) : type.scale
  return decimalType(Math.max(type.precision - type.scale + scale + (scale < type.scale || wanted < 0 || !isConstant ? 1 : 0), 1), scale)
} // prettier-ignore

function roundingFunction(name: Rounding, doc: string, hasDigits: boolean): FunctionDefinition {
  return {
    name,
    family: 'math',
    signature: hasDigits ? `${name}(x [, digits])` : `${name}(x)`,
    doc,
    nulls: 'strict',
    resolve(parts) {
      const [value, digits] = parts
      if (value === undefined || parts.length > (hasDigits ? 2 : 1) || !isNumeric(value.type))
        return undefined
      if (digits !== undefined && !isInteger(digits.type)) return undefined
      const type = value.type.kind === 'decimal' ? roundedType(value.type, digits) : value.type
      return { parameters: parts.map((part) => part.type), type }
    },
    evaluate([value, digitsValue], { type, types }) {
      const digits = Number(digitsValue ?? 0)
      if (isFloat(type)) {
        const rounded = digitsValue === undefined ? floatRounding[name](value as number) : roundFloat(value as number, digits, name) // prettier-ignore
        return rounded + 0
      }
      if (type.kind === 'decimal')
        return roundDecimal(value as bigint, types[0] as DecimalType, type, digits, name)
      if (digits >= 0) return value as Value
      return toInteger(digits < -40 ? 0n : roundTo(BigInt(value as number), powerOfTen(-digits), name), type)
    },
  }
}

function roundDecimal(
  value: bigint,
  from: DecimalType,
  to: DecimalType,
  digits: number,
  rounding: Rounding,
): bigint {
  const drop = from.scale - digits
  if (drop > 100) return 0n
  const rounded = drop > 0 ? roundTo(value, powerOfTen(drop), rounding) : value
  return checkDecimal(rescale(rounded, from.scale, to.scale), to)
}

const abs: FunctionDefinition = {
  name: 'abs',
  family: 'math',
  signature: 'abs(x)',
  doc: 'The number without its sign.',
  nulls: 'strict',
  resolve(parts) {
    const type = parts.length === 1 ? number.accept(parts[0] as Expression) : undefined
    return type === undefined ? undefined : { parameters: [type], type }
  },
  evaluate([value], { type }) {
    if (isFloat(type)) return Math.abs(value as number)
    const whole = BigInt(value as number)
    const size = whole < 0n ? -whole : whole
    return type.kind === 'decimal' ? size : toInteger(size, type)
  },
}

const signFunction: FunctionDefinition = define(
  'sign',
  'math',
  'sign(x)',
  '−1, 0 or 1, in the type of x.',
  [{ parameters: [number], result: (types) => signType(types[0] as DataType) }],
  ([value], { types, type }) => {
    const isNegative = (value as number) < 0
    if (isFloat(types[0] as DataType)) return Math.sign(value as number) + 0
    const sign = isNegative ? -1n : BigInt(value as bigint) === 0n ? 0n : 1n
    return type.kind === 'decimal' ? sign : toInteger(sign, type)
  },
)

function signType(type: DataType): DataType {
  if (isFloat(type)) return float64Type
  return type.kind === 'decimal' ? decimalType(1, 0) : int32Type
}

/** The entries of this family. */
export const mathFunctions: readonly FunctionDefinition[] = [
  abs,
  signFunction,
  roundingFunction('round', 'Rounded, to digits after the point (before it when negative).', true),
  roundingFunction('trunc', 'Rounded towards zero, to digits after the point.', true),
  roundingFunction('ceil', 'The next whole number up.', false),
  roundingFunction('floor', 'The next whole number down.', false),
  ofFloats('sqrt', 'The square root.', (x) => Math.sqrt(x), { test: (x) => !(x < 0), what: 'the square root of a negative number does not exist' }), // prettier-ignore
  ofFloats('cbrt', 'The cube root.', (x) => Math.cbrt(x)),
  { ...ofFloats('power', 'x to the power of y.', (x, y) => power(x, y)) },
  { ...ofFloats('^', 'a to the power of b.', (x, y) => power(x, y)), signature: 'a ^ b' },
  ofFloats('exp', 'e to the power of x.', (x) => Math.exp(x)),
  ofFloats('ln', 'The natural logarithm.', (x) => Math.log(x), positive('the logarithm')),
  ofFloats('log10', 'The logarithm to base 10.', (x) => Math.log10(x), positive('the logarithm')),
  ofFloats('log2', 'The logarithm to base 2.', (x) => Math.log2(x), positive('the logarithm')),
  define('log', 'math', 'log([base,] x) → float', 'The logarithm to base 10, or to a given base.',
    [{ parameters: [float], result: float64Type }, { parameters: [float, float], result: float64Type }],
    ([first, second]) => {
      if ((first as number) <= 0 || (second !== undefined && (second as number) <= 0)) failValue('value/invalid', 'the logarithm of zero or a negative number does not exist')
      if (second === undefined) return Math.log10(first as number)
      if (first === 1) failValue('value/division-by-zero', 'the base of a logarithm is 1')
      return Math.log(second as number) / Math.log(first as number)
    }),
  define('pi', 'math', 'pi() → float', 'π.', [{ parameters: [], result: float64Type }], () => Math.PI),
  ofFloats('sin', 'The sine of an angle in radians.', (x) => Math.sin(x), { test: (x) => Math.abs(x) !== Infinity, what: 'the sine of infinity does not exist' }),
  ofFloats('cos', 'The cosine of an angle in radians.', (x) => Math.cos(x), { test: (x) => Math.abs(x) !== Infinity, what: 'the cosine of infinity does not exist' }),
  ofFloats('tan', 'The tangent of an angle in radians.', (x) => Math.tan(x), { test: (x) => Math.abs(x) !== Infinity, what: 'the tangent of infinity does not exist' }),
  ofFloats('asin', 'The angle whose sine is x.', (x) => Math.asin(x), withinOne('the arc sine')),
  ofFloats('acos', 'The angle whose cosine is x.', (x) => Math.acos(x), withinOne('the arc cosine')),
  ofFloats('atan', 'The angle whose tangent is x.', (x) => Math.atan(x)),
  ofFloats('atan2', 'The angle of the point (y, x); called as atan2(y, x).', (x, y) => Math.atan2(x, y)),
  ofFloats('degrees', 'Radians in degrees.', (x) => (x * 180) / Math.PI),
  ofFloats('radians', 'Degrees in radians.', (x) => (x * Math.PI) / 180),
] // prettier-ignore
