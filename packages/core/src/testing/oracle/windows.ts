/**
 * Windows and what falls into them, the long way: every row is held against every window near it.
 */
import type { WindowSpec } from '../../plan/index.ts'
import type { OracleRow } from './relation.ts'

/** A window with the rows of one key that are in it. */
export interface FilledWindow {
  readonly start: number
  readonly end: number
  readonly rows: readonly OracleRow[]
}

/** The windows of one key, and the rows that came too late for all windows they fall into. */
export interface Windowed {
  readonly windows: readonly FilledWindow[]
  readonly late: readonly OracleRow[]
}

/** Whether a window takes rows no more. */
export type IsOver = (row: OracleRow, end: number) => boolean

/** Puts the rows of one key, as they came, into windows. */
export function windowed(window: WindowSpec, rows: readonly OracleRow[], isOver: IsOver): Windowed {
  return window.kind === 'session' ? sessions(window.gapMs, rows, isOver) : fixed(window, rows, isOver)
}

function fixed(
  window: Exclude<WindowSpec, { kind: 'session' }>,
  rows: readonly OracleRow[],
  isOver: IsOver,
): Windowed {
  const filled = new Map<number, { start: number; end: number; rows: OracleRow[] }>()
  const late: OracleRow[] = []
  for (const row of rows) {
    const all = windowsAround(window, row.eventTime ?? 0)
    const open = all.filter(({ end }) => !isOver(row, end))
    if (all.length > 0 && open.length === 0) late.push(row)
    for (const { start, end } of open) {
      const one = filled.get(start) ?? { start, end, rows: [] }
      filled.set(start, one)
      one.rows.push(row)
    }
  }
  return { windows: [...filled.values()], late }
}

/** All windows that contain a time: the start belongs to a window, the end does not. */
function windowsAround(
  window: Exclude<WindowSpec, { kind: 'session' }>,
  time: number,
): readonly { readonly start: number; readonly end: number }[] {
  if (window.kind === 'global') return [{ start: -Infinity, end: Infinity }]
  const slide = window.kind === 'tumbling' ? window.sizeMs : window.slideMs
  const windows: { start: number; end: number }[] = []
  // The last start that is not behind the time; those before it follow at every slide.
  let start = window.offsetMs + Math.floor((time - window.offsetMs) / slide) * slide
  for (; time < start + window.sizeMs; start -= slide) windows.push({ start, end: start + window.sizeMs })
  return windows
}

interface Session {
  readonly first: number
  readonly last: number
  readonly rows: readonly OracleRow[]
}

/**
 * Rows that follow each other within the gap, a row exactly one gap later included. Lateness is judged on the merged
 * window: a row that touches a session which still takes rows is never late.
 */
function sessions(gapMs: number, rows: readonly OracleRow[], isOver: IsOver): Windowed {
  const closed: Session[] = []
  const late: OracleRow[] = []
  let open: Session[] = []
  for (const row of rows) {
    const time = row.eventTime ?? 0
    // A row at the very end still belongs to a session, so that it is over only when its end has passed.
    const isClosed = ({ last }: Session): boolean => isOver(row, last + gapMs + 1)
    closed.push(...open.filter(isClosed))
    open = open.filter((session) => !isClosed(session))
    const touched = open.filter(({ first, last }) => time >= first - gapMs && time <= last + gapMs)
    if (touched.length === 0 && isOver(row, time + gapMs)) {
      late.push(row)
      continue
    }
    open = open.filter((session) => !touched.includes(session))
    open.push({
      first: Math.min(time, ...touched.map(({ first }) => first)),
      last: Math.max(time, ...touched.map(({ last }) => last)),
      rows: [...touched.flatMap((session) => session.rows), row],
    })
  }
  const windows = [...closed, ...open].map(({ first, last, rows: inside }) => ({
    start: first,
    end: last + gapMs,
    rows: inside,
  }))
  return { windows, late }
}
