/**
 * Parts of dates and times (extract) and cutting them to a unit (date_trunc), on exact counts of units since 1970.
 */
import type { DataType } from '../data/type.ts'
import { civilFromDays, dayOfYear, daysFromCivil, isoWeek, weekday, zoneOf } from '../time/index.ts'
import { floorDivide } from './casts.ts'
import { unitsPerSecond } from './types.ts'

/** Types that hold a point in time or a time of day in units. */
export type TimedType = Extract<DataType, { kind: 'timestamp' | 'time' }>

const fieldNames: { readonly [name: string]: string } = {
  years: 'year', y: 'year', months: 'month', mon: 'month', days: 'day', d: 'day', hours: 'hour', h: 'hour',
  minutes: 'minute', min: 'minute', seconds: 'second', sec: 'second', s: 'second', milliseconds: 'millisecond',
  ms: 'millisecond', microseconds: 'microsecond', us: 'microsecond', weeks: 'week', w: 'week', quarters: 'quarter',
  decades: 'decade', centuries: 'century', millennia: 'millennium', dayofweek: 'dow', dayofyear: 'doy',
} // prettier-ignore

const clockFields: ReadonlySet<string> = new Set(['hour', 'minute', 'second', 'millisecond', 'microsecond'])
const intervalFields: ReadonlySet<string> = new Set([
  'millennium', 'century', 'decade', 'year', 'quarter', 'month', 'week', 'day', ...clockFields, 'epoch',
]) // prettier-ignore
const calendarFields: ReadonlySet<string> = new Set([
  'millennium', 'century', 'decade', 'year', 'isoyear', 'quarter', 'month', 'week', 'day', 'dow', 'isodow', 'doy',
  'julian', 'epoch',
]) // prettier-ignore
const fractional: ReadonlySet<string> = new Set(['second', 'millisecond', 'epoch', 'julian'])

/** All names of fields. */
export const allFields: readonly string[] = [...new Set([...calendarFields, ...clockFields])]

/** Whether extract knows a field of a type, and whether it is whole or has a fraction. */
export function extractKind(field: string, type: DataType): 'integer' | 'float' | undefined {
  const isClock = clockFields.has(field)
  const known =
    type.kind === 'interval'
      ? intervalFields.has(field)
      : type.kind === 'time'
        ? isClock || field === 'epoch'
        : calendarFields.has(field) || (isClock && type.kind === 'timestamp')
  if (!known) return undefined
  return fractional.has(field) ? 'float' : 'integer'
}

/** Units that date_trunc knows. */
export const truncUnits: ReadonlySet<string> = new Set([
  'microsecond', 'millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade',
  'century', 'millennium',
]) // prettier-ignore

/** The singular, lower-case name of a field. */
export function fieldName(written: string): string {
  const name = written.trim().toLowerCase()
  return fieldNames[name] ?? name
}

/** Units of one field that is a fixed length of time, in seconds; undefined for days and longer. */
const fixedSeconds: { readonly [unit: string]: number } = { second: 1, minute: 60, hour: 3600 }

/** The Julian day number of 1 January 1970. */
const JULIAN_1970 = 2_440_588

/** A field of a day. */
export function dateField(field: string, day: number): number {
  const { year, month, day: dayOfMonth } = civilFromDays(day)
  switch (field) {
    case 'year':
      return withoutZero(year)
    case 'month':
      return month
    case 'day':
      return dayOfMonth
    case 'quarter':
      return Math.ceil(month / 3)
    case 'doy':
      return dayOfYear(day)
    case 'dow':
      return weekday(day) % 7
    case 'isodow':
      return weekday(day)
    case 'week':
      return isoWeek(day).week
    case 'isoyear':
      return withoutZero(isoWeek(day).year)
    case 'decade':
      return Math.floor(year / 10)
    case 'century':
      return year > 0 ? Math.floor((year + 99) / 100) : -Math.floor((99 - (year - 1)) / 100)
    case 'millennium':
      return year > 0 ? Math.floor((year + 999) / 1000) : -Math.floor((999 - (year - 1)) / 1000)
    case 'epoch':
      return day * 86_400
    case 'julian':
      return day + JULIAN_1970
    default:
      return 0
  }
}

