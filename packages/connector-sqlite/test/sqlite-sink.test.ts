// Tables of SQLite as outputs: what every sink promises, types, refusals, another process that writes, and kill -9.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { globalWindow, pipeline } from '../../core/src/index.ts'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import type { Batch, Schema } from '../../core/src/data/index.ts'
import { memoryRows } from '../../core/src/connect/index.ts'
import type { OpenSink, SinkContext } from '../../core/src/connect/index.ts'
import type { Host } from '../../core/src/host/host.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { DirectoryStore, Job, writeSavepoint } from '../../core/src/runtime/index.ts'
import type { JobResult } from '../../core/src/runtime/index.ts'
import { sinkConformance } from '../../core/src/testing/index.ts'
import type { SinkSubject } from '../../core/src/testing/sink-trial.ts'
import { sqlite } from '../src/index.ts'
import type { SqliteCommittable, SqliteOptions } from '../src/index.ts'

vi.setConfig({ testTimeout: 120_000 })
const host = createNodeHost()
let folder: string
let path: string
let database: Database.Database

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
  path = join(folder, 'shop.db')
  database = new Database(path)
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

const Row = schema({ id: t.int32(), name: t.string(), amount: t.float64().nullable() })

async function subjectOf(mode: 'append' | 'upsert'): Promise<SinkSubject> {
  const own = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
  const file = join(own, 'shop.db')
  const db = new Database(file)
  db.exec('PRAGMA journal_mode = WAL')
  db.exec(
    `CREATE TABLE results (id INTEGER${mode === 'upsert' ? ' PRIMARY KEY' : ''}, name TEXT NOT NULL, amount REAL)`,
  )
  return {
    host,
    schema: Row,
    row: (n) => ({ id: n, name: `row\t${n}\n'"é`, amount: n % 3 === 0 ? null : n / 7 }),
    sink: () => sqlite({ path: file, table: 'results', mode, ...(mode === 'upsert' ? { key: ['id'] } : {}) }),
    visible: async () =>
      (db.prepare('SELECT id, name, amount FROM results').all() as Record<string, unknown>[]).map(
        ({ id, name, amount }) => ({ id, name, amount }),
      ),
    cleanup: async () => {
      db.close()
      rmSync(own, { recursive: true, force: true })
    },
  }
}

describe('tables of SQLite', () => {
  sinkConformance(
    { describe, test, expect },
    { name: 'hold what every sink holds: append', setup: () => subjectOf('append') },
  )
  sinkConformance(
    { describe, test, expect },
    { name: 'hold what every sink holds: upsert', setup: () => subjectOf('upsert'), hasOutputModes: false },
  )
})

function open(
  options: Partial<SqliteOptions>,
  rows: Schema,
  more: Partial<SinkContext> = {},
): Promise<OpenSink<SqliteCommittable>> {
  return sqlite({ path, table: 'results', mode: 'append', ...options }).open({
    host,
    schema: rows,
    step: 'write',
    outputMode: 'append',
    lineage: 'aaaa',
    attempt: 1,
    bounded: false,
    resumable: true,
    ...more,
  })
}

async function prepare(
  run: OpenSink<SqliteCommittable>,
  batch: Batch,
  epoch = 1,
): Promise<SqliteCommittable> {
  const writer = await run.writer(0)
  await writer.write(batch)
  writer.seal(epoch, { final: false })
  const committable = await writer.prepare(epoch)
  await writer.close()
  if (committable === undefined) throw new Error('nothing was prepared')
  return committable
}

/** A host whose waits end when the test says so. */
function stepwise(): {
  readonly host: Host
  readonly next: () => Promise<void>
  readonly release: () => void
} {
  const waiting: (() => void)[] = []
  let told: (() => void) | undefined
  let isReleased = false
  const set = (_: number, then: () => void): { clear(): void } => {
    if (isReleased) void Promise.resolve().then(then)
    else waiting.push(then)
    told?.()
    return { clear: () => undefined }
  }
  return {
    host: { ...host, timers: { ...host.timers, set } },
    async next() {
      if (waiting.length === 0) await new Promise<void>((resolve) => (told = resolve))
      waiting.shift()?.()
    },
    release() {
      isReleased = true
      for (const then of waiting.splice(0)) then()
    },
  }
}

