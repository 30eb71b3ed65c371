/**
 * Dates and times: parts, cutting to units, time zones, formats, epochs. Without a zone named, UTC is meant.
 */
import type { DataType, Interval } from '../../data/type.ts'
import { civilFromDays, daysFromCivil, daysInMonth } from '../../time/index.ts'
import { floorDivide, unitsPerDay } from '../casts.ts'
import { divideRounded } from '../decimal.ts'
import type { Expression } from '../expression.ts'
import { intervalMicros } from '../interval.ts'
import { clockField, dateField, extractKind, fieldName, fromLocal, timestampField, toLocal, truncate, truncUnits } from '../time-fields.ts' // prettier-ignore
import type { TimedType } from '../time-fields.ts'
import { formatTime, parseTime } from '../time-format.ts'
import { dateType, float64Type, int32Type, int64Type, stringType, unitsPerSecond } from '../types.ts'
import { failValue } from '../value-error.ts'
import type { Value } from '../value.ts'
import { arithmeticFunctions, checkTimestamp } from './arithmetic.ts'
import type { CallContext, FunctionDefinition, Resolution } from './define.ts'
import { define, isTextLiteral, parameter } from './define.ts'

const { text, timestamp, integer, float, date } = parameter

const plainTimestamp: DataType = { kind: 'timestamp', unit: 'ms', zoned: false }
const zonedTimestamp: DataType = { kind: 'timestamp', unit: 'ms', zoned: true }

/** The constant text of an argument. */
function constantText(part: Expression | undefined): string | undefined {
  return part !== undefined && isTextLiteral(part) ? String((part as { value: unknown }).value) : undefined
}

const extractTypes = new Set<DataType['kind']>(['timestamp', 'date', 'time', 'interval'])

const datePart: FunctionDefinition = {
  name: 'date_part',
  family: 'time',
  signature: "extract(field from x), date_part('field', x [, zone])",
  doc: 'A part of a date, time, timestamp or interval; epoch is seconds since 1970.',
  nulls: 'strict',
  resolve(parts): Resolution | undefined {
    const [field, value, zone] = parts as [Expression, Expression, Expression?]
    if (parts.length < 2 || parts.length > 3) return undefined
    if (!extractTypes.has(value.type.kind)) return undefined
    const kind = extractKind(fieldName(constantText(field) ?? ''), value.type)
    if (kind === undefined) return undefined
    if (zone !== undefined && (zone.type.kind !== 'string' || value.type.kind !== 'timestamp'))
      return undefined
    return { parameters: parts.map((part) => part.type), type: kind === 'float' ? float64Type : int32Type }
  },
  evaluate([field, value, zone], { types }) {
    const name = fieldName(field as string)
    const type = types[1] as DataType
    if (type.kind === 'date') return dateField(name, value as number)
    if (type.kind === 'interval') return intervalField(name, value as Interval)
    if (type.kind === 'time') return clockField(name, value as bigint, type)
    return timestampField(name, value as bigint, type as TimedType, zone as string | undefined)
  },
}

function intervalField(field: string, value: Interval): number {
  const { months, days, micros } = value
  const yearSizes: { readonly [field: string]: number } = {
    year: 1,
    decade: 10,
    century: 100,
    millennium: 1000,
  }
  switch (field) {
    case 'year':
    case 'decade':
    case 'century':
    case 'millennium':
      return Math.trunc(months / 12 / (yearSizes[field] as number)) + 0
    case 'week':
      return Math.trunc(days / 7) + 0
    case 'month':
      return (months % 12) + 0
    case 'day':
      return days
    case 'hour':
      return Math.trunc(micros / 3600e6) + 0
    case 'minute':
      return (Math.trunc(micros / 60e6) % 60) + 0
    case 'second':
      return (micros % 60e6) / 1e6
    case 'millisecond':
      return (micros % 60e6) / 1e3
    case 'microsecond':
      return (micros % 60e6) + 0
    case 'epoch':
      // PostgreSQL counts a year as 365.25 days here.
      return (Math.trunc(months / 12) * 365.25 + (months % 12) * 30 + days) * 86_400 + micros / 1e6
    default:
      return quarterOf(months % 12)
  }
}

