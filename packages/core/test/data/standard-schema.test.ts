import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import type { TextOrDate, Timestamp } from '../../src/data/row-values.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { fromStandardSchema } from '../../src/data/standard-schema.ts'
import { schemaToString } from '../../src/data/type-text.ts'
import type { RowOf } from '../../src/data/type.ts'

describe('a Zod schema', () => {
  const foreign = z.object({
    text: z.string().min(1),
    number: z.number(),
    int: z.int(),
    small: z.int().min(0).max(200),
    int32: z.int32().nullable(),
    big: z.bigint(),
    flag: z.boolean().optional(),
    id: z.uuid(),
    day: z.iso.date(),
    at: z.iso.datetime(),
    color: z.enum(['red', 'green']),
    one: z.literal(1),
    legs: z.array(z.object({ to: z.string(), miles: z.number().nullish() })),
    fallback: z.string().default('x'),
    record: z.record(z.string(), z.number()),
    either: z.union([z.string(), z.number()]),
    any: z.unknown(),
    pair: z.tuple([z.string(), z.number()]),
    trimmed: z.string().trim().brand('Trimmed').readonly(),
  })
  const mapped = fromStandardSchema(foreign)

  it('maps', () => {
    expect(schemaToString(mapped)).toBe(
      '(text: string, number: float64, int: int64, small: uint8, int32: int32?, big: int64(bigint), flag: boolean?, ' +
        'id: uuid, day: date, at: string, color: string, one: int8, legs: list<struct<to: string, miles: float64?>>, ' +
        'fallback: string, record: json, either: json, any: json, pair: json, trimmed: string)',
    )
  })

  it('has the row type of its output, with null where a property is optional', () => {
    type Row = RowOf<typeof mapped>
    expectTypeOf<Row['text']>().toEqualTypeOf<TextOrDate>()
    expectTypeOf<Row['int32']>().toEqualTypeOf<number | null>()
    expectTypeOf<Row['big']>().toEqualTypeOf<bigint>()
    expectTypeOf<Row['flag']>().toEqualTypeOf<boolean | null>()
    expectTypeOf<Row['color']>().toEqualTypeOf<'red' | 'green'>()
    expectTypeOf<Row['legs']>().toEqualTypeOf<
      readonly { readonly to: TextOrDate; readonly miles: number | null }[]
    >()
    expectTypeOf<Row['record']>().toEqualTypeOf<Record<string, number>>()
    expectTypeOf<Row['pair']>().toEqualTypeOf<[string, number]>()
  })

  it('takes what the library lets through', () => {
    const value = foreign.parse({
      text: 'a',
      number: 1.5,
      int: 7,
      small: 3,
      int32: null,
      big: 5n,
      id: '123e4567-e89b-12d3-a456-426614174000',
      day: '2001-03-25',
      at: '2001-03-25T00:00:00Z',
      color: 'red',
      one: 1,
      legs: [{ to: 'b' }],
      record: { k: 1 },
      either: 'e',
      any: [null],
      pair: ['p', 2],
      trimmed: ' t ',
    })
    const batch = batchOfRows(mapped, [value as never])
    expect(batchToRows(batch)).toEqual([{ ...value, flag: null, legs: [{ to: 'b', miles: null }] }])
  })

  it.each([
    ['at.additionalProperties', z.object({ at: z.record(z.string(), z.date()) })],
    ['a.b', z.object({ a: z.object({ b: z.set(z.string()) }) })],
    ['list[]', z.object({ list: z.array(z.map(z.string(), z.string())) })],
    ['t', z.object({ t: z.string().transform((text) => text.length) })],
    ['u.anyOf.1', z.object({ u: z.union([z.string(), z.date()]) })],
    ['n', z.object({ n: z.null() })],
  ])('is refused with the path %s', (path, unmappable) => {
    expect(() => fromStandardSchema(unmappable)).toThrowError(
      expect.objectContaining({ code: 'schema/unmappable', place: { column: path } }),
    )
  })

  it('is refused when it is no object', () => {
    expect(() => fromStandardSchema(z.string())).toThrowError(
      expect.objectContaining({ code: 'schema/unmappable' }),
    )
    expect(() => fromStandardSchema({} as never)).toThrowError(
      expect.objectContaining({ code: 'schema/unmappable' }),
    )
  })

  it('takes recursive parts as JSON', () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree)
      },
    })
    expect(
      schemaToString(fromStandardSchema(z.object({ id: z.string(), tree: z.lazy(() => tree) }))),
    ).toContain('id: string')
  })
})

