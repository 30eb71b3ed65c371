/**
 * Intervals: reading them from text, writing them as PostgreSQL does, and adding them to times.
 */
import type { Interval } from '../data/type.ts'
import { addMonths, DAY_MS } from '../time/index.ts'

const units: { readonly [unit: string]: { readonly part: keyof Interval; readonly size: number } } = {
  microsecond: { part: 'micros', size: 1 },
  us: { part: 'micros', size: 1 },
  millisecond: { part: 'micros', size: 1e3 },
  ms: { part: 'micros', size: 1e3 },
  second: { part: 'micros', size: 1e6 },
  sec: { part: 'micros', size: 1e6 },
  s: { part: 'micros', size: 1e6 },
  minute: { part: 'micros', size: 60e6 },
  min: { part: 'micros', size: 60e6 },
  m: { part: 'micros', size: 60e6 },
  hour: { part: 'micros', size: 3600e6 },
  h: { part: 'micros', size: 3600e6 },
  day: { part: 'days', size: 1 },
  d: { part: 'days', size: 1 },
  week: { part: 'days', size: 7 },
  w: { part: 'days', size: 7 },
  month: { part: 'months', size: 1 },
  mon: { part: 'months', size: 1 },
  quarter: { part: 'months', size: 3 },
  year: { part: 'months', size: 12 },
  y: { part: 'months', size: 12 },
  decade: { part: 'months', size: 120 },
  century: { part: 'months', size: 1200 },
}

/** Parts an interval text can have at most. */
const PARTS_MAX = 20

/** Reads `1 day 02:30:00`, `3 hours`, `-1.5 seconds`, `P1DT2H`; undefined when it is not an interval. */
export function parseInterval(text: string): Interval | undefined {
  const trimmed = text.trim().toLowerCase()
  if (trimmed.startsWith('p') || trimmed.startsWith('-p')) return parseIso(trimmed)
  const total = { months: 0, days: 0, micros: 0 }
  let rest = trimmed
  let parts = 0
  while (rest !== '') {
    if (++parts > PARTS_MAX) return undefined
    const clock = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,6})?))?\s*/.exec(rest)
    if (clock !== null) {
      const micros =
        Number(clock[2]) * 3600e6 + Number(clock[3]) * 60e6 + Math.round(Number(clock[4] ?? 0) * 1e6)
      total.micros += clock[1] === '-' ? -micros : micros
      rest = rest.slice(clock[0].length)
      continue
    }
    const part = /^([+-]?\d+(?:\.\d+)?|[+-]?\.\d+)\s*([a-z]+)\s*/.exec(rest)
    if (part === null || !addPart(total, Number(part[1]), part[2] as string)) return undefined
    rest = rest.slice(part[0].length)
  }
  return parts === 0 ? undefined : finish(total)
}

function addPart(
  total: { months: number; days: number; micros: number },
  count: number,
  word: string,
): boolean {
  const unit =
    units[word] ?? units[word.replace(/s$/, '')] ?? (word === 'centuries' ? units['century'] : undefined)
  if (unit === undefined) return false
  const value = count * unit.size
  if (unit.part === 'micros') total.micros += Math.round(value)
  else if (unit.part === 'days') {
    const whole = Math.trunc(value)
    total.days += whole
    total.micros += Math.round((value - whole) * DAY_MS * 1000)
  } else {
    // PostgreSQL spills a fraction of a month into days of a 30-day month.
    const whole = Math.trunc(value + 1e-9 * Math.sign(value))
    total.months += whole
    total.days += Math.round((value - whole) * 30)
  }
  return true
}

function parseIso(text: string): Interval | undefined {
  const match =
    /^(-?)p(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,6})?)s)?)?$/.exec(
      text,
    )
  if (match === null || text.length < 3) return undefined
  const part = (index: number): number => Number(match[index] ?? 0)
  const sign = match[1] === '-' ? -1 : 1
  return finish({
    months: sign * (part(2) * 12 + part(3)),
    days: sign * (part(4) * 7 + part(5)),
    micros: sign * (part(6) * 3600e6 + part(7) * 60e6 + Math.round(part(8) * 1e6)),
  })
}

function finish(total: Interval): Interval | undefined {
  const fits = Math.abs(total.months) < 2 ** 31 && Math.abs(total.days) < 2 ** 31
  if (!fits || !Number.isSafeInteger(total.micros)) return undefined
  return { months: total.months + 0, days: total.days + 0, micros: total.micros + 0 }
}

/** Writes `1 year 2 mons 3 days 04:05:06.7`, as PostgreSQL does. */
export function formatInterval({ months, days, micros }: Interval): string {
  const parts: string[] = []
  const years = Math.trunc(months / 12)
  const rest = months - years * 12
  if (years !== 0) parts.push(`${years} year${years === 1 ? '' : 's'}`)
  if (rest !== 0) parts.push(`${rest} mon${rest === 1 ? '' : 's'}`)
  if (days !== 0) parts.push(`${days} day${days === 1 ? '' : 's'}`)
  if (micros !== 0 || parts.length === 0) {
    const size = Math.abs(micros)
    const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
    const fraction =
      size % 1e6 === 0
        ? ''
        : `.${String(size % 1e6)
            .padStart(6, '0')
            .replace(/0+$/, '')}`
    const clock = `${two(size / 3600e6)}:${two((size / 60e6) % 60)}:${two((size / 1e6) % 60)}${fraction}`
    parts.push(micros < 0 ? `-${clock}` : clock)
  }
  return parts.join(' ')
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
