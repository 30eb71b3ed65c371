/**
 * Windows as people write them: `tumbling('1 hour')`, `sliding('1 hour', '5 min')`, `session('30 min')`.
 *
 * They give the plan's `WindowSpec`: plain data, milliseconds, checked here. Starts are inclusive and ends exclusive.
 */
import { checkOptionNames } from '../data/option-names.ts'
import { MillraceError } from '../errors.ts'
import { parseDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'
import type { WindowSpec } from '../plan/index.ts'

/** Windows with a start and an end: they need event time. */
export type TimeWindow = Exclude<WindowSpec, { readonly kind: 'global' }>

/** The one window over everything. */
export type GlobalWindow = Extract<WindowSpec, { readonly kind: 'global' }>

/** Windows that a row can fall into at most; more is a slip of the units. */
const WINDOWS_PER_ROW_MAX = 10_000

/** Where windows start. */
export interface WindowOffset {
  /** Shifts every start from the multiples of the size since 1970 UTC; default 0. */
  readonly offset?: Duration
}

/** Options of sliding windows. */
export interface SlidingOptions extends WindowOffset {
  /** The slide may be longer than the size; default false. */
  readonly gaps?: boolean
}

/**
 * Windows of one size, side by side: every row falls into exactly one.
 *
 * @example
 * ```ts in-pipeline
 * flights.keyBy('by-origin', 'origin').window(tumbling('1 hour'))
 * ```
 * @throws MillraceError `plan/invalid-argument` when the size is 0.
 */
export function tumbling(size: Duration, options: WindowOffset = {}): TimeWindow {
  checkOptionNames('tumbling', options, ['offset'])
  const sizeMs = positive('size of a tumbling window', size)
  return Object.freeze({ kind: 'tumbling', sizeMs, offsetMs: offsetOf(options) % sizeMs })
}

/**
 * Windows of one size, a new one every `slide`: every row falls into size ÷ slide of them. With `gaps` the slide may be longer
 * (`sliding('1 min', '1 hour', { gaps: true })`: the first minute of every hour); rows in a gap are in no window, and not late.
 *
 * @throws MillraceError `plan/invalid-argument` when size or slide is 0, a row would fall into more than 10,000, or the slide is
 *   longer than the size without `gaps`.
 */
export function sliding(size: Duration, slide: Duration, options: SlidingOptions = {}): TimeWindow {
  checkOptionNames('sliding', options, ['offset', 'gaps'])
  const sizeMs = positive('size of a sliding window', size)
  const slideMs = positive('slide of a sliding window', slide)
  if (slideMs > sizeMs && options.gaps !== true) {
    throw invalid(
      'the slide of a sliding window is longer than its size',
      'rows between one window and the next would be in none of them',
      'the size comes first: swap the two; or say { gaps: true } where that is what you want',
    )
  }
  if (sizeMs / slideMs > WINDOWS_PER_ROW_MAX) {
    throw invalid(
      'the slide of a sliding window is too short for its size',
      `every row would fall into ${Math.ceil(sizeMs / slideMs)} windows; ${WINDOWS_PER_ROW_MAX} are possible`,
      'make the slide longer or the size shorter',
    )
  }
  return Object.freeze({ kind: 'sliding', sizeMs, slideMs, offsetMs: offsetOf(options) % slideMs })
}

/**
 * Sessions: per key, rows of which each follows another within `gap`. A row exactly one gap later still belongs.
 *
 * @throws MillraceError `plan/invalid-argument` when the gap is 0.
 */
export function session(gap: Duration): TimeWindow
export function session(gap: Duration, options?: unknown): TimeWindow {
  checkOptionNames('session', options, [])
  return Object.freeze({ kind: 'session', gapMs: positive('gap of a session window', gap) })
}

/** One window over everything: results come at the end of the input. */
export function globalWindow(): GlobalWindow {
  return Object.freeze({ kind: 'global' })
}

function positive(what: string, duration: Duration): number {
  const ms = parseDuration(duration)
  if (ms > 0) return ms
  throw invalid(`the ${what} is 0`, 'it must be at least 1 ms', "write a length, such as '10 s' or '5 min'")
}

function offsetOf(options: WindowOffset): number {
  return options.offset === undefined ? 0 : parseDuration(options.offset)
}

function invalid(what: string, detail: string, hint: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, detail, hint })
}
