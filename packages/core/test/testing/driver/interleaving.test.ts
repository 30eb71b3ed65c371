// Which partition is read next is what the test says, or a seed; and the same calls give the same run.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryRows, memorySink } from '../../../src/connect/index.ts'
import { pipeline, schema, t } from '../../../src/index.ts'
import { drive } from '../../../src/testing/index.ts'
import type { DriveOptions } from '../../../src/testing/index.ts'
import { hourly } from './flights.ts'

const Row = schema({ n: t.int32() })
const through = pipeline('through', (p) => {
  const left = p.read('left', memoryRows(Row, []))
  const right = p.read('right', memoryRows(Row, []))
  left.union('both', right).write('out', memorySink())
})

const ways: readonly DriveOptions[] = [
  { mode: 'continuous' },
  { mode: 'continuous', parallelism: 3 },
  { mode: 'micro-batch' },
  { mode: 'batch' },
]

/** Sends 1 to 8 to partitions of two sources, and gives the order in which they came out. */
async function orderOf(options: DriveOptions): Promise<readonly number[]> {
  const test = await drive(through, { ...options, partitions: 2 })
  for (let n = 1; n <= 8; n++)
    test
      .source(n % 3 === 0 ? 'left' : 'right', Row)
      .partition(n % 2)
      .send({ n })
  if (options.mode === 'batch') await test.finish()
  else await test.epoch()
  return test.sink('out', Row).rows.map(({ n }) => n)
}

describe('partitions of a driven run', () => {
  it.each(ways)('DR1: are read in the order of sending: %j', async (way) => {
    expect(await orderOf(way)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('are read in another order by another seed, and in the same by the same', async () => {
    const orders = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const order = await orderOf({ interleave: seed })
      expect(await orderOf({ interleave: seed, parallelism: 2 })).toEqual(order)
      // Each partition in its own order: 2, 4, 8 and 1, 5, 7 of one source, 6 and 3, 9 of the other.
      for (const own of [[2, 4, 8], [1, 5, 7]]) expect(order.filter((n) => own.includes(n))).toEqual(own) // prettier-ignore
      orders.add(order.join())
    }
    expect(orders.size).toBeGreaterThan(10)
  })

  it('IL1: come again in the same order behind a crash', async () => {
    const test = await drive(through, { partitions: 2, interleave: 5 })
    const send = (n: number): void =>
      test
        .source('left')
        .partition(n % 2)
        .send({ n })
    for (const n of [1, 2]) send(n)
    await test.epoch()
    for (const n of [3, 4, 5, 6, 7, 8]) send(n)
    await test.settle()
    const before = test.sink('out').rows
    await test.crash()
    expect(test.sink('out').rows).toEqual(before.slice(0, 2))
    await test.settle()
    expect(test.sink('out').rows).toEqual(before)
  })

  it('hold the watermark each for itself', async () => {
    const test = await drive(hourly, { partitions: { flights: 2 } })
    const flights = test.source('flights')
    flights.partition(0).send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
    flights.partition(0).watermark('2024-01-01T12:00Z')
    await test.settle()
    expect(test.sink('out').rows).toEqual([])
    flights.partition(1).watermark('2024-01-01T11:00Z')
    await test.settle()
    expect(test.sink('out').rows).toMatchObject([{ flights: 1 }])
  })

  it('make rows late by order alone: what one interleaving loses another keeps', async () => {
    const late = async (interleave: number): Promise<number> => {
      const test = await drive(hourly, { interleave, watch: ['hourly'], partitions: 2 })
      const [a, b] = [test.source('flights').partition(0), test.source('flights').partition(1)]
      a.send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
      b.end()
      a.watermark('2024-01-01T11:00Z')
      a.send({ origin: 'AMS', at: '2024-01-01T10:30Z' })
      await test.settle()
      return test.step('hourly').late.rows.length
    }
    const seen = new Set<number>()
    for (let seed = 1; seed <= 10; seed++) seen.add(await late(seed))
    expect(seen).toEqual(new Set([0, 1]))
  })

  it('TD1: give the same rows for the same calls, run after run', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const test = await drive(hourly, { partitions: 3, parallelism: 2, interleave: seed })
      for (let n = 0; n < 30; n++)
        test
          .source('flights')
          .partition(n % 3)
          .send({ origin: ['AMS', 'ALB', 'BOS'][n % 3] as string, at: n * 600_000, delay: n })
      await test.epoch()
      await test.crash({ power: true })
      await test.finish()
      return [test.sink('out').changes, test.now]
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), async (seed) => {
        expect(await run(seed)).toEqual(await run(seed))
      }),
      { numRuns: 10 },
    )
  })
})
