/** Time as arithmetic: durations, instants, the civil calendar, windows, watermarks. */
export { parseDuration, formatDuration } from './duration.ts'
export type { Duration, DurationParts } from './duration.ts'
export {
  addMonths,
  civilFromDays,
  DAY_MS,
  dayOfYear,
  daysFromCivil,
  daysInMonth,
  floorModulo,
  isLeapYear,
  isoWeek,
  weekday,
} from './civil.ts'
export type { CivilDate } from './civil.ts'
export {
  exactCount,
  formatDate,
  formatInstant,
  formatInstantExact,
  formatTimeOfDay,
  parseDate,
  parseDateBytes,
  parseInstant,
  parseInstantBytes,
  parseInstantExact,
  parseInstantMs,
  parseTimeOfDay,
  UNITS_PER_MS,
} from './instant.ts'
export type { InstantUnit, ParsedInstant } from './instant.ts'
export {
  greatestCommonDivisor,
  isLate,
  isWindowComplete,
  normalOffset,
  paneSize,
  slidingWindowStarts,
  windowMaxTime,
  windowStart,
} from './window.ts'
export { WatermarkTracker } from './watermark.ts'
export { isZone, zoneOf } from './zone.ts'
export type { Zone } from './zone.ts'
export { calendarEnd, calendarStart, firstDay } from './calendar.ts'
export type { CalendarUnit } from './calendar.ts'
