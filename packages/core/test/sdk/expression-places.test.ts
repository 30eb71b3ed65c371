// Every place of the SDK that takes an expression takes all of its forms: a column name, SQL, the typed builder.
import { describe, expect, it } from 'vitest'
import { column, globalWindow, memoryRows, memorySink, pipeline, schema, sql, t } from '../../src/index.ts'
import type { Aggregates, ExpressionOf, RejectingStream } from '../../src/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { airports, flights, plannedSink } from './planned-ends.ts'
import type { Airport, Flight } from './planned-ends.ts'

type Flights = RejectingStream<Flight>
type Airports = RejectingStream<Airport>
type Truth = 'cancelled' | ExpressionOf<Flight, 'boolean'>
type Distance = 'distance' | ExpressionOf<Flight, 'number'>
type Origin = 'origin' | ExpressionOf<Flight, 'string'>

const truths: readonly Truth[] = ['cancelled', sql`cancelled`, sql.boolean`cancelled`, (c) => c.cancelled, () => sql`cancelled`, column('cancelled')] // prettier-ignore
const distances: readonly Distance[] = ['distance', sql`distance`, sql.number`distance`, (c) => c.distance, () => sql`distance`, column('distance')] // prettier-ignore
const origins: readonly Origin[] = ['origin', sql`origin`, sql.string`origin`, (c) => c.origin, () => sql`origin`, column('origin')] // prettier-ignore

function planOf(make: (f: Flights, a: Airports) => { write(name: string, sink: ReturnType<typeof plannedSink>): void }): unknown {
  const { plan } = pipeline('p', (p) => {
    const source = p.read('flights', flights, { eventTime: 'date' })
    make(source, p.read('airports', airports)).write('out', plannedSink('out'))
    source.union('all', p.read('more', flights)).write('rest', plannedSink('rest'))
  }).build()
  return plan.nodes
} // prettier-ignore

/** The plan of each form. */
function plansOf<Input>(inputs: readonly Input[], make: (f: Flights, input: Input) => unknown): readonly unknown[] {
  return inputs.map((input) => planOf((f, a) => {
    a.write('airports-out', plannedSink('airports'))
    return make(f, input) as never
  }))
} // prettier-ignore

const aggregates: { readonly [name: string]: (a: Aggregates<Flight>, input: Distance) => unknown } = {
  count: (a, input) => a.count(input),
  sum: (a, input) => a.sum(input),
  min: (a, input) => a.min(input),
  max: (a, input) => a.max(input),
  mean: (a, input) => a.mean(input),
  variance: (a, input) => a.variance(input),
  stddev: (a, input) => a.stddev(input),
  quantile: (a, input) => a.quantile(input, 0.5),
  countDistinct: (a, input) => a.countDistinct(input),
  approximateDistinct: (a, input) => a.approximateDistinct(input),
  first: (a, input) => a.first(input),
  last: (a, input) => a.last(input),
  top: (a, input) => a.top(input, 3, { columns: ['origin'] }),
  collect: (a, input) => a.collect(input),
}

function aggregated(ask: (a: Aggregates<Flight>, input: Distance) => unknown): readonly unknown[] {
  return plansOf(distances, (f, input) =>
    f.window(globalWindow()).aggregate('n', (a) => ({ n: ask(a, input) }) as never),
  )
}

const places: readonly (readonly [string, () => readonly unknown[]])[] = [
  ['where', () => plansOf(truths, (f, input) => f.where('w', input))],
  // A callback is a function over rows there.
  ['filter', () => plansOf(['cancelled', sql`cancelled`, sql.boolean`cancelled`, column<boolean>('cancelled')] as const, (f, input) => f.filter('w', input))],
  ['select', () => plansOf(distances, (f, input) => f.select('s', { x: input }))],
  ['extend', () => plansOf(distances, (f, input) => f.extend('s', { x: input }))],
  ['keyBy', () => plansOf(origins, (f, input) => f.keyBy('k', { from: input }).window(globalWindow()).aggregate('n', (a) => ({ n: a.count() })))],
  ['the filter of an aggregate', () => plansOf(truths, (f, input) => f.window(globalWindow()).aggregate('n', (a) => ({ n: a.count().filter(input) })))],
  ...Object.entries(aggregates).map(([name, ask]) => [`the aggregate ${name}`, () => aggregated(ask)] as const),
] // prettier-ignore

