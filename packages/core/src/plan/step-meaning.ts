/**
 * What the state of each step means, in the words in which a file of state keeps it: enough to tell later whether another
 * program may go on with it, and to say what was and what is.
 *
 * The state hash (plan-hash.ts) tells only that something differs. Types do not count here where values stay the same: a
 * key computed from a column that was made wider is the same key. Plain data: it is written as JSON.
 */
import { ColumnOrigins } from './column-origin.ts'
import { digest } from './digest.ts'
import { windowText } from './explain/describe-aggregation.ts'
import { intervalText } from './explain/describe-join.ts'
import type {
  AggregateCall,
  Input,
  LogicalNode,
  LogicalPlan,
  ProcessNode,
  StateDeclaration,
  WindowAggregateNode,
  WindowSpec,
} from './logical.ts'
import { nodesByStep } from './plan-graph.ts'
import type { SourceDescription } from '../connect/source.ts'

/** A key column, and what it is computed from. */
export interface KeyMeaning {
  readonly name: string
  readonly of: readonly string[]
}

/** An aggregate in words, and what tells it from another one. */
export interface AggregateMeaning {
  readonly name: string
  readonly text: string
  readonly id: string
}

/** What the state of a step means. */
export type StepMeaning =
  | {
      readonly kind: 'source'
      readonly connector: string
      readonly eventTime: string | null
      /** Where it reads, of connectors that are told so by an option `path`. */
      readonly input?: string
    }
  | {
      readonly kind: 'window-aggregate'
      readonly keys: readonly KeyMeaning[]
      readonly window: string
      /** The same for programs. */
      readonly spec: WindowSpec
      readonly aggregates: readonly AggregateMeaning[]
    }
  | {
      readonly kind: 'process'
      readonly keys: readonly KeyMeaning[]
      readonly state: readonly StateDeclaration[]
    }
  | { readonly kind: 'lookup-join'; readonly on: readonly string[] }
  | {
      readonly kind: 'interval-join'
      /** Of the left side, and of the right one. */
      readonly keys: readonly KeyMeaning[]
      readonly rightKeys: readonly KeyMeaning[]
      readonly join: string
      readonly bounds: string
    }

/** The meanings of all steps that keep state. */
export function stepMeanings(plan: LogicalPlan): ReadonlyMap<string, StepMeaning> {
  const origins = new ColumnOrigins(nodesByStep(plan), { withTypes: false })
  return new Map(
    plan.nodes.flatMap((node): [string, StepMeaning][] => {
      const meaning = meaningOf(node, origins)
      return meaning === undefined ? [] : [[node.step, meaning]]
    }),
  )
}

function inputOf({ options }: SourceDescription): { readonly input?: string } {
  const { path } = options
  return typeof path === 'string' ? { input: path } : {}
}

function meaningOf(node: LogicalNode, origins: ColumnOrigins): StepMeaning | undefined {
  switch (node.kind) {
    case 'source':
      return {
        kind: 'source',
        connector: node.source.connector,
        eventTime: node.eventTime?.column ?? null,
        ...inputOf(node.source),
      }
    case 'window-aggregate':
      return {
        kind: 'window-aggregate',
        keys: keysOf(node, origins),
        window: windowText(node.window),
        spec: node.window,
        aggregates: node.aggregates.map((call) => aggregateOf(call, node, origins)),
      }
    case 'process':
      return { kind: 'process', keys: keysOf(node, origins), state: node.state }
    case 'lookup-join':
      return { kind: 'lookup-join', on: node.on.map(({ right }) => right) }
    case 'interval-join': {
      const [left, right] = node.inputs as readonly [Input, Input]
      const meaning = (from: Input, name: string): KeyMeaning => ({ name, of: origins.of(from, name) })
      return {
        kind: 'interval-join',
        keys: node.on.map((pair) => meaning(left, pair.left)),
        rightKeys: node.on.map((pair) => meaning(right, pair.right)),
        join: node.join,
        bounds: intervalText(node),
      }
    }
    case 'transform':
    case 'row-function':
    case 'union':
    case 'key-by':
    case 'partial-aggregate':
    case 'sink':
      return undefined
  }
}

function keysOf(
  { keys, inputs }: WindowAggregateNode | ProcessNode,
  origins: ColumnOrigins,
): readonly KeyMeaning[] {
  return keys.map((name) => ({ name, of: origins.of(inputs[0] as Input, name) }))
}

function aggregateOf(
  call: AggregateCall,
  { inputs }: WindowAggregateNode,
  origins: ColumnOrigins,
): AggregateMeaning {
  const { name, aggregate, parameters, columns, filter } = call
  const input = inputs[0] as Input
  const id = digest({
    aggregate,
    parameters,
    of: columns.map((column) => origins.of(input, column)),
    filter: filter === undefined ? undefined : origins.of(input, filter),
  })
  const settings = Object.entries(parameters).map(([key, value]) => `${key} ${JSON.stringify(value)}`)
  const where = filter === undefined ? '' : ` where ${filter}`
  return { name, id, text: `${aggregate}(${[...columns, ...settings].join(', ')})${where}` }
}
