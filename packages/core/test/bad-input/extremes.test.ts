// Input at the edges of what fits: nothing is rounded, cut or lost, and nothing takes for ever.
import { describe, expect, test, vi } from 'vitest'
import { globalWindow, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { csv, json, ndjson, parquet } from '../../src/connect/files/index.ts'
import type { FileDataset } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { Schema } from '../../src/data/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { hostWith, untilEnded, writtenRows } from './copying.ts'

vi.setConfig({ testTimeout: 20_000 })

async function run(
  host: ManualHost,
  build: Parameters<typeof pipeline>[1],
  options: Partial<JobOptions> = {},
): Promise<void> {
  await untilEnded(host, new Job(pipeline('extreme', build).build(), { host, ...options }).run())
}

const datasetsOf = <Row>(rows: ReturnType<typeof schema>): readonly [string, FileDataset<Row>][] => {
  const options = { schema: rows as Schema<Row> }
  return [
    ['ndjson', ndjson('data', options)],
    ['csv', csv('data', options)],
    ['json', json('data', options)],
    ['parquet', parquet('data', options)],
  ]
}

describe('integers beyond 2^53', () => {
  const Big = schema({ key: t.int64().bigint(), n: t.int64().bigint(), u: t.uint64().bigint() })
  const top = 2n ** 63n - 1n
  const rows = [
    { key: top, n: 9007199254740993n, u: 2n ** 64n - 1n },
    { key: top - 1n, n: -9007199254740993n, u: 0n },
    { key: top, n: -(2n ** 63n), u: 9007199254740993n },
    { key: -(2n ** 63n), n: 1n, u: 1n },
    { key: top, n: 3n, u: 2n },
  ]

  test.each(datasetsOf<(typeof rows)[number]>(Big))(
    'are written, read, filtered, selected, keyed and summed exactly: %s',
    async (_, dataset) => {
      for (const way of [{}, { batchRows: 1 }, { parallelism: 3 }]) {
        const host = hostWith({})
        const [all, big, sums] = [memorySink(), memorySink(), memorySink()]
        await run(host, (p) => p.read('rows', memoryRows(Big, rows)).write('out', dataset.toSink()))
        await run(
          host,
          (p) => {
            const read = p.read('rows', dataset)
            read.write('all-out', all)
            read
              .filter('function', (row) => row.n !== 3n)
              .where('expression', sql`n > 9007199254740992 or u = 9007199254740993`)
              .select('chosen', { n: 'n', next: sql.bigint`n + 1`, u: 'u' })
              .write('big-out', big)
            read
              .keyBy('by', 'key')
              .window(globalWindow())
              .aggregate('sums', (a) => ({
                rows: a.count(),
                sum: a.sum('n'),
                least: a.min('n'),
                most: a.max('u'),
              }))
              .write('sums-out', sums)
          },
          way,
        )
        const text = (list: readonly object[]): string[] =>
          list
            .map((row) =>
              JSON.stringify(row, (_key, value: unknown) =>
                typeof value === 'bigint' ? `${value}n` : value,
              ),
            )
            .toSorted()
        expect(text(all.rows)).toEqual(text(rows))
        expect(text(big.rows)).toEqual(
          text([
            { n: 9007199254740993n, next: 9007199254740994n, u: 2n ** 64n - 1n },
            { n: -(2n ** 63n), next: -(2n ** 63n) + 1n, u: 9007199254740993n },
          ]),
        )
        const bySum = sums.rows.map(({ key, rows: count, least, most, sum }) => [
          key,
          Number(count),
          least,
          most,
          String(sum),
        ])
        expect(text(bySum)).toEqual(
          text([
            [top, 3, -(2n ** 63n), 2n ** 64n - 1n, String(9007199254740993n - 2n ** 63n + 3n)],
            [top - 1n, 1, -9007199254740993n, 0n, '-9007199254740993'],
            [-(2n ** 63n), 1, 1n, 1n, '1'],
          ]),
        )
      }
    },
  )

  test('read as numbers are refused with their column, never rounded', async () => {
    const Number64 = schema({ n: t.int64() })
    const host = hostWith({ 'in/a.ndjson': '{"n":9007199254740993}\n' })
    const failed = run(host, (p) =>
      p
        .read('rows', ndjson('in', { schema: Number64 }))
        .filter('look', (row) => row.n > 0)
        .write('out', memorySink()),
    )
    await expect(failed).rejects.toMatchObject({ step: 'look' })
    await expect(failed).rejects.toThrow(/"n".*9007199254740993|9007199254740993.*"n"/s)
  })
})

describe('values that are long', () => {
  const Text = schema({ id: t.int32(), s: t.string() })
  const long = [
    { id: 1, s: 'ä'.repeat(1_000_000) },
    { id: 2, s: '' },
    { id: 3, s: `"quoted"\n,${'x'.repeat(1_500_000)}\\` },
  ]

  test.each(datasetsOf<(typeof long)[number]>(Text))(
    'strings of megabytes go through every step: %s',
    async (_, dataset) => {
      const host = hostWith({})
      const sink = memorySink()
      await run(host, (p) => p.read('rows', memoryRows(Text, long)).write('out', dataset.toSink()))
      await run(host, (p) =>
        p
          .read('rows', dataset)
          .where('some', sql`length(s) >= 0`)
          .keyBy('by', 's')
          .window(globalWindow())
          .aggregate('n', (a) => ({ id: a.max('id'), last: a.last('s') }))
          .map('same', Text, (row) => ({ id: row.id ?? 0, s: row.last ?? '' }))
          .write('out', sink),
      )
      const sizes = sink.rows.toSorted((left, right) => (left['id'] as number) - (right['id'] as number))
      expect(sizes.every((row, at) => row['s'] === long[at]?.s)).toBe(true)
      expect(sizes).toHaveLength(3)
    },
  )

  test('a string of 10 MB is one cell like any other', async () => {
    const s = 'ä'.repeat(5_000_000)
    const host = hostWith({ 'in/a.ndjson': `${JSON.stringify({ id: 1, s })}\n{"id":2,"s":""}\n` })
    const sink = memorySink()
    await run(host, (p) => p.read('rows', ndjson('in', { schema: Text })).write('out', parquet('data')))
    await run(host, (p) => p.read('rows', parquet('data', { schema: Text })).write('out', sink))
    expect(sink.rows.map((row) => row['s'] === s)).toEqual([true, false])
  })
})

describe('rows that are wide', () => {
  // Parquet has pages and a footer entry per column: a quarter of the columns shows the same.
  test.each([
    ['ndjson', 10_000],
    ['csv', 10_000],
    ['parquet', 2500],
  ] as const)('%s of %s columns is written and read', async (format, width) => {
    const names = Array.from({ length: width }, (_, n) => `column_${n}`)
    const last = names.at(-1) as string
    const Wide = schema(Object.fromEntries(names.map((name) => [name, t.int32().nullable()])))
    const wide = Array.from({ length: 5 }, (_, row) =>
      Object.fromEntries(names.map((name, n) => [name, n % 7 === row ? null : n + row])),
    )
    const dataset = new Map(datasetsOf<(typeof wide)[number]>(Wide)).get(format) as FileDataset<
      (typeof wide)[number]
    >
    const host = hostWith({})
    const [all, some] = [memorySink(), memorySink()]
    await run(host, (p) => p.read('rows', memoryRows(Wide, wide as never)).write('out', dataset.toSink()))
    await run(host, (p) => {
      const read = p.read('rows', dataset)
      read.write('all-out', all)
      read
        .where('not-null', (c) => (c[last] as NonNullable<(typeof c)[string]>).isNotNull())
        .select('two', { first: 'column_0', last } as never)
        .write('out', some)
    })
    expect(all.rows).toEqual(wide)
    expect(some.rows).toEqual(
      wide.flatMap((row) => (row[last] == null ? [] : [{ first: row['column_0'], last: row[last] }])),
    )
  })
})

describe('keys that are many', () => {
  test('100,000 in one window, in tiny batches, are each counted', async () => {
    const Event = schema({ key: t.string(), at: t.timestamp('ms') })
    const count = 100_000
    const rows = Array.from({ length: 2 * count }, (_, n) => ({
      key: `key ${(n * 7919) % count}`,
      at: n % 1000,
    }))
    const host = hostWith({})
    const sink = memorySink<{ key: string; n: number }>()
    await run(
      host,
      (p) =>
        p
          .read('events', memoryRows(Event, rows), { eventTime: { column: 'at', disorder: '1 s' } })
          .keyBy('by', 'key')
          .window(tumbling('1 min'))
          .aggregate('count', (a) => ({ n: a.count() }))
          .write('out', sink),
      { batchRows: 16, parallelism: 2 },
    )
    expect(sink.rows).toHaveLength(count)
    expect(new Set(sink.rows.map(({ key }) => key)).size).toBe(count)
    expect(sink.rows.every(({ n }) => n === 2)).toBe(true)
  })
})

describe('columns that are all null', () => {
  const Nulls = schema({
    id: t.int32(),
    b: t.boolean().nullable(),
    i: t.int64().nullable(),
    f: t.float64().nullable(),
    s: t.string().nullable(),
    at: t.timestamp().nullable(),
    d: t.decimal(10, 2).nullable(),
  })
  const nulls = Array.from({ length: 20 }, (_, id) => ({
    id,
    b: null,
    i: null,
    f: null,
    s: null,
    at: null,
    d: null,
  }))

  test.each(datasetsOf<(typeof nulls)[number]>(Nulls))(
    'stay null through files, keys and aggregates: %s',
    async (_, dataset) => {
      const host = hostWith({})
      const [all, sums] = [memorySink(), memorySink()]
      await run(host, (p) => p.read('rows', memoryRows(Nulls, nulls)).write('out', dataset.toSink() as Sink))
      await run(
        host,
        (p) => {
          const read = p.read('rows', dataset)
          read.write('all-out', all)
          read
            .keyBy('by', 's')
            .window(globalWindow())
            .aggregate('sums', (a) => ({
              rows: a.count(),
              some: a.count('i'),
              sum: a.sum('i'),
              mean: a.mean('f'),
              least: a.min('at'),
              most: a.max('s'),
              different: a.countDistinct('s'),
              middle: a.quantile('f', 0.5),
              first: a.first('s'),
            }))
            .write('sums-out', sums)
        },
        { batchRows: 3 },
      )
      expect(all.rows).toEqual(nulls)
      expect(sums.rows).toEqual([
        {
          s: null,
          rows: 20,
          some: 0,
          sum: null,
          mean: null,
          least: null,
          most: null,
          different: 0,
          middle: null,
          first: null,
        },
      ])
    },
  )
})

describe('numbers that are not finite', () => {
  test('are kept in memory and in Parquet, and never become text that is no JSON', async () => {
    const Float = schema({ x: t.float64() })
    const rows = [
      { x: Number.NaN },
      { x: Infinity },
      { x: -Infinity },
      { x: -0 },
      { x: 5e-324 },
      { x: 1.7976931348623157e308 },
    ]
    const host = hostWith({})
    const back = memorySink()
    await run(host, (p) => p.read('rows', memoryRows(Float, rows)).write('out', parquet('data')))
    await run(host, (p) => p.read('rows', parquet('data', { schema: Float })).write('out', back))
    expect(back.rows).toEqual(rows)
    const outcome = await run(host, (p) =>
      p.read('rows', memoryRows(Float, rows)).write('out', ndjson('out')),
    ).catch((error: unknown) => error)
    expect(
      outcome === undefined ? writtenRows(host, 'out').length : (outcome as { code: string }).code,
    ).toSatisfy(
      (value: unknown) => value === rows.length || (typeof value === 'string' && value.startsWith('value/')),
    )
  })
})
