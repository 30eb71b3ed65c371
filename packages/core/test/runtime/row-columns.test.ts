// Which columns a user function sees: those that exist, or exactly those that it names in `uses`, whatever follows.
import { describe, expect, it } from 'vitest'
import { memoryRows, memorySink, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import type { Pipeline, RejectingStream, RowOf, Stream } from '../../src/index.ts'
import { runHere } from './run-here.ts'

const Order = schema({ at: t.timestamp(), user: t.string(), price: t.float64(), note: t.string() })
const rows = [
  { at: 0, user: 'ada', price: 7, note: 'x' },
  { at: 1, user: 'bob', price: 3, note: 'y' },
]
const Seen = schema({ seen: t.string() })
type Orders = RejectingStream<RowOf<typeof Order>>

/** A pipeline over orders; `make` gives what is written. */
function over<Row>(make: (orders: Orders) => Stream<Row>): { made: Pipeline; rows: () => readonly object[] } {
  const sink = memorySink()
  const made = pipeline('orders', (p) => {
    make(p.read('orders', memoryRows(Order, rows), { eventTime: 'at' })).write('out', sink)
  })
  return { made, rows: () => sink.rows as readonly object[] }
}

const loose = (row: unknown): Record<string, never> => row as Record<string, never>
const unknownColumn = (step: string): unknown =>
  expect.objectContaining({ code: 'step/unknown-column', step, hint: 'did you mean "price"?' })

describe('a function over rows', () => {
  it('that reads a column which does not exist ends the run with step, column and what is near', async () => {
    const { made } = over((o) => o.filter('dear', (row) => (loose(row)['pricee'] ?? 0) > 5))
    await expect(runHere(made)).rejects.toEqual(unknownColumn('dear'))
  })

  it('keeps the line of the function in its stack', async () => {
    const { made } = over((o) => o.filter('dear', (row) => (loose(row)['pricee'] ?? 0) > 5))
    await expect(runHere(made)).rejects.toHaveProperty(
      'stack',
      expect.stringMatching(/row-columns\.test\.ts:\d+:\d+/),
    )
  })

  it('does so even if it rejects rows', async () => {
    const { made } = over(
      (o) =>
        o.map('dear', Seen, (row) => ({ seen: loose(row)['prise'] as never }), { onError: 'reject' })
          .rejected,
    )
    await expect(runHere(made)).rejects.toEqual(unknownColumn('dear'))
  })

  it('that names its columns sees just these, whatever stands behind it', async () => {
    const filter = (seen: string[]) => (row: object) => seen.push(Object.keys(row).join()) > 0
    const all: string[] = []
    const some: string[] = []
    const options = { uses: ['price', 'user'] } as const
    await runHere(over((o) => o.filter('f', filter(all), options)).made)
    await runHere(over((o) => o.filter('f', filter(some), options).select('s', ['user'])).made)
    expect([...all, ...some]).toEqual(Array.from({ length: 4 }, () => 'user,price'))
  })

  it('rejects whole rows, also those of which it sees a part', async () => {
    const result = over(
      (o) =>
        o.filter(
          'f',
          () => {
            throw new Error('no')
          },
          { uses: ['user'], onError: 'reject' },
        ).rejected,
    )
    await runHere(result.made)
    expect(result.rows().map((row) => (row as { raw: string }).raw)).toEqual(
      rows.map((row) => JSON.stringify(row)),
    )
  })
})

describe('other functions with rows', () => {
  it('a process step sees its keys and the columns it names', async () => {
    const { made, rows: out } = over((o) =>
      o.keyBy('k', 'user').process('p', {
        output: Seen,
        uses: ['price'],
        onRow(row, context) {
          context.emit({ seen: Object.keys(row).join() })
        },
      }),
    )
    await runHere(made)
    expect(out()).toEqual([{ seen: 'user,price' }, { seen: 'user,price' }])
    const wrong = over((o) =>
      o.keyBy('k', 'user').process('p', {
        output: Seen,
        onRow(row, context) {
          context.emit({ seen: loose(row)['prices'] as never })
        },
      }),
    )
    await expect(runHere(wrong.made)).rejects.toEqual(unknownColumn('p'))
  })

  it('a custom aggregate sees the columns of the stream, or those it names', async () => {
    const columns = (uses?: readonly ['price']) =>
      over((o) =>
        o.window(tumbling('1 h')).aggregate('w', (a) => ({
          mean: a.mean(sql`price * 2`),
          seen: a.custom({
            create: () => ({ seen: '' }),
            add: (accumulator, row) => {
              accumulator.seen = Object.keys(row).join()
            },
            merge: (first) => first,
            result: ({ seen }) => seen,
            type: t.string(),
            ...(uses === undefined ? {} : { uses }),
          }),
        })),
      )
    for (const [uses, seen] of [[undefined, 'at,user,price,note'] as const, [['price'], 'price'] as const]) {
      const result = columns(uses as readonly ['price'] | undefined)
      await runHere(result.made)
      expect(result.rows()).toEqual([expect.objectContaining({ mean: 10, seen })])
    }
  })
})
