// Types flow from source to sink: each promise of the SDK to the compiler, and each mistake it must refuse.
import { describe, expectTypeOf, it } from 'vitest'
import {
  call,
  column,
  globalWindow,
  pipeline,
  schema,
  session,
  sql,
  state,
  t,
  tumbling,
  value,
} from '../../src/index.ts'
import type { Decimal, PipelineBuilder, RowOf, Stream, Timestamp } from '../../src/index.ts'
import { memorySink, nexmark } from '../../src/connect/index.ts'
import type { SinkOf } from '../../src/connect/index.ts'
import { airports, flights, flightSchema, plannedSink, plannedSource } from './planned-ends.ts'

type Flight = RowOf<typeof flightSchema>
type RowIn<Of> = Of extends Stream<infer Row> ? Row : never

declare const p: PipelineBuilder
const source = p.read('flights', flights, { eventTime: 'date' })
const airport = p.read('airports', airports)

describe('reading', () => {
  it('gives the row type of the schema', () => {
    expectTypeOf<RowIn<typeof source>>().toEqualTypeOf<Flight>()
    expectTypeOf<Flight['delay']>().toEqualTypeOf<number | null>()
  })

  it('refuses an event time column that does not exist or cannot be one', () => {
    p.read('a', flights, { eventTime: { column: 'date', disorder: '5 s' } })
    // @ts-expect-error no such column
    p.read('a', flights, { eventTime: 'dat' })
    // @ts-expect-error no such column
    p.read('a', flights, { eventTime: { column: 'dat' } })
    // @ts-expect-error a truth value is no time
    p.read('a', flights, { eventTime: 'cancelled' })
    // @ts-expect-error text is no time
    p.read('a', flights, { eventTime: 'origin' })
    // @ts-expect-error text is no time
    p.read('a', flights, { eventTime: { column: 'origin' } })
    const days = plannedSource(
      'days',
      schema({ day: t.date(), at: t.int64(), time: t.time(), price: t.decimal(9, 2) }),
    )
    p.read('a', days, { eventTime: 'day' })
    p.read('a', days, { eventTime: 'at' })
    // @ts-expect-error a time of day is no point in time
    p.read('a', days, { eventTime: 'time' })
    // @ts-expect-error a decimal is no time
    p.read('a', days, { eventTime: 'price' })
    // @ts-expect-error no such policy
    p.read('a', flights, { onError: 'ignore' })
  })

  it('takes a dataset that gives a source', () => {
    const read = p.read('a', { toSource: () => flights })
    expectTypeOf<RowIn<typeof read>>().toEqualTypeOf<Flight>()
  })

  it('types the rejected rows', () => {
    expectTypeOf<RowIn<typeof source.rejected>>().toHaveProperty('raw').toEqualTypeOf<string>()
    expectTypeOf<RowIn<typeof source.rejected>>().toHaveProperty('line').toEqualTypeOf<number | null>()
  })
})

describe('options', () => {
  it('have the type of their default', () => {
    expectTypeOf(p.option('a', { default: 'x' })).toEqualTypeOf<string>()
    expectTypeOf(p.option('a', { default: 5 })).toEqualTypeOf<number>()
    expectTypeOf(p.option('a', { default: true })).toEqualTypeOf<boolean>()
    expectTypeOf(p.option('a', { type: 'duration', default: '5 s' })).toEqualTypeOf<number>()
    expectTypeOf(p.option('a', { default: 'x', choices: ['x', 'y'] })).toEqualTypeOf<'x' | 'y'>()
  })

  it('need a default', () => {
    // @ts-expect-error no default
    p.option('a', { description: 'none' })
  })
})

