/**
 * What kinds of types there are to an expression, and which type two operands meet in.
 *
 * Which conversions happen by themselves is coerce.ts; converting values is casts.ts.
 */
import type { DataType, IntegerRows, TimeUnit, TypeKind } from '../data/type.ts'
import type { DecimalType } from './decimal.ts'
import { DECIMAL_PRECISION_LIMIT } from './decimal.ts'

/** The types that are used by name. */
export const booleanType: DataType = Object.freeze({ kind: 'boolean' })
export const int32Type: DataType = Object.freeze({ kind: 'int32' })
export const int64Type: DataType = Object.freeze({ kind: 'int64', rows: 'number' })
export const float64Type: DataType = Object.freeze({ kind: 'float64' })
export const stringType: DataType = Object.freeze({ kind: 'string' })
export const bytesType: DataType = Object.freeze({ kind: 'bytes' })
export const dateType: DataType = Object.freeze({ kind: 'date' })
export const intervalType: DataType = Object.freeze({ kind: 'interval' })
export const jsonType: DataType = Object.freeze({ kind: 'json' })
export const uuidType: DataType = Object.freeze({ kind: 'uuid' })

/** A decimal type, cut to what 38 digits can hold (the scale gives way down to six digits, as in Spark and SQL Server). */
export function decimalType(precision: number, scale: number): DecimalType {
  if (precision <= DECIMAL_PRECISION_LIMIT) return { kind: 'decimal', precision, scale }
  const whole = precision - scale
  const kept = Math.max(DECIMAL_PRECISION_LIMIT - whole, Math.min(scale, 6))
  return { kind: 'decimal', precision: DECIMAL_PRECISION_LIMIT, scale: kept }
}

interface IntegerFacts {
  readonly bits: number
  readonly signed: boolean
  readonly low: bigint
  readonly high: bigint
  /** Digits of the largest value. */
  readonly digits: number
}

function integerFacts(bits: number, signed: boolean): IntegerFacts {
  const high = signed ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n
  const low = signed ? -(2n ** BigInt(bits - 1)) : 0n
  return { bits, signed, low, high, digits: high.toString().length }
}

const integers: { readonly [kind: string]: IntegerFacts } = {
  int8: integerFacts(8, true),
  int16: integerFacts(16, true),
  int32: integerFacts(32, true),
  int64: integerFacts(64, true),
  uint8: integerFacts(8, false),
  uint16: integerFacts(16, false),
  uint32: integerFacts(32, false),
  uint64: integerFacts(64, false),
}

/** Range and width of an integer type; undefined for all others. */
export function integerRange(kind: TypeKind): IntegerFacts | undefined {
  return integers[kind]
}

export function isInteger(type: DataType): boolean {
  return integers[type.kind] !== undefined
}

export function isFloat(type: DataType): boolean {
  return type.kind === 'float32' || type.kind === 'float64'
}

export function isNumeric(type: DataType): boolean {
  return isInteger(type) || isFloat(type) || type.kind === 'decimal'
}

/** Types whose values are bigints in the evaluator and may be wide columns (column.ts C4). */
export function isBig(type: DataType): boolean {
  switch (type.kind) {
    case 'int64':
    case 'uint64':
    case 'decimal':
    case 'time':
    case 'timestamp':
      return true
    default:
      return false
  }
}

/** Units in one second. */
export function unitsPerSecond(unit: TimeUnit): number {
  return unit === 'ms' ? 1e3 : unit === 'us' ? 1e6 : 1e9
}

/** The finer of two units. */
function finerUnit(a: TimeUnit, b: TimeUnit): TimeUnit {
  return unitsPerSecond(a) >= unitsPerSecond(b) ? a : b
}

/** The integer type as the decimal that holds all its values. */
export function asDecimal(type: DataType): DecimalType {
  if (type.kind === 'decimal') return type
  return { kind: 'decimal', precision: integers[type.kind]?.digits ?? DECIMAL_PRECISION_LIMIT, scale: 0 }
}

function rowsOf(a: DataType, b: DataType): IntegerRows {
  const isBigint = (type: DataType): boolean =>
    (type.kind === 'int64' || type.kind === 'uint64') && type.rows === 'bigint'
  return isBigint(a) || isBigint(b) ? 'bigint' : 'number'
}

/** The integer type that holds the values of both; decimal(20, 0) for uint64 with a signed one. */
export function commonInteger(a: DataType, b: DataType): DataType {
  const first = integers[a.kind] as IntegerFacts
  const second = integers[b.kind] as IntegerFacts
  const signed = first.signed || second.signed
  let bits = Math.max(first.bits, second.bits)
  if (first.signed !== second.signed) {
    const unsigned = first.signed ? second : first
    bits = Math.max(bits, unsigned.bits * 2)
  }
  if (bits > 64) return { kind: 'decimal', precision: 20, scale: 0 }
  const kind = `${signed ? 'int' : 'uint'}${bits}` as TypeKind
  if (kind === 'int64' || kind === 'uint64') return { kind, rows: rowsOf(a, b) }
  return { kind } as DataType
}

/** The type that holds the values of both operands exactly (floats: nearly), or undefined when there is none. */
export function commonType(a: DataType, b: DataType): DataType | undefined {
  if (isNumeric(a) && isNumeric(b)) return commonNumber(a, b)
  if (a.kind === 'timestamp' && b.kind === 'timestamp') {
    return { kind: 'timestamp', unit: finerUnit(a.unit, b.unit), zoned: a.zoned || b.zoned }
  }
  if (a.kind === 'time' && b.kind === 'time') return { kind: 'time', unit: finerUnit(a.unit, b.unit) }
  if (a.kind === 'date' && b.kind === 'timestamp') return b
  if (a.kind === 'timestamp' && b.kind === 'date') return a
  if (a.kind === 'list' && b.kind === 'list') {
    const element = commonType(a.element.type, b.element.type)
    if (element === undefined) return undefined
    const nullable = a.element.nullable || b.element.nullable
    return { kind: 'list', element: { type: element, nullable } }
  }
  if (a.kind === b.kind && a.kind !== 'struct' && a.kind !== 'map') return a
  return JSON.stringify(a) === JSON.stringify(b) ? a : undefined
}

function commonNumber(a: DataType, b: DataType): DataType {
  if (isInteger(a) && isInteger(b)) return commonInteger(a, b)
  if (isFloat(a) || isFloat(b)) return a.kind === 'float32' && b.kind === 'float32' ? a : float64Type
  const first = asDecimal(a)
  const second = asDecimal(b)
  const scale = Math.max(first.scale, second.scale)
  const whole = Math.max(first.precision - first.scale, second.precision - second.scale)
  return decimalType(whole + scale, scale)
}
