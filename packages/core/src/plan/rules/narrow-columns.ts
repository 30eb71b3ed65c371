/**
 * Only columns that somebody needs are read, computed and exchanged.
 *
 * Two passes: from the sinks back, which columns of each output are needed; then from the sources on, the nodes with
 * just these. Where a step gives more than a key-by or union wants (a user function makes whole rows), a projection is
 * put between. A sink needs all columns of its input. A user function needs all of its input's, unless it says `uses`.
 * Event time is beside the columns: its column is read from the source, and kept only if a step asks for it.
 */
import type { Schema } from '../../data/type.ts'
import type { LogicalNode, LogicalPlan } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { inputSchema, nodesByStep } from '../plan-graph.ts'
import { passThrough } from './expressions.ts'
import { neededColumns } from './needed-columns.ts'
import type { Needed } from './needed-columns.ts'
import { narrowNode } from './narrow-node.ts'
import { mainOf } from './rule.ts'
import type { RewriteRule } from './rule.ts'

export const narrowColumns: RewriteRule = {
  name: 'narrow-columns',
  apply(plan: LogicalPlan): LogicalPlan {
    const needed = neededColumns(plan)
    const before = nodesByStep(plan)
    const made = new Map<string, LogicalNode>()
    for (const node of plan.nodes) {
      const fitted = fitInputs(node, { before, made, needed })
      made.set(node.step, narrowNode(fitted, { nodes: made, needed: needed.output(node.step, MAIN_PORT) }))
    }
    const nodes = [...made.values()]
    const same =
      nodes.length === plan.nodes.length && nodes.every((node) => sameShape(node, before.get(node.step)))
    return same ? plan : { ...plan, nodes }
  },
}

interface Fitting {
  readonly before: ReadonlyMap<string, LogicalNode>
  readonly made: Map<string, LogicalNode>
  readonly needed: Needed
}

/** Puts projections in front of steps that want exactly the columns that are needed. */
function fitInputs(node: LogicalNode, { before, made, needed }: Fitting): LogicalNode {
  if (node.kind !== 'key-by' && node.kind !== 'union') return node
  const inputs = node.inputs.map((input, at) => {
    const given = inputSchema(made, { ...node, inputs: [input] })
    const wanted = needed.input(node.step, at)
    const names = inputSchema(before, node, 0).fields.map(({ name }) => name)
    const target = names.filter((name) => wanted.has(name))
    if (hasExactly(given, target)) return input
    const step = `${node.step}/columns${node.inputs.length > 1 ? `-${at + 1}` : ''}`
    const fields = target
      .map((name) => given.fields.find((field) => field.name === name))
      .filter((one) => one !== undefined)
    const outputs = passThrough({ fields })
    made.set(step, {
      kind: 'transform',
      step,
      inputs: [input],
      schema: { fields },
      sidePorts: {},
      predicate: undefined,
      outputs,
    })
    return mainOf(step)
  })
  return { ...node, inputs }
}

function hasExactly(schema: Schema, names: readonly string[]): boolean {
  return schema.fields.length === names.length && schema.fields.every(({ name }, at) => name === names[at])
}

function sameShape(a: LogicalNode, b: LogicalNode | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
