// The suite of older attempts is seen to fail for sinks that one of them disturbs.
import { describe, expect, test } from 'vitest'
import { memorySink } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { schema, t } from '../../src/data/index.ts'
import type { Json } from '../../src/data/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { declareSuite } from '../../src/testing/conformance.ts'
import { declareAttempts } from '../../src/testing/sink-attempts.ts'

const tools = { describe, test, expect }
const Row = schema({ n: t.int32() })

/** What a sink does although a newer attempt is at work: it gives up what was prepared and not committed, or shows it again. */
type Slip = 'sweep' | 'finish' | 'close' | 'commit'

function careless(slip: Slip | undefined): { sink: Sink; rows: () => object[] } {
  const inner = memorySink<{ n: number }>()
  const waiting = new Set<string>()
  const lost = new Set<string>()
  const again: object[] = []
  const giveUp = (keep: readonly Json[] = []): void => {
    const kept = new Set(keep.map((one) => JSON.stringify(one)))
    for (const one of waiting) if (!kept.has(one)) lost.add(one)
  }
  const sink: Sink = {
    ...inner,
    async open(context) {
      const run = await inner.open(context)
      return {
        ...run,
        async writer(task) {
          const writer = await run.writer(task)
          return {
            ...writer,
            async prepare(epoch) {
              const committable = await writer.prepare(epoch)
              if (committable !== undefined) waiting.add(JSON.stringify(committable))
              return committable
            },
          }
        },
        async commit(committables) {
          const names = committables.map((one) => JSON.stringify(one))
          if (names.some((name) => lost.has(name))) return committables.map(() => ({ kind: 'lost', reason: 'given up' }))
          for (const name of names) if (!waiting.delete(name) && slip === 'commit') again.push({ n: 0 }, { n: 1 })
          return run.commit(committables as never)
        },
        async sweep(keep) {
          if (slip === 'sweep') giveUp(keep)
          await run.sweep(keep as never)
        },
        async finish() {
          if (slip === 'finish') giveUp()
        },
        async close() {
          if (slip === 'close') giveUp()
        },
      }
    },
  }
  return { sink, rows: () => [...inner.rows, ...again] }
} // prettier-ignore

const beside = (what: string): string => `gives rows once beside an older attempt that ${what}`
const failures: readonly (readonly [Slip | undefined, readonly string[]])[] = [
  [undefined, []],
  ['sweep', [beside('sweeps')]],
  ['finish', [beside('finishes'), beside('commits, finishes and closes')]],
  ['close', [beside('closes'), beside('commits, finishes and closes')]],
  [
    'commit',
    [
      'sweeps', 'finishes', 'prepares', 'closes', 'commits', 'commits, finishes and closes',
    ].map(beside).concat('commits what an older attempt commits at the same moment'),
  ],
] // prettier-ignore

describe('the suite of older attempts', () => {
  for (const [slip, expectedFailures] of failures)
    declareSuite(
      tools,
      { name: `sees what is careless in ${slip ?? 'nothing'}`, expectedFailures },
      (declare) => {
        declareAttempts(declare, tools, async () => {
          const { sink, rows } = careless(slip)
          return {
            host: createManualHost(),
            sink: () => sink,
            schema: Row,
            row: (n) => ({ n }),
            visible: async () => rows(),
          }
        })
      },
    )
})