/** The year before year 1 is -1 (1 BC) to extract, and 0 to the calendar. */
function withoutZero(year: number): number {
  return year > 0 ? year : year - 1
}

/** A field of a time of day, in units of the type. */
export function clockField(field: string, ofDay: bigint, type: TimedType): number {
  const perSecond = BigInt(unitsPerSecond(type.unit))
  const inMinute = Number(ofDay % (60n * perSecond))
  switch (field) {
    case 'hour':
      return Number(ofDay / (3600n * perSecond))
    case 'minute':
      return Number((ofDay / (60n * perSecond)) % 60n)
    case 'second':
      return inMinute / Number(perSecond)
    case 'millisecond':
      return (inMinute * 1e3) / Number(perSecond)
    case 'microsecond':
      return Math.floor((inMinute * 1e6) / Number(perSecond))
    default:
      return Number(ofDay) / Number(perSecond)
  }
}

/** A field of a timestamp, read in a zone. */
export function timestampField(
  field: string,
  count: bigint,
  type: TimedType,
  zone: string | undefined,
): number {
  const perSecond = unitsPerSecond(type.unit)
  if (field === 'epoch') return Number(count) / perSecond
  const local = zone === undefined ? count : toLocal(count, perSecond, zone)
  const perDay = 86_400n * BigInt(perSecond)
  const day = floorDivide(local, perDay)
  if (field === 'julian') return Number(day) + JULIAN_1970 + Number(local - day * perDay) / Number(perDay)
  return clockFields.has(field)
    ? clockField(field, local - day * perDay, type)
    : dateField(field, Number(day))
}

/** Local time in a zone, of a point in time; both in units. */
export function toLocal(count: bigint, perSecond: number, zone: string): bigint {
  const perMs = BigInt(perSecond / 1000)
  return count + BigInt(zoneOf(zone).offsetAt(Number(floorDivide(count, perMs)))) * perMs
}

/** The point in time of a local time in a zone; both in units. */
export function fromLocal(local: bigint, perSecond: number, zone: string): bigint {
  const perMs = BigInt(perSecond / 1000)
  const ms = floorDivide(local, perMs)
  return BigInt(zoneOf(zone).toInstant(Number(ms))) * perMs + (local - ms * perMs)
}

/** A timestamp cut to a unit, in a zone. */
export function truncate(unit: string, count: bigint, type: TimedType, zone: string | undefined): bigint {
  const perSecond = unitsPerSecond(type.unit)
  if (zone === undefined) return truncateLocal(unit, count, perSecond)
  const local = truncateLocal(unit, toLocal(count, perSecond, zone), perSecond)
  // Units below an hour need no zone: going through local time would lose the second of two equal hours in autumn.
  if ((fixedSeconds[unit] ?? 0) > 0 || unit.endsWith('second'))
    return count - (toLocal(count, perSecond, zone) - local)
  return fromLocal(local, perSecond, zone)
}

function truncateLocal(unit: string, local: bigint, perSecond: number): bigint {
  const seconds =
    fixedSeconds[unit] ?? (unit === 'millisecond' ? 1e-3 : unit === 'microsecond' ? 1e-6 : undefined)
  if (seconds !== undefined) {
    const units = Math.round(seconds * perSecond)
    return units <= 1 ? local : floorDivide(local, BigInt(units)) * BigInt(units)
  }
  const perDay = 86_400n * BigInt(perSecond)
  return BigInt(truncateDay(unit, Number(floorDivide(local, perDay)))) * perDay
}

/** The first day of the unit that a day lies in. */
export function truncateDay(unit: string, day: number): number {
  const { year, month } = civilFromDays(day)
  switch (unit) {
    case 'week':
      return day - weekday(day) + 1
    case 'month':
      return daysFromCivil(year, month, 1)
    case 'quarter':
      return daysFromCivil(year, month - ((month - 1) % 3), 1)
    case 'year':
      return daysFromCivil(year, 1, 1)
    case 'decade':
      return daysFromCivil(Math.floor(year / 10) * 10, 1, 1)
    case 'century':
      return daysFromCivil(Math.floor((year - 1) / 100) * 100 + 1, 1, 1)
    case 'millennium':
      return daysFromCivil(Math.floor((year - 1) / 1000) * 1000 + 1, 1, 1)
    default:
      return day
  }
}
