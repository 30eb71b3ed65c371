// Aggregations that begin in front of their exchange: the same rows, and the same rows late, as without.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globalWindow, pipeline, schema, sliding, sql, t, tumbling } from '../../src/index.ts'
import type { Pipeline, Stream } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { runHere, sorted } from './run-here.ts'

const Reading = schema({
  sensor: t.string().nullable(),
  room: t.int32(),
  at: t.timestamp('ms'),
  value: t.int32().nullable(),
  level: t.float64().nullable(),
  big: t.int64().bigint(),
  note: t.string().nullable(),
})
type Reading = {
  sensor: string | null
  room: number
  at: number
  value: number | null
  level: number | null
  big: bigint
  note: string | null
}

const reading = fc.record({
  sensor: fc.constantFrom('a', 'b', 'c', 'dé', null),
  room: fc.constantFrom(-1, 0, 7),
  at: fc.integer({ min: -30_000, max: 30_000 }),
  value: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  // Sixteenths: sums are exact in any order.
  level: fc.option(
    fc.oneof(
      fc.integer({ min: -1000, max: 1000 }).map((n) => n / 16),
      fc.constantFrom(-0, Infinity, NaN),
    ),
  ),
  big: fc.oneof(fc.bigInt({ min: -5n, max: 5n }), fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n })),
  note: fc.option(fc.string({ maxLength: 3 })),
})
const readings = fc.array(reading, { maxLength: 60 })
const manyReadings = fc.array(reading, { minLength: 30, maxLength: 60 })

/** Every aggregate that can be sent half done, over every kind of column. */
const shapes: { readonly [name: string]: (input: Stream<Reading>) => unknown } = {
  tumbling: (input) =>
    input
      .keyBy('key', 'sensor')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({
        n: a.count(),
        values: a.count('value'),
        sum: a.sum('value'),
        mean: a.mean('value'),
        low: a.min('value'),
        high: a.max('value'),
      })),
  'floats, big integers and texts': (input) =>
    input
      .keyBy('key', ['sensor', 'room'])
      .window(tumbling('7 s'))
      .aggregate('agg', (a) => ({
        sum: a.sum('level'),
        mean: a.mean('level'),
        low: a.min('level'),
        high: a.max('level'),
        total: a.sum('big'),
        least: a.min('big'),
        most: a.max('big'),
        first: a.min('note'),
        last: a.max('note'),
        latest: a.max('at'),
      })),
  'a key that is no text': (input) =>
    input
      .keyBy('key', 'level')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({ n: a.count() })),
  filtered: (input) =>
    input
      .extend('flags', { odd: sql.boolean`value % 2 = 1` })
      .keyBy('key', 'room')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({ n: a.count(), odd: a.sum('value').filter('odd') })),
  sliding: (input) =>
    input
      .keyBy('key', 'sensor')
      .window(sliding('10 s', '3 s'))
      .aggregate('agg', (a) => ({ n: a.count(), sum: a.sum('value'), high: a.max('value') })),
  'sliding with gaps between the windows': (input) =>
    input
      .keyBy('key', 'sensor')
      .window(sliding('3 s', '10 s', { gaps: true }))
      .aggregate('agg', (a) => ({ n: a.count(), sum: a.sum('value') })),
  global: (input) =>
    input
      .keyBy('key', 'sensor')
      .window(globalWindow())
      .aggregate('agg', (a) => ({ n: a.count(), mean: a.mean('value') })),
  'without a key': (input) =>
    input.window(tumbling('4 s')).aggregate('agg', (a) => ({ n: a.count(), high: a.max('note') })),
  'global without a key': (input) =>
    input.window(globalWindow()).aggregate('agg', (a) => ({ n: a.count(), low: a.min('level') })),
  'two in a row': (input) =>
    input
      .keyBy('key', ['sensor', 'room'])
      .window(tumbling('5 s'))
      .aggregate('first', (a) => ({ n: a.count(), sum: a.sum('value') }))
      .keyBy('again', 'sensor')
      .window(tumbling('20 s'))
      .aggregate('second', (a) => ({ windows: a.count(), rows: a.sum('n'), most: a.max('sum') })),
}

interface Answer {
  readonly rows: readonly string[]
  readonly late: number
  readonly partials: number
}

async function answer(
  make: (input: Stream<Reading>) => unknown,
  rows: readonly Reading[],
  {
    disorder,
    splits = 2,
    ...way
  }: Partial<JobOptions> & { readonly disorder: string; readonly splits?: number },
): Promise<Answer> {
  const sink = memorySink()
  const built: Pipeline = pipeline('shape', (p) => {
    const time = { eventTime: { column: 'at', disorder } } as const
    const input = p.read('readings', memoryRows(Reading, rows, { splits }), time)
    ;(make(input as never) as Stream<object>).write('out', sink)
  })
  const { progress } = await runHere(built, way)
  return {
    rows: sorted(sink.rows.map((row) => textual(row))),
    late: progress.rowsLate,
    partials: progress.steps.filter(({ kind }) => kind === 'partial-aggregate').length,
  }
}

/** What JSON would lose. */
function textual(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
        ? String(value)
        : value,
    ]),
  )
}

const continuous = { mode: 'continuous', drain: true, epochIntervalMs: 1 } as const

/** Ways to run with several tasks. */
const ways: readonly (Partial<JobOptions> & { readonly splits?: number })[] = [
  { parallelism: 3 },
  { parallelism: 2, batchRows: 2, splits: 3 },
  { parallelism: 7, batchRows: 4, splits: 5 },
  { ...continuous, parallelism: 3, batchRows: 5, splits: 4 },
]

/** Which rows are late over several splits depends on the clock where epochs do. */
const repeatable = ways.filter(({ mode }) => mode !== 'continuous')

describe('aggregations that begin in front of their exchange', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(`give the rows of one task: ${name}`, { timeout: 30_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(readings, async (rows) => {
          const expected = await answer(shape, rows, { disorder: '1 day' })
          expect(expected.partials).toBe(0)
          for (const way of ways) {
            const given = await answer(shape, rows, { ...way, disorder: '1 day', preAggregate: true })
            expect(given.partials).toBe(name === 'two in a row' ? 2 : 1)
            expect(given.rows).toEqual(expected.rows)
          }
        }),
        { numRuns: 6 },
      )
    })

    test(`find the same rows late as without: ${name}`, { timeout: 30_000 }, async () => {
      let late = 0
      await fc.assert(
        fc.asyncProperty(manyReadings, fc.constantFrom('0 s', '3 s', '12 s'), async (rows, disorder) => {
          for (const way of repeatable) {
            const expected = await answer(shape, rows, { ...way, disorder, preAggregate: false })
            const given = await answer(shape, rows, { ...way, disorder, preAggregate: true })
            expect(given.rows).toEqual(expected.rows)
            expect(given.late).toBe(expected.late)
            late += given.late
          }
        }),
        { numRuns: 6 },
      )
      // A global window has no end that a row could miss.
      expect(late > 10).toBe(!name.startsWith('global'))
    })
  }
})
