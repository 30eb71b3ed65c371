/**
 * Code for arithmetic and casts of 64-bit integers, decimals and times as pairs (generate-wide.ts). Each function gives
 * undefined where it has no code: then the operands are made float64, or the batch goes to the evaluator.
 */
import type { DataType, Interval } from '../data/type.ts'
import type { AnyCode, Code, PairCode } from './code.ts'
import { anyNull } from './code.ts'
import type { CallExpression, Expression } from './expression.ts'
import type { Generator } from './generator.ts'
import {
  addPairs,
  asPair,
  checkPair,
  dividePair,
  FACTOR_MAX,
  guardedPair,
  nearest,
  pairOf,
  subtractPairs,
  timesPair,
} from './generate-wide.ts'
import { asDecimal, isInteger, unitsPerSecond } from './types.ts'
import { fromLiteral } from './value.ts'

type Parts = readonly [high: string, low: string]

const partsOf = (code: PairCode): Parts => [code.high, code.low]

/** A safe constant operand as a number. */
function constantOf(part: Expression | undefined): number | undefined {
  if (part?.kind !== 'literal' || part.value === null) return undefined
  const value = Number(fromLiteral(part.type, part.value))
  return Number.isSafeInteger(value) ? value : undefined
}

/** `+` and `-`; `*`, `/` and `%` with a small positive constant at the right. */
export function wideArithmetic(
  generator: Generator,
  symbol: string,
  call: CallExpression,
  codes: readonly AnyCode[],
): AnyCode | undefined {
  const { type } = call
  if (!codes.some((code) => code.form === 'pair') || !codes.every(isNumber)) return undefined
  if (type.kind !== 'decimal' && type.kind !== 'int64' && type.kind !== 'uint64') return undefined
  const scales = [...call.arguments.map((part) => part.type), type].map((part) => asDecimal(part).scale)
  const isNull = anyNull(codes.map((code) => code.isNull))
  if (isNull === 'true') return undefined
  if (symbol === '+' || symbol === '-') {
    if (new Set(scales).size > 1) return undefined
    const [a, b] = codes.map((code) => partsOf(asPair(generator, code))) as [Parts, Parts]
    const combine = symbol === '+' ? addPairs : subtractPairs
    return guardedPair(generator, isNull, () => checkPair(generator, combine(generator, a, b), type))
  }
  const constant = constantOf(call.arguments[1])
  const [left] = codes
  if (constant === undefined || constant < 1 || constant > FACTOR_MAX || left?.form !== 'pair')
    return undefined
  if (symbol === '*') {
    if ((scales[0] as number) + (scales[1] as number) !== scales[2]) return undefined
    const a = partsOf(asPair(generator, left))
    return guardedPair(generator, isNull, () => checkPair(generator, timesPair(generator, a, constant), type))
  }
  // Constants divide towards zero; decimals have a scale of their own.
  return type.kind === 'decimal' ? undefined : quotient(generator, symbol, asPair(generator, left), constant)
}

function isNumber(code: AnyCode): boolean {
  return code.form === 'pair' || code.form === 'scalar'
}

function quotient(generator: Generator, symbol: string, pair: PairCode, divisor: number): AnyCode {
  const { quotient: floor, rest } = dividePair(generator, partsOf(pair), divisor)
  const up = generator.temp(`${pair.high} < 0 && ${rest} > 0 ? 1 : 0`)
  if (symbol === '%') {
    return { form: 'scalar', value: generator.temp(`${rest} - ${up} * ${divisor}`), isNull: pair.isNull }
  }
  const [high, low] = addPairs(generator, floor, ['0', up])
  return { form: 'pair', high, low, isNull: pair.isNull }
}

/** `-x`. */
export function negatePair(generator: Generator, code: PairCode, type: DataType): AnyCode {
  const pair = asPair(generator, code)
  return guardedPair(generator, pair.isNull, () =>
    checkPair(generator, subtractPairs(generator, ['0', '0'], partsOf(pair)), type),
  )
}

/** A timestamp moved by a constant interval. */
export function wideShift(
  generator: Generator,
  code: PairCode,
  call: CallExpression,
  { months, days, micros }: Interval,
): AnyCode | undefined {
  const { type } = call
  if (type.kind !== 'timestamp' || !Number.isSafeInteger(micros)) return undefined
  const sign = call.name === '-' ? -1n : 1n
  const perSecond = BigInt(unitsPerSecond(type.unit))
  const scaled = BigInt(micros) * perSecond
  if (scaled % 1_000_000n !== 0n) return undefined
  const units = sign * (BigInt(days) * 86_400n * perSecond + scaled / 1_000_000n)
  if (BigInt.asIntN(64, units) !== units) return undefined
  const pair = asPair(generator, code)
  return guardedPair(generator, pair.isNull, () => {
    const moved =
      months === 0 ? partsOf(pair) : monthsLater(generator, pair, sign === 1n ? months : -months, type)
    return checkPair(generator, addPairs(generator, moved, pairOf(units)), type)
  })
}