describe('a table of SQLite', () => {
  it('that shows epochs which the job does not know stops it: its log has lost entries', async () => {
    database.exec('CREATE TABLE results (id INTEGER, name TEXT, amount REAL)')
    const run = await open({}, Row, { standing: 0 })
    for (const epoch of [1, 2]) {
      const rows = batchOfRows(Row, [{ id: epoch, name: 'a', amount: null }])
      expect(await run.commit([await prepare(run, rows, epoch)])).toEqual([{ kind: 'committed', rows: 1 }])
    }
    await run.close()
    await (await open({}, Row, { attempt: 2, resumed: true, standing: 2 })).close()
    const lost = open({}, Row, { attempt: 2, resumed: true, standing: 1 })
    await expect(lost).rejects.toMatchObject({
      code: 'checkpoint/lost-epochs',
      what: 'output "write" shows rows of epoch 2, and the newest epoch of the checkpoint log is 1',
      hint: expect.stringContaining('--from 1'),
    })
    // Another history.
    await (await open({}, Row, { attempt: 3, resumed: true, standing: 1, lineage: 'bbbb' })).close()
  })

  const Everything = schema({
    'flag': t.boolean(),
    'long': t.int64().bigint(),
    'double': t.float64(),
    'money': t.decimal(38, 9),
    'order "by"': t.string(),
    'raw': t.bytes(),
    'day': t.date(),
    'at': t.timestamp('ns'),
    'gap': t.interval(),
    'id': t.uuid(),
    'doc': t.json(),
    'list': t.list(t.int32().nullable()),
  }) // prettier-ignore

  it('keeps every type, as the columns do that the refusal of a missing table tells to make', async () => {
    const failure = await open({}, Everything).catch(
      (error: unknown) => error as { code: string; hint: string },
    )
    expect(failure).toMatchObject({
      code: 'output/unfit',
      hint: expect.stringMatching(/^CREATE TABLE "results"/),
    })
    database.exec((failure as { hint: string }).hint)
    const row = {
      'flag': true,
      'long': -9_223_372_036_854_775_808n,
      'double': -1e-300,
      'money': '-12345678901234567890123456789.123456789',
      'order "by"': '12\n\'"é',
      'raw': Uint8Array.of(0, 255),
      'day': '1969-12-31',
      'at': -1,
      'gap': { months: 1, days: -2, micros: 3_000_000 },
      'id': '01234567-89ab-4def-8123-456789abcdef',
      'doc': { a: [1, null] },
      'list': [1, null],
    } // prettier-ignore
    const run = await open({}, Everything)
    await run.commit([await prepare(run, batchOfRows(Everything, [row]))])
    await run.close()
    const [read] = database
      .prepare('SELECT flag, CAST(long AS TEXT) AS long, double, money, "order ""by""", hex(raw) AS raw, day, at, gap, id, doc, list FROM results')
      .all() as Record<string, unknown>[] // prettier-ignore
    expect({ ...read, _metadata: undefined }).toMatchObject({
      'flag': 1,
      'long': '-9223372036854775808',
      'double': -1e-300,
      'money': row.money,
      'order "by"': row['order "by"'],
      'raw': '00FF',
      'day': '1969-12-31',
      'at': '1969-12-31T23:59:59.999000000',
      'gap': 'P1M-2DT3S',
      'id': row.id,
      'doc': '{"a":[1,null]}',
      'list': '[1,null]',
    }) // prettier-ignore
  })

  it.each([
    ['decimals', schema({ a: t.decimal(10, 2) }), 'DECIMAL(10, 2)', /would change values of type decimal/],
    ['texts', schema({ a: t.string() }), 'INTEGER', /would change values of type string/],
    ['whole numbers', schema({ a: t.int32() }), 'REAL', /would change values of type int32/],
    ['floats', schema({ a: t.float64() }), 'INTEGER', /would change values of type float64/],
    ['uint64', schema({ a: t.uint64() }), 'INTEGER', /no column keeps every uint64/],
  ])('whose column would change values is refused: %s', async (_, rows, declared, detail) => {
    database.exec(`CREATE TABLE results (a ${declared})`)
    await expect(open({}, rows)).rejects.toMatchObject({
      code: 'output/unfit',
      detail: expect.stringMatching(detail),
    })
  })

  it('that lacks what is needed is refused with all of it', async () => {
    database.exec('CREATE TABLE results (id INTEGER, needed TEXT NOT NULL)')
    await expect(open({ mode: 'upsert', key: ['id'] }, schema({ id: t.int32(), more: t.string() }))).rejects.toMatchObject({
      detail:
        'table "results" has no column "more"; column "needed" needs a value, and the rows have none; ' +
        'no unique index is over ("id"), the key of the upsert',
      // What people see to comes first, and what can be run as it is stands by itself.
      hint:
        'make a table with a DEFAULT for "needed", or add it to the rows; and run these statements:\n' +
        'ALTER TABLE "results" ADD COLUMN "more" TEXT;\nCREATE UNIQUE INDEX "results_key" ON "results" ("id");',
    }) // prettier-ignore
  })

  it('whose file does not exist is refused, and no file is made', async () => {
    const path = join(folder, 'absent.db')
    await expect(open({ path }, Row)).rejects.toMatchObject({
      code: 'output/unfit',
      what: `database "${path}" does not exist`,
    })
    expect(existsSync(path)).toBe(false)
  })

  it('that refuses a row shows nothing of the epoch, and goes on once it is mended', async () => {
    database.exec('CREATE TABLE results (id INTEGER PRIMARY KEY)')
    database.exec('INSERT INTO results VALUES (2)')
    const Keys = schema({ id: t.int32() })
    const run = await open({}, Keys)
    const committable = await prepare(run, batchOfRows(Keys, [{ id: 1 }, { id: 2 }]))
    await expect(run.commit([committable])).rejects.toMatchObject({
      code: 'output/rejected',
      detail: expect.stringMatching(/UNIQUE constraint failed: results\.id/),
    })
    expect(database.prepare('SELECT count(*) AS n FROM results').get()).toMatchObject({ n: 1 })
    database.exec('DELETE FROM results')
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 2 }])
    await run.close()
  })

  it('is rid of what a history that was left has staged, but for what a kept epoch names', async () => {
    database.exec('CREATE TABLE results (id INTEGER)')
    const Keys = schema({ id: t.int32() })
    const rows = batchOfRows(Keys, [{ id: 1 }])
    const stages = (): number =>
      (
        database
          .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'millrace_staged_%'")
          .all() as unknown[]
      ).length
    const old = await open({}, Keys, { lineage: 'old' })
    const committable = await prepare(old, rows)
    await old.close()
    const next = await open({}, Keys, { lineage: 'new', attempt: 2, resumed: true, left: ['old'] })
    expect(stages()).toBe(2)
    await next.sweep([committable])
    expect(stages()).toBe(2)
    await next.sweep([])
    expect(stages()).toBe(1)
    await next.close()
  })

  it('is rid of it also where the rows and the table have changed since', async () => {
    database.exec('CREATE TABLE results (id INTEGER); CREATE TABLE others (id INTEGER, more TEXT)')
    const Keys = schema({ id: t.int32() })
    const More = schema({ id: t.int32(), more: t.string() })
    const ids = (stage: string): unknown[] => database.prepare(`SELECT id FROM ${stage}`).all()
    const old = await open({}, Keys, { lineage: 'old' })
    const kept = await prepare(old, batchOfRows(Keys, [{ id: 1 }]))
    await prepare(old, batchOfRows(Keys, [{ id: 2 }]), 2)
    await old.close()
    const more = { resumed: true, left: ['old'] }
    const next = await open({ table: 'others' }, More, { lineage: 'new', attempt: 2, ...more })
    await next.sweep([kept])
    expect(ids(kept.stage)).toMatchObject([{ id: 1 }])
    await next.sweep([])
    expect(() => ids(kept.stage)).toThrow(/no such table/)
    const own = await prepare(next, batchOfRows(More, [{ id: 3, more: 'a' }]))
    await next.close()
    // The same history, with its first columns and table again.
    const last = await open({}, Keys, { lineage: 'new', attempt: 3, ...more })
    await last.sweep([own])
    expect(ids(own.stage)).toMatchObject([{ id: 3 }])
    await last.sweep([])
    expect(() => ids(own.stage)).toThrow(/no such table/)
    await last.finish()
    await last.close()
    expect(
      database.prepare("SELECT name FROM sqlite_master WHERE name LIKE 'millrace_staged_%'").all(),
    ).toEqual([])
  })

  it('refuses NaN, which would become null', async () => {
    database.exec('CREATE TABLE results (a REAL)')
    const rows = schema({ a: t.float64() })
    const run = await open({}, rows)
    await expect(prepare(run, batchOfRows(rows, [{ a: Number.NaN }]))).rejects.toMatchObject({
      code: 'output/rejected',
    })
    await run.close()
  })

  it('that another process writes to is waited for', async () => {
    database.exec('CREATE TABLE results (id INTEGER)')
    const Keys = schema({ id: t.int32() })
    const waits = stepwise()
    const told: string[] = []
    const waiting: SinkContext['waiting'] = ({ target, reason }) => {
      told.push(`${target}: ${reason()}`)
      return () => told.push('over')
    }
    const run = await open({}, Keys, { host: waits.host, waiting })
    database.exec('BEGIN IMMEDIATE')
    const writer = await run.writer(0)
    const written = writer.write(batchOfRows(Keys, [{ id: 1 }]))
    writer.seal(1, { final: false })
    const answer = writer.prepare(1)
    let isDone = false
    void answer.then(() => (isDone = true))
    // Tries and tries again, as long as the other process is at it.
    for (let tries = 0; tries < 3; tries++) await waits.next()
    expect([written, isDone]).toEqual([expect.any(Promise), false])
    expect(told).toEqual([`"${path}": another process writes to it`])
    database.exec('COMMIT')
    waits.release()
    const committable = (await answer) as SqliteCommittable
    expect(told.slice(1)).toEqual(['over'])
    await writer.close()
    database.exec('BEGIN IMMEDIATE')
    expect(await run.commit([committable])).toMatchObject([{ kind: 'retry' }])
    database.exec('COMMIT')
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 1 }])
    await run.close()
  })

  it('keeps what an attempt has staged when an earlier one finishes late (SQ3)', async () => {
    database.exec('CREATE TABLE results (id INTEGER)')
    const Keys = schema({ id: t.int32() })
    const old = await open({}, Keys)
    const one = await prepare(old, batchOfRows(Keys, [{ id: 1 }]))
    const next = await open({}, Keys, { attempt: 2, resumed: true })
    await next.sweep([one])
    expect(await next.commit([one])).toEqual([{ kind: 'committed', rows: 1 }])
    // Nothing is staged yet, and the table has to stay nevertheless.
    expect(await old.commit([one])).toEqual([{ kind: 'already-committed' }])
    await old.finish()
    const two = await prepare(next, batchOfRows(Keys, [{ id: 2 }]), 2)
    await old.finish()
    await old.sweep([])
    expect(await next.commit([two])).toEqual([{ kind: 'committed', rows: 1 }])
    await next.finish()
    expect(
      database.prepare("SELECT name FROM sqlite_master WHERE name LIKE 'millrace_staged%'").all(),
    ).toEqual([])
    // It is nobody's again: the next run makes it anew.
    const third = await open({}, Keys, { attempt: 3, resumed: true })
    await third.commit([await prepare(third, batchOfRows(Keys, [{ id: 3 }]), 3)])
    expect(database.prepare('SELECT count(*) AS n FROM results').get()).toMatchObject({ n: 3 })
    for (const run of [old, next, third]) await run.close()
  })

  it('takes one final action per key and epoch', async () => {
    database.exec('CREATE TABLE results (id INTEGER PRIMARY KEY, name TEXT)')
    database.exec("INSERT INTO results VALUES (1, 'old'), (2, 'old'), (9, 'other')")
    const Named = schema({ id: t.int32(), name: t.string() })
    const rows: readonly (readonly [number, string, number])[] = [
      [1, 'old', -1], [1, 'a', 1], [2, 'old', -1], [3, 'x', 1], [3, 'x', -1], [4, 'y', 1], [4, 'z', 1],
    ] // prettier-ignore
    const batch = batchOfRows(Named, rows.map(([id, name]) => ({ id, name }))) // prettier-ignore
    const run = await open({ mode: 'upsert', key: ['id'] }, Named)
    const weights = Int32Array.from(rows, ([, , weight]) => weight)
    await run.commit([await prepare(run, { ...batch, weights })])
    expect((database.prepare('SELECT id, name FROM results ORDER BY id').all() as { id: number; name: string }[]).map(({ id, name }) => [id, name])).toEqual([
      [1, 'a'], [4, 'z'], [9, 'other'],
    ]) // prettier-ignore
    await run.close()
  })
})

