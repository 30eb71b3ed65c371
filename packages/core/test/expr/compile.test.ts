import { describe, expect, test } from 'vitest'
import { makeBatch, rowCount, rowIndex } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import type { Column, DictionaryColumn, FixedColumn, Utf8Column } from '../../src/data/column.ts'
import { schema, t } from '../../src/data/builder.ts'
import { bindExpression, compileTransform, sqlText } from '../../src/expr/index.ts'
import type { CompileOptions, Transform } from '../../src/expr/index.ts'
import { columnOf, readCell } from '../../src/expr/value.ts'
import type { Value } from '../../src/expr/value.ts'
import { asDictionary } from './everything.ts'

const flights = schema({
  origin: t.string(),
  delay: t.int32().nullable(),
  price: t.int64(),
  at: t.timestamp(),
})

function flightsBatch(rows: readonly (readonly Value[])[]): Batch {
  const columns = flights.fields.map((field, n) => columnOf(field.type, rows.map((row) => row[n] as Value))) // prettier-ignore
  return makeBatch(flights, columns, rows.length)
}

const batch = flightsBatch([
  ['SEA', 20, 100n, 1n],
  ['LAX', null, 200n, 2n],
  ['SEA', 3, 300n, 3n],
  ['JFK', 16, 400n, 4n],
])

function compile(predicate: string | undefined, outputs?: { readonly [name: string]: string }, options?: CompileOptions): Transform {
  return compileTransform(
    {
      schema: flights,
      predicate: predicate === undefined ? undefined : bindExpression(sqlText(predicate), flights),
      outputs: outputs && Object.entries(outputs).map(([name, text]) => ({ name, expression: bindExpression(sqlText(text), flights) })),
    },
    options,
  )
} // prettier-ignore

function rowsOf(result: Batch): Value[][] {
  return Array.from({ length: rowCount(result) }, (_, n) =>
    result.columns.map((column) => readCell(column, rowIndex(result, n))),
  )
}

describe('a filter', () => {
  test('selects rows without copying columns', () => {
    const result = compile('delay > 15').run(batch)
    expect([...(result.selection as Int32Array).subarray(0, result.selectedCount)]).toEqual([0, 3])
    expect(result.columns).toEqual(batch.columns)
    result.columns.forEach((column, n) => expect(column).toBe(batch.columns[n]))
    expect(result.schema).toBe(flights)
  })
  test('drops rows for which the condition is null', () => {
    expect(rowsOf(compile('not (delay > 15)').run(batch)).map((row) => row[1])).toEqual([3])
  })
  test('narrows a selection that is there and keeps physical indices', () => {
    const selected: Batch = { ...batch, selection: Int32Array.of(1, 2, 3, 99), selectedCount: 3 }
    const result = compile("origin in ('SEA', 'JFK')").run(selected)
    expect([...(result.selection as Int32Array).subarray(0, result.selectedCount)]).toEqual([2, 3])
  })
  test('that all rows pass has no selection', () => {
    expect(compile('price > 0').run(batch).selection).toBeUndefined()
  })
  test('on an empty batch gives an empty batch', () => {
    expect(rowCount(compile('price > 0', { x: 'price * 2' }).run(flightsBatch([])))).toBe(0)
  })
})

describe('a projection', () => {
  test('passes columns by pointer, renamed, and computes others', () => {
    const result = compile(undefined, { from: 'origin', double: 'price * 2', late: 'delay > 15' }).run(batch)
    expect(result.schema.fields.map((field) => field.name)).toEqual(['from', 'double', 'late'])
    expect(result.columns[0]).toBe(batch.columns[0])
    expect(rowsOf(result)).toEqual([
      ['SEA', 200n, true],
      ['LAX', 400n, null],
      ['SEA', 600n, false],
      ['JFK', 800n, true],
    ])
  })
  test('hands on event time, weights, order and selection (X4)', () => {
    const extra = {
      eventTime: Float64Array.of(1, 2, 3, 4),
      weights: Int32Array.of(1, -1, 1, 1),
      order: Float64Array.of(1, 2, 3, 4),
      selection: Int32Array.of(0, 2),
      selectedCount: 2,
    }
    const result = compile(undefined, { x: 'price + 1' }).run({ ...batch, ...extra })
    expect(result).toMatchObject(extra)
    expect(rowsOf(result)).toEqual([[101n], [301n]])
  })
  test('reuses its buffers from call to call (X3)', () => {
    const transform = compile(undefined, { x: 'price + 1' })
    const first = (transform.run(batch).columns[0] as FixedColumn).values
    expect((transform.run(batch).columns[0] as FixedColumn).values).toBe(first)
  })
  test('has a validity bitmap only where a row is null (C1)', () => {
    const transform = compile(undefined, { x: 'delay + 1' })
    expect(transform.run(batch).columns[0]?.validity).toBeDefined()
    expect(transform.run(flightsBatch([['A', 1, 1n, 1n]])).columns[0]?.validity).toBeUndefined()
  })
  test('of a CASE over constant texts is a dictionary column', () => {
    const result = compile(undefined, { x: "case when delay > 15 then 'late' else 'ok' end" }).run(batch)
    const column = result.columns[0] as DictionaryColumn
    expect(column.layout).toBe('dictionary')
    expect(column.dictionaryLength).toBe(2)
    expect(rowsOf(result).flat()).toEqual(['late', 'ok', 'ok', 'late'])
  })
  test('that cuts text points into the same chunk', () => {
    const result = compile(undefined, { x: 'substring(origin from 1 for 1)' }).run(batch)
    expect((result.columns[0] as Utf8Column).bytes).toBe((batch.columns[0] as Utf8Column).bytes)
    expect(rowsOf(result).flat()).toEqual(['S', 'L', 'S', 'J'])
  })
})

