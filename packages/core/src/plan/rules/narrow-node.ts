/**
 * One node with only the columns that are needed of it, its schema following from its inputs.
 */
import { extendSchema } from '../../data/schema.ts'
import type { Field, Schema } from '../../data/type.ts'
import type {
  IntervalJoinNode,
  LogicalNode,
  LookupJoinNode,
  RowFunctionNode,
  SourceNode,
} from '../logical.ts'
import { LATE_PORT, LATE_RIGHT_PORT, RAW_PORT } from '../logical.ts'
import { inputSchema } from '../plan-graph.ts'
import { countColumns, fieldsOf } from './expressions.ts'
import type { Names } from './needed-columns.ts'

/** What is around the node. */
export interface NodeSurroundings {
  /** The nodes before it, narrowed already. */
  readonly nodes: ReadonlyMap<string, LogicalNode>
  /** What is needed of its main output. */
  readonly needed: Names
}

/** The node as it can be with only these columns. */
export function narrowNode(node: LogicalNode, { nodes, needed }: NodeSurroundings): LogicalNode {
  const input = (at: number = 0): Schema => inputSchema(nodes, node, at)
  switch (node.kind) {
    case 'source':
      return narrowSource(node, needed)
    case 'transform': {
      const outputs = node.outputs?.filter(({ name }) => needed.has(name))
      return { ...node, outputs, schema: outputs === undefined ? input() : { fields: fieldsOf(outputs) } }
    }
    case 'row-function':
      return { ...node, schema: rowFunctionSchema(node, input()) }
    case 'union':
      return { ...node, schema: { fields: node.schema.fields.filter(({ name }) => needed.has(name)) } }
    case 'key-by':
    case 'sink':
      return { ...node, schema: input() }
    case 'window-aggregate':
      return { ...node, sidePorts: { ...node.sidePorts, [LATE_PORT]: input() } }
    case 'partial-aggregate':
      return { ...node, sidePorts: { [RAW_PORT]: input() } }
    case 'process':
      return node
    case 'lookup-join':
      return narrowJoin(node, input(0), needed)
    case 'interval-join':
      return narrowIntervalJoin(node, [input(0), input(1)], needed)
  }
}

/** Reads what is needed, the column of event time, and what its watermark is made of. */
function narrowSource(node: SourceNode, needed: Names): SourceNode {
  const { eventTime, schema } = node
  const wanted = new Set(needed)
  if (eventTime !== undefined) {
    wanted.add(eventTime.column)
    const { watermark } = eventTime
    if (watermark.kind === 'punctuated')
      for (const name of countColumns([watermark.expression]).keys()) wanted.add(name)
  }
  const names = schema.fields.map(({ name }) => name)
  const read = names.filter((name) => wanted.has(name))
  // Whoever wrote the source's rows to a sink alone still needs them all: nothing to narrow then.
  const columns =
    read.length === names.length
      ? node.pushdown.columns
      : (node.pushdown.columns ?? names).filter((name) => wanted.has(name))
  return {
    ...node,
    schema: { fields: schema.fields.filter(({ name }) => needed.has(name)) },
    pushdown: { ...node.pushdown, columns },
  }
}

function rowFunctionSchema(node: RowFunctionNode, input: Schema): Schema {
  if (node.shape === 'filter') return input
  if (node.adds === undefined) return node.schema
  const added = new Set(node.adds)
  const fields: Field[] = node.schema.fields.filter(({ name }) => added.has(name))
  return extendSchema(input, { fields })
}

function narrowJoin(node: LookupJoinNode, stream: Schema, needed: Names): LookupJoinNode {
  const columns = node.columns.filter(({ name }) => needed.has(name))
  const taken = new Set(columns.map(({ name }) => name))
  const fields = node.schema.fields.filter(({ name }) => taken.has(name))
  return { ...node, columns, schema: { fields: [...stream.fields, ...fields] } }
}

/** Keeps the columns that are wanted, and those of the condition. */
function narrowIntervalJoin(
  node: IntervalJoinNode,
  [left, right]: readonly [Schema, Schema],
  needed: Names,
): IntervalJoinNode {
  const tested = countColumns([node.condition])
  const columns = node.columns.filter(({ name }) => needed.has(name) || tested.has(name))
  const kept = new Set(columns.map(({ name }) => name))
  return {
    ...node,
    columns,
    schema: { fields: node.schema.fields.filter(({ name }) => kept.has(name)) },
    sidePorts: { [LATE_PORT]: left, [LATE_RIGHT_PORT]: right },
  }
}
