/**
 * Which windows a pane belongs to, as arithmetic.
 *
 * A pane is the shortest piece of time that every window either contains or does not touch: a whole tumbling window,
 * the greatest common divisor of size and slide for sliding ones (Li et al., "No pane, no gain", SIGMOD Record 2005),
 * everything for the global window. Windows are named by their end.
 */
import type { WindowSpec } from '../../plan/logical.ts'
import { checkEventTime, normalOffset, paneSize, windowStart } from '../../time/window.ts'

/** The panes of tumbling, sliding and global windows. */
export interface PaneArithmetic {
  /** Length of a window, and of a pane. */
  readonly sizeMs: number
  readonly paneMs: number
  /** From the start of one window to that of the next. */
  readonly slideMs: number
  /** Where panes and windows are counted from: the offset, in [0, slide). */
  readonly origin: number
  /** Start of the pane that contains a time. Throws `value/invalid` for what cannot be an event time. */
  paneStart(time: number): number
  /** The first window with an end after `after` that contains a pane, by its end; NaN when there is none. */
  firstEnd(paneStart: number, after: number): number
  /** The last window that contains a pane, by its end; NaN when the pane lies in a gap between windows. */
  lastEnd(paneStart: number): number
}

/** The panes of a kind of window. */
export function paneArithmetic(window: Exclude<WindowSpec, { kind: 'session' }>): PaneArithmetic {
  if (window.kind === 'global') {
    return {
      sizeMs: Infinity,
      paneMs: Infinity,
      slideMs: Infinity,
      origin: 0,
      paneStart: () => -Infinity,
      firstEnd: (_pane, after) => (after < Infinity ? Infinity : Number.NaN),
      lastEnd: () => Infinity,
    }
  }
  const { sizeMs, offsetMs } = window
  const slideMs = window.kind === 'tumbling' ? sizeMs : window.slideMs
  const paneMs = paneSize(sizeMs, slideMs)
  const offset = normalOffset(offsetMs, slideMs)
  const lastEnd = (pane: number): number => {
    const end = windowStart(pane, slideMs, offset) + sizeMs
    return end >= pane + paneMs ? end : Number.NaN
  }
  return {
    sizeMs,
    paneMs,
    slideMs,
    origin: offset,
    paneStart(time) {
      checkEventTime(time)
      return windowStart(time, paneMs, offset)
    },
    firstEnd(pane, after) {
      const last = lastEnd(pane)
      // Ends of windows that contain the pane: from its own end to `last`, in steps of the slide.
      const first = last - Math.floor((last - (pane + paneMs)) / slideMs) * slideMs
      if (first > after || last !== last) return first
      const next = first + (Math.floor((after - first) / slideMs) + 1) * slideMs
      return next <= last ? next : Number.NaN
    },
    lastEnd,
  }
}
