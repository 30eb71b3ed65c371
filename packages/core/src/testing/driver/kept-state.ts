/** What a step keeps, as plain rows: read from the files of the last epoch, as a later run would read them. */
import { DirectoryStore } from '../../checkpoint/index.ts'
import type { Host } from '../../host/host.ts'
import { readCheckpoints } from '../../runtime/read-checkpoints.ts'
import { readStateTables } from '../../runtime/state-tables.ts'
import type { StateRow, StateTable } from '../../runtime/state-tables.ts'

/** A timer that is set. */
export interface KeptTimer {
  readonly key: { readonly [column: string]: unknown }
  readonly name: string
  /** When it is due, in event time: milliseconds since 1970. */
  readonly at: number
}

/** The tables of the newest epoch, of one step; none before the first epoch. */
export async function keptTables(host: Host, place: string, step: string): Promise<readonly StateTable[]> {
  const store = new DirectoryStore(host, place)
  const newest = (await readCheckpoints(store, host.bytes)).epochs.at(-1)
  if (newest === undefined) return []
  return readStateTables(newest.manifest, { store, checks: host.bytes }, step)
}

/**
 * One row per key: the columns of the key, then each state by its name (a list as an array, a map as a `Map`). Of steps
 * that keep other tables: their rows, one after the other.
 */
export function keptRows(tables: readonly StateTable[]): readonly StateRow[] {
  const isProcess = tables.some(({ table }) => /^(?:values$|list:|map:)/.test(table))
  const shown = tables.filter(({ table }) => table !== 'progress' && table !== 'timers')
  if (!isProcess) return shown.flatMap(({ rows }) => rows)
  const byKey = new Map<string, Record<string, unknown>>()
  for (const table of shown) {
    for (const row of table.rows) {
      const key = keyOf(table, row)
      const id = JSON.stringify(Object.values(key), bigText)
      const kept = byKey.get(id) ?? key
      byKey.set(id, kept)
      addTo(kept, table, row)
    }
  }
  return [...byKey.values()]
}

/** Timers that are set, the first due first. */
export function keptTimers(tables: readonly StateTable[]): readonly KeptTimer[] {
  const timers = tables.filter(({ table }) => table === 'timers')
  const rows = timers.flatMap((table) =>
    table.rows.map((row) => ({
      key: keyOf(table, row),
      name: String(own(table, row, 'name')),
      at: Number(own(table, row, 'time')),
    })),
  )
  return rows.toSorted((a, b) => a.at - b.at)
}

/** Whether a row has these values. */
export function has(row: StateRow, wanted: StateRow): boolean {
  return Object.entries(wanted).every(([name, value]) => Object.is(row[name], value))
}

function addTo(kept: Record<string, unknown>, table: StateTable, row: StateRow): void {
  const [, kind, name] = /^(list|map):([^]*)$/.exec(table.table) ?? []
  if (kind === undefined || name === undefined) {
    for (const column of Object.keys(row)) {
      if (table.keys.includes(column) || row[column] === null || row[column] === undefined) continue
      kept[freeName(kept, column)] = row[column]
    }
    return
  }
  if (kind === 'list') {
    const list = (kept[name] ??= []) as unknown[]
    list[Number(own(table, row, 'at'))] = own(table, row, 'value')
    return
  }
  const map = (kept[name] ??= new Map()) as Map<unknown, unknown>
  map.set(own(table, row, 'key'), own(table, row, 'value'))
}

/** A state may have the name of a key. */
function freeName(kept: object, name: string): string {
  return Object.hasOwn(kept, name) ? `${name} (state)` : name
}

function keyOf({ keys }: StateTable, row: StateRow): Record<string, unknown> {
  return Object.fromEntries(keys.map((name) => [name, row[name]]))
}

/** A cell of a column that the engine has added. */
function own({ schema, keys }: StateTable, row: StateRow, name: string): unknown {
  const found = schema.fields
    .slice(keys.length)
    .find((field) => field.name.replace(/^\/+/, '/').split(' ')[0] === `/${name}`)
  return found === undefined ? undefined : row[found.name]
}

function bigText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
