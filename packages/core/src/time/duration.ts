/**
 * Durations as values: what people write where a pipeline asks for a length of time.
 *
 * Parsed once, when the pipeline is built. A duration is a fixed number of milliseconds; calendar lengths (a month,
 * a day with daylight saving) are calendar.ts and SQL intervals.
 */
import { MillraceError } from '../errors.ts'

/** The parts of a duration written as an object. */
export interface DurationParts {
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
}

/** A length of time: milliseconds, text such as `'10 s'`, `'1h30m'` or `'1 hour'`, or parts. */
export type Duration = number | string | DurationParts

const unitMs: { readonly [unit: string]: number } = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
}

const partMs: { readonly [part: string]: number } = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
}

const HINT = "write milliseconds, text such as '10 s', '1h30m' or '500 ms', or parts such as { minutes: 5 }"

/** Units as the error for others names them. */
const UNITS = "ms, s, min, h, d and w, or words such as minutes: '10 s', '1h30m'"

/**
 * The milliseconds of a duration: a whole number, 0 or more.
 *
 * @throws MillraceError `duration/invalid` when it cannot be read, is negative, not finite, or not whole milliseconds.
 */
export function parseDuration(duration: Duration): number {
  const ms = readDuration(duration)
  if (ms === undefined) throw unreadable(duration)
  if (!Number.isFinite(ms)) throw invalid(duration, 'it is not finite')
  if (ms < 0) throw invalid(duration, 'it is negative')
  // '0.1 s' is 100.00000000000001 in binary; what is meant is the nearest millisecond.
  const whole = Math.round(ms)
  if (Math.abs(ms - whole) > 1e-6 * Math.max(1, ms / 1e6))
    throw invalid(duration, 'it is not a whole number of milliseconds')
  if (whole > Number.MAX_SAFE_INTEGER) throw invalid(duration, 'it is too long')
  return whole
}

/**
 * The milliseconds of a distance in time: a duration, or one with a sign in front of its text (`'-5 min'`) or number.
 *
 * @throws MillraceError `duration/invalid` as `parseDuration` does.
 */
export function parseSignedDuration(duration: Duration): number {
  if (typeof duration === 'number' && duration < 0) return 0 - parseDuration(-duration)
  const signed = typeof duration === 'string' ? /^\s*([+-])(.*)$/s.exec(duration) : null
  if (signed === null) return parseDuration(duration)
  const ms = parseDuration(signed[2] as string)
  return signed[1] === '-' ? 0 - ms : ms
}

/** A duration as short text that `parseDuration` reads back: `1h30m`, `500ms`, `0ms`. */
export function formatDuration(milliseconds: number): string {
  if (!(milliseconds > 0)) return '0ms'
  let rest = Math.round(milliseconds)
  let text = ''
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text
}

function readDuration(duration: Duration): number | undefined {
  if (typeof duration === 'number') return duration
  if (typeof duration === 'string') return readText(duration)
  if (typeof duration === 'object' && duration !== null) return readParts(duration)
  return undefined
}

function readText(text: string): number | undefined {
  const trimmed = text.trim()
  if (trimmed.length === 0 || trimmed.length > 200) return undefined
  const part = /\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]+)/y
  let ms = 0
  const seen = new Set<number>()
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed)
    if (match === null) return undefined
    const unit = (match[2] as string).toLowerCase()
    const size = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined
    // '5m 3m' is a slip, not a sum.
    if (size === undefined || seen.has(size)) return undefined
    seen.add(size)
    ms += Number(match[1]) * size
  }
  return ms
}

function readParts(parts: DurationParts): number | undefined {
  const entries = Object.entries(parts as { readonly [part: string]: unknown })
  if (entries.length === 0) return undefined
  let ms = 0
  for (const [part, count] of entries) {
    if (count === undefined) continue
    const size = Object.hasOwn(partMs, part) ? partMs[part] : undefined
    if (size === undefined || typeof count !== 'number') return undefined
    ms += count * size
  }
  return ms
}

function unreadable(duration: unknown): MillraceError {
  if (typeof duration !== 'string') return invalid(duration, 'it cannot be read')
  const words = [...duration.matchAll(/([\d.]+)\s*([a-zA-Z]+)/g)]
  const strange = words
    .map(([, , unit = '']) => unit)
    .find((unit) => !Object.hasOwn(unitMs, unit.toLowerCase()))
  if (strange === undefined) {
    if (/^\s*[\d.]+\s*$/.test(duration)) {
      return invalid(
        duration,
        'it has no unit',
        `write '${duration.trim()} s' for seconds; units are ${UNITS}`,
      )
    }
    return invalid(duration, 'it cannot be read')
  }
  const near = Object.keys(unitMs).find((unit) => isNear(strange.toLowerCase(), unit))
  const meant = near === undefined ? '' : `did you mean '${duration.trim().replace(strange, near)}'? `
  return invalid(duration, `"${strange}" is no unit of time`, `${meant}units are ${UNITS}`)
}

/** Whether two words differ by one letter, or by two neighbours that changed places. */
function isNear(word: string, unit: string): boolean {
  if (unit.length < 3) return false
  let from = 0
  while (from < word.length && word[from] === unit[from]) from++
  const rest = word.slice(from)
  const right = unit.slice(from)
  const swapped = (rest[1] ?? '') + (rest[0] ?? '') + rest.slice(2)
  return (
    rest.slice(1) === right.slice(1) ||
    rest.slice(1) === right ||
    rest === right.slice(1) ||
    swapped === right
  )
}

function invalid(duration: unknown, reason: string, hint: string = HINT): MillraceError {
  const shown =
    typeof duration === 'string' ? `"${duration}"` : (JSON.stringify(duration) ?? String(duration))
  return new MillraceError('duration/invalid', {
    what: `the duration ${shown} is not valid`,
    detail: reason,
    hint,
  })
}
