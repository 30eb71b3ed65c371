import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLate,
  isWindowComplete,
  normalOffset,
  paneSize,
  slidingWindowStarts,
  windowMaxTime,
  windowStart,
} from '../../src/time/window.ts'

const arbitraryTime = fc.integer({ min: -1e14, max: 1e14 })
const arbitrarySize = fc.integer({ min: 1, max: 1e9 })
const arbitraryOffset = fc.integer({ min: -1e10, max: 1e10 })

describe('windows', () => {
  it('contain the times assigned to them, before 1970 too', () => {
    fc.assert(
      fc.property(arbitraryTime, arbitrarySize, arbitraryOffset, (time, size, offset) => {
        const start = windowStart(time, size, offset)
        expect(start <= time && time < start + size).toBe(true)
        expect(windowStart(start, size, offset)).toBe(start)
        expect(windowStart(windowMaxTime(start + size), size, offset)).toBe(start)
        expect(windowStart(time, size, normalOffset(offset, size))).toBe(start)
      }),
    )
    expect(windowStart(-1, 10)).toBe(-10)
    expect(windowStart(-10, 10)).toBe(-10)
  })

  it('slide: exactly the windows that contain the time, oldest first', () => {
    const small = fc.integer({ min: 1, max: 50 })
    fc.assert(
      fc.property(
        fc.integer({ min: -500, max: 500 }),
        small,
        small,
        fc.integer({ min: -60, max: 60 }),
        (time, size, slide, offset) => {
          const expected: number[] = []
          for (let start = time - size - slide; start <= time; start++) {
            if (normalOffset(start - offset, slide) === 0 && start > time - size) expected.push(start)
          }
          expect(slidingWindowStarts(time, size, slide, offset)).toEqual(expected)
        },
      ),
    )
  })

  it('share panes of the greatest common divisor', () => {
    expect(paneSize(60, 25)).toBe(5)
    expect(paneSize(3_600_000, 60_000)).toBe(60_000)
    expect(paneSize(7, 3)).toBe(1)
  })

  it('are complete at their end, and late after their lateness', () => {
    expect([isWindowComplete(10, 9), isWindowComplete(10, 10)]).toEqual([false, true])
    expect([isLate(10, 5, 14), isLate(10, 5, 15)]).toEqual([false, true])
  })
})
