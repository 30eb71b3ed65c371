/**
 * Intervals: reading them from text, writing them as PostgreSQL does, and adding them to times.
 *
 * Read are `1 year 2 mons -3 days`, `1 day 02:30:00`, `1-2 3 4:05:06` (years-months, days, time), a last number
 * without unit (seconds), `… ago`, and ISO 8601 (`P1Y2M3DT4H5M6.5S`, `P0001-02-03T04:05:06`). Fractions go to the
 * smaller parts: of years to whole months, of months to days of a 30-day month, of days to time.
 *
 * Source: PostgreSQL 18 documentation, section 8.5.4 (Interval Input).
 */
import type { Interval } from '../data/type.ts'
import { addMonths, DAY_MS } from '../time/index.ts'
import { roundHalfEven } from './float-text.ts'

const DAY_MICROS = DAY_MS * 1000

/** An interval in the making. */
interface Total {
  months: number
  days: number
  micros: number
}

interface Unit {
  readonly part: keyof Interval
  readonly size: number
}

const unitNames: readonly (readonly [names: string, part: keyof Interval, size: number])[] = [
  ['microsecond microseconds usec usecs us', 'micros', 1],
  ['millisecond milliseconds msec msecs ms', 'micros', 1e3],
  ['second seconds sec secs s', 'micros', 1e6],
  ['minute minutes min mins m', 'micros', 60e6],
  ['hour hours hr hrs h', 'micros', 3600e6],
  ['day days d', 'days', 1],
  ['week weeks w', 'days', 7],
  ['month months mon mons', 'months', 1],
  ['quarter quarters', 'months', 3],
  ['year years yr yrs y', 'months', 12],
  ['decade decades dec decs', 'months', 120],
  ['century centuries cent c', 'months', 1200],
  ['millennium millennia mil mils', 'months', 12_000],
]
const units: ReadonlyMap<string, Unit> = new Map(
  unitNames.flatMap(([names, part, size]) => names.split(' ').map((name) => [name, { part, size }] as const)),
)

/** Parts an interval text can have at most. */
const PARTS_MAX = 20

/** Reads an interval; undefined when the text is not one. */
export function parseInterval(text: string): Interval | undefined {
  let rest = text.trim().toLowerCase()
  if (/^-?p/.test(rest)) return parseIso(rest)
  rest = rest.replace(/^@\s*/, '')
  const ago = rest.replace(/\s*\bago$/, '')
  const sign = ago === rest ? 1 : -1
  rest = ago
  const total: Total = { months: 0, days: 0, micros: 0 }
  let parts = 0
  while (rest !== '') {
    const read = ++parts > PARTS_MAX ? 0 : readPart(rest, total)
    if (read === 0) return undefined
    rest = rest.slice(read)
  }
  return parts === 0 ? undefined : finish(total, sign)
}

/** Adds the part that stands first and returns how many characters it takes; 0 when there is none. */
function readPart(rest: string, total: Total): number {
  const clock = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?(?:\s+|$)/.exec(rest)
  if (clock !== null) {
    const micros = clockMicros(clock[2] as string, clock[3] as string, clock[4])
    total.micros += clock[1] === '-' ? -micros : micros
    return Number.isNaN(micros) ? 0 : clock[0].length
  }
  const yearMonth = /^([+-]?)(\d+)-(\d{1,2})(?:\s+|$)/.exec(rest)
  if (yearMonth !== null) {
    const months = Number(yearMonth[2]) * 12 + Number(yearMonth[3])
    total.months += yearMonth[1] === '-' ? -months : months
    return Number(yearMonth[3]) < 12 ? yearMonth[0].length : 0
  }
  const part = /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*([a-z]*)\s*/.exec(rest)
  if (part === null) return 0
  const after = rest.slice(part[0].length)
  // Without a unit: days before a time of day, seconds at the end.
  const unit = part[2] === '' ? (/^[+-]?\d+:/.test(after) ? 'day' : after === '' ? 'second' : '') : part[2]
  return addPart(total, part[1] as string, units.get(unit as string)) ? part[0].length : 0
}

/** Microseconds of hours, minutes and seconds; NaN when there are not so many. */
function clockMicros(hours: string, minutes: string, seconds: string = '0'): number {
  if (Number(minutes) > 59 || Number(seconds) >= 60) return Number.NaN
  return Number(hours) * 3600e6 + Number(minutes) * 60e6 + roundHalfEven(Number(seconds) * 1e6)
}