/** As PostgreSQL counts: 0 to 2 months are in quarter 1, -1 to -2 in quarter 1 too, -3 to -5 in quarter -2. */
function quarterOf(months: number): number {
  return Math.trunc(months / 3) + (months < 0 ? -1 : 1)
}

/** An interval without what is smaller than a unit. */
function truncateInterval(unit: string, { months, days, micros }: Interval): Interval {
  const monthSizes: { readonly [unit: string]: number } = { month: 1, quarter: 3, year: 12, decade: 120, century: 1200, millennium: 12_000 } // prettier-ignore
  const microSizes: { readonly [unit: string]: number } = { hour: 3600e6, minute: 60e6, second: 1e6, millisecond: 1e3, microsecond: 1 } // prettier-ignore
  const cut = (value: number, size: number): number => value - (value % size) + 0
  const size = monthSizes[unit]
  if (size !== undefined) return { months: cut(months, size), days: 0, micros: 0 }
  if (unit === 'day') return { months, days, micros: 0 }
  return { months, days, micros: cut(micros, microSizes[unit] as number) }
}

const dateTrunc: FunctionDefinition = {
  name: 'date_trunc',
  family: 'time',
  signature: "date_trunc('unit', x [, zone]) → timestamp",
  doc: 'A timestamp cut to a unit, in a time zone if one is given; an interval without its smaller parts.',
  nulls: 'strict',
  resolve(parts) {
    const [unit, value, zone] = parts as [Expression, Expression, Expression?]
    if (parts.length < 2 || parts.length > 3) return undefined
    const name = fieldName(constantText(unit) ?? '')
    if (!truncUnits.has(name)) return undefined
    if (value.type.kind === 'interval') {
      // Weeks do not fill months.
      const isPart = parts.length === 2 && name !== 'week'
      return isPart ? { parameters: [stringType, value.type], type: value.type } : undefined
    }
    if (zone !== undefined && zone.type.kind !== 'string') return undefined
    const type = timestamp.accept(value)
    if (type === undefined) return undefined
    const zones = zone === undefined ? [] : [stringType]
    return { parameters: [stringType, type, ...zones], type }
  },
  evaluate: ([unit, value, zone], { type }) =>
    type.kind === 'interval'
      ? truncateInterval(fieldName(unit as string), value as Interval)
      : checkTimestamp(
          truncate(fieldName(unit as string), value as bigint, type as TimedType, zone as string | undefined),
        ),
}

const atTimeZone: FunctionDefinition = {
  name: 'timezone',
  family: 'time',
  signature: "x at time zone 'zone'",
  doc: 'The local time of a zoned timestamp in a zone; or the point in time that a local time names there.',
  nulls: 'strict',
  resolve(parts) {
    const [zone, value] = parts as [Expression, Expression]
    if (parts.length !== 2 || zone.type.kind !== 'string') return undefined
    const type = timestamp.accept(value)
    if (type?.kind !== 'timestamp') return undefined
    return { parameters: [stringType, type], type: { ...type, zoned: !type.zoned } }
  },
  evaluate([zone, value], { types }) {
    const type = types[1] as TimedType & { zoned: boolean }
    const perSecond = unitsPerSecond(type.unit)
    const convert = type.zoned ? toLocal : fromLocal
    return checkTimestamp(convert(value as bigint, perSecond, zone as string))
  },
}

/** A timestamp's day and microseconds of the day. */
function localParts(count: bigint, type: DataType): { day: number; micros: number } {
  const perDay = unitsPerDay(type)
  const day = floorDivide(count, perDay)
  return { day: Number(day), micros: Number(floorDivide((count - day * perDay) * 86_400_000_000n, perDay)) }
}

function fromParts(day: number, micros: number, type: DataType): bigint {
  const perDay = unitsPerDay(type)
  return BigInt(day) * perDay + divideRounded(BigInt(micros) * perDay, 86_400_000_000n)
}

function toTimestamp(values: readonly Value[], call: CallContext): Value {
  if (typeof values[0] === 'string') {
    const { day, micros } = parseTime(values[0], values[1] as string)
    return fromParts(day, micros, call.type)
  }
  const seconds = values[0] as number
  const ms = Math.round(seconds * 1000)
  if (!Number.isSafeInteger(ms))
    failValue('value/overflow', `${seconds} seconds are outside the range of timestamps`)
  return BigInt(ms)
}

