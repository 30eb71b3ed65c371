/**
 * PostgreSQL's patterns of to_char and to_timestamp for dates and times.
 *
 * Source: PostgreSQL 18 documentation, tables 9.27 and 9.28. Not read or written: FX, TM and SP.
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

/**
 * Text in double quotes, or a pattern with its modifiers: FM before it drops the filling of this one, TH or th behind it
 * makes an ordinal number. Longest first, so that `HH24` is not read as `HH`. Patterns are in any case.
 */
const tokenPattern =
  /"([^"]*)"|(FM)?(Y,YYY|YYYY|IYYY|MONTH|HH24|HH12|SSSSS|A\.D\.|B\.C\.|A\.M\.|P\.M\.|SSSS|IDDD|IYY|MON|DAY|DDD|YYY|FF[1-6]|TZH|TZM|DD|DY|YY|IY|MM|HH|MI|SS|MS|US|AM|PM|AD|BC|CC|RM|WW|IW|ID|TZ|OF|Q|D|I|J|W|Y)(TH)?/gi

/** A format cut into literal text and functions. */
type FormatPart = string | Writer

/** Writes what a pattern says. */
type Writer = (date: CalendarDay, micros: number, zoned: boolean) => string

/** Formats that are kept cut up; they are constants of pipelines, so there are few. */
const FORMATS_MAX = 100
const formats = new Map<string, readonly FormatPart[]>()

/** Formats a local time; `zoned` says that it is one of UTC, not of an unknown place. */
export function formatTime(time: LocalTime, format: string, zoned: boolean): string {
  let parts = formats.get(format)
  if (parts === undefined) {
    parts = formatParts(format)
    if (formats.size >= FORMATS_MAX) formats.clear()
    formats.set(format, parts)
  }
  const date = calendarDay(time.day)
  let text = ''
  for (const part of parts) text += typeof part === 'string' ? part : part(date, time.micros, zoned)
  return text
}

function formatParts(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = []
  let from = 0
  for (const match of format.matchAll(tokenPattern)) {
    const [all, quoted, noFill, token = '', ordinal] = match
    parts.push(format.slice(from, match.index), quoted ?? tokenPart(token, noFill !== undefined, ordinal))
    from = match.index + all.length
  }
  parts.push(format.slice(from))
  return parts.filter((part) => part !== '')
}

