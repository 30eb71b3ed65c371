/**
 * One step in words: what it does, and the particulars that decide what it costs.
 *
 * The state of a step is always named together with what bounds it.
 */
import { typeToString } from '../../data/type-text.ts'
import { plainExpression } from './plain-expression.ts'
import { formatDuration } from '../../time/duration.ts'
import type {
  EventTime,
  LogicalNode,
  ProcessNode,
  RowFunctionNode,
  SinkNode,
  SourceNode,
  TransformNode,
} from '../logical.ts'
import { inputSchema } from '../plan-graph.ts'
import { describeAggregation, describePartialAggregation } from './describe-aggregation.ts'
import { describeIntervalJoin, describeLookupJoin } from './describe-join.ts'
import { outputText } from './step-description.ts'
import type { Detail, StepDescription } from './step-description.ts'

/** What a description needs of the rest of the plan. */
export interface StepSurroundings {
  readonly nodes: ReadonlyMap<string, LogicalNode>
  /** The nodes before rewriting. */
  readonly originals: ReadonlyMap<string, LogicalNode>
  /** Sources that are read whole before the streams flow. */
  readonly tables: ReadonlySet<string>
}

/** Describes a step. */
export function describeStep(node: LogicalNode, surroundings: StepSurroundings): StepDescription {
  switch (node.kind) {
    case 'source':
      return describeSource(node, surroundings)
    case 'transform':
      return describeTransform(node)
    case 'row-function':
      return describeRowFunction(node)
    case 'union':
      return {
        summary: `takes the rows of ${node.inputs.map(outputText).join(', ')} together`,
        details: [],
      }
    case 'key-by':
      return { summary: `groups rows by ${node.keys.join(', ')}`, details: [] }
    case 'window-aggregate':
      return describeAggregation(node, surroundings.nodes)
    case 'partial-aggregate':
      return describePartialAggregation(node)
    case 'process':
      return describeProcess(node)
    case 'lookup-join':
      return describeLookupJoin(node, surroundings.nodes)
    case 'interval-join':
      return describeIntervalJoin(node)
    case 'sink':
      return describeSink(node, surroundings)
  }
}

function describeSource(node: SourceNode, { originals, tables }: StepSurroundings): StepDescription {
  const original = originals.get(node.step) ?? node
  const all = original.schema.fields.map(({ name }) => name)
  const read = node.pushdown.columns ?? all
  const details: Detail[] = [
    {
      label: 'columns',
      text: `${read.join(', ')} (${read.length === all.length ? 'all' : `${read.length} of`} ${all.length})`,
    },
  ]
  const { predicate } = node.pushdown
  if (predicate !== undefined) {
    details.push({ label: 'may skip', text: `parts that hold no row where ${plainExpression(predicate)}` })
  }
  if (node.eventTime !== undefined)
    details.push({ label: 'event time', text: describeEventTime(node.eventTime, splitText(node)) })
  if (node.onError === 'reject') details.push({ label: 'bad rows', text: 'go to the rejected output' })
  if (tables.has(node.step)) details.push({ label: 'order', text: 'read whole before the streams flow' })
  return { summary: `reads ${connectorText(node.source)}`, details }
}

/** What a part of the input with a watermark of its own is called. */
function splitText({ source }: SourceNode): string {
  return source.connector === 'files' ? 'split (a file, or a part of one)' : 'split'
}

function describeEventTime({ column, watermark, idleAfterMs, onMissing }: EventTime, split: string): string {
  const parts = [column]
  switch (watermark.kind) {
    case 'bounded-disorder':
      parts.push(
        watermark.disorderMs === 0
          ? `in order within each ${split}`
          : `up to ${formatDuration(watermark.disorderMs)} out of order within each ${split}`,
      )
      break
    case 'at-end':
      parts.push(`complete at the end of each ${split} only`)
      break
    case 'punctuated':
      parts.push(`watermark from ${plainExpression(watermark.expression)}`)
  }
  if (idleAfterMs > 0) parts.push(`a split is idle after ${formatDuration(idleAfterMs)}`)
  if (onMissing === 'reject') parts.push('rows without it are rejected')
  return parts.join('; ')
}

