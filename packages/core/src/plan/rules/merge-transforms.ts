/**
 * Two transforms in a row become one: the second's expressions, with the first's put in for its columns.
 *
 * Not done where it would cost or change something: a computed column that is used twice would be computed twice; a
 * condition that can fail must not see rows that the first condition drops. (AND stops at false, but goes on at null:
 * so only a first condition that is never null protects the second.)
 */
import { substitute } from '../../expr/rewrite.ts'
import type { Expression, NamedExpression } from '../../expr/expression.ts'
import type { LogicalPlan, TransformNode } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { nodesByStep, readersByStep } from '../plan-graph.ts'
import { canFail, conjunction, countColumns, isTrivial } from './expressions.ts'
import { editPlan, mainOf } from './rule.ts'
import type { RewriteRule } from './rule.ts'

export const mergeTransforms: RewriteRule = { name: 'merge-transforms', apply: mergeFirst }

function mergeFirst(plan: LogicalPlan): LogicalPlan {
  const nodes = nodesByStep(plan)
  const readers = readersByStep(plan)
  for (const second of plan.nodes) {
    const input = second.inputs[0]
    if (second.kind !== 'transform' || input === undefined || input.port !== MAIN_PORT) continue
    const first = nodes.get(input.step)
    if (first?.kind !== 'transform' || readers.get(first.step)?.length !== 1) continue
    const merged = merge(first, second)
    if (merged === undefined) continue
    return editPlan(plan, {
      replace: new Map([
        [first.step, undefined],
        [second.step, merged],
      ]),
      redirect: new Map([[second.step, mainOf(merged.step)]]),
    })
  }
  return plan
}

function merge(first: TransformNode, second: TransformNode): TransformNode | undefined {
  const computed = new Map((first.outputs ?? []).map(({ name, expression }) => [name, expression]))
  if (repeatsWork(first, second)) return undefined
  const put = (expression: Expression): Expression =>
    first.outputs === undefined ? expression : substitute(expression, computed)
  const condition = second.predicate === undefined ? undefined : put(second.predicate)
  if (first.predicate?.nullable === true && condition !== undefined && canFail(condition)) return undefined
  const conditions = [first.predicate, condition].filter((one) => one !== undefined)
  const outputs =
    second.outputs?.map(({ name, expression }): NamedExpression => ({ name, expression: put(expression) })) ??
    first.outputs
  return {
    ...second,
    // A step of the SDK's own making gives its place to the one that a person named.
    step: second.step.includes('/') && !first.step.includes('/') ? first.step : second.step,
    inputs: first.inputs,
    predicate: conjunction(conditions),
    outputs,
    merged: [...(first.merged ?? [first.step]), ...(second.merged ?? [second.step])],
  }
}

function repeatsWork(first: TransformNode, second: TransformNode): boolean {
  if (first.outputs === undefined) return false
  const passed = second.outputs?.map(({ expression }) => expression)
  const uses = countColumns([second.predicate, ...(passed ?? [])])
  return first.outputs.some(({ name, expression }) => {
    const times = (uses.get(name) ?? 0) + (passed === undefined ? 1 : 0)
    return times > 1 && !isTrivial(expression)
  })
}
