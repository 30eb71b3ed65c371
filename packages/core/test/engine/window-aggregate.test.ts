/**
 * Window aggregates against a naive recomputation: every row is kept, every window is recomputed from all its rows.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
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