function tokenPart(token: string, noFill: boolean, ordinal: string | undefined): FormatPart {
  const write = writerOf(token)
  const isCut = noFill && !/^[MU]S$/i.test(token)
  if (!isCut && ordinal === undefined) return write
  return (date, micros, zoned) => {
    const text = write(date, micros, zoned)
    const shown = isCut ? text.trimEnd().replace(/^0+(?=\d)/, '') : text
    return ordinal === undefined ? shown : shown + ordinalEnding(shown, ordinal)
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function three(value: number): string {
  return String(value).padStart(3, '0')
}

/** `st`, `nd`, `rd` or `th` of a number, in the case of the pattern; nothing for text. */
function ordinalEnding(shown: string, written: string): string {
  const match = /(\d?)(\d)$/.exec(shown)
  if (match === null) return ''
  const ending = match[1] === '1' ? 'th' : (['th', 'st', 'nd', 'rd'][Number(match[2])] ?? 'th')
  return written.startsWith('T') ? ending.toUpperCase() : ending
}

/** A name in the case of its token: MON, Mon or mon. */
function cased(name: string, token: string): string {
  if (token === token.toLowerCase()) return name.toLowerCase()
  return token.slice(1) === token.slice(1).toLowerCase() ? name : name.toUpperCase()
}

const romanMonths = ['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII']

/** What a pattern of the calendar says. */
const dateTexts: { readonly [token: string]: (date: CalendarDay) => string } = {
  YYYY: ({ year }) => String(year).padStart(4, '0'),
  'Y,YYY': ({ year }) => `${Math.floor(year / 1000)},${three(year % 1000)}`,
  YYY: ({ year }) => three(year % 1000),
  YY: ({ year }) => two(year % 100),
  Y: ({ year }) => String(year % 10),
  IYYY: ({ day }) => String(isoYearOf(day)).padStart(4, '0'),
  IYY: ({ day }) => three(isoYearOf(day) % 1000),
  IY: ({ day }) => two(isoYearOf(day) % 100),
  I: ({ day }) => String(isoYearOf(day) % 10),
  CC: ({ year, isAfter }) => (isAfter ? two(Math.ceil(year / 100)) : `-${two(Math.ceil(year / 100))}`),
  AD: ({ isAfter }) => (isAfter ? 'AD' : 'BC'),
  'A.D.': ({ isAfter }) => (isAfter ? 'A.D.' : 'B.C.'),
  MM: ({ month }) => two(month),
  MONTH: ({ month }) => (months[month - 1] as string).padEnd(9),
  MON: ({ month }) => (months[month - 1] as string).slice(0, 3),
  RM: ({ month }) => (romanMonths[month - 1] as string).padEnd(4),
  Q: ({ month }) => String(Math.ceil(month / 3)),
  DD: ({ dayOfMonth }) => two(dayOfMonth),
  W: ({ dayOfMonth }) => String(Math.floor((dayOfMonth - 1) / 7) + 1),
  DDD: ({ day }) => three(dayOfYear(day)),
  IDDD: ({ day }) => three((isoWeek(day).week - 1) * 7 + weekday(day)),
  D: ({ day }) => String((weekday(day) % 7) + 1),
  ID: ({ day }) => String(weekday(day)),
  DAY: ({ day }) => (weekdays[weekday(day) - 1] as string).padEnd(9),
  DY: ({ day }) => (weekdays[weekday(day) - 1] as string).slice(0, 3),
  WW: ({ day }) => two(Math.floor((dayOfYear(day) - 1) / 7) + 1),
  IW: ({ day }) => two(isoWeek(day).week),
  J: ({ day }) => String(day + 2_440_588),
}

/** What a pattern of the clock says, of the microseconds of the day. */
const clockTexts: { readonly [token: string]: (micros: number) => string } = {
  HH24: (micros) => two(Math.floor(micros / 3600e6)),
  HH12: (micros) => two(((Math.floor(micros / 3600e6) + 11) % 12) + 1),
  MI: (micros) => two(Math.floor(micros / 60e6) % 60),
  SS: (micros) => two(Math.floor(micros / 1e6) % 60),
  SSSSS: (micros) => String(Math.floor(micros / 1e6)),
  MS: (micros) => three(Math.floor(micros / 1e3) % 1000),
  US: (micros) => String(micros % 1e6).padStart(6, '0'),
  AM: (micros) => (micros < 43_200e6 ? 'AM' : 'PM'),
  'A.M.': (micros) => (micros < 43_200e6 ? 'A.M.' : 'P.M.'),
}

const zoneTexts: { readonly [token: string]: string } = { TZ: 'UTC', TZH: '+00', TZM: '00', OF: '+00' }

/** Patterns that say the same as another. */
const sameTokens: { readonly [token: string]: string } = {
  HH: 'HH12', SSSS: 'SSSSS', PM: 'AM', 'P.M.': 'A.M.', BC: 'AD', 'B.C.': 'A.D.',
} // prettier-ignore

interface CalendarDay {
  readonly day: number
  /** From 1, on both sides of the year 1. */
  readonly year: number
  /** Whether the day is after the birth of Christ, as the calendar has it. */
  readonly isAfter: boolean
  readonly month: number
  readonly dayOfMonth: number
}

function calendarDay(day: number): CalendarDay {
  const { year, month, day: dayOfMonth } = civilFromDays(day)
  return { day, year: withoutZero(year), isAfter: year > 0, month, dayOfMonth }
}

function isoYearOf(day: number): number {
  return withoutZero(isoWeek(day).year)
}

/** Counts 1 BC, which the calendar has as 0, as 1. */
function withoutZero(year: number): number {
  return year > 0 ? year : 1 - year
}

/** The writer of a pattern as it is written: names follow its case. */
function writerOf(written: string): Writer {
  const upper = written.toUpperCase()
  const token = sameTokens[upper] ?? upper
  const write = plainWriter(token)
  const isName = /^(A|B|D[AY]|MON|RM|TZ)/.test(token)
  return isName ? (date, micros, zoned) => cased(write(date, micros, zoned), written) : write
}

function plainWriter(token: string): Writer {
  const clock = clockTexts[token]
  if (clock !== undefined) return (_, micros) => clock(micros)
  if (token.startsWith('FF')) return (_, micros) => String(micros % 1e6).padStart(6, '0').slice(0, Number(token[2])) // prettier-ignore
  const zone = zoneTexts[token]
  return zone === undefined ? (dateTexts[token] as Writer) : (_, _micros, zoned) => (zoned ? zone : '')
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
    const [, quoted, , token] = match
    if (quoted !== undefined) literal(quoted.length)
    else {
      const used = readToken(token as string, text.slice(at), parts, nextIsDigits(format, from))
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
  return /^(YYYY|MM|DD|HH|MI|SS|MS|US)/i.test(format.slice(at))
}

function readToken(token: string, rest: string, parts: Parts, exact: boolean): number {
  const name = token.toUpperCase()
  if (name === 'MON' || name === 'MONTH') return readName(rest, months, name === 'MON' ? 3 : 9, (n) => (parts.month = n + 1)) // prettier-ignore
  if (name === 'DY' || name === 'DAY') return readName(rest, weekdays, name === 'DY' ? 3 : 9, () => 0)
  if (/^[AP]\.?M/.test(name)) {
    const match = /^([ap])(m|\.m\.)/i.exec(rest)
    if (match === null) return 0
    parts.afternoon = match[1]?.toLowerCase() === 'p'
    return match[0].length
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
  const daysOfYear = daysFromCivil(year + 1, 1, 1) - daysFromCivil(year, 1, 1)
  if (!valid || (parts.dayOfYear !== undefined && (parts.dayOfYear < 1 || parts.dayOfYear > daysOfYear)))
    return undefined
  const start = parts.dayOfYear === undefined ? daysFromCivil(year, month, day) : daysFromCivil(year, 1, 1) + parts.dayOfYear - 1 // prettier-ignore
  return { day: start, micros: ((hour * 60 + minute) * 60 + second) * 1e6 + micros }
}
