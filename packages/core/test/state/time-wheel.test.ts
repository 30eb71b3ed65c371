/** Records by time, against a sorted array. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimeWheel } from '../../src/state/index.ts'

const time = fc.oneof(
  fc.integer({ min: -3000, max: 5000 }),
  fc.integer({ min: 0, max: 30 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1_700_000_000_000, 1_700_000_001_023),
)

type Step = { readonly add: number } | { readonly takeBefore: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: time }) },
    { weight: 1, arbitrary: fc.record({ takeBefore: fc.oneof(time, fc.constant(Infinity)) }) },
  ),
  { maxLength: 150 },
)

interface Entry {
  readonly record: number
  readonly time: number
  /** Added for a time before a bound that was asked for. */
  readonly isBehind: boolean
}

function drain(wheel: TimeWheel, bound: number): number[] {
  const records: number[] = []
  for (let record = wheel.take(bound); record >= 0; record = wheel.take(bound)) records.push(record)
  return records
}

describe('a timing wheel', () => {
  it('gives every record once, in order of time and of adding (TW1); what comes behind first (TW2)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const wheel = new TimeWheel()
        let pending: Entry[] = []
        let asked = -Infinity
        const spare: number[] = []
        let records = 0
        for (const step of [...all, { takeBefore: Infinity }]) {
          if ('add' in step) {
            const record = spare.pop() ?? records++
            wheel.add(record, step.add)
            pending.push({ record, time: step.add, isBehind: step.add < asked })
            continue
          }
          asked = Math.max(asked, step.takeBefore)
          const due = pending.filter((entry) => entry.time < asked)
          pending = pending.filter((entry) => entry.time >= asked)
          const taken = drain(wheel, asked)
          const behind = due.filter(({ isBehind }) => isBehind)
          const inOrder = due.filter(({ isBehind }) => !isBehind).toSorted((a, b) => a.time - b.time)
          expect(new Set(taken.slice(0, behind.length))).toStrictEqual(
            new Set(behind.map((one) => one.record)),
          )
          expect(taken.slice(behind.length)).toStrictEqual(inOrder.map((one) => one.record))
          expect(wheel.size).toBe(pending.length)
          spare.push(...taken)
        }
      }),
      { numRuns: 500 },
    )
  })
})
