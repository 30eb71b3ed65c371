/** Time as arithmetic: durations, instants, the civil calendar, windows, watermarks. */
export { formatDuration, parseDuration, parseSignedDuration } from './duration.ts'
export type { Duration } from './duration.ts'
export {
  addMonths,
  civilFromDays,
  DAY_MS,
  dayOfYear,
  daysFromCivil,
  daysInMonth,
  isoWeek,
  weekday,
} from './civil.ts'
export {
  exactCount,
  formatDate,
  formatInstantExact,
  parseDate,
  parseDateBytes,
  parseInstant,
  parseInstantBytes,
  parseTimeOfDay,
  UNITS_PER_MS,
} from './instant.ts'
export { zoneOf } from './zone.ts'
export type { Zone } from './zone.ts'
