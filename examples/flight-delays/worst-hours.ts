/** The worst hours as a table with a chart, for a terminal. Pure: rows in, text out. */

/** An hour at an airport. */
export interface WorstHour {
  readonly origin: string
  /** Milliseconds since 1970. */
  readonly window_start: number
  readonly flights: number
  /** Minutes. */
  readonly mean_delay: number
  /** Share of flights that left more than 15 minutes late. */
  readonly late_share: number
}

const BAR_WIDTH_MAX = 40

/** The table, at most `width` columns wide where that is possible at all. */
export function worstHoursTable(hours: readonly WorstHour[], width: number): string {
  const head = '  airport  hour              flights    late  mean delay'
  const room = Math.max(8, Math.min(BAR_WIDTH_MAX, width - head.length - 3))
  const longest = Math.max(1, ...hours.map(({ mean_delay: delay }) => delay))
  const lines = hours.map(({ origin, window_start: start, flights, mean_delay: delay, late_share: late }) => {
    const cells = [
      origin.padEnd(7),
      new Date(start).toISOString().slice(0, 16).replace('T', ' '),
      String(flights).padStart(7),
      `${Math.round(late * 100)} %`.padStart(6),
      `${Math.round(delay)} min`.padStart(10),
    ]
    return `  ${cells.join('  ')}  ${bar(delay / longest, room)}`.trimEnd()
  })
  return [head, ...lines].join('\n')
}

/** A bar in eighths of a character. */
function bar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, share) * width * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '')
}
