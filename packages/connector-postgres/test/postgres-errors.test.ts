// What is said when a table, a row or a server is not as it has to be, and what is done about it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import { postgres } from '../src/index.ts'
import type { PostgresOptions } from '../src/index.ts'
import { TestServer, whyNoServer } from './postgres-server.ts'
import { openTable, prepareRows, writeOnce } from './trial-job.ts'

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

describe('options', () => {
  it.each([
    [{ table: 'a.b.c', mode: 'append' }, /"a\.b\.c" does not name a table/],
    [{ table: '', mode: 'append' }, /does not name a table/],
    [{ table: 'a', mode: 'upsert' }, /an upsert has no key/],
    [{ table: 'a', mode: 'append', key: ['id'] }, /no use for a key/],
    [{ table: 'a', mode: 'merge' }, /"append" or "upsert", not "merge"/],
    [{ table: 'a', mode: 'append', url: 'x' }, /postgres has no option "url"/],
    [{ table: 'a', mode: 'append', connection: { host: 'h', password: 'geheim' } }, /no option "password"/],
    [
      { table: 'a', mode: 'append', connection: { urlFrom: 'postgresql://u:geheim@h/d' } },
      /does not name an env/,
    ],
  ])('that fit no table are refused: %j', (options, message) => {
    let thrown: unknown
    try {
      postgres(options as unknown as PostgresOptions)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'plan/invalid-argument', message: expect.stringMatching(message) })
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain('geheim')
  })

  it('stand in the plan without secrets', () => {
    const connection = { host: 'db', user: 'u', passwordFrom: 'DB_PASSWORD' }
    const sink = postgres({ connection, table: 'sales.orders', mode: 'upsert', key: ['id'] })
    expect(sink.description).toEqual({
      connector: 'postgres',
      options: {
        connection: { host: 'db', user: 'u', passwordFrom: 'DB_PASSWORD' },
        table: '"sales"."orders"',
        mode: 'upsert',
        key: ['id'],
      },
    })
    expect(sink.accepts).toBe('upsert')
  })

  it('need a key of columns that there are and that are never null', () => {
    const upsert = (key: readonly string[]) => postgres({ table: 'a', mode: 'upsert', key })
    expect(() => upsert(['other']).validate?.(Row, 'write')).toThrow(/no column "other"/)
    expect(() => upsert(['name']).validate?.(Row, 'write')).toThrow(/may be null/)
    const Taken = schema({ millrace_part: t.int32() })
    expect(() => postgres({ table: 'a', mode: 'append' }).validate?.(Taken, 'write')).toThrow(
      /cannot be called/,
    )
  })
})

describe.skipIf(whyNoServer !== undefined)('a table', () => {
  it('that is missing is refused with the statement that makes it', async () => {
    await expect(openTable(optionsOf('absent', { mode: 'upsert', key: ['id'] }), Row)).rejects.toMatchObject({
      code: 'output/unfit',
      what: expect.stringMatching(/table "absent" does not exist in postgres at 127\.0\.0\.1/),
      hint: 'create it:\nCREATE TABLE "absent" (\n  "id" integer NOT NULL,\n  "name" text,\n  PRIMARY KEY ("id")\n);',
    })
  })

  it('that cannot take the rows is refused with all that is wrong, and how it is mended', async () => {
    await server.ask(
      'CREATE TABLE short (id int4, needed int4 NOT NULL, made int4 GENERATED ALWAYS AS (1) STORED)',
    )
    const rows = schema({ id: t.int32(), made: t.int32(), more: t.string() })
    const error = await openTable(optionsOf('short'), rows).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'output/unfit',
      detail:
        'its column "made" is generated and cannot be written; it has no column "more" (text); ' +
        'its column "needed" needs a value, and the rows have none',
      hint: expect.stringContaining('ALTER TABLE "public"."short" ADD COLUMN "more" text NOT NULL;'),
    })
  })

  it('without a unique index over the key is refused with the statement that makes it', async () => {
    await server.ask('CREATE TABLE keyless (id int4, name text, UNIQUE (id, name))')
    const options = optionsOf('keyless', { mode: 'upsert', key: ['id'] })
    await expect(openTable(options, Row)).rejects.toMatchObject({
      code: 'output/unfit',
      hint: 'CREATE UNIQUE INDEX ON "public"."keyless" ("id");',
    })
    await server.ask('CREATE UNIQUE INDEX ON "public"."keyless" ("id")')
    await writeOnce(options, Row, { rows: [{ id: 1, name: 'a' }] })
  })

  it('that shows epochs which the job does not know stops it: its log has lost entries', async () => {
    await server.ask('CREATE TABLE later (id int4, name text)')
    const context = { lineage: 'later', resumable: true } as const
    const run = await openTable(optionsOf('later'), Row, { ...context, standing: 0 })
    const writer = await run.writer(0)
    for (const epoch of [1, 2])
      await run.commit([await prepareRows(writer, Row, { rows: [{ id: epoch, name: 'a' }], epoch })])
    await writer.close()
    await run.close()
    const again = (standing: number, lineage = 'later') =>
      openTable(optionsOf('later'), Row, { ...context, lineage, attempt: 2, resumed: true, standing })
    await (await again(2)).close()
    await expect(again(1)).rejects.toMatchObject({
      code: 'checkpoint/lost-epochs',
      what: 'output "write" shows rows of epoch 2, and the newest epoch of the checkpoint log is 1',
      hint: expect.stringContaining('--from 1'),
    })
    await (await again(1, 'another')).close()
  })

  it('that is a view is refused', async () => {
    await server.ask('CREATE VIEW seen AS SELECT 1 AS id')
    await expect(openTable(optionsOf('seen'), Row)).rejects.toMatchObject({ what: '"seen" is no table' })
  })

  it('may have any name, and columns of any name', async () => {
    const name = 'Group "by" $1; DROP \\'
    const rows = schema({ 'select': t.int32(), 'a "b" %s': t.string(), "é'\\": t.string() }) // prettier-ignore
    await server.ask('CREATE SCHEMA "Order.s"')
    await server.ask(
      `CREATE TABLE "Order.s"."Group ""by"" $1; DROP \\" ("select" int4 PRIMARY KEY, "a ""b"" %s" text, "é'\\" text)`,
    )
    const table = { schema: 'Order.s', name }
    const row = { select: 1, 'a "b" %s': 'x', "é'\\": 'y' }
    await writeOnce(optionsOf(table, { mode: 'upsert', key: ['select'] }), rows, { rows: [row, row] })
    expect(await server.ask(`SELECT * FROM "Order.s"."Group ""by"" $1; DROP \\"`)).toEqual([row])
  })

  it('keeps its tables for staged rows where it is told to', async () => {
    await server.ask('CREATE SCHEMA work')
    await server.ask('CREATE TABLE elsewhere (id int4, name text)')
    const run = await openTable(optionsOf('elsewhere', { workSchema: 'work' }), Row)
    expect(
      await server.ask(
        `SELECT relname FROM pg_class WHERE relnamespace = 'work'::regnamespace AND relkind = 'r' AND relname LIKE 'millrace%'`,
      ),
    ).toHaveLength(2)
    await run.finish()
    await run.close()
  })
})

