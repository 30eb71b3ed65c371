import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/data/builder.ts'
import { typeToString } from '../../src/data/type-text.ts'
import {
  bindExpression,
  bindPredicate,
  call,
  column,
  expressionToString,
  sql,
  sqlText,
  typedColumns,
} from '../../src/expr/index.ts'
import { everything } from './everything.ts'

const typed = (text: string): string => {
  const { type, nullable } = bindExpression(sqlText(text), everything)
  return typeToString(type) + (nullable ? '?' : '')
}

describe('types and nullability', () => {
  test.each([
    ['i32', 'int32'],
    ['i32n', 'int32?'],
    ['i8 + i8', 'int32'],
    ['i32 + i64n', 'int64?'],
    ['u32 + u32', 'int64'],
    ['u64 + 1', 'uint64'],
    ['u64 + i64', 'decimal(21, 0)'],
    ['i32 / 2', 'int32'],
    ['i64 * 0.908', 'decimal(22, 3)'],
    ['d + e', 'decimal(14, 3)'],
    ['d * f64', 'float64'],
    ['f32 + f32', 'float32'],
    ['f32 + i32', 'float64'],
    ['i32n is null', 'boolean'],
    ['i32n > 3', 'boolean?'],
    ['coalesce(i32n, 0)', 'int32'],
    ['nullif(i32, 0)', 'int32?'],
    ['case when b then 1 end', 'int32?'],
    ['case when b then 1 else 2.5 end', 'decimal(11, 1)'],
    ['concat(sn)', 'string'],
    ['ts - ts', 'interval'],
    ['dt - dt2', 'int32'],
    ["dt + interval '1 hour'", 'timestamp(ms)'],
    ["tz at time zone 'UTC'", 'timestamp(us)'],
    ['extract(hour from ts)', 'int32'],
    ['st.b', 'string?'],
    ["m['a']", 'int32?'],
    ['array[1, null]', 'list<int32?>'],
    ['round(d, 1)', 'decimal(12, 1)'],
    ['null', 'string?'],
  ])('%s is %s', (text, expected) => expect(typed(text)).toBe(expected))
})

describe('literals adapt to what stands beside them', () => {
  test.each([
    ["dt > '2001-02-03'", "dt > cast('2001-02-03' as date)"],
    ["ts = '2001-02-03'", "ts = cast('2001-02-03 00:00:00' as timestamp(3))"],
    ['i16 > 15', "i16 > cast('15' as smallint)"],
    ['i64 > 15', 'i64 > cast(15 as bigint)'],
    ["un = '123E4567E89B12D3A456426614174000'", "un = cast('123e4567-e89b-12d3-a456-426614174000' as uuid)"],
    ['i32 in (1, null)', 'i32 in (1, cast(null as integer))'],
  ])('%s', (text, expected) =>
    expect(expressionToString(bindExpression(sqlText(text), everything))).toBe(expected),
  )
})

describe('names', () => {
  const cased = schema({ Delay: t.int32(), delay2: t.int32(), DELAY2: t.int32(), 'a b': t.int32() })
  const name = (text: string): unknown => (bindExpression(sqlText(text), cased) as { name?: string }).name

  test('match without regard to case when that is unique and they are not quoted', () => {
    expect(name('delay')).toBe('Delay')
    expect(name('delay2')).toBe('delay2')
    expect(name('"a b"')).toBe('a b')
    expect(() => name('"delay"')).toThrow(/column "delay" does not exist/)
    expect(() => name('Delay2')).toThrow(/can mean "delay2" and "DELAY2"/)
  })
  test('as plain strings are columns, exactly', () => {
    expect(bindExpression('a b', cased)).toMatchObject({ kind: 'column', name: 'a b' })
    expect(() => bindExpression('delay', cased)).toThrow(
      expect.objectContaining({ code: 'plan/unknown-column' }),
    )
  })
})

