/**
 * Code for integers of 64 bits (generator.ts): two numbers, `high` · 2^32 + `low`, where `low` is in [0, 2^32).
 *
 * What columns beyond ±(2^53 − 1) are computed on, without a BigInt per row: int64, uint64, decimals that fit 64 bits,
 * and times, above all timestamps in nanoseconds. Every intermediate number here is a safe integer, so each step is
 * exact: factors and divisors are at most 2^20, and the parts below 2^32.
 *
 * Templates that know pairs ask for them (`generateAny`); all others get a float64, and the batch goes to the evaluator
 * when a row does not fit one.
 */
import type { DataType } from '../data/type.ts'
import type { AnyCode, PairCode, ScalarCode } from './code.ts'
import type { Generator } from './generator.ts'

const WORD = 4294967296

/** The largest factor and divisor: remainders times 2^32 stay safe. */
export const FACTOR_MAX: number = 2 ** 20

/** The two parts of a constant. */
export function pairOf(value: bigint): readonly [high: string, low: string] {
  return [text(Number(value >> 32n)), text(Number(BigInt.asUintN(32, value)))]
}

function text(value: number): string {
  return value < 0 ? `(${value})` : String(value)
}

/** The code as two variables. */
export function asPair(generator: Generator, code: AnyCode): PairCode {
  if (code.form === 'pair') {
    return { ...code, high: generator.temp(code.high), low: generator.temp(code.low) }
  }
  const { isNull, value: written } = code as ScalarCode
  if (/^\(?-?\d+\)?$/.test(written)) {
    const [high, low] = pairOf(BigInt(written.replace(/[()]/g, '')))
    return { form: 'pair', high, low, isNull }
  }
  const value = generator.temp(written)
  const high = generator.temp(`Math.floor(${value} / ${WORD})`)
  return { form: 'pair', high, low: generator.temp(`${value} - ${high} * ${WORD}`), isNull }
}

/** Code that is true when a pair is beyond ±(2^53 − 1). */
export function unsafeTest({ high, low }: PairCode): string {
  return `(${high} >= 2097152 || ${high} < -2097152 || (${high} === -2097152 && ${low} === 0))`
}

/** The nearest float64 of a pair. */
export function nearest({ high, low }: PairCode): string {
  return `(${high} * ${WORD} + ${low})`
}

/** The pair as a safe float64; the batch goes to the evaluator when it is none. */
export function asScalar(generator: Generator, code: PairCode): ScalarCode {
  const pair = asPair(generator, code)
  if (code.isNull !== 'true') {
    const test = unsafeTest(pair)
    generator.bailIf(code.isNull === 'false' ? test : `!(${code.isNull}) && ${test}`)
  }
  return { form: 'scalar', value: generator.temp(nearest(pair)), isNull: code.isNull }
}

/** Computes a pair that can fail only where no operand is null. */
export function guardedPair(
  generator: Generator,
  isNull: string,
  compute: () => readonly [high: string, low: string],
): PairCode {
  if (isNull === 'false') {
    const [high, low] = compute()
    return { form: 'pair', high: generator.temp(high), low: generator.temp(low), isNull }
  }
  const [high, low] = [generator.name(), generator.name()]
  generator.line(`let ${high} = 0, ${low} = 0`)
  const { lines, result } = generator.capture(compute)
  generator.line(`if (!(${isNull})) {`)
  generator.append([...lines, `${high} = ${result[0]}`, `${low} = ${result[1]}`])
  generator.line('}')
  return { form: 'pair', high, low, isNull }
}

type Parts = readonly [high: string, low: string]

/** Leaves the loop when a pair does not fit its type. */
export function checkPair(generator: Generator, [high, low]: Parts, type: DataType): Parts {
  if (type.kind === 'uint64') generator.bailIf(`(${high} >>> 0) !== ${high}`)
  else generator.bailIf(`(${high} | 0) !== ${high}`)
  if (type.kind === 'decimal' && type.precision <= 18) {
    const [limit, lowLimit] = pairOf(10n ** BigInt(type.precision))
    const [least, lowLeast] = pairOf(-(10n ** BigInt(type.precision)))
    generator.bailIf(`${high} > ${limit} || (${high} === ${limit} && ${low} >= ${lowLimit})`)
    generator.bailIf(`${high} < ${least} || (${high} === ${least} && ${low} <= ${lowLeast})`)
  }
  return [high, low]
}

/** Sum of two pairs of variables. */
export function addPairs(generator: Generator, a: Parts, b: Parts): Parts {
  const sum = generator.temp(`${a[1]} + ${b[1]}`)
  const carry = generator.temp(`${sum} >= ${WORD} ? 1 : 0`)
  return [generator.temp(`${a[0]} + ${b[0]} + ${carry}`), generator.temp(`${sum} - ${carry} * ${WORD}`)]
}

/** Difference of two pairs of variables. */
export function subtractPairs(generator: Generator, a: Parts, b: Parts): Parts {
  const difference = generator.temp(`${a[1]} - ${b[1]}`)
  const borrow = generator.temp(`${difference} < 0 ? 1 : 0`)
  return [
    generator.temp(`${a[0]} - ${b[0]} - ${borrow}`),
    generator.temp(`${difference} + ${borrow} * ${WORD}`),
  ]
}

/** A pair of variables times a positive constant of at most `FACTOR_MAX`. */
export function timesPair(generator: Generator, [high, low]: Parts, factor: number): Parts {
  const product = generator.temp(`${low} * ${factor}`)
  const carry = generator.temp(`Math.floor(${product} / ${WORD})`)
  return [generator.temp(`${high} * ${factor} + ${carry}`), generator.temp(`${product} - ${carry} * ${WORD}`)]
}

/** Quotient (rounded down) and remainder of a pair of variables by a constant of at most `FACTOR_MAX`. */
export function dividePair(
  generator: Generator,
  [high, low]: Parts,
  divisor: number,
): { readonly quotient: Parts; readonly rest: string } {
  const quotientHigh = generator.temp(`Math.floor(${high} / ${divisor})`)
  const carried = generator.temp(`(${high} - ${quotientHigh} * ${divisor}) * ${WORD} + ${low}`)
  const quotientLow = generator.temp(`Math.floor(${carried} / ${divisor})`)
  return {
    quotient: [quotientHigh, quotientLow],
    rest: generator.temp(`${carried} - ${quotientLow} * ${divisor}`),
  }
}

/** Code of a comparison of two pairs. */
export function comparePairs(name: string, a: PairCode, b: PairCode): string {
  const order = (sign: string, lowSign: string): string =>
    `(${a.high} ${sign} ${b.high} || (${a.high} === ${b.high} && ${a.low} ${lowSign} ${b.low}))`
  switch (name) {
    case '=':
      return `(${a.low} === ${b.low} && ${a.high} === ${b.high})`
    case '<>':
      return `(${a.low} !== ${b.low} || ${a.high} !== ${b.high})`
    case '<':
    case '<=':
      return order('<', name)
    default:
      return order('>', name)
  }
}
