import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder, batchOfRows } from '../../src/data/batch-builder.ts'
import type { ColumnType } from '../../src/data/builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import type { Utf8Column } from '../../src/data/column.ts'
import { exactTime } from '../../src/data/exact-time.ts'
import type { FixedColumnBuilder } from '../../src/data/fixed-column-builder.ts'
import { batchToRows, exactValue } from '../../src/data/read-value.ts'
import { createRowView } from '../../src/data/row-view.ts'
import { interpretRowWriter, rowWriterOf } from '../../src/data/row-writer.ts'
import type { Utf8ColumnBuilder } from '../../src/data/utf8-column-builder.ts'
import { countNulls } from '../../src/data/validity.ts'
import { arbitraryBatch, arbitraryRow, arbitrarySchema } from './arbitrary.ts'

const one = (type: ColumnType, value: unknown) => batchOfRows(schema({ c: type }), [{ c: value } as never])

describe('appendRow', () => {
  it.each([t.int32(), t.int64(), t.uint8()])(
    'says what to do with a fraction in whole numbers (%#)',
    (type) => {
      expect(() => one(type, 11.79)).toThrowError(
        expect.objectContaining({ code: 'value/invalid', hint: expect.stringContaining('t.float64()') }),
      )
      expect(() => one(type, '11')).toThrowError(expect.objectContaining({ hint: undefined }))
    },
  )

  it.each([
    [t.boolean(), 1],
    [t.int8(), 128],
    [t.int8(), -129],
    [t.int8(), 1.5],
    [t.int16(), 32768],
    [t.int32(), 2 ** 31],
    [t.int32(), '5'],
    [t.uint8(), -1],
    [t.uint8(), 256],
    [t.uint16(), 65536],
    [t.uint32(), 2 ** 32],
    [t.uint32(), -1],
    [t.int32(), Number.NaN],
    [t.int64(), 1.5],
    [t.int64(), 2n ** 63n],
    [t.uint64(), -1],
    [t.uint64(), -1n],
    [t.uint64(), 2n ** 64n],
    [t.int64(), '1'],
    [t.float64(), '1.5'],
    [t.float32(), 1n],
    [t.decimal(4, 2), '100.00'],
    [t.decimal(4, 2), '1.234'],
    [t.decimal(4, 2), 'x'],
    [t.decimal(4, 2), Number.NaN],
    [t.decimal(38, 0), `1${'0'.repeat(38)}`],
    [t.string(), 5],
    [t.string(), {}],
    [t.bytes(), 'x'],
    [t.bytes(), [1]],
    [t.date(), 0],
    [t.date(), '2001-02-29'],
    [t.time(), 86_400_000],
    [t.time(), -1],
    [t.time('us'), 86_400_000_000n],
    [t.timestamp(), 1.5],
    [t.timestamp(), '2001-03-25'],
    [t.timestamp('ns'), 2n ** 63n],
    [t.timestamp('ns'), 2 ** 53 - 1],
    [t.interval(), { months: 1, days: 0.5, micros: 0 }],
    [t.interval(), 5],
    [t.uuid(), 'x'],
    [t.json(), undefined],
    [t.json(), () => 1],
    [t.json(), 1n],
    [t.list(t.int32()), 5],
    [t.map(t.string(), t.int32()), { a: 1 }],
    [t.struct({ a: t.int32() }), []],
    [t.string(), null],
    [t.int32(), undefined],
  ])('%#: refuses a value that does not fit the type, with its column', (type, value) => {
    expect(() => one(type, value)).toThrowError(
      expect.objectContaining({ code: 'value/invalid', place: { column: 'c' } }),
    )
  })

  it('refuses bigints, symbols and objects that turn into numbers, in every column of numbers', () => {
    const turns = { valueOf: () => 1 }
    const types = [
      t.int8(),
      t.int16(),
      t.int32(),
      t.uint8(),
      t.uint16(),
      t.uint32(),
      t.float64(),
      t.boolean(),
    ]
    for (const type of types) {
      for (const value of [1n, Symbol('one'), turns, [1], '1']) {
        expect(() => one(type, value)).toThrowError(expect.objectContaining({ code: 'value/invalid' }))
      }
    }
  })

  it('refuses numbers that have lost digits', () => {
    expect(() => one(t.int64(), 2 ** 53)).toThrowError(
      expect.objectContaining({ code: 'value/unsafe-integer' }),
    )
    expect(batchToRows(one(t.int64().bigint(), 2n ** 53n))).toEqual([{ c: 2n ** 53n }])
  })

  it('names the place inside of nested values', () => {
    const nested = t.list(t.struct({ miles: t.map(t.string(), t.int8()) }))
    expect(() => one(nested, [{ miles: new Map() }, { miles: new Map([['x', 500]]) }])).toThrowError(
      expect.objectContaining({
        place: { column: 'c[1].miles[x]' },
        detail: 'int8 was expected: a whole number from -128 to 127',
      }),
    )
  })

  it('takes values in their other forms', () => {
    expect(batchToRows(one(t.decimal(10, 2), 12.5))).toEqual([{ c: '12.50' }])
    expect(batchToRows(one(t.decimal(10, 2), '1e3'))).toEqual([{ c: '1000.00' }])
    expect(batchToRows(one(t.uuid(), '123E4567-E89B-12D3-A456-426614174000'))).toEqual([
      { c: '123e4567-e89b-12d3-a456-426614174000' },
    ])
    expect(batchToRows(one(t.timestamp('us'), -1n))).toEqual([{ c: -1 }])
    expect(batchToRows(one(t.json(), null))).toEqual([{ c: null }])
    expect(Object.is(batchToRows(one(t.int64(), -0))[0]!['c'], 0)).toBe(true)
  })

  it('ignores properties that are no column', () => {
    expect(batchToRows(batchOfRows(schema({ a: t.int32() }), [{ a: 1, b: 2 } as never]))).toEqual([{ a: 1 }])
  })

  it('leaves the builder as it was when a row is refused', () => {
    const arbitrary = arbitrarySchema().chain((s) =>
      fc.tuple(fc.constant(s), fc.array(arbitraryRow(s.fields), { minLength: 1, maxLength: 8 })),
    )
    fc.assert(
      fc.property(arbitrary, ([s, cells]) => {
        const builder = new BatchBuilder<unknown>(s, 1)
        const last = s.fields.at(-1)!
        for (const cell of cells) {
          const good = cell.input as Record<string, unknown>
          // All columns but the last are written before the refusal; a row of nulls first, to leave traces.
          const nulls = Object.fromEntries(
            s.fields.map((field) => [field.name, field.nullable ? null : good[field.name]]),
          )
          expect(() => builder.appendRow({ ...nulls, [last.name]: Symbol('no value') })).toThrowError(
            'a symbol',
          )
          expect(() => builder.appendRow({ ...good, [last.name]: Symbol('no value') })).toThrowError(
            'a symbol',
          )
          builder.appendRow(good)
        }
        expect(batchToRows(builder.finish())).toEqual(cells.map((cell) => cell.expected))
      }),
    )
  })

  it('does the same generated and interpreted', () => {
    const arbitrary = arbitrarySchema().chain((s) =>
      fc.tuple(fc.constant(s), fc.array(arbitraryRow(s.fields), { maxLength: 8 })),
    )
    fc.assert(
      fc.property(arbitrary, ([s, cells]) => {
        const batches = [rowWriterOf(s), interpretRowWriter(s)].map((write) => {
          const builder = new BatchBuilder(s, 8)
          cells.forEach((cell, index) => write(builder.columns, index, cell.input as object))
          return builder.finish(cells.length)
        })
        expect(batchToRows(batches[0]!)).toEqual(batchToRows(batches[1]!))
      }),
    )
  })
})

