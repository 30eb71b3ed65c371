/**
 * The hashes of a plan: what all workers must agree on, and what a restore checks.
 *
 * Neither covers what a user function refers to from outside itself: two workers that import the same module agree on
 * that by importing it.
 */
import { ColumnOrigins } from './column-origin.ts'
import { digest } from './digest.ts'
import type {
  AggregateCall,
  BuiltPlan,
  Input,
  LogicalNode,
  LogicalPlan,
  ProcessNode,
  WindowAggregateNode,
} from './logical.ts'
import { inputSchema, nodesByStep } from './plan-graph.ts'

/** Identifies the whole plan with the text of its user functions: workers and repeated builds must agree on it. */
export function buildHash(built: BuiltPlan): string {
  const functions = [...built.bindings.functions].map(([id, value]) => [id, functionText(value)])
  return digest({ plan: built.plan, functions })
}

/**
 * Identifies what some steps of a plan compute from the input, with the text of their user functions: what they have
 * computed once may be gone on with.
 */
export function stepsHash(
  plan: LogicalPlan,
  functions: ReadonlyMap<string, unknown>,
  steps: ReadonlySet<string>,
): string {
  const nodes = plan.nodes.filter(({ step }) => steps.has(step))
  const texts = nodes.flatMap(functionIdsOf).map((id) => [id, functionText(functions.get(id))])
  return digest({ nodes, functions: texts })
}

function functionIdsOf(node: LogicalNode): readonly string[] {
  const own = 'functionId' in node ? [node.functionId] : []
  const called = 'aggregates' in node ? node.aggregates.map(({ functionId }) => functionId) : []
  return [...own, ...called].filter((id) => id !== undefined)
}

/** Identifies the plan alone, as it stands after any rewriting. */
export function planHash(plan: LogicalPlan): string {
  return digest(plan)
}

/**
 * Identifies what state means: of sources, their step and connector (positions) and their event time; of each step
 * that keeps state, its name, its keys and what they are computed from, its window and lateness, and each piece's name,
 * type and what it is made of.
 *
 * Free to change: conditions in front of such a step (they choose rows), options of connectors, sinks, names and number
 * of the steps in between, push-down, and any rewriting. User functions count by the name of their step.
 */
export function stateHash(plan: LogicalPlan): string {
  const nodes = nodesByStep(plan)
  const origins = new ColumnOrigins(nodes)
  return digest(plan.nodes.flatMap((node) => stateOf(node, { nodes, origins })))
}

interface Surroundings {
  readonly nodes: ReadonlyMap<string, LogicalNode>
  readonly origins: ColumnOrigins
}

function stateOf(node: LogicalNode, around: Surroundings): readonly object[] {
  const { origins } = around
  switch (node.kind) {
    case 'source':
      return [{ source: node.step, connector: node.source.connector, eventTime: node.eventTime?.column }]
    case 'window-aggregate':
      return [
        {
          step: node.step,
          keys: keysOf(node, around),
          window: node.window,
          allowedLatenessMs: node.allowedLatenessMs,
          aggregates: node.aggregates.map((call) => aggregateOf(call, node, around)),
        },
      ]
    case 'process':
      return [{ step: node.step, keys: keysOf(node, around), state: node.state }]
    case 'interval-join': {
      const { step, join, lowerMs, upperMs } = node
      const keys = node.on.map(({ left, right }) => [
        origins.of(node.inputs[0] as Input, left),
        origins.of(node.inputs[1] as Input, right),
      ])
      const columns = node.columns.map(({ side, column }, at) => ({
        side,
        column,
        of: origins.of(node.inputs[side === 'left' ? 0 : 1] as Input, column),
        type: node.schema.fields[at]?.type,
      }))
      return [{ step, join, lowerMs, upperMs, keys, columns }]
    }
    case 'transform':
    case 'row-function':
    case 'union':
    case 'key-by':
    case 'partial-aggregate':
    case 'lookup-join':
    case 'sink':
      return []
  }
}

function aggregateOf(call: AggregateCall, node: WindowAggregateNode, { origins }: Surroundings): object {
  const { name, aggregate, parameters, type, nullable, filter } = call
  const input = node.inputs[0] as Input
  return {
    name,
    aggregate,
    parameters,
    type,
    nullable,
    of: call.columns.map((column) => origins.of(input, column)),
    filter: filter === undefined ? undefined : origins.of(input, filter),
  }
}

function keysOf(
  node: WindowAggregateNode | ProcessNode,
  { nodes, origins }: Surroundings,
): readonly object[] {
  const { fields } = inputSchema(nodes, node)
  return node.keys.map((name) => ({
    field: fields.find((field) => field.name === name),
    of: origins.of(node.inputs[0] as Input, name),
  }))
}

/** Functions by their text, objects of functions member by member. */
function functionText(value: unknown): unknown {
  if (typeof value === 'function') return String(value)
  if (Array.isArray(value)) return value.map(functionText)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? `${value}n` : value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, functionText(part)]))
}