describe('a process that writes to a table of SQLite and is killed', () => {
  it('shows whole epochs only, each once', async () => {
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('CREATE TABLE results (id INTEGER)')
    let before = 0
    for (let attempt = 1; attempt <= 4; attempt++) {
      // It is killed in the middle of whatever follows the commit that is waited for.
      await killedBehind(2 + attempt, attempt)
      const rows = (database.prepare('SELECT id FROM results ORDER BY rowid').all() as { id: number }[]).map(({ id }) => id) // prettier-ignore
      expect(rows).toEqual(Array.from({ length: epochs() * 10 }, (_, n) => n))
      expect(epochs()).toBeGreaterThanOrEqual(before + 2 + attempt)
      before = epochs()
    }
  })

  /** Starts the process and kills it when it has told of so many commits. */
  async function killedBehind(commits: number, attempt: number): Promise<void> {
    const script = fileURLToPath(new URL('writer-process.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', '--conditions', 'millrace-source', script, path, `${attempt}`], { stdio: ['ignore', 'pipe', 'pipe'] }) // prettier-ignore
    let told = 0
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
    child.stdout.on('data', (bytes: Buffer) => {
      told += bytes.toString().split('\n').length - 1
      if (told >= commits) child.kill('SIGKILL')
    })
    const signal = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)))
    expect([signal, said]).toEqual(['SIGKILL', ''])
  }

  function epochs(): number {
    const [row] = database.prepare('SELECT count(*) AS n FROM millrace_commits WHERE epoch > 0').all()
    return (row as { n: number }).n
  }
})

