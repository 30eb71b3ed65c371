/**
 * Kernels that generated code calls, on values made to be awkward for them: what they decide is what the reference says,
 * and what they leave open the reference is asked about. Functions as wholes are cross.test.ts.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeBatch } from '../../src/data/batch.ts'
import type { Column } from '../../src/data/column.ts'
import { t } from '../../src/data/builder.ts'
import { textBufferOf } from '../../src/data/text-bytes.ts'
import type { DataType } from '../../src/data/type.ts'
import { isMillraceError } from '../../src/errors.ts'
import * as calendar from '../../src/expr/calendar-kernels.ts'
import { bindExpression, compileTransform, evaluate, sqlText } from '../../src/expr/index.ts'
import { compileLike, likeBytes } from '../../src/expr/like-kernel.ts'
import { likePattern } from '../../src/expr/pattern.ts'
import { dateField, truncateDay } from '../../src/expr/time-fields.ts'
import { failValue } from '../../src/expr/value-error.ts'
import { columnOf, readCell } from '../../src/expr/value.ts'
import type { Value } from '../../src/expr/value.ts'
import { addMonths } from '../../src/time/index.ts'

const encoder = new TextEncoder()

/** A value as text, or the code of the error. */
function outcome(compute: () => Value): string {
  try {
    const value = compute()
    return Object.is(value, -0) ? '-0' : String(value as string)
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return error.code
  }
}

/** Where generated code and the evaluator differ over a column `x`, row by row; and what never was generated code's. */
function differences(type: DataType, values: readonly Value[], texts: readonly string[]): string[] {
  const schema = { fields: [{ name: 'x', type, nullable: true }] }
  const batch = makeBatch(schema, [columnOf(type, values)], values.length)
  return texts.flatMap((text) => {
    const expression = bindExpression(sqlText(text), schema)
    const transform = compileTransform({ schema, outputs: [{ name: 'y', expression }] })
    const found = values.flatMap((value, row) => {
      const alone = { ...batch, selection: Int32Array.of(row), selectedCount: 1 }
      const expected = outcome(() => evaluate(expression, batch, row))
      const actual = outcome(() => readCell(transform.run(alone).columns[0] as Column, row))
      return actual === expected ? [] : [`${text} of ${String(value as string)}: ${actual}, not ${expected}`]
    })
    return transform.batches.generated > 0 ? found : [...found, `${text} was never generated code's`]
  })
}

const digits = fc.stringMatching(/^\d{0,17}$/)
const numberTexts = fc.oneof(
  fc.integer().map(String),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc
    .tuple(fc.constantFrom('', '-', '+', ' ', '--'), digits, fc.constantFrom('', '.', 'e', '_', ' '), digits)
    .map((parts) => parts.join('')),
  fc.constantFrom(
    '',
    '-',
    '.',
    '-0',
    '-0.0',
    '0.125',
    '1.005',
    '0x1F',
    '9007199254740993',
    '999999999999999',
  ),
)

test('numbers are read from text as the reference reads them', () => {
  fc.assert(
    fc.property(fc.array(numberTexts, { minLength: 1, maxLength: 20 }), (values) => {
      const types = ['integer', 'smallint', 'ubigint', 'bigint', 'double precision', 'decimal(10, 2)', 'decimal(30, 12)'] // prettier-ignore
      expect(
        differences(
          { kind: 'string' },
          ['7', ...values, null],
          types.map((type) => `cast(x as ${type})`),
        ),
      ).toEqual([])
    }),
    { numRuns: 60 },
  )
})

const timeTexts = fc.tuple(
  fc.constantFrom('2001-02-03', '1969-12-31', '2001-02-29', '-000043-03-15', '+012345-01-01', '2001-2-3'),
  fc.constantFrom('', 'T', ' '),
  fc.constantFrom('', '04:05', '04:05:06', '23:59:59', '24:00:00', '04:05+02', '04:05:60'),
  fc.constantFrom('', '.', '.5', '.123', '.1235', '.123456789'),
  fc.constantFrom('', 'Z', 'z', '+02', '-0330', '+05:30'),
).map((parts) => parts.join('')) // prettier-ignore

test('dates and timestamps are read from text as the reference reads them', () => {
  fc.assert(
    fc.property(fc.array(timeTexts, { minLength: 1, maxLength: 20 }), (values) => {
      const types = ['date', 'timestamp', 'timestamp(6)', 'timestamptz']
      expect(
        differences(
          { kind: 'string' },
          ['2001-02-03', ...values],
          types.map((type) => `cast(x as ${type})`),
        ),
      ).toEqual([])
    }),
    { numRuns: 100 },
  )
})

const safe = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, -1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1)) // prettier-ignore