/** As in PostgreSQL, year -44 is 44 BC, which the calendar counts as -43, and there is no year 0. */
function makeDate(year: number, month: number, day: number): number {
  const counted = year < 0 ? year + 1 : year
  const valid =
    year !== 0 && month >= 1 && month <= 12 && day >= 1 && Math.abs(year) < 1e6 && day <= daysInMonth(counted, month)
  if (!valid) failValue('value/invalid', `there is no date ${year}-${month}-${day}`)
  return daysFromCivil(counted, month, day)
} // prettier-ignore

/** Microseconds of the day; 24:00:00 is its end, and second 60 the next minute. */
function makeTime(hour: number, minute: number, second: number): number {
  const micros = (hour * 60 + minute) * 60e6 + Math.round(second * 1e6)
  const valid = hour >= 0 && minute >= 0 && minute < 60 && second >= 0 && second <= 60 && micros <= 86_400e6
  if (!valid || hour > 24) failValue('value/invalid', `there is no time ${hour}:${minute}:${second}`)
  return micros
}

function makeTimestamp(values: readonly Value[]): bigint {
  const [year, month, day, hour, minute, second] = values.map(Number) as [number, number, number, number, number, number] // prettier-ignore
  const micros = makeTime(hour, minute, second)
  return BigInt(makeDate(year, month, day)) * 86_400_000n + BigInt(Math.round(micros / 1000))
}

/** The start of the bin of fixed width that a timestamp lies in. */
function dateBin(stride: Interval, count: bigint, origin: bigint, type: DataType): bigint {
  if (stride.months !== 0)
    failValue('value/invalid', 'the width of a bin has months or years', 'use date_trunc')
  const width = divideRounded(intervalMicros(stride) * unitsPerDay(type), 86_400_000_000n)
  if (width <= 0n) failValue('value/invalid', 'the width of a bin is not positive')
  return checkTimestamp(origin + floorDivide(count - origin, width) * width)
}

const [sum, difference] = ['+', '-'].map((name) =>
  arithmeticFunctions.find((entry) => entry.name === name),
) as [FunctionDefinition, FunctionDefinition]

function shift(name: string, doc: string, base: FunctionDefinition): FunctionDefinition {
  return {
    ...base,
    name,
    family: 'time',
    signature: `${name}(x, interval)`,
    doc,
    resolve(parts) {
      const resolution = base.resolve(parts)
      return parts[1]?.type.kind === 'interval' && resolution?.type.kind !== 'interval'
        ? resolution
        : undefined
    },
  }
}

const diffUnits: { readonly [unit: string]: string } = { day: 'day', week: 'week', month: 'month', quarter: 'quarter', year: 'year', hour: 'hour', minute: 'minute', second: 'second', millisecond: 'millisecond' } // prettier-ignore

/** How many borders of a unit lie between two timestamps. */
function dateDiff(unit: string, from: bigint, to: bigint, type: TimedType): bigint {
  const months: { readonly [unit: string]: number } = { month: 1, quarter: 3, year: 12 }
  const perMonth = months[unit]
  if (perMonth !== undefined) {
    const index = (count: bigint): number => {
      const { year, month } = civilFromDays(Number(floorDivide(count, unitsPerDay(type))))
      return Math.floor((year * 12 + month - 1) / perMonth)
    }
    return BigInt(index(to) - index(from))
  }
  const perSecond = unitsPerSecond(type.unit)
  const seconds: { readonly [unit: string]: number } = { week: 604_800, day: 86_400, hour: 3600, minute: 60, second: 1, millisecond: 1e-3 } // prettier-ignore
  const width = BigInt(Math.max(Math.round((seconds[unit] as number) * perSecond), 1))
  const start = (count: bigint): bigint => truncate(unit, count, type, undefined)
  return (start(to) - start(from)) / width
}

