/**
 * What an engine put out against what the oracle says: as multisets of rows, after rows that take others back are taken off.
 */
import type { Schema } from '../../data/index.ts'
import type { Value } from '../../expr/value.ts'
import type { Relation } from '../oracle/relation.ts'
import type { CommittedRow } from './value-sink.ts'

/** Floats of one row may differ by so much, relatively (law L1). */
const FLOAT_TOLERANCE = 1e-9
/** Rows of each side that a difference shows. */
const SHOWN_MAX = 5

/** In what two outputs differ, in words; undefined: in nothing. */
export function differenceOf(expected: Relation, actual: readonly CommittedRow[]): string | undefined {
  const wanted = expected.rows.map(({ cells, weight }): WeightedRow => ({
    values: expected.schema.fields.map(({ name }) => cells[name] as Value),
    weight,
  }))
  const left = consolidated(wanted)
  const found = consolidated(actual)
  for (const [text, row] of left) {
    const other = found.get(text)
    if (other === undefined) continue
    const both = Math.min(row.weight, other.weight)
    change(left, text, -both)
    change(found, text, -both)
  }
  const missing = listed(left)
  const extra = listed(found)
  if (
    missing.length === extra.length &&
    missing.every((row, at) => isNear(row, extra[at] as readonly Value[]))
  )
    return undefined
  return [
    `${missing.length} rows are missing, ${extra.length} are too many`,
    ...missing.slice(0, SHOWN_MAX).map((row) => `  missing  ${shown(expected.schema, row)}`),
    ...extra.slice(0, SHOWN_MAX).map((row) => `  too many ${shown(expected.schema, row)}`),
  ].join('\n')
}

type WeightedRow = Pick<CommittedRow, 'values' | 'weight'>
type Multiset = Map<string, WeightedRow>

function consolidated(rows: readonly WeightedRow[]): Multiset {
  const all: Multiset = new Map()
  for (const { values, weight } of rows) {
    const text = textOfRow(values)
    if (!all.has(text)) all.set(text, { values, weight: 0 })
    change(all, text, weight)
  }
  return all
}

function change(all: Multiset, text: string, by: number): void {
  const { values, weight } = all.get(text) as WeightedRow
  if (weight + by === 0) all.delete(text)
  else all.set(text, { values, weight: weight + by })
}

/** Each row as often as its weight says; one that was taken back too often counts as a row as well. */
function listed(all: Multiset): readonly (readonly Value[])[] {
  return [...all]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([, { values, weight }]) =>
      Array.from({ length: Math.abs(weight) }, () => [...values, weight < 0]),
    )
}

function isNear(left: readonly Value[], right: readonly Value[]): boolean {
  return left.every((value, at) => isNearValue(value, right[at] as Value))
}

function isNearValue(left: Value, right: Value): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    if (Object.is(left, right)) return true
    const largest = Math.max(Math.abs(left), Math.abs(right))
    return largest < Infinity && Math.abs(left - right) <= FLOAT_TOLERANCE * largest
  }
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length)
    return isNear(left as readonly Value[], right as readonly Value[])
  return textOfCell(left) === textOfCell(right)
}

function textOfRow(values: readonly Value[]): string {
  return values.map(textOfCell).join(' | ')
}

/** Exact, but for the last digits of floats, so that nearly equal rows stand in one order. */
function textOfCell(value: Value): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(Number(value.toPrecision(11)))
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(textOfCell).join()}]`
  return JSON.stringify(value)
}

function shown({ fields }: Schema, row: readonly Value[]): string {
  const cells = fields.map(({ name }, at) => `${name}: ${textOfCell(row[at] as Value)}`)
  return `{ ${cells.join(', ')} }${row[fields.length] === true ? ' taken back' : ''}`
}
