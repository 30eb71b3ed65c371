/**
 * A sink for people: the first rows of each epoch as a table on the terminal, when the epoch is committed.
 *
 * Best effort where exactly-once is concerned: a commit that is repeated by another process prints again.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount, rowIndex } from '../data/batch.ts'
import type { Column } from '../data/column.ts'
import { isValid } from '../data/column.ts'
import { readValue } from '../data/read-value.ts'
import type { DataType, Json, Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import { formatInstant } from '../time/instant.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { cellJson, cellText as exactText } from './cell-text.ts'
import type { OpenSink, Sink, SinkContext } from './sink.ts'
import { renderTable } from './text-table.ts'

/** Options of the console. */
export interface ConsoleOptions {
  /** Rows shown per epoch and task; the others are counted. Default 20. */
  readonly rows?: number
  /** Characters per cell, at most; default 80. */
  readonly cellWidth?: number
}

/** The rows to show. */
export interface ConsoleCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly epoch: number
  readonly task: number
  readonly cells: readonly (readonly string[])[]
  readonly rows: number
}

/** Rows that are kept for the table, at most: it is for looking at. */
const ROWS_MAX = 1000

/**
 * Shows rows on the terminal.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * hourly.write('show', toConsole({ rows: 10 }))
 * ```
 */
export function toConsole(options: ConsoleOptions = {}): Sink<ConsoleCommittable> {
  checkOptionNames('toConsole', options, ['rows', 'cellWidth'])
  const { rows: shown = 20, cellWidth = 80 } = options
  check('rows', shown, ROWS_MAX)
  check('cellWidth', cellWidth, 1000)
  return {
    description: { connector: 'console', options: { rows: shown, cellWidth } },
    accepts: 'append',
    open: async (context) => openConsole(context, { shown, cellWidth }),
  }
}

function check(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw new MillraceError('plan/invalid-argument', {
    what: `option "${name}" of the console has the value ${value}`,
    detail: `expected a whole number from 1 to ${most}`,
  })
}

function openConsole(
  context: SinkContext,
  { shown, cellWidth }: { readonly shown: number; readonly cellWidth: number },
): OpenSink<ConsoleCommittable> {
  const { host, schema, step } = context
  const committed = new Set<string>()
  return {
    async writer(task) {
      let cells: string[][] = []
      let rows = 0
      let before = 0
      const sealed = new Map<number, ConsoleCommittable>()
      return {
        write(batch) {
          const count = Math.min(rowCount(batch), shown - cells.length)
          for (let row = 0; row < count; row++) cells.push(cellsOf(batch, rowIndex(batch, row)))
          rows += rowCount(batch)
        },
        seal(epoch) {
          if (rows > before) sealed.set(epoch, { v: 1, epoch, task, cells, rows: rows - before })
          cells = []
          before = rows
        },
        async prepare(epoch) {
          const committable = sealed.get(epoch)
          sealed.delete(epoch)
          return committable
        },
        written: () => ({ rows, bytes: 0 }),
        close: async () => undefined,
      }
    },
    holdsBack: () => false,
    async commit(committables) {
      return committables.map(({ epoch, task, cells, rows }) => {
        const name = `${epoch}/${task}`
        if (committed.has(name)) return { kind: 'already-committed' }
        committed.add(name)
        const more = rows - cells.length
        host.terminal.write(
          `${step}\n${renderTable({ columns: columnsOf(schema), cells, cellWidth })}${more > 0 ? `… and ${more} more\n` : ''}`,
        )
        return { kind: 'committed', rows }
      })
    },
    sweep: async () => undefined,
    finish: async () => undefined,
    close: async () => undefined,
  }
}

function columnsOf(schema: Schema): { readonly name: string; readonly isNumber: boolean }[] {
  return schema.fields.map(({ name, type }) => ({ name, isNumber: numberKinds.has(type.kind) }))
}

const numberKinds: ReadonlySet<DataType['kind']> = new Set([
  'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64', 'decimal',
]) // prettier-ignore

function cellsOf(batch: Batch, index: number): string[] {
  return batch.columns.map((column) => shownText(column, index))
}

const nestedKinds: ReadonlySet<DataType['kind']> = new Set(['list', 'map', 'struct'])

function shownText(column: Column, index: number): string {
  const { type } = column
  if (!isValid(column, index)) return 'null'
  // Numbers of rows do not hold all that 64 bits do.
  if (column.layout === 'wide') return exactText(column, index)
  if (nestedKinds.has(type.kind)) return cellJson(column, index)
  const value = readValue(column, index)
  if (type.kind === 'timestamp') return formatInstant(value as number, type.zoned)
  if (typeof value === 'string') return value
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(7)))
  if (typeof value === 'object')
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return String(value as number | bigint | boolean)
}
