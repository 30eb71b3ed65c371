import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globalWindow, pipeline, schema, session, sliding, sql, state, t, tumbling } from '../../src/index.ts'
import type { Stream, Timestamp } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import type { EpochLimits } from '../../src/plan/index.ts'
import { runHere, sorted, waysToRun } from './run-here.ts'
import type { Way } from './run-here.ts'

const Reading = schema({
  sensor: t.string(),
  at: t.timestamp('ms'),
  value: t.int32().nullable(),
})
type Reading = { sensor: string; at: Timestamp; value: number | null }

const readings = fc.array(
  fc.record({
    sensor: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
    at: fc.integer({ min: -50_000, max: 50_000 }),
    value: fc.option(fc.integer({ min: -100, max: 100 })),
  }),
  { maxLength: 80 },
)

const Name = schema({ id: t.string(), name: t.string() })
const names = [
  { id: 'a', name: 'Anna' },
  { id: 'b', name: 'Bert' },
  { id: 'b', name: 'Berta' },
]

/** Inputs are read when they are asked for: a pipeline must do something with every source it reads. */
interface Inputs {
  readonly input: Stream<Reading>
  readonly more: Stream<Reading>
  readonly table: Stream<{ id: string; name: string }>
}

/** Each takes the readings somewhere; the answer of each must not depend on how it is run. */
const shapes: { readonly [name: string]: (inputs: Inputs) => unknown } = {
  'filter and select': ({ input }) =>
    input
      .filter('odd', (r) => (r.value ?? 0) % 2 !== 0)
      .select('doubled', { sensor: 'sensor', twice: sql.number`value * 2` }),
  tumbling: ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({ n: a.count(), sum: a.sum('value'), max: a.max('value') })),
  sliding: ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(sliding('10 s', '3 s'))
      .aggregate('agg', (a) => ({ n: a.count(), min: a.min('value') })),
  session: ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(session('4 s'))
      .aggregate('agg', (a) => ({ n: a.count() })),
  global: ({ input }) =>
    input.window(globalWindow()).aggregate('agg', (a) => ({ n: a.count(), p: a.quantile('value', 0.5) })),
  'global per key, distinct': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(globalWindow())
      .aggregate('agg', (a) => ({ different: a.countDistinct('value') })),
  union: ({ input, more }) =>
    input
      .union('both', more)
      .keyBy('key', 'sensor')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({ n: a.count() })),
  'joins of several kinds': ({ input, more }) => {
    const other = more.keyBy('other', 'sensor')
    const options = { within: ['-2 s', '5 s'], select: { partner: 'value' } } as const
    const keyed = input.keyBy('key', 'sensor')
    const kinds = ['semi', 'full', 'anti'] as const
    return kinds
      .map((join) =>
        keyed
          .join(join, other, { ...options, join, where: sql`value < partner or partner is null` })
          .select(`${join}-rows`, { kind: sql.string`${join}`, sensor: 'sensor', at: 'at', value: 'value' })
          .extend(`${join}-nullable`, { at: sql`at`, sensor: sql.string`sensor` }),
      )
      .reduce((all, one, at) => all.union(`all-${at}`, one as never))
  },
  'a join and a window behind it': ({ input, more }) =>
    input
      .keyBy('key', 'sensor')
      .join('near', more.keyBy('other', 'sensor'), {
        within: ['-3 s', '-1 s'],
        join: 'full',
        select: { partner: 'value', partnerAt: 'at' },
      })
      .keyBy('again', 'sensor')
      .window(tumbling('5 s'))
      .aggregate('agg', (a) => ({ n: a.count(), sum: a.sum('partner') })),
  'two windows in a row': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(tumbling('5 s'))
      .aggregate('first', (a) => ({ n: a.count() }))
      .keyBy('again', 'sensor')
      .window(tumbling('20 s'))
      .aggregate('second', (a) => ({ windows: a.count(), rows: a.sum('n') })),
  lookup: ({ input, table }) =>
    input.lookupJoin('named', table, { on: { sensor: 'id' }, select: { who: 'name' } }),
  'inner lookup': ({ input, table }) =>
    input.lookupJoin('named', table, { on: { sensor: 'id' }, select: { who: 'name' }, join: 'inner' }),
  process: ({ input }) =>
    input.keyBy('key', 'sensor').process('counted', {
      state: { seen: state.value(t.int32()) },
      output: schema({ sensor: t.string(), seen: t.int32(), at: t.timestamp('ms') }),
      onRow(_row, context) {
        const seen = (context.state.seen.get() ?? 0) + 1
        context.state.seen.set(seen)
        context.setTimer('flush', 60_000)
      },
      onTimer(context, timer) {
        context.emit({ sensor: context.key.sensor, seen: context.state.seen.get() ?? 0, at: timer.time })
        context.state.seen.clear()
      },
    }),
}

