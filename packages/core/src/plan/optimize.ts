/**
 * Rewrites a plan into one with the same answer that reads, computes and exchanges less.
 *
 * Rules stand one to a file under rules/. They run in phases; within a phase, again and again until none has anything
 * to do. What objects the plan refers to does not change. One rule is not here, since it depends on the number of tasks:
 * planPhysical applies aggregate-before-exchange.
 */
import { assert } from '../errors.ts'
import type { BuiltPlan, LogicalPlan, PlanBindings } from './logical.ts'
import { checkPlan, freezeDeep } from './plan-graph.ts'
import { conditionIntoSource } from './rules/condition-into-source.ts'
import { dropIdentity } from './rules/drop-identity.ts'
import { mergeTransforms } from './rules/merge-transforms.ts'
import { narrowColumns } from './rules/narrow-columns.ts'
import type { RewriteRule } from './rules/rule.ts'
import { transformsEarly } from './rules/transforms-early.ts'

/** The rules in the order in which they run. */
function phasesFor(sources: PlanBindings['sources']): readonly (readonly RewriteRule[])[] {
  return [
    [mergeTransforms, dropIdentity, transformsEarly],
    [narrowColumns],
    [mergeTransforms, dropIdentity, transformsEarly],
    [conditionIntoSource(sources)],
  ]
}

/** Rewrites per node and phase, at most; a plan that takes more shows a rule that undoes another. */
const ROUNDS_PER_NODE_MAX = 50

/** The plan after all rules. Sources that are not given are told no conditions. */
export function optimizePlan(plan: LogicalPlan, sources: PlanBindings['sources'] = new Map()): LogicalPlan {
  let current = plan
  for (const rules of phasesFor(sources)) current = untilStill(current, rules)
  checkPlan(current)
  return freezeDeep(current)
}

/** A built plan after all rules, with the objects it refers to. */
export function optimize(built: BuiltPlan): BuiltPlan {
  return { ...built, plan: optimizePlan(built.plan, built.bindings.sources) }
}

function untilStill(plan: LogicalPlan, rules: readonly RewriteRule[]): LogicalPlan {
  let current = plan
  const roundsMax = ROUNDS_PER_NODE_MAX * (plan.nodes.length + 1)
  for (let round = 0; round < roundsMax; round++) {
    const before = current
    for (const rule of rules) current = rule.apply(current)
    if (current === before) return current
  }
  assert(false, `the rules ${rules.map(({ name }) => name).join(', ')} never come to an end`)
  return current
}
