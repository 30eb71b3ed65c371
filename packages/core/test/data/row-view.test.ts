import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { rowCount, rowIndex } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { createRowView } from '../../src/data/row-view.ts'
import { arbitraryBatch } from './arbitrary.ts'

const flights = schema({
  origin: t.string(),
  delay: t.int32().nullable(),
  id: t.int64(),
  legs: t.list(t.string()),
})
const rows = [
  { origin: 'ORD', delay: 5, id: 1, legs: ['a'] },
  { origin: 'Zürich', delay: null, id: -2, legs: [] },
]

describe('reading batches', () => {
  it('gives the rows of any batch in any layout', () => {
    fc.assert(
      fc.property(arbitraryBatch(), ({ batch, rows: expected }) => {
        expect(batchToRows(batch)).toEqual(expected)
      }),
    )
  })

  it.each([false, true])(
    'RV1: a row view shows the row of the last seek (development: %s)',
    (development) => {
      fc.assert(
        fc.property(arbitraryBatch(), ({ schema: s, batch, rows: expected }) => {
          const reader = createRowView<Record<string, unknown>>(s as never, { development })
          reader.bind(batch)
          const seen: unknown[] = []
          for (let n = 0; n < rowCount(batch); n++) seen.push({ ...reader.seek(rowIndex(batch, n)) })
          expect(seen).toEqual(expected)
        }),
      )
    },
  )

  it('reads a second batch of other layouts through the same view', () => {
    const arbitrary = arbitraryBatch({ columnsMax: 3 }).chain((first) =>
      arbitraryBatch({ schema: first.schema }).map((second) => [first, second] as const),
    )
    fc.assert(
      fc.property(arbitrary, (batches) => {
        const reader = createRowView<object>(batches[0].schema as never)
        for (const { batch, rows: expected } of batches) {
          reader.bind(batch)
          const seen: unknown[] = []
          for (let n = 0; n < rowCount(batch); n++) seen.push({ ...reader.seek(rowIndex(batch, n)) })
          expect(seen).toEqual(expected)
        }
      }),
    )
  })
})

describe('a row view', () => {
  it('behaves as a plain object: spread, JSON, keys and toEqual', () => {
    const reader = createRowView(flights)
    reader.bind(batchOfRows(flights, rows))
    const view = reader.seek(0)
    expect(view).toEqual(rows[0])
    expect({ ...view }).toStrictEqual(rows[0])
    expect(JSON.stringify(view)).toBe(JSON.stringify(rows[0]))
    expect(Object.keys(view)).toEqual(['origin', 'delay', 'id', 'legs'])
    expect(reader.seek(1)).toEqual(rows[1])
  })

  it.each([false, true])('RV4: a column that does not exist throws (development: %s)', (development) => {
    const reader = createRowView<Record<string, unknown>>(flights as never, { development })
    reader.bind(batchOfRows(flights, rows))
    const read = (): unknown => reader.seek(0)['orign']
    expect(read).toThrowError(expect.objectContaining({ code: 'step/unknown-column' }))
    expect(read).toThrowError('did you mean "origin"?')
    const view = reader.seek(0)
    expect([view['then'], view['toJSON'], view['asymmetricMatch'], view[Symbol.iterator as never]]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    )
    expect(view['constructor']).toBe(Object)
    expect('orign' in view).toBe(false)
    const { origin, ...others } = view
    expect([origin, Object.keys(others)]).toEqual(['ORD', ['delay', 'id', 'legs']])
  })

  it.each([false, true])('has just the columns asked for (development: %s)', (development) => {
    const reader = createRowView<Record<string, unknown>>(flights as never, {
      development,
      columns: ['id', 'origin'],
    })
    reader.bind(batchOfRows(flights, rows))
    expect({ ...reader.seek(1) }).toStrictEqual({ origin: 'Zürich', id: -2 })
    expect(() => reader.seek(1)['delay']).toThrowError(
      expect.objectContaining({ code: 'step/unknown-column', hint: expect.stringContaining('uses') }),
    )
  })

  it('refuses assignment', () => {
    const reader = createRowView(flights)
    reader.bind(batchOfRows(flights, rows))
    expect(() => ((reader.seek(0) as { origin: string }).origin = 'x')).toThrow(TypeError)
  })

  it('gives the same list object for the same row, and a new one for another row', () => {
    const reader = createRowView(flights)
    reader.bind(batchOfRows(flights, rows))
    const view = reader.seek(0)
    const first = view.legs
    expect(view.legs).toBe(first)
    expect(reader.seek(1).legs).not.toBe(first)
  })

  it('RV2: finds a view that was kept beyond its call in development mode', () => {
    const reader = createRowView(flights, { development: true })
    reader.bind(batchOfRows(flights, rows))
    const kept = reader.seek(0)
    expect(kept.origin).toBe('ORD')
    reader.seek(1)
    expect(() => kept.origin).toThrowError(expect.objectContaining({ code: 'step/kept-view' }))
    const last = reader.view
    reader.poison()
    expect(() => last.delay).toThrowError(expect.objectContaining({ code: 'step/kept-view' }))
  })

  it('throws with the column name when an integer does not fit a number', () => {
    const wide = schema({ n: t.int64() })
    const batch = batchOfRows(schema({ n: t.int64().bigint() }), [{ n: 2n ** 60n }])
    const column = { ...batch.columns[0]!, type: wide.fields[0]!.type }
    const reader = createRowView(wide)
    reader.bind({ ...batch, schema: wide, columns: [column] })
    expect(() => reader.seek(0).n).toThrowError(
      expect.objectContaining({ code: 'value/unsafe-integer', place: { column: 'n' } }),
    )
  })

  it('shows column names that are no identifiers, and never lets them reach generated code', () => {
    const names = ['a b', '`${process.exit()}`', '"', "'];throw 1;['", '\\', 'constructor']
    const awkward = schema(Object.fromEntries(names.map((name) => [name, t.int32()])))
    const row = Object.fromEntries(names.map((name, i) => [name, i]))
    const reader = createRowView(awkward)
    reader.bind(batchOfRows(awkward, [row]))
    expect({ ...(reader.seek(0) as object) }).toEqual(row)
  })

  it('refuses a batch with nulls in a column declared without', () => {
    const nullable = schema({ n: t.int32().nullable() })
    const batch = batchOfRows(nullable, [{ n: null }])
    const reader = createRowView(schema({ n: t.int32() }))
    expect(() => reader.bind(batch)).toThrowError(expect.objectContaining({ code: 'internal/assertion' }))
  })
})
