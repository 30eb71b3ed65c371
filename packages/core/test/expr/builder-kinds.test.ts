// The typed builder and binding say the same: what compiles is bound, to the kind that the compiler says, and what does
// not compile is refused when it is bound.
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/data/builder.ts'
import type { OfKind, ValueKind } from '../../src/data/row-values.ts'
import type { DataType } from '../../src/data/type.ts'
import { bindExpression, call, evaluate, sql, typedColumns, value, when } from '../../src/expr/index.ts'
import type { BuilderValue } from '../../src/expr/index.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'

const all = schema({
  ok: t.boolean(),
  n: t.int32(),
  big: t.int64().bigint(),
  f: t.float64(),
  dec: t.decimal(10, 2),
  s: t.string(),
  date: t.date(),
  time: t.time(),
  ts: t.timestamp('us'),
  zoned: t.timestamp('ms', { zoned: true }),
  id: t.uuid(),
  span: t.interval(),
  list: t.list(t.int32()),
  address: t.struct({ city: t.string() }),
})
const c = typedColumns(all)
const row = {
  ok: true, n: 7, big: 5n, f: 0.5, dec: '1.50', s: '2001-01-01', date: '2001-03-25', time: 3_600_000, ts: 1000, zoned: 1000,
  id: '123e4567-e89b-12d3-a456-426614174000', span: { months: 0, days: 1, micros: 0 }, list: [1], address: { city: 'x' },
} // prettier-ignore
const batch = batchOfRows(all, [row])
const day = { months: 0, days: 1, micros: 0 }
const moment = new Date(500)

function kindOf(type: DataType): ValueKind {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'float32':
    case 'float64':
      return 'number'
    case 'int64':
    case 'uint64':
      return type.rows
    case 'boolean':
    case 'decimal':
    case 'string':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'uuid':
    case 'interval':
      return type.kind
    default:
      return 'other'
  }
}

/** The compiler checks the kind, too. */
const of = <Kind extends ValueKind>(kind: Kind, built: BuilderValue & OfKind<Kind>) => [kind, built] as const

const compiled: readonly (readonly [ValueKind, BuilderValue])[] = [
  of('boolean', c.n.gt(5)), of('boolean', c.n.gt(5n)), of('boolean', c.n.gt(c.dec)), of('boolean', c.big.gt(c.n)),
  of('boolean', c.big.lt(5)), of('boolean', c.f.between(0, 1)), of('boolean', c.n.in([1, 2])), of('boolean', c.n.eq(null)),
  of('boolean', c.dec.gt(1)), of('boolean', c.dec.gt(1.25)), of('boolean', c.dec.gt('1.2')), of('boolean', c.dec.gt(5n)),
  of('boolean', c.dec.gt(c.n)), of('boolean', c.dec.in(['1.50', 2])), of('boolean', c.dec.isDistinctFrom('1.5')),
  of('boolean', c.ts.gt(500)), of('boolean', c.ts.gt(moment)), of('boolean', c.ts.gt('1969-01-01')), of('boolean', c.ts.between(1, 2)),
  of('boolean', c.zoned.gte(1000)), of('boolean', c.ts.eq(c.zoned)), of('boolean', c.ts.gt(c.date)), of('boolean', c.ts.in([1000])),
  of('boolean', c.date.lt('2001-04-01')), of('boolean', c.date.gt(moment)), of('boolean', c.date.lt(c.ts)),
  of('boolean', c.time.gt(1000)), of('boolean', c.time.lt('12:00')), of('boolean', c.id.eq('123e4567-e89b-12d3-a456-426614174000')),
  of('boolean', c.s.gt('5')), of('boolean', c.ok.eq(true)), of('boolean', c.span.eq(day)), of('boolean', c.list.eq([1])),
  of('boolean', c.n.gt(sql`n + 1`)), of('boolean', c.n.gt(sql.number`n + 1`)), of('boolean', c.ts.gt(sql.timestamp`ts`)),
  of('boolean', c.n.gt(call('abs', c.n))), of('boolean', c.address.field('city').eq('x')),
  of('number', c.n.coalesce(0)), of('bigint', c.big.coalesce(0n)), of('decimal', c.dec.coalesce(0)), of('decimal', c.dec.coalesce(0.5)),
  of('decimal', c.dec.coalesce('0.5')), of('timestamp', c.ts.coalesce(0)), of('timestamp', c.ts.coalesce(moment)),
  of('time', c.time.coalesce(0)), of('date', c.date.coalesce('2001-01-01')), of('timestamp', c.ts.nullif(1000)), of('decimal', c.dec.nullif(1.5)),
  of('decimal', c.dec.add(1)), of('decimal', c.dec.mul(1.5)), of('decimal', c.dec.sub('1.5')), of('decimal', c.dec.div(c.dec)),
  of('number', c.n.mul(2).mod(5)), of('number', c.f.div(3)), of('bigint', c.big.add(1).mul(2n)), of('decimal', c.dec.round(1)),
  of('timestamp', c.ts.add(day)), of('timestamp', c.ts.sub(c.span)), of('interval', c.ts.sub(c.zoned)), of('interval', c.ts.sub(moment)),
  of('timestamp', c.date.add(day)), of('date', c.date.add(5)), of('date', c.date.sub(c.n)), of('number', c.date.sub(c.date)),
  of('interval', c.date.sub(c.ts)), of('time', c.time.add(day)), of('interval', c.time.sub(c.time)),
  of('number', c.date.extract('dow')), of('number', c.time.extract('hour')), of('number', c.ts.extract('epoch')),
  of('timestamp', c.date.dateTrunc('month')), of('timestamp', c.ts.dateTrunc('hour', 'Europe/Oslo')),
  of('number', c.s.length()), of('string', c.s.concat('x').upper()), of('boolean', c.ok.and(c.n.gt(1), sql`ok`).not()),
  of('decimal', c.n.cast(t.decimal(5, 1))), of('timestamp', c.s.cast(t.timestamp())),
  of('string', when(c.ok, 'late').when(sql`ok`, null).otherwise('ok')), of('number', when(c.ok, c.n).otherwise(0)),
  of('timestamp', when(c.ok, c.ts).otherwise(0)), of('decimal', when(c.ok, c.dec).otherwise('0')), of('number', value(5).add(1)),
] // prettier-ignore

