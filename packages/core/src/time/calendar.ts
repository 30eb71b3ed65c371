/**
 * Calendar periods in a time zone: where the day, week, month, quarter or year of a point in time begins and ends.
 *
 * Days have 23 to 25 hours where clocks change, so periods are found on the local calendar and brought back to points
 * in time. Weeks begin on Monday (ISO 8601). A period whose first local moment was skipped begins right after the gap.
 */
import { civilFromDays, DAY_MS, daysFromCivil, weekday } from './civil.ts'
import type { Zone } from './zone.ts'
import { zoneOf } from './zone.ts'

/** A period of the calendar. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year'

/** The first millisecond of the period that contains a point in time. */
export function calendarStart(ms: number, unit: CalendarUnit, zone: Zone = zoneOf('UTC')): number {
  return zone.toInstant(firstDay(Math.floor(zone.toLocal(ms) / DAY_MS), unit) * DAY_MS)
}

/** The first millisecond of the period after the one that contains a point in time. */
export function calendarEnd(ms: number, unit: CalendarUnit, zone: Zone = zoneOf('UTC')): number {
  const first = firstDay(Math.floor(zone.toLocal(ms) / DAY_MS), unit)
  return zone.toInstant(nextFirstDay(first, unit) * DAY_MS)
}

/** The first day of the period that contains a day; both in days since 1970. */
function firstDay(days: number, unit: CalendarUnit): number {
  if (unit === 'day') return days
  if (unit === 'week') return days - weekday(days) + 1
  const { year, month } = civilFromDays(days)
  if (unit === 'month') return daysFromCivil(year, month, 1)
  if (unit === 'quarter') return daysFromCivil(year, Math.floor((month - 1) / 3) * 3 + 1, 1)
  return daysFromCivil(year, 1, 1)
}

function nextFirstDay(first: number, unit: CalendarUnit): number {
  if (unit === 'day') return first + 1
  if (unit === 'week') return first + 7
  // Past the end of the period and never past the end of the next.
  const past = unit === 'month' ? 31 : unit === 'quarter' ? 92 : 366
  return firstDay(first + past, unit)
}
