// The oracle against answers that were worked out by hand: it is the definition, so each of its sentences has an example.
import { describe, expect, test } from 'vitest'
import { globalWindow, pipeline, schema, session, sliding, sql, state, t, tumbling } from '../../src/index.ts'
import type { Stream, Timestamp } from '../../src/index.ts'
import { blackhole, memoryRows } from '../../src/connect/index.ts'
import type { Lateness } from '../../src/testing/oracle/meaning.ts'
import { oracle } from '../../src/testing/oracle/oracle.ts'
import { rowOfCells } from '../../src/testing/oracle/values.ts'

const Row = schema({ key: t.string().nullable(), at: t.timestamp(), n: t.int32().nullable() })
type Row = { key: string | null; at: Timestamp; n: number | null }

const row = (at: number, n: number | null = null, key: string | null = 'a'): Row => ({ key, at, n })

function answerOf(
  rows: readonly Row[],
  shape: (input: Stream<Row>, read: (name: string, rows: readonly Row[]) => Stream<Row>) => unknown,
  lateness?: Lateness,
): readonly object[] {
  const inputs: { [source: string]: readonly (readonly object[])[] } = {}
  const built = pipeline('example', (p) => {
    const read = (name: string, given: readonly Row[]): Stream<Row> => {
      inputs[name] = [given]
      return p.read(name, memoryRows(Row, given), { eventTime: 'at' })
    }
    ;(shape(read('rows', rows), read) as Stream<object>).write('out', blackhole())
  }).build({ check: false })
  const { schema: columns, rows: made } = oracle(
    built,
    inputs,
    lateness === undefined ? {} : { lateness },
  ).get('out')?.['main'] ?? {
    schema: { fields: [] },
    rows: [],
  }
  return made.map(({ cells }) => rowOfCells(columns, cells))
}

describe('windows', () => {
  const counted = (window: Parameters<Stream<Row>['window']>[0], rows: readonly Row[], lateness?: Lateness) =>
    answerOf(rows, (input) => input.window(window).aggregate('w', (a) => ({ n: a.count() })), lateness)

  test('begin with their start and end before their end, before 1970 as well', () => {
    expect(counted(tumbling(10), [row(-10), row(-1), row(0), row(9), row(10)])).toEqual([
      { windowStart: -10, windowEnd: 0, n: 2 },
      { windowStart: 0, windowEnd: 10, n: 2 },
      { windowStart: 10, windowEnd: 20, n: 1 },
    ])
  })

  test('that slide take a row as often as they overlap, and leave gaps out', () => {
    expect(counted(sliding(10, 5), [row(7)])).toEqual([
      { windowStart: 5, windowEnd: 15, n: 1 },
      { windowStart: 0, windowEnd: 10, n: 1 },
    ])
    expect(counted(sliding(2, 5, { gaps: true }), [row(1), row(2), row(5)])).toEqual([
      { windowStart: 0, windowEnd: 2, n: 1 },
      { windowStart: 5, windowEnd: 7, n: 1 },
    ])
  })

  test('of sessions join rows that are exactly a gap apart, and a row joins two sessions', () => {
    expect(counted(session(5), [row(0), row(5), row(11)])).toEqual([
      { windowStart: 0, windowEnd: 10, n: 2 },
      { windowStart: 11, windowEnd: 16, n: 1 },
    ])
    expect(counted(session(5), [row(0), row(10), row(5)])).toEqual([{ windowStart: 0, windowEnd: 15, n: 3 }])
  })

  test('leave out rows behind their end, judged by the rows before', () => {
    const lateness = { kind: 'by-split', rowsAtOnce: 1 } as const
    expect(counted(tumbling(10), [row(0), row(10), row(9)], lateness)).toEqual([
      { windowStart: 0, windowEnd: 10, n: 1 },
      { windowStart: 10, windowEnd: 20, n: 1 },
    ])
    // Where the watermark moves between epochs of three rows, the row at 9 comes in time.
    expect(counted(tumbling(10), [row(0), row(10), row(9)], { ...lateness, rowsAtOnce: 3 })).toEqual([
      { windowStart: 0, windowEnd: 10, n: 2 },
      { windowStart: 10, windowEnd: 20, n: 1 },
    ])
    // The row at 9 is of a session of its own, whose end the watermark has not reached.
    expect(counted(session(5), [row(0), row(10), row(9)], lateness)).toEqual([
      { windowStart: 0, windowEnd: 5, n: 1 },
      { windowStart: 9, windowEnd: 15, n: 2 },
    ])
  })

  test('have nulls as a key, and one zero', () => {
    expect(
      answerOf([row(0, 1, null), row(1, 2, null), row(2, 3, 'a')], (input) =>
        input
          .keyBy('k', 'key')
          .window(globalWindow())
          .aggregate('w', (a) => ({ sum: a.sum('n') })),
      ),
    ).toEqual([
      { key: null, sum: 3 },
      { key: 'a', sum: 3 },
    ])
  })
})

