/** Records by time, against a sorted array. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimeWheel } from '../../src/state/index.ts'

const time = fc.oneof(
  fc.integer({ min: -3000, max: 5000 }),
  fc.integer({ min: 0, max: 30 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1_700_000_000_000, 1_700_000_001_023),
)

type Step = { readonly add: number } | { readonly take: number; readonly most: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: time }) },
    { weight: 1, arbitrary: fc.record({ take: fc.oneof(time, fc.constant(Infinity)), most: fc.nat(10) }) },
  ),
  { maxLength: 150 },
)

describe('a timing wheel', () => {
  it('gives every record once, in order of time and of adding (TW1, TW2)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const wheel = new TimeWheel()
        let pending: { record: number; time: number }[] = []
        let taken = -Infinity
        const spare: number[] = []
        let records = 0
        for (const step of all) {
          if ('add' in step) {
            const record = spare.pop() ?? records++
            wheel.add(record, step.add)
            pending.push({ record, time: step.add })
            continue
          }
          for (let n = 0; n < step.most; n++) {
            const due = pending.filter((entry) => entry.time < step.take)
            const record = wheel.take(step.take)
            if (due.length === 0) {
              expect(record).toBe(-1)
              break
            }
            const entry = due.find((one) => one.record === record)
            expect(entry).toBeDefined()
            const given = (entry as (typeof due)[number]).time
            const behind = due.filter((one) => one.time < taken)
            if (behind.length > 0) expect(given).toBeLessThan(taken)
            else {
              const first = due.reduce((a, b) => (b.time < a.time ? b : a))
              expect({ record, time: given }).toStrictEqual(first)
              taken = given
            }
            pending = pending.filter((one) => one.record !== record)
            spare.push(record)
          }
          expect(wheel.size).toBe(pending.length)
        }
        const rest = pending.length
        for (let n = 0; n < rest; n++) expect(wheel.take(Infinity)).toBeGreaterThanOrEqual(0)
        expect(wheel.take(Infinity)).toBe(-1)
        expect(wheel.size).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('knows the earliest time', () => {
    const wheel = new TimeWheel()
    expect(wheel.earliest()).toBe(Infinity)
    wheel.add(0, 5000)
    wheel.add(1, 70)
    expect(wheel.earliest()).toBe(70)
    // Earlier than what was looked at, and nothing was taken yet.
    wheel.add(2, 60)
    expect(wheel.earliest()).toBe(60)
    expect([
      wheel.take(61),
      wheel.take(61),
      wheel.take(100),
      wheel.take(5000),
      wheel.take(5001),
    ]).toStrictEqual([2, -1, 1, -1, 0])
  })
})
