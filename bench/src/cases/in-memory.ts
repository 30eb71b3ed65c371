/**
 * The queries over bids that are columns in memory. Each is checked against a loop over row objects.
 */
import { pipeline } from 'millrace'
import { memoryBatches, nexmarkSchemas } from 'millrace/connect'
import type { NexmarkBid } from 'millrace/connect'
import { batchToRows, concatBatches } from 'millrace/data'
import type { Batch } from 'millrace/data'
import type { BenchCase, CaseRun, Peer } from '../case.ts'
import { digestSink, RowDigest } from '../row-digest.ts'
import { runPipeline } from '../run-pipeline.ts'
import { bidBatches, decimalPrice, filtered, onBids, passThrough, perBidder } from './queries.ts'
import type { Query } from './queries.ts'

/** The same query as a loop over objects: the values of the rows, in the order of the columns. */
type ByHand = (bids: readonly NexmarkBid[]) => Iterable<readonly unknown[]>

/** Batches that a query in memory is checked with. */
const CHECKED_BATCHES = 50

/** Bids as columns in memory, made before the clock starts and gone through again and again. */
async function bidsInMemory(): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  // 10,000 events per second: some 3,000 persons bid within ten seconds.
  for await (const batch of bidBatches({ events: 2_000_000, eventRate: 10_000 }))
    batches.push(concatBatches([batch]))
  return batches
}

/** The rows that a query gives for some of the bids must be those of a plain loop over objects. */
async function check(name: string, query: Query, byHand: ByHand, bids: readonly Batch[]): Promise<void> {
  const digest = new RowDigest()
  const source = memoryBatches(nexmarkSchemas.bid, bids)
  await runPipeline(
    pipeline(name, (p) =>
      query(p.read('bids', source, { eventTime: 'dateTime' })).write('out', digestSink(digest)),
    ),
  )
  const expected = new RowDigest()
  const rows = bids.flatMap((batch) => batchToRows(batch) as (NexmarkBid & Record<string, unknown>)[])
  for (const row of byHand(rows)) expected.add(row.join(','))
  if (`${digest}` !== `${expected}`) throw new Error(`${name} gives ${digest}, by hand ${expected}`)
}

function inMemory(
  name: string,
  query: Query,
  details: {
    readonly about: string
    readonly goal: number
    readonly byHand: ByHand
    readonly peers?: readonly Peer[]
  },
): BenchCase {
  const { byHand, ...rest } = details
  return {
    name,
    unit: 'rows',
    ...rest,
    async run(scale): Promise<CaseRun> {
      const batches = await bidsInMemory()
      const rows = batches.reduce((sum, batch) => sum + batch.length, 0)
      const passes = Math.max(1, Math.round(30 * scale))
      const before = process.cpuUsage()
      let rowsOut = 0
      for (let pass = 0; pass < passes; pass++) {
        const source = memoryBatches(nexmarkSchemas.bid, batches)
        const progress = await runPipeline(
          onBids(name, query, (p) => p.read('bids', source, { eventTime: 'dateTime' })),
        )
        rowsOut += progress.rowsOut
      }
      const used = process.cpuUsage(before)
      return {
        units: rows * passes,
        rowsOut,
        extra: { cpuSeconds: (used.user + used.system) / 1e6 },
        answers: async () => {
          await check(name, query, byHand, batches.slice(0, CHECKED_BATCHES))
          return {}
        },
      }
    },
  }
}

/** Every bid, its price in thousandths as a decimal is written. */
function* inEuros(bids: readonly NexmarkBid[]): Iterable<readonly unknown[]> {
  for (const { auction, bidder, price, dateTime, extra } of bids)
    yield [auction, bidder, (Math.round(price * 908) / 1000).toFixed(3), dateTime, extra]
}

/** Counts per bidder and ten seconds. */
function* countsPerBidder(bids: readonly NexmarkBid[]): Iterable<readonly unknown[]> {
  const windows = new Map<number, Map<number, number>>()
  for (const { bidder, dateTime } of bids) {
    const start = dateTime - (dateTime % 10_000)
    let window = windows.get(start)
    if (window === undefined) windows.set(start, (window = new Map()))
    window.set(bidder, (window.get(bidder) ?? 0) + 1)
  }
  for (const [start, window] of windows)
    for (const [bidder, count] of window) yield [bidder, start, start + 10_000, count]
}

const timely = (rate: number): Peer => ({ name: 'Timely 0.32 (Rust)', rate })
const byHand = (rate: number): Peer => ({ name: 'JavaScript loop by hand', rate })

export const inMemoryCases: readonly BenchCase[] = [
  inMemory('memory-q0', passThrough, {
    about: 'q0 on bids that are columns in memory',
    goal: 30,
    byHand: (bids) => bids.map((bid) => [bid.auction, bid.bidder, bid.price, bid.dateTime, bid.extra]),
  }),
  inMemory('memory-q1', decimalPrice, {
    about: 'q1 on bids that are columns in memory',
    goal: 30,
    byHand: inEuros,
    peers: [timely(14.3), byHand(51)],
  }),
  inMemory('memory-q2', filtered, {
    about: 'q2 on bids that are columns in memory',
    goal: 30,
    byHand: (bids) => bids.filter((bid) => bid.auction % 123 === 0).map((bid) => [bid.auction, bid.price]),
    peers: [timely(12.5), byHand(117)],
  }),
  inMemory('memory-window', perBidder, {
    about: 'count per bidder, 10 s tumbling, 3,000 keys a window, bids in memory',
    goal: 20,
    byHand: countsPerBidder,
    peers: [timely(7.6), byHand(15.9)],
  }),
]