const dateDiffFunction: FunctionDefinition = {
  name: 'date_diff',
  family: 'time',
  signature: "date_diff('unit', from, to) → bigint",
  doc: 'How many borders of a unit lie between two timestamps.',
  nulls: 'strict',
  resolve(parts) {
    const [unit, from, to] = parts as [Expression, Expression, Expression]
    if (parts.length !== 3 || diffUnits[fieldName(constantText(unit) ?? '')] === undefined) return undefined
    const a = timestamp.accept(from)
    const b = timestamp.accept(to)
    if (a?.kind !== 'timestamp' || b?.kind !== 'timestamp') return undefined
    const type = unitsPerSecond(a.unit) >= unitsPerSecond(b.unit) ? a : b
    return { parameters: [stringType, type, type], type: int64Type }
  },
  evaluate: ([unit, from, to], { types }) =>
    dateDiff(fieldName(unit as string), from as bigint, to as bigint, types[1] as TimedType),
}

/** The entries of this family. */
export const timeFunctions: readonly FunctionDefinition[] = [
  datePart,
  dateTrunc,
  atTimeZone,
  dateDiffFunction,
  shift('date_add', 'A date or timestamp moved forward by an interval.', sum),
  shift('date_sub', 'A date or timestamp moved back by an interval.', difference),
  define('date_bin', 'time', 'date_bin(width, x [, origin]) → timestamp', 'The start of the bin of fixed width that a timestamp lies in.',
    [{ parameters: [parameter.interval, timestamp, timestamp], optional: 1, result: (types) => types[2] === undefined || types[1]?.kind === types[2].kind ? types[1] : undefined }],
    ([width, value, origin], { type, types }) => {
      const start = origin === undefined ? 0n : (origin as bigint) * (unitsPerDay(type) / unitsPerDay(types[2] as DataType) || 1n)
      return dateBin(width as Interval, value as bigint, start, type)
    }),
  define('to_timestamp', 'time', 'to_timestamp(seconds), to_timestamp(text, format) → timestamp', 'A point in time from seconds since 1970, or read from text by a format.',
    [{ parameters: [float], result: zonedTimestamp }, { parameters: [text, text], result: zonedTimestamp }], toTimestamp),
  define('to_date', 'time', 'to_date(text, format) → date', 'A date read from text by a format.',
    [{ parameters: [text, text], result: dateType }],
    ([value, format]) => parseTime(value as string, format as string).day),
  define('to_char', 'time', 'to_char(x, format) → text', "A date or timestamp as text by PostgreSQL's patterns: YYYY-MM-DD HH24:MI:SS.MS, names of months and days.",
    [{ parameters: [timestamp, text], result: stringType }],
    ([value, format], { types }) => formatTime(localParts(value as bigint, types[0] as DataType), format as string, (types[0] as { zoned?: boolean }).zoned === true)),
  define('make_date', 'time', 'make_date(year, month, day) → date', 'A date of its parts; year -44 is 44 BC.',
    [{ parameters: [integer, integer, integer], result: dateType }],
    ([year, month, day]) => makeDate(Number(year), Number(month), Number(day))),
  define('make_timestamp', 'time', 'make_timestamp(year, month, day, hour, minute, second) → timestamp', 'A timestamp of its parts.',
    [{ parameters: [integer, integer, integer, integer, integer, float], result: plainTimestamp }], makeTimestamp),
  define('epoch_ms', 'time', 'epoch_ms(timestamp) → bigint, epoch_ms(bigint) → timestamp', 'Milliseconds since 1970 of a timestamp, and back.',
    [{ parameters: [timestamp], result: int64Type }, { parameters: [integer], result: plainTimestamp }],
    ([value], { types }) => {
      const type = types[0] as DataType
      if (type.kind !== 'timestamp') return BigInt(value as number)
      return floorDivide(value as bigint, BigInt(unitsPerSecond(type.unit) / 1000))
    }),
  define('last_day', 'time', 'last_day(x) → date', 'The last day of the month.',
    [{ parameters: [date], result: dateType }, { parameters: [timestamp], result: dateType }],
    ([value], { types }) => {
      const type = types[0] as DataType
      const day = type.kind === 'date' ? (value as number) : Number(floorDivide(value as bigint, unitsPerDay(type)))
      const { year, month } = civilFromDays(day)
      return daysFromCivil(year, month, daysInMonth(year, month))
    }),
] // prettier-ignore
