// Crashes and restarts in the middle of a driven run: what was committed stands, and what was not comes again.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pipeline, schema, state, t } from '../../../src/index.ts'
import { memoryRows, memorySink } from '../../../src/connect/index.ts'
import { drive } from '../../../src/testing/index.ts'
import type { CrashOptions } from '../../../src/testing/index.ts'
import { Flight, hourly, keeping } from './flights.ts'

const first = { origin: 'AMS', flights: 1 }
const second = { origin: 'AMS', flights: 2 }

describe('a crash of a driven run', () => {
  it.each(['continuous', 'micro-batch'] as const)(
    'DS1: loses what no epoch has, and reads it again: %s',
    async (mode) => {
      const test = await drive(keeping, { mode })
      const seen = test.sink('seen')
      test.source('flights').send({ origin: 'AMS', at: 1 })
      await test.epoch()
      test.source('flights').send({ origin: 'AMS', at: 2 })
      await test.settle()
      await test.crash()
      expect(seen.rows).toEqual([first])
      expect(await test.step('keep').state()).toMatchObject([{ flights: 1 }])
      expect((await test.epoch()).committed).toEqual({ seen: [second] })
      expect(seen.rows).toEqual([first, second])
    },
  )

  it.each(['continuous', 'micro-batch'] as const)(
    'while outputs are prepared leaves nothing of the epoch: %s',
    async (mode) => {
      const test = await drive(keeping, { mode })
      test.source('flights').send({ origin: 'AMS', at: 1 })
      await test.crash({ during: 'prepare' })
      expect(test.sink('seen').committed).toEqual([])
      await test.epoch()
      expect(test.sink('seen').committed).toEqual([first])
    },
  )

  it.each(['continuous', 'micro-batch'] as const)(
    'before the commit leaves an epoch that the next run commits: %s',
    async (mode) => {
      const test = await drive(keeping, { mode })
      test.source('flights').send({ origin: 'AMS', at: 1 })
      await test.crash({ during: 'commit', power: true })
      expect(test.sink('seen').committed).toEqual([first])
      await test.settle()
      expect(test.sink('seen').rows).toEqual([first])
    },
  )

  it('before a commit of nothing leaves an epoch that stands', async () => {
    const test = await drive(hourly)
    test.source('flights').send({ origin: 'AMS', at: 1 })
    await test.crash({ during: 'commit' })
    expect(await test.step('hourly').state({ origin: 'AMS' })).toHaveLength(1)
    await test.finish()
    expect(test.sink('out').committed).toMatchObject([{ flights: 1 }])
  })

  it('in a join keeps the rows that wait for a partner, whichever side comes first', async () => {
    const Payment = schema({ at: t.timestamp(), origin: t.string(), paid: t.int32() })
    const joined = pipeline('joined', (p) => {
      const payments = p.read('payments', memoryRows(Payment, []), { eventTime: 'at' })
      p.read('flights', memoryRows(Flight, []), { eventTime: 'at' })
        .keyBy('by-origin', 'origin')
        .join('paid', payments.keyBy('payments-by-origin', 'origin'), {
          within: ['0 s', '10 min'],
          join: 'left',
          select: { paid: 'paid' },
        })
        .write('out', memorySink())
    })
    const test = await drive(joined, { parallelism: 2 })
    test.source('flights').send({ origin: 'AMS', at: 0 }, { origin: 'ALB', at: 1 })
    await test.epoch()
    expect(await test.step('paid').state({ origin: 'AMS' })).toHaveLength(1)
    await test.crash({ parallelism: 3 })
    test.source('payments').send({ origin: 'AMS', at: 60_000, paid: 20 })
    await test.settle()
    expect(test.sink('out').rows).toMatchObject([{ origin: 'AMS', paid: 20 }])
    await test.finish()
    expect(test.sink('out').committed).toMatchObject([{ paid: 20 }, { origin: 'ALB', paid: null }])
  })

  it('goes on at another parallelism, and with another pipeline', async () => {
    const test = await drive(keeping, { parallelism: 1 })
    test.source('flights').send({ origin: 'AMS', at: 1 }, { origin: 'ALB', at: 2 })
    await test.crash({ during: 'commit', parallelism: 3 })
    test.source('flights').send({ origin: 'AMS', at: 3 })
    await test.settle()
    expect(test.sink('seen').rows.at(-1)).toEqual(second)
    const tens = pipeline('keeping', (p) => {
      p.read('flights', memoryRows(Flight, []), { eventTime: 'at' })
        .keyBy('by-origin', 'origin')
        .process('keep', {
          state: {
            flights: state.value(t.int32()),
            delays: state.list(t.int32()),
            byHour: state.map(t.int32(), t.int32()),
          },
          output: schema({ origin: t.string(), flights: t.int32() }),
          onRow({ origin }, { state: kept, emit }) {
            const flights = (kept.flights.get() ?? 0) + 10
            kept.flights.set(flights)
            emit({ origin, flights })
          },
          onTimer: () => undefined,
        })
        .write('seen', memorySink())
    })
    await test.restart({ pipeline: tens, parallelism: 2 })
    test.source('flights').send({ origin: 'AMS', at: 4 })
    await test.settle()
    expect(test.sink('seen').rows.at(-1)).toEqual({ origin: 'AMS', flights: 12 })
  })

  it('of a batch lets it go on, and commit once', async () => {
    const test = await drive(hourly, { mode: 'batch', parallelism: 2 })
    test.source('flights').send({ origin: 'AMS', at: 0 })
    await test.crash()
    test.source('flights').send({ origin: 'AMS', at: 1 })
    await test.crash({ power: true })
    await test.finish()
    expect(test.sink('out').committed).toMatchObject([{ flights: 2 }])
  })

  it('behind a failure is a restart with what mends it', async () => {
    const test = await drive(keeping)
    test.source('flights').send({ origin: 'AMS', at: 1 })
    await test.epoch()
    test.source('flights').send({ origin: 'AMS', at: 2, delay: -1 })
    await expect(test.settle()).rejects.toMatchObject({ code: 'step/function-failed', step: 'keep' })
    await expect(test.epoch()).rejects.toMatchObject({ code: 'test/not-running' })
    expect(() => test.source('flights').send({ origin: 'AMS', at: 3 })).toThrow(/the run has failed/)
    // The row is still there: the same pipeline fails again.
    await expect(test.restart().then(() => test.settle())).rejects.toMatchObject({
      code: 'step/function-failed',
    })
    await test.restart({ pipeline: hourlyOf(keeping.name), dropState: ['keep'] })
    expect((await test.finish()).committed['seen']).toEqual([{ origin: 'AMS', flights: 0 }])
  })

  it('never changes what is committed in the end', async () => {
    const rows = Array.from({ length: 12 }, (_, at) => ({ origin: at % 3 === 0 ? 'AMS' : 'ALB', at }))
    const crash = fc.record(
      {
        during: fc.constantFrom('prepare' as const, 'commit' as const),
        power: fc.boolean(),
        parallelism: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: ['power'] },
    )
    const acts = fc.array(fc.oneof(fc.constant('epoch' as const), fc.constant('settle' as const), crash), {
      maxLength: 6,
    })
    const outcome = async (
      mode: 'continuous' | 'micro-batch',
      steps: readonly ('epoch' | 'settle' | CrashOptions)[],
    ): Promise<string[]> => {
      const test = await drive(keeping, { mode, partitions: 2 })
      for (const [index, row] of rows.entries()) {
        test
          .source('flights')
          .partition(index % 2)
          .send(row)
        const act = steps[index]
        if (act === 'epoch') await test.epoch()
        else if (act === 'settle') await test.settle()
        else if (act !== undefined) await test.crash(act)
      }
      await test.finish()
      return test
        .sink('seen')
        .committed.map((row) => JSON.stringify(row))
        .toSorted()
    }
    for (const mode of ['continuous', 'micro-batch'] as const) {
      const plain = await outcome(mode, [])
      await fc.assert(
        fc.asyncProperty(acts, async (steps) => {
          expect(await outcome(mode, steps)).toEqual(plain)
        }),
        { numRuns: 20 },
      )
    }
  })
})

/** Another pipeline of the same name, sources and sinks: without the step that failed. */
function hourlyOf(name: string): typeof keeping {
  return pipeline(name, (p) => {
    p.read('flights', memoryRows(Flight, []), { eventTime: 'at' })
      .map('zero', schema({ origin: t.string(), flights: t.int32() }), ({ origin }) => ({
        origin,
        flights: 0,
      }))
      .write('seen', memorySink())
  })
}
