/**
 * Rows as text that people read in a snapshot: aligned columns, times as ISO 8601, a sign in front of changes.
 *
 * The same rows give the same text on every machine, in every locale and zone.
 */
import { renderTable } from '../../connect/text-table.ts'
import type { DataType, Schema } from '../../data/type.ts'
import { formatInstant } from '../../time/instant.ts'
import type { Change } from './driven-sink.ts'

/** What a table of rows shows. */
export interface TableOptions {
  /** Only these columns, in this order. Default: all. */
  readonly columns?: readonly string[]
  /** Lines in the order of their text, for rows whose order means nothing. Default: false, in the order in which they came. */
  readonly sort?: boolean
}

const CELL_WIDTH = 200

/** Changes as a table; with a column of signs when `signed`. */
export function changeTable(
  schema: Schema,
  changes: readonly Change[],
  { columns, sort = false, signed }: TableOptions & { readonly signed: boolean },
): string {
  const fields =
    columns === undefined
      ? schema.fields
      : columns.flatMap((column) => schema.fields.filter(({ name }) => name === column))
  const cells = changes.map(({ row, weight }) => [
    ...(signed ? [weight > 0 ? '+' : '−'] : []),
    ...fields.map(({ name, type }) => cellText(row[name], type)),
  ])
  const sorted = sort ? cells.toSorted((a, b) => (a.join('\u0000') < b.join('\u0000') ? -1 : 1)) : cells
  const heads = fields.map(({ name, type }) => ({ name, isNumber: isNumber(type) }))
  return textOf([...(signed ? [{ name: '±', isNumber: false }] : []), ...heads], sorted)
}

/**
 * Any plain rows as aligned text, such as those of a state: for snapshots that read well.
 *
 * @example
 * ```ts
 * const text = tableOf([{ origin: 'AMS', flights: 2 }])
 * ```
 */
export function tableOf(
  rows: readonly { readonly [column: string]: unknown }[],
  { columns, sort = false }: TableOptions = {},
): string {
  const names = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => names.map((name) => cellText(row[name], undefined)))
  const sorted = sort ? cells.toSorted((a, b) => (a.join('\u0000') < b.join('\u0000') ? -1 : 1)) : cells
  const heads = names.map((name) => ({
    name,
    isNumber: rows.length > 0 && rows.every((row) => ['number', 'bigint'].includes(typeof row[name])),
  }))
  return textOf(heads, sorted)
}

function textOf(
  columns: readonly { readonly name: string; readonly isNumber: boolean }[],
  cells: readonly (readonly string[])[],
): string {
  return renderTable({ columns, cells, cellWidth: CELL_WIDTH }).trimEnd()
}

function isNumber({ kind }: DataType): boolean {
  return /^u?int|^float|^decimal/.test(kind)
}

function cellText(value: unknown, type: DataType | undefined): string {
  if (value === undefined) return ''
  if (value === null) return 'null'
  if (type?.kind === 'timestamp' && typeof value === 'number') return instantText(value, type.zoned)
  if (typeof value === 'string') return value
  if (typeof value === 'object') return JSON.stringify(value, plain)
  return String(value as number | bigint | boolean)
}

/** `2024-01-01T10:00Z`: seconds and their parts stand only where they are not 0. */
function instantText(ms: number, zoned: boolean): string {
  const text = formatInstant(ms, zoned)
  return text.replace(/(T\d\d:\d\d)(:\d\d)\.000/, '$1$2').replace(/(T\d\d:\d\d):00(Z?)$/, '$1$2')
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return [...value]
  return value instanceof Set ? [...value] : value
}
