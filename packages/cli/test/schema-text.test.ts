import { schema, t } from '@millrace/core'
import type { Schema } from '@millrace/core'
import { columnTypeOf, typeToString } from '@millrace/core/data'
import { describe, expect, it } from 'vitest'
import { schemaModule, schemaName, schemaTable, typeSource } from '../src/report/schema-text.ts'
import { plainPalette } from '../src/report/style.ts'

const everything: Schema = schema({
  a: t.boolean(),
  b: t.int64(),
  c: t.int64().bigint().nullable(),
  d: t.decimal(10, 2),
  e: t.time('us'),
  f: t.timestamp(),
  g: t.timestamp('ns'),
  h: t.timestamp('ms', { zoned: true }),
  i: t.list(t.string().nullable()),
  j: t.map(t.string(), t.float64()),
  k: t.struct({ x: t.uuid(), 'y z': t.json().nullable() }),
  l: t.uint8(),
  m: t.bytes(),
  n: t.interval(),
  o: t.time(),
  p: t.date(),
})

describe('the source of a schema', () => {
  it('makes the same schema when it is run', () => {
    const [, body = ''] = schemaModule(everything, 'Everything').split('= ')
    const source = body.slice(0, body.lastIndexOf('export type'))
    const made = new Function('schema', 't', `return ${source}`)(schema, t) as Schema
    expect(made).toEqual(everything)
  })

  it('quotes names that are none in TypeScript, whatever is in them', () => {
    const odd: Schema = { fields: [{ name: `it's "a\\b"`, type: { kind: 'string' }, nullable: false }] }
    const [, body = ''] = schemaModule(odd, 'Odd').split('= ')
    const source = body.slice(0, body.lastIndexOf('export type'))
    expect(new Function('schema', 't', `return ${source}`)(schema, t)).toEqual(odd)
  })

  it('has a builder for every type', () => {
    for (const { type } of everything.fields) {
      expect(typeSource(type)).toMatch(/^t\./)
      expect(typeToString(columnTypeOf(type).type)).toBe(typeToString(type))
    }
  })

  it('is a module with imports and the row type', () => {
    expect(schemaModule(schema({ id: t.int32() }), 'Order')).toBe(
      "import { schema, t } from 'millrace'\nimport type { RowOf } from 'millrace'\n\n" +
        'export const Order = schema({\n  id: t.int32(),\n})\nexport type Order = RowOf<typeof Order>',
    )
  })
})

describe('the name of a schema', () => {
  it.each([
    ['data/flights-3m.parquet', 'Flights3m'],
    ['orders.csv.gz', 'Orders'],
    ['data/*.csv', 'Row'],
    ['2024/01.csv', 'Row01'],
    ['folder/', 'Folder'],
    ['out/hourly/part-000001-0000-0000-b634de9de80f.csv.gz', 'Hourly'],
    ['part-000001-0000-0000-b634de9de80f.csv', 'Part00000100000000B634de9de80f'],
    ['part-time.csv', 'PartTime'],
  ])('of %s is %s', (path, name) => expect(schemaName(path)).toBe(name))
})

describe('the table of a schema', () => {
  it('tells what rows have instead of numbers that could not hold the values', () => {
    const large = schema({
      id: t.int64().bigint(),
      n: t.int64(),
      huge: t.decimal(38, 0),
      cost: t.decimal(38, 2),
    })
    expect(schemaTable(large, plainPalette).split('\n').slice(-3)).toEqual([
      '',
      '  id: whole numbers beyond 2^53, bigints in rows',
      '  huge: whole numbers beyond 64 bits, strings in rows',
    ])
  })

  it('has a line per column', () => {
    expect(schemaTable(schema({ id: t.int32(), note: t.string().nullable() }), plainPalette)).toBe(
      '  column  type\n  id      int32\n  note    string  may be null',
    )
  })
})
