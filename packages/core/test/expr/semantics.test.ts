/**
 * Answers that PostgreSQL gives, as its documentation (version 16, the section named at each group) or the server
 * itself states them. Each is checked with the evaluator and with generated code.
 */
import { describe, expect, test } from 'vitest'
import { makeBatch } from '../../src/data/batch.ts'
import type { Column } from '../../src/data/column.ts'
import { schema, t } from '../../src/data/builder.ts'
import { bindExpression, compileTransform, evaluate, sqlText } from '../../src/expr/index.ts'
import { toText } from '../../src/expr/casts.ts'
import { columnOf, readCell } from '../../src/expr/value.ts'

const one = schema({ x: t.int32() })
const batch = makeBatch(one, [columnOf({ kind: 'int32' }, [1])], 1)

/** The value as text, null as null. */
function answer(text: string): string | null {
  const expression = bindExpression(sqlText(text), one)
  const value = evaluate(expression, batch, 0)
  const result = compileTransform({ schema: one, outputs: [{ name: 'y', expression }] }).run(batch)
  expect(readCell(result.columns[0] as Column, 0)).toEqual(value)
  if (value === null) return null
  return Array.isArray(value) ? JSON.stringify(value) : toText(value, expression.type)
}

function answers(rows: readonly (readonly [string, string | null])[]): void {
  test.each(rows)('%s', (text, expected) => expect(answer(text)).toBe(expected))
}

describe('9.3 mathematical operators', () => {
  answers([
    ['5 / 2', '2'],
    ['(-5) / 2', '-2'],
    ['5.0 / 2', '2.500000'],
    ['5 % 4', '1'],
    ['(-5) % 4', '-1'],
    ['-7 % 3', '-1'],
    ['2 ^ 3', '8'],
    ['2 ^ 3 ^ 3', '512'],
    ['0.1 + 0.2', '0.3'],
    ['1.50 * 2', '3.00'],
    ['abs(-17.4)', '17.4'],
    ['ceil(-42.8)', '-42'],
    ['floor(-42.8)', '-43'],
    ['round(42.4)', '42'],
    ['round(2.5)', '3'],
    ['round(-2.5)', '-3'],
    ['round(cast(2.5 as double precision))', '2'],
    ['round(cast(-3.5 as double precision))', '-4'],
    ['round(42.4382, 2)', '42.44'],
    ['round(1234.56, -1)', '1230'],
    ['trunc(-42.8)', '-42'],
    ['trunc(42.4382, 2)', '42.43'],
    ['sign(-8.4)', '-1'],
    ['log(100.0)', '2'],
    ['cast(2.5 as integer)', '3'],
    ['cast(cast(2.5 as double precision) as integer)', '2'],
    ['cast(1e20 as text)', '100000000000000000000'],
    ['cast(cast(1e20 as double precision) as text)', '1e+20'],
    ['cast(cast(0.0001 as double precision) as text)', '0.0001'],
    ['cast(cast(123456.75 as double precision) as text)', '123456.75'],
  ])
})

describe('9.4 string functions', () => {
  answers([
    ["'Post' || 'greSQL'", 'PostgreSQL'],
    ["'Value: ' || 42", 'Value: 42'],
    ["lower('TOM')", 'tom'],
    ["substring('Thomas' from 2 for 3)", 'hom'],
    ["substring('Thomas' from -1 for 4)", 'Th'],
    ["trim(both 'xyz' from 'yxTomxx')", 'Tom'],
    ["position('om' in 'Thomas')", '3'],
    ["concat('abcde', 2, null, 22)", 'abcde222'],
    ["concat_ws(',', 'abcde', 2, null, 22)", 'abcde,2,22'],
    ["initcap('hi THOMAS')", 'Hi Thomas'],
    ["left('abcde', -2)", 'abc'],
    ["right('abcde', 2)", 'de'],
    ["lpad('hi', 5, 'xy')", 'xyxhi'],
    ["rpad('hi', 5, 'xy')", 'hixyx'],
    ["ltrim('zzzytest', 'xyz')", 'test'],
    ["repeat('Pg', 4)", 'PgPgPgPg'],
    ["replace('abcdefabcdef', 'cd', 'XX')", 'abXXefabXXef'],
    ["split_part('abc~@~def~@~ghi', '~@~', 2)", 'def'],
    ["split_part('abc,def,ghi,jkl', ',', -2)", 'ghi'],
    ["translate('12345', '143', 'ax')", 'a2x5'],
    ["chr(65) || ascii('x')", 'A120'],
    ["length('jose')", '4'],
    ["octet_length('ünï')", '5'],
    ["regexp_replace('Thomas', '.[mN]a.', 'M')", 'ThM'],
    ["regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", 'fooXarYXazY'],
    ["regexp_substr('ABCDEF', 'C.')", 'CD'],
    ["regexp_count('123456789012', '\\d\\d\\d')", '4'],
    ["regexp_match('foobarbequebaz', '(bar)(beque)')", '["bar","beque"]'],
  ])
})

