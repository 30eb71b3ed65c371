/** Numbers as people read them. Pure, the same on every machine: no locale is asked. */

/** `1,234,567`. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `1 row`, `1,234 rows`. */
export function formatRows(rows: number): string {
  return `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`
}

/** `999`, `12.3 k`, `4.56 M`: three digits and a unit. */
export function formatShort(value: number): string {
  return scaled(value, 1000, ['', ' k', ' M', ' G', ' T'])
}

/** `512 B`, `12.3 kB`, `4.56 GB`, by powers of 1000. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1000, [' B', ' kB', ' MB', ' GB', ' TB', ' PB'])
}

/** `350 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`, `3 d 4 h`. */
export function formatMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`
  const hours = Math.round(seconds / 3600)
  const days = Math.floor(hours / 24)
  return days < 100 ? `${days} d ${hours % 24} h` : `${formatCount(days)} d`
}

/** `42 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** `2001-03-01T05:00Z`, with seconds and milliseconds only where they are not 0. */
export function formatTime(ms: number): string {
  const limit = 8.64e15
  if (!(Math.abs(ms) <= limit)) return String(ms)
  return new Date(ms).toISOString().replace(/(:00)?\.000Z$/, 'Z')
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let rest = value
  let unit = 0
  while (rounded(rest) >= base && unit < units.length - 1) {
    rest /= base
    unit++
  }
  return `${rounded(rest, unit > 0)}${units[unit] ?? ''}`
}

function rounded(value: number, fraction: boolean = false): number {
  if (!fraction) return Math.round(value)
  return Number(value.toPrecision(3))
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
