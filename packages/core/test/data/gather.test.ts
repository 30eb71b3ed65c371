import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../src/data/column.ts'
import { gatherColumn } from '../../src/data/gather.ts'
import { readValue } from '../../src/data/read-value.ts'
import { arbitraryBatch } from './arbitrary.ts'

describe('gathering rows of a column by index', () => {
  it('gives the value at each index, in any type and layout, and null for −1', () => {
    fc.assert(
      fc.property(
        arbitraryBatch(),
        fc.array(fc.integer({ min: -1, max: 60 }), { maxLength: 20 }),
        ({ batch }, wanted) => {
          const indices = Int32Array.from(wanted, (index) => (index < batch.length ? index : -1))
          for (const column of batch.columns) {
            const gathered = gatherColumn(column, indices, indices.length, batch.length)
            const values = Array.from(indices, (_, i) => readValue(gathered, i))
            expect(values).toEqual(Array.from(indices, (from) => (from < 0 ? null : readValue(column, from))))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gathers again from what was gathered', () => {
    fc.assert(
      fc.property(arbitraryBatch(), fc.infiniteStream(fc.nat(1000)), ({ batch }, numbers) => {
        if (batch.length === 0) return
        const pick = (length: number): Int32Array =>
          Int32Array.from({ length: 10 }, () => ((numbers.next().value as number) % (length + 1)) - 1)
        for (const column of batch.columns) {
          const [first, second] = [pick(batch.length), pick(10)]
          const once: Column = gatherColumn(column, first, 10, batch.length)
          const twice = gatherColumn(once, second, 10, 10)
          const expected = Array.from(second, (from) => (from < 0 ? null : readValue(once, from)))
          expect(Array.from(second, (_, i) => readValue(twice, i))).toEqual(expected)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('copies no strings', () => {
    const column: Column = {
      layout: 'utf8',
      type: { kind: 'string' },
      bytes: Buffer.from('abc'),
      starts: Int32Array.of(0, 1),
      lengths: Int32Array.of(1, 2),
      validity: undefined,
    }
    const gathered = gatherColumn(column, Int32Array.of(1, 1, 0), 3, 2)
    expect(gathered).toMatchObject({ layout: 'dictionary', dictionary: { bytes: column.bytes } })
    expect([0, 1, 2].map((i) => readValue(gathered, i))).toEqual(['bc', 'bc', 'a'])
  })
})
