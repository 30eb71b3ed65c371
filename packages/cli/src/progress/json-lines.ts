/**
 * What `millrace run --json` writes: one object per line, with a `type`. Part of the command's contract: fields are
 * added, never changed.
 */
import { isMillraceError } from '@millrace/core/errors'
import type { JobFailure, JobProgress, JobResult, RunMode } from '@millrace/core/runtime'
import { causesOf } from '../report/error-causes.ts'
import { openWindows, pendingTimers, waitingRows } from '../report/left-behind.ts'
import { failureText } from './job-notices.ts'
import type { JobLife } from './job-notices.ts'
import { finishingSteps } from './rates.ts'
import type { Rates } from './rates.ts'

/** A line as an object. */
export interface JsonLine {
  readonly type: 'start' | 'progress' | 'end' | 'error'
  readonly [field: string]: unknown
}

/** The line of a snapshot. */
export function progressRecord(
  progress: JobProgress,
  rates: Rates,
  about?: { readonly life: JobLife; readonly nowMs: number; readonly mode?: RunMode },
): JsonLine {
  const finishing = about?.mode === 'batch' ? finishingSteps(progress) : []
  return {
    type: 'progress',
    ...progressFields(progress),
    ...(about === undefined ? {} : lifeFields(progress, about)),
    ...(finishing.length === 0 ? {} : { finishing }),
    rates: {
      rowsIn: rounded(rates.rowsIn),
      bytesIn: rounded(rates.bytesIn),
      rowsOut: rounded(rates.rowsOut),
      backpressure: rounded(rates.backpressure),
    },
  }
}

/** The state of the job, its failures, and how long ago the last epoch was delivered. */
function lifeFields(
  { lastEpoch }: JobProgress,
  { life, nowMs }: { readonly life: JobLife; readonly nowMs: number },
): { readonly [field: string]: unknown } {
  return {
    state: life.state,
    ...(lastEpoch === undefined ? {} : { lastEpochAgeMs: Math.max(0, nowMs - lastEpoch.deliveredAtMs) }),
    failures: failureRecords(life.failures),
  }
}

function failureRecords(failures: readonly JobFailure[]): readonly object[] {
  return failures.map((failure) => ({
    number: failure.number,
    atMs: failure.atMs,
    code: isMillraceError(failure.error) ? failure.error.code : null,
    message: failureText(failure),
    ...causeFields(failure.error),
  }))
}

/** Why it failed, the nearest cause first; nothing where nobody knows. */
function causeFields(error: unknown): { readonly causes?: readonly object[] } {
  const causes = causesOf(error).map((cause) => ({ code: codeOf(cause), message: firstLine(cause) }))
  return causes.length === 0 ? {} : { causes }
}

/** Ours, or that of the system, such as ENOSPC. */
function codeOf(error: unknown): string | null {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
  return typeof code === 'string' ? code : null
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0] ?? ''
}

/** The last line of a run that ended well. */
export function endRecord(result: JobResult, failures: readonly JobFailure[] = []): JsonLine {
  return {
    type: 'end',
    end: result.end,
    ...(result.start === undefined ? {} : { start: result.start }),
    failures: failureRecords(failures),
    ...progressFields(result.progress),
    openWindows: openWindows(result.progress),
    pendingTimers: pendingTimers(result.progress),
    waitingRows: waitingRows(result.progress),
  }
}

/** The last line of a run that failed. */
export function errorRecord(error: unknown): JsonLine {
  if (!isMillraceError(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return { type: 'error', code: null, message, ...causeFields(error) }
  }
  const { code, domain, retry, what, detail, hint, step, place, message } = error
  const fields = { type: 'error', code, domain, retry, what, detail, hint, step, place, message } as const
  return { ...fields, ...causeFields(error) }
}

/** An object as its line. */
export function jsonLine(record: object): string {
  return `${JSON.stringify(record)}\n`
}

/** Counters as they are; watermarks as milliseconds, null before the first, "end" at the end. */
function progressFields(progress: JobProgress): { readonly [field: string]: unknown } {
  return {
    ...progress,
    elapsedMs: rounded(progress.elapsedMs),
    cpuMs: rounded(progress.cpuMs),
    backpressure: rounded(progress.backpressure),
    watermark: watermarkField(progress.watermark),
    steps: progress.steps.map((step) => ({ ...step, watermark: watermarkField(step.watermark) })),
  }
}

/** To a thousandth: what a clock says beyond that is noise. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

function watermarkField(watermark: number): number | 'end' | null {
  if (watermark === Infinity) return 'end'
  return Number.isFinite(watermark) ? watermark : null
}