describe('64-bit integers that float64 cannot hold (X2)', () => {
  const wide = schema({ id: t.int64(), at: t.timestamp('ns').nullable(), total: t.decimal(18, 2) })
  const wideBatch = (rows: readonly (readonly Value[])[]): Batch =>
    makeBatch(
      wide,
      wide.fields.map(({ type }, n) => columnOf(type, rows.map((row) => row[n] as Value))),
      rows.length,
    ) // prettier-ignore
  const compileWide = (text: string): Transform =>
    compileTransform({
      schema: wide,
      outputs: [{ name: 'x', expression: bindExpression(sqlText(text), wide) }],
    })
  const moment = 1_700_000_000_123_456_789n
  const some = wideBatch([
    [9007199254740993n, moment, 123456789012345678n],
    [-9223372036854775808n, null, -1n],
    [4294967295n, -1n, 5n],
  ])

  test.each([
    ['id = 9007199254740993', [true, false, false]],
    ['id > 4294967295', [true, false, false]],
    ['id % 1000', [993n, -808n, 295n]],
    ['id / 1000', [9007199254740n, -9223372036854775n, 4294967n]],
    ["at + interval '1 hour'", [moment + 3_600_000_000_000n, null, 3_599_999_999_999n]],
    ["date_trunc('hour', at)", [1_699_999_200_000_000_000n, null, -3_600_000_000_000n]],
    ['cast(at as timestamp(3))', [1_700_000_000_123n, null, 0n]],
    ['epoch_ms(at)', [1_700_000_000_123n, null, -1n]],
    ['extract(second from at)', [20.123456789, null, 59.999999999]],
    ['total - 0.01', [123456789012345677n, -2n, 4n]],
    ['cast(id as double precision)', [9007199254740992, -9223372036854775808, 4294967295]],
  ])('%s is generated code', (text, expected) => {
    const transform = compileWide(text)
    expect(rowsOf(transform.run(some)).flat()).toEqual(expected)
    expect(transform.batches).toEqual({ evaluated: 0, generated: 1 })
  })

  test('are a narrow column again where every row fits (C4)', () => {
    const transform = compileWide('id - 9007199254740993')
    const near = wideBatch([[9007199254740995n, null, 1n], [2n, null, 1n]]) // prettier-ignore
    expect(transform.run(near).columns[0]?.layout).toBe('fixed')
    expect(rowsOf(transform.run(near)).flat()).toEqual([2n, -9007199254740991n])
  })

  test('that leave 64 bits are an error of their row, never another number', () => {
    const transform = compileWide('id - 1')
    expect(() => transform.run(some)).toThrow(expect.objectContaining({ code: 'value/overflow' }))
    const first = { ...some, selection: Int32Array.of(0, 2), selectedCount: 2 }
    expect(rowsOf(transform.run(first)).flat()).toEqual([9007199254740992n, 4294967294n])
  })

  test('of a timestamp in nanoseconds are made from milliseconds without the evaluator', () => {
    const transform = compile(undefined, { x: 'cast(at as timestamp(9))' })
    const result = transform.run(flightsBatch([['A', 1, 1n, 1_700_000_000_123n]]))
    expect(rowsOf(result).flat()).toEqual([1_700_000_000_123_000_000n])
    expect(transform.batches).toEqual({ evaluated: 0, generated: 1 })
  })
})