describe('filters', () => {
  it('keep the row type and see its columns', () => {
    const kept = source.filter('far', (f) => f.distance > 0)
    expectTypeOf<RowIn<typeof kept>>().toEqualTypeOf<Flight>()
    source.filter('late', sql`delay > 15`)
    // @ts-expect-error no such column
    source.filter('far', (f) => f.distanse > 0)
    // @ts-expect-error null is not a number
    source.filter('late', (f) => f.delay > 15)
    // @ts-expect-error a filter gives true or false
    source.filter('far', (f) => f.origin)
  })

  it('show only the columns that a function says it uses', () => {
    source.filter('far', (f) => f.distance > 0, { uses: ['distance'] })
    // @ts-expect-error origin is not among them
    source.filter('far', (f) => f.origin === 'SEA', { uses: ['distance'] })
    // @ts-expect-error no such column
    source.filter('far', (f) => f.distance > 0, { uses: ['distanse'] })
  })

  it('by expression take typed columns', () => {
    source.where('late', (c) => c.delay.gt(15).and(c.origin.in(['SEA', 'LAX'])))
    source.where('late', sql`delay > 15`)
    // @ts-expect-error no such column
    source.where('late', (c) => c.dela.gt(15))
    // @ts-expect-error text is not compared with a number
    source.where('late', (c) => c.origin.gt(15))
    // @ts-expect-error a callback of where gives an expression
    source.where('late', () => true)
    source.where('late', call('is_true', column('cancelled')))
    source.where('late', sql.boolean`delay > 15`)
    // @ts-expect-error a number is no condition
    source.where('late', (c) => c.delay.add(1))
    // @ts-expect-error a number is no condition
    source.where('late', (c) => c.delay)
    // @ts-expect-error a number is no condition
    source.where('late', sql.number`delay`)
    // @ts-expect-error a number is no condition
    source.filter('late', sql.number`delay`)
    // @ts-expect-error a number is no condition
    source.where('late', value(1))
  })

  it('by name take columns that are true or false', () => {
    source.where('cancelled', 'cancelled')
    source.filter('cancelled', 'cancelled')
    // @ts-expect-error a number is no condition
    source.where('late', 'delay')
    // @ts-expect-error text is no condition
    source.filter('late', 'origin')
    // @ts-expect-error no such column
    source.where('late', 'canceled')
  })

  it('for null narrow the columns', () => {
    const kept = source.notNull('departed', 'delay')
    expectTypeOf<RowIn<typeof kept>['delay']>().toEqualTypeOf<number>()
    kept.filter('late', (f) => f.delay > 15)
    // @ts-expect-error no such column
    source.notNull('departed', 'dela')
  })
})

describe('projections', () => {
  it('by name pick columns', () => {
    const picked = source.select('short', ['origin', 'delay'])
    expectTypeOf<RowIn<typeof picked>>().toEqualTypeOf<{
      readonly origin: string
      readonly delay: number | null
    }>()
    // @ts-expect-error no such column
    source.select('short', ['orign'])
  })

  it('by expression have the type of each expression', () => {
    const made = source.select('made', {
      from: 'origin',
      hours: sql.number`delay / 60`,
      minutes: (c) => c.delay.mul(60),
      open: sql`delay`,
    })
    expectTypeOf<RowIn<typeof made>>().toEqualTypeOf<{
      readonly from: string
      readonly hours: number
      readonly minutes: number | null
      readonly open: unknown
    }>()
    // @ts-expect-error no such column
    source.select('made', { from: 'orign' })
  })

  it('extend, omit and rename rows', () => {
    const more = source.extend('more', { far: (c) => c.distance.gt(1000), delay: sql.string`'x'` })
    expectTypeOf<RowIn<typeof more>['far']>().toEqualTypeOf<boolean>()
    expectTypeOf<RowIn<typeof more>['delay']>().toEqualTypeOf<string>()
    expectTypeOf<RowIn<typeof more>['origin']>().toEqualTypeOf<string>()
    const less = source.omit('less', 'delay', 'date')
    expectTypeOf<keyof RowIn<typeof less>>().toEqualTypeOf<
      'distance' | 'origin' | 'destination' | 'cancelled'
    >()
    const named = source.rename('named', { origin: 'from' })
    expectTypeOf<RowIn<typeof named>['from']>().toEqualTypeOf<string>()
    // @ts-expect-error it has another name now
    named.notNull('x', 'origin')
    // @ts-expect-error no such column
    source.omit('less', 'dely')
  })
})

