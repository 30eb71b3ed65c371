/**
 * The phases of a plan: its stages in groups that run one after the other, for batch runs that keep what they have
 * computed (docs/design/0004-epochs.md).
 *
 * A phase ends where rows are dealt out by key, or gathered: what comes behind waits for all of them anyway, unless it
 * fires earlier. Exchanges that only copy rows (forward, broadcast) end no phase. Pure, and the same for one plan always.
 */
import type { LogicalPlan } from './logical.ts'
import { digest } from './digest.ts'
import { ancestorsOf } from './plan-graph.ts'
import { stepsHash } from './plan-hash.ts'
import type { Exchange, PhysicalPlan, Stage } from './physical.ts'

/** Stages that run side by side. */
export interface Phase {
  readonly stages: readonly Stage[]
  /** Those within the phase: rows cross them in memory. */
  readonly exchanges: readonly Exchange[]
}

/** What the stages of one phase send to those of a later one. */
export interface Border {
  /** Numbers of phases, from 0. */
  readonly from: number
  readonly to: number
  /** The rows come to the tables of lookup joins, which are read before anything else. */
  readonly forTable: boolean
  readonly exchanges: readonly Exchange[]
}

/** A plan in phases. */
export interface PhasedPlan {
  /** At least one. */
  readonly phases: readonly Phase[]
  /** By `from`, then `to`, tables first. */
  readonly borders: readonly Border[]
}

/** Groups the stages of a plan. */
export function phasesOf(physical: PhysicalPlan): PhasedPlan {
  const stageOf = new Map(
    physical.stages.flatMap((stage) => stage.steps.map((step) => [step, stage] as const)),
  )
  const phaseOf = numberPhases(physical, stageOf)
  const at = (step: string): number => phaseOf.get(stageOf.get(step) as Stage) as number
  const phases = Array.from({ length: Math.max(0, ...phaseOf.values()) + 1 }, (_, number) => ({
    stages: physical.stages.filter((stage) => phaseOf.get(stage) === number),
    exchanges: physical.exchanges.filter(
      ({ from, to }) => at(from.step) === number && at(to.step) === number,
    ),
  }))
  return { phases, borders: bordersOf(physical, at) }
}

/** The longest way to each stage, counted in exchanges that end a phase. */
function numberPhases(
  { stages, exchanges }: PhysicalPlan,
  stageOf: ReadonlyMap<string, Stage>,
): ReadonlyMap<Stage, number> {
  const phaseOf = new Map(stages.map((stage) => [stage, 0]))
  // Each round settles at least one more stage of the longest way.
  for (let changed = true; changed;) {
    changed = false
    for (const { from, to, exchange } of exchanges) {
      const sender = phaseOf.get(stageOf.get(from.step) as Stage) as number
      const receiver = stageOf.get(to.step) as Stage
      const least = sender + (exchange.kind === 'key-group' || exchange.kind === 'gather' ? 1 : 0)
      if ((phaseOf.get(receiver) as number) >= least) continue
      phaseOf.set(receiver, least)
      changed = true
    }
  }
  return phaseOf
}

function bordersOf({ logical, exchanges }: PhysicalPlan, at: (step: string) => number): readonly Border[] {
  const beforeTables = ancestorsOf(logical, tableInputs(logical))
  const borders = new Map<string, Border & { readonly exchanges: Exchange[] }>()
  for (const exchange of exchanges) {
    const from = at(exchange.from.step)
    const to = at(exchange.to.step)
    if (from === to) continue
    const forTable = isTableInput(logical, exchange) || beforeTables.has(exchange.to.step)
    const name = `${from} ${to} ${forTable}`
    const border = borders.get(name) ?? { from, to, forTable, exchanges: [] }
    border.exchanges.push(exchange)
    borders.set(name, border)
  }
  return [...borders.values()].toSorted(
    (a, b) => a.from - b.from || a.to - b.to || Number(b.forTable) - Number(a.forTable),
  )
}

function tableInputs({ nodes }: LogicalPlan): readonly string[] {
  return nodes
    .flatMap((node) => (node.kind === 'lookup-join' ? node.inputs.slice(1) : []))
    .map(({ step }) => step)
}

function isTableInput({ nodes }: LogicalPlan, { to }: Exchange): boolean {
  return to.input === 1 && nodes.some(({ step, kind }) => step === to.step && kind === 'lookup-join')
}

/**
 * Identifies what the first `done` phases compute and how it is handed on: a run that computes the same may go on behind
 * them, whatever comes later.
 */
export function phasesHash(
  physical: PhysicalPlan,
  { phases, borders }: PhasedPlan,
  { functions, done }: { readonly functions: ReadonlyMap<string, unknown>; readonly done: number },
): string {
  const steps = new Set(phases.slice(0, done).flatMap(({ stages }) => stages.flatMap((stage) => stage.steps)))
  return digest({
    steps: stepsHash(physical.logical, functions, steps),
    borders: borders.filter(({ from }) => from < done),
    keyGroups: physical.keyGroups,
  })
}