describe.skipIf(whyNoServer !== undefined)('a row that the table refuses', () => {
  it.each([
    ['a text that is too long', 'name varchar(3)', 'value too long', 'name'],
    ['a null where there is none', 'name text NOT NULL', 'null value in column "name"', 'name'],
    [
      'a check that does not hold',
      "name text CHECK (name <> 'four')",
      'violates check constraint',
      undefined,
    ],
  ])('is named before its epoch stands: %s', async (what, column, message, named) => {
    await server.ask('DROP TABLE IF EXISTS strict')
    await server.ask(`CREATE TABLE strict (id int4, ${column})`)
    const run = await openTable(optionsOf('strict'), Row)
    const writer = await run.writer(0)
    const names = ['abc', 'abc', what.includes('null') ? null : 'four', 'abc']
    const answer = prepareRows(writer, Row, { rows: names.map((name, id) => ({ id, name })) })
    await expect(answer).rejects.toMatchObject({
      code: 'output/rejected',
      detail: expect.stringContaining(message),
      place: { row: 3, ...(named === undefined ? {} : { column: named }) },
    })
    await writer.close()
    await run.close()
    expect(await server.ask('SELECT * FROM strict')).toEqual([])
  })

  it('is named by its key when only the table can know, and shows nothing', async () => {
    await server.ask('CREATE TABLE unique_ids (id int4 PRIMARY KEY, name text)')
    await server.ask('INSERT INTO unique_ids VALUES (2)')
    const options = optionsOf('unique_ids')
    const run = await openTable(options, Row, { lineage: 'a', resumable: true })
    const writer = await run.writer(0)
    const rows = [1, 2, 3].map((id) => ({ id, name: null }))
    const committable = await prepareRows(writer, Row, { rows })
    const failure = {
      code: 'output/rejected',
      detail: expect.stringContaining('Key (id)=(2) already exists'),
    }
    await expect(run.commit([committable])).rejects.toMatchObject(failure)
    await expect(run.commit([committable])).rejects.toMatchObject(failure)
    expect(await server.ask('SELECT id FROM unique_ids')).toEqual([{ id: 2 }])
    // Once the table is mended the same job goes on.
    await server.ask('DELETE FROM unique_ids')
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 3 }])
    await writer.close()
    await run.close()
  })
})