describe('batches that generated code cannot hold go to the evaluator (X2)', () => {
  test('a product beyond 2^53 is exact', () => {
    const large = flightsBatch([['A', 1, 9007199254740991n, 1n]])
    const transform = compile(undefined, { x: 'price * 3' })
    expect(rowsOf(transform.run(large))).toEqual([[27021597764222973n]])
    expect(transform.batches).toEqual({ evaluated: 1, generated: 0 })
    expect(transform.run(large).columns[0]?.layout).toBe('wide')
  })
  test('a wide column is exact', () => {
    const transform = compile('price > 9223372036854775806', { x: 'price - 1' })
    expect(rowsOf(transform.run(flightsBatch([['A', 1, 9223372036854775807n, 1n]])))).toEqual([
      [9223372036854775806n],
    ])
  })
  test('constants are exact, and comparing with one needs no evaluator', () => {
    // 5 − (2^53 + 1): the nearest float64 of the constant would give a number that is off by one and looks small.
    const transform = compile('price < 9007199254740993', {
      x: '9007199254740993',
      y: 'price - 9007199254740993',
    })
    const small = flightsBatch([['A', 1, 5n, 1n]])
    expect(rowsOf(transform.run(small))).toEqual([[9007199254740993n, -9007199254740988n]])
    const compared = compile('price <> 9007199254740993 and price in (5, 9007199254740993)', {})
    compared.run(small)
    expect(compared.batches).toEqual({ evaluated: 0, generated: 1 })
  })
  test('ordinary batches do not', () => {
    const transform = compile('delay > 0', { x: 'price * 0.908' })
    transform.run(batch)
    expect(transform.batches).toEqual({ evaluated: 0, generated: 1 })
  })
})

test('one function is generated per layout, and used again', () => {
  const transform = compile("origin = 'SEA'", { x: 'upper(origin)' })
  const coded: Batch = { ...batch, columns: batch.columns.map((column, n) => (n === 0 ? asDictionary(column as Utf8Column, 4) : column)) } // prettier-ignore
  for (const next of [batch, coded, batch, coded]) {
    expect(rowsOf(transform.run(next))).toEqual([['SEA'], ['SEA']])
  }
  expect(transform.explainCode().match(/return function transform/g)).toHaveLength(2)
  expect(transform.batches.generated).toBe(4)
})

test('a dictionary that grows or changes is seen', () => {
  const texts = columnOf({ kind: 'string' }, ['SEA', 'LAX', 'JFK']) as Utf8Column
  const coded = (codes: number[], dictionary: Utf8Column, dictionaryLength: number): Batch => {
    const column: Column = { layout: 'dictionary', type: { kind: 'string' }, codes: Int32Array.from(codes), dictionary, dictionaryLength, validity: undefined } // prettier-ignore
    return { ...batch, columns: [column, ...batch.columns.slice(1)] }
  }
  const transform = compile(undefined, { x: 'lower(origin)' })
  const run = (next: Batch): Value[] => rowsOf(transform.run(next)).flat()
  expect(run(coded([0, 1, 0, 1], texts, 2))).toEqual(['sea', 'lax', 'sea', 'lax'])
  expect(run(coded([2, 1, 0, 2], texts, 3))).toEqual(['jfk', 'lax', 'sea', 'jfk'])
  const other = columnOf({ kind: 'string' }, ['ORD', 'ATL']) as Utf8Column
  expect(run(coded([0, 1, 0, 1], other, 2))).toEqual(['ord', 'atl', 'ord', 'atl'])
})

test('where code may not be generated the evaluator does all', () => {
  const transform = compile('delay > 15', { x: 'price * 2' }, { generate: false })
  expect(rowsOf(transform.run(batch))).toEqual([[200n], [800n]])
  expect(transform.batches).toEqual({ evaluated: 1, generated: 0 })
})

test('verify runs both and says nothing when they agree', () => {
  expect(rowsOf(compile('delay > 15', { x: 'price * 2' }, { verify: true }).run(batch))).toEqual([
    [200n],
    [800n],
  ])
})

test('no name and no text of the user reaches the generated source', () => {
  const evil = 'x"]; throw 1; //'
  const odd = schema({ [evil]: t.string() })
  const rows = makeBatch(
    odd,
    [columnOf({ kind: 'string' }, [evil, 'a long text of more than eight bytes'])],
    2,
  )
  const transform = compileTransform({
    schema: odd,
    predicate: bindExpression(
      sqlText(`"${evil.replaceAll('"', '""')}" <> 'a long text of more than eight bytes'`),
      odd,
    ),
  })
  expect(rowCount(transform.run(rows))).toBe(1)
  expect(transform.explainCode()).not.toContain('throw')
  expect(transform.explainCode()).not.toContain('long text')
})

test('an error names the expression and the values of its row', () => {
  expect(() => compile(undefined, { x: '10 / (delay - 3)' }).run(batch)).toThrow(
    'division by zero: in 10 / (delay - 3) with delay = 3',
  )
})
