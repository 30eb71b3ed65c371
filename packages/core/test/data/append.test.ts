import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  appendBatch,
  appendFrom,
  appendSelected,
  builderLike,
  compactBatch,
  concatBatches,
} from '../../src/data/append.ts'
import { BatchBuilder, batchOfRows } from '../../src/data/batch-builder.ts'
import type { Batch } from '../../src/data/batch.ts'
import { rowCount, rowIndex } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import type { Utf8Column } from '../../src/data/column.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { arbitraryBatch, relayoutBatch } from './arbitrary.ts'

/** Overwrites all memory of a batch, as its producer may after the call (B1). */
function spoil(batch: Batch): void {
  const visit = (column: Batch['columns'][number]): void => {
    column.validity?.fill(0)
    if (column.layout === 'fixed') column.values.fill(99)
    if (column.layout === 'wide') column.values.fill(99n)
    if (column.layout === 'utf8') column.bytes.fill(33)
    if (column.layout === 'dictionary') {
      column.codes.fill(0)
      visit(column.dictionary)
    }
    if (column.layout === 'list') {
      column.lengths.fill(0)
      visit(column.child)
    }
    if (column.layout === 'struct') column.children.forEach(visit)
  }
  batch.columns.forEach(visit)
}

const twoBatches = arbitraryBatch().chain((first) =>
  arbitraryBatch({ schema: first.schema }).map((second) => [first, second] as const),
)

describe('moving rows between batches', () => {
  it('concatenates the live rows of batches in any layouts, and keeps nothing of them', () => {
    fc.assert(
      fc.property(twoBatches, (batches) => {
        const all = concatBatches([batches[0].batch, batches[1].batch])
        batches.forEach(({ batch }) => spoil(batch))
        expect(batchToRows(all)).toEqual(batches.flatMap(({ rows }) => rows))
      }),
      { numRuns: 300 },
    )
  })

  it('compacts to the same rows, through a builder used again', () => {
    fc.assert(
      fc.property(twoBatches, (batches) => {
        const builder = builderLike(batches[0].batch, 1)
        for (const { batch, rows } of batches) {
          const compacted = compactBatch(batch, builder)
          expect(compacted.selection).toBeUndefined()
          expect(batchToRows(compacted)).toEqual(rows)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('appends row by row what it appends in bulk', () => {
    fc.assert(
      fc.property(arbitraryBatch(), ({ batch, rows }) => {
        const builder = builderLike(batch, 2)
        for (let n = 0; n < rowCount(batch); n++) appendFrom(builder, batch, rowIndex(batch, n))
        expect(batchToRows(builder.finish())).toEqual(rows)
      }),
    )
  })

  it('takes rows in any order and more than once', () => {
    const numbers = schema({ n: t.int32(), s: t.string() })
    const batch = batchOfRows(
      numbers,
      [0, 1, 2].map((n) => ({ n, s: `s${n}` })),
    )
    const builder = new BatchBuilder(numbers, 1)
    appendSelected(builder, batch, Int32Array.of(2, 0, 2, 1, 1), 4)
    expect(batchToRows(builder.finish()).map((row) => row['s'])).toEqual(['s2', 's0', 's2', 's1'])
  })

  it('copies event time, weights and order by physical row (B3)', () => {
    const numbers = schema({ n: t.int32() })
    const builder = new BatchBuilder(numbers, 4, { eventTime: true, weights: true, order: true })
    ;[10, 20, 30].forEach((n) => builder.appendRow({ n }))
    builder.eventTime!.set([1, 2, 3])
    builder.weights!.set([1, -1, 1])
    builder.order!.set([7, 8, 9])
    const compacted = compactBatch({ ...builder.finish(), selection: Int32Array.of(1, 2), selectedCount: 2 })
    expect([...compacted.eventTime!.subarray(0, 2)]).toEqual([2, 3])
    expect([...compacted.weights!.subarray(0, 2)]).toEqual([-1, 1])
    expect([...compacted.order!.subarray(0, 2)]).toEqual([8, 9])
  })

  it('keeps a dictionary, and the codes of its entries from batch to batch', () => {
    const strings = schema({ s: t.string() })
    const source = relayoutUntilDictionary(
      batchOfRows(
        strings,
        ['a', 'b', 'a', 'b', 'c'].map((s) => ({ s })),
      ),
    )
    const builder = new BatchBuilder(strings, 8)
    const seen: Utf8Column[] = []
    for (let round = 0; round < 2; round++) {
      builder.reset()
      appendBatch(builder, source)
      const column = builder.finish().columns[0]!
      if (column.layout !== 'dictionary') throw new Error('the dictionary was lost')
      seen.push(column.dictionary)
      expect(column.dictionaryLength).toBeLessThanOrEqual(5)
      expect(batchToRows(builder.finish()).map((row) => row['s'])).toEqual(['a', 'b', 'a', 'b', 'c'])
    }
    expect(seen[0]).toBe(seen[1])
  })
})

function relayoutUntilDictionary(batch: Batch): Batch {
  for (let seed = 1; ; seed++) {
    const relaid = relayoutBatch(batch, seed)
    if (relaid.columns[0]!.layout === 'dictionary') return relaid
  }
}
