/**
 * Transforms move towards the sources: in front of a key-by (fewer rows and columns are exchanged), into the branches
 * of a union, and conditions past a lookup join.
 *
 * A user function is opaque: nothing moves past it, since it may have a reason to see every row.
 */
import type { Expression } from '../../expr/expression.ts'
import { conjunctsOf } from '../../expr/rewrite.ts'
import type {
  KeyByNode,
  LogicalNode,
  LogicalPlan,
  LookupJoinNode,
  TransformNode,
  UnionNode,
} from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'
import { inputSchema, nodesByStep, readersByStep } from '../plan-graph.ts'
import { canFail, conjunction, countColumns } from './expressions.ts'
import { editPlan, mainOf } from './rule.ts'
import type { RewriteRule } from './rule.ts'

export const transformsEarly: RewriteRule = { name: 'transforms-early', apply: moveFirst }

function moveFirst(plan: LogicalPlan): LogicalPlan {
  const nodes = nodesByStep(plan)
  const readers = readersByStep(plan)
  for (const node of plan.nodes) {
    const input = node.inputs[0]
    if (node.kind !== 'transform' || input === undefined || input.port !== MAIN_PORT) continue
    const before = nodes.get(input.step)
    if (before === undefined || readers.get(before.step)?.length !== 1) continue
    const moved = moveBefore(plan, nodes, node, before)
    if (moved !== undefined) return moved
  }
  return plan
}

function moveBefore(
  plan: LogicalPlan,
  nodes: ReadonlyMap<string, LogicalNode>,
  node: TransformNode,
  before: LogicalNode,
): LogicalPlan | undefined {
  switch (before.kind) {
    case 'key-by':
      return beforeKeyBy(plan, node, before)
    case 'union':
      return intoBranches(plan, node, before)
    case 'lookup-join':
      return beforeJoin(plan, nodes, node, before)
    default:
      return undefined
  }
}

function beforeKeyBy(plan: LogicalPlan, node: TransformNode, keyBy: KeyByNode): LogicalPlan | undefined {
  const keeps = (key: string): boolean =>
    node.outputs === undefined ||
    node.outputs.some(
      ({ name, expression }) => name === key && expression.kind === 'column' && expression.name === key,
    )
  if (!keyBy.keys.every(keeps)) return undefined
  return editPlan(plan, {
    replace: new Map<string, LogicalNode>([
      [node.step, { ...node, inputs: keyBy.inputs }],
      [keyBy.step, { ...keyBy, inputs: [mainOf(node.step)], schema: node.schema }],
    ]),
    redirect: new Map([[node.step, mainOf(keyBy.step)]]),
  })
}

/** Only with a condition: columns alone are narrowed by another rule, without making steps. */
function intoBranches(plan: LogicalPlan, node: TransformNode, union: UnionNode): LogicalPlan | undefined {
  if (node.predicate === undefined) return undefined
  const branches = union.inputs.map((input, at): TransformNode => ({
    ...node,
    step: `${node.step}/${at + 1}`,
    inputs: [input],
  }))
  return editPlan(plan, {
    replace: new Map<string, LogicalNode | undefined>([
      [node.step, undefined],
      [union.step, { ...union, inputs: branches.map(({ step }) => mainOf(step)), schema: node.schema }],
    ]),
    add: branches,
    redirect: new Map([[node.step, mainOf(union.step)]]),
  })
}

/** The parts of the condition that look at the stream alone, and cannot fail on rows the join might have dropped. */
function beforeJoin(
  plan: LogicalPlan,
  nodes: ReadonlyMap<string, LogicalNode>,
  node: TransformNode,
  join: LookupJoinNode,
): LogicalPlan | undefined {
  if (node.predicate === undefined) return undefined
  const stream = inputSchema(nodes, join, 0)
  const own = new Set(stream.fields.map(({ name }) => name))
  const movable = (part: Expression): boolean =>
    !canFail(part) && [...countColumns([part]).keys()].every((name) => own.has(name))
  const parts = conjunctsOf(node.predicate)
  const early = conjunction(parts.filter(movable))
  if (early === undefined) return undefined
  const rest = conjunction(parts.filter((part) => !movable(part)))
  // A filter that moves as a whole keeps its name.
  const moves = rest === undefined && node.outputs === undefined
  const filter: TransformNode = {
    ...node,
    step: moves ? node.step : `${node.step}/early`,
    inputs: join.inputs.slice(0, 1),
    schema: stream,
    predicate: early,
    outputs: undefined,
  }
  return editPlan(plan, {
    replace: new Map<string, LogicalNode>([
      [node.step, moves ? filter : { ...node, predicate: rest }],
      [join.step, { ...join, inputs: [mainOf(filter.step), ...join.inputs.slice(1)] }],
    ]),
    add: moves ? [] : [filter],
    ...(moves ? { redirect: new Map([[node.step, mainOf(join.step)]]) } : {}),
  })
}
