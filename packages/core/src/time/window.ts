/**
 * Windows of event time as arithmetic: no state, no rows.
 *
 * A window is [start, end): the start belongs to it, the end does not. All times are milliseconds since 1970, may be
 * negative, and are assigned by floor division, so that a time before 1970 falls into the window that contains it.
 */
import { MillraceError } from '../errors.ts'
import { floorModulo } from './civil.ts'

/**
 * Event times lie within this many milliseconds of 1970, as ECMAScript's dates do: 100 million days. Behind them there is
 * room to 2^53 for the ends of windows, so that arithmetic on times is exact.
 */
const EVENT_TIME_MAX_MS = 8.64e15

/** Whether a number can be an event time; NaN and infinities cannot. */
export function isEventTime(time: number): boolean {
  return time <= EVENT_TIME_MAX_MS && time >= -EVENT_TIME_MAX_MS
}

/** Throws `value/invalid` unless a row can be given a window by its event time. */
export function checkEventTime(time: number): void {
  if (isEventTime(time)) return
  throw new MillraceError('value/invalid', {
    what: `a row has the event time ${time}`,
    detail: `event times are milliseconds since 1970, within ±${EVENT_TIME_MAX_MS}`,
    hint: 'give the column its unit, as in t.timestamp("ns"), or check the times that a function sets',
  })
}

/** Start of the tumbling window of `size` that contains `time`; windows start at `offset` plus multiples of `size`. */
export function windowStart(time: number, size: number, offset: number = 0): number {
  return offset + Math.floor((time - offset) / size) * size
}

/**
 * Length of the panes that sliding windows share: every window is a whole number of panes.
 * (Li et al., "No pane, no gain", SIGMOD Record 2005.)
 */
export function paneSize(size: number, slide: number): number {
  return greatestCommonDivisor(size, slide)
}

/** The largest whole number that divides both; both are positive whole numbers. */
function greatestCommonDivisor(a: number, b: number): number {
  let large = a
  let small = b
  while (small !== 0) [large, small] = [small, large % small]
  return large
}

/** The last event time of a window. */
export function windowMaxTime(end: number): number {
  return end - 1
}

/** Tells whether a window is complete: nothing with an event time below its end is expected. */
export function isWindowComplete(end: number, watermark: number): boolean {
  return watermark >= end
}

/** Tells whether a row of a window is late: the watermark passed the window's end and the allowed lateness. */
export function isLate(end: number, allowedLateness: number, watermark: number): boolean {
  return watermark >= end + allowedLateness
}

/** The offset brought into [0, size): windows with offsets that differ by the size are the same. */
export function normalOffset(offset: number, size: number): number {
  return floorModulo(offset, size)
}
