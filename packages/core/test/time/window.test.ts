import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLate,
  isWindowComplete,
  normalOffset,
  paneSize,
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