describe('a Valibot schema', () => {
  const foreign = v.object({
    text: v.pipe(v.string(), v.trim(), v.minLength(1)),
    number: v.nullable(v.number()),
    small: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-5), v.maxValue(5))),
    big: v.bigint(),
    id: v.pipe(v.string(), v.uuid()),
    day: v.pipe(v.string(), v.isoDate()),
    color: v.picklist(['red', 'green']),
    legs: v.array(v.strictObject({ to: v.string(), miles: v.nullish(v.number()) })),
    fallback: v.optional(v.string(), 'x'),
    record: v.record(v.string(), v.number()),
    either: v.union([v.string(), v.boolean()]),
  })
  const mapped = fromStandardSchema(foreign)

  it('maps', () => {
    expect(schemaToString(mapped)).toBe(
      '(text: string, number: float64?, small: int8?, big: int64(bigint), id: uuid, day: date, color: string, ' +
        'legs: list<struct<to: string, miles: float64?>>, fallback: string, record: json, either: json)',
    )
    expectTypeOf<RowOf<typeof mapped>['small']>().toEqualTypeOf<number | null>()
    expectTypeOf<RowOf<typeof mapped>['color']>().toEqualTypeOf<'red' | 'green'>()
  })

  it.each([
    ['t', v.object({ t: v.pipe(v.string(), v.transform(Number)) })],
    ['a.b', v.object({ a: v.object({ b: v.map(v.string(), v.string()) }) })],
  ])('is refused with the path %s', (path, unmappable) => {
    expect(() => fromStandardSchema(unmappable)).toThrowError(
      expect.objectContaining({ code: 'schema/unmappable', place: { column: path } }),
    )
  })
})

describe('an ArkType schema', () => {
  const foreign = type({
    text: 'string > 0',
    number: 'number | null',
    'small?': '-128 <= number.integer <= 127',
    big: 'bigint',
    id: 'string.uuid',
    color: "'red' | 'green'",
    legs: type({ to: 'string', 'miles?': 'number' }).array(),
    either: 'string | number',
    flag: 'boolean',
  })
  const mapped = fromStandardSchema(foreign)

  it('maps', () => {
    const columns = schemaToString(mapped)
      .slice(1, -1)
      .split(/, (?=\w+: )/)
      .toSorted()
    expect(columns.join('; ')).toBe(
      'big: int64(bigint); color: string; either: json; flag: boolean; id: uuid; legs: list<struct<to: string; ' +
        'miles: float64?>>; number: float64?; small: int8?; text: string',
    )
    expectTypeOf<RowOf<typeof mapped>['number']>().toEqualTypeOf<number | null>()
    expectTypeOf<RowOf<typeof mapped>['small']>().toEqualTypeOf<number | null>()
  })
})

describe('a Date of a foreign schema', () => {
  it.each([
    ['Zod', z.object({ at: z.date(), due: z.date().nullable(), seen: z.array(z.coerce.date()) })],
    ['Valibot', v.object({ at: v.date(), due: v.nullable(v.date()), seen: v.array(v.pipe(v.string(), v.toDate())) })],
    ['ArkType', type({ at: 'Date', due: 'Date | null', seen: 'Date[]' })],
  ])('is a timestamp with zone: %s', (_, foreign) => {
    const columns = schemaToString(fromStandardSchema(foreign))
    expect(columns).toContain('at: timestamp(ms, zoned)')
    expect(columns).toContain('due: timestamp(ms, zoned)?')
    expect(columns).toContain('seen: list<timestamp(ms, zoned)>')
  }) // prettier-ignore

  it('is milliseconds since 1970 in rows, and says so when it is given', () => {
    const mapped = fromStandardSchema(z.object({ at: z.date(), due: z.date().optional() }))
    expectTypeOf<RowOf<typeof mapped>>().toEqualTypeOf<{
      readonly at: Timestamp
      readonly due: Timestamp | null
    }>()
    expect(batchToRows(batchOfRows(mapped, [{ at: 5, due: null }]))).toEqual([{ at: 5, due: null }])
    expect(() => batchOfRows(mapped, [{ at: new Date(5) as never, due: null }])).toThrow(
      /whole milliseconds since 1970: getTime\(\) of the Date/,
    )
  })
})

describe('rules of the library', () => {
  it('are not applied to rows: only types are taken over', () => {
    const strict = z.object({ mail: z.email(), pieces: z.int32().min(1).refine((n) => n % 2 === 0) })
    const rows = [{ mail: 'no address', pieces: -3 }]
    expect(strict.safeParse(rows[0]).success).toBe(false)
    expect(batchToRows(batchOfRows(fromStandardSchema(strict), rows))).toEqual(rows)
  }) // prettier-ignore
})
