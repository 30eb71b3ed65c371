/**
 * A running job as lines of a terminal: pure functions from what is known to what is shown.
 *
 * The block that is redrawn on a terminal, and the one line for logs. Where it is written to, and when, is reporter.ts.
 */
import type { JobProgress, RunMode } from '@millrace/core/runtime'
import { piece } from '../report/style.ts'
import type { Line, Piece } from '../report/style.ts'
import { wrapLine } from '../report/wrapped-text.ts'
import { formatBytes, formatMs, formatRows, formatShare, formatShort, formatTime } from './quantities.ts'
import { finishingSteps, isHolding, remainingMs, shareDone } from './rates.ts'
import type { Rates } from './rates.ts'
import { jobNotices, lastEpochText, plainLife } from './job-notices.ts'
import type { JobLife } from './job-notices.ts'
import { stepTable } from './step-table.ts'

/** What is known of a job at one moment. */
export interface ProgressState {
  readonly pipeline: string
  readonly mode: RunMode
  readonly progress: JobProgress
  readonly rates: Rates
  /** The wall clock, milliseconds since 1970: the watermark's lag is counted from it. */
  readonly nowMs: number
  readonly stopping: boolean
  /** Undefined: only its counters are known. */
  readonly life?: JobLife
}

const BAR_WIDTH = 24
const BAR_WIDTH_LEAST = 6
/** `  12 min 05 s left`, and `  12 min 05 s to read`. */
const TIME_WIDTH = 18
const TIME_TO_READ_WIDTH = 21
const LAG_SHOWN_MAX_MS = 100 * 86_400_000
/** Below so many columns the last line says things more briefly. */
const ROOMY_COLUMNS = 100
/** Lines beside those of the steps: head, counters, header, watermark, the cursor's, and one of what stood before. */
const OTHER_LINES = 6

/** The block that is redrawn in place, at most `rows` lines high; the bar is as long as there is room. */
export function progressBlock(
  state: ProgressState,
  size: { readonly rows: number; readonly columns: number },
): Line[] {
  const width = size.columns - 1
  const { steps } = state.progress
  const retry = jobNotices(state.progress, state.life ?? plainLife, state.nowMs)
    .flatMap((text) => wrapLine(`  ${text}`, width).split('\n'))
    .map((text): Line => [piece(text, 'warn')])
  const epoch = epochLines(state, width)
  const lines = Math.max(3, size.rows - OTHER_LINES - retry.length - epoch.length)
  return [
    headLine(state),
    countersLine(state, width),
    ...retry,
    ...stepTable(steps, state.rates.steps, { lines, width }),
    timeLine(state, size.columns < ROOMY_COLUMNS),
    ...epoch,
  ]
}

/** One line for logs. */
export function progressLine(state: ProgressState): Line {
  const { progress, rates, pipeline } = state
  const share = shareShown(state)
  const left = share === undefined || hasPhasesAhead(state) ? undefined : remainingMs(progress, rates)
  const { phase } = progress
  const parts = [
    ...(phase === undefined
      ? [`${pipeline}: ${formatRows(progress.rowsIn)} in`]
      : [`${pipeline}: phase ${phase.number} of ${phase.of}`, `${formatRows(progress.rowsIn)} in`]),
    `${formatShort(rates.rowsIn)} rows/s`,
    ...(progress.bytesIn > 0 ? [`${formatBytes(rates.bytesIn)}/s`] : []),
    `${formatRows(progress.rowsOut)} out`,
    ...(share === undefined ? [] : [formatShare(share)]),
    ...(left === undefined ? [] : [`about ${leftText(left, progress)}`]),
    ...jobNotices(progress, state.life ?? plainLife, state.nowMs),
    ...watermarkParts(state),
    `backpressure ${formatShare(rates.backpressure)}`,
    ...(isDurable(state) ? [lastEpochText(progress, state.nowMs) ?? ''] : []),
  ].filter((part) => part !== '')
  return [piece(parts.join(', '))]
}

/** How much of the input of a batch is read; undefined where that would look like the end, and phases are to come. */
function shareShown(state: ProgressState): number | undefined {
  const share = state.mode === 'batch' ? shareDone(state.progress) : undefined
  return share === 1 && hasPhasesAhead(state) ? undefined : share
}

/** The time that reading takes, which is not the end of a run that has windows to fire behind it. */
function leftText(leftMs: number, { steps }: JobProgress): string {
  return `${formatMs(leftMs)} ${steps.some(isHolding) ? 'to read' : 'left'}`
}

