/**
 * Which columns of each output of a plan somebody needs, found from the sinks back.
 */
import type { Schema } from '../../data/type.ts'
import type {
  IntervalJoinNode,
  LogicalNode,
  LogicalPlan,
  LookupJoinNode,
  PartialAggregateNode,
  WindowAggregateNode,
} from '../logical.ts'
import { LATE_PORT, LATE_RIGHT_PORT, MAIN_PORT, RAW_PORT, REJECTED_PORT } from '../logical.ts'
import { breaksTies, inputSchema, nodesByStep, stepsWithoutOrder } from '../plan-graph.ts'
import { countColumns } from './expressions.ts'
import { tieColumns } from './tie-columns.ts'

/** Column names. */
export type Names = ReadonlySet<string>

/** What is needed, by output and by input. */
export interface Needed {
  output(step: string, port: string): Names
  input(step: string, input: number): Names
}

/** Goes through the plan from its end. */
export function neededColumns(plan: LogicalPlan): Needed {
  const nodes = nodesByStep(plan)
  const withoutOrder = stepsWithoutOrder(plan)
  const ties = tieColumns(plan)
  const outputs = new Map<string, Set<string>>()
  const inputs = new Map<string, Names>()
  const output = (step: string, port: string): Names => outputs.get(key(step, port)) ?? none
  for (const node of plan.nodes.toReversed()) {
    node.inputs.forEach(({ step, port }, at) => {
      const schema = inputSchema(nodes, node, at)
      const isOrdered = at === 0 && breaksTies(node) && withoutOrder.has(node.step)
      const telling = isOrdered ? (ties.get(key(step, port)) ?? none) : none
      const wanted = atLeastOne(new Set([...neededOf(node, at, schema, output), ...telling]), schema)
      inputs.set(key(node.step, at), wanted)
      const present = outputs.get(key(step, port))
      if (present === undefined) outputs.set(key(step, port), new Set(wanted))
      else for (const name of wanted) present.add(name)
    })
  }
  return { output, input: (step, at) => inputs.get(key(step, at)) ?? none }
}

const none: Names = new Set()

type OutputNeeds = Needed['output']

const key = (step: string, part: string | number): string => `${part} ${step}`

/** What a node needs of one of its inputs. */
function neededOf(node: LogicalNode, input: number, schema: Schema, output: OutputNeeds): Names {
  const main = output(node.step, MAIN_PORT)
  const all = (): Names => new Set(schema.fields.map(({ name }) => name))
  switch (node.kind) {
    case 'source':
      return none
    case 'sink':
      return all()
    case 'union':
      return main
    case 'key-by':
      return new Set([...main, ...node.keys])
    case 'transform': {
      const kept = node.outputs?.filter(({ name }) => main.has(name)).map(({ expression }) => expression)
      const read = countColumns([node.predicate, ...(kept ?? [])]).keys()
      return new Set([...read, ...(node.outputs === undefined ? main : [])])
    }
    case 'row-function': {
      // A rejected row is written down whole.
      const used = output(node.step, REJECTED_PORT).size > 0 ? undefined : node.uses
      if (used === undefined) return all()
      if (node.shape === 'filter') return new Set([...used, ...main])
      if (node.adds === undefined) return new Set(used)
      const added = new Set(node.adds)
      return new Set([...used, ...[...main].filter((name) => !added.has(name))])
    }
    case 'process':
      return node.uses === undefined ? all() : new Set([...node.keys, ...node.uses])
    case 'window-aggregate':
      // Accumulators are needed whole.
      return input > 0 ? all() : aggregateNeeds(node, output(node.step, LATE_PORT))
    case 'partial-aggregate':
      return aggregateNeeds(node, output(node.step, RAW_PORT))
    case 'lookup-join':
      return joinNeeds(node, input, main)
    case 'interval-join':
      return intervalJoinNeeds(node, input, output)
  }
}

function aggregateNeeds(node: WindowAggregateNode | PartialAggregateNode, side: Names): Names {
  const filters = node.aggregates.flatMap(({ filter }) => (filter === undefined ? [] : [filter]))
  return new Set([...node.keys, ...node.aggregates.flatMap(({ columns }) => columns), ...filters, ...side])
}

function joinNeeds(node: LookupJoinNode, input: number, main: Names): Names {
  const taken = new Set(node.columns.map(({ name }) => name))
  if (input === 0)
    return new Set([...[...main].filter((name) => !taken.has(name)), ...node.on.map(({ left }) => left)])
  const columns = node.columns.filter(({ name }) => main.has(name)).map(({ column }) => column)
  return new Set([...columns, ...node.on.map(({ right }) => right)])
}

function intervalJoinNeeds(node: IntervalJoinNode, input: number, output: OutputNeeds): Names {
  const side = input === 0 ? 'left' : 'right'
  const main = output(node.step, MAIN_PORT)
  const tested = countColumns([node.condition])
  const columns = node.columns.filter(
    (one) => one.side === side && (main.has(one.name) || tested.has(one.name)),
  )
  return new Set([
    ...columns.map(({ column }) => column),
    ...node.on.map((pair) => pair[side]),
    ...output(node.step, input === 0 ? LATE_PORT : LATE_RIGHT_PORT),
  ])
}

/** Rows are counted even where no column is wanted: then the cheapest column stands for them. */
function atLeastOne(names: Names, schema: Schema): Names {
  if (names.size > 0 || schema.fields.length === 0) return names
  const cost = (kind: string): number =>
    kind === 'boolean' ? 0 : /^u?int|^date|^float32/.test(kind) ? 1 : /^float64|^time/.test(kind) ? 2 : 3
  const cheapest = schema.fields.toSorted((a, b) => cost(a.type.kind) - cost(b.type.kind))[0]
  return new Set(cheapest === undefined ? [] : [cheapest.name])
}