type TimestampType = Extract<DataType, { kind: 'timestamp' }>

function monthsLater(generator: Generator, pair: PairCode, months: number, type: TimestampType): Parts {
  const perMs = unitsPerSecond(type.unit) / 1000
  const { ms, rest } = wholeMs(generator, pair, perMs)
  const day = generator.temp(`Math.floor(${ms} / 86400000)`)
  const moved = generator.temp(`h.addMonthsToDay(${day}, ${months}) * 86400000 + (${ms} - ${day} * 86400000)`)
  return checkPair(generator, fromMs(generator, moved, perMs, rest), type)
}

/** The milliseconds of a timestamp in finer units, rounded down, and the units beyond them. */
export function wholeMs(
  generator: Generator,
  pair: PairCode,
  perMs: number,
): { readonly ms: string; readonly rest: string } {
  const { quotient: floor, rest } = dividePair(generator, partsOf(pair), perMs)
  const ms = generator.temp(nearest({ form: 'pair', high: floor[0], low: floor[1], isNull: 'false' }))
  // No calendar reaches as far; the evaluator says what such a time is.
  const beyond = `!(${ms} < 9007199254740992 && ${ms} > -9007199254740992)`
  generator.bailIf(pair.isNull === 'false' ? beyond : `!(${pair.isNull}) && ${beyond}`)
  return { ms, rest }
}

/** Milliseconds and units beyond them as a timestamp in finer units. */
export function fromMs(generator: Generator, ms: string, perMs: number, rest: string): Parts {
  const whole = partsOf(asPair(generator, { form: 'scalar', value: ms, isNull: 'false' }))
  const scaled = timesPair(generator, whole, perMs)
  return rest === '0' ? scaled : addPairs(generator, scaled, ['0', rest])
}

/** Casts from pairs, and to timestamps in nanoseconds, of which few fit a float64. */
export function castPair(generator: Generator, code: AnyCode, from: DataType, to: DataType): AnyCode | undefined {
  if (from.kind === 'timestamp' && to.kind === 'timestamp') return castTimestamp(generator, code, from, to)
  if (from.kind === 'date' && to.kind === 'timestamp' && to.unit === 'ns' && code.form === 'scalar') {
    if (code.isNull === 'true') return undefined
    const ms = generator.temp(`${code.value} * 86400000`)
    return guardedPair(generator, code.isNull, () => checkPair(generator, fromMs(generator, ms, 1e6, '0'), to))
  }
  if (code.form !== 'pair') return undefined
  if (from.kind === 'timestamp' && to.kind === 'date') {
    const pair = asPair(generator, code)
    const { ms } = wholeMs(generator, pair, unitsPerSecond(from.unit) / 1000)
    return { form: 'scalar', value: generator.temp(`Math.floor(${ms} / 86400000)`), isNull: code.isNull }
  }
  if (from.kind === 'int64' || from.kind === 'uint64') {
    if (to.kind === 'float64') return { form: 'scalar', value: nearest(code), isNull: code.isNull } satisfies Code
    if (to.kind === from.kind) return code
  }
  const isWhole = isInteger(from) || from.kind === 'decimal'
  if (!isWhole || (to.kind !== 'decimal' && to.kind !== 'int64' && to.kind !== 'uint64')) return undefined
  const up = asDecimal(to).scale - asDecimal(from).scale
  if (up < 0 || up > 6) return undefined
  const pair = asPair(generator, code)
  return guardedPair(generator, pair.isNull, () => {
    const scaled = up === 0 ? partsOf(pair) : timesPair(generator, partsOf(pair), 10 ** up)
    return checkPair(generator, scaled, to)
  })
} // prettier-ignore

function castTimestamp(generator: Generator, code: AnyCode, from: TimestampType, to: TimestampType): AnyCode | undefined {
  const factor = unitsPerSecond(to.unit) / unitsPerSecond(from.unit)
  if (factor === 1) return code.form === 'pair' ? code : undefined
  if (code.isNull === 'true') return undefined
  if (factor > 1) {
    if ((code.form !== 'pair' && to.unit !== 'ns') || !isNumber(code)) return undefined
    const pair = asPair(generator, code)
    return guardedPair(generator, pair.isNull, () =>
      checkPair(generator, timesPair(generator, partsOf(pair), factor), to),
    )
  }
  if (code.form !== 'pair') return undefined
  const pair = asPair(generator, code)
  const divisor = Math.round(1 / factor)
  const { quotient: floor, rest } = dividePair(generator, partsOf(pair), divisor)
  // Half away from zero: below zero, half goes down.
  const half = divisor / 2
  const up = generator.temp(`${rest} > ${half} || (${rest} === ${half} && ${pair.high} >= 0) ? 1 : 0`)
  const [high, low] = addPairs(generator, floor, ['0', up])
  return { form: 'pair', high, low, isNull: pair.isNull }
} // prettier-ignore
