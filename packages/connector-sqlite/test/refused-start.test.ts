// A start that is refused leaves a database as it was, whoever refuses it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pipeline } from '../../core/src/index.ts'
import { ndjson } from '../../core/src/connect/files/index.ts'
import { memoryRows } from '../../core/src/connect/index.ts'
import { schema, t } from '../../core/src/data/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { DirectoryStore, Job } from '../../core/src/runtime/index.ts'
import type { JobOptions } from '../../core/src/runtime/index.ts'
import { sqlite } from '../src/index.ts'

const host = createNodeHost()
const Row = schema({ id: t.int32() })
let folder: string
let database: Database.Database

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
  database = new Database(join(folder, 'shop.db'))
  database.exec('CREATE TABLE results (id INTEGER)')
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Writes to the table, and to files. */
function job(options: Partial<JobOptions>): Job {
  const built = pipeline('copy', (p) => {
    const rows = p.read('rows', memoryRows(Row, [{ id: 1 }]))
    rows.write('table', sqlite({ path: join(folder, 'shop.db'), table: 'results', mode: 'append' }))
    rows.write('files', ndjson(join(folder, 'out')))
  }).build()
  return new Job(built, { host, mode: 'batch', ...options })
}

const everything = (): readonly unknown[] =>
  (database.prepare('SELECT name FROM sqlite_master').all() as { name: string }[]).map(({ name }) => name)

describe.each([
  ['without state', () => ({})],
  ['with state', () => ({ state: new DirectoryStore(host, join(folder, 'state')) })],
] as const)('a start that is refused, %s', (_, state) => {
  it('by the table itself leaves no table (SQ4)', async () => {
    database.exec('INSERT INTO results VALUES (7)')
    await expect(job(state()).run()).rejects.toMatchObject({ code: 'output/exists' })
    expect(everything()).toEqual(['results'])
  })

  it('by another output leaves no table, in any mode (SQ4)', async () => {
    const other = pipeline('other', (p) => {
      p.read('rows', memoryRows(Row, [{ id: 1 }])).write('files', ndjson(join(folder, 'out')))
    })
    await new Job(other.build(), { host, mode: 'batch' }).run()
    await expect(job(state()).run()).rejects.toMatchObject({ code: 'output/exists' })
    expect(everything()).toEqual(['results'])
  })

  it('keeps what an earlier run has committed there', async () => {
    await job({ ...state() }).run()
    const before = everything()
    const again = pipeline('again', (p) => {
      p.read('rows', memoryRows(Row, [{ id: 1 }])).write(
        'table',
        sqlite({ path: join(folder, 'shop.db'), table: 'results', mode: 'append' }),
      )
    })
    await expect(new Job(again.build(), { host, mode: 'batch' }).run()).rejects.toMatchObject({
      code: 'output/exists',
    })
    expect(everything()).toEqual(before)
    expect(database.prepare('SELECT id FROM results').all()).toHaveLength(1)
  })
})
