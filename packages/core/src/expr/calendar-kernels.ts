/**
 * Calendar arithmetic that generated code calls per row: integers only, nothing allocated.
 *
 * The algorithm is that of time/civil.ts (Hinnant 2013), shifted by 1000 eras so that all divisions are of positive
 * 32-bit integers, which compilers turn into multiplications. Days beyond ±100 million go through time/civil.ts.
 */
import { addMonths, civilFromDays, daysInMonth } from '../time/index.ts'

const DAYS_MAX = 100_000_000
const ERA_DAYS = 146_097
const SHIFT_ERAS = 1000
const SHIFT_DAYS = 719_468 + SHIFT_ERAS * ERA_DAYS

/** Year, month and day of days since 1970 in one integer: `year << 9 | month << 5 | day`. */
function civilOf(day: number): number {
  if (day > DAYS_MAX || day < -DAYS_MAX) {
    const civil = civilFromDays(day)
    return (civil.year << 9) | (civil.month << 5) | civil.day
  }
  const shifted = (day + SHIFT_DAYS) | 0
  const era = (shifted / ERA_DAYS) | 0
  const ofEra = (shifted - era * ERA_DAYS) | 0
  const yearOfEra = ((ofEra - ((ofEra / 1460) | 0) + ((ofEra / 36_524) | 0) - ((ofEra / 146_096) | 0)) / 365) | 0
  const ofYear = (ofEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))) | 0
  const fromMarch = ((5 * ofYear + 2) / 153) | 0
  const dayOfMonth = (ofYear - (((153 * fromMarch + 2) / 5) | 0) + 1) | 0
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + (era - SHIFT_ERAS) * 400 + (month <= 2 ? 1 : 0)
  return (year << 9) | (month << 5) | dayOfMonth
} // prettier-ignore

/** Days since 1970 of a calendar day; the year within ±200,000. */
function dayOf(year: number, month: number, dayOfMonth: number): number {
  const y = (year + SHIFT_ERAS * 400 - (month <= 2 ? 1 : 0)) | 0
  const era = (y / 400) | 0
  const yearOfEra = (y - era * 400) | 0
  const ofYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + dayOfMonth - 1
  const ofEra = yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) + ofYear
  return era * ERA_DAYS + ofEra - SHIFT_DAYS
}

/** The year, without a year 0, as extract counts. */
export function yearOfDay(day: number): number {
  const year = civilOf(day) >> 9
  return year > 0 ? year : year - 1
}

/** The month, from 1. */
export function monthOfDay(day: number): number {
  return (civilOf(day) >> 5) & 15
}

/** The day of the month, from 1. */
export function dayOfMonth(day: number): number {
  return civilOf(day) & 31
}

/** The first day of the month that a day lies in. */
export function monthStart(day: number): number {
  return day - (civilOf(day) & 31) + 1
}

/** As time/civil.ts: the day of the month is cut to what the month has. */
export function addMonthsToDay(day: number, months: number): number {
  if (day > DAYS_MAX / 2 || day < -DAYS_MAX / 2 || months > 600_000 || months < -600_000) return addMonths(day, months)
  const civil = civilOf(day)
  const total = (civil >> 9) * 12 + ((civil >> 5) & 15) - 1 + months
  const year = Math.floor(total / 12)
  const month = total - year * 12 + 1
  const ofMonth = civil & 31
  return dayOf(year, month, ofMonth <= 28 ? ofMonth : Math.min(ofMonth, daysInMonth(year, month)))
} // prettier-ignore

/** `year << 9 | month << 5 | day` of a day whose year has four digits, else −1. */
export function fourDigitCivil(day: number): number {
  const civil = civilOf(day)
  return civil >= 0 && civil >> 9 <= 9999 ? civil : -1
}