describe('text is written as the reference writes it', () => {
  test.each<readonly [string, DataType]>([
    ['bigint', t.int64().type],
    ['decimal of scale 2', { kind: 'decimal', precision: 18, scale: 2 }],
    ['decimal of scale 17', { kind: 'decimal', precision: 38, scale: 17 }],
    ['timestamp in ms', { kind: 'timestamp', unit: 'ms', zoned: false }],
    ['timestamp in us', { kind: 'timestamp', unit: 'us', zoned: true }],
    ['timestamp in ns', { kind: 'timestamp', unit: 'ns', zoned: false }],
  ])('%s', (_, type) => {
    fc.assert(
      fc.property(fc.array(safe, { minLength: 1, maxLength: 20 }), (values) => {
        expect(differences(type, values.map(BigInt), ['cast(x as text)'])).toEqual([])
      }),
    )
  })
  test('date and float', () => {
    const days = fc.array(fc.integer({ min: -3_000_000, max: 4_000_000 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(days, (values) => {
        expect(differences({ kind: 'date' }, values, ['cast(x as text)'])).toEqual([])
      }),
    )
    const floats = fc.array(fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 1e15, 1e-4, 123456.75)), { minLength: 1, maxLength: 20 }) // prettier-ignore
    fc.assert(
      fc.property(floats, (values) => {
        expect(differences({ kind: 'float64' }, values, ['cast(x as text)'])).toEqual([])
      }),
    )
  })
})

test('floats are rounded to digits, and to decimals, as the reference does, ties too', () => {
  const ties = fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.constantFrom(2, 8, 10, 100, 200, 1000, 2000)).map(([a, b]) => a / b) // prettier-ignore
  const values = fc.array(fc.oneof(ties, fc.double({ min: -1e12, max: 1e12 }), fc.constantFrom(1.005, 2.675, -0.125, 1e300, -0, Infinity)), { minLength: 1, maxLength: 20 }) // prettier-ignore
  const texts = [
    'round(x, 2)',
    'round(x, 0)',
    'round(x, 7)',
    'cast(x as decimal(12, 2))',
    'cast(x as decimal(38, 9))',
  ]
  fc.assert(
    fc.property(values, (floats) => {
      expect(differences({ kind: 'float64' }, [1.5, ...floats], texts)).toEqual([])
    }),
  )
})

test('LIKE on bytes says what the pattern as a regular expression says', () => {
  const letters = fc.constantFrom('a', 'b', 'A', 'é', '日', '😀', '%', '_', '\\')
  const words = fc.array(letters, { maxLength: 8 }).map((all) => all.join(''))
  fc.assert(
    fc.property(words, words, fc.constantFrom('\\', 'a', ''), (text, pattern, escape) => {
      const steps = compileLike(pattern, escape)
      const bytes = encoder.encode(`x${text}`)
      const found = outcome(() =>
        steps === undefined ? failValue('value/invalid', '') : likeBytes(bytes, 1, bytes.length - 1, steps),
      )
      const expected = outcome(() => likePattern(pattern, escape, false).test(text))
      expect([text, pattern, escape, found]).toEqual([text, pattern, escape, expected])
    }),
    { numRuns: 2000 },
  )
})

test('a pattern with many % takes no longer than both lengths ask for', () => {
  const text = 'a'.repeat(5000)
  const pattern = `${'%a'.repeat(50)}%b`
  expect(likePattern(pattern, '\\', false).test(text)).toBe(false)
  expect(likePattern(pattern, '\\', true).test(`${text}B`)).toBe(true)
  const bytes = encoder.encode(text)
  expect(likeBytes(bytes, 0, bytes.length, compileLike(pattern, '\\') as Int16Array)).toBe(false)
})

test('ILIKE says what the pattern as a regular expression says, for any alphabet', () => {
  const letters = fc.constantFrom('a', 'K', 'k', '\u212A', 'ſ', 's', 'é', '%', '_', '@', '`')
  const words = fc.array(letters, { maxLength: 6 }).map((all) => all.join(''))
  fc.assert(
    fc.property(fc.array(words, { minLength: 1 }), words, (values, pattern) => {
      expect(
        differences({ kind: 'string' }, [...values, 'k'.repeat(300), null], [`x ilike '${pattern}'`]),
      ).toEqual([])
    }),
  )
})

test('bytes that the evaluator reads are a copy, also of memory that is a Buffer', () => {
  const bytes = textBufferOf(Uint8Array.of(1, 2, 3))
  const column: Column = { layout: 'utf8', type: { kind: 'bytes' }, bytes, starts: Int32Array.of(0), lengths: Int32Array.of(2), validity: undefined } // prettier-ignore
  const value = readCell(column, 0)
  bytes.fill(9)
  expect(value).toEqual(Uint8Array.of(1, 2))
})

test('calendar kernels agree with the calendar', () => {
  const days = fc.oneof(fc.integer({ min: -200_000_000, max: 200_000_000 }), fc.integer({ min: -1_000_000, max: 1_000_000 })) // prettier-ignore
  fc.assert(
    fc.property(days, fc.integer({ min: -700_000, max: 700_000 }), (day, months) => {
      expect(calendar.yearOfDay(day)).toBe(dateField('year', day))
      expect(calendar.monthOfDay(day)).toBe(dateField('month', day))
      expect(calendar.dayOfMonth(day)).toBe(dateField('day', day))
      expect(calendar.monthStart(day)).toBe(truncateDay('month', day))
      expect(calendar.addMonthsToDay(day, months)).toBe(addMonths(day, months))
    }),
    { numRuns: 2000 },
  )
})
