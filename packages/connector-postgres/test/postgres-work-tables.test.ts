// What the sink keeps at the server: who drops it, and when; and what refused starts leave.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema, t } from '../../core/src/data/index.ts'
import type { PostgresOptions } from '../src/index.ts'
import { TestServer, whyNoServer } from './postgres-server.ts'
import { openTable, prepareRows } from './trial-job.ts'

const Row = schema({ id: t.int32(), name: t.string().nullable() })
let server: TestServer
beforeAll(async () => {
  if (whyNoServer === undefined) server = await TestServer.start()
}, 60_000)
afterAll(async () => {
  if (whyNoServer === undefined) await server.stop()
})

const optionsOf = (table: PostgresOptions['table'], more: Partial<PostgresOptions> = {}): PostgresOptions => ({
  table,
  mode: 'append',
  environment: server.environment,
  ...more,
}) // prettier-ignore

describe.skipIf(whyNoServer !== undefined)('what the sink keeps at the server', () => {
  it('PG4: staged rows of runs that nobody goes on with are dropped by later runs, those of live ones are not', async () => {
    await server.ask('CREATE SCHEMA forgotten')
    await server.ask('CREATE TABLE forgotten.rows (id int4, name text)')
    const stages = async (): Promise<number> =>
      (await server.ask(`SELECT 1 FROM pg_tables WHERE schemaname = 'forgotten' AND tablename LIKE 'millrace_staged%'`))
        .length // prettier-ignore
    const dead = await openTable(optionsOf('forgotten.rows'), Row, { lineage: 'dead' })
    await dead.close()
    const resumable = await openTable(optionsOf('forgotten.rows'), Row, { lineage: 'later', resumable: true })
    await resumable.close()
    const alive = await openTable(optionsOf('forgotten.rows'), Row, { lineage: 'alive' })
    expect(await stages()).toBe(2)
    const next = await openTable(optionsOf('forgotten.rows'), Row, { lineage: 'next' })
    expect(await stages()).toBe(3)
    await alive.abandon?.()
    await next.finish()
    expect(await stages()).toBe(1)
    await alive.close()
    await next.close()
  })

  it('PG5: two that commit the same at the same time show it once', async () => {
    await server.ask('CREATE TABLE raced (id int4, name text)')
    const more = { lineage: 'raced', resumable: true }
    const runs = await Promise.all([1, 2, 3].map((attempt) => openTable(optionsOf('raced'), Row, { ...more, attempt }))) // prettier-ignore
    const writer = await runs[0]?.writer(0)
    if (writer === undefined) throw new Error('no writer')
    for (let epoch = 1; epoch <= 20; epoch++) {
      const committable = await prepareRows(writer, Row, { rows: [{ id: epoch, name: null }], epoch })
      const outcomes = await Promise.all(runs.map((run) => run.commit([committable])))
      const kinds = outcomes.map(([outcome]) => outcome?.kind)
      expect(kinds.filter((kind) => kind === 'committed')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'already-committed')).toHaveLength(2)
    }
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM raced')).toEqual([{ rows: 20 }])
    await writer.close()
    for (const run of runs) await run.close()
  })

  it('PG3: a sweep in the middle of a commit is no part of it', async () => {
    await server.ask('CREATE TABLE swept (id int4 PRIMARY KEY, name text)')
    const run = await openTable(optionsOf('swept'), Row, { lineage: 'swept', resumable: true, attempt: 2 })
    const writer = await run.writer(0)
    for (let epoch = 1; epoch <= 20; epoch++) {
      const rows = [{ id: epoch % 4 === 0 ? 1 : epoch, name: null }]
      const committable = await prepareRows(writer, Row, { rows, epoch })
      const answers = await Promise.allSettled([
        run.commit([committable]),
        run.sweep([committable]),
        run.commit([committable]),
        run.sweep([committable]),
      ])
      expect(answers.map(({ status }) => status)).toEqual(
        epoch % 4 === 0
          ? ['rejected', 'fulfilled', 'rejected', 'fulfilled']
          : ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
      )
    }
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM swept')).toEqual([{ rows: 15 }])
    await writer.close()
    await run.close()
  })

  it('PG10: what an attempt has staged is dropped by no earlier one that finishes or sweeps late', async () => {
    await server.ask('CREATE TABLE late (id int4, name text)')
    const options = { lineage: 'late', resumable: true }
    const old = await openTable(optionsOf('late'), Row, { ...options, attempt: 1 })
    const first = await old.writer(0)
    const one = await prepareRows(first, Row, { rows: [{ id: 1, name: null }], epoch: 1 })
    const next = await openTable(optionsOf('late'), Row, { ...options, attempt: 2, resumed: true })
    await next.sweep([one])
    expect(await next.commit([one])).toEqual([{ kind: 'committed', rows: 1 }])
    // Nothing is staged yet, and the table has to stay nevertheless.
    expect(await old.commit([one])).toEqual([{ kind: 'already-committed' }])
    await old.finish()
    const second = await next.writer(0)
    const two = await prepareRows(second, Row, { rows: [{ id: 2, name: null }], epoch: 2 })
    await old.finish()
    await old.sweep([])
    // A third attempt, whose rows have another shape.
    await server.ask('ALTER TABLE late ADD COLUMN more text')
    const More = schema({ id: t.int32(), more: t.string() })
    const third = await openTable(optionsOf('late'), More, { ...options, attempt: 3, resumed: true })
    await third.sweep([two])
    const writer = await third.writer(0)
    const three = await prepareRows(writer, More, { rows: [{ id: 3, more: 'x' }], epoch: 3 })
    expect(await third.commit([two])).toEqual([{ kind: 'committed', rows: 1 }])
    expect(await next.commit([two])).toEqual([{ kind: 'already-committed' }])
    await next.finish()
    await next.sweep([one, two])
    expect(await third.commit([three])).toEqual([{ kind: 'committed', rows: 1 }])
    expect(await server.ask('SELECT id FROM late ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
    for (const of of [first, second, writer]) await of.close()
    await third.sweep([])
    await third.finish()
    expect(await server.ask(`SELECT relname FROM pg_class WHERE relkind = 'r' AND obj_description(oid, 'pg_class') LIKE '%"late"%'`)).toEqual([]) // prettier-ignore
    for (const run of [old, next, third]) await run.close()
  })

  it('PG11: a table that a client which is gone holds is left, and goes with a later sweep', async () => {
    await server.ask('CREATE TABLE held (id int4, name text)')
    const options = optionsOf('held', { timeout: '200 ms' })
    const context = { lineage: 'held', resumable: true }
    const before = await openTable(options, Row, context)
    const writer = await before.writer(0)
    const committable = await prepareRows(writer, Row, { rows: [{ id: 1, name: 'a' }] })
    await writer.close()
    await before.close()
    await server.ask('ALTER TABLE held ADD COLUMN more text')
    const More = schema({ id: t.int32(), more: t.string() })
    const run = await openTable(options, More, { ...context, attempt: 2, resumed: true })
    // What a COPY holds for as long as its client does not end it.
    await server.ask('BEGIN')
    await server.ask(`LOCK TABLE "${committable.stage}" IN ROW EXCLUSIVE MODE`)
    await run.sweep([])
    const there = (): Promise<readonly unknown[]> =>
      server.ask(`SELECT 1 FROM pg_class WHERE relname = $1`, [committable.stage])
    expect(await there()).toHaveLength(1)
    expect(await run.commit([committable])).toMatchObject([{ kind: 'committed' }])
    await server.ask('COMMIT')
    await run.sweep([])
    expect(await there()).toEqual([])
    await run.finish()
    await run.close()
  })

  it('PG11: a run ends, and another one begins, while its staged rows are held', async () => {
    await server.ask('CREATE TABLE ending (id int4, name text)')
    const options = optionsOf('ending', { timeout: '200 ms' })
    const run = await openTable(options, Row, { lineage: 'ending' })
    const writer = await run.writer(0)
    const committable = await prepareRows(writer, Row, { rows: [{ id: 1, name: 'a' }] })
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 1 }])
    await writer.close()
    await server.ask('BEGIN')
    await server.ask(`LOCK TABLE "${committable.stage}" IN ROW EXCLUSIVE MODE`)
    await run.finish()
    await run.close()
    const next = await openTable(options, Row, { lineage: 'behind' })
    await server.ask('COMMIT')
    await next.close()
    // PG4: a run that finds it free drops it.
    await (await openTable(options, Row, { lineage: 'last' })).close()
    expect(await server.ask('SELECT 1 FROM pg_class WHERE relname = $1', [committable.stage])).toEqual([])
  })

  it('PG7: marks of epochs long gone are one row, and still say that they are done', async () => {
    await server.ask('CREATE TABLE marked (id int4, name text)')
    const run = await openTable(optionsOf('marked'), Row, { lineage: 'marked', resumable: true })
    const writer = await run.writer(0)
    const committables = []
    for (const epoch of [5, 1000, 2047, 2048]) {
      const committable = await prepareRows(writer, Row, { rows: [{ id: epoch, name: null }], epoch })
      await run.commit([committable])
      committables.push(committable)
    }
    expect(
      await server.ask(`SELECT epoch::int4 FROM millrace_commits WHERE lineage = 'marked' ORDER BY epoch`),
    ).toEqual([{ epoch: -1 }, { epoch: 2047 }, { epoch: 2048 }])
    const again = await run.commit(committables)
    expect(again.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'already-committed'))
    expect(await server.ask('SELECT count(*)::int4 AS rows FROM marked')).toEqual([{ rows: 4 }])
    await writer.close()
    await run.close()
  })

  it('PG6: a part that is not all there is not moved, and the others are', async () => {
    await server.ask('CREATE TABLE holes (id int4, name text)')
    const run = await openTable(optionsOf('holes'), Row, { lineage: 'holes', resumable: true })
    const writer = await run.writer(0)
    const committables = []
    for (const epoch of [1, 2, 3])
      committables.push(
        await prepareRows(writer, Row, { rows: [{ id: epoch, name: null }, { id: -epoch, name: 'b' }], epoch }),
      ) // prettier-ignore
    const stage = committables[1]?.stage ?? ''
    await server.ask(`DELETE FROM "${stage}" WHERE id = -2`)
    expect(await run.commit(committables)).toMatchObject([
      { kind: 'committed', rows: 2 },
      { kind: 'lost', reason: expect.stringMatching(/of 2 rows staged in .* 1 are there/) },
      { kind: 'committed', rows: 2 },
    ])
    expect(await server.ask('SELECT id FROM holes ORDER BY abs(id), id DESC')).toEqual(
      [1, -1, 3, -3].map((id) => ({ id })),
    )
    await writer.close()
    await run.close()
  })

  it('moves rows that were staged before the columns changed', async () => {
    await server.ask('CREATE TABLE changed (id int4, name text, more int4)')
    const context = { lineage: 'changed', resumable: true, resumed: true }
    const before = await openTable(optionsOf('changed'), Row, context)
    const writer = await before.writer(0)
    const committable = await prepareRows(writer, Row, { rows: [{ id: 1, name: 'old' }] })
    const dropped = await prepareRows(writer, Row, { rows: [{ id: 9, name: 'unnamed' }], epoch: 2 })
    await writer.close()
    await before.close()
    const Wider = schema({ more: t.int32(), id: t.int32() })
    const after = await openTable(optionsOf('changed'), Wider, { ...context, attempt: 2 })
    await after.sweep([committable])
    expect((await after.commit([committable, dropped])).map(({ kind }) => kind)).toEqual([
      'committed',
      'lost',
    ])
    await after.sweep([])
    const stages = await server.ask(
      `SELECT 1 FROM pg_description WHERE description LIKE '%"lineage":"changed"%'`,
    )
    expect(stages).toHaveLength(1)
    expect(await server.ask('SELECT * FROM changed')).toEqual([{ id: 1, name: 'old', more: null }])
    await after.close()
  })
})

