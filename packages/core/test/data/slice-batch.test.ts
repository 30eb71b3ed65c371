import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { concatBatches } from '../../src/data/append.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { sliceBatch } from '../../src/data/slice-batch.ts'
import { arbitraryBatch } from './arbitrary.ts'

describe('a slice of a batch', () => {
  it('holds the live rows asked for, in every layout', () => {
    fc.assert(
      fc.property(
        arbitraryBatch({ columnsMax: 2 }),
        fc.nat(25),
        fc.nat(25),
        ({ batch, rows }, start, count) => {
          expect(batchToRows(sliceBatch(batch, start, count))).toEqual(rows.slice(start, start + count))
        },
      ),
    )
  })

  it('cuts views of longer batches between bytes of their bitmaps, and slices of slices', () => {
    fc.assert(
      fc.property(
        arbitraryBatch({ columnsMax: 2 }),
        fc.nat(60),
        fc.nat(60),
        ({ batch, rows }, start, count) => {
          // Four times over: longer than a byte of a bitmap.
          const long = concatBatches([batch, batch, batch, batch])
          const all = [...rows, ...rows, ...rows, ...rows]
          const from = start & ~7
          const slice = sliceBatch(long, from, count)
          expect(batchToRows(slice)).toEqual(all.slice(from, from + count))
          expect(batchToRows(sliceBatch(slice, 8, 9))).toEqual(all.slice(from, from + count).slice(8, 17))
        },
      ),
    )
  })

  it('reads wide decimals, which have two words per row', () => {
    const Wide = schema({ d: t.decimal(30, 0).nullable(), i: t.int64() })
    const rows = Array.from({ length: 24 }, (_, i) => ({
      d: i === 9 ? null : String(10n ** 20n + BigInt(i)),
      i,
    }))
    const batch = batchOfRows(Wide, rows)
    for (const from of [8, 16]) {
      expect(batchToRows(sliceBatch(batch, from, 8))).toEqual(rows.slice(from, from + 8))
    }
  })
})