function describeTransform({ step, predicate, outputs, schema }: TransformNode): StepDescription {
  const changed = (outputs ?? []).filter(
    ({ name, expression }) => expression.kind !== 'column' || expression.name !== name,
  )
  const computed = changed.filter(({ expression }) => expression.kind !== 'column')
  const columns = schema.fields.map(({ name }) => name).join(', ')
  const details: Detail[] = changed.map(({ name, expression }) =>
    expression.kind === 'column'
      ? { label: 'renames', text: `${expression.name} to ${name}` }
      : { label: 'computes', text: `${name} = ${plainExpression(expression)}` },
  )
  if (outputs !== undefined) details.push({ label: 'gives', text: columns })
  if (predicate !== undefined) return { summary: `keeps rows where ${plainExpression(predicate)}`, details }
  if (computed.length > 0) return { summary: computingText(step), details }
  if (changed.length > 0) return { summary: 'renames columns', details }
  return { summary: `keeps columns ${columns}`, details: [] }
}

/** Steps with a slash were added for another step: what a key or an aggregate is computed from. */
function computingText(step: string): string {
  const [owner, part] = step.split('/')
  if (part === 'keys') return `computes the key of ${owner}`
  return part === 'input' ? `computes what ${owner} aggregates` : 'computes columns'
}

function describeRowFunction(node: RowFunctionNode): StepDescription {
  const details: Detail[] = [
    { label: 'reads', text: node.uses?.join(', ') ?? 'all columns (the function does not say which)' },
  ]
  if (node.onError === 'reject') details.push({ label: 'bad rows', text: 'go to the rejected output' })
  const gives = { label: 'gives', text: node.schema.fields.map(({ name }) => name).join(', ') }
  switch (node.shape) {
    case 'filter':
      return { summary: 'keeps rows for which a function gives true', details }
    case 'flat-map':
      return { summary: 'makes any number of rows per row, by a function', details: [...details, gives] }
    case 'map':
      if (node.adds === undefined)
        return { summary: 'makes a row per row, by a function', details: [...details, gives] }
      return { summary: `adds ${node.adds.join(', ')} by a function`, details: [...details, gives] }
  }
}

function describeProcess(node: ProcessNode): StepDescription {
  const details: Detail[] = node.state.map(({ name, kind, type, keyType }) => ({
    label: 'state',
    text: `${name}: ${kind} of ${keyType === undefined ? '' : `${typeToString(keyType)} to `}${typeToString(type)}, per key`,
  }))
  if (node.state.length > 0) {
    details.push({ label: 'bounded by', text: 'the number of keys, and what the function clears' })
  }
  details.push({
    label: 'order',
    text: 'as rows come, not by event time: where every run must give the same, do not depend on it',
  })
  const sides = Object.keys(node.sidePorts)
  if (sides.length > 0) details.push({ label: 'also gives', text: sides.join(', ') })
  return { summary: `runs a function with state and timers per ${keysText(node.keys)}`, details }
}

function describeSink(node: SinkNode, { nodes }: StepSurroundings): StepDescription {
  const columns = inputSchema(nodes, node).fields.map(({ name }) => name)
  return {
    summary: `writes ${connectorText(node.sink)}`,
    details: [{ label: 'columns', text: columns.join(', ') }],
  }
}

/** The key columns, or that there are none. */
function keysText(keys: readonly string[]): string {
  return keys.length === 0 ? 'nothing (all rows together)' : keys.join(', ')
}

/** A connector with the option that tells it apart: a path, a topic, a name. */
function connectorText(described: SourceNode['source']): string {
  const { connector, options } = described
  const main = ['path', 'url', 'topic', 'table', 'name']
    .map((name) => options[name])
    .find((value) => value !== undefined)
  return main === undefined
    ? connector
    : `${connector} ${typeof main === 'string' ? main : JSON.stringify(main)}`
}
