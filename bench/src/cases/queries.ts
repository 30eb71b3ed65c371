/** Nexmark's simple queries and a keyed window, over any stream of bids. */
import { pipeline, sql, tumbling } from 'millrace'
import type { Pipeline, Stream } from 'millrace'
import { blackhole, nexmark } from 'millrace/connect'
import type { NexmarkBid, NexmarkOptions, Sink } from 'millrace/connect'
import { t } from 'millrace/data'
import type { Batch } from 'millrace/data'

type Bids = Stream<NexmarkBid>
/** A query and the steps to where it is written. */
export type Query = (bids: Bids) => { write(name: string, sink: Sink): void }

export const passThrough: Query = (bids) =>
  bids.select('q0', ['auction', 'bidder', 'price', 'dateTime', 'extra'])

export const decimalPrice: Query = (bids) =>
  bids.select('q1', {
    auction: 'auction',
    bidder: 'bidder',
    price: sql`price * 0.908`,
    dateTime: 'dateTime',
    extra: 'extra',
  })

export const filtered: Query = (bids) =>
  bids.filter('every-123rd', sql`auction % 123 = 0`).select('q2', ['auction', 'price'])

export const perAuction: Query = (bids) =>
  bids
    .keyBy('by-auction', 'auction')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))

export const perBidder: Query = (bids) =>
  bids
    .keyBy('by-bidder', 'bidder')
    .window(tumbling('10 s'))
    .aggregate('count', (a) => ({ bids: a.count() }))

// The same as functions over row views.
export const passByFunction: Query = (bids) =>
  bids
    .filter('q0', (bid) => bid.auction >= 0, { uses: ['auction'] })
    .select('columns', ['auction', 'bidder', 'price', 'dateTime', 'extra'])

export const priceByFunction: Query = (bids) =>
  bids
    .with('q1', { euros: t.float64() }, (bid) => ({ euros: bid.price * 0.908 }), { uses: ['price'] })
    .select('columns', ['auction', 'bidder', 'euros', 'dateTime', 'extra'])

export const filterByFunction: Query = (bids) =>
  bids
    .filter('q2', (bid) => bid.auction % 123 === 0, { uses: ['auction'] })
    .select('columns', ['auction', 'price'])

type Builder = Parameters<Parameters<typeof pipeline>[1]>[0]

/** The query as a pipeline into a blackhole. */
export function onBids(name: string, query: Query, read: (p: Builder) => Bids): Pipeline {
  return pipeline(name, (p) => query(read(p)).write('out', blackhole()))
}

const BATCH_ROWS = 4096

/** The batches of a stream of bids, all columns; each is overwritten by the next. */
export async function* bidBatches(options: NexmarkOptions): AsyncGenerator<Batch> {
  const source = nexmark('bid', options)
  const reader = await source.open({ id: '0', detail: 0 }, undefined, undefined as never)
  for (;;) {
    const result = await reader.read(BATCH_ROWS)
    if (result.kind !== 'batch') return
    yield result.batch
  }
}