describe('functions over rows', () => {
  const hours = schema({ origin: t.string(), hours: t.float64() })

  it('map to the schema that is given', () => {
    const made = source.map('hours', hours, (f) => ({ origin: f.origin, hours: f.distance / 500 }))
    expectTypeOf<RowIn<typeof made>>().toEqualTypeOf<{ readonly origin: string; readonly hours: number }>()
    // @ts-expect-error a column is missing
    source.map('hours', hours, (f) => ({ origin: f.origin }))
    // @ts-expect-error hours is a number
    source.map('hours', hours, (f) => ({ origin: f.origin, hours: 'many' }))
  })

  it('add columns', () => {
    const made = source.with('more', { hours: t.float64() }, (f) => ({ hours: f.distance / 500 }))
    expectTypeOf<RowIn<typeof made>['hours']>().toEqualTypeOf<number>()
    expectTypeOf<RowIn<typeof made>['origin']>().toEqualTypeOf<string>()
    // @ts-expect-error hours is a number
    source.with('more', { hours: t.float64() }, () => ({ hours: 'many' }))
  })

  it('map to several rows', () => {
    source.flatMap('ends', hours, function* (f) {
      yield { origin: f.origin, hours: 1 }
    })
    // @ts-expect-error not iterable
    source.flatMap('ends', hours, (f) => ({ origin: f.origin, hours: 1 }))
  })
})

describe('unions', () => {
  it('take streams of the same rows only', () => {
    source.union('both', p.read('more', flights))
    // @ts-expect-error airports are no flights
    source.union('both', airport)
  })
})