describe('9.7 pattern matching', () => {
  answers([
    ["'abc' like 'abc'", 'true'],
    ["'abc' like 'a%'", 'true'],
    ["'abc' like '_b_'", 'true'],
    ["'abc' like 'c'", 'false'],
    ["'abc' similar to 'abc'", 'true'],
    ["'abc' similar to '%(b|d)%'", 'true'],
    ["'abc' similar to '(b|c)%'", 'false'],
    ["'thomas' ~ 't.*ma'", 'true'],
    ["'thomas' ~* 'T.*ma'", 'true'],
    ["'thomas' !~ 't.*max'", 'true'],
  ])
})

describe('9.1, 9.2 logic and comparison', () => {
  answers([
    ['true and null', null],
    ['false and null', 'false'],
    ['true or null', 'true'],
    ['not null::boolean', null],
    ['null = null', null],
    ['1 is distinct from null', 'true'],
    ['null is not distinct from null', 'true'],
    ['2 between 1 and 3', 'true'],
    ['2 between 3 and 1', 'false'],
    ['2 between symmetric 3 and 1', 'true'],
    ['1 in (2, null)', null],
    ['1 not in (1, null)', 'false'],
    ["cast('NaN' as double precision) = cast('NaN' as double precision)", 'true'],
    ["cast('NaN' as double precision) > cast('Infinity' as double precision)", 'true'],
    ['greatest(1, null, 3)', '3'],
    ["interval '1 month' = interval '30 days'", 'true'],
  ])
})

describe('9.9 date and time', () => {
  answers([
    ["date '2001-09-28' + 7", '2001-10-05'],
    ["date '2001-09-28' + interval '1 hour'", '2001-09-28 01:00:00'],
    ["date '2001-10-01' - date '2001-09-28'", '3'],
    ["timestamp '2001-09-28 23:00' - interval '23 hours'", '2001-09-28 00:00:00'],
    ["timestamp '2001-09-29 03:00' - timestamp '2001-07-27 12:00'", '63 days 15:00:00'],
    ["timestamp '2001-01-31 00:00' + interval '1 month'", '2001-02-28 00:00:00'],
    ["interval '1 second' * 900", '00:15:00'],
    ["interval '1 hour' / 1.5", '00:40:00'],
    ["extract(century from timestamp '2000-12-16 12:21:13')", '20'],
    ["extract(century from timestamp '2001-02-16 20:38:40')", '21'],
    ["extract(dow from timestamp '2001-02-16 20:38:40')", '5'],
    ["extract(doy from timestamp '2001-02-16 20:38:40')", '47'],
    ["extract(isodow from timestamp '2001-02-18 20:38:40')", '7'],
    ["extract(week from timestamp '2001-02-16 20:38:40')", '7'],
    ["extract(isoyear from date '2006-01-01')", '2005'],
    ["extract(second from timestamp '2001-02-16 20:38:40.5')", '40.5'],
    ["extract(epoch from interval '5 days 3 hours')", '442800'],
    ["date_trunc('hour', timestamp '2001-02-16 20:38:40')", '2001-02-16 20:00:00'],
    ["date_trunc('week', timestamp '2001-02-16 20:38:40')", '2001-02-12 00:00:00'],
    ["timestamp '2001-02-16 20:38:40' at time zone 'America/Denver'", '2001-02-17 03:38:40+00'],
    [
      "timestamp with time zone '2001-02-16 20:38:40-05' at time zone 'America/Denver'",
      '2001-02-16 18:38:40',
    ],
    [
      "date_bin(interval '15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01')",
      '2020-02-11 15:30:00',
    ],
    ["to_char(timestamp '2002-04-20 17:31:12.66', 'HH12:MI:SS')", '05:31:12'],
    ["to_char(timestamp '2002-04-20 17:31:12.66', 'FMDay, FMDD FMMonth YYYY')", 'Saturday, 20 April 2002'],
    ["to_date('05 Dec 2000', 'DD Mon YYYY')", '2000-12-05'],
    ['make_date(2013, 7, 15)', '2013-07-15'],
    [
      "cast(interval '1 year 2 months 3 days 4 hours 5 minutes 6 seconds' as text)",
      '1 year 2 mons 3 days 04:05:06',
    ],
    ['to_timestamp(1284352323)', '2010-09-13 04:32:03+00'],
    ["timestamp '1969-12-31 23:59:59.999' - interval '1 millisecond'", '1969-12-31 23:59:59.998'],
    ["date_trunc('day', timestamp '1969-12-31 23:59:59')", '1969-12-31 00:00:00'],
  ])
})

