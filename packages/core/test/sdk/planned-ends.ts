// Sources and sinks for tests that build plans and run nothing: they have a schema and a name, and cannot be opened.
import { schema, t } from '../../src/data/builder.ts'
import type { RowOf, Schema } from '../../src/data/type.ts'
import type { Sink, Source } from '../../src/plan/index.ts'

/** Flights, as in the quickstart. */
export const flightSchema = schema({
  date: t.timestamp(),
  delay: t.int32().nullable(),
  distance: t.int32(),
  origin: t.string(),
  destination: t.string(),
  cancelled: t.boolean(),
})

/** Airports, a small table. */
export const airportSchema = schema({ iata: t.string(), name: t.string(), city: t.string().nullable() })

/** The rows of flights and of airports. */
export type Flight = RowOf<typeof flightSchema>
export type Airport = RowOf<typeof airportSchema>

/** A source that can be planned and not opened. */
export function plannedSource<Row>(name: string, of: Schema<Row>): Source<Row> {
  const refuse = (): never => {
    throw new Error(`source ${name} is for planning only`)
  }
  return {
    description: { connector: 'planned', options: { name } },
    schema: of,
    supports: ['bounded', 'unbounded'],
    skipsBy: (predicate) => predicate,
    enumerate: refuse,
    open: refuse,
  }
}

/** A sink that can be planned and not opened. */
export function plannedSink(name: string): Sink {
  return {
    description: { connector: 'planned', options: { name } },
    accepts: 'append',
    open: () => {
      throw new Error(`sink ${name} is for planning only`)
    },
  }
}

export const flights: Source<Flight> = plannedSource('flights', flightSchema)
export const airports: Source<Airport> = plannedSource('airports', airportSchema)
