/**
 * PostgreSQL's patterns of to_char and to_timestamp, the common part: YYYY MM DD HH24 MI SS MS US and names.
 */
import { civilFromDays, dayOfYear, daysFromCivil, daysInMonth, isoWeek, weekday } from '../time/index.ts'
import { failValue, shorten } from './value-error.ts'

const months = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November',
  'December',
] // prettier-ignore
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** A point in local time. */
export interface LocalTime {
  /** Days since 1970. */
  readonly day: number
  /** Microseconds of the day. */
  readonly micros: number
}

/** Longest first, so that `HH24` is not read as `HH`. */
const tokenPattern =
  /"[^"]*"|FM|YYYY|IYYY|MONTH|Month|month|HH24|HH12|MON|Mon|mon|DAY|Day|day|DDD|YYY|SSSSS|DD|Dy|DY|dy|YY|MM|HH|MI|SS|MS|US|AM|PM|am|pm|WW|IW|ID|Q|D|Y|J/g

/** Formats a local time. */
export function formatTime(time: LocalTime, format: string): string {
  let fill = true
  return format.replace(tokenPattern, (token) => {
    if (token === 'FM') {
      fill = false
      return ''
    }
    if (token.startsWith('"')) return token.slice(1, -1)
    const text = tokenText(token, time)
    if (fill) return /^(MONTH|DAY)$/i.test(token) ? text.padEnd(9) : text
    return /^\d+$/.test(text) ? String(Number(text)) : text
  })
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** A name in the case of its token: MON, Mon or mon. */
function cased(name: string, token: string): string {
  if (token === token.toUpperCase()) return name.toUpperCase()
  return token === token.toLowerCase() ? name.toLowerCase() : name
}

function tokenText(token: string, { day, micros }: LocalTime): string {
  const hour = Math.floor(micros / 3600e6)
  const { year, month, day: dayOfMonth } = civilFromDays(day)
  const texts: { readonly [token: string]: () => string } = {
    YYYY: () => String(year).padStart(4, '0'),
    YYY: () => String(year % 1000).padStart(3, '0'),
    YY: () => two(year % 100),
    Y: () => String(year % 10),
    IYYY: () => String(isoWeek(day).year).padStart(4, '0'),
    MM: () => two(month),
    MONTH: () => cased(months[month - 1] as string, token),
    MON: () => cased((months[month - 1] as string).slice(0, 3), token),
    DD: () => two(dayOfMonth),
    DDD: () => String(dayOfYear(day)).padStart(3, '0'),
    D: () => String((weekday(day) % 7) + 1),
    ID: () => String(weekday(day)),
    DAY: () => cased(weekdays[weekday(day) - 1] as string, token),
    DY: () => cased((weekdays[weekday(day) - 1] as string).slice(0, 3), token),
    Q: () => String(Math.ceil(month / 3)),
    WW: () => two(Math.floor((dayOfYear(day) - 1) / 7) + 1),
    IW: () => two(isoWeek(day).week),
    J: () => String(day + 2_440_588),
    HH24: () => two(hour),
    HH12: () => two(hour % 12 === 0 ? 12 : hour % 12),
    HH: () => two(hour % 12 === 0 ? 12 : hour % 12),
    MI: () => two(Math.floor(micros / 60e6) % 60),
    SS: () => two(Math.floor(micros / 1e6) % 60),
    SSSSS: () => String(Math.floor(micros / 1e6)).padStart(5, '0'),
    MS: () => String(Math.floor(micros / 1e3) % 1000).padStart(3, '0'),
    US: () => String(micros % 1e6).padStart(6, '0'),
    AM: () => cased(hour < 12 ? 'AM' : 'PM', token),
    PM: () => cased(hour < 12 ? 'AM' : 'PM', token),
  }
  return (texts[token.toUpperCase()] as () => string)()
}

interface Parts {
  year: number
  month: number
  day: number
  dayOfYear: number | undefined
  hour: number
  minute: number
  second: number
  micros: number
  afternoon: boolean | undefined
}

/** Reads a local time by a format. */
export function parseTime(text: string, format: string): LocalTime {
  const parts: Parts = { year: 1, month: 1, day: 1, dayOfYear: undefined, hour: 0, minute: 0, second: 0, micros: 0, afternoon: undefined } // prettier-ignore
  let at = 0
  let from = 0
  const fail = (): never =>
    failValue(
      'value/cast',
      `text ${JSON.stringify(shorten(text))} does not fit the format "${shorten(format)}"`,
    )
  const literal = (count: number): void => {
    at += count
    if (at > text.length) fail()
  }
  for (const match of format.matchAll(tokenPattern)) {
    literal(match.index - from)
    from = match.index + match[0].length
    if (match[0].startsWith('"')) literal(match[0].length - 2)
    else if (match[0] !== 'FM') {
      const used = readToken(match[0], text.slice(at), parts, nextIsDigits(format, from))
      if (used === 0) fail()
      at += used
    }
  }
  literal(format.length - from)
  if (text.slice(at).trim() !== '') fail()
  return finish(parts) ?? fail()
}

/** Whether the token at a place reads digits too, so that the one before must take its exact width. */
function nextIsDigits(format: string, at: number): boolean {
  return /^(YYYY|MM|DD|HH|MI|SS|MS|US)/.test(format.slice(at))
}

function readToken(token: string, rest: string, parts: Parts, exact: boolean): number {
  const name = token.toUpperCase()
  if (name === 'MON' || name === 'MONTH') return readName(rest, months, name === 'MON' ? 3 : 9, (n) => (parts.month = n + 1)) // prettier-ignore
  if (name === 'DY' || name === 'DAY') return readName(rest, weekdays, name === 'DY' ? 3 : 9, () => 0)
  if (name === 'AM' || name === 'PM') {
    const match = /^([ap])m/i.exec(rest)
    if (match === null) return 0
    parts.afternoon = match[1]?.toLowerCase() === 'p'
    return 2
  }
  const width = name === 'YYYY' ? 4 : name === 'US' ? 6 : name === 'MS' || name === 'DDD' ? 3 : 2
  const digits = new RegExp(`^\\d{${exact ? width : 1},${name === 'YYYY' && !exact ? 6 : width}}`).exec(
    rest,
  )?.[0]
  if (digits === undefined) return 0
  const value = Number(digits)
  const set: { readonly [token: string]: () => void } = {
    YYYY: () => (parts.year = value),
    YY: () => (parts.year = value + (value < 70 ? 2000 : 1900)),
    MM: () => (parts.month = value),
    DD: () => (parts.day = value),
    DDD: () => (parts.dayOfYear = value),
    HH24: () => (parts.hour = value),
    HH12: () => (parts.hour = value),
    HH: () => (parts.hour = value),
    MI: () => (parts.minute = value),
    SS: () => (parts.second = value),
    MS: () => (parts.micros = Number(digits.padEnd(3, '0')) * 1000),
    US: () => (parts.micros = Number(digits.padEnd(6, '0'))),
  }
  const setter = set[name]
  if (setter === undefined)
    return failValue('value/invalid', `format part ${token} cannot be read, only written`)
  setter()
  return digits.length
}

function readName(rest: string, names: readonly string[], length: number, set: (n: number) => void): number {
  for (const [n, name] of names.entries()) {
    const wanted = name.slice(0, length)
    if (rest.slice(0, wanted.length).toLowerCase() !== wanted.toLowerCase()) continue
    set(n)
    return wanted.length
  }
  return 0
}

function finish(parts: Parts): LocalTime | undefined {
  const { year, month, day, minute, second, micros, afternoon } = parts
  let { hour } = parts
  if (afternoon !== undefined) {
    if (hour < 1 || hour > 12) return undefined
    hour = (hour % 12) + (afternoon ? 12 : 0)
  }
  const valid = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) && hour < 24 && minute < 60 && second < 60 // prettier-ignore
  if (!valid) return undefined
  const start = parts.dayOfYear === undefined ? daysFromCivil(year, month, day) : daysFromCivil(year, 1, 1) + parts.dayOfYear - 1 // prettier-ignore
  return { day: start, micros: ((hour * 60 + minute) * 60 + second) * 1e6 + micros }
}
