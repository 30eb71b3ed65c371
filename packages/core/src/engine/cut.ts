/**
 * A consistent cut through an execution: what every step keeps at one moment between two steps, and the way back.
 *
 * A step of the loop runs to completion, so that no row is under way at the cut: what sources have given has been pushed,
 * and what operators hold is their state. Sinks are not here: their side of an epoch is seal and prepare.
 */
import type { StatePart, StateRows } from '../checkpoint/state-file.ts'
import type { Execution } from './execution.ts'
import type { SnapshotScope } from './operator.ts'
import { sourceParts } from './source/source-state.ts'

/** The tables of one step, over all of its tasks. */
export interface StepState {
  readonly step: string
  readonly parts: readonly StatePart[]
  readonly rows: readonly StateRows[]
}

/** What the next snapshot of a step has; `since-whole` only where the step remembers that. */
export type ScopeOfStep = (step: string, remembersWhole: boolean) => SnapshotScope

/** What stands at a cut. */
export interface ExecutionCut {
  /** Steps of which something changed since the last cut. */
  readonly states: readonly StepState[]
  /** By step: the event time up to which everything has left every task of it. */
  readonly watermarks: ReadonlyMap<string, number>
  /** To be called, in any order, when the epoch is durable and delivered. */
  readonly acknowledge: readonly (() => Promise<void>)[]
}

/**
 * Takes a cut. The rows are copies: processing may go on at once.
 *
 * @param scopeOf - what the snapshot of a step has; called once per step. Undefined: nobody will write the state down, and
 * none is copied
 */
export function cutExecution(execution: Execution, scopeOf: ScopeOfStep | undefined): ExecutionCut {
  const states: StepState[] = []
  const watermarks = new Map<string, number>()
  const acknowledge: (() => Promise<void>)[] = []
  for (const source of execution.sources) {
    const cut = source.cut(scopeOf?.(source.step, false) === 'whole')
    if (cut.acknowledge !== undefined) acknowledge.push(cut.acknowledge)
    if (scopeOf !== undefined && cut.rows.length > 0)
      states.push({ step: source.step, parts: sourceParts, rows: cut.rows })
  }
  for (const [step, runners] of execution.runners) {
    watermarks.set(step, Math.min(...runners.map((runner) => runner.watermark)))
    const state = runners[0]?.operator.state
    if (state === undefined || scopeOf === undefined) continue
    const scope = scopeOf(step, state.remembersWhole === true)
    const rows = runners.flatMap(({ operator }) => operator.state?.snapshot(scope) ?? [])
    if (rows.length > 0) states.push({ step, parts: state.parts, rows })
  }
  return { states, watermarks, acknowledge }
}

/** Of a step that the earlier run did not have, such as one that planning adds: what follows it had heard so much. */
function watermarkBehind(
  execution: Execution,
  step: string,
  watermarks: ReadonlyMap<string, number>,
): number {
  const behind = Array.from(execution.nodes.values())
    .filter(({ inputs }) => inputs.some((input) => input.step === step))
    .map((node) => watermarks.get(node.step) ?? -Infinity)
  return behind.length === 0 ? -Infinity : Math.min(...behind)
}

/** Gives rows of an earlier run to the tasks of a step; before the execution runs, in the order in which they were written. */
export function restoreRows(execution: Execution, step: string, rows: StateRows): void {
  for (const source of execution.sources) if (source.step === step) source.restore(rows)
  for (const { operator } of execution.runners.get(step) ?? []) operator.state?.restore(rows)
}

/**
 * Ends a restore: what was earlier known of event time holds again.
 *
 * @param watermarks - undefined: event time stood at its end, since the run was drained, and begins anew; else every row
 * would be late
 */
export function endRestore(execution: Execution, watermarks: ReadonlyMap<string, number> | undefined): void {
  for (const [step, runners] of execution.runners) {
    for (const runner of runners) {
      runner.operator.state?.restored?.()
      if (watermarks === undefined) {
        runner.operator.state?.beginTime?.()
        continue
      }
      runner.restore(watermarks.get(step) ?? watermarkBehind(execution, step, watermarks))
    }
  }
  // Receivers have all been restored: none moves by hearing what it knows.
  for (const runners of execution.runners.values()) for (const runner of runners) runner.announce()
}
