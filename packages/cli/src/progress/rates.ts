/**
 * Rates out of snapshots: what happened in the last few seconds, per second.
 *
 * Over a window rather than between two snapshots: a rate that jumps with every redraw cannot be read.
 */
import type { JobProgress, StepProgress } from '@millrace/core/runtime'

/** Per second, over the window. */
export interface Rates {
  readonly rowsIn: number
  readonly bytesIn: number
  readonly rowsOut: number
  /** Share of the window in which sinks kept sources from reading, 0 to 1. */
  readonly backpressure: number
  /** Rows into each step, by name. */
  readonly steps: ReadonlyMap<string, number>
}

const WINDOW_MS = 3000

/** Remembers snapshots for as long as rates need them. */
export class RateWindow {
  /** Undefined: the start of the run, at which everything was 0. */
  private readonly snapshots: (JobProgress | undefined)[] = [undefined]

  /** Takes a snapshot and gives the rates up to it. */
  add(progress: JobProgress): Rates {
    this.snapshots.push(progress)
    // The newest snapshot that is old enough stays, so that the window is never shorter than asked for.
    while ((this.snapshots[1]?.elapsedMs ?? Infinity) <= progress.elapsedMs - WINDOW_MS)
      this.snapshots.shift()
    return ratesBetween(this.snapshots[0], progress)
  }
}

/** The rates between two snapshots; without an earlier one, since the start of the run. */
export function ratesBetween(earlier: JobProgress | undefined, later: JobProgress): Rates {
  const spanMs = later.elapsedMs - (earlier?.elapsedMs ?? 0)
  const perSecond = (now: number, before: number | undefined): number =>
    spanMs <= 0 ? 0 : Math.max(0, ((now - (before ?? 0)) / spanMs) * 1000)
  const before = new Map(earlier?.steps.map((step) => [step.step, step.rowsIn]))
  const blockedMs = later.backpressure * later.elapsedMs
  const blockedBefore = (earlier?.backpressure ?? 0) * (earlier?.elapsedMs ?? 0)
  return {
    rowsIn: perSecond(later.rowsIn, earlier?.rowsIn),
    bytesIn: perSecond(later.bytesIn, earlier?.bytesIn),
    rowsOut: perSecond(later.rowsOut, earlier?.rowsOut),
    backpressure: spanMs <= 0 ? 0 : clamp((blockedMs - blockedBefore) / spanMs),
    steps: new Map(later.steps.map((step) => [step.step, perSecond(step.rowsIn, before.get(step.step))])),
  }
}

/** Share of a bounded input that was read, 0 to 1; undefined when its size is not known, or later phases are at work. */
export function shareDone(progress: JobProgress): number | undefined {
  const { bytesIn, bytesTotal, rowsIn, rowsTotal, phase } = progress
  if (phase !== undefined && phase.number > 1) return undefined
  if (bytesTotal !== undefined && bytesTotal > 0) return clamp(bytesIn / bytesTotal)
  if (rowsTotal !== undefined && rowsTotal > 0) return clamp(rowsIn / rowsTotal)
  return undefined
}

/**
 * Milliseconds until a bounded input is read, at the rates of the window; undefined when that cannot be told, and when
 * it is read: what is done behind it has no known size.
 */
export function remainingMs(progress: JobProgress, rates: Rates): number | undefined {
  const { bytesIn, bytesTotal, rowsIn, rowsTotal, watermark } = progress
  if (watermark === Infinity) return undefined
  if (bytesTotal !== undefined && bytesTotal > 0) return remaining(bytesTotal - bytesIn, rates.bytesIn)
  if (rowsTotal !== undefined && rowsTotal > 0) return remaining(rowsTotal - rowsIn, rates.rowsIn)
  return undefined
}

/**
 * The steps of a batch whose windows are being fired when all its input is read. Of a batch in phases none: its later
 * phases still read what the first has sealed.
 */
export function finishingSteps({ watermark, phase, steps }: JobProgress): readonly string[] {
  return watermark === Infinity && phase === undefined ? steps.filter(isHolding).map(({ step }) => step) : []
}

/** Whether a step holds windows that fire later: until then the run is not over, also when all input is read. */
export function isHolding({ kind, watermark, stateEntries }: StepProgress): boolean {
  return kind === 'window-aggregate' && watermark !== Infinity && stateEntries > 0
}

function remaining(left: number, rate: number): number | undefined {
  return rate > 0 ? (Math.max(0, left) / rate) * 1000 : undefined
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
