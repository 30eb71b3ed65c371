/**
 * The oracle: what a pipeline gives for its whole input, by the definition of each step and nothing else.
 *
 * It shares with the engine only `data` and the reference evaluator of `expr`, holds everything in lists, and looks at each
 * row as often as it takes. The table `meanings` is the definition of what Millrace's steps mean: a kind of step without
 * an entry does not compile. Not part of it: when rows come out, and in how many steps a changelog tells them.
 */
import type { BuiltPlan, LogicalNode, LogicalPlan } from '../../plan/index.ts'
import { intervalJoin } from './interval-join.ts'
import { lookupJoin } from './lookup-join.ts'
import type { Around, Lateness, Meaning, Ports } from './meaning.ts'
import { process } from './process.ts'
import type { Relation } from './relation.ts'
import { keyBy, rowFunction, sink, transform, union } from './rows.ts'
import { source } from './source.ts'
import { windowAggregate } from './window-aggregate.ts'

/** Rows of each source step by split, as user code gives rows. */
export interface OracleInputs {
  readonly [sourceStep: string]: readonly (readonly object[])[]
}

const meanings: { readonly [Kind in LogicalNode['kind']]: Meaning<Extract<LogicalNode, { kind: Kind }>> } = {
  source,
  transform,
  'row-function': rowFunction,
  union,
  'key-by': keyBy,
  'window-aggregate': windowAggregate,
  'partial-aggregate': () => {
    throw new Error('a plan as it was written has no partial aggregates')
  },
  process,
  'lookup-join': lookupJoin,
  'interval-join': intervalJoin,
  sink,
}

/** What is not so by itself. */
export interface OracleOptions {
  /** Default: no row is late. */
  readonly lateness?: Lateness
  /** How far event time has come (law L3). Default: the input is at its end. */
  readonly horizon?: number
}

/**
 * The rows that each step gives, by port; of sinks those that they get, in the port `main`.
 *
 * @throws MillraceError where a value does not fit, as the engine would.
 */
export function oracle(
  { plan, bindings }: BuiltPlan,
  inputs: OracleInputs,
  { lateness = { kind: 'none' }, horizon = Infinity }: OracleOptions = {},
): ReadonlyMap<string, Ports> {
  const sources = plan.nodes.filter(({ kind }) => kind === 'source').map(({ step }) => step)
  const around: Around = {
    functions: bindings.functions,
    splits: (step) => inputs[step] ?? [],
    sourceNumber: (step) => sources.indexOf(step),
    lateness,
    horizon,
  }
  const streams = streamSteps(plan)
  const results = new Map<string, Ports>()
  for (const node of plan.nodes) {
    const read = node.inputs.map(({ step, port }) => results.get(step)?.[port] as Relation)
    // Tables are read whole before the streams flow: in them everything has happened.
    const place = streams.has(node.step) ? around : { ...around, horizon: Infinity }
    results.set(node.step, meaningOf(node)(node, read, place))
  }
  return results
}

/** Steps from which rows come to a sink in other ways than through the table of a lookup join. */
function streamSteps({ nodes }: LogicalPlan): ReadonlySet<string> {
  const found = new Set<string>()
  for (const node of nodes.toReversed()) {
    if (node.kind !== 'sink' && !found.has(node.step)) continue
    found.add(node.step)
    const streams = node.kind === 'lookup-join' ? node.inputs.slice(0, 1) : node.inputs
    for (const { step } of streams) found.add(step)
  }
  return found
}

function meaningOf(node: LogicalNode): Meaning<LogicalNode> {
  return meanings[node.kind] as Meaning<LogicalNode>
}
