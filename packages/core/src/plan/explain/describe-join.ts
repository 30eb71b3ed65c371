/** Joins in words: what is joined with what, and what is kept for how long. */
import { formatDuration } from '../../time/duration.ts'
import type { Input, IntervalJoinNode, JoinKind, LogicalNode, LookupJoinNode } from '../logical.ts'
import { inputSchema } from '../plan-graph.ts'
import { plainExpression } from './plain-expression.ts'
import type { Detail, StepDescription } from './step-description.ts'
import { outputText } from './step-description.ts'

/** Describes a join with a table. */
export function describeLookupJoin(
  node: LookupJoinNode,
  nodes: ReadonlyMap<string, LogicalNode>,
): StepDescription {
  const on = node.on.map(({ left, right }) => `${left} = ${right}`).join(' and ')
  const columns = inputSchema(nodes, node, 1).fields.map(({ name }) => name)
  const taken = node.columns.map(({ name, column }) => (name === column ? name : `${name} = ${column}`))
  return {
    summary: `looks up rows of ${node.inputs[1] === undefined ? 'the table' : outputText(node.inputs[1])} where ${on}`,
    details: [
      { label: 'takes', text: taken.length === 0 ? 'no column' : taken.join(', ') },
      {
        label: 'no match',
        text: node.join === 'left' ? 'the row stays, with nulls' : 'the row is dropped',
      },
      { label: 'state', text: `the whole table (${columns.join(', ')}), in every task` },
      { label: 'bounded by', text: 'the size of the table' },
    ],
  }
}

/** Describes a join within an interval. */
export function describeIntervalJoin(node: IntervalJoinNode): StepDescription {
  const [left, right] = node.inputs as readonly [Input, Input]
  const on = node.on.map((pair) => `${pair.left} = ${pair.right}`).join(' and ')
  const lateMs = node.allowedLatenessMs
  const details: Detail[] = [{ label: 'bounds', text: intervalText(node) }]
  if (node.condition !== undefined) details.push({ label: 'and', text: plainExpression(node.condition) })
  details.push(
    { label: 'gives', text: givenText[node.join] },
    {
      label: 'state',
      text: `rows of both sides (${node.columns.map(({ name }) => name).join(', ')}), per key`,
    },
    {
      label: 'bounded by',
      text: `event time: ${livesText('left', node.upperMs + lateMs)}, ${livesText('right', lateMs - node.lowerMs)}`,
    },
  )
  return { summary: `joins ${outputText(left)} with ${outputText(right)} where ${on}`, details }
}

/** Which event times join, in words. */
export function intervalText({ lowerMs, upperMs }: Pick<IntervalJoinNode, 'lowerMs' | 'upperMs'>): string {
  return `right rows ${rangeText(lowerMs, upperMs)}`
}

/** Where the right row's time lies. */
function rangeText(lowerMs: number, upperMs: number): string {
  const lower = formatDuration(Math.abs(lowerMs))
  const upper = formatDuration(Math.abs(upperMs))
  if (lowerMs === upperMs) {
    if (lowerMs === 0) return 'at the time of the left one'
    return `${lower} ${lowerMs < 0 ? 'before' : 'after'} the left one`
  }
  if (lowerMs === 0) return `from the time of the left one to ${upper} after it`
  if (upperMs === 0) return `from ${lower} before the left one to its time`
  if (upperMs < 0) return `from ${lower} to ${upper} before the left one`
  if (lowerMs > 0) return `from ${lower} to ${upper} after the left one`
  return `from ${lower} before to ${upper} after the left one`
}

function livesText(side: string, ms: number): string {
  return ms <= 0
    ? `${side} rows leave with the watermark`
    : `${side} rows stay ${formatDuration(ms)} behind the watermark`
}

const givenText: { readonly [Kind in JoinKind]: string } = {
  inner: 'pairs',
  left: 'pairs, and left rows without a partner once none can come',
  right: 'pairs, and right rows without a partner once none can come',
  full: 'pairs, and rows of both sides without a partner once none can come',
  semi: 'left rows with a partner',
  anti: 'left rows without a partner, once none can come',
}