describe('windows', () => {
  const hourly = source
    .keyBy('by-origin', 'origin')
    .window(tumbling('1 hour'))
    .aggregate('hourly', (a) => ({
      flights: a.count(),
      delays: a.count('delay'),
      total: a.sum('distance'),
      delay: a.sum('delay'),
      mean: a.mean('delay'),
      meanDistance: a.mean('distance'),
      p95: a.quantile('delay', 0.95),
      late: a.mean(sql`delay > 15`),
      cancelled: a.mean('cancelled'),
      latest: a.max('date'),
      places: a.countDistinct('destination'),
      last: a.last('destination'),
      worst: a.top('delay', 3),
      worstFlights: a.top('delay', 3, { columns: ['destination', 'delay'] }),
      all: a.collect('destination', { max: 10 }),
      far: a.sum('distance').filter(sql`distance > 1000`),
      farCount: a.count().filter((c) => c.distance.gt(1000)),
      spread: a.stddev('distance'),
    }))

  it('give keys, bounds and results', () => {
    expectTypeOf<RowIn<typeof hourly>>().toEqualTypeOf<{
      readonly origin: string
      readonly windowStart: Timestamp
      readonly windowEnd: Timestamp
      readonly flights: number
      readonly delays: number
      readonly total: number
      readonly delay: number | null
      readonly mean: number | null
      readonly meanDistance: number
      readonly p95: number | null
      readonly late: number | null
      readonly cancelled: number
      readonly latest: Timestamp
      readonly places: number
      readonly last: string
      readonly worst: readonly number[]
      readonly worstFlights: readonly Pick<Flight, 'destination' | 'delay'>[]
      readonly all: readonly string[]
      readonly far: number | null
      readonly farCount: number
      readonly spread: number | null
    }>()
  })

  it('give late rows as they came in', () => {
    expectTypeOf<RowIn<typeof hourly.late>>().toEqualTypeOf<Flight>()
  })

  it('refuse columns that do not exist or are no numbers', () => {
    const windowed = source.keyBy('by-origin', 'origin').window(tumbling('1 hour'))
    windowed.aggregate('x', (a) => ({
      // @ts-expect-error no such column
      a: a.sum('distanse'),
      // @ts-expect-error text has no sum
      b: a.sum('origin'),
      // @ts-expect-error text has no mean
      c: a.mean('origin'),
      // @ts-expect-error a truth value has no quantile
      d: a.quantile('cancelled', 0.5),
      // @ts-expect-error no such column in the rows of a top
      e: a.top('delay', 3, { columns: ['orign'] }),
      // @ts-expect-error a filter is a truth value
      f: a.count().filter('origin'),
      // @ts-expect-error a filter is a truth value
      g: a.count().filter((c) => c.distance),
      // @ts-expect-error text has no sum
      h: a.sum((c) => c.origin.upper()),
      // @ts-expect-error text has no mean
      i: a.mean(sql.string`origin`),
      // @ts-expect-error text has no variance
      j: a.variance((c) => c.origin),
      // @ts-expect-error a truth value has no quantile
      k: a.quantile((c) => c.cancelled, 0.5),
      // @ts-expect-error times have no sum
      l: a.sum('date'),
      // @ts-expect-error an interval has no order
      m: a.max((c) => c.date.sub(c.date)),
    }))
    // @ts-expect-error a number is no aggregate
    windowed.aggregate('x', () => ({ a: 5 }))
  })

  it('sum decimals, which stay decimals', () => {
    const priced = p
      .read('prices', plannedSource('prices', schema({ price: t.decimal(9, 2), at: t.timestamp() })))
      .window(globalWindow())
      .aggregate('x', (a) => ({
        sum: a.sum('price'),
        mean: a.mean('price'),
        best: a.top((c) => c.price.mul(2), 3),
        taxed: a.sum((c) => c.price.mul('1.25')),
        first: a.min('at'),
      }))
    expectTypeOf<RowIn<typeof priced>>().toEqualTypeOf<{
      readonly sum: Decimal
      readonly mean: number
      readonly best: readonly Decimal[]
      readonly taxed: Decimal
      readonly first: Timestamp
    }>()
  })

  it('key by one column, several, or expressions', () => {
    const count = (keyed: { aggregate: unknown }): unknown => keyed.aggregate
    count(source.keyBy('k', ['origin', 'destination']).window(session('1 hour')))
    const routes = source
      .keyBy('k', ['origin', 'destination'])
      .window(session('1 hour'))
      .aggregate('x', (a) => ({ n: a.count() }))
    expectTypeOf<keyof RowIn<typeof routes>>().toEqualTypeOf<
      'origin' | 'destination' | 'windowStart' | 'windowEnd' | 'n'
    >()
    const initials = source
      .keyBy('k', { initial: sql.string`left(origin, 1)` })
      .window(tumbling('1 hour'))
      .aggregate('x', (a) => ({ n: a.count() }))
    expectTypeOf<RowIn<typeof initials>['initial']>().toEqualTypeOf<string>()
    // @ts-expect-error no such column
    source.keyBy('k', 'orign')
    // @ts-expect-error no such column
    source.keyBy('k', ['origin', 'destinaton'])
  })

  it('over everything have no bounds', () => {
    const total = source
      .keyBy('k', 'origin')
      .window(globalWindow())
      .aggregate('x', (a) => ({ n: a.count() }))
    expectTypeOf<RowIn<typeof total>>().toEqualTypeOf<{ readonly origin: string; readonly n: number }>()
    const all = source.window(globalWindow()).aggregate('x', (a) => ({ n: a.count() }))
    expectTypeOf<RowIn<typeof all>>().toEqualTypeOf<{ readonly n: number }>()
  })

  it('take aggregates of your own', () => {
    const own = source
      .keyBy('k', 'origin')
      .window(tumbling('1 hour'))
      .aggregate('x', (a) => ({
        longest: a.custom({
          create: () => ({ miles: 0 }),
          add: (acc, row) => {
            acc.miles = Math.max(acc.miles, row.distance)
          },
          merge: (one, other) => ({ miles: Math.max(one.miles, other.miles) }),
          result: (acc) => acc.miles,
          type: t.float64(),
        }),
      }))
    expectTypeOf<RowIn<typeof own>['longest']>().toEqualTypeOf<number>()
  })
})

