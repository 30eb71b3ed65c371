// What each logical type is in a table: written, and read back by the server's own text.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema, t } from '../../core/src/data/index.ts'
import type { Schema } from '../../core/src/data/index.ts'
import { TestServer, whyNoServer } from './postgres-server.ts'
import { openTable, writeOnce } from './trial-job.ts'

let server: TestServer
beforeAll(async () => {
  if (whyNoServer === undefined) server = await TestServer.start()
}, 60_000)
afterAll(async () => {
  if (whyNoServer === undefined) await server.stop()
})

const optionsOf = (table: string) => ({ table, mode: 'append' as const, environment: server.environment })

/** The statement that the refusal of a missing table gives. */
async function ddlOf(table: string, rows: Schema): Promise<string> {
  const error = await openTable(optionsOf(table), rows).then(
    () => undefined,
    (thrown: { code: string; hint: string }) => thrown,
  )
  expect(error?.code).toBe('output/unfit')
  return error?.hint.replace(/^create it:\n/, '') ?? ''
}

const Everything = schema({
  'order': t.boolean(),
  'tiny': t.int8(),
  'small': t.int16(),
  'whole': t.int32(),
  'u8': t.uint8(),
  'u16': t.uint16(),
  'u32': t.uint32(),
  'long': t.int64().bigint(),
  'ulong': t.uint64().bigint(),
  'single': t.float32(),
  'double': t.float64(),
  'money': t.decimal(38, 9),
  'text "with" quotes': t.string(),
  'raw': t.bytes(),
  'day': t.date(),
  'clock': t.time('us'),
  'at': t.timestamp('ms'),
  'micros': t.timestamp('us'),
  'instant': t.timestamp('ms', { zoned: true }),
  'gap': t.interval(),
  'id': t.uuid(),
  'doc': t.json(),
  'numbers': t.list(t.int32().nullable()),
  'texts': t.list(t.string().nullable()),
  'nested': t.list(t.list(t.int32())),
  'pairs': t.map(t.string(), t.decimal(5, 2)),
  'point': t.struct({ x: t.float64(), label: t.string().nullable() }),
}) // prettier-ignore

const row = {
  order: true,
  tiny: -128,
  small: -32_768,
  whole: -2_147_483_648,
  u8: 255,
  u16: 65_535,
  u32: 4_294_967_295,
  long: -9_223_372_036_854_775_808n,
  ulong: 18_446_744_073_709_551_615n,
  single: 0.1,
  double: -1e-300,
  money: '-12345678901234567890123456789.123456789',
  'text "with" quotes': 'tab\t line\n return\r backslash \\ \\N quote " é 🙂 {} \b\v\f \\.',
  raw: Uint8Array.of(0, 92, 9, 10, 255),
  day: '1969-12-31',
  clock: 86_399_999,
  at: -1,
  micros: Date.UTC(2001, 2, 25, 2),
  instant: Date.UTC(2026, 10, 23),
  gap: { months: -14, days: 3, micros: -1_500_000 },
  id: '01234567-89ab-4def-8123-456789abcdef',
  doc: { a: [1, 'x\n', null] },
  numbers: [1, null, -3],
  texts: ['a"b\\c', null, '', 'NULL', '{,}', '\t\n'],
  nested: [[1, 2], [3]],
  pairs: new Map([['a', '1.50']]),
  point: { x: 1.5, label: null },
}

