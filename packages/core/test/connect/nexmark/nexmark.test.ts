import { describe, expect, test } from 'vitest'
import { batchToRows } from '../../../src/data/read-value.ts'
import { nexmark } from '../../../src/connect/nexmark/index.ts'
import type { NexmarkKind, NexmarkOptions, NexmarkRows } from '../../../src/connect/nexmark/index.ts'

async function generate<Kind extends NexmarkKind>(
  kind: Kind,
  options: NexmarkOptions & { batchRows?: number; columns?: string[] },
): Promise<NexmarkRows[Kind][]> {
  const { batchRows = 1000, columns, ...rest } = options
  const made = nexmark(kind, rest)
  const source =
    columns === undefined ? made : (made.withPushdown?.({ columns, predicate: undefined }) as typeof made)
  const rows: NexmarkRows[Kind][] = []
  for (let split = 0; split < (rest.splits ?? 1); split++) {
    const reader = await source.open({ id: `${split}`, detail: split }, undefined, undefined as never)
    for (
      let result = await reader.read(batchRows);
      result.kind === 'batch';
      result = await reader.read(batchRows)
    ) {
      rows.push(...(batchToRows(result.batch) as unknown as NexmarkRows[Kind][]))
    }
  }
  return rows
}

describe('the Nexmark generator', () => {
  test('of fifty events one is a person, three are auctions and the rest bids', async () => {
    expect(await generate('person', { events: 1000 })).toHaveLength(20)
    expect(await generate('auction', { events: 1000 })).toHaveLength(60)
    expect(await generate('bid', { events: 1000 })).toHaveLength(920)
  })

  test('an event is a pure function of seed and number, whatever the batch size, columns and splits', async () => {
    const whole = await generate('bid', { events: 5000 })
    expect(await generate('bid', { events: 5000, batchRows: 7 })).toEqual(whole)
    const prices = await generate('bid', { events: 5000, columns: ['price', 'extra'] })
    expect(prices).toEqual(whole.map(({ price, extra }) => ({ price, extra })))
    const inSplits = await generate('bid', { events: 5000, splits: 3 })
    const byTime = (a: { dateTime: number }, b: { dateTime: number }): number => a.dateTime - b.dateTime
    const text = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()
    expect(text(inSplits.toSorted(byTime))).toEqual(text(whole))
    expect(await generate('bid', { events: 5000, seed: 2 })).not.toEqual(whole)
  })

  test('a reader goes on exactly where a position says', async () => {
    const source = nexmark('auction', { events: 2000 })
    const first = await source.open({ id: '0', detail: 0 }, undefined, undefined as never)
    const begin = await first.read(25)
    const head = begin.kind === 'batch' ? batchToRows(begin.batch) : []
    const second = await source.open({ id: '0', detail: 0 }, first.position(), undefined as never)
    const rest = await second.read(10_000)
    const tail = rest.kind === 'batch' ? batchToRows(rest.batch) : []
    expect([...head, ...tail]).toEqual(await generate('auction', { events: 2000 }))
  })

  test('a group in disorder holds the same events in another order', async () => {
    const ordered = await generate('bid', { events: 1010, eventRate: 1000 })
    const disordered = await generate('bid', { events: 1010, eventRate: 1000, outOfOrderGroup: 100 })
    expect(disordered).not.toEqual(ordered)
    const text = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()
    expect(text(disordered)).toEqual(text(ordered))
  })

  test('keys, prices and strings have the shape of the workload', async () => {
    const bids = await generate('bid', { events: 200_000 })
    const share = (test: (bid: (typeof bids)[number]) => boolean): number =>
      bids.filter(test).length / bids.length
    expect(share((bid) => (bid.auction - 1000) % 100 === 0)).toBeCloseTo(0.5, 1)
    expect(share((bid) => (bid.bidder - 1001) % 100 === 0)).toBeCloseTo(0.75, 1)
    for (const [low, high] of [
      [0, 10_000],
      [10_000, 1_000_000],
      [1_000_000, Infinity],
    ] as const) {
      expect(share((bid) => bid.price >= low && bid.price < high)).toBeCloseTo(1 / 3, 1)
    }
    expect(bids.every((bid) => bid.price >= 100)).toBe(true)
    expect(share((bid) => ['Google', 'Facebook', 'Baidu', 'Apple'].includes(bid.channel))).toBeCloseTo(0.5, 1)
    expect(share((bid) => bid.url.includes('channel_id='))).toBeCloseTo(0.45, 1)
    const lengths = bids.map((bid) => bid.extra.length)
    expect(lengths.reduce((a, b) => Math.min(a, b))).toBe(54)
    expect(lengths.reduce((a, b) => Math.max(a, b))).toBe(81)
    expect(bids.every((bid) => /^[a-z]+$/.test(bid.extra))).toBe(true)
  })

  test('persons and auctions have their columns', async () => {
    const [person] = await generate('person', { events: 50 })
    expect(person?.id).toBe(1000)
    expect(person?.creditCard).toMatch(/^\d{4} \d{4} \d{4} \d{4}$/)
    expect(person?.emailAddress).toMatch(/^.+@.+\.com$/)
    const auctions = await generate('auction', { events: 50, eventRate: 1000 })
    expect(auctions.map(({ id }) => id)).toEqual([1000, 1001, 1002])
    for (const auction of auctions) {
      expect(auction.expires).toBeGreaterThan(auction.dateTime)
      expect(auction.reserve).toBeGreaterThan(auction.initialBid)
      expect(auction.category).toBeGreaterThanOrEqual(10)
      expect(auction.category).toBeLessThan(15)
    }
  })

  test('event time follows the event rate', async () => {
    const bids = await generate('bid', { events: 5000, eventRate: 1000, baseTime: 0 })
    expect(bids[0]?.dateTime).toBe(4)
    expect(bids.at(-1)?.dateTime).toBe(4999)
  })

  test('numbers out of range are refused by name', () => {
    expect(() => nexmark('bid', { eventRate: 0 })).toThrow(/eventRate/)
    expect(() => nexmark('bid', { splits: 1.5 })).toThrow(/splits/)
    expect(() => nexmark('bid', { outOfOrderGroup: 953 })).toThrow(/outOfOrderGroup/)
  })
})
