/**
 * Bounds of a column as bounds of the same values in another type: what the reader or a cast makes of them.
 *
 * Both keep order, so a bound becomes a bound. One that the other type cannot hold becomes none: then values between the
 * bounds may not fit either, and those must be read to be told.
 */
import { integerRanges } from '../../../data/integer-ranges.ts'
import type { DataType } from '../../../data/type.ts'
import type { Bound } from './statistics.ts'

const INT64_LEAST = -(2n ** 63n)
const INT64_MOST = 2n ** 63n - 1n

/** The bound of a column of the file in the type that is declared for it, as conform.ts converts values. */
export function conformBound(bound: Bound, file: DataType, declared: DataType): Bound | undefined {
  if (typeof bound === 'bigint' && isTime(file) && isTime(declared))
    return inInt64(rescaled(bound, unitsPerDay(file), unitsPerDay(declared)))
  return castBound(bound, file, declared)
}

/** The bound of a column in the type that an expression casts it to; undefined for casts that are not understood. */
export function castBound(bound: Bound, from: DataType, to: DataType): Bound | undefined {
  if (bound instanceof Uint8Array) {
    const isText = (from.kind === 'string' || from.kind === 'json') && to.kind === 'string'
    return isText ? bound : undefined
  }
  if (typeof bound === 'number') return isFloat(from) && widerFloat(from, to) ? bound : undefined
  if (isInteger(from)) return integerBound(bound, to)
  if (from.kind === 'decimal') return to.kind === 'decimal' ? decimalBound(bound, from.scale, to) : undefined
  if (from.kind === 'boolean') return to.kind === 'boolean' ? bound : undefined
  if (!isTime(from) || !isTime(to) || (from.kind === 'time') !== (to.kind === 'time')) return undefined
  const [before, after] = [unitsPerDay(from), unitsPerDay(to)]
  // Casts to a coarser unit round.
  return after < before ? undefined : inInt64(rescaled(bound, before, after))
}

function integerBound(bound: bigint, to: DataType): Bound | undefined {
  if (to.kind === 'decimal') return decimalBound(bound, 0, to)
  if (to.kind === 'float64') {
    const number = Number(bound)
    return Number.isSafeInteger(number) ? number : undefined
  }
  if (to.kind === 'int64') return inInt64(bound)
  if (to.kind === 'uint64') return bound >= 0n && bound < 2n ** 64n ? bound : undefined
  const range = integerRanges[to.kind]
  return range !== undefined && bound >= range[0] && bound <= range[1] ? bound : undefined
}

function decimalBound(bound: bigint, scale: number, to: DataType & { kind: 'decimal' }): bigint | undefined {
  if (to.scale < scale) return undefined
  const unscaled = bound * 10n ** BigInt(to.scale - scale)
  const limit = 10n ** BigInt(to.precision)
  return unscaled < limit && unscaled > -limit ? unscaled : undefined
}

/** To a coarser unit it rounds down, as the reader does. */
function rescaled(count: bigint, before: bigint, after: bigint): bigint {
  if (after >= before) return count * (after / before)
  const divisor = before / after
  const quotient = count / divisor
  return count % divisor < 0n ? quotient - 1n : quotient
}

function inInt64(value: bigint): bigint | undefined {
  return value >= INT64_LEAST && value <= INT64_MOST ? value : undefined
}

type TimeType = DataType & { readonly kind: 'date' | 'time' | 'timestamp' }

function isTime(type: DataType): type is TimeType {
  return type.kind === 'date' || type.kind === 'time' || type.kind === 'timestamp'
}

function unitsPerDay(type: TimeType): bigint {
  if (type.kind === 'date') return 1n
  return 86_400n * { ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n }[type.unit]
}

/** Whether a type has numbers with a point, and NaN. */
export function isFloat(type: DataType): boolean {
  return type.kind === 'float32' || type.kind === 'float64'
}

function widerFloat(from: DataType, to: DataType): boolean {
  return to.kind === 'float64' || (to.kind === 'float32' && from.kind === 'float32')
}

function isInteger({ kind }: DataType): boolean {
  return kind === 'int64' || kind === 'uint64' || Object.hasOwn(integerRanges, kind)
}
