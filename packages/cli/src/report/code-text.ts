/** The code that will run over the columns of a plan's filters and projections, as `explain --code` shows it. */
import { compileTransform } from '@millrace/core/expr'
import { inputSchema, nodesByStep, optimizePlan } from '@millrace/core/plan'
import type { LogicalPlan } from '@millrace/core/plan'

/** The generated functions by step, as text; a note where there are none. */
export function codeText(plan: LogicalPlan): string {
  const optimized = optimizePlan(plan)
  const nodes = nodesByStep(optimized)
  const parts = optimized.nodes.flatMap((node) => {
    if (node.kind !== 'transform') return []
    const { predicate, outputs, step } = node
    const transform = compileTransform({ schema: inputSchema(nodes, node), predicate, outputs })
    return [`\ncode of ${step}\n${indent(transform.explainCode())}\n`]
  })
  return parts.length === 0 ? '\nno step has expressions, so no code is generated for any\n' : parts.join('')
}

function indent(text: string): string {
  return text.trimEnd().replace(/^(?=.)/gm, '  ')
}
