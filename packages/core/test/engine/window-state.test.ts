/** State of windows: cut anywhere, written, read into other tasks, it goes on as if nothing had been. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StateRows } from '../../src/checkpoint/index.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import type { WindowAggregateNode, WindowSpec } from '../../src/plan/logical.ts'
import type { OutRow } from './operator-harness.ts'
import { cutsArbitrary, isRemoved, runStep, without } from './state-harness.ts'
import type { StepEvent, StepOptions, StepRun } from './state-harness.ts'
import {
  basic,
  consolidate,
  rowArbitrary,
  ownFunctions,
  rich,
  schema,
  windowArbitrary,
  windowNode,
} from './window-oracle.ts'

const sessionArbitrary: fc.Arbitrary<WindowSpec> = fc.record({
  kind: fc.constant('session' as const),
  gapMs: fc.integer({ min: 1, max: 40 }),
})

/** Time goes on with the events, so that windows stay open over several cuts; some rows are late. */
const eventsArbitrary: fc.Arbitrary<readonly StepEvent[]> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ row: rowArbitrary, at: fc.integer({ min: -30, max: 60 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ row: fc.constant(undefined), at: fc.integer({ min: -40, max: 0 }) }),
      },
    ),
    { minLength: 5, maxLength: 50 },
  )
  .map((events) =>
    events.map(({ row, at }, n): StepEvent => {
      const time = 3 * n + at
      return row === undefined ? { kind: 'watermark', time } : { kind: 'row', row, time }
    }),
  )

function optionsOf(node: WindowAggregateNode, tasks: number, batch: number): StepOptions {
  return {
    make: (context) =>
      createWindowAggregate(node, schema, context, { functions: new Map([['own', ownFunctions]]) }),
    schema,
    keys: node.keys,
    batch,
    tasks,
  }
}

const rowsOf = (run: StepRun, port: string): OutRow[] => run.out.filter((row) => row.port === port)

/** What a run amounts to; with its tasks, that they hold nothing in the end. */
function outcome(run: StepRun): unknown {
  return {
    main: consolidate(rowsOf(run, 'main')),
    late: consolidate(rowsOf(run, 'late')),
    lateRows: run.lateRows,
    held: run.tasks
      .map(({ operator, h }) => ({
        ...(operator as unknown as { held(): object }).held(),
        entries: h.counters.stateEntries,
      }))
      .find(({ entries, ...held }) => entries > 0 || Object.values(held).some((count) => count !== 0)),
  }
}

for (const [name, windows] of [
  ['windows of panes', windowArbitrary],
  ['sessions', sessionArbitrary],
] as const) {
  describe(`state of ${name}`, () => {
    for (const [kind, aggregates] of [
      ['numbers and texts', basic],
      ['values, sets, sketches and objects', rich],
    ] as const) {
      it(`go on with ${kind} from any chain of snapshots, at any parallelism`, async () => {
        await fc.assert(
          fc.asyncProperty(
            windows as fc.Arbitrary<WindowSpec>,
            fc.constantFrom(['text'], ['small', 'flag'], ['flag'], ['whole', 'text']),
            fc.constantFrom(0, 0, 15),
            eventsArbitrary,
            cutsArbitrary,
            fc.integer({ min: 1, max: 9 }),
            async (window, keys, lateness, events, cuts, batch) => {
              const node = windowNode(window, keys, aggregates, lateness)
              const options = optionsOf(node, 1, batch)
              const expected = await runStep(events, options, [])
              const run = await runStep(events, { ...options, tasks: 3, batchRows: 3 }, cuts)
              expect(outcome(run)).toEqual(outcome(expected))
            },
          ),
          { numRuns: 100 },
        )
      })
    }
  })
}

