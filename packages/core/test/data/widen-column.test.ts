// Columns of wider types at any depth: what readValue shows of the result is what widening row values gives.
import { describe, expect, test } from 'vitest'
import { BatchBuilder, readValue, t, valueWidening, widenColumn, writeValue } from '../../src/data/index.ts'
import type { Column, ColumnBuilder, ColumnType } from '../../src/data/index.ts'
import { isMillraceError } from '../../src/errors.ts'

function columnOf(type: ColumnType, values: readonly unknown[]): Column {
  const builder = new BatchBuilder(
    { fields: [{ name: 'value', type: type.type, nullable: true }] },
    values.length,
  )
  for (const [row, value] of values.entries())
    writeValue(builder.columns[0] as ColumnBuilder, row, value, 'value')
  builder.length = values.length
  return builder.finish().columns[0] as Column
}

describe('a wider column', () => {
  test.each<[string, ColumnType, ColumnType, readonly unknown[]]>([
    ['int8 to int64', t.int8(), t.int64(), [-128, null, 127]],
    ['uint32 to bigint', t.uint32(), t.int64().bigint(), [0, 4294967295, null]],
    ['float32 to float64', t.float32(), t.float64(), [1.5, null, Number.NaN]],
    ['decimals', t.decimal(8, 2), t.decimal(30, 4), ['1.25', null, '-999999.99']],
    ['lists', t.list(t.int32().nullable()), t.list(t.float64().nullable()), [[1, null], null, [], [3, 4, 5]]],
    ['lists of lists', t.list(t.list(t.int8())), t.list(t.list(t.int16())), [[[1], []], null, [[2, 3]]]],
    ['maps', t.map(t.int8(), t.int8()), t.map(t.int32(), t.float64()), [new Map([[1, 2]]), null, new Map()]],
    [
      'structs, in another order, with more members',
      t.struct({ a: t.int32(), b: t.string().nullable() }),
      t.struct({
        c: t.string().nullable(),
        b: t.string().nullable(),
        d: t.list(t.int32()).default([4]),
        a: t.int64(),
      }),
      [{ a: 1, b: 'x' }, null, { a: 2, b: null }],
    ],
    [
      'structs in lists in structs',
      t.struct({ l: t.list(t.struct({ n: t.int8() })) }),
      t.struct({ l: t.list(t.struct({ n: t.int16(), m: t.date().default('2001-03-25') })) }),
      [{ l: [{ n: 1 }, { n: 2 }] }, { l: [] }, null, { l: [{ n: 3 }] }],
    ],
  ])('of %s has the values made wider', (_, from, to, values) => {
    const column = columnOf(from, values)
    const wide = widenColumn(column, to.type, values.length)
    const widen = valueWidening(from.type, to.type)
    expect(values.map((__, row) => readValue(wide, row))).toEqual(
      values.map((__, row) => widen(readValue(column, row))),
    )
  })

  test('keeps integers beyond 2^53 and microseconds as they are', () => {
    const big = columnOf(t.struct({ n: t.int64() }), [{ n: 2n ** 62n + 1n }])
    expect(readValue(widenColumn(big, t.struct({ n: t.int64().bigint() }).type, 1), 0)).toEqual({
      n: 2n ** 62n + 1n,
    })
    const moment = t.struct({ at: t.timestamp('us') })
    const column = columnOf(moment, [{ at: 1_123n }])
    const wide = widenColumn(column, t.struct({ n: t.int32().nullable(), at: t.timestamp('us') }).type, 1)
    expect(wide.layout === 'struct' && wide.children[1]).toBe(
      column.layout === 'struct' && column.children[0],
    )
  })
})

describe('a default', () => {
  const refusal = (make: () => unknown): string => {
    try {
      make()
    } catch (error) {
      if (isMillraceError(error) && error.code === 'schema/invalid') return error.message
      throw error
    }
    throw new Error('it was taken')
  }

  test('is a value of its type', () => {
    expect(refusal(() => t.int32().default('x' as never))).toContain('not a value of it')
    expect(refusal(() => t.int32().default(0.5))).toContain('a whole number')
    expect(refusal(() => t.int32().default(null as never))).toContain('not a value of it')
    expect(
      refusal(() =>
        t
          .int32()
          .nullable()
          .default(undefined as never),
      ),
    ).toContain('not a value of it')
    expect(() => t.int32().nullable().default(null)).not.toThrow()
  })

  test('is for what can be missing', () => {
    expect(refusal(() => t.list(t.int32().default(1)))).toContain('drop `.default(…)`')
    expect(refusal(() => t.map(t.string(), t.int32().default(1)))).toContain('drop `.default(…)`')
  })
})
