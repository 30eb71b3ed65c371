import { readdirSync, readFileSync } from 'node:fs'
import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromArrow, schemaFromArrow, toArrow } from '../../src/data/arrow.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { sameSchema, schemaToString } from '../../src/data/type-text.ts'
import { arbitraryBatch } from './arbitrary.ts'

describe('Arrow tables', () => {
  it('come back as the same schema and rows, also through the IPC format', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryBatch(), fc.boolean(), async ({ schema: s, batch, rows }, throughIpc) => {
        const table = await toArrow(batch)
        expect(table.numRows).toBe(rows.length)
        const back = throughIpc ? arrow.tableFromIPC(arrow.tableToIPC(table, 'stream')) : table
        expect(sameSchema(await schemaFromArrow(back), s)).toBe(true)
        const batches = await fromArrow(back)
        expect(batches.flatMap(batchToRows)).toEqual(rows)
      }),
      { numRuns: 200 },
    )
  })

  it('have the values that Arrow reads', async () => {
    const all = schema({
      flag: t.boolean(),
      small: t.int8(),
      big: t.int64(),
      unsigned: t.uint64().bigint(),
      text: t.string().nullable(),
      day: t.date(),
      at: t.timestamp('us', { zoned: true }),
      list: t.list(t.int32()),
      struct: t.struct({ a: t.float64() }),
    })
    const table = await toArrow(
      batchOfRows(all, [
        {
          flag: true,
          small: -1,
          big: 2 ** 40,
          unsigned: 2n ** 64n - 1n,
          text: 'é',
          day: '1970-01-02',
          at: 1,
          list: [1, 2],
          struct: { a: 0.5 },
        },
        {
          flag: false,
          small: 1,
          big: -1,
          unsigned: 0n,
          text: null,
          day: '1969-12-31',
          at: -1,
          list: [],
          struct: { a: -0 },
        },
      ]),
    )
    expect(table.getChild('flag')!.toArray()).toEqual([true, false])
    expect([...table.getChild('big')!]).toEqual([2n ** 40n, -1n])
    expect([...table.getChild('unsigned')!]).toEqual([2n ** 64n - 1n, 0n])
    expect([...table.getChild('text')!]).toEqual(['é', null])
    expect([...table.getChild('day')!].map(Number)).toEqual([86_400_000, -86_400_000])
    expect([...table.getChild('list')!].map((list) => [...(list as Iterable<number>)])).toEqual([[1, 2], []])
    expect(String(table.schema.fields[6]!.type)).toBe('Timestamp<MICROSECOND, UTC>')
  })

  it('of other programs are read: dictionaries, slices, floats of 16 bits, seconds, and several record batches', async () => {
    const words = arrow.vectorFromArray(
      ['a', 'b', null, 'a'],
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
    )
    const table = new arrow.Table({
      words,
      flags: arrow.vectorFromArray([true, false, null, true]),
      half: arrow.vectorFromArray([0.5, 1, 2, null], new arrow.Float16()),
      seconds: arrow.vectorFromArray(
        [1, -1, 2, null].map((s) => (s === null ? null : s * 1000)),
        new arrow.TimestampSecond(),
      ),
      numbers: arrow.vectorFromArray([1, 2, 3, 4], new arrow.Int32()),
    })
    const rows = (await fromArrow(table)).flatMap(batchToRows)
    expect(schemaToString(await schemaFromArrow(table))).toBe(
      '(words: string?, flags: boolean?, half: float32?, seconds: timestamp(ms)?, numbers: int32?)',
    )
    expect(rows).toEqual([
      { words: 'a', flags: true, half: 0.5, seconds: 1000, numbers: 1 },
      { words: 'b', flags: false, half: 1, seconds: -1000, numbers: 2 },
      { words: null, flags: null, half: 2, seconds: 2000, numbers: 3 },
      { words: 'a', flags: true, half: null, seconds: null, numbers: 4 },
    ])
    expect((await fromArrow(table.slice(1, 3))).flatMap(batchToRows)).toEqual(rows.slice(1, 3))
    expect((await fromArrow(table.concat(table))).flatMap(batchToRows)).toEqual([...rows, ...rows])
  })

  it('are refused with the column when a type has no counterpart', async () => {
    const table = new arrow.Table({ waits: arrow.vectorFromArray([1n], new arrow.DurationSecond()) })
    await expect(fromArrow(table)).rejects.toMatchObject({
      code: 'schema/unmappable',
      place: { column: 'waits' },
    })
  })

  it('cost nothing at start: no source file imports the library as a value', () => {
    const folder = new URL('../../src/data/', import.meta.url)
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const imports = sources.flatMap((source) => source.match(/^import .*'apache-arrow'$/gm) ?? [])
    expect(imports.length).toBeGreaterThan(0)
    expect(imports.filter((line) => !line.startsWith('import type '))).toEqual([])
  })
})