describe('windows that late rows revise, and sessions that join', () => {
  /** Watermarks follow closely, and most rows are behind them. */
  const lateArbitrary: fc.Arbitrary<readonly StepEvent[]> = fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ row: rowArbitrary, at: fc.integer({ min: -70, max: 10 }) }) },
        { weight: 1, arbitrary: fc.record({ row: fc.constant(undefined), at: fc.constant(0) }) },
      ),
      { minLength: 30, maxLength: 60 },
    )
    .map((events) =>
      events.map(({ row, at }, n): StepEvent => {
        const time = 2 * n + at
        return row === undefined ? { kind: 'watermark', time } : { kind: 'row', row, time }
      }),
    )
  it.each<WindowSpec>([
    { kind: 'tumbling', sizeMs: 20, offsetMs: 0 },
    { kind: 'sliding', sizeMs: 30, slideMs: 10, offsetMs: 0 },
    { kind: 'session', gapMs: 4 },
  ])('go on from any chain of snapshots: $kind', async (window) => {
    const node = windowNode(window, ['flag'], basic.slice(0, 5), 80)
    await fc.assert(
      fc.asyncProperty(lateArbitrary, cutsArbitrary, async (events, cuts) => {
        const options = optionsOf(node, 1, 2)
        const expected = await runStep(events, options, [])
        expect(outcome(await runStep(events, { ...options, tasks: 2 }, cuts))).toEqual(outcome(expected))
      }),
      { numRuns: 80 },
    )
  })
})

describe('the tests of state find', () => {
  const defects: readonly {
    readonly name: string
    readonly window: WindowSpec
    readonly isLost: (rows: StateRows, row: number) => boolean
  }[] = [
    {
      name: 'a change that was not marked, in panes',
      window: { kind: 'tumbling', sizeMs: 30, offsetMs: 0 },
      isLost: ({ part, batch }, row) => part === 'panes' && row === batch.length - 1,
    },
    {
      name: 'a change that was not marked, in sessions',
      window: { kind: 'session', gapMs: 20 },
      isLost: ({ part, batch }, row) => part === 'sessions' && row === batch.length - 1,
    },
    {
      name: 'a session that is gone and not said to be',
      window: { kind: 'session', gapMs: 20 },
      isLost: isRemoved,
    },
    {
      name: 'how far windows had fired',
      window: { kind: 'sliding', sizeMs: 30, slideMs: 10, offsetMs: 0 },
      isLost: ({ part }) => part === 'progress',
    },
    {
      name: 'how far sessions had come',
      window: { kind: 'session', gapMs: 20 },
      isLost: ({ part }) => part === 'progress',
    },
  ]
  for (const { name, window, isLost } of defects) {
    it(`${name}`, async () => {
      const node = windowNode(window, ['flag'], basic, 0)
      const options = optionsOf(node, 2, 1)
      const property = fc.asyncProperty(eventsArbitrary, async (events) => {
        const cuts = [0.3, 0.5, 0.7].map((at) => ({
          at,
          scope: at === 0.3 ? ('whole' as const) : ('changes' as const),
          restart: at === 0.7 ? 3 : undefined,
        }))
        const expected = await runStep(events, options, [])
        const spoilt = { ...options, spoil: without(isLost) }
        expect(outcome(await runStep(events, spoilt, cuts))).toEqual(outcome(expected))
      })
      const { errorInstance } = await fc.check(property, { numRuns: 100, endOnFailure: true })
      expect(String(errorInstance)).toMatch(/^AssertionError: expected/)
    })
  }
})

describe('a step without keys', () => {
  it('comes back in the one task that it has', async () => {
    const node = windowNode({ kind: 'tumbling', sizeMs: 20, offsetMs: 3 }, [], basic, 10)
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, cutsArbitrary, async (events, cuts) => {
        const options = optionsOf(node, 1, 4)
        const single = cuts.map((cut) => ({ ...cut, restart: cut.restart === undefined ? undefined : 1 }))
        const expected = await runStep(events, options, [])
        expect(outcome(await runStep(events, options, single))).toEqual(outcome(expected))
      }),
      { numRuns: 60 },
    )
  })
})
