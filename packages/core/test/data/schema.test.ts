import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schema, t } from '../../src/data/builder.ts'
import { nearestNames } from '../../src/data/nearest-names.ts'
import { canRead, widensTo } from '../../src/data/schema-compatibility.ts'
import { schemaFromJson, schemaToJson } from '../../src/data/schema-json.ts'
import {
  columnIndex,
  extendSchema,
  fieldOf,
  findColumn,
  makeSchema,
  omitColumns,
  pickColumns,
  renameColumns,
} from '../../src/data/schema.ts'
import { sameSchema, schemaToString } from '../../src/data/type-text.ts'
import type { DataType } from '../../src/data/type.ts'
import { arbitrarySchema, arbitraryType } from './arbitrary.ts'

const flights = schema({ date: t.timestamp('us'), origin: t.string(), delay: t.int32().nullable() })
const invalid = expect.objectContaining({ code: 'schema/invalid' })

describe('a schema', () => {
  it('is frozen, deeply', () => {
    const nested = schema({ l: t.list(t.struct({ a: t.decimal(4, 2) })) })
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(nested)).toBe(true)
  })

  it.each(['', 'a\nb', 'a\0', '\x7f', '\ud800', 'x\udc00y', '__proto__'])(
    'refuses the column name %j',
    (name) => {
      expect(() => makeSchema([{ name, type: { kind: 'string' }, nullable: false }])).toThrowError(invalid)
    },
  )

  it('takes names with spaces, dots, quotes and emoji', () => {
    for (const name of ['a b', 'x.y', '"', '😀', 'constructor', 'größe'])
      expect(findColumn(schema({ [name]: t.string() }), name)).toBe(0)
  })

  it('refuses duplicates, no columns and impossible types', () => {
    const field = { name: 'a', type: { kind: 'string' }, nullable: false } as const
    expect(() => makeSchema([field, field])).toThrowError(
      expect.objectContaining({ what: 'column "a" stands twice in a schema' }),
    )
    expect(() => schema({})).toThrowError(invalid)
    expect(() => t.struct({})).toThrowError(invalid)
    for (const [precision, scale] of [
      [0, 0],
      [39, 0],
      [5, 6],
      [5, -1],
      [1.5, 0],
    ]) {
      expect(() => t.decimal(precision!, scale!)).toThrowError(invalid)
    }
    expect(() => t.timestamp('s' as never)).toThrowError(invalid)
    expect(() => t.map(t.string().nullable(), t.string())).toThrowError(invalid)
  })

  it('finds columns, and names the nearest when one does not exist', () => {
    expect(columnIndex(flights, 'delay')).toBe(2)
    expect(fieldOf(flights, 'origin').type).toEqual({ kind: 'string' })
    expect(() => columnIndex(flights, 'Dealy')).toThrowError(
      expect.objectContaining({ code: 'plan/unknown-column', hint: 'did you mean "delay"?' }),
    )
    expect(() => columnIndex(flights, 'altitude')).toThrowError(expect.objectContaining({ hint: undefined }))
    expect(nearestNames('orgin', ['origin', 'Origin', 'margin', 'x'])).toEqual(
      ['origin', 'Origin', 'margin'].slice(0, 2),
    )
  })

  it('can be picked, omitted, renamed and extended', () => {
    expect(schemaToString(pickColumns(flights, ['delay', 'origin']))).toBe('(delay: int32?, origin: string)')
    expect(schemaToString(omitColumns(flights, ['delay']))).toBe('(date: timestamp(us), origin: string)')
    expect(schemaToString(renameColumns(flights, { origin: 'from' }))).toBe(
      '(date: timestamp(us), from: string, delay: int32?)',
    )
    expect(schemaToString(extendSchema(flights, schema({ delay: t.float64(), to: t.uuid() })))).toBe(
      '(date: timestamp(us), origin: string, delay: float64, to: uuid)',
    )
    expect(() => renameColumns(flights, { origin: 'delay' })).toThrowError(invalid)
    expect(() => renameColumns(flights, { orign: 'x' } as never)).toThrowError(
      expect.objectContaining({ code: 'plan/unknown-column' }),
    )
  })

  it('prints nested types', () => {
    const nested = schema({
      a: t.list(t.decimal(10, 2).nullable()),
      b: t.map(t.string(), t.int64().bigint()).nullable(),
      c: t.struct({ d: t.time('ns'), e: t.timestamp('ms', { zoned: true }).nullable() }),
    })
    expect(schemaToString(nested)).toBe(
      '(a: list<decimal(10, 2)?>, b: map<string, int64(bigint)>?, c: struct<d: time(ns), e: timestamp(ms, zoned)?>)',
    )
  })
})

