/**
 * A windowed aggregation in words: its windows, its results, and what it keeps for how long.
 */
import type { Json } from '../../data/type.ts'
import { formatDuration } from '../../time/duration.ts'
import { PARTIAL_GROUPS_MAX } from '../accumulator-columns.ts'
import type { Expression } from '../../expr/expression.ts'
import type {
  AggregateCall,
  LogicalNode,
  PartialAggregateNode,
  WindowAggregateNode,
  WindowSpec,
} from '../logical.ts'
import { plainExpression } from './plain-expression.ts'
import type { Detail, StepDescription } from './step-description.ts'

/** Describes an aggregation. */
export function describeAggregation(
  node: WindowAggregateNode,
  nodes: ReadonlyMap<string, LogicalNode>,
): StepDescription {
  const { window, keys, allowedLatenessMs } = node
  const per = keys.length === 0 ? '' : ` per ${keys.join(', ')}`
  const details: Detail[] = node.aggregates.map((call) => ({
    label: 'computes',
    text: `${call.name} = ${callText(call, computedColumns(node, nodes))}`,
  }))
  const partial = node.inputs[1]
  if (partial !== undefined) {
    details.push({ label: 'joins', text: `what ${partial.step} brings: results that other tasks have begun` })
  }
  details.push({ label: 'state', text: `${stateText(window, keys)}${growthText(node.aggregates)}` })
  details.push({ label: 'bounded by', text: boundText(window, keys, allowedLatenessMs) })
  details.push({ label: 'late rows', text: lateText(window, allowedLatenessMs) })
  return {
    summary: `aggregates${per} ${windowText(window)}`,
    details: window.kind === 'global' ? details.slice(0, -1) : details,
  }
}

/** Describes the first half of an aggregation. */
export function describePartialAggregation(node: PartialAggregateNode): StepDescription {
  const { window, keys } = node
  const per = keys.length === 0 ? '' : `, per ${keys.join(', ')}`
  return {
    summary: `pre-aggregated before the exchange${per} ${windowText(window)}`,
    details: [
      {
        label: 'sends',
        text: `a row per group with ${node.aggregates.map(({ name }) => name).join(', ')} so far`,
      },
      {
        label: 'passes on',
        text: 'rows behind the watermark; for a while all rows, where keys hardly repeat',
      },
      { label: 'state', text: stateText(window, keys) },
      {
        label: 'bounded by',
        text: `${PARTIAL_GROUPS_MAX} groups in each task: then all are sent, as when the watermark ends their window`,
      },
    ],
  }
}

/** Windows in words. */
export function windowText(window: WindowSpec): string {
  const offset =
    'offsetMs' in window && window.offsetMs > 0 ? `, shifted by ${formatDuration(window.offsetMs)}` : ''
  switch (window.kind) {
    case 'tumbling':
      return `in windows of ${formatDuration(window.sizeMs)}${offset}`
    case 'sliding': {
      const gaps = window.slideMs > window.sizeMs ? '; rows between two of them are in none' : ''
      return `in windows of ${formatDuration(window.sizeMs)}, a new one every ${formatDuration(window.slideMs)}${offset}${gaps}`
    }
    case 'session':
      return `in sessions that end after ${formatDuration(window.gapMs)} without rows`
    case 'global':
      return 'over the whole input'
  }
}

function stateText(window: WindowSpec, keys: readonly string[]): string {
  const key = keys.length === 0 ? '' : 'key and '
  switch (window.kind) {
    case 'tumbling':
      return `one record per ${key}open window`
    case 'sliding':
      return `one record per ${key}pane; panes are shared by windows that overlap`
    case 'session':
      return `one record per ${key}open session`
    case 'global':
      return keys.length === 0 ? 'one record' : 'one record per key'
  }
}

/** Aggregates whose record grows with the data. */
function growthText(aggregates: readonly AggregateCall[]): string {
  const growing = aggregates.flatMap(({ name, aggregate, parameters }) => {
    switch (aggregate) {
      case 'count-distinct':
        return [`${name} keeps every different value`]
      case 'collect':
        return [`${name} keeps up to ${jsonText(parameters['max'])} values`]
      case 'top':
        return [`${name} keeps ${jsonText(parameters['n'])} values`]
      default:
        return []
    }
  })
  return growing.length === 0 ? '' : `; ${growing.join('; ')}`
}

function boundText(window: WindowSpec, keys: readonly string[], latenessMs: number): string {
  const lateness = latenessMs === 0 ? '' : ` by ${formatDuration(latenessMs)}`
  const seen = keys.length === 0 ? '' : 'the keys seen in open windows: '
  switch (window.kind) {
    case 'tumbling':
    case 'sliding':
      return `${seen}a window is dropped when the watermark passes its end${lateness}`
    case 'session':
      return `${keys.length === 0 ? '' : 'the keys with an open session: '}one is dropped when the watermark passes its end${lateness}`
    case 'global':
      return keys.length === 0 ? 'a single record' : 'the number of keys; it is held until the input ends'
  }
}

function lateText(window: WindowSpec, latenessMs: number): string {
  const when =
    latenessMs === 0
      ? 'rows for a window that has ended'
      : `rows more than ${formatDuration(latenessMs)} behind a window's end`
  return window.kind === 'global' ? 'none' : `${when} are counted, and go to the late output if it is read`
}

/** The expressions behind columns that were computed for the aggregation only. */
function computedColumns(
  { step, inputs }: WindowAggregateNode,
  nodes: ReadonlyMap<string, LogicalNode>,
): ReadonlyMap<string, Expression> {
  let from = nodes.get(inputs[0]?.step ?? '')
  // The key-by and the partial aggregate between hand columns on as they are.
  while (from?.kind === 'key-by' || from?.kind === 'partial-aggregate') {
    from = nodes.get(from.inputs[0]?.step ?? '')
  }
  if (from?.kind !== 'transform' || !from.step.startsWith(`${step}/`)) return new Map()
  return new Map((from.outputs ?? []).map(({ name, expression }) => [name, expression]))
}

function callText(
  { aggregate, columns, filter, parameters }: AggregateCall,
  computed: ReadonlyMap<string, Expression>,
): string {
  const textOf = (column: string): string => {
    const expression = computed.get(column)
    if (expression === undefined || expression.kind === 'column') return column
    return plainExpression((aggregate === 'mean' ? truthOf(expression) : undefined) ?? expression)
  }
  const shown = Object.entries(parameters)
    .filter(([name]) => name !== 'columns')
    .map(([name, value]) => `${name} ${jsonText(value)}`)
  const [input, ...further] = aggregate === 'user' ? [] : columns.map(textOf)
  const called = `${aggregate}(${[...(input === undefined ? [] : [input]), ...shown].join(', ')})`
  const text = further.length === 0 ? called : `${called} with ${further.join(', ')}`
  return filter === undefined ? text : `${text} where ${textOf(filter)}`
}

/** The condition whose share a mean is: it was made the number 1 or 0 for that. */
function truthOf(expression: Expression): Expression | undefined {
  if (expression.kind !== 'case') return undefined
  const [first, second] = expression.branches
  const isShare =
    first !== undefined &&
    numberOf(first.then) === 1 &&
    numberOf(second === undefined ? expression.otherwise : second.then) === 0
  return isShare ? first.when : undefined
}

function numberOf(expression: Expression): number | undefined {
  return expression.kind === 'literal' && expression.value !== null ? Number(expression.value) : undefined
}

/** Texts as they are, anything else as JSON. */
function jsonText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