function addPart(total: Total, written: string, unit: Unit | undefined): boolean {
  if (unit === undefined) return false
  const whole = Math.trunc(Number(written))
  // Read by itself: the difference of two floats is less exact.
  const fraction = written.includes('.') ? Number(`${written.replace(/\d*(?=\.)/, '')}0`) : 0
  if (unit.part === 'micros') total.micros += whole * unit.size + roundHalfEven(fraction * unit.size)
  else if (unit.part === 'days') addDays(total, (whole + fraction) * unit.size)
  else if (unit.size > 1) total.months += whole * unit.size + roundHalfEven(fraction * unit.size)
  else {
    total.months += whole
    addDays(total, fraction * 30)
  }
  return true
}

/** Days, their fraction as time; what floats add below a microsecond is dropped. */
function addDays(total: Total, days: number): void {
  const exact = Math.round(days * 1e9) / 1e9
  const whole = Math.trunc(exact)
  total.days += whole
  total.micros += Math.round((exact - whole) * DAY_MICROS)
}

const isoParts: readonly (readonly [designator: string, unit: string])[] = [
  ['y', 'year'], ['m', 'month'], ['w', 'week'], ['d', 'day'], ['h', 'hour'], ['m', 'minute'], ['s', 'second'],
] // prettier-ignore
const isoNumber = '([+-]?\\d+(?:[.,]\\d+)?)'
const isoDesignated = new RegExp(
  `^${isoParts
    .slice(0, 4)
    .map(([name]) => `(?:${isoNumber}${name})?`)
    .join('')}(?:t${isoParts
    .slice(4)
    .map(([name]) => `(?:${isoNumber}${name})?`)
    .join('')})?$`,
)

/** ISO 8601, with designators or in its alternative form. A sign before the P turns all around (ISO 8601-2). */
function parseIso(text: string): Interval | undefined {
  const sign = text.startsWith('-') ? -1 : 1
  const body = text.replace(/^-?p/, '')
  const total: Total = { months: 0, days: 0, micros: 0 }
  const alternative = /^(\d{1,4})-(\d\d)-(\d\d)(?:t(\d\d):(\d\d):(\d\d(?:\.\d+)?))?$/.exec(body)
  if (alternative !== null) {
    const [, years, months, days, hours = '0', minutes = '0', seconds] = alternative
    total.months = Number(years) * 12 + Number(months)
    total.days = Number(days)
    total.micros = clockMicros(hours, minutes, seconds)
    return finish(total, sign)
  }
  const match = isoDesignated.exec(body)
  if (match === null || body === '' || body.endsWith('t')) return undefined
  for (const [index, [, unit]] of isoParts.entries()) {
    const written = match[index + 1]
    if (written !== undefined) addPart(total, written.replace(',', '.'), units.get(unit))
  }
  return finish(total, sign)
}

function finish(total: Total, sign: number): Interval | undefined {
  const fits = Math.abs(total.months) < 2 ** 31 && Math.abs(total.days) < 2 ** 31
  if (!fits || !Number.isSafeInteger(total.micros)) return undefined
  return { months: total.months * sign + 0, days: total.days * sign + 0, micros: total.micros * sign + 0 }
}

/** Writes `1 year 2 mons -3 days +04:05:06.7`, as PostgreSQL does: after a negative part a positive one has a sign. */
export function formatInterval({ months, days, micros }: Interval): string {
  const years = Math.trunc(months / 12)
  const parts: string[] = []
  let afterNegative = false
  const sign = (value: number): string => (value < 0 ? '-' : afterNegative ? '+' : '')
  for (const [value, name] of [[years, 'year'], [months - years * 12, 'mon'], [days, 'day']] as const) {
    if (value === 0) continue
    parts.push(`${sign(value)}${Math.abs(value)} ${name}${value === 1 ? '' : 's'}`)
    afterNegative = value < 0
  }
  if (micros !== 0 || parts.length === 0) parts.push(sign(micros) + clockText(Math.abs(micros)))
  return parts.join(' ')
} // prettier-ignore

function clockText(micros: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const fraction = String(micros % 1e6)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const seconds = `${two((micros / 1e6) % 60)}${fraction === '' ? '' : `.${fraction}`}`
  return `${two(micros / 3600e6)}:${two((micros / 60e6) % 60)}:${seconds}`
}

/** PostgreSQL's order of intervals: a month counts 30 days, a day 24 hours. */
export function intervalMicros({ months, days, micros }: Interval): bigint {
  return BigInt(months * 30 + days) * 86_400_000_000n + BigInt(micros)
}

/** Adds months to a count of units since 1970, keeping the time of day; the day is cut to the month's end. */
export function addMonthsTo(count: bigint, months: number, unitsPerDay: bigint): bigint {
  if (months === 0) return count
  let day = count / unitsPerDay
  let rest = count - day * unitsPerDay
  if (rest < 0n) {
    rest += unitsPerDay
    day -= 1n
  }
  return BigInt(addMonths(Number(day), months)) * unitsPerDay + rest
}