describe.skipIf(whyNoServer !== undefined)('a history that was left', () => {
  it('has nothing staged behind the next sweep but what a kept epoch names', async () => {
    await server.ask('CREATE TABLE branched (id int4, name text)')
    const before = await openTable(optionsOf('branched'), Row, { lineage: 'left', resumable: true })
    const writer = await before.writer(0)
    const named = await prepareRows(writer, Row, { rows: [{ id: 1, name: 'named' }] })
    await prepareRows(writer, Row, { rows: [{ id: 2, name: 'left' }], epoch: 2 })
    await writer.close()
    await before.close()
    // The rows have other columns now, and go to another table.
    await server.ask('CREATE TABLE branch (id int4, more text)')
    const More = schema({ id: t.int32(), more: t.string() })
    const run = await openTable(optionsOf('branch'), More, {
      lineage: 'new',
      attempt: 2,
      resumable: true,
      resumed: true,
      left: ['left'],
    })
    await run.sweep([named])
    expect(await server.ask(`SELECT id FROM "${named.stage}"`)).toEqual([{ id: 1 }])
    await run.sweep([])
    const stages = await server.ask(
      `SELECT 1 FROM pg_description WHERE description LIKE '%"lineage":"left"%'`,
    )
    expect(stages).toEqual([])
    await run.close()
  })
})