describe('column names, SQL and the typed builder come to the same plan', () => {
  it.each(places)('in %s', (_, plans) => {
    const [first, ...others] = plans()
    expect(others.length).toBeGreaterThan(2)
    for (const other of others) expect(other).toEqual(first)
  })

  it('in every aggregate', () => {
    let names: readonly string[] = []
    planOf((f, table) => {
      table.write('airports-out', plannedSink('airports'))
      return f.window(globalWindow()).aggregate('n', (a) => {
        names = Object.keys(a)
        return { n: a.count() }
      })
    })
    expect([...Object.keys(aggregates), 'custom'].toSorted()).toEqual(names.toSorted())
  }) // prettier-ignore

  it('in the keys of a lookup join', () => {
    const nodes = origins.map((input) =>
      planOf((f, a) => f.lookupJoin('j', a, { on: [[input, 'iata']], select: { name: 'name' } })),
    )
    expect(nodes[0]).toEqual(
      planOf((f, a) => f.lookupJoin('j', a, { on: { origin: 'iata' }, select: { name: 'name' } })),
    )
    for (const other of nodes) expect(other).toEqual(nodes[0])
  })

  it('in the watermark of event time', () => {
    const plans = distances.map((from) =>
      pipeline('p', (p) =>
        p
          .read('flights', flights, { eventTime: { column: 'date', watermark: { from } } })
          .write('out', plannedSink('out')),
      ).build(),
    )
    for (const { plan } of plans) expect(plan).toEqual(plans[0]?.plan)
  })
})

describe('lookup joins by an expression', () => {
  const Order = schema({ id: t.int32(), code: t.string() })
  const Place = schema({ iata: t.string(), name: t.string() })
  const orders = [{ id: 1, code: 'sea' }, { id: 2, code: 'Lax' }, { id: 3, code: 'x' }] // prettier-ignore
  const places = [{ iata: 'SEA', name: 'Seattle' }, { iata: 'LAX', name: 'Los Angeles' }] // prettier-ignore

  it('find the rows whose computed key is equal, and leave no column behind', async () => {
    const sink = memorySink<{ readonly id: number; readonly code: string; readonly name: string | null }>()
    const built = pipeline('p', (p) =>
      p
        .read('orders', memoryRows(Order, orders))
        .lookupJoin('place', p.read('places', memoryRows(Place, places)), {
          on: [[(c) => c.code.upper(), 'iata']],
          select: { name: 'name' },
        })
        .write('out', sink),
    ).build()
    await new Job(built, { host: createNodeHost() }).run()
    expect(sink.rows.toSorted((a, b) => a.id - b.id)).toEqual([
      { id: 1, code: 'sea', name: 'Seattle' },
      { id: 2, code: 'Lax', name: 'Los Angeles' },
      { id: 3, code: 'x', name: null },
    ])
  })

  it('refuse an expression of another type than the column', () => {
    const built = pipeline('p', (p) =>
      p
        .read('orders', memoryRows(Order, orders))
        .lookupJoin('place', p.read('places', memoryRows(Place, places)), {
          on: [[sql`id + 1`, 'iata']],
          select: { name: 'name' },
        })
        .write('out', memorySink()),
    )
    expect(() => built.build()).toThrow(
      /the expression and column "iata" cannot be equal: the expression is of type int32/,
    )
  })
})

describe('where an expression cannot stand', () => {
  const over =
    (make: (f: Flights) => unknown): (() => unknown) =>
    () =>
      planOf((f) => make(f) as never)

  it('a key is named', () => {
    // @ts-expect-error a key is a column: its expression has a name
    expect(over((f) => f.keyBy('k', sql`upper(origin)`))).toThrow(/the key is an expression without a name/)
    // @ts-expect-error a key is a column: its expression has a name
    expect(over((f) => f.keyBy('k', (c) => c.origin))).toThrow(/the key is an expression without a name/)
  })

  it.each([sql`date`, { column: sql`date` }, (c: { date: unknown }) => c.date])('event time is a column: %#', (eventTime) => {
    const built = pipeline('p', (p) =>
      p.read('flights', flights, { eventTime: eventTime as unknown as 'date' }).write('out', plannedSink('out')),
    )
    expect(() => built.build()).toThrow(/event time is an expression/)
  }) // prettier-ignore
})