/** Shapes whose answer could show where batches were cut while the watermark moves. */
const movingShapes: typeof shapes = {
  tumbling: shapes['tumbling'] as (inputs: Inputs) => unknown,
  sliding: shapes['sliding'] as (inputs: Inputs) => unknown,
  session: shapes['session'] as (inputs: Inputs) => unknown,
  'two windows in a row': shapes['two windows in a row'] as (inputs: Inputs) => unknown,
  'sessions in windows': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(session('4 s'))
      .aggregate('sessions', (a) => ({ n: a.count() }))
      .keyBy('again', 'sensor')
      .window(tumbling('10 s'))
      .aggregate('windows', (a) => ({ sessions: a.count(), rows: a.sum('n') })),
  'timers inside the data': ({ input }) =>
    input.keyBy('key', 'sensor').process('counted', {
      state: { seen: state.value(t.int32()) },
      output: schema({ sensor: t.string(), seen: t.int32(), at: t.timestamp('ms') }),
      onRow(row, context) {
        context.state.seen.set((context.state.seen.get() ?? 0) + 1)
        context.setTimer('soon', row.at + 3000)
      },
      onTimer(context, timer) {
        context.emit({ sensor: context.key.sensor, seen: context.state.seen.get() ?? 0, at: timer.time })
      },
    }),
  'first, last and collected': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(tumbling('10 s'))
      .aggregate('agg', (a) => ({
        first: a.first('value'),
        last: a.last('value'),
        all: a.collect('value', { max: 5 }),
      })),
}

/** What the reads of a pipeline are told for a way to run it. */
function limitsOf({ perEpoch }: Way): { readonly perEpoch?: EpochLimits } {
  return perEpoch === undefined ? {} : { perEpoch }
}

describe('L1 same results: while watermarks move', () => {
  for (const [name, shape] of Object.entries(movingShapes)) {
    test(`${name}`, { timeout: 90_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(readings, async (rows) => {
          const inOrder = rows.toSorted((a, b) => a.at - b.at)
          const answers: string[][] = []
          for (const way of [...waysToRun, { name: 'row by row', mode: 'batch', batchRows: 1 }] as Way[]) {
            if (name === 'timers inside the data' && way.isCoarse === true) continue
            const sink = memorySink()
            const built = pipeline('shape', (p) => {
              const input = p.read('readings', memoryRows(Reading, inOrder), {
                eventTime: 'at',
                ...limitsOf(way),
              })
              ;(shape({ input } as unknown as Inputs) as Stream<object>).write('out', sink)
            })
            const { progress } = await runHere(built, way)
            expect({ way, late: progress.rowsLate }).toEqual({ way, late: 0 })
            answers.push(sorted(sink.rows))
          }
          for (const answer of answers) expect(answer).toEqual(answers[0])
        }),
        { numRuns: 25 },
      )
    })
  }
})

describe('L1 same results: batch, micro-batch and continuous, at any parallelism and batch size', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(`${name}`, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(readings, readings, async (rows, more) => {
          const answers: string[][] = []
          for (const way of waysToRun) {
            const sink = memorySink()
            const built = pipeline('shape', (p) => {
              const time = { eventTime: { column: 'at', disorder: '1 day' }, ...limitsOf(way) } as const
              const inputs = {
                input: p.read('readings', memoryRows(Reading, rows, { splits: 2 }), time),
                get more() {
                  return p.read('more', memoryRows(Reading, more), time)
                },
                get table() {
                  return p.read('names', memoryRows(Name, names))
                },
              }
              ;(shape(inputs) as Stream<object>).write('out', sink)
            })
            await runHere(built, way)
            answers.push(sorted(sink.rows))
          }
          for (const answer of answers) expect(answer).toEqual(answers[0])
        }),
        { numRuns: 25 },
      )
    })
  }
})

