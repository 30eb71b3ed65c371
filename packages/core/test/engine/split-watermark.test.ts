import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeBatch, rowCount, rowIndex } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import { selectRange, SelectionScratch, SplitWatermark } from '../../src/engine/source/split-watermark.ts'

const rows = schema({ n: t.float64() })

function batchOf(times: readonly number[]): Batch {
  const values = Float64Array.from(times)
  const column = { layout: 'fixed', type: { kind: 'float64' }, values, validity: undefined } as const
  return makeBatch(rows, [column], times.length, { eventTime: values })
}

/** For every row, the watermark that was announced before it was pushed. */
function watermarksBefore(batches: readonly Batch[], disorderMs: number): number[] {
  const watermark = new SplitWatermark({ kind: 'bounded-disorder', disorderMs })
  const before: number[] = []
  let announced = -Infinity
  for (const batch of batches) {
    const scratch = new SelectionScratch()
    for (let start = 0; start < rowCount(batch);) {
      const end = watermark.observe(batch, start)
      const piece = selectRange(batch, start, end, scratch)
      for (let n = 0; n < rowCount(piece); n++) before.push(announced)
      announced = watermark.current
      start = end
    }
  }
  return before
}

function cut(times: readonly number[], sizes: readonly number[]): Batch[] {
  const batches: Batch[] = []
  let at = 0
  for (let k = 0; at < times.length; k++) {
    const size = sizes[k % sizes.length] as number
    batches.push(batchOf(times.slice(at, at + size)))
    at += size
  }
  return batches
}

describe('the watermark of a split', () => {
  test('SW1: which rows stand behind their watermark does not depend on how rows are cut into batches', () => {
    const times = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 })
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(times, sizes, fc.integer({ min: 0, max: 10 }), (input, cuts, disorderMs) => {
        const behind = (batches: readonly Batch[]): number[] =>
          watermarksBefore(batches, disorderMs)
            .map((watermark, row) => ((input[row] as number) < watermark ? row : -1))
            .filter((row) => row >= 0)
        let highest = -Infinity
        const expected: number[] = []
        input.forEach((time, row) => {
          if (time < highest - disorderMs) expected.push(row)
          highest = Math.max(highest, time)
        })
        expect(behind(cut(input, cuts))).toEqual(expected)
        expect(behind(cut(input, [1000]))).toEqual(expected)
      }),
    )
  })

  test('a batch in order is not cut', () => {
    const watermark = new SplitWatermark({ kind: 'bounded-disorder', disorderMs: 0 })
    expect(watermark.observe(batchOf([1, 2, 2, 5]), 0)).toBe(4)
    expect(watermark.current).toBe(5)
  })

  test('rows within the disorder do not cut a batch', () => {
    const watermark = new SplitWatermark({ kind: 'bounded-disorder', disorderMs: 3 })
    expect(watermark.observe(batchOf([10, 8, 12, 9]), 0)).toBe(4)
    expect(watermark.current).toBe(9)
  })

  test('at-end promises nothing before the end', () => {
    const watermark = new SplitWatermark({ kind: 'at-end' })
    expect(watermark.observe(batchOf([10, 1]), 0)).toBe(2)
    expect(watermark.current).toBe(-Infinity)
  })

  test('a punctuated watermark stands behind the row that carries it', () => {
    const watermark = new SplitWatermark(
      {
        kind: 'punctuated',
        expression: { kind: 'literal', value: null, type: { kind: 'int64', rows: 'number' }, nullable: true },
      },
      {
        punctuation: (batch, row) =>
          (batch.eventTime?.[row] ?? 0) >= 100 ? (batch.eventTime?.[row] ?? 0) - 100 : Number.NaN,
      },
    )
    const batch = batchOf([1, 107, 2])
    expect(watermark.observe(batch, 0)).toBe(2)
    expect(watermark.current).toBe(7)
    expect(watermark.observe(batch, 2)).toBe(3)
  })

  test('for steps with timers every advance cuts', () => {
    const watermark = new SplitWatermark({ kind: 'bounded-disorder', disorderMs: 0 }, { cutsAtAdvance: true })
    const batch = batchOf([1, 1, 2, 5])
    expect(watermark.observe(batch, 0)).toBe(1)
    expect(watermark.observe(batch, 1)).toBe(3)
    expect(watermark.observe(batch, 3)).toBe(4)
    expect(watermark.current).toBe(5)
  })

  test('the live rows of a selection are cut, not the physical ones', () => {
    const watermark = new SplitWatermark({ kind: 'bounded-disorder', disorderMs: 0 })
    const batch: Batch = { ...batchOf([9, 1, 9, 2, 3]), selection: Int32Array.of(1, 3, 4), selectedCount: 3 }
    expect(watermark.observe(batch, 0)).toBe(3)
    const piece = selectRange(batch, 1, 3, new SelectionScratch())
    expect([rowIndex(piece, 0), rowIndex(piece, 1), rowCount(piece)]).toEqual([3, 4, 2])
  })
})
