// TL3: what a window of many keys held is given back in pieces, between which the loop yields.
import { expect, test } from 'vitest'
import { PaneWindows } from '../../src/engine/window/window-aggregate-panes.ts'
import { SessionWindows } from '../../src/engine/window/window-aggregate-sessions.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import type { WindowSpec } from '../../src/plan/logical.ts'
import { SWEPT_MAX } from '../../src/state/index.ts'
import { batchOf, harness } from './operator-harness.ts'
import type { InRow } from './operator-harness.ts'
import { basic, schema, windowNode } from './window-oracle.ts'

const KEYS = 30_000
const PER_BATCH = 10_000

const rowOf = (n: number): InRow => ({
  row: { text: `key ${n}`, small: 1, whole: 1, real: 1, flag: true },
  time: 5,
})

test.each<WindowSpec>([
  { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
  { kind: 'sliding', sizeMs: 20, slideMs: 10, offsetMs: 0 },
  { kind: 'session', gapMs: 10 },
])('TL3: the strings of many keys of one window are freed in pieces: %j', (window) => {
  const { context, counters, out } = harness({ batchRows: 4096 })
  const operator = createWindowAggregate(windowNode(window, ['text'], basic), schema, context, {
    functions: new Map(),
  })
  if (!(operator instanceof PaneWindows || operator instanceof SessionWindows)) throw new Error('which?')
  for (let round = 0; round < 2; round++) {
    for (let from = 0; from < KEYS; from += PER_BATCH) {
      const rows = Array.from({ length: PER_BATCH }, (_, n) => rowOf(from + n))
      operator.push(
        batchOf(
          schema,
          rows.map((row) => ({ ...row, time: 5 + round * 1000 })),
        ),
        0,
      )
    }
    expect(operator.held().strings).toBe(KEYS)
    let pieces = 0
    let isDone = false
    while (!isDone) {
      const before = operator.held().strings
      isDone = operator.advance(500 + round * 1000)
      const freed = before - operator.held().strings
      expect(freed).toBeLessThanOrEqual(SWEPT_MAX)
      if (freed > 0) pieces++
    }
    expect(pieces).toBeGreaterThanOrEqual(KEYS / SWEPT_MAX)
    expect(operator.held()).toEqual({ strings: 0, doubles: 0 })
    expect(counters.stateEntries).toBe(0)
  }
  const rows = window.kind === 'sliding' ? 2 * KEYS : KEYS
  expect(out.filter(({ port }) => port === 'main')).toHaveLength(2 * rows)
})