describe('a batch builder', () => {
  it('can be used again and again without showing rows from before', () => {
    const many = arbitraryBatch({ selection: false, layouts: false }).chain((first) =>
      fc.array(arbitraryBatch({ schema: first.schema, selection: false, layouts: false }), {
        minLength: 2,
        maxLength: 4,
      }),
    )
    fc.assert(
      fc.property(many, (batches) => {
        const builder = new BatchBuilder<unknown>(batches[0]!.schema, 1)
        for (const { rows } of batches) {
          builder.reset()
          rows.forEach((row) => builder.appendRow(row))
          expect(batchToRows(builder.finish())).toEqual(rows)
        }
      }),
    )
  })

  it('C4: is narrow until a value beyond 2^53 comes, then wide, and narrow again after reset', () => {
    const s = schema({ n: t.int64().bigint(), d: t.decimal(38, 0) })
    const builder = new BatchBuilder(s, 2)
    builder.appendRow({ n: 2n ** 53n - 1n, d: '-7' })
    expect(builder.finish().columns.map((column) => column.layout)).toEqual(['fixed', 'fixed'])
    builder.appendRow({ n: -(2n ** 63n), d: `-${'9'.repeat(38)}` })
    builder.appendRow({ n: 3n, d: '1' })
    expect(builder.finish().columns.map((column) => column.layout)).toEqual(['wide', 'wide'])
    expect(batchToRows(builder.finish())).toEqual([
      { n: 2n ** 53n - 1n, d: '-7' },
      { n: -(2n ** 63n), d: `-${'9'.repeat(38)}` },
      { n: 3n, d: '1' },
    ])
    builder.reset()
    builder.appendRow({ n: 5n, d: '5' })
    expect(builder.finish().columns[0]!.layout).toBe('fixed')
    expect(batchToRows(builder.finish())).toEqual([{ n: 5n, d: '5' }])
  })

  it('C4: a value that generated code writes beside exact ones is kept', () => {
    const builder = new BatchBuilder(schema({ n: t.uint64().bigint() }), 3)
    const column = builder.columns[0] as FixedColumnBuilder
    column.values[0] = 7
    column.setExact(1, 2n ** 64n - 1n)
    column.setExact(2, 8n)
    builder.length = 3
    expect(batchToRows(builder.finish())).toEqual([{ n: 7n }, { n: 2n ** 64n - 1n }, { n: 8n }])
  })

  it('C3: refers to a foreign chunk until a value comes that is not in it', () => {
    const builder = new BatchBuilder(schema({ s: t.string().nullable() }), 4)
    const column = builder.columns[0] as Utf8ColumnBuilder
    const chunk = new TextEncoder().encode('ORD,JFK,é')
    column.useChunk(chunk)
    column.starts.set([4, 0])
    column.lengths.set([3, 3])
    column.setNull(2)
    expect((builder.finish(3).columns[0] as Utf8Column).bytes).toBe(chunk)
    column.setText(3, 'own')
    builder.length = 4
    expect((builder.finish().columns[0] as Utf8Column).bytes).not.toBe(chunk)
    expect(batchToRows(builder.finish()).map((row) => row['s'])).toEqual(['JFK', 'ORD', null, 'own'])
  })

  it('holds long strings and many bytes', () => {
    const long = 'é'.repeat(300_000)
    const batch = batchOfRows(schema({ s: t.string(), b: t.bytes() }), [
      { s: long, b: new Uint8Array(100_000).fill(7) },
      { s: '', b: new Uint8Array() },
    ])
    expect(batchToRows(batch)[0]!['s']).toBe(long)
    expect((batchToRows(batch)[0]!['b'] as Uint8Array).length).toBe(100_000)
  })

  it('truncates', () => {
    const builder = new BatchBuilder(schema({ n: t.int32().nullable(), l: t.list(t.int32()) }), 2)
    for (const n of [1, null, null, 4]) builder.appendRow({ n, l: [n ?? 0] })
    builder.truncate(2)
    builder.appendRow({ n: 3, l: [3, 3] })
    expect(batchToRows(builder.finish())).toEqual([
      { n: 1, l: [1] },
      { n: null, l: [0] },
      { n: 3, l: [3, 3] },
    ])
    expect(countNulls(builder.finish().columns[0]!.validity, 3)).toBe(1)
  })
})