describe('9.16 json and 9.19 arrays', () => {
  answers([
    [`json '[{"a":"foo"},{"b":"bar"},{"c":"baz"}]' -> 2`, '{"c":"baz"}'],
    [`json '[{"a":"foo"},{"b":"bar"},{"c":"baz"}]' -> -3`, '{"a":"foo"}'],
    [`json '{"a": {"b":"foo"}}' -> 'a'`, '{"b":"foo"}'],
    [`json '{"a":1,"b":2}' ->> 'b'`, '2'],
    [`json_typeof(json '-123.4')`, 'number'],
    [`json_array_length(json '[1,2,3,{"f1":1,"f2":[5,6]},4]')`, '5'],
    ['cardinality(array[1, 2, 3])', '3'],
    ['(array[1, 2, 3])[2]', '2'],
    ['array[1, 2] || array[3]', '[1,2,3]'],
    ["array_to_string(array['a', null, 'b'], ',')", 'a,b'],
    ['array_remove(array[1,2,3,2], 2)', '[1,3]'],
  ])
})

describe('failures', () => {
  test.each([
    ['1 / (x - 1)', 'value/division-by-zero'],
    ['1.5 / (x - 1)', 'value/division-by-zero'],
    ['cast(x as double precision) / (x - 1)', 'value/division-by-zero'],
    ['2147483647 + x', 'value/overflow'],
    ['9223372036854775807 + x', 'value/overflow'],
    ['cast(9.99 * x as decimal(2, 1))', 'value/overflow'],
    ['cast(300 + x as tinyint)', 'value/overflow'],
    ["cast(x || 'a' as integer)", 'value/cast'],
    ['sqrt(-x)', 'value/invalid'],
    ["regexp_like('a' || x, '(a+)+$' || left('', x))", 'value/invalid'],
    ["regexp_like('a' || x, '(a|a)*$' || left('', x))", 'value/invalid'],
    ["regexp_like('a' || x, '(' || left('', x))", 'value/invalid'],
    ["repeat('abc', 2000000000 + x)", 'value/overflow'],
    ["timezone('Mars/Olympus' || left('', x), epoch_ms(x))", 'value/invalid'],
  ])('%s fails with %s', (text, code) => {
    const expression = bindExpression(sqlText(text), one)
    const transform = compileTransform({ schema: one, outputs: [{ name: 'y', expression }] })
    for (const run of [() => evaluate(expression, batch, 0), () => transform.run(batch)]) {
      expect(run).toThrow(expect.objectContaining({ code }))
      // The expression and the row's values are named.
      expect(run).toThrow(/ with x = 1/)
    }
  })
})
