/**
 * Exact decimals as unscaled bigints: `12.50` of scale 2 is 1250n. PostgreSQL's numeric rounding: half away from zero.
 */
import type { DataType } from '../data/type.ts'

/** A decimal type. */
export type DecimalType = Extract<DataType, { kind: 'decimal' }>

/** Digits that a decimal can have at most. */
export const DECIMAL_PRECISION_LIMIT = 38

const powers: readonly bigint[] = Array.from({ length: 120 }, (_, exponent) => 10n ** BigInt(exponent))

/** 10^exponent. */
export function powerOfTen(exponent: number): bigint {
  return powers[exponent] ?? 10n ** BigInt(exponent)
}

/** `numerator / denominator`, rounded half away from zero. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  const rest = numerator - quotient * denominator
  const doubled = (rest < 0n ? -rest : rest) * 2n
  if (doubled < (denominator < 0n ? -denominator : denominator)) return quotient
  return numerator < 0n === denominator < 0n ? quotient + 1n : quotient - 1n
}

/** The same number at another scale, rounded half away from zero when digits are lost. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * powerOfTen(to - from)
  return divideRounded(unscaled, powerOfTen(from - to))
}

/** Tells whether a number has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = powerOfTen(precision)
  return unscaled < limit && unscaled > -limit
}

const decimalText = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?\s*$/

/** A number written in decimal as unscaled integer and scale (0 or more), or undefined when it is not one. */
export function parseDecimal(text: string): { unscaled: bigint; scale: number } | undefined {
  const match = decimalText.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > 1000 || whole.length + fraction.length > 2000) return undefined
  let unscaled = BigInt(whole + fraction)
  let scale = fraction.length - exponent
  if (scale < 0) {
    unscaled *= powerOfTen(-scale)
    scale = 0
  }
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale }
}

/** A decimal as text with exactly `scale` digits after the point: `-0.05`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return negative ? `-${text}` : text
}

/** The nearest float64. */
export function decimalToNumber(unscaled: bigint, scale: number): number {
  if (scale === 0) return Number(unscaled)
  // Both exact and 10^scale exact: one rounding. Otherwise the text decides, correctly rounded too.
  if (scale <= 22 && unscaled >= -9007199254740991n && unscaled <= 9007199254740991n) {
    return Number(unscaled) / 10 ** scale
  }
  return Number(formatDecimal(unscaled, scale))
}

/** Digits of an unscaled number. */
export function digitsOf(unscaled: bigint): number {
  return unscaled === 0n ? 1 : (unscaled < 0n ? -unscaled : unscaled).toString().length
}
