/** Sliding windows of many panes: what spans of panes must not change, and what they must not cost. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paneArithmetic } from '../../src/engine/window/pane-arithmetic.ts'
import { PaneList } from '../../src/engine/window/pane-list.ts'
import { PaneSpans } from '../../src/engine/window/pane-spans.ts'
import { PaneTables } from '../../src/engine/window/pane-tables.ts'
import { windowAggregateParts } from '../../src/engine/window/window-aggregate-parts.ts'
import type { GroupTable } from '../../src/state/index.ts'
import type { Event, Row } from './window-oracle.ts'
import {
  asOut,
  basic,
  computeBasic,
  computeRich,
  consolidate,
  keysArbitrary,
  mainRows,
  optionsArbitrary,
  oracle,
  rich,
  rowArbitrary,
  run,
  windowNode,
  schema,
} from './window-oracle.ts'

/** From six to fifty windows per row, now and then with a size that is no whole number of slides. */
const deepArbitrary = fc
  .record({
    slideMs: fc.integer({ min: 1, max: 8 }),
    windows: fc.integer({ min: 6, max: 50 }),
    rest: fc.integer({ min: 0, max: 7 }),
    offsetMs: fc.integer({ min: -20, max: 20 }),
  })
  .map(({ slideMs, windows, rest, offsetMs }) => ({
    kind: 'sliding' as const,
    sizeMs: slideMs * windows + (rest % slideMs),
    slideMs,
    offsetMs,
  }))

/** Rows mostly in order, some far behind the watermark, and jumps over many windows. */
const eventsArbitrary = fc
  .array(
    fc.record({
      row: rowArbitrary,
      step: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(-90, -20, 300)),
      mark: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let now = -100
    return steps.flatMap(({ row, step, mark }): Event[] => {
      const time = now + step
      now = Math.max(now, time)
      return [{ kind: 'row', row, time }, ...(mark ? [{ kind: 'watermark' as const, time: now }] : [])]
    })
  })

const row: Row = { text: 'a', small: 1, whole: 1, real: 1, flag: true }

/** Spans over panes of one key column `small`, without rows of their own. */
function spansOver(window: { sizeMs: number; slideMs: number }): {
  readonly spans: PaneSpans
  readonly open: (start: number, keys: readonly number[]) => void
} {
  const node = windowNode({ kind: 'sliding', offsetMs: 0, ...window }, ['small'], [basic[0]!])
  const { parts } = windowAggregateParts(node, schema, { functions: new Map() }, () => undefined)
  const arithmetic = paneArithmetic({ kind: 'sliding', offsetMs: 0, ...window })
  const panes = new PaneList(arithmetic)
  const tables = new PaneTables(parts)
  return {
    spans: new PaneSpans(arithmetic, panes, tables),
    open(start, keys) {
      const { table } = panes.open(start, tables.take())
      for (const key of keys) {
        table.key.fill(0)
        table.key[0] = key
        table.findOrInsert()
      }
    },
  }
}

const sizes = (tables: readonly GroupTable[]): number[] => tables.map((table) => table.size)

describe('windows of many panes', () => {
  it('give what recomputing every window from its rows gives', () => {
    fc.assert(
      fc.property(
        deepArbitrary,
        keysArbitrary,
        eventsArbitrary,
        optionsArbitrary,
        (window, keys, events, o) => {
          const node = windowNode(window, keys, basic)
          const h = run(node, events, o)
          const expected = oracle(node, events, computeBasic)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(expected.rows)))
          expect(h.out.filter(({ port }) => port === 'late').map((late) => late.row)).toEqual(expected.late)
          expect(h.counters.stateEntries).toBe(0)
          expect(h.held).toEqual({ strings: 0, doubles: 0 })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keep values, sets and sketches, and give their memory back', () => {
    fc.assert(
      fc.property(
        deepArbitrary,
        keysArbitrary,
        eventsArbitrary,
        optionsArbitrary,
        (window, keys, events, o) => {
          const node = windowNode(window, keys, rich)
          const h = run(node, events, o)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(oracle(node, events, computeRich).rows)))
          expect(h.held).toEqual({ strings: 0, doubles: 0 })
        },
      ),
      { numRuns: 100 },
    )
  })

  it('PN1: sums of floats are the same to the last bit, whatever other keys and batches there are', () => {
    const float = fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e9, max: 1e9 })
    fc.assert(
      fc.property(
        deepArbitrary,
        fc.array(fc.record({ real: float, step: fc.integer({ min: 0, max: 6 }) }), { maxLength: 80 }),
        optionsArbitrary,
        optionsArbitrary,
        (window, drawn, one, other) => {
          let time = 0
          const events = drawn.map(({ real, step }): Event => ({
            kind: 'row',
            row: { ...row, real },
            time: (time += step),
          }))
          const more = events.flatMap((event): Event[] => [
            { kind: 'row', row: { ...row, text: 'b' }, time: event.time - 40 },
            event,
            { kind: 'watermark', time: event.time },
          ])
          const node = windowNode(window, ['text'], [basic[4]!, rich[1]!])
          const [alone, among] = [run(node, events, one), run(node, more, other)].map((h) =>
            mainRows(h)
              .map((out) => out.row)
              .filter(({ text }) => text === 'a'),
          )
          expect(among).toEqual(alone)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('PN2: rows behind windows that have fired count in those that follow', () => {
    const node = windowNode({ kind: 'sliding', sizeMs: 64, slideMs: 1, offsetMs: 0 }, [], [basic[0]!])
    const events: Event[] = []
    for (let time = 0; time < 100; time++) {
      events.push({ kind: 'row', row, time }, { kind: 'watermark', time })
      if (time >= 63) events.push({ kind: 'row', row, time: time - 60 })
    }
    const h = run(node, events, { batch: 1 })
    expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(oracle(node, events, computeBasic1).rows)))
  })

  it('need the logarithm of their panes in tables', () => {
    const { spans, open } = spansOver({ sizeMs: 600, slideMs: 1 })
    for (let start = 0; start < 2000; start++) open(start, [1, 2, 3])
    for (let end = 600; end < 2000; end++)
      expect(spans.of(end).length).toBeLessThanOrEqual(2 * Math.log2(600))
  })

  it('PN3: keys that do not repeat are not held twice', () => {
    const { spans, open } = spansOver({ sizeMs: 64, slideMs: 1 })
    for (let start = 0; start < 64; start++) open(start, [10 * start, 10 * start + 1])
    const before = spans.bytes
    expect(sizes(spans.of(64))).toEqual(Array.from({ length: 64 }, () => 2))
    expect(spans.bytes).toBe(before)
  })

  it('PN3: keys that repeat take one table more per pane at most', () => {
    const { spans, open } = spansOver({ sizeMs: 64, slideMs: 1 })
    const keys = Array.from({ length: 100 }, (_, n) => n)
    for (let start = 0; start < 256; start++) open(start, keys)
    const tables = new Set<GroupTable>()
    for (let end = 64; end <= 256; end++) for (const table of spans.of(end)) tables.add(table)
    expect(tables.size).toBeLessThan(2 * 256)
    expect(sizes([...tables])).toEqual(Array.from(tables, () => 100))
    spans.dropTo(255)
    expect(spans.bytes).toBeLessThan(16 * 1024)
  })
})

const computeBasic1 = (rows: Row[]): Record<string, unknown> => ({ rows: rows.length })
