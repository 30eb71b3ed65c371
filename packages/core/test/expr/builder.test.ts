import { describe, expect, expectTypeOf, test } from 'vitest'
import { schema, t } from '../../src/data/builder.ts'
import type { RowOf } from '../../src/data/type.ts'
import {
  bindExpression,
  call,
  column,
  expressionToString,
  sql,
  typedColumns,
  value,
  when,
} from '../../src/expr/index.ts'
import type { BuilderValue, TypedValue } from '../../src/expr/index.ts'

const flights = schema({
  origin: t.string(),
  delay: t.int32().nullable(),
  price: t.decimal(10, 2),
  at: t.timestamp(),
  ok: t.boolean(),
  leg: t.struct({ miles: t.float64() }),
})
type Flight = RowOf<typeof flights>
const c = typedColumns(flights)
const text = (built: BuilderValue): string => expressionToString(bindExpression(built, flights))

describe('the typed builder writes the same expressions as SQL', () => {
  test.each([
    [c.delay.gt(15).and(c.origin.in(['SEA', 'LAX'])), "delay > 15 and origin in ('SEA', 'LAX')"],
    [c.delay.between(1, 5).not(), 'not (delay between 1 and 5)'],
    [c.delay.coalesce(0).add(1).mul(2), '(coalesce(delay, 0) + 1) * 2'],
    [c.price.mul(2).sub(c.price), 'price * 2 - price'],
    [c.origin.lower().concat('x').startsWith('s'), "starts_with(lower(origin) || 'x', 's')"],
    [c.origin.trim().substring(1, 2).length(), 'length(substring(trim(origin), 1, 2))'],
    [c.delay.isNull().or(c.ok), 'delay is null or ok'],
    [c.at.extract('hour'), 'extract(hour from at)'],
    [c.at.dateTrunc('day', 'Europe/Zurich'), "date_trunc('day', at, 'Europe/Zurich')"],
    [c.delay.cast(t.float64()), 'cast(delay as double precision)'],
    [c.leg.field('miles').gt(1.5), 'leg.miles > cast(1.5 as double precision)'],
    [when(c.delay.gt(15), 'late').when(c.delay.lte(0), 'early').otherwise('ok'), "case when delay > 15 then 'late' when delay <= 0 then 'early' else 'ok' end"],
    [call<number>('abs', c.delay), 'abs(delay)'],
    [value(sql.number`delay + 1`).gt(3), 'delay + 1 > 3'],
    [c.at.add({ months: 0, days: 1, micros: 0 }), "at + interval '1 day'"],
    [column<Flight>()('delay').isDistinctFrom(3), 'delay is distinct from 3'],
  ])('%#', (built, expected) => {
    expect(text(built as BuilderValue)).toBe(expressionToString(bindExpression(sql`${bindExpression({ ...sql``, source: { text: expected, parameters: [] } }, flights)}`, flights)))
  }) // prettier-ignore
})

test('a value of the builder can be interpolated into sql', () => {
  expect(expressionToString(bindExpression(sql`${c.delay.gt(15)} or ok`, flights))).toBe('delay > 15 or ok')
})

test('unknown columns fail when the expression is bound', () => {
  const loose = typedColumns(flights) as unknown as { dely: TypedValue<number> }
  expect(() => bindExpression(loose.dely.gt(1), flights)).toThrow(/did you mean "delay"/)
})

test('wrong names and types do not compile', () => {
  expectTypeOf(c.delay.gt(15)).toEqualTypeOf<TypedValue<boolean | null>>()
  expectTypeOf(c.delay.coalesce(0)).toEqualTypeOf<TypedValue<number>>()
  expectTypeOf(c.delay.isNull()).toEqualTypeOf<TypedValue<boolean>>()
  expectTypeOf(c.origin.length()).toEqualTypeOf<TypedValue<number>>()
  expectTypeOf(c.leg.field('miles')).toEqualTypeOf<TypedValue<number>>()
  // @ts-expect-error there is no such column
  void c.dely
  // @ts-expect-error a number is not compared with text
  void (() => c.delay.gt('15'))
  // @ts-expect-error text is not a condition
  void (() => c.origin.and(c.ok))
  // @ts-expect-error there is no such field
  void (() => c.leg.field('mile'))
  // @ts-expect-error there is no such column
  void (() => column<Flight>()('dely'))
})
