// What the text encoders write, to the byte.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csv } from '../../../../src/connect/formats/csv/csv.ts'
import { json } from '../../../../src/connect/formats/json/json.ts'
import { ndjson } from '../../../../src/connect/formats/json/ndjson.ts'
import type { RecordFormat } from '../../../../src/connect/format.ts'
import type { Batch } from '../../../../src/data/batch.ts'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import type { ColumnType } from '../../../../src/data/builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import type { Schema } from '../../../../src/data/type.ts'
import { arbitraryBatch } from '../../../data/arbitrary.ts'
import { encodeBatches } from '../decode.ts'

const pair = schema({ id: t.int32(), text: t.string().nullable() })
const pairs = (rows: readonly (readonly [number, string | null])[]): Batch =>
  batchOfRows(
    pair,
    rows.map(([id, text]) => ({ id, text })),
  )
const encode = (format: RecordFormat, ...batches: readonly Batch[]): string =>
  encodeBatches(format, pair, batches).toString('utf8')

describe('NDJSON out', () => {
  it('is one object per line, with escapes only where JSON needs them', () => {
    const rows = pairs([
      [1, 'plain'],
      [-20, null],
      [300, 'a"b\\c\n\u0001é😀'],
      [4, ''],
    ])
    expect(encode(ndjson(), rows)).toBe(
      '{"id":1,"text":"plain"}\n{"id":-20,"text":null}\n' +
        '{"id":300,"text":"a\\"b\\\\c\\n\\u0001é😀"}\n{"id":4,"text":""}\n',
    )
  })

  it('is what JSON.stringify writes, for text of any length and kind', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 10 }), (texts) => {
        const rows = texts.map((text, id) => ({ id, text: Buffer.from(text).toString() }))
        // Escaping U+007F is optional; neither of the two does it.
        const expected = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
        expect(encode(ndjson(), pairs(rows.map(({ id, text }) => [id, text])))).toBe(expected)
      }),
    )
  })

  it('writes only the live rows, and nothing for none', () => {
    const batch = pairs([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    const selected = { ...batch, selection: Int32Array.of(0, 2, -1), selectedCount: 2 }
    expect(encode(ndjson(), selected)).toBe('{"id":1,"text":"a"}\n{"id":3,"text":"c"}\n')
    expect(encode(ndjson(), { ...batch, selection: new Int32Array(0), selectedCount: 0 })).toBe('')
  })

  it('grows its buffer as far as a batch needs', () => {
    const long = '"'.repeat(200_000)
    expect(
      encode(
        ndjson(),
        pairs([
          [1, long],
          [2, 'x'.repeat(300_000)],
          [3, 'y'],
        ]),
      )
        .split('\n')
        .map((line) => line.length),
    ).toEqual([400_018, 300_018, 19, 0])
  })
})

describe('a JSON document out', () => {
  it('is one array, over any number of batches, and whole when there is no row', () => {
    expect(JSON.parse(encode(json()))).toEqual([])
    const text = encode(
      json(),
      pairs([[1, 'a']]),
      pairs([]),
      pairs([
        [2, null],
        [3, 'c'],
      ]),
    )
    expect(JSON.parse(text)).toEqual([
      { id: 1, text: 'a' },
      { id: 2, text: null },
      { id: 3, text: 'c' },
    ])
  })

  it('is JSON for every schema', () => {
    fc.assert(
      fc.property(arbitraryBatch({ columnsMax: 4 }), ({ schema: any, batch, rows }) => {
        const text = encodeBatches(json(), any, [batch]).toString('utf8')
        expect(JSON.parse(text)).toHaveLength(rows.length)
      }),
    )
  })
})

describe('CSV out', () => {
  it('quotes only what has to be quoted', () => {
    const rows = pairs([
      [1, 'plain text'],
      [2, 'a,b'],
      [3, 'a"b'],
      [4, 'a\nb'],
      [5, ''],
      [6, null],
      [7, ' x'],
    ])
    expect(encode(csv(), rows)).toBe('id,text\n1,plain text\n2,"a,b"\n3,"a""b"\n4,"a\nb"\n5,""\n6,\n7, x\n')
  })

  it('follows its dialect', () => {
    const rows = pairs([
      [1, 'a;b'],
      [2, "it's"],
      [3, null],
      [4, 'NA'],
    ])
    const format = csv({ delimiter: ';', quote: "'", escape: '\\', nulls: ['NA'], header: false })
    expect(encode(format, rows)).toBe("1;'a;b'\n2;'it\\'s'\n3;NA\n4;'NA'\n")
  })

  it('names columns that need quotes', () => {
    const odd = schema({ 'a,b': t.int32(), 'c"d': t.int32() })
    const bytes = encodeBatches(csv(), odd, [batchOfRows(odd, [{ 'a,b': 1, 'c"d': 2 }])])
    expect(bytes.toString()).toBe('"a,b","c""d"\n1,2\n')
  })
})

