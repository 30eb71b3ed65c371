import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatMs,
  formatShare,
  formatShort,
  formatTime,
} from '../src/progress/quantities.ts'

describe('quantities', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [-1234, '-1,234'],
  ])('%d rows are %s', (value, text) => expect(formatCount(value)).toBe(text))

  it.each([
    [0, '0'],
    [999.4, '999'],
    [999.6, '1 k'],
    [12345, '12.3 k'],
    [999_999, '1 M'],
    [4_560_000, '4.56 M'],
    [7.2e15, '7200 T'],
  ])('%d in short is %s', (value, text) => expect(formatShort(value)).toBe(text))

  it.each([
    [512, '512 B'],
    [12_345, '12.3 kB'],
    [4_560_000_000, '4.56 GB'],
  ])('%d bytes are %s', (value, text) => expect(formatBytes(value)).toBe(text))

  it.each([
    [0.4, '0 ms'],
    [350, '350 ms'],
    [999.7, '1.0 s'],
    [4210, '4.2 s'],
    [9960, '10 s'],
    [59_600, '1 min 00 s'],
    [65_000, '1 min 05 s'],
    [7_380_000, '2 h 03 min'],
    [3_599_900, '1 h 00 min'],
    [273_600_000, '3 d 4 h'],
    [788_918_400_000, '9,131 d'],
  ])('%d ms are %s', (value, text) => expect(formatMs(value)).toBe(text))

  it('shares are whole percents', () => expect(formatShare(0.4249)).toBe('42 %'))

  it.each([
    [0, '1970-01-01T00:00Z'],
    [983_423_100_000, '2001-03-01T05:05Z'],
    [983_423_101_000, '2001-03-01T05:05:01Z'],
    [983_423_101_250, '2001-03-01T05:05:01.250Z'],
    [-62_135_596_800_000, '0001-01-01T00:00Z'],
    [9e15, '9000000000000000'],
    [Number.NaN, 'NaN'],
  ])('%d is %s', (value, text) => expect(formatTime(value)).toBe(text))

  it('short forms never show more than four digits before their unit, up to 1000 T', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9.99e14, noNaN: true }), (value) => {
        expect(formatShort(value)).toMatch(/^\d{1,3}(\.\d{1,2})?( [kMGT])?$/)
      }),
    )
  })
})
