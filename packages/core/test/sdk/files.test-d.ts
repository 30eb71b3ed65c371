// File datasets in pipelines: the row type of their schema flows, and a wrong column does not compile.
import { describe, expectTypeOf, it } from 'vitest'
import { tumbling } from '../../src/index.ts'
import type { PipelineBuilder, Stream } from '../../src/index.ts'
import { ndjson, parquet } from '../../src/connect/files/index.ts'
import { airportSchema, flightSchema } from './planned-ends.ts'
import type { Airport, Flight } from './planned-ends.ts'

declare const p: PipelineBuilder

describe('file datasets', () => {
  const flights = p.read(
    'flights',
    parquet('data/flights.parquet', { schema: flightSchema, eventTime: 'date' }),
  )

  it('give rows of their schema', () => {
    expectTypeOf(flights.schema).toEqualTypeOf<Stream<Flight>['schema']>()
    const airports = p.read('airports', ndjson('airports.ndjson', { schema: airportSchema }))
    expectTypeOf(airports.schema).toEqualTypeOf<Stream<Airport>['schema']>()
    // @ts-expect-error no such column
    parquet('data/flights.parquet', { schema: flightSchema, eventTime: 'dat' })
  })

  it('take rows of any schema, or of the one they declare', () => {
    flights.write('out', parquet('out'))
    flights.write('out', parquet('out', { schema: flightSchema }))
    // @ts-expect-error the rows are flights
    flights.write('out', parquet('out', { schema: airportSchema }))
    // Columns that may be null take values that never are.
    flights.notNull('departed', 'delay').write('out', parquet('out', { schema: flightSchema }))
    // @ts-expect-error a column of the files is missing
    flights.omit('less', 'delay').write('out', parquet('out', { schema: flightSchema }))
  })

  it('are partitioned by columns that they declare', () => {
    flights.write('out', parquet('out', { schema: flightSchema, partitionBy: ['origin', 'date'] }))
    // @ts-expect-error no such column
    flights.write('out', parquet('out', { schema: flightSchema, partitionBy: ['orign'] }))
    // @ts-expect-error one of them is no column
    ndjson('out', { schema: flightSchema, partitionBy: ['origin', 'dat'] })
    // Without a schema the columns are those of the rows, which building checks; a list may come from elsewhere.
    const columns: readonly string[] = ['origin']
    flights.write('out', parquet('out', { partitionBy: columns }))
  })

  it('without a schema give columns of unknown type', () => {
    const open = p.read('open', parquet('data/flights.parquet'), { eventTime: 'date' })
    const hourly = open
      .keyBy('by-origin', 'origin')
      .window(tumbling('1 hour'))
      .aggregate('hourly', (a) => ({ flights: a.count(), mean: a.mean('delay') }))
    type Row = typeof hourly extends Stream<infer Of> ? Of : never
    expectTypeOf<Row['flights']>().toEqualTypeOf<number>()
    expectTypeOf<Row['mean']>().toEqualTypeOf<number | null>()
    expectTypeOf<Row['origin']>().toEqualTypeOf<unknown>()
  })
})
