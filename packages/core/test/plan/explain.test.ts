// Explaining a plan: text, Mermaid and JSON against golden files.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, schema, session, sliding, sql, state, t, tumbling } from '../../src/index.ts'
import type { PipelineBuilder } from '../../src/index.ts'
import { explain, explanationToMermaid, explanationToText } from '../../src/plan/index.ts'
import type { Explanation } from '../../src/plan/index.ts'
import { airports, flights, plannedSink } from '../sdk/planned-ends.ts'

/** The main job: hourly delays by airport, and daily with names. */
function flightDelays(p: PipelineBuilder): void {
  const departed = p
    .read('flights', flights, { eventTime: { column: 'date', disorder: '1 hour' }, onError: 'reject' })
    .notNull('departed', 'delay')
  const hourly = departed.keyBy('by-origin', 'origin').window(tumbling('1 hour')).aggregate('hourly', (a) => ({
    flights: a.count(),
    meanDelay: a.mean('delay'),
    p95Delay: a.quantile('delay', 0.95),
    lateShare: a.mean(sql`delay > 15`),
  }))
  hourly.rename('names', { windowStart: 'window_start' }).omit('short', 'windowEnd').write('hourly-out', plannedSink('out/hourly'))
  hourly.late.write('late', plannedSink('out/late'))
  departed.keyBy('by-origin-daily', 'origin').window(tumbling('1 day')).aggregate('daily', (a) => ({ flights: a.count() }))
    .lookupJoin('airport', p.read('airports', airports), { on: { origin: 'iata' }, select: { airport: 'name' } })
    .write('daily-out', plannedSink('out/daily'))
} // prettier-ignore

/** One of everything else. */
function everything(p: PipelineBuilder): void {
  const source = p.read('flights', flights, { eventTime: { column: 'date', watermark: 'at-end', idleAfter: '1 min', onMissing: 'reject' } })
  const more = p.read('more', flights, { eventTime: { column: 'date', watermark: { from: sql`case when cancelled then date end` } } })
  const both = source.filter('own', () => true, { uses: ['origin'], onError: 'reject' }).union('both', more)
  both.with('hours', { hours: t.float64() }, (row) => ({ hours: row.distance / 500 })).write('a', plannedSink('a'))
  both.flatMap('ends', schema({ place: t.string() }), (row) => [{ place: row.origin }]).write('b', plannedSink('b'))
  both.map('one', schema({ place: t.string() }), (row) => ({ place: row.origin })).write('c', plannedSink('c'))
  both.window(sliding('1 hour', '5 min', { offset: '1 min' })).aggregate('sliding', (a) => ({
    places: a.countDistinct('destination'),
    all: a.collect('destination', { max: 5 }),
    best: a.top('delay', 3),
    far: a.sum('distance').filter('cancelled'),
  })).write('d', plannedSink('d'))
  const keyed = both.keyBy('k', ['origin', 'destination'])
  keyed.window(session('30 min')).aggregate('sessions', (a) => ({ n: a.count() })).write('e', plannedSink('e'))
  keyed.window(globalWindow()).aggregate('total', (a) => ({
    own: a.custom({ create: () => 0, add: (n) => n + 1, merge: (x, y) => x + y, result: (n) => n, type: t.int32() }),
  })).write('f', plannedSink('f'))
  keyed.process('alerts', {
    state: { seen: state.value(t.int32()), by: state.map(t.string(), t.int64()) },
    output: schema({ origin: t.string() }),
    sideOutputs: { odd: schema({ reason: t.string() }) },
    onRow: () => undefined,
  }).write('g', plannedSink('g'))
} // prettier-ignore

function explained(build: (p: PipelineBuilder) => void, parallelism: number): Explanation {
  return explain(pipeline('explained', build).build(), { parallelism })
}

describe('explain', () => {
  it('tells the main job to a newcomer', async () => {
    await expect(explanationToText(explained(flightDelays, 2))).toMatchFileSnapshot(
      'goldens/flight-delays.txt',
    )
  })

  it('has words for every kind of step', async () => {
    await expect(explanationToText(explained(everything, 1))).toMatchFileSnapshot('goldens/everything.txt')
  })

  it('says of which output of a step the rows are that a union or a lookup takes', () => {
    const told = (p: PipelineBuilder): void => {
      const a = p.read('a', flights, { onError: 'reject' })
      const b = p.read('b', flights, { onError: 'reject' })
      a.rejected.union('bad', b.rejected).write('bad-out', plannedSink('bad'))
      a.union('good', b).write('good-out', plannedSink('good'))
    }
    const bad = 'takes the rows of a.rejected, b.rejected together'
    for (const text of [explanationToText(explained(told, 1)), explanationToMermaid(explained(told, 1))]) {
      expect(text).toContain(bad)
      expect(text).toContain('takes the rows of a, b together')
    }
  })

  it('fits the width it is given, and breaks no line where there is no limit', () => {
    const explanation = explained(everything, 1)
    const lines = (width: number): string[] => explanationToText(explanation, width).split('\n')
    expect(Math.max(...lines(79).map((line) => line.length))).toBeLessThanOrEqual(79)
    expect(Math.max(...lines(Infinity).map((line) => line.length))).toBeGreaterThan(110)
    const words = (text: readonly string[]): string => text.join(' ').replace(/\s+/g, ' ')
    expect(words(lines(79))).toBe(words(lines(Infinity)))
  })

  it('draws the main job', async () => {
    await expect(explanationToMermaid(explained(flightDelays, 2))).toMatchFileSnapshot(
      'goldens/flight-delays.mmd',
    )
  })

  it('gives the same as plain JSON', async () => {
    const explanation = explained(flightDelays, 2)
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation)
    await expect(`${JSON.stringify(explanation, undefined, 2)}\n`).toMatchFileSnapshot(
      'goldens/flight-delays.json.txt',
    )
  })

  it('keeps within the width of a terminal', () => {
    const lines = explanationToText(explained(everything, 1)).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  it('escapes what Mermaid gives a meaning', () => {
    const drawn = explanationToMermaid(
      explained(
        (p) =>
          p
            .read('a', flights)
            .where('end', sql`origin = '"|<b>'`)
            .write('b', plannedSink('b')),
        1,
      ),
    )
    expect(drawn).toContain("origin = '#quot;&#124;&lt;b&gt;'")
  })
})