describe('the JSON form', () => {
  it('reads back to the same schema', () => {
    fc.assert(
      fc.property(arbitrarySchema(), (s) => {
        const back = schemaFromJson(JSON.parse(JSON.stringify(schemaToJson(s))))
        expect(sameSchema(back, s)).toBe(true)
        expect(back).toEqual(s)
      }),
    )
  })

  it.each([
    null,
    [],
    {},
    { version: 2, fields: [] },
    { version: 1 },
    { version: 1, fields: [] },
    { version: 1, fields: [null] },
    { version: 1, fields: [{ name: 1, type: { kind: 'string' }, nullable: false }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'text' }, nullable: false }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'string' } }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'int64' }, nullable: false }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'time', unit: 's' }, nullable: false }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'timestamp', unit: 'ms' }, nullable: false }] },
    { version: 1, fields: [{ name: 'a', type: { kind: 'list' }, nullable: false }] },
  ])('is refused when it is wrong: %j', (json) => {
    expect(() => schemaFromJson(json)).toThrowError(invalid)
  })

  it('is refused when types are nested without end', () => {
    let type: unknown = { kind: 'string' }
    for (let i = 0; i < 5000; i++) type = { kind: 'list', element: { type, nullable: false } }
    expect(() => schemaFromJson({ version: 1, fields: [{ name: 'a', type, nullable: false }] })).toThrowError(
      invalid,
    )
  })
})

describe('reading under another schema', () => {
  it('always works under the same one', () => {
    fc.assert(
      fc.property(arbitrarySchema(), (s) => {
        expect(canRead(s, s)).toEqual({ readable: true, reasons: [] })
      }),
    )
  })

  it('allows another order, new nullable columns, nulls and wider numbers', () => {
    const reader = schema({
      delay: t.float64().nullable(),
      origin: t.string().nullable(),
      date: t.timestamp('us'),
      tail: t.string().nullable(),
    })
    expect(canRead(reader, flights).reasons).toEqual([])
  })

  it('names every reason, with the path', () => {
    const writer = schema({
      a: t.int64(),
      b: t.string().nullable(),
      c: t.struct({ d: t.int8(), e: t.list(t.float64()) }),
      f: t.date(),
    })
    const reader = schema({
      a: t.int32(),
      b: t.string(),
      c: t.struct({ d: t.int16(), e: t.list(t.float32()) }),
      g: t.uuid(),
    })
    expect(canRead(reader, writer).reasons).toEqual([
      'column "a" was int64 and is int32',
      'column "b" may hold nulls and must not any more',
      'column "c.e[]" was float64 and is float32',
      'column "g" is new, and neither nullable nor with a default',
      'column "f" was removed',
    ])
  })

  it.each([
    [t.int8(), t.int16(), true],
    [t.uint8(), t.int16(), true],
    [t.uint32(), t.int32(), false],
    [t.int8(), t.uint64(), false],
    [t.int32(), t.float32(), false],
    [t.int32(), t.float64(), true],
    [t.uint16(), t.float32(), true],
    [t.int64(), t.float64(), false],
    [t.float32(), t.float64(), true],
    [t.float32(), t.int64(), false],
    [t.decimal(5, 2), t.decimal(7, 3), true],
    [t.decimal(5, 2), t.decimal(6, 4), false],
    [t.timestamp('ms'), t.timestamp('us'), false],
    [t.int64(), t.int64().bigint(), true],
    [t.string(), t.json(), false],
  ])('widens %# correctly', (from, to, allowed) => {
    expect(widensTo(from.type, to.type)).toBe(allowed)
  })

  it('is transitive', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryType({ depth: 0 }), { minLength: 3, maxLength: 12 }),
        (types: DataType[]) => {
          const pairs = types.flatMap((a) => types.filter((b) => widensTo(a, b)).map((b) => [a, b] as const))
          const chains = pairs.flatMap(([a, b]) =>
            types.filter((c) => widensTo(b, c)).map((c) => [a, c] as const),
          )
          expect(chains.filter(([a, c]) => !widensTo(a, c))).toEqual([])
        },
      ),
    )
  })
})
