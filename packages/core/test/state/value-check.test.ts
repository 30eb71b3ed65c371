// What a user function sets is checked at the border of the state: what would come back as something else is refused with
// the path of the part at fault.
import { describe, expect, test } from 'vitest'
import { t } from '../../src/data/index.ts'
import type { ColumnType } from '../../src/data/index.ts'
import { isMillraceError } from '../../src/errors.ts'
import { ValueCheck } from '../../src/state/value-check.ts'

function refusal(
  type: ColumnType,
  value: unknown,
): { readonly text: string; readonly hint: string | undefined } {
  try {
    new ValueCheck(type.type, 'last').check(value)
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { text: `${error.what}: ${error.detail ?? ''}`, hint: error.hint }
  }
  throw new Error('it was taken')
}

/** Checks values one after another. */
const taking = (type: ColumnType, ...values: readonly unknown[]): (() => void) => {
  const check = new ValueCheck(type.type, 'last')
  return () => values.forEach((value) => check.check(value))
}

describe('state of JSON', () => {
  const json = t.json()

  test('takes what JSON can hold, also objects without a prototype', () => {
    const bare: object = Object.assign(Object.create(null) as object, { a: 1 })
    expect(
      taking(json, 0, -1.5, 'x', true, null, [], {}, [1, [null]], { a: { b: ['c'] } }, bare),
    ).not.toThrow()
  })

  test.each([
    ['a date', { at: new Date(0) }, /last\.at is an object of class Date/, /getTime\(\)/],
    ['a map', [new Map()], /last\[0\] is an object of class Map/, /t\.map/],
    ['a set', { a: [1, new Set([1])] }, /last\.a\[1\] is an object of class Set/, /array/],
    ['undefined in a member', { a: { b: undefined } }, /last\.a\.b is undefined/, /leave it out/],
    ['a hole', { a: [1, undefined] }, /last\.a\[1\] is undefined/, /leave it out/],
    ['undefined', undefined, /last is undefined/, /clear\(\)/],
    ['a function', { f: () => 1 }, /last\.f is a function/, /^$/],
    ['a symbol', { s: Symbol('s') }, /last\.s is a symbol/, /^$/],
    ['NaN', { n: Number.NaN }, /last\.n is the number NaN/, /null/],
    ['infinity', [Number.NEGATIVE_INFINITY], /last\[0\] is the number -Infinity/, /null/],
    ['a bigint', { n: 1n }, /last\.n is the bigint 1/, /text/],
    ['bytes', { n: new Uint8Array(1) }, /last\.n is an object of class Uint8Array/, /array/],
    ['an object of a class', { n: new (class Point {})() }, /last\.n is an object of class Point/, /plain/],
  ])('refuses %s with its path', (_, value, said, hint) => {
    const refused = refusal(json, value)
    expect(refused.text).toMatch(/^state "last" cannot hold this value: /)
    expect(refused.text).toMatch(said)
    expect(refused.text).toContain('json was expected')
    expect(refused.hint ?? '').toMatch(hint)
  })

  test('refuses what refers to itself instead of breaking off inside', () => {
    const round: { self?: unknown } = {}
    round.self = round
    expect(refusal(json, round).text).toContain('nested at most 64 deep')
  })
})

