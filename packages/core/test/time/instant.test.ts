import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  exactCount,
  formatDate,
  formatInstant,
  formatInstantExact,
  formatTimeOfDay,
  parseDate,
  parseDateBytes,
  parseInstant,
  parseInstantBytes,
  parseInstantExact,
  parseInstantMs,
  parseTimeOfDay,
} from '../../src/time/instant.ts'

const arbitraryMs = fc.oneof(
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
  fc.integer({ min: -6.2e13, max: 6.2e13 }),
)
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const fromBytes = (text: string): number =>
  parseInstantBytes(bytesOf(`##${text}##`), 2, 2 + bytesOf(text).length)

describe('instants', () => {
  it('print as ECMAScript dates do and read back, from text and from bytes', () => {
    fc.assert(
      fc.property(arbitraryMs, (ms) => {
        const text = new Date(ms).toISOString()
        expect(formatInstant(ms)).toBe(text)
        expect(parseInstantMs(text)).toBe(ms)
        expect(fromBytes(text)).toBe(ms)
      }),
    )
  })

  it('keep every nanosecond', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom('ms', 'us', 'ns'),
        (count, unit) => {
          // Milliseconds of 2^63 are beyond every calendar.
          const limited = unit === 'ms' ? count / 1_000_000n : unit === 'us' ? count / 1000n : count
          expect(parseInstantExact(formatInstantExact(limited, unit), unit)).toBe(limited)
        },
      ),
    )
  })

  it.each([
    ['2001-03-25', 985_478_400_000, 0, false],
    ['2001-03-25T02:00', 985_485_600_000, 0, false],
    ['2001-03-25 02:00:01', 985_485_601_000, 0, false],
    ['2001-03-25T02:00:01.5Z', 985_485_601_500, 0, true],
    ['2001-03-25T02:00:01.123456789Z', 985_485_601_123, 456_789, true],
    ['2001-03-25T02:00:01.1234567899Z', 985_485_601_123, 456_789, true],
    ['2001-03-25T02:00:01+02:00', 985_478_401_000, 0, true],
    ['2001-03-25T02:00:01-0330', 985_498_201_000, 0, true],
    ['2001-03-25T02:00:01+02', 985_478_401_000, 0, true],
    ['1969-12-31T23:59:59.9999Z', -1, 900_000, true],
    ['-000001-01-01', -62_198_755_200_000, 0, false],
  ])('reads %s', (text, ms, nanos, zoned) => {
    expect(parseInstant(text)).toEqual({ ms, nanos, zoned })
    expect(fromBytes(text)).toBe(ms)
  })

  it.each([
    '',
    '2001',
    '2001-13-01',
    '2001-02-29',
    '2001-00-10',
    '2001-01-00',
    '2001-04-31',
    '2001-03-25T24:00:00',
    '2001-03-25T02:60',
    '2001-03-25T02:00:60',
    '2001-03-25T02:00:01.Z',
    '2001-03-25T02:00:01.5x',
    '2001-03-25T02',
    '2001-03-25T02:00:01+19:00',
    '2001-3-25',
    ' 2001-03-25',
    '2001-03-25T',
    '20a1-03-25',
    '2001-03-25T0a:00:00',
    '2001-03-25X02:00:00',
    '2001-03-25T02:00:01,',
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeUndefined()
    expect(fromBytes(text)).toBeNaN()
  })

  it('read the same from bytes and from text whatever the input', () => {
    const part = fc.constantFrom(
      '2001',
      '-',
      '03',
      '25',
      'T',
      ' ',
      '02',
      ':',
      '00',
      '.',
      '5',
      'Z',
      '+',
      '29',
      '12',
      '31',
      'x',
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 16 }).map((parts) => parts.join('')),
        (text) => {
          expect(fromBytes(text)).toBe(parseInstantMs(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('count exactly in each unit', () => {
    expect(exactCount({ ms: -1, nanos: 999_999 }, 'ns')).toBe(-1n)
    expect(exactCount({ ms: -1, nanos: 999_999 }, 'us')).toBe(-1n)
    expect(exactCount({ ms: 2, nanos: 1 }, 'ms')).toBe(2n)
  })
})

describe('dates and times of day', () => {
  it('read back what they print', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3_000_000, max: 3_000_000 }), (days) => {
        const text = formatDate(days)
        expect(parseDate(text)).toBe(days)
        expect(parseDateBytes(bytesOf(text), 0, text.length)).toBe(text.length === 10 ? days : Number.NaN)
      }),
    )
  })

  it('refuse days that do not exist', () => {
    for (const text of [
      '2001-02-29',
      '2001-13-01',
      '2001-00-01',
      '2001-01-32',
      '20-01-01',
      '2001/01/01',
      '2001-01-0a',
    ]) {
      expect(parseDate(text)).toBeNaN()
      expect(parseDateBytes(bytesOf(text), 0, text.length)).toBeNaN()
    }
  })

  it('read times of day to the nanosecond', () => {
    expect(parseTimeOfDay('23:59:59.999999999')).toBe(86_399_999_999_999n)
    expect(parseTimeOfDay('00:00')).toBe(0n)
    expect(parseTimeOfDay('24:00')).toBeUndefined()
    expect(formatTimeOfDay(86_399_999)).toBe('23:59:59.999')
  })
})
