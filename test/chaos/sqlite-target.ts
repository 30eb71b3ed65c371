/** A table of SQLite as the output of a trial. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../packages/connector-sqlite/test/open-database.ts'
import { textOf, timesAsNumbers } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import type { Target } from './trial.ts'

const tables = {
  pass: 'id INTEGER NOT NULL, account TEXT NOT NULL, at TEXT NOT NULL, amount INTEGER NOT NULL',
  total: 'id INTEGER NOT NULL, account TEXT NOT NULL, payments INTEGER NOT NULL, total INTEGER NOT NULL',
  window:
    'account TEXT NOT NULL, "windowStart" TEXT NOT NULL, "windowEnd" TEXT NOT NULL, ' +
    'payments INTEGER NOT NULL, total INTEGER, most INTEGER',
}

const columns = { ...tables, session: tables.window, join: `${tables.pass}, holder TEXT` }

/** What tells rows of each shape apart. */
const tableKeys = { pass: 'id', total: 'id', window: 'account, "windowStart"' }
const keys = { ...tableKeys, session: tableKeys.window, join: tableKeys.pass }

/** A new file with one table. */
export function sqliteTarget({ shape, sink }: Scenario): Target {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-sqlite-'))
  const path = join(folder, 'results.db')
  const database = openDatabase(path)
  database.exec(`CREATE TABLE results (${columns[shape]})`)
  // Not where rows are appended: one that comes twice is to show.
  if (sink === 'sqlite-upsert') database.exec(`CREATE UNIQUE INDEX results_key ON results (${keys[shape]})`)
  const names = columns[shape].split(', ').map((column) => column.split(' ')[0] ?? '')
  return {
    settings: { database: path, table: 'results' },
    environment: {},
    rows: async () => {
      const rows = database
        .prepare(`SELECT ${names.join(', ')} FROM results`)
        .raw()
        .all() as unknown[][]
      return rows.map((row) =>
        textOf(
          timesAsNumbers(Object.fromEntries(names.map((name, at) => [name.replaceAll('"', ''), row[at]]))),
        ),
      )
    },
    remove: async () => {
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
