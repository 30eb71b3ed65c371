/**
 * The tables of every step that keeps state, from the plan alone: nothing is opened, and nothing runs.
 */
import type { StatePart } from '../checkpoint/state-file.ts'
import type { PlanBindings } from '../plan/logical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import { inputSchema, nodesByStep, stepsWithoutOrder } from '../plan/plan-graph.ts'
import { createOperator } from './create-operator.ts'
import type { OperatorContext } from './operator.ts'
import { sourceParts } from './source/source-state.ts'

/** By step: its tables, with or without rows. */
export function statePartsOf(
  { logical, keyGroups }: PhysicalPlan,
  { functions }: Pick<PlanBindings, 'functions'>,
): ReadonlyMap<string, readonly StatePart[]> {
  const nodes = nodesByStep(logical)
  const withoutOrder = stepsWithoutOrder(logical)
  const parts = new Map<string, readonly StatePart[]>()
  for (const node of logical.nodes) {
    if (node.kind === 'sink') continue
    if (node.kind === 'source') {
      parts.set(node.step, sourceParts)
      continue
    }
    const operator = createOperator(node, {
      inputSchemas: node.inputs.map((_, input) => inputSchema(nodes, node, input)),
      context: { ...idleContext(node.step, keyGroups), isUnordered: withoutOrder.has(node.step) },
      functions,
    })
    if (operator.state !== undefined) parts.set(node.step, operator.state.parts)
    operator.close()
  }
  return parts
}

/** For an operator that never gets a row. */
function idleContext(step: string, keyGroups: number): OperatorContext {
  return {
    step,
    task: 0,
    tasks: 1,
    keyGroups,
    batchRows: 1,
    clock: { now: () => 0 },
    emit: () => () => undefined,
    isRead: () => false,
    counters: {
      rowsIn: 0,
      rowsOut: 0,
      lateRows: 0,
      rejectedRows: 0,
      stateEntries: 0,
      pendingTimers: 0,
      waitingRows: 0,
      stateBytes: 0,
    },
  }
}
