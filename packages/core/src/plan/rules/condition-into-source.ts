/**
 * A source is told the condition of the transform that reads it, so that it can skip what cannot match (row groups by
 * their statistics). The transform stays: a source may ignore the condition.
 *
 * With several readers the source is told that at least one of their conditions must hold.
 */
import type { Expression } from '../../expr/expression.ts'
import type { LogicalNode, LogicalPlan, SourceNode } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { nodesByStep, readersByStep } from '../plan-graph.ts'
import { editPlan } from './rule.ts'
import type { RewriteRule } from './rule.ts'

export const conditionIntoSource: RewriteRule = {
  name: 'condition-into-source',
  apply(plan: LogicalPlan): LogicalPlan {
    const nodes = nodesByStep(plan)
    const readers = readersByStep(plan)
    for (const node of plan.nodes) {
      if (node.kind !== 'source' || node.pushdown.predicate !== undefined) continue
      const steps = (readers.get(node.step) ?? []).filter(({ port }) => port === MAIN_PORT)
      const predicate = anyOf(steps.map(({ step }) => conditionOf(nodes.get(step))))
      if (predicate === undefined) continue
      const told: SourceNode = { ...node, pushdown: { ...node.pushdown, predicate } }
      return editPlan(plan, { replace: new Map([[node.step, told]]) })
    }
    return plan
  },
}

function conditionOf(node: LogicalNode | undefined): Expression | undefined {
  return node?.kind === 'transform' ? node.predicate : undefined
}

function anyOf(conditions: readonly (Expression | undefined)[]): Expression | undefined {
  const known = conditions.filter((one) => one !== undefined)
  if (known.length === 0 || known.length < conditions.length) return undefined
  if (known.length === 1) return known[0]
  return {
    kind: 'call',
    name: 'or',
    type: { kind: 'boolean' },
    nullable: known.some((one) => one.nullable),
    arguments: known,
  }
}