/** What the compiler would not let pass, without its types. */
const refused: readonly (() => BuilderValue)[] = [
  // @ts-expect-error text is not compared with a number
  () => c.s.gt(5),
  // @ts-expect-error a number is not compared with text
  () => c.n.gt('5'),
  // @ts-expect-error a number is no time
  () => c.ts.gt(c.n),
  // @ts-expect-error a time is no number
  () => c.n.gt(c.ts),
  // @ts-expect-error text is no time
  () => c.ts.gt(c.s),
  // @ts-expect-error a time of day is no timestamp
  () => c.ts.gt(c.time),
  // @ts-expect-error a truth value is no time
  () => c.ts.gt(true),
  // @ts-expect-error text is no decimal
  () => c.dec.gt(c.s),
  // @ts-expect-error text is no uuid
  () => c.id.eq(c.s),
  // @ts-expect-error a number is no date
  () => c.date.gt(5),
  // @ts-expect-error a truth value is no number
  () => c.n.coalesce(true),
  // @ts-expect-error text is not added to
  () => c.s.add('x'),
  // @ts-expect-error a number of what?
  () => c.ts.add(1000),
  // @ts-expect-error times are not multiplied
  () => c.ts.mul(2),
  // @ts-expect-error two times have no sum
  () => c.ts.add(c.ts),
  // @ts-expect-error decimals are not cut to months
  () => c.dec.dateTrunc('month'),
  // @ts-expect-error a number has no hour
  () => c.n.extract('hour'),
  // @ts-expect-error a date has no hour
  () => c.date.extract('hour'),
  // @ts-expect-error a time of day has no month
  () => c.time.extract('month'),
  // @ts-expect-error there is no such unit
  () => c.ts.dateTrunc('fortnight'),
  // @ts-expect-error a date has no letters
  () => c.date.lower(),
  // @ts-expect-error a uuid has no letters
  () => c.id.upper(),
  // @ts-expect-error a number is no condition
  () => when(c.n, 1).otherwise(2),
  // @ts-expect-error a number is no condition
  () => c.ok.and(c.n),
  // @ts-expect-error an object cannot be a parameter
  () => c.address.eq({ city: 'x' }),
  // @ts-expect-error sql.string is no number
  () => c.n.gt(sql.string`s`),
]

describe('the typed builder', () => {
  test.each(compiled)('binds what compiles, to the kind that the compiler says: %s %#', (kind, built) => {
    const bound = bindExpression(built, all)
    expect(kindOf(bound.type)).toBe(kind)
    expect(evaluate(bound, batch, 0)).toBeDefined()
  })

  test.each(refused.map((build) => [build.toString(), build] as const))('refuses what does not compile: %s', (_, build) => {
    expect(() => bindExpression(build(), all)).toThrow(/does not take|do not fit|not boolean|cannot be|knows no unit/)
  }) // prettier-ignore

  test.each<[BuilderValue, unknown]>([
    [c.ts.eq(1000), true],
    [c.ts.gt(999), true],
    [c.zoned.between(1000, 1000), true],
    [c.ts.gt(moment), true],
    [c.ts.gt('1970-01-01T00:00:01Z'), false],
    [c.time.eq(3_600_000), true],
    [c.dec.eq('1.5'), true],
    [c.dec.lt(1.25), false],
    [c.dec.in(['1.50']), true],
  ])('takes constants as they stand in rows: %#', (built, expected) => {
    expect(evaluate(bindExpression(built, all), batch, 0)).toBe(expected)
  })

  test('leaves numbers of SQL text and its parameters as SQL has them', () => {
    expect(() => bindExpression(sql`ts > 1000`, all)).toThrow(/does not take timestamp/)
    expect(() => bindExpression(sql`ts > ${1000}`, all)).toThrow(/does not take timestamp/)
    expect(() => bindExpression(sql`dec > ${'1.2'}`, all)).toThrow(/write the number without quotes/)
  })

  test('says what is no decimal', () => {
    expect(() => bindExpression(c.dec.gt('many'), all)).toThrow(/does not take decimal/)
  })
})

describe('parameters of SQL', () => {
  test('take a Date as the timestamp that it is', () => {
    expect(evaluate(bindExpression(sql`ts > ${new Date(999)}`, all), batch, 0)).toBe(true)
    expect(evaluate(bindExpression(sql`ts > ${new Date(1000)}`, all), batch, 0)).toBe(false)
    expect(evaluate(bindExpression(sql`zoned between ${new Date(0)} and ${new Date(1000)}`, all), batch, 0)).toBe(true)
    expect(evaluate(bindExpression(sql`date < ${new Date('2001-03-26')}`, all), batch, 0)).toBe(true)
  }) // prettier-ignore

  test('take no Date without a time', () => {
    expect(() => bindExpression(sql`ts > ${new Date(Number.NaN)}`, all)).toThrow(/cannot be a parameter/)
  })
})
