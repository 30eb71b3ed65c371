/**
 * Questions to a logical plan as a graph: who reads whom, which schema an edge carries, whether it is well formed.
 *
 * Pure functions over plain data. Building a plan is the SDK's work; changing one is rules/.
 *
 * Invariants (tests quote them):
 *  P1  Step names are unique.
 *  P2  Every input names a step that stands before its reader, and a port that this step has.
 *  P3  A source has no input, a union at least one, a lookup join two (stream, table), an
 *      interval join two (left, right), a window aggregate one or two
 *      (rows, accumulators), every other step one.
 */
import { assert } from '../errors.ts'
import type { Schema } from '../data/type.ts'
import { LATE_PORT, LATE_RIGHT_PORT, MAIN_PORT, REJECTED_PORT } from './logical.ts'
import type { LogicalNode, LogicalPlan } from './logical.ts'

/** An edge of the graph, seen from the step that is read. */
export interface Reader {
  readonly step: string
  /** Which of the reader's inputs. */
  readonly input: number
  readonly port: string
}

/** The nodes of a plan by step name. */
export function nodesByStep(plan: LogicalPlan): ReadonlyMap<string, LogicalNode> {
  return new Map(plan.nodes.map((node) => [node.step, node]))
}

/** Who reads each step, in plan order; steps that nobody reads have an empty list. */
export function readersByStep(plan: LogicalPlan): ReadonlyMap<string, readonly Reader[]> {
  const readers = new Map<string, Reader[]>(plan.nodes.map((node) => [node.step, []]))
  for (const node of plan.nodes) {
    node.inputs.forEach(({ step, port }, input) => readers.get(step)?.push({ step: node.step, input, port }))
  }
  return readers
}

/** The schema of one output of a step; undefined when it has no such port. */
export function portSchema(node: LogicalNode, port: string): Schema | undefined {
  if (port === MAIN_PORT) return node.kind === 'sink' ? undefined : node.schema
  return Object.hasOwn(node.sidePorts, port) ? node.sidePorts[port] : undefined
}

/** The schema of what a step reads at one of its inputs. */
export function inputSchema(
  nodes: ReadonlyMap<string, LogicalNode>,
  node: LogicalNode,
  input: number = 0,
): Schema {
  const edge = node.inputs[input]
  assert(edge !== undefined, `step "${node.step}" has no input ${input}`)
  const from = nodes.get(edge.step)
  const schema = from === undefined ? undefined : portSchema(from, edge.port)
  assert(schema !== undefined, `step "${node.step}" reads "${edge.step}.${edge.port}", which does not exist`)
  return schema
}

/** Checks P1 to P3; a plan that breaks them is a defect of Millrace, since the SDK refuses such input by name. */
export function checkPlan(plan: LogicalPlan): void {
  const seen = new Map<string, LogicalNode>()
  for (const node of plan.nodes) {
    assert(!seen.has(node.step), `two steps are named "${node.step}" (P1)`)
    node.inputs.forEach((_, input) => inputSchema(seen, node, input))
    checkInputCount(node)
    seen.set(node.step, node)
  }
}

function checkInputCount(node: LogicalNode): void {
  const count = node.inputs.length
  const right =
    node.kind === 'source' ? count === 0
    : node.kind === 'union' ? count >= 1
    : node.kind === 'lookup-join' || node.kind === 'interval-join' ? count === 2
    : node.kind === 'window-aggregate' ? count === 1 || count === 2
    : count === 1 // prettier-ignore
  assert(right, `step "${node.step}" (${node.kind}) has ${count} inputs (P3)`)
}

/** All steps from which rows can reach `steps`, these included. */
export function ancestorsOf(plan: LogicalPlan, steps: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>(steps)
  for (const node of plan.nodes.toReversed()) {
    if (found.has(node.step)) for (const { step } of node.inputs) found.add(step)
  }
  return found
}

/**
 * Sources whose rows all go into tables of lookup joins: they are read whole before the streams flow, in every mode.
 */
export function tableSources(plan: LogicalPlan): ReadonlySet<string> {
  const reachesStream = new Set<string>()
  for (const node of plan.nodes.toReversed()) {
    const flows = node.kind === 'sink' || reachesStream.has(node.step)
    if (!flows) continue
    const streams = node.kind === 'lookup-join' ? node.inputs.slice(0, 1) : node.inputs
    for (const { step } of streams) reachesStream.add(step)
  }
  const sources = plan.nodes.filter((node) => node.kind === 'source' && !reachesStream.has(node.step))
  return new Set(sources.map((node) => node.step))
}

const makesTies: ReadonlySet<LogicalNode['kind']> = new Set([
  'window-aggregate',
  'process',
  'lookup-join',
  'interval-join',
])

/**
 * Steps to which rows come whose place in a source does not say which of two of one event time is first: rows that a
 * window or a process step made have none, nor have rejected ones, and matches of a lookup join share that of the row they
 * were found for.
 */
export function stepsWithoutOrder(plan: LogicalPlan): ReadonlySet<string> {
  const outputs = new Set<string>()
  const found = new Set<string>()
  for (const node of plan.nodes) {
    const isWithout = node.inputs.map(({ step, port }) => outputs.has(`${port} ${step}`))
    if (isWithout.includes(true)) found.add(node.step)
    const isMade = makesTies.has(node.kind)
    for (const port of [MAIN_PORT, ...Object.keys(node.sidePorts)]) {
      const late = port === LATE_PORT ? isWithout[0] : port === LATE_RIGHT_PORT ? isWithout[1] : undefined
      // Late rows are those of an input, as they came.
      if (late ?? (isMade || port === REJECTED_PORT || found.has(node.step)))
        outputs.add(`${port} ${node.step}`)
    }
  }
  return found
}

const ORDERED_AGGREGATES: ReadonlySet<string> = new Set(['first', 'last', 'top', 'collect'])

/** Whether the answer of a step depends on the order of rows with equal event time. */
export function breaksTies(node: LogicalNode): boolean {
  return (
    node.kind === 'window-aggregate' &&
    node.aggregates.some(({ aggregate }) => ORDERED_AGGREGATES.has(aggregate))
  )
}

/** A frozen copy of plain data, all the way down. Objects that are frozen already are taken as they are. */
export function freezeDeep<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freezeDeep(part)
  return Object.freeze(value)
}
