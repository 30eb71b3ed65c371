/**
 * A logical plan as JSON and back: to print it, to store it beside a checkpoint, to compare two.
 *
 * Objects (sources, sinks, functions) are not in it: whoever reads a plan back binds them again by building the module.
 */
import { MillraceError } from '../errors.ts'
import type { LogicalNode, LogicalPlan } from './logical.ts'
import { checkPlan, freezeDeep } from './plan-graph.ts'

/** The format that this version writes and reads. */
const FORMAT = 'millrace-plan/1'

const kinds: { readonly [Kind in LogicalNode['kind']]: true } = {
  source: true,
  transform: true,
  'row-function': true,
  union: true,
  'key-by': true,
  'window-aggregate': true,
  'partial-aggregate': true,
  process: true,
  'lookup-join': true,
  'interval-join': true,
  sink: true,
}

/** The plan as JSON text; `indent` spaces make it readable. */
export function planToJson(plan: LogicalPlan, indent?: number): string {
  return JSON.stringify({ format: FORMAT, name: plan.name, nodes: plan.nodes }, undefined, indent)
}

/**
 * The plan of a JSON text that `planToJson` wrote.
 *
 * @throws MillraceError `plan/invalid-argument` when the text is not a plan of a known format.
 */
export function planFromJson(text: string): LogicalPlan {
  const value = parse(text)
  if (!isObject(value) || value['format'] !== FORMAT) {
    throw notAPlan(`its format is not "${FORMAT}"`)
  }
  const { name, nodes } = value
  if (typeof name !== 'string' || !Array.isArray(nodes)) throw notAPlan('it has no name or no nodes')
  for (const node of nodes) {
    if (!isObject(node) || typeof node['step'] !== 'string' || !Array.isArray(node['inputs'])) {
      throw notAPlan('a node has no step or no inputs')
    }
    if (typeof node['kind'] !== 'string' || !Object.hasOwn(kinds, node['kind'])) {
      throw notAPlan(`step "${node['step']}" is of a kind that does not exist`)
    }
  }
  const plan: LogicalPlan = freezeDeep({ name, nodes: nodes as unknown as readonly LogicalNode[] })
  checkPlan(plan)
  return plan
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'the text is not a plan',
      detail: 'it is not JSON',
      cause,
    })
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notAPlan(detail: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what: 'the text is not a plan', detail })
}
