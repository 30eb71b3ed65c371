import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarEnd, calendarStart } from '../../src/time/calendar.ts'
import type { CalendarUnit } from '../../src/time/calendar.ts'
import { isZone, zoneOf } from '../../src/time/zone.ts'

const names = [
  'Europe/Zurich',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'UTC',
  '-03:30',
]
const at = (text: string): number => Date.parse(text)
const arbitraryMs = fc.integer({ min: at('1950-01-01'), max: at('2040-01-01') })

function intlLocal(ms: number, zone: string): number {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<string, number>
  return (
    Date.UTC(
      parts['year']!,
      parts['month']! - 1,
      parts['day'],
      parts['hour'],
      parts['minute'],
      parts['second'],
    ) +
    (((ms % 1000) + 1000) % 1000)
  )
}

describe('zones', () => {
  it('Z1: have the offset that Intl gives, also right at the changes', () => {
    const zurich = zoneOf('Europe/Zurich')
    const spring = at('2024-03-31T01:00:00Z')
    expect([zurich.offsetAt(spring - 1), zurich.offsetAt(spring)]).toEqual([3_600_000, 7_200_000])
    fc.assert(
      fc.property(fc.constantFrom(...names.slice(0, 7)), arbitraryMs, (name, ms) => {
        expect(zoneOf(name).toLocal(ms)).toBe(intlLocal(ms, name))
      }),
      { numRuns: 200 },
    )
  })

  it('Z2: read a local time in a gap with the offset before it', () => {
    expect(zoneOf('Europe/Zurich').toInstant(at('2024-03-31T02:30:00Z'))).toBe(at('2024-03-31T01:30:00Z'))
    // A whole day was skipped when Samoa crossed the date line.
    expect(zoneOf('Pacific/Apia').toInstant(at('2011-12-30T12:00:00Z'))).toBe(at('2011-12-30T22:00:00Z'))
  })

  it('Z3: take the first of two equal local times', () => {
    expect(zoneOf('Europe/Zurich').toInstant(at('2024-10-27T02:30:00Z'))).toBe(at('2024-10-27T00:30:00Z'))
    expect(zoneOf('America/New_York').toInstant(at('2024-11-03T01:30:00Z'))).toBe(at('2024-11-03T05:30:00Z'))
  })

  it('come back from local times, except from the second of two', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), arbitraryMs, (name, ms) => {
        const zone = zoneOf(name)
        const back = zone.toInstant(zone.toLocal(ms))
        expect(back).toBeLessThanOrEqual(ms)
        expect(zone.toLocal(back)).toBe(zone.toLocal(ms))
      }),
      { numRuns: 300 },
    )
  })

  it('refuse names that do not exist', () => {
    expect(() => zoneOf('Mars/Olympus')).toThrowError(expect.objectContaining({ code: 'value/invalid' }))
    expect([isZone('Mars/Olympus'), isZone('Asia/Tokyo'), isZone('+05:30'), isZone('')]).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(zoneOf('+05:30').offsetAt(0)).toBe(19_800_000)
  })
})

describe('calendar periods', () => {
  const units: CalendarUnit[] = ['day', 'week', 'month', 'quarter', 'year']

  it('contain their times, join without gaps, and begin where the one before ends', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...units), arbitraryMs, (name, unit, ms) => {
        const zone = zoneOf(name)
        const start = calendarStart(ms, unit, zone)
        const end = calendarEnd(ms, unit, zone)
        expect(start <= ms && ms < end).toBe(true)
        expect(calendarStart(end, unit, zone)).toBe(end)
        expect(calendarStart(start, unit, zone)).toBe(start)
      }),
      { numRuns: 500 },
    )
  })

  it('have days of 23 and 25 hours where clocks change', () => {
    const zurich = zoneOf('Europe/Zurich')
    const hours = (text: string): number =>
      (calendarEnd(at(text), 'day', zurich) - calendarStart(at(text), 'day', zurich)) / 3_600_000
    expect([hours('2024-03-31T12:00Z'), hours('2024-10-27T12:00Z'), hours('2024-06-01T12:00Z')]).toEqual([
      23, 25, 24,
    ])
  })

  it.each([
    ['week', '2024-02-26T00:00Z'],
    ['month', '2024-02-01T00:00Z'],
    ['quarter', '2024-01-01T00:00Z'],
    ['year', '2024-01-01T00:00Z'],
  ] as const)('truncate to the %s', (unit, start) => {
    expect(calendarStart(at('2024-02-29T23:59:59.999Z'), unit)).toBe(at(start))
  })
})
