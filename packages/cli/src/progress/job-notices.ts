/**
 * What is worth a line of its own while a job runs: sinks that wait for their targets, commits that are tried again, epochs that take longer than their
 * interval, failures after which the job has started again. Pure.
 */
import type { EpochPhases, JobFailure, JobProgress, JobState, SinkWait } from '@millrace/core/runtime'
import { formatBytes, formatCount, formatMs, formatTime } from './quantities.ts'

/** What is known of a job besides its counters. */
export interface JobLife {
  readonly state: JobState
  readonly failures: readonly JobFailure[]
  /** How often epochs are to be made; undefined: not by the clock. */
  readonly epochIntervalMs?: number | undefined
}

/** A job of which only counters are known. */
export const plainLife: JobLife = { state: 'running', failures: [] }

/** The notices, each a sentence without its full stop; `nowMs` is the wall clock. */
export function jobNotices(progress: JobProgress, life: JobLife, nowMs: number): readonly string[] {
  const waits = progress.waiting?.map((wait) => waitNotice(wait, nowMs)) ?? []
  return [...retryNotice(progress), ...waits, ...slowNotice(progress, life), ...failureNotice(life)]
}

/** A commit that is tried again: why rows that were read do not appear. */
function retryNotice({ retrying }: JobProgress): readonly string[] {
  if (retrying === undefined) return []
  const { step, tries, reason } = retrying
  return [
    `"${step}" could not commit yet (${tries === 1 ? 'once' : `${formatCount(tries)} times`}), trying again: ${reason}`,
  ]
}

/** A sink that waits for its target: why rows that were read do not come out, and soon none are read. */
function waitNotice({ step, doing, target, reason, sinceMs }: SinkWait, nowMs: number): string {
  const what = doing === undefined ? '' : ` (${doing})`
  const place = target === undefined ? '' : ` for ${target}`
  const why = reason === undefined ? '' : `: ${reason}`
  return `"${step}" has waited ${formatMs(Math.max(0, nowMs - sinceMs))}${place}${what}${why}`
}

function slowNotice({ lastEpoch }: JobProgress, { epochIntervalMs }: JobLife): readonly string[] {
  if (lastEpoch === undefined || epochIntervalMs === undefined) return []
  const madeMs = lastEpoch.alignMs + lastEpoch.copyMs + lastEpoch.writeMs + lastEpoch.publishMs
  const tookMs = Math.max(madeMs, lastEpoch.commitMs)
  if (tookMs <= epochIntervalMs) return []
  return [
    `epochs take longer than their interval of ${formatMs(epochIntervalMs)}: the last one ${phasesText(lastEpoch)}`,
  ]
}

function failureNotice({ state, failures }: JobLife): readonly string[] {
  const last = failures.at(-1)
  if (last === undefined) return []
  const times = last.number === 1 ? 'failed once' : `failed ${formatCount(last.number)} times`
  const then =
    state === 'waiting' ? 'about to start again' : state === 'failed' ? 'given up' : 'started again'
  return [`${times}, the last time at ${formatTime(last.atMs)}, ${then}: ${failureText(last)}`]
}

/** A failure in one line. */
export function failureText({ error }: JobFailure): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0] ?? ''
}

/** `epoch 41, 0.4 s ago: align 3 ms, copy 2 ms, …`; undefined before the first. */
export function lastEpochText({ lastEpoch }: JobProgress, nowMs: number): string | undefined {
  if (lastEpoch === undefined) return undefined
  return `epoch ${formatCount(lastEpoch.epoch)} delivered ${formatMs(Math.max(0, nowMs - lastEpoch.deliveredAtMs))} ago: ${phasesText(lastEpoch)}`
}

function phasesText({ alignMs, copyMs, writeMs, publishMs, commitMs, stateBytes }: EpochPhases): string {
  const state = stateBytes > 0 ? `, ${formatBytes(stateBytes)} of state` : ''
  return `align ${formatMs(alignMs)}, copy ${formatMs(copyMs)}, write ${formatMs(writeMs)}, publish ${formatMs(publishMs)}, commit ${formatMs(commitMs)}${state}`
}