describe('values out', () => {
  const one = (type: ColumnType, value: unknown, format: RecordFormat = ndjson()): string => {
    const single = schema({ v: type }) as Schema
    const text = encodeBatches(format, single, [batchOfRows(single, [{ v: value }])]).toString('utf8')
    return text.slice(5, -2)
  }

  it.each<[string, ColumnType, unknown, string]>([
    ['zero', t.int64(), 0, '0'],
    ['int32 at its end', t.int32(), -2147483648, '-2147483648'],
    ['the last safe integer', t.int64(), 9007199254740991, '9007199254740991'],
    ['int64 beyond it', t.int64().bigint(), -(2n ** 63n), '-9223372036854775808'],
    ['uint64', t.uint64().bigint(), 2n ** 64n - 1n, '18446744073709551615'],
    ['a whole float', t.float64(), 1e15, '1000000000000000'],
    ['a large float', t.float64(), 1e300, '1e+300'],
    ['a short fraction', t.float64(), 0.1, '0.1'],
    ['a negative fraction', t.float64(), -1234.5678, '-1234.5678'],
    ['a fraction with an error', t.float64(), 0.1 + 0.2, '0.30000000000000004'],
    ['−0', t.float64(), -0, '-0'],
    ['NaN', t.float64(), Number.NaN, '"NaN"'],
    ['a decimal', t.decimal(12, 2), '-12.5', '-12.50'],
    ['a small decimal', t.decimal(12, 4), '0.0005', '0.0005'],
    [
      'a wide decimal',
      t.decimal(38, 20),
      '123456789012345678.00000000000000000001',
      '123456789012345678.00000000000000000001',
    ],
    ['true', t.boolean(), true, 'true'],
    ['a date before 1970', t.date(), '1969-12-31', '"1969-12-31"'],
    ['a far date', t.date(), '+012345-01-01', '"+012345-01-01"'],
    ['a timestamp', t.timestamp(), -1, '"1969-12-31T23:59:59.999"'],
    ['a zoned timestamp', t.timestamp('ms', { zoned: true }), 985485600000, '"2001-03-25T02:00:00.000Z"'],
    ['a timestamp in µs', t.timestamp('us'), 985485600000001n, '"2001-03-25T02:00:00.000001"'],
    ['a timestamp in ns', t.timestamp('ns'), -1n, '"1969-12-31T23:59:59.999999999"'],
    ['a time', t.time('us'), 86399999999n, '"23:59:59.999999"'],
    ['bytes', t.bytes(), Uint8Array.of(1, 2, 3, 4), '"AQIDBA=="'],
    ['json', t.json(), { a: [1, null] }, '{"a":[1,null]}'],
    ['a list', t.list(t.decimal(4, 1).nullable()), ['1.5', null], '[1.5,null]'],
    ['a map', t.map(t.string(), t.int32()), new Map([['k', 1]]), '{"k":1}'],
    ['a map with numbers as keys', t.map(t.int32(), t.string()), new Map([[1, 'x']]), '[[1,"x"]]'],
    ['a struct', t.struct({ a: t.timestamp() }), { a: 0 }, '{"a":"1970-01-01T00:00:00.000"}'],
    ['an interval', t.interval(), { months: 14, days: -3, micros: -1500000 }, '"P14M-3DT-1.5S"'],
  ])('%s', (_, type, value, expected) => {
    expect(one(type, value)).toBe(expected)
  })

  it('timestamps as numbers of any unit', () => {
    const at = 985485600001
    const as = (epochUnit: 's' | 'ms' | 'us' | 'ns'): string =>
      one(t.timestamp(), at, ndjson({ timestamps: 'epoch', epochUnit }))
    expect([as('s'), as('ms'), as('us'), as('ns')]).toEqual([
      '985485600.001',
      '985485600001',
      '985485600001000',
      '985485600001000000',
    ])
  })

  it('floats in the shortest form that gives the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = one(t.float64(), value)
        expect(Object.is(Number(text), value)).toBe(true)
        expect(text.length).toBeLessThanOrEqual(Math.max(16, String(value).length) + 1)
      }),
    )
  })
})
