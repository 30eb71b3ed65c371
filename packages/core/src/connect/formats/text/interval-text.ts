/**
 * Intervals as ISO 8601 durations: `P1Y2M3DT4H5M6.789S`, signs allowed at every part as PostgreSQL writes them.
 */
import type { Interval } from '../../../data/type.ts'

const pattern =
  /^P(?=.)(?:([+-]?\d+)Y)?(?:([+-]?\d+)M)?(?:([+-]?\d+)W)?(?:([+-]?\d+)D)?(?:T(?=.)(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?)(\d+)(?:\.(\d{1,6})\d*)?S)?)?$/

/** Reads a duration, or gives undefined when the text is none or a part leaves its range. */
export function parseIsoInterval(text: string): Interval | undefined {
  const match = text.length <= 100 ? pattern.exec(text) : null
  if (match === null) return undefined
  const part = (index: number): number => Number(match[index] ?? '0')
  const months = part(1) * 12 + part(2)
  const days = part(3) * 7 + part(4)
  const sign = match[7] === '-' ? -1 : 1
  const fraction = Number((match[9] ?? '').padEnd(6, '0'))
  const micros = part(5) * 3_600_000_000 + part(6) * 60_000_000 + sign * (part(8) * 1_000_000 + fraction)
  const interval = { months: months + 0, days: days + 0, micros: micros + 0 }
  return isInterval(interval) ? interval : undefined
}

/** Tells whether the parts are whole and within their ranges: 32 bits, 32 bits, a safe integer. */
export function isInterval({ months, days, micros }: Interval): boolean {
  return (months | 0) === months && (days | 0) === days && Number.isSafeInteger(micros)
}

/** Writes an interval: `P14M3DT4.5S`; `PT0S` when all its parts are 0. */
export function formatIsoInterval({ months, days, micros }: Interval): string {
  const date = `${months === 0 ? '' : `${months}M`}${days === 0 ? '' : `${days}D`}`
  if (micros === 0) return date === '' ? 'PT0S' : `P${date}`
  const magnitude = Math.abs(micros)
  const seconds = Math.floor(magnitude / 1_000_000)
  const rest = magnitude - seconds * 1_000_000
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(6, '0').replace(/0+$/, '')}`
  return `P${date}T${micros < 0 ? '-' : ''}${seconds}${fraction}S`
}
