import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WatermarkTracker } from '../../src/time/watermark.ts'

type Action = { input: number; do: 'advance' | 'idle' | 'return' | 'end'; to: number }
const arbitraryActions = fc.array(
  fc.record<Action>({
    input: fc.nat(2),
    do: fc.constantFrom('advance', 'advance', 'advance', 'idle', 'return', 'end'),
    to: fc.integer({ min: -100, max: 100 }),
  }),
  { maxLength: 40 },
)

function apply(tracker: WatermarkTracker, action: Action): number {
  if (action.do === 'advance') return tracker.advance(action.input, action.to)
  if (action.do === 'end') return tracker.end(action.input)
  return tracker.setIdle(action.input, action.do === 'idle')
}

describe('WatermarkTracker', () => {
  it('W1, W2: never falls, and is the highest minimum over live inputs so far', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        const tracker = new WatermarkTracker(3)
        const marks = [-Infinity, -Infinity, -Infinity]
        const idle = [false, false, false]
        let expected = -Infinity
        for (const action of actions) {
          if (action.do === 'advance') marks[action.input] = Math.max(marks[action.input]!, action.to)
          if (action.do === 'end') marks[action.input] = Infinity
          if (action.do === 'idle' || action.do === 'return') idle[action.input] = action.do === 'idle'
          const live = marks.filter((mark, i) => mark !== Infinity && !idle[i])
          const allEnded = marks.every((mark) => mark === Infinity)
          if (live.length > 0) expected = Math.max(expected, Math.min(...live))
          else if (allEnded) expected = Infinity
          expect(apply(tracker, action)).toBe(expected)
          expect(tracker.allIdle).toBe(live.length === 0 && !allEnded)
        }
      }),
    )
  })

  it('W3: a returning input does not move it back, and holds it until it catches up', () => {
    const tracker = new WatermarkTracker(2)
    tracker.advance(0, 10)
    tracker.advance(1, 5)
    tracker.setIdle(1, true)
    expect(tracker.advance(0, 20)).toBe(20)
    expect(tracker.setIdle(1, false)).toBe(20)
    expect(tracker.advance(0, 30)).toBe(20)
    expect(tracker.advance(1, 25)).toBe(25)
  })

  it('W4: stays where it is when all inputs are idle, also beside ended ones', () => {
    const tracker = new WatermarkTracker(2)
    tracker.advance(0, 10)
    tracker.advance(1, 7)
    tracker.setIdle(0, true)
    expect(tracker.setIdle(1, true)).toBe(7)
    expect(tracker.allIdle).toBe(true)
    expect(tracker.end(0)).toBe(7)
    expect(tracker.end(1)).toBe(Infinity)
    expect(tracker.allIdle).toBe(false)
  })

  it('starts at −Infinity, ignores NaN, and lets a new input hold it', () => {
    const tracker = new WatermarkTracker(1)
    expect(tracker.current).toBe(-Infinity)
    tracker.advance(0, 5)
    expect(tracker.advance(0, Number.NaN)).toBe(5)
    const added = tracker.addInput()
    expect(tracker.advance(0, 50)).toBe(5)
    expect(tracker.advance(added, 8)).toBe(8)
    expect(new WatermarkTracker().current).toBe(-Infinity)
  })
})
