import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../src/time/duration.ts'

describe('parseDuration', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    ['10 s', 10_000],
    ['1 hour', 3_600_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1 h 30 min', 5_400_000],
    ['0.1s', 100],
    ['1.5 days', 129_600_000],
    ['2 Weeks', 1_209_600_000],
    [{ minutes: 5 }, 300_000],
    [{ days: 1, hours: -1 }, 82_800_000],
    [{ seconds: 1, milliseconds: 1 }, 1001],
  ] as const)('reads %j', (duration, ms) => {
    expect(parseDuration(duration)).toBe(ms)
  })

  it.each([
    '',
    '  ',
    '10',
    's',
    '10 parsecs',
    '5m 3m',
    '-1 s',
    '1h-30m',
    '10 s!',
    'constructor',
    '1 constructor',
    '0.0001 ms',
    '1e3 s',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0.5,
    1e300,
    {},
    { weeks: 1 },
    { minutes: '5' },
    { hours: -1 },
    null,
    undefined,
    [],
    true,
  ])('refuses %j with a hint', (duration) => {
    expect(() => parseDuration(duration as never)).toThrowError(
      expect.objectContaining({ code: 'duration/invalid', hint: expect.stringContaining("'10 s'") }),
    )
  })

  it.each([
    ['1 huor', '"huor" is no unit of time', "did you mean '1 hour'?"],
    ['2 dyas', '"dyas" is no unit of time', "did you mean '2 days'?"],
    ['1h 30 mintes', '"mintes" is no unit of time', "did you mean '1h 30 minutes'?"],
    ['5 fortnights', '"fortnights" is no unit of time', 'units are ms, s, min, h, d and w'],
    ['5', 'it has no unit', "write '5 s' for seconds"],
  ])('of %j says what is wrong and what may be meant', (text, detail, hint) => {
    expect(() => parseDuration(text)).toThrowError(
      expect.objectContaining({ detail, hint: expect.stringContaining(hint) }),
    )
  })

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })
})
