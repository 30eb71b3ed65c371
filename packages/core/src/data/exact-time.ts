/**
 * Exact times of a row view: rows show times in milliseconds, and this gives the count in the column's own unit.
 */
import { MillraceError } from '../errors.ts'
import type { Column } from './column.ts'
import { exactValue } from './read-value.ts'
import { keptView } from './row-guard.ts'
import { columnIndex } from './schema.ts'
import type { Field, Schema } from './type.ts'

/** Where a view reads from at this moment. */
export interface ViewPosition {
  readonly schema: Schema
  columns(): readonly Column[]
  index(): number
}

const positions = new WeakMap<object, ViewPosition>()

/** Makes a view known; row views do it themselves. */
export function registerView(view: object, position: ViewPosition): void {
  positions.set(view, position)
}

/**
 * The exact count of a time or timestamp column of a row view, in the column's unit (µs, ns); null when it has none.
 * Also gives 64-bit integers exactly, whatever the schema shows in rows.
 *
 * @throws MillraceError `value/invalid` when `view` is not a row view (a copy such as `{ ...row }` has milliseconds only).
 *
 * @example
 * ```ts
 * import { exactTime, schema, t } from '@millrace/core/data'
 * import { memoryRows, pipeline } from '@millrace/core'
 *
 * const Event = schema({ at: t.timestamp('us') })
 * const Precise = schema({ micros: t.int64().bigint() })
 * pipeline('example', (p) => {
 *   p.read('events', memoryRows(Event, [])).map('precise', Precise, (row) => ({ micros: exactTime(row, 'at') ?? 0n }))
 * })
 * ```
 */
export function exactTime<Row extends object>(view: Row, name: keyof Row & string): bigint | null {
  const position = positions.get(view)
  if (position === undefined) {
    throw new MillraceError('value/invalid', {
      what: `the exact value of column "${name}" was asked of something that is not a row view`,
      hint: 'give the row itself, not a copy of it',
    })
  }
  const index = columnIndex(position.schema, name)
  const { type } = position.schema.fields[index] as Field
  const hasCount =
    type.kind === 'time' || type.kind === 'timestamp' || type.kind === 'int64' || type.kind === 'uint64'
  if (!hasCount) {
    throw new MillraceError('value/invalid', {
      what: `column "${name}" is of type ${type.kind}`,
      detail: 'exact values are those of time, timestamp, int64 and uint64 columns',
    })
  }
  const column = position.columns()[index]
  if (column === undefined) throw keptView(name)
  return exactValue(column, position.index())
}
