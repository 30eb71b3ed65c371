// The pipelines that tests of the driver drive.
import { memoryRows, memorySink } from '../../../src/connect/index.ts'
import { csv } from '../../../src/connect/files/index.ts'
import { pipeline, schema, state, t, tumbling } from '../../../src/index.ts'
import type { Pipeline } from '../../../src/index.ts'

export const Flight = schema({ origin: t.string(), at: t.timestamp('ms'), delay: t.int32().nullable() })
export const Seen = schema({ origin: t.string(), flights: t.int32() })

/** Counts flights by hour, from files to files that are nowhere. */
export const hourly: Pipeline = pipeline('hourly-flights', (p) => {
  p.read('flights', csv('/nowhere/flights.csv', { schema: Flight, eventTime: 'at', onError: 'reject' }))
    .keyBy('by-origin', 'origin')
    .window(tumbling('1 hour'))
    .aggregate('hourly', (a) => ({ flights: a.count(), delay: a.sum('delay') }))
    .write('out', csv('/nowhere/out'))
})

/** Keeps of each origin how many flights it had, each delay, and the days of delays; forgets it after a quiet day. */
export const keeping: Pipeline = pipeline('keeping', (p) => {
  p.read('flights', memoryRows(Flight, []), { eventTime: 'at' })
    .keyBy('by-origin', 'origin')
    .process('keep', {
      state: {
        flights: state.value(t.int32()),
        delays: state.list(t.int32()),
        byHour: state.map(t.int32(), t.int32()),
      },
      output: Seen,
      onRow({ origin, at, delay }, { state: kept, emit, setTimer }) {
        const flights = (kept.flights.get() ?? 0) + 1
        if (delay === -1) throw new Error('a delay of -1')
        kept.flights.set(flights)
        if (delay !== null) kept.delays.add(delay)
        const hour = Math.floor(at / 3_600_000) % 24
        kept.byHour.set(hour, (kept.byHour.get(hour) ?? 0) + 1)
        setTimer('quiet', at + 86_400_000)
        emit({ origin, flights })
      },
      onTimer({ state: kept }) {
        kept.flights.clear()
        kept.delays.clear()
        kept.byHour.clear()
      },
    })
    .write('seen', memorySink())
})
