/**
 * The meaning of a lookup join: each row of the stream beside each row of the whole table that has the same key.
 */
import { MAIN_PORT } from '../../plan/index.ts'
import type { LookupJoinNode } from '../../plan/index.ts'
import type { Value } from '../../expr/value.ts'
import type { Meaning } from './meaning.ts'
import type { Cells, OracleRow, Relation } from './relation.ts'
import { textOfValue } from './values.ts'

/** Null equals nothing, not even null. A left join keeps rows without a partner, with nulls. */
export const lookupJoin: Meaning<LookupJoinNode> = (node, inputs) => {
  const [stream, table] = inputs as readonly [Relation, Relation]
  const rows = stream.rows.flatMap((row): OracleRow[] => {
    const found = table.rows.filter((other) => matches(node, row.cells, other.cells))
    const partners = found.length === 0 && node.join === 'left' ? [undefined] : found
    return partners.map((partner) => ({ ...row, cells: { ...row.cells, ...taken(node, partner?.cells) } }))
  })
  return { [MAIN_PORT]: { schema: node.schema, rows, hasTies: true } }
}

function matches({ on }: LookupJoinNode, row: Cells, other: Cells): boolean {
  return on.every(({ left, right }) => {
    const [mine, theirs] = [row[left] as Value, other[right] as Value]
    return mine !== null && theirs !== null && textOfValue(mine) === textOfValue(theirs)
  })
}

function taken({ columns }: LookupJoinNode, partner: Cells | undefined): Cells {
  return Object.fromEntries(columns.map(({ name, column }) => [name, partner?.[column] ?? null]))
}
