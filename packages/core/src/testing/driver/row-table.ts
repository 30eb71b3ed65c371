/**
 * Rows as text that people read in a snapshot: aligned columns, times as ISO 8601, a sign in front of changes.
 *
 * The same rows give the same text on every machine, in every locale and zone.
 */
import { renderTable } from '../../connect/text-table.ts'
import type { DataType, Field, Schema } from '../../data/type.ts'
import { formatInstant } from '../../time/instant.ts'
import type { Change } from './driven-sink.ts'
import { unknownColumn } from './test-errors.ts'

/** What a table of rows shows. */
export interface TableOptions {
  /** Only these columns, in this order. Default: all. */
  readonly columns?: readonly string[]
  /** Lines in the order of their text, for rows whose order means nothing. Default: false, in the order in which they came. */
  readonly sort?: boolean
}

const CELL_WIDTH = 200

interface TimeColumn {
  readonly zoned: boolean
  readonly precision: TimePrecision
}

/** Changes as a table; with a column of signs when `signed`. */
export function changeTable(
  schema: Schema,
  changes: readonly Change[],
  { columns, sort = false, signed }: TableOptions & { readonly signed: boolean },
): string {
  const fields = columns === undefined ? schema.fields : columns.map((column) => fieldOf(schema, column))
  const times = fields.map(({ name, type }): TimeColumn | undefined =>
    type.kind === 'timestamp'
      ? { zoned: type.zoned, precision: timePrecision(changes.map(({ row }) => row[name])) }
      : undefined,
  )
  const cells = changes.map(({ row, weight }) => [
    ...(signed ? [weight > 0 ? '+' : '−'] : []),
    ...fields.map(({ name }, at) => cellText(row[name], times[at])),
  ])
  const sorted = sort ? cells.toSorted((a, b) => (a.join('\u0000') < b.join('\u0000') ? -1 : 1)) : cells
  const heads = fields.map(({ name, type }) => ({ name, isNumber: isNumber(type) }))
  return textOf([...(signed ? [{ name: '±', isNumber: false }] : []), ...heads], sorted)
}

function fieldOf({ fields }: Schema, column: string): Field {
  const found = fields.find(({ name }) => name === column)
  if (found !== undefined) return found
  throw unknownColumn(
    'the output',
    column,
    fields.map(({ name }) => name),
  )
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
  const cells = rows.map((row) => names.map((name) => cellText(row[name])))
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

function cellText(value: unknown, time?: TimeColumn): string {
  if (value === undefined) return ''
  if (value === null) return 'null'
  if (time !== undefined && typeof value === 'number')
    return formatInstant(value, time.zoned).replace(cutOff[time.precision], '')
  if (typeof value === 'string') return value
  if (typeof value === 'object') return JSON.stringify(value, plain)
  return String(value as number | bigint | boolean)
}

/** How much of times a column shows: `2024-01-01T10:00Z`, with seconds and their parts only where some row has them. */
function timePrecision(values: readonly unknown[]): TimePrecision {
  const times = values.filter((value) => typeof value === 'number')
  if (times.some((ms) => ms % 1000 !== 0)) return 'parts'
  return times.some((ms) => ms % 60_000 !== 0) ? 'seconds' : 'minutes'
}

type TimePrecision = 'minutes' | 'seconds' | 'parts'

const cutOff = { minutes: /:\d\d\.\d+(?=Z?$)/, seconds: /\.\d+(?=Z?$)/, parts: /(?!)/ } as const

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return [...value]
  return value instanceof Set ? [...value] : value
}
