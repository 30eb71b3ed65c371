/**
 * The door `time`: durations and instants as text.
 *
 * The other rooms share more of each other: that is index.ts.
 */
export { formatDuration, parseDuration } from './duration.ts'
export type { Duration, DurationParts } from './duration.ts'
export { formatDate, formatInstant, parseDate, parseInstant, parseInstantMs } from './instant.ts'
export type { InstantUnit, ParsedInstant } from './instant.ts'
