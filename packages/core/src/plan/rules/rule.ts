/**
 * What a rewrite rule is, and the edits that rules are made of.
 *
 * A rule is a pure function from plan to plan with the same answer. It gives the very same object when it has nothing
 * to do, so that rules can be repeated until none has.
 */
import type { Input, LogicalNode, LogicalPlan } from '../logical.ts'
import { MAIN_PORT } from '../logical.ts'

/** A rewrite rule. */
export interface RewriteRule {
  readonly name: string
  apply(plan: LogicalPlan): LogicalPlan
}

/** Changes to a plan: nodes replaced (or, by undefined, removed), nodes added, and main outputs read elsewhere. */
export interface PlanEdit {
  readonly replace?: ReadonlyMap<string, LogicalNode | undefined>
  readonly add?: readonly LogicalNode[]
  /** Readers of a step's main output read this instead. Applied to nodes that are neither replaced nor added. */
  readonly redirect?: ReadonlyMap<string, Input>
}

/** The plan with an edit made; nodes are put in order again. */
export function editPlan(plan: LogicalPlan, edit: PlanEdit): LogicalPlan {
  const { replace, add = [], redirect } = edit
  const nodes: LogicalNode[] = []
  for (const node of plan.nodes) {
    if (replace?.has(node.step) === true) {
      const replacement = replace.get(node.step)
      if (replacement !== undefined) nodes.push(replacement)
    } else {
      nodes.push(redirect === undefined ? node : redirectInputs(node, redirect))
    }
  }
  return { ...plan, nodes: inOrder([...nodes, ...add]) }
}

function redirectInputs(node: LogicalNode, redirect: ReadonlyMap<string, Input>): LogicalNode {
  if (!node.inputs.some((input) => input.port === MAIN_PORT && redirect.has(input.step))) return node
  const inputs = node.inputs.map((input) =>
    input.port === MAIN_PORT ? (redirect.get(input.step) ?? input) : input,
  )
  return { ...node, inputs }
}

/** Inputs before readers, otherwise as they stand. */
function inOrder(nodes: readonly LogicalNode[]): LogicalNode[] {
  const byStep = new Map(nodes.map((node) => [node.step, node]))
  const placed = new Set<string>()
  const ordered: LogicalNode[] = []
  const place = (node: LogicalNode): void => {
    if (placed.has(node.step)) return
    placed.add(node.step)
    for (const { step } of node.inputs) {
      const input = byStep.get(step)
      if (input !== undefined) place(input)
    }
    ordered.push(node)
  }
  for (const node of nodes) place(node)
  return ordered
}

/** The main output of a step as an input. */
export function mainOf(step: string): Input {
  return { step, port: MAIN_PORT }
}