/** Whether a batch in phases has others before it. */
function hasPhasesAhead({ progress: { phase } }: ProgressState): boolean {
  return phase !== undefined && phase.number < phase.of
}

/** The last epoch by phase, where epochs are kept. */
function epochLines(state: ProgressState, width: number): Line[] {
  const text = isDurable(state) ? lastEpochText(state.progress, state.nowMs) : undefined
  if (text === undefined) return []
  return wrapLine(`  ${text}`, width)
    .split('\n')
    .map((line): Line => [piece(line, 'faint')])
}

/** Whether epochs are kept: without a state directory their manifest takes no time. */
function isDurable({ mode, progress: { lastEpoch } }: ProgressState): boolean {
  return mode !== 'batch' && lastEpoch !== undefined && lastEpoch.publishMs > 0
}

function headLine({ pipeline, mode, progress, stopping }: ProgressState): Line {
  const { phase, epoch } = progress
  const inBatch = phase === undefined ? mode : `${mode}, phase ${phase.number} of ${phase.of}`
  const state = stopping ? 'stopping' : mode === 'batch' ? inBatch : `${mode}, epoch ${epoch}`
  return [
    piece(pipeline, 'strong'),
    piece(`  ${state}`, stopping ? 'warn' : 'faint'),
    piece(`  ${formatMs(progress.elapsedMs)}`),
  ]
}

function countersLine(state: ProgressState, width: number): Line {
  const { progress, rates } = state
  const line: Piece[] = [
    piece(`  ${formatRows(progress.rowsIn)}`),
    piece(`  ${formatShort(rates.rowsIn)} rows/s`, 'accent'),
  ]
  if (progress.bytesIn > 0) line.push(piece(`  ${formatBytes(rates.bytesIn)}/s`, 'accent'))
  const share = shareShown(state)
  if (share !== undefined) {
    const left = hasPhasesAhead(state) ? undefined : remainingMs(progress, rates)
    const percent = ` ${formatShare(share).padStart(5)}`
    const time = left !== undefined && share < 1 ? `  ${leftText(left, progress)}` : ''
    const used = sum(line.map(({ text }) => text.length)) + 2 + percent.length
    // Room is kept for the longest time, so that the bar does not jump.
    const timeWidth = progress.steps.some(isHolding) ? TIME_TO_READ_WIDTH : TIME_WIDTH
    const room = Math.min(BAR_WIDTH, width - used - timeWidth)
    if (room >= BAR_WIDTH_LEAST) line.push(piece('  '), ...bar(share, room))
    line.push(piece(percent), piece(time, 'faint'))
  }
  return line
}

/** A bar with eighths of a character at its end. */
export function bar(share: number, width: number = BAR_WIDTH): Piece[] {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8))
  const part = eighths % 8 === 0 ? '' : (' ▏▎▍▌▋▊▉'[eighths % 8] ?? '')
  const done = full + part
  return [piece(done, 'good'), piece('░'.repeat(Math.max(0, width - done.length)), 'faint')]
}

function timeLine(state: ProgressState, isBrief: boolean): Line {
  const parts = [...watermarkParts(state, isBrief), `backpressure ${formatShare(state.rates.backpressure)}`]
  return [piece(`  ${parts.join('   ')}`, 'faint')]
}

function watermarkParts(state: ProgressState, isBrief: boolean = false): string[] {
  const { progress, nowMs, mode } = state
  const { watermark } = progress
  if (watermark === Infinity && hasPhasesAhead(state)) return []
  if (watermark === Infinity)
    return mode === 'batch'
      ? ['all input read', ...finishingParts(progress, isBrief)]
      : ['watermark at its end']
  if (watermark === -Infinity) return mode === 'batch' ? [] : ['no watermark yet']
  // Of input that is all there already, how long ago it happened is no lag.
  if (mode === 'batch') return [`event time ${formatTime(watermark)}`]
  const lagMs = nowMs - watermark
  // History that is read again is not late by years.
  if (lagMs > LAG_SHOWN_MAX_MS) return [`watermark ${formatTime(watermark)}`]
  const clock = isBrief ? '' : ' the clock'
  const lag =
    lagMs >= 0
      ? `${formatMs(lagMs)} behind${clock}`
      : `${formatMs(-lagMs)} ahead${isBrief ? '' : ' of'}${clock}`
  return [`watermark ${formatTime(watermark)} (${lag})`]
}

/** What keeps a batch at work whose input is all read. */
function finishingParts(progress: JobProgress, isBrief: boolean): string[] {
  const [first, ...others] = finishingSteps(progress)
  if (first === undefined) return []
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return [isBrief ? 'finishing windows' : `finishing the windows of "${first}"${more}`]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