describe('a batch in phases', () => {
  it('shows what phases of earlier attempts have prepared with its last epoch', async () => {
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('CREATE TABLE every (id INTEGER, name TEXT NOT NULL, amount REAL)')
    database.exec('CREATE TABLE counted (name TEXT, n INTEGER)')
    const rows = Array.from({ length: 30 }, (_, id) => ({ id, name: `k${id % 3}`, amount: null }))
    let failures = 1
    const counting = pipeline('counting', (p) => {
      const input = p.read('rows', memoryRows(Row, rows))
      input.write('every', sqlite({ path, table: 'every', mode: 'append' }))
      input
        .keyBy('by-name', 'name')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .filter('last', () => {
          if (failures-- > 0) throw new Error('the first time')
          return true
        })
        .write('counted', sqlite({ path, table: 'counted', mode: 'append' }))
    })
    const count = (table: string): unknown =>
      (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { readonly n: unknown }).n
    const run = (): Promise<JobResult> =>
      new Job(counting.build(), { host, state: new DirectoryStore(host, join(folder, 'state')) }).run()
    await expect(run()).rejects.toMatchObject({ code: 'step/function-failed' })
    expect([count('every'), count('counted')]).toEqual([0, 0])
    expect((await run()).start).toMatchObject({ kind: 'resume', phases: { done: 1, of: 2 } })
    expect([count('every'), count('counted')]).toEqual([30, 3])
    expect((await run()).start).toMatchObject({ kind: 'ended' })
    expect([count('every'), count('counted')]).toEqual([30, 3])
  })
})