describe('errors show what was given and what could be', () => {
  test.each([
    ['dely > 1', 'plan/unknown-column', 'column "dely" does not exist'],
    ['lenght(s)', 'expression/unknown-function', 'did you mean length?'],
    ['sum(i32)', 'expression/unknown-function', 'it is an aggregate'],
    ["i32 > '15'", 'expression/type', '> does not take int32 and string'],
    ["i32 > '15'", 'expression/type', 'write the number without quotes'],
    ['i32 + s', 'expression/type', '+ does not take int32 and string'],
    ['ts + 1', 'expression/type', "times move by intervals: ts + interval '1 hour'"],
    ['b and i32', 'expression/type', 'and does not take boolean and int32'],
    ['case when b then 1 else s end', 'expression/type', 'int32 and string'],
    ['case when i32 then 1 end', 'expression/type', 'is of type int32, not boolean'],
    ['cast(b as date)', 'expression/type', 'a boolean cannot be cast to date'],
    ['cast(s as intt)', 'expression/type', 'did you mean int'],
    ["dt > 'abc'", 'value/cast', 'text "abc" is not a date'],
    ['st.c', 'plan/unknown-column', 'field "c" does not exist'],
    ['i32.c', 'expression/type', 'is read from an int32, not a struct'],
    ['now()', 'expression/type', 'is not deterministic'],
    ['extract(foo from ts)', 'expression/type', 'date_part knows no unit "foo" of a timestamp(ms)'],
  ])('%s', (text, code, message) => {
    const bind = (): unknown => bindExpression(sqlText(text), everything)
    expect(bind).toThrow(expect.objectContaining({ code }))
    expect(bind).toThrow(message)
  })
  test('with line and column', () => {
    expect(() => bindExpression(sql`i32 > 1
      and dely`, everything)).toThrow(/line 2, column 11/) // prettier-ignore
  })
})

describe('sql`…`', () => {
  test('nests other expressions as wholes', () => {
    const sum = sql`i32 + k32`
    expect(expressionToString(bindExpression(sql`${sum} * ${2}`, everything))).toBe('(i32 + k32) * 2')
  })
  test('with an empty list for IN is false, whatever stands on the left', () => {
    const none: readonly number[] = []
    for (const name of ['b', 'i32', 'i32n', 's', 'ts', 'iv', 'j', 'l', 'm', 'st']) {
      const left = column(name)
      expect(expressionToString(bindPredicate(sql`${left} in ${none}`, everything))).toBe('false')
      expect(expressionToString(bindPredicate(sql`${left} not in (${none})`, everything))).toBe('not false')
      expect(expressionToString(bindPredicate(call('in', left), everything))).toBe('false')
    }
    expect(() => bindPredicate(sql`nowhere in ${none}`, everything)).toThrow(/nowhere/)
  })
  test('of a declared type is verified', () => {
    expect(bindExpression(sql.number`i32 + 1`, everything).type.kind).toBe('int32')
    expect(() => bindExpression(sql.number`s`, everything)).toThrow(
      /written with sql.number is of type string/,
    )
    expect(() => bindExpression(sql.timestamp`dt`, everything)).toThrow(/of type date/)
  })
  test('takes dates, bigints, bytes and refuses functions', () => {
    expect(expressionToString(bindExpression(sql`tz > ${new Date(0)}`, everything))).toContain('1970-01-01')
    expect(bindExpression(sql`${2n ** 40n}`, everything).type.kind).toBe('int64')
    expect(bindExpression(sql`bin = ${Uint8Array.of(1)}`, everything).type.kind).toBe('boolean')
    expect(() => bindExpression(sql`i32 = ${() => 1}`, everything)).toThrow(
      /a function cannot be a parameter/,
    )
  })
  test('now() stands for a time that is given', () => {
    expect(expressionToString(bindExpression(sql`now()`, everything, { nowMs: 0 }))).toContain(
      '1970-01-01 00:00:00+00',
    )
  })
})

test('a condition must be boolean', () => {
  expect(bindPredicate('b', everything).type.kind).toBe('boolean')
  expect(() => bindPredicate('i32', everything)).toThrow(/a condition is not boolean/)
})

test('a bound expression is bound again only where its columns are', () => {
  const bound = bindExpression(sql`i32 + 1`, everything)
  expect(bindExpression(bound, everything)).toBe(bound)
  expect(() => bindExpression(bound, schema({ x: t.int32() }))).toThrow(/column "i32" does not exist/)
  expect(() => bindExpression(bound, schema({ i32: t.string() }))).toThrow(/is of type string/)
})