describe.skipIf(whyNoServer !== undefined)('logical types in tables', () => {
  it('are all kept by the columns that the refusal of a missing table tells to make', async () => {
    await server.ask(await ddlOf('everything', Everything))
    await writeOnce(optionsOf('everything'), Everything, { rows: [row] })
    const names = Everything.fields.map(({ name }) => `"${name.replaceAll('"', '""')}"::text`)
    const [read] = await server.ask<Record<string, string>>(
      `SELECT ARRAY[${names.join(', ')}] AS cells FROM everything`,
    )
    const cells = (read as unknown as { cells: string[] }).cells
    expect(Object.fromEntries(Everything.fields.map(({ name }, at) => [name, cells[at]]))).toEqual({
      order: 'true',
      tiny: '-128',
      small: '-32768',
      whole: '-2147483648',
      u8: '255',
      u16: '65535',
      u32: '4294967295',
      long: '-9223372036854775808',
      ulong: '18446744073709551615',
      single: '0.1',
      double: '-1e-300',
      money: '-12345678901234567890123456789.123456789',
      'text "with" quotes': row['text "with" quotes'],
      raw: '\\x005c090aff',
      day: '1969-12-31',
      clock: '23:59:59.999',
      at: '1969-12-31 23:59:59.999',
      micros: '2001-03-25 02:00:00',
      instant: expect.stringMatching(/^2026-11-2/),
      gap: '-1 years -2 mons +3 days -00:00:01.5',
      id: '01234567-89ab-4def-8123-456789abcdef',
      doc: '{"a": [1, "x\\n", null]}',
      numbers: '{1,NULL,-3}',
      texts: '{"a\\"b\\\\c",NULL,"","NULL","{,}","\t\n"}',
      nested: '[[1, 2], [3]]',
      pairs: '{"a": 1.50}',
      point: '{"x": 1.5, "label": null}',
    })
    expect(
      await server.ask(`SELECT extract(epoch FROM instant)::float8 * 1000 AS ms FROM everything`),
    ).toEqual([{ ms: row.instant }])
  })

  it('are null where the row has none', async () => {
    const fields = Everything.fields.map((field) => ({ ...field, nullable: true }))
    await server.ask(await ddlOf('nothing', { fields }))
    await writeOnce(
      optionsOf('nothing'),
      { fields },
      {
        rows: [Object.fromEntries(fields.map(({ name }) => [name, null]))],
      },
    )
    const [read] = await server.ask<object>('SELECT * FROM nothing')
    expect(Object.values(read ?? {}).filter((cell) => cell !== null)).toEqual([])
  })

  it('keep what is at the ends of floats and of calendars', async () => {
    const Ends = schema({ n: t.int32(), value: t.float64(), day: t.date(), at: t.timestamp('ms') })
    await server.ask('CREATE TABLE ends (n int4, value float8, day date, at timestamptz)')
    const at = Date.UTC(0, 0, 1) - 1
    const year44 = Date.UTC(2000, 2, 15) - 2043 * 366 * 86_400_000
    await writeOnce(optionsOf('ends'), Ends, {
      rows: [
        { n: 0, value: Number.NaN, day: '+012345-06-07', at: 253_402_300_800_000 },
        { n: 1, value: -0, day: '-000043-03-15', at: year44 },
        { n: 2, value: Number.NEGATIVE_INFINITY, day: '0000-12-31', at },
      ],
    })
    expect(
      await server.ask(
        `SELECT value::text, day::text, extract(epoch FROM at)::float8 * 1000 AS at FROM ends ORDER BY n`,
      ),
    ).toEqual([
      { value: 'NaN', day: '12345-06-07', at: 253_402_300_800_000 },
      { value: '-0', day: '0044-03-15 BC', at: year44 },
      { value: '-Infinity', day: '0001-12-31 BC', at },
    ])
  })

  it.each([
    ['int32 in smallint', schema({ a: t.int32() }), 'int2', 'integer'],
    ['uint64 in bigint', schema({ a: t.uint64() }), 'int8', 'numeric(20, 0)'],
    ['float64 in real', schema({ a: t.float64() }), 'float4', 'double precision'],
    ['decimal with more digits behind the point', schema({ a: t.decimal(10, 4) }), 'numeric(12, 2)', 'numeric(10, 4)'],
    ['decimal with more digits before it', schema({ a: t.decimal(10, 2) }), 'numeric(9, 2)', 'numeric(10, 2)'],
    ['a point in time without its zone', schema({ a: t.timestamp('ms', { zoned: true }) }), 'timestamp', 'timestamptz'],
    ['milliseconds in whole seconds', schema({ a: t.timestamp('ms') }), 'timestamp(0)', 'timestamp'],
    ['a text in a number', schema({ a: t.string() }), 'int4', 'text'],
    ['a struct in an array', schema({ a: t.struct({ b: t.int32() }) }), 'int4[]', 'jsonb'],
  ])('refuses %s, with what would hold it', async (_, rows, column, wanted) => {
    await server.ask('DROP TABLE IF EXISTS narrow')
    await server.ask(`CREATE TABLE narrow (a ${column})`)
    await expect(openTable(optionsOf('narrow'), rows)).rejects.toMatchObject({
      code: 'output/unfit',
      detail: expect.stringContaining('its column "a" is '),
      hint: expect.stringContaining(`ALTER TABLE "public"."narrow" ALTER COLUMN "a" TYPE ${wanted};`),
    })
  }) // prettier-ignore

  it.each([
    ['nanoseconds', schema({ a: t.timestamp('ns') }), 'timestamp'],
    ['times of day in nanoseconds', schema({ a: t.time('ns') }), 'time'],
  ])('refuses %s by name: the server would round them', async (_, rows, column) => {
    await server.ask('DROP TABLE IF EXISTS narrow')
    await server.ask(`CREATE TABLE narrow (a ${column})`)
    await expect(openTable(optionsOf('narrow'), rows)).rejects.toMatchObject({
      hint: expect.stringContaining('PostgreSQL keeps microseconds'),
    })
  })

  it('takes wider columns, domains, enums and lengths', async () => {
    await server.ask("CREATE TYPE mood AS ENUM ('calm', 'wild')")
    await server.ask('CREATE DOMAIN count AS int8 CHECK (VALUE >= 0)')
    await server.ask(
      'CREATE TABLE wide (a int8, b count NOT NULL, c mood, d varchar(3), e numeric, f numeric(6, 2))',
    )
    const rows = schema({
      a: t.int8(),
      b: t.int32(),
      c: t.string(),
      d: t.string(),
      e: t.uint64(),
      f: t.decimal(5, 1),
    })
    await writeOnce(optionsOf('wide'), rows, { rows: [{ a: 1, b: 2, c: 'wild', d: 'abc', e: 7, f: '1.5' }] })
    expect(await server.ask('SELECT a::int4, b::int4, c, d, e::text, f::text FROM wide')).toEqual([
      { a: 1, b: 2, c: 'wild', d: 'abc', e: '7', f: '1.50' },
    ])
  })
})
