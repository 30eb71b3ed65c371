/**
 * The meaning of an interval join: each left row beside each right row of its key that is near it in event time.
 */
import { evaluateWith } from '../../expr/evaluate.ts'
import type { Value } from '../../expr/value.ts'
import { LATE_PORT, LATE_RIGHT_PORT, MAIN_PORT } from '../../plan/index.ts'
import type { IntervalJoinNode, JoinKind } from '../../plan/index.ts'
import type { Around, Meaning } from './meaning.ts'
import type { Cells, OracleRow, Relation } from './relation.ts'
import { madeRow } from './relation.ts'
import { textOfValue } from './values.ts'

const keepsLeft: readonly JoinKind[] = ['left', 'full', 'anti']
const keepsRight: readonly JoinKind[] = ['right', 'full']

/** Rows that are late join nothing, and are not in the result. */
export const intervalJoin: Meaning<IntervalJoinNode> = (node, inputs, around) => {
  const [left, right] = inputs as readonly [Relation, Relation]
  const [lateLeft, lefts] = divided(left.rows, (row) => isLate(node, row, around))
  const [lateRight, rights] = divided(right.rows, (row) => isLate(node, row, around))
  const isHalf = node.join === 'semi' || node.join === 'anti'
  const rows: OracleRow[] = []
  const give = (mine: OracleRow | undefined, other: OracleRow | undefined): void => {
    const times = [mine, other].flatMap((row) => (row === undefined ? [] : [row.eventTime as number]))
    const cells = pairOf(node, mine?.cells, other?.cells)
    const given = node.schema.fields.map(({ name }) => [name, cells[name] ?? null] as const)
    rows.push(madeRow(Object.fromEntries(given), Math.max(...times)))
  }
  for (const mine of lefts) {
    const partners = rights.filter((other) => arePartners(node, mine, other))
    if (!isHalf) for (const other of partners) give(mine, other)
    if (partners.length === 0 ? keepsLeft.includes(node.join) : node.join === 'semi') give(mine, undefined)
  }
  for (const other of rights) {
    if (!keepsRight.includes(node.join)) break
    if (!lefts.some((mine) => arePartners(node, mine, other))) give(undefined, other)
  }
  return {
    [MAIN_PORT]: { schema: node.schema, rows, hasTies: true },
    [LATE_PORT]: { ...left, rows: lateLeft },
    [LATE_RIGHT_PORT]: { ...right, rows: lateRight },
  }
}

/** A row is late when the watermark has passed its time and the allowed lateness. */
function isLate(node: IntervalJoinNode, row: OracleRow, { lateness }: Around): boolean {
  switch (lateness.kind) {
    case 'none':
      return false
    case 'by-split':
      return row.watermark > (row.eventTime as number) + node.allowedLatenessMs
    case 'given':
      return lateness.isLate(node.step, row.cells)
  }
}

/** Null equals nothing, not even null. */
function arePartners(node: IntervalJoinNode, mine: OracleRow, other: OracleRow): boolean {
  const isEqual = node.on.every(({ left, right }) => {
    const [a, b] = [mine.cells[left] as Value, other.cells[right] as Value]
    return a !== null && b !== null && textOfValue(a) === textOfValue(b)
  })
  const distance = (other.eventTime as number) - (mine.eventTime as number)
  if (!isEqual || distance < node.lowerMs || distance > node.upperMs) return false
  if (node.condition === undefined) return true
  const cells = pairOf(node, mine.cells, other.cells)
  return evaluateWith(node.condition, (name) => cells[name] as Value) === true
}

function pairOf({ columns }: IntervalJoinNode, mine: Cells | undefined, other: Cells | undefined): Cells {
  return Object.fromEntries(
    columns.map(({ name, side, column }) => [name, (side === 'left' ? mine : other)?.[column] ?? null]),
  )
}

function divided<Item>(all: readonly Item[], test: (one: Item) => boolean): readonly [Item[], Item[]] {
  return [all.filter(test), all.filter((one) => !test(one))]
}