describe('process', () => {
  const alerts = source.keyBy('k', 'origin').process('alerts', {
    state: {
      seen: state.value(t.int32()),
      delays: state.list(t.int32()),
      by: state.map(t.string(), t.int64()),
    },
    output: schema({ origin: t.string(), count: t.int32() }),
    sideOutputs: { odd: schema({ reason: t.string() }) },
    onRow(row, ctx) {
      expectTypeOf(row).toEqualTypeOf<Flight>()
      expectTypeOf(ctx.key).toEqualTypeOf<Pick<Flight, 'origin'>>()
      const count = (ctx.state.seen.get() ?? 0) + 1
      ctx.state.seen.set(count)
      ctx.state.by.set(row.destination, 1)
      for (const delay of ctx.state.delays) expectTypeOf(delay).toEqualTypeOf<number>()
      // @ts-expect-error the state holds numbers
      ctx.state.seen.set('one')
      // @ts-expect-error no such state
      ctx.state.sen.get()
      ctx.emit({ origin: row.origin, count })
      // @ts-expect-error a column is missing
      ctx.emit({ origin: row.origin })
      ctx.emitTo('odd', { reason: 'so' })
      // @ts-expect-error no such output
      ctx.emitTo('even', { reason: 'so' })
    },
    onTimer(ctx, timer) {
      expectTypeOf(timer.time).toEqualTypeOf<number>()
      ctx.emit({ origin: ctx.key.origin, count: 0 })
    },
  })

  it('types its output and side outputs', () => {
    expectTypeOf<RowIn<typeof alerts>>().toEqualTypeOf<{ readonly origin: string; readonly count: number }>()
    const odd = alerts.side('odd')
    expectTypeOf<RowIn<typeof odd>>().toEqualTypeOf<{ readonly reason: string }>()
    // @ts-expect-error no such output
    alerts.side('even')
  })

  it('show only the columns that they say they use, and the keys', () => {
    const output = schema({ origin: t.string() })
    const keyed = source.keyBy('by-origin', 'origin')
    keyed.process('far', {
      output,
      uses: ['distance'],
      onRow: (f, c) => c.emit({ origin: f.origin + f.distance }),
    })
    // @ts-expect-error the delay is not used
    keyed.process('far', { output, uses: ['distance'], onRow: (f, c) => c.emit({ origin: String(f.delay) }) })
    // @ts-expect-error no such column
    keyed.process('far', { output, uses: ['distanse'], onRow: () => undefined })
  })
})

describe('lookup joins', () => {
  it('add columns that a left join may leave null', () => {
    const named = source.lookupJoin('names', airport, {
      on: { origin: 'iata' },
      select: { airportName: 'name' },
    })
    expectTypeOf<RowIn<typeof named>['airportName']>().toEqualTypeOf<string | null>()
    expectTypeOf<RowIn<typeof named>['origin']>().toEqualTypeOf<string>()
    const inner = source.lookupJoin('names', airport, {
      on: { origin: 'iata' },
      join: 'inner',
      select: { airportName: 'name', city: 'city' },
    })
    expectTypeOf<RowIn<typeof inner>['airportName']>().toEqualTypeOf<string>()
    expectTypeOf<RowIn<typeof inner>['city']>().toEqualTypeOf<string | null>()
  })

  it('refuse columns that do not exist or cannot be equal', () => {
    source.lookupJoin('names', airport, { on: [[(c) => c.origin.upper(), 'iata']], select: {} })
    source.lookupJoin('names', airport, {
      on: [
        ['origin', 'iata'],
        [sql`destination`, 'name'],
      ],
      select: {},
    })
    // @ts-expect-error no such column of the stream
    source.lookupJoin('names', airport, { on: [['orign', 'iata']], select: {} })
    // @ts-expect-error no such column of the table
    source.lookupJoin('names', airport, { on: [[sql`origin`, 'ita']], select: {} })
    // @ts-expect-error no such column of the stream
    source.lookupJoin('names', airport, { on: { orign: 'iata' }, select: {} })
    // @ts-expect-error no such column of the table
    source.lookupJoin('names', airport, { on: { origin: 'ita' }, select: {} })
    // @ts-expect-error a number is never equal to text
    source.lookupJoin('names', airport, { on: { distance: 'iata' }, select: {} })
    // @ts-expect-error no such column of the table
    source.lookupJoin('names', airport, { on: { origin: 'iata' }, select: { airportName: 'nam' } })
  })
})

