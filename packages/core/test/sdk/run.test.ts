// What the SDK builds runs: one pipeline with every kind of step, against an independent computation over its rows.
import { describe, expect, it } from 'vitest'
import { memoryRows, memorySink, pipeline, schema, sql, state, t, tumbling } from '../../src/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'

const Flight = schema({
  date: t.timestamp(),
  origin: t.string(),
  delay: t.int32().nullable(),
  distance: t.int32(),
})
const Airport = schema({ iata: t.string(), name: t.string() })
const HOUR_MS = 3_600_000

const rows = Array.from({ length: 3000 }, (_, i) => ({
  date: i * 60_000 - 5 * HOUR_MS,
  origin: ['SEA', 'LAX', 'SFO'][(i * 7) % 3] as string,
  delay: i % 11 === 0 ? null : (i * 13) % 60,
  distance: (i * 31) % 1000,
}))

/** Per airport and four hours, without a row that has no delay or no distance. */
function expectedRows(): object[] {
  const groups = new Map<string, { start: number; origin: string; delays: number[]; halves: number[] }>()
  for (const { date, origin, delay, distance } of rows) {
    if (delay === null || distance === 0) continue
    const start = Math.floor(date / (4 * HOUR_MS)) * 4 * HOUR_MS
    const group = groups.get(`${origin} ${start}`) ?? { start, origin, delays: [], halves: [] }
    group.delays.push(delay)
    group.halves.push(delay / 2)
    groups.set(`${origin} ${start}`, group)
  }
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  return [...groups.values()]
    .filter(({ origin }) => origin !== 'SFO')
    .map(({ start, origin, delays, halves }) => ({
      origin,
      windowStart: start,
      windowEnd: start + 4 * HOUR_MS,
      flights: delays.length,
      total: sum(delays),
      halves: sum(halves),
      lateShare: delays.filter((delay) => delay > 15).length / delays.length,
      veryLate: delays.filter((delay) => delay > 50).length,
      name: origin === 'SEA' ? 'Seattle-Tacoma' : null,
    }))
}

const byPlace = (list: readonly object[]): object[] =>
  list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

describe('a pipeline of every kind of step', () => {
  it.each([1, 3])('gives the answer of an independent computation with %s tasks', async (parallelism) => {
    const [windows, alerts] = [memorySink(), memorySink()]
    const built = pipeline('all', (p) => {
      const source = p.read('flights', memoryRows(Flight, rows), { eventTime: 'date' })
      const airports = p.read('airports', memoryRows(Airport, [{ iata: 'SEA', name: 'Seattle-Tacoma' }]))
      source
        .notNull('departed', 'delay')
        .filter('far', (row) => row.distance > 0, { uses: ['distance'] })
        .with('half', { half: t.float64() }, (row) => ({ half: row.delay / 2 }), { uses: ['delay'] })
        .keyBy('by-origin', 'origin')
        .window(tumbling('4 hours'))
        .aggregate('windows', (a) => ({
          flights: a.count(),
          total: a.sum('delay'),
          halves: a.sum('half'),
          lateShare: a.mean(sql`delay > 15`),
          veryLate: a.count().filter((c) => c.delay.gt(50)),
        }))
        .lookupJoin('names', airports, { on: { origin: 'iata' }, select: { name: 'name' } })
        .where('chosen', sql`origin <> 'SFO'`)
        .write('out', windows)
      source
        .keyBy('by-origin-again', 'origin')
        .process('hundreds', {
          state: { seen: state.value(t.int32()) },
          output: schema({ origin: t.string(), seen: t.int32() }),
          onRow(_, ctx) {
            const seen = (ctx.state.seen.get() ?? 0) + 1
            ctx.state.seen.set(seen)
            if (seen % 500 === 0) ctx.emit({ origin: ctx.key.origin, seen })
          },
        })
        .write('alerts-out', alerts)
    }).build()
    await new Job(built, { host: createNodeHost(), parallelism }).run()
    expect(byPlace(windows.rows)).toEqual(byPlace(expectedRows()))
    const hundreds = ['LAX', 'SEA', 'SFO'].flatMap((origin) => [
      { origin, seen: 1000 },
      { origin, seen: 500 },
    ])
    expect(byPlace(alerts.rows)).toEqual(hundreds)
  })
})
