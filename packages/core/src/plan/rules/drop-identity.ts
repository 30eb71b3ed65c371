/**
 * A transform that keeps every row and every column as it is goes.
 */
import type { Input, LogicalPlan, TransformNode } from '../logical.ts'
import { inputSchema, nodesByStep } from '../plan-graph.ts'
import type { Schema } from '../../data/type.ts'
import { editPlan } from './rule.ts'
import type { RewriteRule } from './rule.ts'

export const dropIdentity: RewriteRule = {
  name: 'drop-identity',
  apply(plan: LogicalPlan): LogicalPlan {
    const nodes = nodesByStep(plan)
    const idle = plan.nodes.find(
      (node): node is TransformNode =>
        node.kind === 'transform' && isIdentity(node, inputSchema(nodes, node)),
    )
    if (idle === undefined) return plan
    return editPlan(plan, {
      replace: new Map([[idle.step, undefined]]),
      redirect: new Map([[idle.step, idle.inputs[0] as Input]]),
    })
  },
}

function isIdentity(node: TransformNode, input: Schema): boolean {
  if (node.predicate !== undefined) return false
  if (node.outputs === undefined) return true
  return (
    node.outputs.length === input.fields.length &&
    node.outputs.every(({ name, expression }, at) => {
      const field = input.fields[at]
      // A column that is declared never null from here on is not the same column.
      return (
        expression.kind === 'column' &&
        expression.name === name &&
        field?.name === name &&
        field.nullable === expression.nullable
      )
    })
  )
}