describe('state of numbers and times', () => {
  test.each<[string, ColumnType, readonly unknown[], readonly unknown[]]>([
    ['int8', t.int8(), [-128, 127], [-129, 128]],
    ['uint8', t.uint8(), [0, 255], [-1, 256]],
    ['int16', t.int16(), [-32768, 32767], [32768]],
    [
      'int32',
      t.int32(),
      [-(2 ** 31), 2 ** 31 - 1],
      [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN, '1', 1n, true, null],
    ],
    ['uint32', t.uint32(), [0, 2 ** 32 - 1], [-1, 2 ** 32]],
    ['int64', t.int64(), [Number.MAX_SAFE_INTEGER], [2 ** 53, 1n]],
    ['uint64', t.uint64(), [0], [-1]],
    ['int64 as bigint', t.int64().bigint(), [-(2n ** 63n), 2n ** 63n - 1n], [2n ** 63n, 1]],
    ['uint64 as bigint', t.uint64().bigint(), [0n, 2n ** 64n - 1n], [-1n]],
    ['float64', t.float64(), [Number.NaN, -0, 1e300], ['1', 1n]],
    ['time', t.time(), [0, 86_399_999], [-1, 86_400_000, 0.5]],
    ['timestamp', t.timestamp(), [-1, 0, 8.64e15], [0.5, new Date(0), '2001-03-25', 1n]],
    ['timestamp(ns)', t.timestamp('ns'), [9_223_372_036_854], [9_223_372_036_855]],
    ['date', t.date(), ['2001-03-25', '1969-12-31'], ['2001-02-29', 'x', 0, new Date(0)]],
    ['uuid', t.uuid(), ['00000000-0000-4000-8000-000000000000'], ['x']],
    ['decimal', t.decimal(4, 2), ['-12.50', '0.05'], ['123.00', '0.005', 'x', 1]],
    ['bytes', t.bytes(), [new Uint8Array(1)], ['x', [1]]],
    ['boolean', t.boolean(), [true], [1]],
    ['interval', t.interval(), [{ months: 1, days: 0, micros: 0 }], [{ months: 1 }, 1]],
  ])('of %s takes its range and nothing else', (_, type, good, bad) => {
    expect(taking(type, ...good)).not.toThrow()
    for (const value of bad) expect(refusal(type, value).text).toContain('was expected')
  })

  test('says what was expected, and the way from what was given', () => {
    expect(refusal(t.int32(), 2 ** 31).text).toBe(
      'state "last" cannot hold this value: last is the number 2147483648, and int32 was expected: a whole number from -2147483648 to 2147483647',
    )
    expect(refusal(t.int32(), 0.5).hint).toContain('Math.round')
    expect(refusal(t.timestamp(), new Date(0)).hint).toContain('getTime()')
    expect(refusal(t.date(), 0).text).toContain("a text such as '2001-03-25'")
    expect(refusal(t.int32(), undefined).hint).toContain('.clear()')
  })
})

describe('texts that UTF-8 has not', () => {
  const half = '😀'.slice(0, 1)

  test.each<[string, ColumnType, unknown, string]>([
    ['a text', t.string(), `x${half}`, 'last is the string "x\\ud83d"'],
    ['an element', t.list(t.string()), ['😀', half], 'last[1] is the string'],
    ['a member', t.struct({ a: t.string() }), { a: half }, 'last.a is the string'],
    ['a key', t.map(t.string(), t.int32()), new Map([[half, 1]]), 'last.key is the string'],
    ['a text in JSON', t.json(), { a: [half] }, 'last.a[0] is the string'],
    ['a name in JSON', t.json(), { [half]: 1 }, 'last is the string "\\ud83d"'],
  ])('are refused as %s, with the way out', (_, type, value, said) => {
    const refused = refusal(type, value)
    expect(refused.text).toContain(said)
    expect(refused.hint).toContain('surrogate')
  })

  test('whole characters pass, and a mark at the beginning', () => {
    expect(taking(t.string(), '', '😀', '\ufeffid', '\u0000')).not.toThrow()
  })
})

describe('nested state', () => {
  const order = t.struct({
    lines: t.list(t.struct({ price: t.int32(), at: t.timestamp().nullable() })),
    tags: t.map(t.string(), t.float64()),
  })

  test('takes what fits, nulls where they may be, and members that the type does not name', () => {
    expect(
      taking(order, { lines: [{ price: 1, at: null }, { price: 2 }], tags: new Map([['a', 0.5]]), more: 1 }),
    ).not.toThrow()
  })

  test.each([
    [{ lines: [{ price: 1.5, at: null }], tags: new Map() }, 'last.lines[0].price is the number 1.5'],
    [
      { lines: [{ price: 1, at: new Date(0) }], tags: new Map() },
      'last.lines[0].at is an object of class Date',
    ],
    [{ lines: [null], tags: new Map() }, 'last.lines[0] is null'],
    [{ lines: [], tags: { a: 1 } }, 'last.tags is an object of class Object'],
    [{ lines: [], tags: new Map([['a', 'x']]) }, 'last.tags["a"] is the string "x"'],
    [{ lines: [], tags: new Map([[1, 1]]) }, 'last.tags.key is the number 1'],
    [{ lines: new Float64Array(1), tags: new Map() }, 'last.lines is an object of class Float64Array'],
    [{ tags: new Map() }, 'last.lines is undefined'],
    [Object.create({ lines: [], tags: new Map() }), 'last.lines is undefined'],
    [[], 'last is an array'],
  ])('refuses %j with the path of the part', (value, said) => {
    expect(refusal(order, value).text).toContain(said)
  })
})