describe('what other languages write', () => {
  test.each([
    [sql`s = "a"`, /single quotes: 'a'/],
    [sql`s = "it's"`, /single quotes: 'it''s'/],
    ['i32 > 1', /write sql`i32 > 1`/],
    [sql`i32 === 1`, /found "==="[^]*write = /],
    [sql`i32 == 1`, /found "=="[^]*write = /],
    [sql`i32 !== 1`, /found "!=="[^]*write <> /],
    [sql`i32 > 1 && i32 < 3`, /found "&&"[^]*write and/],
    [sql`i32 > 1 || i32 < 3`, /write or/],
    [sql`(i32 > 1) || (i32 < 3)`, /write or/],
    [sql`!(i32 > 1)`, /write not/],
  ])('gets a hint of what SQL has instead: %j', (input, hint) => {
    expect(() => bindPredicate(input, everything)).toThrow(hint)
  })

  test('is SQL all the same where it is', () => {
    expect(bindPredicate(sql`i32 != 1`, everything).type.kind).toBe('boolean')
    expect(bindExpression(sql`s || 'x'`, everything).type.kind).toBe('string')
  })
})

describe('constants that are wrong are refused before any row, at their place', () => {
  test.each([
    [sqlText("ts at time zone 'Europe/Zurick'"), 'value/invalid', 17, /time zone "Europe\/Zurick"/],
    [sqlText("date_trunc('day', ts, 'Mars')"), 'value/invalid', 23, /time zone "Mars"/],
    [sqlText("date_part('day', ts, 'Mars')"), 'value/invalid', 22, /time zone "Mars"/],
    [sqlText("s ~ '('"), 'value/invalid', 5, /pattern "\(" cannot be read/],
    [sqlText("s !~* '['"), 'value/invalid', 7, /pattern "\[" cannot be read/],
    [sqlText("regexp_replace(s, '(a+)+$', s)"), 'value/invalid', 19, /a repetition inside a repetition/],
    [sqlText("regexp_like(s, 'a', 'y')"), 'value/invalid', 16, /flag/],
    [sqlText("regexp_extract(s, '(')"), 'value/invalid', 19, /pattern/],
    [sqlText("s like 'a\\'"), 'value/invalid', 8, /escape/],
    [sqlText("s not similar to '('"), 'value/invalid', 18, /pattern/],
    [sqlText("json_value(j, 'a.b')"), 'value/invalid', 15, /JSON path "a.b" does not start with \$/],
    [sqlText("json_extract(j, '$.a[')"), 'value/invalid', 17, /cannot be read at/],
    [sql`json_extract_text(j, ${'a'})`, 'value/invalid', 22, /does not start/],
    [
      sqlText("date_trunc('fortnight', ts)"),
      'expression/type',
      12,
      /date_trunc knows no unit "fortnight" of a timestamp\(ms\)[^]*units: microsecond, .*century, millennium/,
    ],
    [
      sqlText("date_diff('moon', ts, ts)"),
      'expression/type',
      11,
      /knows no unit "moon"[^]*units: millisecond, /,
    ],
    [sqlText('extract(hour from dt)'), 'expression/type', 9, /no unit "hour" of a date[^]*isodow/],
    [sqlText('date_trunc(s, ts)'), 'expression/type', 12, /the unit of date_trunc is not a constant/],
  ])('%#', (input, code, column, message) => {
    const bind = (): unknown => bindExpression(input, everything)
    expect(bind).toThrow(expect.objectContaining({ code }))
    expect(bind).toThrow(message)
    expect(bind).toThrow(`line 1, column ${column}\n`)
  })

  test('also in the typed builder', () => {
    const c = typedColumns(schema({ s: t.string(), at: t.timestamp() }))
    const of = schema({ s: t.string(), at: t.timestamp() })
    expect(() => bindExpression(c.s.matches('('), of)).toThrow(/pattern "\(" cannot be read/)
    expect(() => bindExpression(c.at.dateTrunc('day', 'Mars'), of)).toThrow(/time zone "Mars"/)
  })

  test('what is not constant is left for its rows', () => {
    expect(bindExpression(sqlText("s ~ ('(' || s)"), everything).type.kind).toBe('boolean')
    expect(bindExpression(sqlText("regexp_like(s, '(', s)"), everything).type.kind).toBe('boolean')
    expect(bindExpression(sqlText('timezone(s, ts)'), everything).type.kind).toBe('timestamp')
    expect(bindExpression(sqlText('s ~ null'), everything).type.kind).toBe('boolean')
  })
})
