// Rows of one event time: which of them `first`, `last`, `top` and `collect` mean, told by hand.
import { describe, expect, test } from 'vitest'
import { globalWindow, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import type { Stream, Timestamp } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { runHere } from './run-here.ts'

const Row = schema({ key: t.string(), at: t.timestamp('ms'), n: t.int32().nullable() })
type Row = { key: string; at: Timestamp; n: number | null }

async function answerOf(rows: readonly Row[], shape: (input: Stream<Row>) => unknown): Promise<unknown[]> {
  const sink = memorySink()
  const built = pipeline('ties', (p) => {
    const input = p.read('rows', memoryRows(Row, rows), { eventTime: 'at' })
    ;(shape(input) as Stream<object>).write('out', sink)
  })
  await runHere(built, { mode: 'batch', batchRows: 2 })
  return [...sink.rows]
}

describe('rows made from one row of a source', () => {
  test('come in the order in which they were made', async () => {
    const made = ['the', 'quick', 'brown', 'fox']
    const [answer] = await answerOf([{ key: 'a', at: 1, n: 1 }], (input) =>
      input
        .flatMap('words', schema({ word: t.string(), rank: t.int32() }), () =>
          made.map((word) => ({ word, rank: 1 })),
        )
        .window(globalWindow())
        .aggregate('all', (a) => ({
          first: a.first('word'),
          last: a.last('word'),
          all: a.collect('word'),
          top: a.top('rank', 2, { columns: ['word'] }),
        })),
    )
    expect(answer).toEqual({
      first: 'the',
      last: 'fox',
      all: made,
      top: [{ word: 'the' }, { word: 'quick' }],
    })
  })
})

describe('rows of one time behind a window', () => {
  const rows = ['d', 'b', 'c', 'a'].map((key, i) => ({ key, at: i, n: key === 'a' ? null : i }))

  test('are ordered by their values, column by column, whatever column is asked for', async () => {
    const [answer] = await answerOf(rows, (input) =>
      input
        .keyBy('by-key', 'key')
        .window(tumbling('1 s'))
        .aggregate('sums', (a) => ({ n: a.count(), sum: a.sum('n') }))
        .window(tumbling('1 s'))
        .aggregate('all', (a) => ({
          firstKey: a.first('key'),
          firstStart: a.first('windowStart'),
          lastKey: a.last('key'),
          lastSum: a.last('sum'),
          sums: a.collect('sum'),
          keys: a.collect('key'),
          top: a.top('n', 3, { columns: ['key', 'sum'] }),
        })),
    )
    expect(answer).toMatchObject({
      firstKey: 'a',
      firstStart: 0,
      lastKey: 'd',
      lastSum: 0,
      sums: [1, 2, 0],
      keys: ['a', 'b', 'c', 'd'],
      top: [
        { key: 'a', sum: null },
        { key: 'b', sum: 1 },
        { key: 'c', sum: 2 },
      ],
    })
  })

  test('are ordered by columns that nobody else reads, too', async () => {
    const firsts = await answerOf(rows, (input) =>
      input
        .keyBy('by-key', 'key')
        .window(tumbling('1 s'))
        .aggregate('sums', (a) => ({ n: a.count(), sum: a.sum('n') }))
        .keyBy('by-count', 'n')
        .window(tumbling('1 s'))
        .aggregate('all', (a) => ({ first: a.first('sum'), last: a.last('sum'), all: a.collect('sum') })),
    )
    expect(firsts).toMatchObject([{ first: 1, last: 0, all: [1, 2, 0] }])
  })

  test('rejected rows are ordered by their values, too', async () => {
    const answers = await answerOf(rows, (input) =>
      input
        .filter('none', () => JSON.parse('{') as boolean, { onError: 'reject' })
        .rejected.window(globalWindow())
        .aggregate('all', (a) => ({ raw: a.collect('raw') })),
    )
    const raw = rows.map((row) => JSON.stringify(row)).toSorted()
    expect(answers).toEqual([{ raw }])
  })

  test('nulls come last', async () => {
    const [answer] = await answerOf(rows.toReversed(), (input) =>
      input
        .keyBy('by-key', 'key')
        .window(tumbling('1 s'))
        .aggregate('sums', (a) => ({ sum: a.sum('n'), same: a.count() }))
        .select('no-key', { at: 'windowEnd', sum: 'sum', same: 'same' })
        .window(globalWindow())
        .aggregate('all', (a) => ({ top: a.top('same', 4, { columns: ['sum'] }) })),
    )
    expect(answer).toEqual({ top: [{ sum: 0 }, { sum: 1 }, { sum: 2 }, { sum: null }] })
  })
})

test('top keeps the nulls of many columns apart', async () => {
  const names = Array.from({ length: 70 }, (_, i) => `c${i}`)
  const columns = Object.fromEntries(
    names.map((name, i) => [name, i % 3 === 0 ? sql.number`cast(null as int)` : sql.number`n + ${i}`]),
  )
  const [answer] = await answerOf([{ key: 'a', at: 1, n: 5 }], (input) =>
    input
      .extend('many', columns)
      .window(globalWindow())
      .aggregate('all', (a) => ({ top: a.top('n', 1, { columns: names as never }) })),
  )
  const expected = Object.fromEntries(names.map((name, i) => [name, i % 3 === 0 ? null : 5 + i]))
  expect(answer).toEqual({ top: [expected] })
})
