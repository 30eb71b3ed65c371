// Rows of functions gathered into batches: what a batch that left keeps, and what the next one starts from.
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { RowOutput } from '../../src/engine/rows/row-output.ts'

const Out = schema({ n: t.int32() })

function make(batchRows: number): { readonly out: RowOutput; readonly batches: Batch[] } {
  const batches: Batch[] = []
  const out = new RowOutput(Out, (batch) => batches.push(batch), { batchRows, step: 'step' })
  return { out, batches }
}

const rowsOf = (batch: Batch | undefined): unknown => (batch === undefined ? undefined : batchToRows(batch))

describe('rows that a function emits', () => {
  it('O3: stay as they are in batches that left, until the operator is called again', () => {
    const { out, batches } = make(2)
    for (let n = 0; n < 6; n++) out.add({ n }, n)
    expect(batches.map(rowsOf)).toEqual([
      [{ n: 0 }, { n: 1 }],
      [{ n: 2 }, { n: 3 }],
      [{ n: 4 }, { n: 5 }],
    ])
    out.recycle()
    out.add({ n: 9 }, 9)
    out.flush()
    expect(rowsOf(batches[3])).toEqual([{ n: 9 }])
  })

  it('have event time or not, row by row, whatever memory was used before', () => {
    const given = [undefined, 1, 2, 3, undefined, undefined, undefined, 6, 7]
    for (const batchRows of [1, 2, 10]) {
      const { out, batches } = make(batchRows)
      for (const [n, time] of given.entries()) {
        out.add({ n }, time)
        if (n % 2 === 1) out.recycle()
      }
      out.flush()
      const timed = batches.filter(({ eventTime }) => eventTime !== undefined)
      expect(timed.reduce((rows, { length }) => rows + length, 0)).toBe(5)
    }
  })
})
