/**
 * Window aggregates against a naive recomputation: every row is kept, every window is recomputed from all its rows.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WindowSpec } from '../../src/plan/logical.ts'
import {
  sessionOracle,
  timeArbitrary,
  asOut,
  basic,
  computeBasic,
  computeRich,
  consolidate,
  eventArbitrary,
  keysArbitrary,
  mainRows,
  optionsArbitrary,
  oracle,
  rowArbitrary,
  rich,
  run,
  windowArbitrary,
  windowNode,
} from './window-oracle.ts'
import type { Event } from './window-oracle.ts'

describe('windows of panes', () => {
  it('give what recomputing every window from its rows gives', () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        keysArbitrary,
        fc.constantFrom(0, 0, 5, 30),
        fc.array(eventArbitrary, { maxLength: 60 }),
        optionsArbitrary,
        (window, keys, lateness, events, options) => {
          const node = windowNode(window, keys, basic, lateness)
          const h = run(node, events, options)
          const expected = oracle(node, events, computeBasic)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(expected.rows)))
          const late = h.out.filter((o) => o.port === 'late').map((o) => o.row)
          expect(late).toEqual(expected.late.map((row) => ({ ...row })))
          expect(h.counters.lateRows).toBe(expected.late.length)
          expect(h.largestBatch).toBeLessThanOrEqual(Math.max(options.batchRows, options.batch))
          expect(h.counters.stateEntries).toBe(0)
          expect(h.held).toEqual({ strings: 0, doubles: 0 })
        },
      ),
      { numRuns: 400 },
    )
  })

  it('keep values, sets and sketches apart per window and give their memory back', () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        keysArbitrary,
        fc.constantFrom(0, 0, 20),
        fc.array(eventArbitrary, { maxLength: 50 }),
        optionsArbitrary,
        (window, keys, lateness, events, options) => {
          const node = windowNode(window, keys, rich, lateness)
          const h = run(node, events, options)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(oracle(node, events, computeRich).rows)))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('break ties of event time by the order column, however rows arrive', () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        fc.array(
          fc.record({
            kind: fc.constant('row' as const),
            row: rowArbitrary,
            time: fc.integer({ min: 0, max: 3 }),
            order: fc.integer({ min: 0, max: 2 ** 45 }),
          }),
          { maxLength: 40 },
        ),
        optionsArbitrary,
        (window, drawn, options) => {
          const events = [...new Map(drawn.map((event) => [event.order, event])).values()]
          const node = windowNode(window, ['flag'], rich)
          const h = run(node, events, { ...options, ordered: true })
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(oracle(node, events, computeRich).rows)))
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('session windows', () => {
  const sessionArbitrary = fc.record({
    kind: fc.constant('session' as const),
    gapMs: fc.integer({ min: 1, max: 40 }),
  })

  it('give what a model that joins row by row gives, late rows included', () => {
    fc.assert(
      fc.property(
        sessionArbitrary,
        keysArbitrary,
        fc.constantFrom(0, 0, 10, 60),
        fc.array(eventArbitrary, { maxLength: 60 }),
        optionsArbitrary,
        (window, keys, lateness, events, options) => {
          const node = windowNode(window, keys, basic, lateness)
          const h = run(node, events, options)
          const expected = sessionOracle(node, events, computeBasic)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(expected.rows)))
          expect(h.out.filter((o) => o.port === 'late').map((o) => o.row)).toEqual(
            expected.late.map((row) => ({ ...row })),
          )
          expect(h.counters.stateEntries).toBe(0)
          expect(h.held).toEqual({ strings: 0, doubles: 0 })
          expect(h.largestBatch).toBeLessThanOrEqual(Math.max(options.batchRows, options.batch))
        },
      ),
      { numRuns: 400 },
    )
  })

  it('join values, sets and sketches, and give their memory back', () => {
    fc.assert(
      fc.property(
        sessionArbitrary,
        keysArbitrary,
        fc.constantFrom(0, 25),
        fc.array(eventArbitrary, { maxLength: 50 }),
        optionsArbitrary,
        (window, keys, lateness, events, options) => {
          const node = windowNode(window, keys, rich, lateness)
          const h = run(node, events, options)
          expect(consolidate(mainRows(h))).toEqual(
            consolidate(asOut(sessionOracle(node, events, computeRich).rows)),
          )
          expect(h.held).toEqual({ strings: 0, doubles: 0 })
        },
      ),
      { numRuns: 200 },
    )
  })

  it('without late rows are the same under every watermark (law L1)', () => {
    fc.assert(
      fc.property(
        sessionArbitrary,
        fc.array(fc.record({ kind: fc.constant('row' as const), row: rowArbitrary, time: timeArbitrary }), {
          maxLength: 40,
        }),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        (window, rows, marks) => {
          const inTime = [...rows].sort((a, b) => a.time - b.time)
          const events = inTime.flatMap((row, n) =>
            marks[n] === true ? [{ kind: 'watermark' as const, time: row.time }, row] : [row],
          )
          const node = windowNode(window, ['flag'], basic)
          const [often, once] = [events, rows].map((all) =>
            consolidate(mainRows(run(node, all, { batch: 5 }))),
          )
          expect(often).toEqual(once)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('that a late row opens behind its end, within the lateness, fires with it (WS4)', () => {
    const at = (time: number) => ({
      kind: 'row' as const,
      time,
      row: { text: 'a', small: 1, whole: 1, real: 1, flag: true },
    })
    const node = windowNode({ kind: 'session', gapMs: 10 }, ['text'], [basic[0]!], 10)
    const h = run(node, [{ kind: 'watermark', time: 20 }, at(5), at(100)], { batch: 1 })
    expect(mainRows(h).map(({ row, push }) => [row['windowStart'], row['rows'], push])).toEqual([
      [5, 1, 1],
      [100, 1, 2],
    ])
  })

  it('take a row exactly one gap after the last, and not one later', () => {
    const at = (time: number) => ({
      kind: 'row' as const,
      time,
      row: { text: 'a', small: 1, whole: 1, real: 1, flag: true },
    })
    const node = windowNode({ kind: 'session', gapMs: 10 }, ['text'], [basic[0]!])
    const ends = (times: number[]): unknown[] =>
      mainRows(run(node, times.map(at), { batch: 1 })).map(({ row, eventTime }) => [
        row['windowStart'],
        row['windowEnd'],
        row['rows'],
        eventTime,
      ])
    // The last column is the result's event time: the end, up to which a row may still join.
    expect(ends([0, 10])).toEqual([[0, 20, 2, 20]])
    expect(ends([0, 11])).toEqual([
      [0, 10, 1, 10],
      [11, 21, 1, 21],
    ])
    expect(ends([-20, 0, -10])).toEqual([[-20, 10, 3, 10]])
  })
})

describe('what every window keeps to', () => {
  const kinds: WindowSpec[] = [
    { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
    { kind: 'sliding', sizeMs: 20, slideMs: 5, offsetMs: 0 },
    { kind: 'session', gapMs: 7 },
    { kind: 'global' },
  ]
  for (const window of kinds) {
    it(`${window.kind}: results do not depend on how rows are cut into batches`, () => {
      fc.assert(
        fc.property(
          fc.array(eventArbitrary, { maxLength: 60 }),
          optionsArbitrary,
          optionsArbitrary,
          (events, one, other) => {
            const node = windowNode(window, ['text'], basic.slice(0, 4), 0)
            const [a, b] = [one, other].map((options) =>
              mainRows(run(node, events, options)).map(({ row, eventTime }) => [row, eventTime]),
            )
            expect(a).toEqual(b)
          },
        ),
        { numRuns: 60 },
      )
    })

    it(`${window.kind}: results are never behind a watermark that has gone on (O2)`, () => {
      const step = fc.record({ row: rowArbitrary, time: timeArbitrary, mark: fc.boolean() })
      fc.assert(
        fc.property(fc.array(step, { maxLength: 50 }), optionsArbitrary, (steps, options) => {
          const inTime = steps.toSorted((a, b) => a.time - b.time)
          const events = inTime.flatMap(({ row, time, mark }): Event[] => [
            ...(mark ? [{ kind: 'watermark' as const, time }] : []),
            { kind: 'row', row, time },
          ])
          const node = windowNode(window, ['text'], [basic[0]!])
          const behind = mainRows(run(node, events, options)).filter(
            ({ forwarded, eventTime }) => eventTime !== undefined && eventTime < forwarded,
          )
          expect(behind).toEqual([])
        }),
        { numRuns: 100 },
      )
    })

    it(`${window.kind}: the first and the last event time there are have a window; what lies beyond ends the run`, () => {
      const row = { text: 'a', small: 1, whole: 1, real: 1, flag: true }
      const node = windowNode(window, ['text'], [basic[0]!])
      for (const time of [-8.64e15, 8.64e15]) {
        const rows = mainRows(run(node, [{ kind: 'row', row, time }], { batch: 1 })).map((out) => out.row)
        expect(rows.length).toBe(window.kind === 'sliding' ? 4 : 1)
        for (const { windowStart, windowEnd } of rows) {
          if (window.kind === 'global') continue
          expect(windowStart).toBeLessThanOrEqual(time)
          expect(windowEnd).toBeGreaterThan(time)
        }
      }
      if (window.kind === 'global') return
      for (const time of [8.64e15 + 1, -(2 ** 53), 1.7e18, -1e300, Infinity])
        expect(() => run(node, [{ kind: 'row', row, time }], { batch: 1 })).toThrow(
          expect.objectContaining({ code: 'value/invalid' }),
        )
    })

    it(`${window.kind}: results carry the last time at which a row may belong to their window`, () => {
      const row = { text: 'a', small: 1, whole: 1, real: 1, flag: true }
      const h = run(windowNode(window, ['text'], [basic[0]!]), [{ kind: 'row', row, time: -3 }], { batch: 1 })
      for (const { row: r, eventTime } of mainRows(h)) {
        const end = r['windowEnd'] as number
        const last = { global: undefined, session: end, tumbling: end - 1, sliding: end - 1 }
        expect(eventTime).toBe(last[window.kind])
      }
    })

    it(`${window.kind}: late rows leave no pair of equal rows with weights −1 and +1`, () => {
      fc.assert(
        fc.property(
          fc.array(eventArbitrary, { maxLength: 60 }),
          optionsArbitrary,
          keysArbitrary,
          (events, options, keys) => {
            // Extremes often stay as they are.
            const node = windowNode(
              window,
              keys,
              [basic[6]!, basic[7]!, basic[9]!, basic[11]!, rich[12]!],
              60,
            )
            const seen = new Map<string, number>()
            for (const { push, row, weight } of mainRows(run(node, events, options))) {
              const text = JSON.stringify([push, row])
              expect(seen.get(text) ?? weight).toBe(weight)
              seen.set(text, weight)
            }
          },
        ),
        { numRuns: 150 },
      )
    })
  }

  it('open windows by the ten thousand fire in order, whatever order their rows come in', () => {
    const event = (n: number, count: number): Event => ({
      kind: 'row',
      time: ((n * 7919) % count) * 10,
      row: { text: 'a', small: 1, whole: 1, real: 1, flag: true },
    })
    for (const window of kinds.slice(0, 2)) {
      const count = window.kind === 'tumbling' ? 30_000 : 8000
      const events = Array.from({ length: count }, (_, n) => event(n, count))
      const h = run(windowNode(window, [], [basic[0]!]), events, { batch: 1000, batchRows: 1000 })
      const ends = mainRows(h).map(({ row }) => row['windowEnd'] as number)
      expect(ends.length).toBe(window.kind === 'tumbling' ? count : 2 * count + 2)
      expect(ends.every((end, n) => n === 0 || end > (ends[n - 1] as number))).toBe(true)
      expect(h.counters.stateEntries).toBe(0)
    }
  })

  it('open sessions of one key by the ten thousand are found and fired, whatever order their rows come in', () => {
    const count = 50_000
    const events = Array.from({ length: 2 * count }, (_, n): Event => {
      const session = (n * 7919) % count
      return {
        kind: 'row',
        // The second rows join what the first ones opened, and every tenth joins two sessions.
        time: session * 10 + (n < count ? 0 : session % 10 === 0 ? 5 : 1),
        row: { text: 'a', small: 1, whole: 1, real: 1, flag: true },
      }
    })
    const h = run(windowNode({ kind: 'session', gapMs: 5 }, ['text'], [basic[0]!]), events, {
      batch: 1000,
      batchRows: 1000,
    })
    const rows = mainRows(h).map(({ row }) => row)
    expect(rows).toHaveLength(count - count / 10)
    expect(rows.reduce((sum, row) => sum + (row['rows'] as number), 0)).toBe(2 * count)
    expect(rows.filter((row) => row['rows'] === 4)).toHaveLength(count / 10)
    expect(h.counters.stateEntries).toBe(0)
    expect(h.held).toEqual({ strings: 0, doubles: 0 })
  })

  it('late rows that change nothing emit nothing', () => {
    const row = (small: number, time: number) => ({
      kind: 'row' as const,
      time,
      row: { text: 'a', small, whole: 1, real: 1, flag: true },
    })
    for (const window of kinds.slice(0, 3)) {
      const node = windowNode(window, ['text'], [basic[6]!], 100)
      const events = [row(1, 5), row(5, 6), { kind: 'watermark' as const, time: 30 }, row(3, 5), row(2, 6)]
      const h = run(node, events, { batch: 1 })
      expect(mainRows(h).map(({ weight }) => weight)).toEqual(mainRows(h).map(() => 1))
      expect(h.counters.lateRows).toBe(0)
    }
  })

  it('windows that have fired and are revised leave their old result with weight −1 first', () => {
    const row = (small: number, time: number) => ({
      kind: 'row' as const,
      time,
      row: { text: 'a', small, whole: 1, real: 1, flag: true },
    })
    const node = windowNode({ kind: 'tumbling', sizeMs: 10, offsetMs: 0 }, ['text'], [basic[2]!], 100)
    const h = run(node, [row(1, 5), { kind: 'watermark', time: 20 }, row(2, 6), row(4, 7), row(8, 15)], {
      batch: 2,
    })
    // The second batch brings two rows for the fired window: one correction. The third brings none: 15 is in a
    // window that has fired empty, so its first result has nothing to take back.
    expect(mainRows(h).map(({ row: r, weight }) => [r['windowStart'], r['sumSmall'], weight])).toEqual([
      [0, 1, 1],
      [0, 1, -1],
      [0, 7, 1],
      [10, 8, 1],
    ])
  })
})
