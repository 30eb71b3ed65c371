/**
 * What a run read and gave no result of: windows that were still open, timers that had not fired, rows of joins that still waited, rows that were late
 * or rejected. Found in the counters of the steps; how it is said is summary.ts and json-lines.ts. Pure.
 */
import type { LogicalNode } from '@millrace/core/plan'
import type { JobProgress, StepProgress } from '@millrace/core/runtime'

/** A step with windows that did not fire. */
export interface OpenWindows {
  readonly step: string
  /** Groups that are still open: keys of windows, each of which would have given a row. */
  readonly groups: number
}

/** A step with timers that did not fire. */
export interface PendingTimers {
  readonly step: string
  readonly timers: number
}

/** A join with rows that wait for a partner, each of which leaves alone when none can come. */
export interface WaitingRows {
  readonly step: string
  readonly rows: number
}

/** A step with rows that went another way. */
export interface StepRows {
  readonly step: string
  readonly rows: number
  /** The sinks and other steps that read them; empty: they were counted only. */
  readonly readBy: readonly string[]
}

/** The steps with windows that are still open at the end of a run. */
export function openWindows({ steps }: JobProgress): OpenWindows[] {
  return steps.flatMap(({ step, kind, watermark, stateEntries }) => {
    // At the end of the watermark every window has fired, whatever memory a step may still hold.
    if (kind !== 'window-aggregate' || watermark === Infinity) return []
    // What a first half before the exchange has not sent yet is open as well.
    const begun = steps.find((one) => one.kind === 'partial-aggregate' && one.step === `${step}/partial`)
    const groups = stateEntries + (begun?.stateEntries ?? 0)
    return groups === 0 ? [] : [{ step, groups }]
  })
}

/** The steps with timers that are set at the end of a run. */
export function pendingTimers({ steps }: JobProgress): PendingTimers[] {
  return steps.flatMap(({ step, pendingTimers: timers }) => (timers === 0 ? [] : [{ step, timers }]))
}

/** The joins with rows that still wait at the end of a run. */
export function waitingRows({ steps }: JobProgress): WaitingRows[] {
  return steps.flatMap(({ step, waitingRows: rows }) => (rows === 0 ? [] : [{ step, rows }]))
}

/** The steps with late rows. */
export function lateRows({ steps }: JobProgress, nodes: readonly LogicalNode[]): StepRows[] {
  return rowsOf(steps, nodes, { port: 'late', count: ({ lateRows: count }) => count })
}

/** The steps with rejected rows. */
export function rejectedRows({ steps }: JobProgress, nodes: readonly LogicalNode[]): StepRows[] {
  return rowsOf(steps, nodes, { port: 'rejected', count: ({ rejectedRows: count }) => count })
}

function rowsOf(
  steps: readonly StepProgress[],
  nodes: readonly LogicalNode[],
  { port, count }: { readonly port: string; readonly count: (step: StepProgress) => number },
): StepRows[] {
  return steps.flatMap((progress) => {
    const rows = count(progress)
    return rows === 0 ? [] : [{ step: progress.step, rows, readBy: readersOf(progress.step, port, nodes) }]
  })
}

/** The steps that the user has named which read a port; behind steps of Millrace's own (`name/part`) their readers. */
function readersOf(step: string, port: string, nodes: readonly LogicalNode[]): string[] {
  return nodes.flatMap((node) => {
    if (!node.inputs.some((input) => input.step === step && input.port === port)) return []
    return node.step.startsWith(`${step}/`) ? readersOf(node.step, 'main', nodes) : [node.step]
  })
}
