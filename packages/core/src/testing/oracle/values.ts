/**
 * Single values: as user functions see them and back, equal or not, and which comes first.
 */
import { batchOfRows, readValue } from '../../data/index.ts'
import type { Column, DataType, Interval, Schema } from '../../data/index.ts'
import { columnOf, readCell } from '../../expr/value.ts'
import type { Value } from '../../expr/value.ts'
import type { Cells, OracleRow } from './relation.ts'

/** A row as user functions see it. */
export function rowOfCells(schema: Schema, cells: Cells): { [column: string]: unknown } {
  return Object.fromEntries(
    schema.fields.map(({ name, type }) => [name, readValue(columnOf(type, [cells[name] as Value]), 0, name)]),
  )
}

/** The values of a row that a user gave. Throws `value/…` where they do not fit. */
export function cellsOfRow(schema: Schema, row: object): Cells {
  const { columns } = batchOfRows(schema, [row as never])
  return Object.fromEntries(schema.fields.map(({ name }, at) => [name, readCell(columns[at] as Column, 0)]))
}

/** A text that two values share exactly when they are equal: there is one zero and one NaN. */
export function textOfValue(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return String(value + 0)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  if (isList(value)) return `[${value.map(textOfValue).join()}]`
  return `${value.months} months ${value.days} days ${value.micros} us`
}

/** Rows by key, in the order in which they come; null is a key like any other. */
export function groupsByKey(rows: readonly OracleRow[], keys: readonly string[]): readonly OracleRow[][] {
  const groups = new Map<string, OracleRow[]>()
  for (const row of rows) {
    const text = keys.map((name) => textOfValue(row.cells[name] as Value)).join(' | ')
    const group = groups.get(text)
    if (group === undefined) groups.set(text, [row])
    else group.push(row)
  }
  return [...groups.values()]
}

/** The value as aggregates and keys give it back: −0 is 0. */
export function normal(value: Value): Value {
  return typeof value === 'number' ? value + 0 : value
}

/** Which of two values that are not null comes first: NaN above all numbers, text by its UTF-8 bytes, false before true. */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string))
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array)
  if (typeof left === 'bigint') return left < (right as bigint) ? -1 : left > (right as bigint) ? 1 : 0
  if (left !== null && typeof left === 'object') throw new Error('a nested value has no order')
  const [a, b] = [Number(left), Number(right)]
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a - b
}

/** A whole number of a type whose values are exact: decimals unscaled. Undefined for floats. */
export function exactOf(type: DataType, value: Value): bigint | undefined {
  if (type.kind === 'float32' || type.kind === 'float64') return undefined
  return BigInt(value as bigint | number)
}

/** A number as a double. */
export function doubleOf(type: DataType, value: Value): number {
  return type.kind === 'decimal' ? Number(value) / 10 ** type.scale : Number(value)
}

function isList(value: Interval | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value)
}
