/** A table of a real PostgreSQL as the output of a trial. */
import { TestServer } from '../../packages/connector-postgres/test/postgres-server.ts'
import { textOf } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import type { Target } from './trial.ts'

const tables = {
  pass: 'id int4 NOT NULL, account text NOT NULL, at timestamp NOT NULL, amount int4 NOT NULL',
  total: 'id int4 NOT NULL, account text NOT NULL, payments int4 NOT NULL, total int4 NOT NULL',
  window:
    'account text NOT NULL, "windowStart" timestamp NOT NULL, "windowEnd" timestamp NOT NULL, ' +
    'payments int8 NOT NULL, total int8, most int4',
}

const columns = { ...tables, session: tables.window, join: `${tables.pass}, holder text` }

/** What tells rows of each shape apart. */
const tableKeys = { pass: 'id', total: 'id', window: 'account, "windowStart"' }
const keys = { ...tableKeys, session: tableKeys.window, join: tableKeys.pass }

/** A server for as many trials as wanted. */
export class DatabaseTargets {
  readonly #server: TestServer
  #tables = 0

  private constructor(server: TestServer) {
    this.#server = server
  }

  static async start(): Promise<DatabaseTargets> {
    return new DatabaseTargets(await TestServer.start({ max_connections: '100' }))
  }

  /** A new table for a trial. */
  async target({ shape, sink }: Scenario, { killsServer = false } = {}): Promise<Target> {
    const server = this.#server
    const name = `chaos_${this.#tables++}`
    await server.ask(`CREATE SCHEMA ${name}`)
    await server.ask(`CREATE TABLE ${name}.results (${columns[shape]})`)
    // Not where rows are appended: one that comes twice is to show.
    if (sink === 'postgres-upsert')
      await server.ask(`CREATE UNIQUE INDEX ON ${name}.results (${keys[shape]})`)
    return {
      settings: { table: `${name}.results` },
      environment: server.environment,
      rows: async () => {
        const rows = await server.ask<Record<string, unknown>>(`SELECT * FROM ${name}.results`)
        return rows.map((row) => textOf(withNumbers(row)))
      },
      ...(killsServer ? { kill: () => server.kill(), revive: () => server.run() } : {}),
      remove: async () => {
        await server.ask(`DROP SCHEMA ${name} CASCADE`)
      },
    }
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }
}

/** Times without a zone are read as local ones. */
function withNumbers(row: Record<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) =>
      value instanceof Date
        ? [
            name,
            Date.UTC(value.getFullYear(), value.getMonth(), value.getDate(), value.getHours()) +
              value.getMinutes() * 60_000 +
              value.getSeconds() * 1000 +
              value.getMilliseconds(),
          ]
        : [name, value],
    ),
  )
}