test('before the end of the input there is what is complete so far', () => {
  const rows = [row(0), row(5), row(10), row(12)]
  const built = pipeline('example', (p) => {
    const input = p.read('rows', memoryRows(Row, rows), { eventTime: 'at' })
    const count = (name: string, window: Parameters<typeof input.window>[0]): void =>
      input
        .window(window)
        .aggregate(name, (a) => ({ n: a.count() }))
        .write(`${name}-out`, blackhole())
    count('tumbling', tumbling(5))
    count('session', session(5))
    count('global', globalWindow())
  }).build()
  const counts = (horizon: number): readonly number[] =>
    ['tumbling', 'session', 'global'].map((step) => {
      return oracle(built, { rows: [rows] }, { horizon }).get(step)?.['main']?.rows.length ?? 0
    })
  expect(counts(9)).toEqual([1, 0, 0])
  expect(counts(17)).toEqual([3, 0, 0])
  expect(counts(18)).toEqual([3, 1, 0])
  expect(counts(Infinity)).toEqual([3, 1, 1])
})

test('aggregates pass over nulls, and give null for nothing', () => {
  const all = (rows: readonly Row[]): readonly object[] =>
    answerOf(rows, (input) =>
      input.window(globalWindow()).aggregate('w', (a) => ({
        rows: a.count(),
        values: a.count('n'),
        sum: a.sum('n'),
        mean: a.mean('n'),
        variance: a.variance('n'),
        median: a.quantile('n', 0.5),
        different: a.countDistinct('n'),
        first: a.first('n'),
        last: a.last('n'),
        top: a.top('n', 2),
        few: a.collect('n', { max: 2 }),
        some: a.sum('n').filter(sql`n > 2`),
      })),
    )
  expect(all([row(5, 4), row(1, 2), row(3, null), row(4, 2)])).toEqual([
    {
      rows: 4,
      values: 3,
      sum: 8,
      mean: 8 / 3,
      variance: 4 / 3,
      median: 2,
      different: 2,
      first: 2,
      last: 4,
      top: [4, 2],
      few: [2, 2],
      some: 4,
    },
  ])
  expect(all([row(0)])).toMatchObject([
    {
      rows: 1,
      values: 0,
      sum: null,
      mean: null,
      variance: null,
      median: null,
      first: null,
      top: [],
      few: [],
    },
  ])
  expect(all([])).toEqual([])
})

test('rows of one time are in the order of their source, and behind a window in the order of their values', () => {
  const rows = [row(0, 2, 'b'), row(0, 1, 'c'), row(0, 3, 'a')]
  const firsts = (input: Stream<{ key: string | null; n: number | null }>): unknown =>
    input.window(globalWindow()).aggregate('w', (a) => ({ first: a.first('key'), last: a.last('key') }))
  expect(answerOf(rows, (input) => firsts(input))).toEqual([{ first: 'b', last: 'a' }])
  expect(
    answerOf(rows, (input) =>
      firsts(
        input
          .keyBy('k', 'key')
          .window(tumbling(10))
          .aggregate('inner', (a) => ({ n: a.sum('n') })),
      ),
    ),
  ).toEqual([{ first: 'a', last: 'c' }])
})

test('a join gives each partner, none for null, and nulls where there is none', () => {
  const joined = (join: 'left' | 'inner'): readonly object[] =>
    answerOf([row(0, 1, 'a'), row(1, 2, null), row(2, 3, 'z')], (input, read) =>
      input
        .lookupJoin('j', read('table', [row(0, 10, 'a'), row(0, 11, 'a'), row(0, 12, null)]), {
          on: 'key',
          select: { found: 'n' },
          join,
        })
        .select('two', ['n', 'found']),
    )
  expect(joined('inner')).toEqual([
    { n: 1, found: 10 },
    { n: 1, found: 11 },
  ])
  expect(joined('left')).toEqual([
    { n: 1, found: 10 },
    { n: 1, found: 11 },
    { n: 2, found: null },
    { n: 3, found: null },
  ])
})

test('timers fire in the order of their times, before the rows behind them, and at the end', () => {
  expect(
    answerOf([row(1), row(12), row(4)], (input) =>
      input.keyBy('k', 'key').process('p', {
        state: { seen: state.value(t.int32()) },
        output: schema({ at: t.timestamp(), seen: t.int32() }),
        onRow(one, { state: { seen }, setTimer, deleteTimer }) {
          seen.set((seen.get() ?? 0) + 1)
          setTimer(`at ${one.at}`, one.at + 5)
          setTimer('never', 100)
          deleteTimer('never')
        },
        onTimer({ emit, state: { seen } }, { time }) {
          emit({ at: time, seen: seen.get() ?? 0 })
        },
      }),
    ),
  ).toEqual([
    { at: 6, seen: 2 },
    { at: 9, seen: 2 },
    { at: 17, seen: 3 },
  ])
})
