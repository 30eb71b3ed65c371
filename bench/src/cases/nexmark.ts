/**
 * Nexmark's simple queries and a keyed window over the generator.
 *
 * Fair play: the blackhole takes every output column, the generator makes the bytes of every column that is read, and
 * its own rate for all columns of all bids stands beside.
 */
import { nexmark } from 'millrace/connect'
import type { BenchCase, CaseRun, Peer } from '../case.ts'
import { runPipeline } from '../run-pipeline.ts'
import {
  bidBatches,
  decimalPrice,
  filterByFunction,
  filtered,
  onBids,
  passByFunction,
  passThrough,
  perAuction,
  priceByFunction,
} from './queries.ts'
import type { Query } from './queries.ts'

/** Events per second of event time. */
const EVENT_RATE = 100_000

/** A query over generated bids; the rate counts the bids, 46 of every 50 events: others are not made. */
function generated(
  name: string,
  query: Query,
  details: {
    readonly about: string
    readonly goal: number
    readonly eventRate?: number
    readonly peers?: readonly Peer[]
  },
): BenchCase {
  const own = details.eventRate ?? EVENT_RATE
  return {
    name,
    unit: 'bids',
    ...details,
    eventRate: own,
    async run(scale, eventRate = own) {
      const events = Math.ceil(30_000_000 * scale)
      const progress = await runPipeline(
        onBids(name, query, (p) =>
          p.read('bids', nexmark('bid', { events, eventRate }), { eventTime: 'dateTime' }),
        ),
      )
      return { units: progress.rowsIn, rowsOut: progress.rowsOut }
    },
  }
}

/** What the generator does alone. */
async function generate(scale: number, eventRate = EVENT_RATE): Promise<CaseRun> {
  const events = Math.ceil(30_000_000 * scale)
  let rows = 0
  for await (const batch of bidBatches({ events, eventRate })) rows += batch.length
  return { units: rows, rowsOut: rows }
}

const flink = (rate: number): Peer => ({ name: 'Flink 2.3.0', rate })

export const nexmarkCases: readonly BenchCase[] = [
  {
    name: 'generator',
    about: 'the generator alone, all seven columns of every bid',
    unit: 'bids',
    eventRate: EVENT_RATE,
    run: generate,
  },
  generated('q0', passThrough, {
    about: 'Nexmark q0, five columns of every bid, generator included',
    goal: 12,
    peers: [flink(1.101)],
  }),
  generated('q1', decimalPrice, {
    about: 'Nexmark q1, price as decimal, generator included',
    goal: 12,
    peers: [flink(1.05)],
  }),
  generated('q2', filtered, {
    about: 'Nexmark q2, filter on auction, generator included',
    goal: 12,
    peers: [flink(0.954)],
  }),
  generated('q0-function', passByFunction, { about: 'q0 with a user function over row views', goal: 8 }),
  generated('q1-function', priceByFunction, { about: 'q1 with a user function over row views', goal: 8 }),
  generated('q2-function', filterByFunction, { about: 'q2 with a user function over row views', goal: 8 }),
  generated('window-100k', perAuction, {
    about: 'count per auction, 10 s tumbling, 100,000 live keys, generator included',
    goal: 8,
    eventRate: 166_667,
  }),
]