describe.skipIf(whyNoServer !== undefined)('a start that is refused', () => {
  const kept = () =>
    server.ask<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'refused'::regnamespace AND relkind = 'r'`,
    )

  it('PG12: leaves no table, whether this output or another one refuses', async () => {
    await server.ask('CREATE SCHEMA refused')
    await server.ask('CREATE TABLE full_one (id int4 NOT NULL, name text)')
    await server.ask('INSERT INTO full_one VALUES (1, NULL)')
    for (const resumable of [false, true])
      await expect(
        openTable(optionsOf('full_one', { workSchema: 'refused' }), Row, { resumable, outputMode: 'refuse' }),
      ).rejects.toMatchObject({
        code: 'output/exists',
      })
    expect(await kept()).toEqual([])
    await server.ask('CREATE TABLE empty_one (id int4 NOT NULL, name text)')
    const refused = await openTable(optionsOf('empty_one', { workSchema: 'refused' }), Row, {
      resumable: true,
      outputMode: 'overwrite',
    })
    expect(await kept()).toHaveLength(2)
    const other = await openTable(optionsOf('empty_one', { workSchema: 'refused' }), Row, {
      resumable: true,
      lineage: 'another',
    })
    await refused.withdraw?.()
    await refused.close()
    // The other one counts on it.
    expect(await kept()).toHaveLength(2)
    await other.withdraw?.()
    await other.close()
    expect(await kept()).toHaveLength(1)
  })
})
