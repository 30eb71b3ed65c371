import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { describeInference, describeSchema, schemaToSource } from '../../src/data/describe-schema.ts'
import { inferSchema } from '../../src/data/infer.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { sameSchema, typeToString } from '../../src/data/type-text.ts'
import { arbitrarySchema } from './arbitrary.ts'

const inferred = (values: readonly unknown[], options?: { text: boolean }): string => {
  const { schema: s } = inferSchema(
    values.map((a) => ({ a })),
    options,
  )
  return `${typeToString(s.fields[0]!.type)}${s.fields[0]!.nullable ? '?' : ''}`
}

describe('inferring from values', () => {
  it.each([
    [[1, -2, 2 ** 31 - 1], 'int32'],
    [[1, 2 ** 31], 'int64'],
    [[1e20], 'decimal(38, 0)'],
    [[-1e20, 5], 'decimal(38, 0)'],
    [[1e38], 'float64'],
    [[2 ** 53], 'int64(bigint)'],
    [[2 ** 63], 'decimal(38, 0)'],
    [[1, 0.5], 'float64'],
    [[-0], 'float64'],
    [[true, null], 'boolean?'],
    [['2001-03-25', '1969-12-31'], 'date'],
    [['2001-03-25T02:00:00Z', '2001-03-25T02:00:00.123Z'], 'timestamp(ms, zoned)'],
    [['2001-03-25 02:00:00', '2001-03-25'], 'timestamp(ms)'],
    [['2001-03-25T02:00:00.123456'], 'timestamp(us)'],
    [['2001-03-25T02:00:00.1234567+01:00'], 'timestamp(ns, zoned)'],
    [['2001-03-25T02:00:00Z', '2001-03-25T02:00:00'], 'string'],
    [['2001-13-25'], 'string'],
    [['2001-03-25', 'x'], 'string'],
    [['123e4567-e89b-12d3-a456-426614174000'], 'uuid'],
    [['1', '2'], 'string'],
    [[1, 'x'], 'json'],
    [[{}, 1], 'json'],
    [[{ b: 1 }, { b: null, c: 'x' }], 'struct<b: int32?, c: string?>'],
    [[[1, 2], [], [null]], 'list<int32?>'],
    [[[]], 'list<json?>'],
    [[{}], 'json'],
    [[{ '': 1 }], 'json'],
    [[[{ b: [1.5] }]], 'list<struct<b: list<float64>>>'],
    [[null, undefined], 'string?'],
  ])('%j gives %s', (values, type) => {
    expect(inferred(values)).toBe(type)
  })

  it.each([
    [['1', '-20', ''], 'int32?'],
    [['1', '2.5', '1e3'], 'float64'],
    [['99999999999999999999', '1'], 'decimal(38, 0)'],
    [['9223372036854775807'], 'decimal(38, 0)'],
    [['9007199254740993'], 'int64(bigint)'],
    [['1'.repeat(39)], 'string'],
    [['007', '1'], 'string'],
    [['+1'], 'string'],
    [['true', 'false'], 'boolean'],
    [['true', '1'], 'string'],
    [['3000000000'], 'int64'],
    [['2001-03-25', ''], 'date?'],
    [['NaN'], 'string'],
    [['', ''], 'string?'],
  ])('from text, %j gives %s', (values, type) => {
    expect(inferred(values, { text: true })).toBe(type)
  })

  it('keeps the order of first sight and makes missing columns nullable', () => {
    const { schema: s } = inferSchema([{ b: 1 }, { a: 2, b: 3 }])
    expect(s.fields.map((field) => `${field.name}${field.nullable ? '?' : ''}`)).toEqual(['b', 'a?'])
  })

  it('looks at no more rows than asked', () => {
    expect(inferSchema([{ a: 1 }, { a: 'x' }], { rowsMax: 1 })).toMatchObject({
      rows: 1,
      columns: [{ reason: 'whole numbers, 1 to 1' }],
    })
  })

  it('refuses no rows and rows without columns', () => {
    const refused = expect.objectContaining({ code: 'schema/not-inferable' })
    expect(() => inferSchema([])).toThrowError(refused)
    expect(() => inferSchema([{}, {}])).toThrowError(refused)
  })

  it('fits the JSON rows that it was inferred from, unless they have texts of times', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
        fc.stringMatching(/^[a-z ]*$/),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-c]$/), tie('any'), { maxKeys: 3 }),
      ),
    })).any
    fc.assert(
      fc.property(fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 6 }), (rows) => {
        const batch = batchOfRows(inferSchema(rows).schema, rows)
        const dropMissing = (json: unknown): unknown =>
          JSON.parse(
            JSON.stringify(json, (_, inner: unknown) => (inner === null ? undefined : inner)) ?? 'null',
          )
        expect(dropMissing(batchToRows(batch).map((row) => [row]))).toEqual(
          dropMissing(rows.map((row) => [row])),
        )
      }),
    )
  })
})

describe('schemas as text', () => {
  it('shows each column with what was seen', () => {
    const inference = inferSchema([
      { origin: 'ORD', delay: 5 },
      { origin: 'JFK', delay: null },
    ])
    expect(describeInference(inference)).toBe(
      [
        '2 columns, inferred from the first 2 rows',
        '  origin  string  texts',
        '  delay   int32?  whole numbers, 5 to 5; null in 1 of 2 rows',
      ].join('\n'),
    )
    expect(describeSchema(inference.schema)).toBe('  origin  string\n  delay   int32?')
  })

  it('gives source that declares the same schema', () => {
    fc.assert(
      fc.property(arbitrarySchema(), (s) => {
        const evaluate = new Function('schema', 't', `return ${schemaToSource(s)}`) as (
          ...use: unknown[]
        ) => typeof s
        const back = evaluate(schema, t)
        // Objects put integer-like names first.
        const byName = (fields: typeof s.fields): typeof s.fields =>
          fields.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        const nested = s.fields.some((field) => typeToString(field.type).includes('0:'))
        expect(nested || sameSchema({ fields: byName(back.fields) }, { fields: byName(s.fields) })).toBe(true)
      }),
    )
  })
})