/** Rows of one event time that no source has put in order: results of one window, of sessions, of a user function. */
const tiedShapes: typeof shapes = {
  'first and last of windows': ({ input }) =>
    perSensor(input)
      .window(tumbling('10 s'))
      .aggregate('behind', (a) => ({
        firstOf: a.first('sensor'),
        firstMost: a.first('most'),
        lastOf: a.last('sensor'),
        lastMost: a.last('most'),
      })),
  'collected windows, per key': ({ input }) =>
    perSensor(input)
      .keyBy('again', 'n')
      .window(tumbling('20 s'))
      .aggregate('behind', (a) => ({
        all: a.collect('sensor', { max: 3 }),
        most: a.collect('most', { max: 3 }),
        sums: a.collect('values', { max: 3 }),
      })),
  'top of windows, with other columns': ({ input }) =>
    perSensor(input)
      .window(tumbling('10 s'))
      .aggregate('behind', (a) => ({
        best: a.top('n', 2, { columns: ['sensor', 'most'] }),
        least: a.top('n', 2, { order: 'asc', columns: ['values'] }),
        counts: a.top('n', 2),
      })),
  'sessions in sessions': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .window(session('4 s'))
      .aggregate('sessions', (a) => ({ n: a.count(), most: a.max('value') }))
      .window(session('30 s'))
      .aggregate('behind', (a) => ({
        first: a.first('sensor'),
        last: a.last('sensor'),
        all: a.collect('sensor', { max: 4 }),
        best: a.top('n', 2, { columns: ['sensor', 'most'] }),
      })),
  'rows of a source among windows': ({ input, more }) =>
    perSensor(input)
      .select('counts', { sensor: 'sensor', at: 'windowEnd', n: 'n' })
      .union(
        'both',
        more.select('same-columns', { sensor: 'sensor', at: 'at', n: sql.number`cast(1 as bigint)` }),
      )
      .window(tumbling('20 s'))
      .aggregate('behind', (a) => ({
        first: a.first('sensor'),
        last: a.last('sensor'),
        all: a.collect('sensor'),
        best: a.top('n', 3, { columns: ['sensor'] }),
      })),
  'matches in a table of windows': ({ input, more }) =>
    input
      .lookupJoin('matched', perSensor(more), {
        on: { sensor: 'sensor' },
        select: { m: 'most', from: 'windowStart' },
      })
      .window(tumbling('20 s'))
      .aggregate('behind', (a) => ({
        first: a.first('from'),
        last: a.last('m'),
        all: a.collect('from', { max: 5 }),
        best: a.top('m', 2, { columns: ['sensor', 'from'] }),
      })),
  'matches in a table of several splits': ({ input, more }) =>
    input
      .lookupJoin('matched', more, { on: { sensor: 'sensor' }, select: { m: 'value', from: 'at' } })
      .window(tumbling('20 s'))
      .aggregate('behind', (a) => ({
        first: a.first('from'),
        last: a.last('m'),
        all: a.collect('from', { max: 5 }),
        best: a.top('from', 2, { columns: ['sensor', 'm'] }),
      })),
  'rows of a process step, several from one row': ({ input }) =>
    input
      .keyBy('key', 'sensor')
      .process('doubled', {
        state: {},
        output: schema({ sensor: t.string(), value: t.int32().nullable(), copy: t.int32() }),
        onRow(row, context) {
          for (const copy of [2, 1]) context.emit({ sensor: row.sensor, value: row.value, copy })
        },
      })
      .window(tumbling('20 s'))
      .aggregate('behind', (a) => ({
        first: a.first('sensor'),
        firstCopy: a.first('copy'),
        last: a.last('value'),
        all: a.collect('copy'),
        best: a.top('value', 2, { columns: ['sensor', 'copy'] }),
      })),
}

/** Many keys with results of one time: sums are there so that equal counts come with different rows. */
function perSensor(input: Stream<Reading>): Stream<{
  sensor: string
  windowStart: Timestamp
  windowEnd: Timestamp
  n: number
  most: number | null
  values: readonly (number | null)[]
}> {
  return input
    .keyBy('key', 'sensor')
    .window(tumbling('5 s'))
    .aggregate('windows', (a) => ({ n: a.count(), most: a.max('value'), values: a.collect('value') }))
}

const tiedReadings = fc.array(
  fc.record({
    sensor: fc.constantFrom('a', 'b', 'c', 'd', 'é', 'f', 'g'),
    at: fc.integer({ min: -8, max: 8 }).map((n) => n * 2500),
    value: fc.option(fc.integer({ min: 0, max: 3 })),
  }),
  { maxLength: 60 },
)

const allParallelisms: readonly Way[] = [1, 2, 3, 4].flatMap((parallelism) => [
  ...[1, 7, 4096].map((batchRows) => ({ mode: 'batch', parallelism, batchRows }) as const),
  {
    mode: 'micro-batch',
    trigger: { kind: 'available-now' },
    parallelism,
    perEpoch: { maxRows: 6 * parallelism },
  } as const,
])

describe('L1 same results: ties of event time behind windows and functions, at any parallelism and batch size', () => {
  for (const [name, shape] of Object.entries(tiedShapes)) {
    test(`${name}`, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(tiedReadings, tiedReadings, async (rows, more) => {
          const answers: string[][] = []
          for (const way of allParallelisms) {
            const sink = memorySink()
            const built = pipeline('shape', (p) => {
              const time = { eventTime: { column: 'at', disorder: '1 day' }, ...limitsOf(way) } as const
              const inputs = {
                input: p.read('readings', memoryRows(Reading, rows, { splits: 3 }), time),
                get more() {
                  return p.read('more', memoryRows(Reading, more, { splits: 2 }), time)
                },
              }
              ;(shape(inputs as unknown as Inputs) as Stream<object>).write('out', sink)
            })
            await runHere(built, way)
            answers.push(sorted(sink.rows))
          }
          for (const [at, answer] of answers.entries())
            expect({ way: allParallelisms[at], answer }).toEqual({
              way: allParallelisms[at],
              answer: answers[0],
            })
        }),
        { numRuns: 15 },
      )
    })
  }
})