describe.skipIf(whyNoServer !== undefined)('a server', () => {
  it('that refuses the password is told apart from one that is away, and no secret is said', async () => {
    const connect = {
      host: '127.0.0.1',
      port: server.port,
      user: 'postgres',
      passwordFrom: 'PG_TEST_PASSWORD',
    }
    const failures = await Promise.all(
      [
        { connection: connect, environment: { PG_TEST_PASSWORD: 'falsches Geheimnis' } },
        { connection: { ...connect, port: 1 }, environment: server.environment },
        { environment: { DATABASE_URL: server.url.replace(/postgres$/, 'absent') } },
        { environment: { DATABASE_URL: server.url.replace(/:\d+\//, ':1/') } },
        { environment: { DATABASE_URL: `mysql://u:${server.password}@h/d` } },
        { environment: {} },
      ].map((more) =>
        openTable({ table: 'a', mode: 'append', ...more }, Row).then(
          () => ({ code: 'none', retry: '', text: '' }),
          (error: Error & { code: string; retry: string }) => ({
            code: error.code,
            retry: error.retry,
            text: `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`,
          }),
        ),
      ),
    )
    expect(failures.map(({ code, retry }) => `${code} ${retry}`)).toEqual([
      'output/permission no-retry',
      'output/write-failed retry',
      'output/unfit no-retry',
      'output/write-failed retry',
      'plan/invalid-argument no-retry',
      'output/permission no-retry',
    ])
    for (const { text } of failures) {
      expect(text).not.toContain('Geheimnis')
      expect(text).not.toContain(server.password)
      expect(text).not.toContain(encodeURIComponent(server.password))
    }
  })

  it('is waited for no longer than the timeout when a table is locked; the commit is tried again', async () => {
    await server.ask('CREATE TABLE locked (id int4, name text)')
    const run = await openTable(optionsOf('locked', { timeout: '200 ms' }), Row)
    const writer = await run.writer(0)
    const committable = await prepareRows(writer, Row, { rows: [{ id: 1, name: 'a' }] })
    await server.ask('BEGIN')
    await server.ask('LOCK TABLE locked IN ACCESS EXCLUSIVE MODE')
    expect(await run.commit([committable])).toMatchObject([
      { kind: 'retry', reason: expect.stringMatching(/timeout/) },
    ])
    await server.ask('COMMIT')
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 1 }])
    await writer.close()
    await run.close()
  })

  it('makes durable what it says is committed, whatever its default', async () => {
    await server.ask('CREATE TABLE careful (id int4, name text, how text DEFAULT current_setting(\'synchronous_commit\'))') // prettier-ignore
    await server.ask("ALTER ROLE postgres SET synchronous_commit = 'off'")
    await writeOnce(optionsOf('careful'), Row, { rows: [{ id: 1, name: null }] })
    await server.ask('ALTER ROLE postgres RESET synchronous_commit')
    expect(await server.ask('SELECT how FROM careful')).toEqual([{ how: 'on' }])
  })
})

describe.skipIf(whyNoServer !== undefined)('an upsert', () => {
  it('takes one final action per key and epoch: the last by row order, across tasks and retractions', async () => {
    await server.ask('CREATE TABLE latest (id int4 PRIMARY KEY, name text, kept int4 DEFAULT 7)')
    await server.ask("INSERT INTO latest VALUES (1, 'old', 1), (2, 'old', 2), (9, 'other', 3)")
    const run = await openTable(optionsOf('latest', { mode: 'upsert', key: ['id'] }), Row)
    const writer = await run.writer(0)

    const rows: readonly (readonly [number, string, number])[] = [
      [1, 'old', -1],
      [1, 'a', 1],
      [2, 'old', -1],
      [3, 'x', 1],
      [3, 'x', -1],
      [4, 'y', 1],
      [4, 'y', -1],
      [4, 'z', 1],
    ]
    const batch = batchOfRows(
      Row,
      rows.map(([id, name]) => ({ id, name })),
    )
    await writer.write({ ...batch, weights: Int32Array.from(rows, ([, , weight]) => weight) })
    writer.seal(1, { final: true })
    const committable = await writer.prepare(1)
    expect(await run.commit(committable === undefined ? [] : [committable])).toEqual([
      { kind: 'committed', rows: 8 },
    ])
    expect(await server.ask('SELECT * FROM latest ORDER BY id')).toEqual([
      { id: 1, name: 'a', kept: 1 },
      { id: 4, name: 'z', kept: 7 },
      { id: 9, name: 'other', kept: 3 },
    ])
    await writer.close()
    await run.close()
  })

  it('of keys alone inserts what is missing', async () => {
    await server.ask('CREATE TABLE keys_only (id int4 PRIMARY KEY)')
    const Keys = schema({ id: t.int32() })
    const options = optionsOf('keys_only', { mode: 'upsert', key: ['id'] })
    for (let n = 0; n < 2; n++) await writeOnce(options, Keys, { rows: [{ id: 1 }, { id: 2 }, { id: 1 }] })
    expect(await server.ask('SELECT id FROM keys_only ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('does not overwrite', async () => {
    await server.ask('CREATE TABLE IF NOT EXISTS over (id int4 PRIMARY KEY, name text)')
    const options = optionsOf('over', { mode: 'upsert', key: ['id'] })
    await expect(openTable(options, Row, { outputMode: 'overwrite' })).rejects.toMatchObject({
      code: 'plan/unsupported',
    })
  })
})
