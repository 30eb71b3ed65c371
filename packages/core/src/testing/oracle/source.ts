/**
 * The meaning of a source: its rows, split by split, each with its event time and its place.
 */
import { MillraceError } from '../../errors.ts'
import { MAIN_PORT, REJECTED_PORT } from '../../plan/index.ts'
import type { EventTime, SourceNode } from '../../plan/index.ts'
import type { DataType } from '../../data/index.ts'
import { fieldOf } from '../../data/index.ts'
import { evaluateWith } from '../../expr/evaluate.ts'
import type { Value } from '../../expr/value.ts'
import type { Meaning } from './meaning.ts'
import type { Cells, OracleRow } from './relation.ts'
import { rejectedRow, rejectedRows } from './rejected.ts'
import { cellsOfRow } from './values.ts'

const DAY_MS = 86_400_000

/** Rows of all splits, one after the other. */
export const source: Meaning<SourceNode> = (node, _, around) => {
  const rows: OracleRow[] = []
  const rejected: OracleRow[] = []
  const { lateness } = around
  for (const [split, rowsOfSplit] of around.splits(node.step).entries()) {
    let promised = -Infinity
    let watermark = -Infinity
    for (const [position, row] of rowsOfSplit.entries()) {
      if (lateness.kind === 'by-split' && position % lateness.rowsAtOnce === 0) watermark = promised
      const cells = cellsOfRow(node.schema, row)
      const eventTime = eventTimeOf(node, cells)
      if (node.eventTime !== undefined && eventTime === undefined) {
        if (node.eventTime.onMissing === 'fail') throw withoutEventTime(node.step)
        rejected.push(rejectedRow('input/no-event-time'))
        continue
      }
      const order = { source: around.sourceNumber(node.step), split, position }
      rows.push({ cells, eventTime, weight: 1, order, watermark })
      if (node.eventTime !== undefined)
        promised = Math.max(promised, promiseOf(node.eventTime, cells, eventTime as number))
    }
  }
  return {
    [MAIN_PORT]: { schema: node.schema, rows, hasTies: false },
    [REJECTED_PORT]: rejectedRows(rejected),
  }
}

/** How far event time has come behind some rows of one split. */
export function watermarkBehind(node: SourceNode, rows: readonly object[]): number {
  const { eventTime: definition } = node
  if (definition === undefined) return -Infinity
  const promises = rows.map((row) => {
    const cells = cellsOfRow(node.schema, row)
    const eventTime = eventTimeOf(node, cells)
    return eventTime === undefined ? -Infinity : promiseOf(definition, cells, eventTime)
  })
  return Math.max(-Infinity, ...promises)
}

/** Milliseconds since 1970, finer units rounded down; undefined when the column is null or there is none. */
function eventTimeOf(node: SourceNode, cells: Cells): number | undefined {
  if (node.eventTime === undefined) return undefined
  const { name, type } = fieldOf(node.schema, node.eventTime.column)
  const value = cells[name] as Value
  return value === null ? undefined : milliseconds(type, value)
}

function milliseconds(type: DataType, value: Value): number {
  if (type.kind === 'date') return Number(value) * DAY_MS
  if (type.kind !== 'timestamp' || type.unit === 'ms') return Math.floor(Number(value))
  const perMs = type.unit === 'us' ? 1000n : 1_000_000n
  const [quotient, rest] = [(value as bigint) / perMs, (value as bigint) % perMs]
  return Number(rest < 0n ? quotient - 1n : quotient)
}

/** What a row lets its split promise: that no row before this time comes behind it. */
function promiseOf({ watermark }: EventTime, cells: Cells, eventTime: number): number {
  switch (watermark.kind) {
    case 'at-end':
      return -Infinity
    case 'bounded-disorder':
      return eventTime - watermark.disorderMs
    case 'punctuated': {
      const promise = evaluateWith(watermark.expression, (name) => cells[name] as Value)
      return promise === null ? -Infinity : Number(promise)
    }
  }
}

function withoutEventTime(step: string): MillraceError {
  return new MillraceError('input/no-event-time', { what: 'a row has no event time', step })
}
