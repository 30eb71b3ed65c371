// Schemas of NDJSON, JSON and CSV from the first bytes of a file.
import { describe, expect, it } from 'vitest'
import { csv } from '../../../../src/connect/formats/csv/csv.ts'
import { json } from '../../../../src/connect/formats/json/json.ts'
import { ndjson } from '../../../../src/connect/formats/json/ndjson.ts'
import type { RecordFormat } from '../../../../src/connect/format.ts'
import { schemaToString } from '../../../../src/data/type-text.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import { decodeBytes } from '../decode.ts'

const infer = (format: RecordFormat, text: string, complete: boolean = true): string =>
  schemaToString(format.inferSchema(Buffer.from(text), { complete, file: 'x' }))

describe('an inferred schema', () => {
  it('of NDJSON has a type per key, and a null where a key is missing', () => {
    const text = '\ufeff{"a":1,"b":"x","c":[1.5]}\r\n\n{"a":2,"b":null,"d":true}\n'
    expect(infer(ndjson(), text)).toBe(
      infer(json(), `[${text.replace('\ufeff', '').trim().replaceAll(/\s+/g, ',')}]`),
    )
    const found = ndjson().inferSchema(Buffer.from(text), { complete: true, file: 'x' })
    expect(found.fields.map(({ name, type, nullable }) => [name, type.kind, nullable])).toEqual([
      ['a', 'int32', false],
      ['b', 'string', true],
      ['c', 'list', true],
      ['d', 'boolean', true],
    ])
  })

  it('of a longer file leaves room for the rows that were not seen', () => {
    const found = ndjson().inferSchema(Buffer.from('{"a":1,"s":{"b":2}}\n{"a":2'), {
      complete: false,
      file: 'x',
    })
    expect(found.fields[0]).toEqual({ name: 'a', type: { kind: 'int64', rows: 'number' }, nullable: true })
    expect(found.fields[1]?.type).toEqual({
      kind: 'struct',
      fields: [{ name: 'b', type: { kind: 'int64', rows: 'number' }, nullable: true }],
    })
  })

  it('of a JSON array stops where the sample is cut', () => {
    expect(infer(json(), '[ {"a":1}, {"a":2}, {"a":"x', false)).toBe(infer(json(), '[{"a":1}]', false))
  })

  it('of CSV has the type that all texts of a column are', () => {
    const text =
      'id,name,when,day,rate,ok,zip,none\n' +
      '1,"a,b",2001-03-25 02:00:00,2001-03-25,1.5,true,01234,\n' +
      '2,c,2001-03-25T02:00:00,2001-03-26,2,false,99999,\n'
    const found = csv().inferSchema(Buffer.from(text), { complete: true, file: 'x' })
    expect(Object.fromEntries(found.fields.map(({ name, type }) => [name, type.kind]))).toEqual({
      id: 'int32',
      name: 'string',
      when: 'timestamp',
      day: 'date',
      rate: 'float64',
      ok: 'boolean',
      zip: 'string',
      none: 'string',
    })
    expect(decodeBytes(csv(), found, Buffer.from(text)).rows).toHaveLength(2)
  })

  it('of CSV without a header numbers the columns, or takes the names it is given', () => {
    expect(infer(csv({ header: false }), '1,x\n')).toBe(infer(csv(), 'column1,column2\n1,x\n'))
    expect(infer(csv({ header: ['a', 'b'] }), '1,x\n')).toBe(infer(csv(), 'a,b\n1,x\n'))
  })

  it('of CSV with a header only has strings', () => {
    const found = csv().inferSchema(Buffer.from('a,b\n'), { complete: true, file: 'x' })
    expect(found.fields.map((field) => [field.name, field.type.kind])).toEqual([
      ['a', 'string'],
      ['b', 'string'],
    ])
  })

  it.each<[string, RecordFormat, string]>([
    ['an empty NDJSON file', ndjson(), ''],
    ['NDJSON without an object', ndjson(), '1\n[2]\nx\n'],
    ['an empty array', json(), '[]'],
    ['text that is no JSON', json(), 'hello'],
    ['an empty CSV file', csv(), '\n\n'],
  ])('does not exist for %s', (_, format, text) => {
    const attempt = (): unknown => format.inferSchema(Buffer.from(text), { complete: true, file: 'x' })
    expect(attempt).toThrowError(
      expect.toSatisfy((error: unknown) => isMillraceError(error) && error.code === 'schema/not-inferable'),
    )
  })
})
