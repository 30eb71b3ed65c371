import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addMonths,
  civilFromDays,
  dayOfYear,
  daysFromCivil,
  daysInMonth,
  floorModulo,
  isoWeek,
  weekday,
} from '../../src/time/civil.ts'

// The range of ECMAScript dates, which serve as the oracle.
const arbitraryDays = fc.oneof(
  fc.integer({ min: -100_000_000, max: 100_000_000 }),
  fc.integer({ min: -800_000, max: 800_000 }),
)

describe('the civil calendar', () => {
  it('agrees with ECMAScript dates', () => {
    fc.assert(
      fc.property(arbitraryDays, (days) => {
        const date = new Date(days * 86_400_000)
        const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
        expect(civilFromDays(days)).toEqual(civil)
        expect(daysFromCivil(civil.year, civil.month, civil.day)).toBe(days)
        expect(weekday(days) % 7).toBe(date.getUTCDay())
      }),
    )
  })

  it('knows the length of months, leap years and days of the year', () => {
    expect([2000, 1900, 2024, 2023].map((year) => daysInMonth(year, 2))).toEqual([29, 28, 29, 28])
    expect(dayOfYear(daysFromCivil(2024, 12, 31))).toBe(366)
    expect(dayOfYear(daysFromCivil(2023, 1, 1))).toBe(1)
  })

  it.each([
    ['2020-12-31', 2020, 53],
    ['2021-01-03', 2020, 53],
    ['2021-01-04', 2021, 1],
    ['2018-12-31', 2019, 1],
    ['1969-12-31', 1970, 1],
  ])('gives the ISO week of %s', (text, year, week) => {
    expect(isoWeek(Date.parse(text) / 86_400_000)).toEqual({ year, week })
  })

  it('adds months and keeps to the end of short ones', () => {
    const day = (text: string): number => Date.parse(text) / 86_400_000
    expect(addMonths(day('2024-01-31'), 1)).toBe(day('2024-02-29'))
    expect(addMonths(day('2024-01-31'), -2)).toBe(day('2023-11-30'))
    expect(addMonths(day('1970-01-01'), -1)).toBe(day('1969-12-01'))
    expect(addMonths(day('2023-06-15'), 18)).toBe(day('2024-12-15'))
  })

  it('gives remainders the sign of the divisor, and never −0', () => {
    expect(floorModulo(-1, 7)).toBe(6)
    expect(Object.is(floorModulo(-7, 7), 0)).toBe(true)
  })
})
