// What every sink promises, kept by tables of a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { schema, t } from '../../core/src/data/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { sinkConformance } from '../../core/src/testing/index.ts'
import type { SinkSubject } from '../../core/src/testing/sink-trial.ts'
import { postgres } from '../src/index.ts'
import { TestServer, whyNoServer } from './postgres-server.ts'

const Row = schema({ id: t.int32(), name: t.string(), amount: t.float64().nullable() })
const host = createNodeHost()
// Some tests go through dozens of runs, each with connections of its own.
vi.setConfig({ testTimeout: 180_000 })
let server: TestServer
let tables = 0

beforeAll(async () => {
  if (whyNoServer === undefined) server = await TestServer.start()
}, 60_000)

afterAll(async () => {
  if (whyNoServer === undefined) await server.stop()
})

async function subjectOf(mode: 'append' | 'upsert'): Promise<SinkSubject> {
  const name = `t${tables++}`
  const key = mode === 'upsert' ? ' PRIMARY KEY' : ''
  await server.ask(`CREATE SCHEMA ${name}`)
  await server.ask(`CREATE TABLE ${name}.rows (id int4${key}, name text NOT NULL, amount float8)`)
  return {
    host,
    schema: Row,
    row: (n) => ({ id: n, name: `row\t${n}\n\\`, amount: n % 3 === 0 ? null : n / 7 }),
    sink: () =>
      postgres({
        table: `${name}.rows`,
        mode,
        ...(mode === 'upsert' ? { key: ['id'] } : {}),
        environment: server.environment,
      }),
    visible: () => server.ask(`SELECT id, name, amount FROM ${name}.rows`),
    cleanup: async () => {
      // Runs that were killed on trial are still connected.
      await server.disconnectAll()
      await server.ask(`DROP SCHEMA ${name} CASCADE`)
    },
  }
}

describe(`a server for tests${whyNoServer === undefined ? '' : ` (${whyNoServer})`}`, () => {
  it.runIf(whyNoServer === undefined)('can be started', async () => {
    expect(await server.ask("SELECT current_setting('server_version_num')::int4 >= 180000 AS new")).toEqual([
      { new: true },
    ])
  })
})

describe.skipIf(whyNoServer !== undefined)('tables of PostgreSQL', () => {
  sinkConformance(
    { describe, test, expect },
    { name: 'hold what every sink holds: append', setup: () => subjectOf('append') },
  )
  sinkConformance(
    { describe, test, expect },
    {
      name: 'hold what every sink holds: upsert',
      setup: () => subjectOf('upsert'),
      // Rows of other keys stay, whatever the mode.
      hasOutputModes: false,
    },
  )
})
