/** The guide's function with timers: its rows must not depend on the order in which rows of several partitions come. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryRows, memorySink, pipeline, schema, state, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { drive } from '../../src/testing/index.ts'
import type { DriveOptions } from '../../src/testing/index.ts'
import { sorted } from './run-here.ts'

const HOUR = 3_600_000
const Flight = schema({ date: t.timestamp(), origin: t.string() })
type Flight = { date: number; origin: string }

/** As in docs/guide/pipelines.md, "Functions with state". */
const quietAirports: Pipeline = pipeline('quiet', (p) => {
  const quiet = p
    .read('flights', memoryRows(Flight, []), { eventTime: 'date' })
    .keyBy('by-origin', 'origin')
    .process('quiet', {
      state: {
        waiting: state.map(t.timestamp(), t.int32()),
        last: state.value(t.timestamp()),
        left: state.value(t.int32()),
      },
      output: schema({ origin: t.string(), flights: t.int32() }),
      sideOutputs: { awake: schema({ origin: t.string() }) },
      onRow(row, context) {
        const { waiting } = context.state
        waiting.set(row.date, (waiting.get(row.date) ?? 0) + 1)
        context.setTimer(`at ${row.date}`, row.date)
      },
      onTimer(context, timer) {
        const { waiting, last, left } = context.state
        if (timer.time >= (last.get() ?? Infinity) + HOUR) {
          context.emit({ origin: context.key.origin, flights: left.get() ?? 0 })
          last.clear()
          left.clear()
        }
        const now = waiting.get(timer.time)
        if (now === undefined) return
        if (last.get() === undefined) context.emitTo('awake', { origin: context.key.origin })
        waiting.delete(timer.time)
        last.set(timer.time)
        left.set((left.get() ?? 0) + now)
        context.setTimer('quiet', timer.time + HOUR)
      },
    })
  quiet.write('out', memorySink())
  quiet.side('awake').write('awake-out', memorySink())
})

/** What the rows say, looked at all at once. */
function expected(flights: readonly Flight[]): string[] {
  const found: object[] = []
  for (const origin of new Set(flights.map((flight) => flight.origin))) {
    const dates = flights
      .filter((one) => one.origin === origin)
      .map(({ date }) => date)
      .toSorted((a, b) => a - b)
    let count = 0
    for (const [n, date] of dates.entries()) {
      count++
      if ((dates[n + 1] ?? Infinity) < date + HOUR) continue
      found.push({ origin, flights: count })
      count = 0
    }
  }
  return sorted(found)
}

const flightsOfPartition = fc
  .array(
    fc.record({
      // Quarters of hours, so that rows meet timers at their time.
      date: fc.integer({ min: -20, max: 40 }).map((n) => n * (HOUR / 4)),
      origin: fc.constantFrom('OSL', 'LIM', 'SEA'),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((rows) => rows.toSorted((a, b) => a.date - b.date))

const ways: readonly DriveOptions[] = [1, 2, 3].flatMap((parallelism): DriveOptions[] => [
  { mode: 'batch', parallelism },
  { mode: 'batch', parallelism, batchRows: 2 },
  { mode: 'continuous', parallelism, batchRows: 3 },
])

test('L1 same results: a function that looks at rows in the order of time', { timeout: 90_000 }, async () => {
  const partitions = fc.array(flightsOfPartition, { minLength: 2, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(partitions, fc.integer({ min: 1 }), async (all, interleave) => {
      for (const way of ways) {
        const run = await drive(quietAirports, { ...way, partitions: all.length, interleave })
        for (const [n, rows] of all.entries())
          for (const row of rows) run.source('flights').partition(n).send(row)
        await run.finish()
        expect({ way, rows: sorted(run.sink('out').rows) }).toEqual({ way, rows: expected(all.flat()) })
        expect(run.sink('awake-out').rows).toHaveLength(run.sink('out').rows.length)
      }
    }),
    { numRuns: 6 },
  )
})