describe('a savepoint of a job that writes to a table of SQLite', () => {
  it('is made while rows are written; what begins with it writes the others, each once', async () => {
    database.exec('PRAGMA journal_mode = WAL')
    for (const table of ['first', 'second']) database.exec(`CREATE TABLE ${table} (n INTEGER)`)
    const rows = Array.from({ length: 600 }, (_, n) => ({ n }))
    const numbers = (table: string): number[] =>
      (database.prepare(`SELECT n FROM ${table} ORDER BY n`).all() as { readonly n: number }[]).map(
        ({ n }) => n,
      )
    let now = 0
    const moving = {
      ...host,
      clock: { ...host.clock, monotonic: () => now++ },
      timers: { ...host.timers, set: (_: number, callback: () => void) => host.timers.set(0, callback) },
    }
    const run = (state: DirectoryStore, table: string, savepoint?: DirectoryStore): Promise<JobResult> => {
      const built = pipeline('copying', (p) => {
        p.read('rows', memoryRows(schema({ n: t.int32() }), rows)).write(
          'out',
          sqlite({ path, table, mode: 'append' }),
        )
      }).build()
      const begin = savepoint === undefined ? {} : { savepoint }
      const usual = { mode: 'continuous', epochIntervalMs: 15, batchRows: 4 } as const
      return new Job(built, { host: moving, state, ...usual, ...begin }).run()
    }
    const state = new DirectoryStore(moving, join(folder, 'state'))
    const saved = new DirectoryStore(moving, join(folder, 'saved'))
    const create = state.create.bind(state)
    let visible: readonly number[] = []
    state.create = async (name, bytes) => {
      const answer = await create(name, bytes)
      if (visible.length === 0 && numbers('first').length >= 100) {
        await writeSavepoint(new DirectoryStore(moving, join(folder, 'state')), saved, {
          checks: host.bytes,
        })
        visible = numbers('first')
      }
      return answer
    }
    await run(state, 'first')
    await run(new DirectoryStore(moving, join(folder, 'other')), 'second', saved)
    const after = numbers('second')
    const before = rows.map(({ n }) => n).filter((n) => n < (after[0] ?? 0))
    expect(before.length).toBeGreaterThan(0)
    expect(after.length).toBeGreaterThan(0)
    expect([...before, ...after]).toEqual(rows.map(({ n }) => n))
    // What was written before it was visible when it was made.
    expect(visible).toEqual(expect.arrayContaining(before))
    expect(numbers('first')).toEqual(rows.map(({ n }) => n))
  })
})
