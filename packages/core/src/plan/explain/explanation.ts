/**
 * What a plan does, in words a newcomer understands: the data that text, JSON and Mermaid are made from.
 *
 * Plain data, and itself the JSON form: stages with their steps, what each step does, what it keeps and what bounds
 * that, and how rows get from stage to stage.
 */
import { assert } from '../../errors.ts'
import { planHash, stateHash } from '../plan-hash.ts'
import type { BuiltPlan, LogicalPlan } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { nodesByStep, tableSources } from '../plan-graph.ts'
import { optimizePlan } from '../optimize.ts'
import type { Exchange, PhysicalPlan } from '../physical.ts'
import { phasesOf } from '../phases.ts'
import { planPhysical } from '../plan-physical.ts'
import type { PhysicalOptions } from '../plan-physical.ts'
import { describeStep } from './describe-step.ts'
import type { StepDescription } from './step-description.ts'

/** A step as it is explained. */
export interface ExplainedStep extends StepDescription {
  readonly step: string
  readonly kind: string
  /** The steps that were merged into this one, when there were several. */
  readonly merged: readonly string[]
  /** What it reads: steps, and `step.port` for other outputs than the main one. */
  readonly inputs: readonly string[]
}

/** How rows come into a stage. */
export interface ExplainedExchange {
  readonly from: string
  readonly to: string
  /** In words: `rows with the same origin go to one task`. */
  readonly how: string
}

/** A stage as it is explained. */
export interface ExplainedStage {
  readonly stage: number
  readonly tasks: number
  readonly receives: readonly ExplainedExchange[]
  readonly steps: readonly ExplainedStep[]
}

/** A whole plan as it is explained. */
export interface Explanation {
  readonly pipeline: string
  readonly planHash: string
  readonly stateHash: string
  readonly keyGroups: number
  /** The stages of each phase, in which a batch with a state directory runs, one after the other. */
  readonly phases: readonly (readonly number[])[]
  readonly stages: readonly ExplainedStage[]
}

/** Explains a built pipeline as it will run. Without its sources it does not tell what they can skip. */
export function explain(
  built: Pick<BuiltPlan, 'plan'> & Partial<Pick<BuiltPlan, 'bindings'>>,
  options: PhysicalOptions = {},
): Explanation {
  const physical = planPhysical(optimizePlan(built.plan, built.bindings?.sources), options)
  return explainPhysical(physical, built.plan)
}

/** Explains a physical plan; `original` is the plan before rewriting, to say what was left out. */
function explainPhysical(physical: PhysicalPlan, original: LogicalPlan): Explanation {
  const { logical, keyGroups } = physical
  const nodes = nodesByStep(logical)
  const surroundings = { nodes, originals: nodesByStep(original), tables: tableSources(logical) }
  return {
    pipeline: logical.name,
    planHash: planHash(logical),
    stateHash: stateHash(logical),
    keyGroups,
    phases: phasesOf(physical).phases.map(({ stages }) => stages.map(({ id }) => id)),
    stages: physical.stages.map(({ id, tasks, steps }) => ({
      stage: id,
      tasks,
      receives: physical.exchanges
        .filter(({ to }) => steps.includes(to.step))
        .map((exchange) => ({ from: exchange.from.step, to: exchange.to.step, how: howRowsMove(exchange) })),
      steps: steps.map((step): ExplainedStep => {
        const node = nodes.get(step)
        assert(node !== undefined, `stage ${id} names step "${step}", which the plan lacks`)
        return {
          step,
          kind: node.kind,
          merged: node.kind === 'transform' && (node.merged?.length ?? 0) > 1 ? (node.merged ?? []) : [],
          inputs: node.inputs.map(({ step: from, port }) => (port === MAIN_PORT ? from : `${from}.${port}`)),
          ...describeStep(node, surroundings),
        }
      }),
    })),
  }
}

function howRowsMove({ exchange }: Exchange): string {
  switch (exchange.kind) {
    case 'forward':
      return 'from task to task'
    case 'key-group':
      return `rows with the same ${exchange.keys.join(', ')} go to one task`
    case 'broadcast':
      return 'every row to every task'
    case 'gather':
      return 'all rows to one task'
  }
}