describe('writing', () => {
  const ofFlights: SinkOf<Flight> = plannedSink('out')

  it('takes a sink or a dataset without a row type', () => {
    source.write('out', plannedSink('out'))
    source.write('out', { toSink: () => plannedSink('out') })
    source.write('out', memorySink())
    // @ts-expect-error a source is no sink
    source.write('out', plannedSource('in', flightSchema))
  })

  it('refuses rows of another type than those of the sink', () => {
    source.write('out', ofFlights)
    source.write('out', { toSink: () => ofFlights })
    // @ts-expect-error the rows are airports
    airport.write('out', ofFlights)
    // @ts-expect-error the rows are airports
    airport.write('out', { toSink: () => ofFlights })
    // @ts-expect-error flights have no iata
    source.write('out', memorySink<{ readonly iata: string }>())
    // @ts-expect-error the delay may be null
    source.write('out', memorySink<{ readonly delay: number }>())
  })

  it('takes rows with more columns than a sink in memory names, and narrower ones', () => {
    const some = memorySink<{ readonly origin: string | null; readonly delay: number | null }>()
    source.write('out', some)
    expectTypeOf(some.rows).toEqualTypeOf<
      readonly { readonly origin: string | null; readonly delay: number | null }[]
    >()
  })

  it('takes any rows in memory when no type is given', () => {
    const any = memorySink()
    source.write('out', any)
    source.rejected.write('out', any)
    airport.write('out', any)
    // Rows of an interface, and of a type that is not known yet.
    p.read('bids', nexmark('bid')).write('out', any)
    function audit<Row>(rows: Stream<Row>): void {
      rows.write('out', any)
    }
    audit(source)
  })
})

describe('pipelines', () => {
  it('are built by a function', () => {
    expectTypeOf(pipeline('x', () => undefined).name).toEqualTypeOf<string>()
    // @ts-expect-error no function
    pipeline('x')
  })
})

describe('functions over streams', () => {
  // As docs/guide/pipelines.md shows it: generic over the row, with the columns that the function needs.
  function longDelays<Row extends { readonly delay: number | null }>(
    name: string,
    rows: Stream<Row>,
  ): Stream<Row> {
    return rows.filter(name, (row) => row.delay !== null && row.delay > 60)
  }
  function perHour<Row extends { readonly origin: string }>(name: string, rows: Stream<Row>) {
    return rows
      .keyBy(`${name}-key`, 'origin')
      .window(tumbling('1 hour'))
      .aggregate(name, (a) => ({ rows: a.count(), mean: a.mean(sql.number`delay`) }))
  }
  function audit<Row>(name: string, rows: Stream<Row>): void {
    rows.write(name, plannedSink('audit'))
  }

  it('take every stream with the columns they need, and keep the others', () => {
    const late = longDelays('late', source)
    expectTypeOf<RowIn<typeof late>>().toEqualTypeOf<Flight>()
    audit('audit-late', late)
    audit('audit-airports', airport)
    // @ts-expect-error airports have no delay
    longDelays('late', airport)
  })

  it('give rows of known type', () => {
    type Row = RowIn<ReturnType<typeof perHour<Flight>>>
    expectTypeOf<Row>().toEqualTypeOf<{
      readonly origin: string
      readonly windowStart: Timestamp
      readonly windowEnd: Timestamp
      readonly rows: number
      readonly mean: number
    }>()
  })
})
