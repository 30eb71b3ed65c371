/**
 * The meaning of aggregation by key and window: one row for each window that has rows.
 *
 * With allowed lateness the engine takes results back and gives them again; what that amounts to is what stands here.
 */
import { LATE_PORT, MAIN_PORT } from '../../plan/index.ts'
import type { WindowAggregateNode } from '../../plan/index.ts'
import { aggregate } from './aggregates.ts'
import type { Around, Meaning } from './meaning.ts'
import { only } from './meaning.ts'
import type { Cells, OracleRow, Relation } from './relation.ts'
import { madeRow } from './relation.ts'
import { groupsByKey, normal } from './values.ts'
import type { FilledWindow, IsOver } from './windows.ts'
import { windowed } from './windows.ts'

/** Keys and windows that have no rows give none. */
export const windowAggregate: Meaning<WindowAggregateNode> = (node, inputs, around) => {
  const input = only(inputs)
  const results: OracleRow[] = []
  const late: OracleRow[] = []
  for (const rows of groupsByKey(input.rows, node.keys)) {
    const found = windowed(node.window, rows, isOver(node, around))
    late.push(...found.late)
    const complete = found.windows.filter(({ end }) => isComplete(node, end, around))
    for (const window of complete) results.push(resultOf(node, input, window, around))
  }
  return {
    [MAIN_PORT]: { schema: node.schema, rows: results, hasTies: true },
    [LATE_PORT]: { ...input, rows: late },
  }
}

/** A row is too late for a window when the watermark has reached its end and the allowed lateness behind it. */
function isOver(node: WindowAggregateNode, { lateness }: Around): IsOver {
  switch (lateness.kind) {
    case 'none':
      return () => false
    case 'by-split':
      return (row, end) => row.watermark >= end + node.allowedLatenessMs
    case 'given':
      return (row) => lateness.isLate(node.step, row.cells)
  }
}

/** A window has a result when the watermark has come to its end; a session when its end has passed (windows.ts says why). */
function isComplete({ window }: WindowAggregateNode, end: number, { horizon }: Around): boolean {
  return window.kind === 'session' && horizon < Infinity ? horizon > end : horizon >= end
}

function resultOf(
  node: WindowAggregateNode,
  input: Relation,
  { start, end, rows }: FilledWindow,
  { functions }: Around,
): OracleRow {
  const { cells } = rows[0] as OracleRow
  const keys = node.keys.map((name) => [name, normal(cells[name] ?? null)])
  const results = node.aggregates.map((call) => [
    call.name,
    aggregate(call, rows, { input, keys: node.keys, functions }),
  ])
  if (node.window.kind === 'global')
    return madeRow(Object.fromEntries([...keys, ...results]) as Cells, undefined)
  const bounds = [
    ['windowStart', BigInt(start)],
    ['windowEnd', BigInt(end)],
  ]
  // A session that ends at a time may still grow by a row of that time, so its result belongs to the end itself.
  const eventTime = node.window.kind === 'session' ? end : end - 1
  return madeRow(Object.fromEntries([...keys, ...bounds, ...results]) as Cells, eventTime)
}
