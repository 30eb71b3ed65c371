/**
 * A source is told that part of the condition of the transform that reads it by which it can skip what cannot match (row
 * groups by their statistics). The transform stays: a source may skip less.
 *
 * With several readers the source is told that at least one of their conditions must hold.
 */
import type { Expression } from '../../expr/expression.ts'
import type { Source } from '../connectors.ts'
import type { LogicalNode, LogicalPlan, SourceNode } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { nodesByStep, readersByStep } from '../plan-graph.ts'
import { editPlan } from './rule.ts'
import type { RewriteRule } from './rule.ts'

/** The rule for a plan with these sources, by step. */
export function conditionIntoSource(sources: ReadonlyMap<string, Source>): RewriteRule {
  return { name: 'condition-into-source', apply: (plan) => told(plan, sources) }
}

function told(plan: LogicalPlan, sources: ReadonlyMap<string, Source>): LogicalPlan {
  const nodes = nodesByStep(plan)
  const readers = readersByStep(plan)
  for (const node of plan.nodes) {
    if (node.kind !== 'source' || node.pushdown.predicate !== undefined) continue
    const steps = (readers.get(node.step) ?? []).filter(({ port }) => port === MAIN_PORT)
    const condition = anyOf(steps.map(({ step }) => conditionOf(nodes.get(step))))
    const predicate = condition === undefined ? undefined : sources.get(node.step)?.skipsBy?.(condition)
    if (predicate === undefined) continue
    const source: SourceNode = { ...node, pushdown: { ...node.pushdown, predicate } }
    return editPlan(plan, { replace: new Map([[node.step, source]]) })
  }
  return plan
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