describe('reading', () => {
  it('decodes every string of larger batches, whatever mixture of lengths and scripts', () => {
    const text = fc.oneof(
      fc.stringMatching(/^[a-z0-9]{0,12}$/),
      fc.string({ maxLength: 40 }),
      fc.constantFrom('é', '日本語', ''),
    )
    const kinds = fc.constantFrom(
      fc.stringMatching(/^[a-z0-9]{0,12}$/),
      fc.stringMatching(/^[a-z]{20}$/),
      text,
    )
    const s = schema({ s: t.string().nullable() })
    fc.assert(
      fc.property(
        kinds.chain((kind) => fc.array(fc.option(kind), { minLength: 100, maxLength: 200 })),
        (values) => {
          const reader = createRowView(s)
          reader.bind(
            batchOfRows(
              s,
              values.map((value) => ({ s: value })),
            ),
          )
          expect(values.map((_, index) => reader.seek(index).s)).toEqual(values)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('gives exact times beside the milliseconds of rows', () => {
    const s = schema({ at: t.timestamp('ns').nullable(), n: t.int64(), text: t.string() })
    const builder = new BatchBuilder(s, 2)
    builder.appendRow({ at: 1, n: 5, text: '' })
    ;(builder.columns[0] as FixedColumnBuilder).setExact(0, -1n)
    builder.appendRow({ at: null, n: 6, text: '' })
    for (const development of [true, false]) {
      const reader = createRowView(s, { development })
      reader.bind(builder.finish())
      expect([reader.seek(0).at, exactTime(reader.view, 'at'), exactTime(reader.view, 'n')]).toEqual([
        -1,
        -1n,
        5n,
      ])
      expect(exactTime(reader.seek(1), 'at')).toBeNull()
      expect(() => exactTime(reader.view, 'text')).toThrowError(
        expect.objectContaining({ code: 'value/invalid' }),
      )
      expect(() => exactTime({ ...reader.view }, 'at')).toThrowError(
        expect.objectContaining({ code: 'value/invalid' }),
      )
    }
    expect(exactValue(builder.finish().columns[0]!, 0)).toBe(-1n)
  })
})
