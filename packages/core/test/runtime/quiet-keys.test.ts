/** The guide's function with timers: its rows must not depend on the order in which rows of several files come. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ndjson } from '../../src/connect/files/index.ts'
import { memorySink, pipeline, schema, state, t } from '../../src/index.ts'
import type { MemorySink, Pipeline } from '../../src/index.ts'
import { runHere, sorted } from './run-here.ts'
import type { Way } from './run-here.ts'

const HOUR = 3_600_000
const Flight = schema({ date: t.timestamp(), origin: t.string() })
type Flight = { date: number; origin: string }

/** As in docs/guide/pipelines.md, "Functions with state". */
function quietAirports(folder: string): { built: Pipeline; out: MemorySink; awake: MemorySink } {
  const [out, awake] = [memorySink(), memorySink()]
  const built = pipeline('quiet', (p) => {
    const quiet = p
      .read('flights', ndjson(folder, { schema: Flight, eventTime: 'date' }))
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
    quiet.write('out', out)
    quiet.side('awake').write('awake-out', awake)
  })
  return { built, out, awake }
}

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

const flightsOfFile = fc
  .array(
    fc.record({
      // Quarters of hours, so that rows meet timers at their time.
      date: fc.integer({ min: -20, max: 40 }).map((n) => n * (HOUR / 4)),
      origin: fc.constantFrom('OSL', 'LIM', 'SEA'),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((rows) => rows.toSorted((a, b) => a.date - b.date))

const ways: readonly Way[] = [1, 2, 3].flatMap((parallelism): Way[] => [
  { mode: 'batch', parallelism },
  { mode: 'batch', parallelism, batchRows: 2 },
  {
    mode: 'continuous',
    drain: true,
    stopWhenIdleMs: 1,
    discoverIntervalMs: 1,
    epochIntervalMs: 1,
    parallelism,
    batchRows: 3,
  },
])

test('L1 same results: a function that looks at rows in the order of time', { timeout: 90_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(flightsOfFile, { minLength: 2, maxLength: 4 }), async (files) => {
      const folder = await mkdtemp(join(tmpdir(), 'quiet-'))
      try {
        for (const [n, rows] of files.entries())
          await writeFile(join(folder, `${n}.ndjson`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
        for (const way of ways) {
          const { built, out, awake } = quietAirports(folder)
          const { progress } = await runHere(built, way)
          expect({ way, late: progress.rowsLate }).toEqual({ way, late: 0 })
          expect({ way, rows: sorted(out.rows) }).toEqual({ way, rows: expected(files.flat()) })
          expect(awake.rows).toHaveLength(out.rows.length)
        }
      } finally {
        await rm(folder, { recursive: true })
      }
    }),
    { numRuns: 6 },
  )
})
