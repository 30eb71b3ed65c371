/**
 * Nexmark's simple queries and a keyed window, with the generator and over columns in memory.
 *
 * Fair play: the blackhole takes every output column, the generator makes the bytes of every column that is read.
 */
import { pipeline, sql, tumbling } from 'millrace'
import type { Pipeline, Stream } from 'millrace'
import { blackhole, memoryBatches, nexmark, nexmarkSchemas } from 'millrace/connect'
import type { NexmarkBid } from 'millrace/connect'
import { concatBatches } from 'millrace/data'
import type { Batch } from 'millrace/data'
import type { BenchCase, CaseRun, Peer } from '../case.ts'
import { runPipeline } from '../run-pipeline.ts'

type Bids = Stream<NexmarkBid>
type Query = (bids: Bids) => { write(name: string, sink: ReturnType<typeof blackhole>): void }

const passThrough: Query = (bids) => bids.select('q0', ['auction', 'bidder', 'price', 'dateTime', 'extra'])
const decimalPrice: Query = (bids) =>
  bids.select('q1', {
    auction: 'auction',
    bidder: 'bidder',
    price: sql`price * 0.908`,
    dateTime: 'dateTime',
    extra: 'extra',
  })
const filtered: Query = (bids) =>
  bids.filter('every-123rd', sql`auction % 123 = 0`).select('q2', ['auction', 'price'])
const perAuction: Query = (bids) =>
  bids
    .keyBy('by-auction', 'auction')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))
const perBidder: Query = (bids) =>
  bids
    .keyBy('by-bidder', 'bidder')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))

// The same three as functions over row views.
const passByFunction: Query = (bids) =>
  bids
    .filter('q0', (bid) => bid.auction >= 0, { uses: ['auction'] })
    .select('columns', ['auction', 'bidder', 'price', 'dateTime', 'extra'])
const filterByFunction: Query = (bids) =>
  bids
    .filter('q2', (bid) => bid.auction % 123 === 0, { uses: ['auction'] })
    .select('columns', ['auction', 'price'])

/** A query over generated bids; the rate counts all events, of which 46 in 50 are bids. */
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
  const { eventRate = 100_000, ...rest } = details
  return {
    name,
    unit: 'events',
    ...rest,
    async run(scale) {
      const events = Math.ceil(30_000_000 * scale)
      const progress = await runPipeline(
        onBids(name, query, (p) =>
          p.read('bids', nexmark('bid', { events, eventRate }), { eventTime: 'dateTime' }),
        ),
      )
      return { units: events, rowsOut: progress.rowsOut }
    },
  }
}

type Builder = Parameters<Parameters<typeof pipeline>[1]>[0]

function onBids(name: string, query: Query, read: (p: Builder) => Bids): Pipeline {
  return pipeline(name, (p) => query(read(p)).write('out', blackhole()))
}

/** Bids as columns in memory, made before the clock starts and gone through again and again. */
async function bidsInMemory(columns: readonly string[]): Promise<readonly Batch[]> {
  const source = nexmark('bid', { events: 2_000_000 }).withPushdown?.({ columns, predicate: undefined })
  const reader = await source?.open({ id: '0', detail: 0 }, undefined, undefined as never)
  const batches: Batch[] = []
  for (;;) {
    const result = await reader?.read(4096)
    if (result?.kind !== 'batch') return batches
    const { eventTime, ...rest } = result.batch
    batches.push(concatBatches([{ ...rest, eventTime }]))
  }
}

function inMemory(
  name: string,
  query: Query,
  details: {
    readonly about: string
    readonly goal: number
    readonly columns: readonly string[]
    readonly peers?: readonly Peer[]
  },
): BenchCase {
  const { columns, ...rest } = details
  return {
    name,
    unit: 'rows',
    ...rest,
    async run(scale): Promise<CaseRun> {
      const batches = await bidsInMemory(columns)
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
      return { units: rows * passes, rowsOut, extra: { cpuSeconds: (used.user + used.system) / 1e6 } }
    },
  }
}

const flink = (rate: number): Peer => ({ name: 'Flink 2.3.0', rate })
const timely = (rate: number): Peer => ({ name: 'Timely 0.32 (Rust)', rate })
const byHand = (rate: number): Peer => ({ name: 'JavaScript loop by hand', rate })
const ALL = ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra']

export const nexmarkCases: readonly BenchCase[] = [
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
  generated('q2-function', filterByFunction, { about: 'q2 with a user function over row views', goal: 8 }),
  generated('window-100k', perAuction, {
    about: 'count per auction, 10 s tumbling, 100,000 live keys, generator included',
    goal: 8,
    eventRate: 166_667,
  }),
  inMemory('memory-q0', passThrough, {
    about: 'q0 on bids that are columns in memory',
    goal: 30,
    columns: ALL,
  }),
  inMemory('memory-q1', decimalPrice, {
    about: 'q1 on bids that are columns in memory',
    goal: 30,
    columns: ALL,
    peers: [timely(14.3), byHand(51)],
  }),
  inMemory('memory-q2', filtered, {
    about: 'q2 on bids that are columns in memory',
    goal: 30,
    columns: ALL,
    peers: [timely(12.5), byHand(117)],
  }),
  inMemory('memory-window', perBidder, {
    about: 'count per bidder, 10 s tumbling, bids in memory',
    goal: 20,
    columns: ALL,
    peers: [timely(7.6), byHand(15.9)],
  }),
]
