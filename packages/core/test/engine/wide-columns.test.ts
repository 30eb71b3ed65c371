/** Aggregates, event times and key hashes of 64-bit columns, against arithmetic on BigInts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeBatch } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import { batchToRows, FixedColumnBuilder, hashKeyRow, KEY_HASH_SEED } from '../../src/data/index.ts'
import { finishHash, mixNumber, mixWord } from '../../src/data/key-hash.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import type { DataType, Schema } from '../../src/data/type.ts'
import { createExtreme } from '../../src/engine/aggregates/extreme.ts'
import type { Aggregate, AggregateParts } from '../../src/engine/aggregates/index.ts'
import { createMean, createSum } from '../../src/engine/aggregates/sum.ts'
import { extractEventTime } from '../../src/engine/source/event-time.ts'
import { ArrayPool, RecordLayout, RecordStore } from '../../src/state/index.ts'

const signed: DataType = { kind: 'int64', rows: 'bigint' }
const unsigned: DataType = { kind: 'uint64', rows: 'bigint' }
const nanoseconds: DataType = { kind: 'timestamp', unit: 'ns', zoned: false }

/** Values of 64 bits, many of them where float64 ends and where the halves of a word meet. */
function words(low: bigint, high: bigint): fc.Arbitrary<bigint> {
  const seams = [0n, 2n ** 31n, 2n ** 32n, 2n ** 52n, 2n ** 53n, -(2n ** 32n), -(2n ** 52n), -(2n ** 53n), 2n ** 63n, low, high] // prettier-ignore
  const near = fc.tuple(fc.constantFrom(...seams), fc.bigInt({ min: -3n, max: 3n })).map(([a, b]) => a + b)
  return fc.oneof(near, fc.bigInt({ min: low, max: high })).filter((value) => value >= low && value <= high)
}

const int64s = words(-(2n ** 63n), 2n ** 63n - 1n)
const uint64s = words(0n, 2n ** 64n - 1n)

/** One column `x` of the values. */
function batchOf(type: DataType, values: readonly bigint[]): Batch {
  const builder = new FixedColumnBuilder(type, false, values.length)
  for (const [row, value] of values.entries()) builder.setExact(row, value)
  return makeBatch({ fields: [{ name: 'x', type, nullable: false }] }, [builder.finish(values.length)], values.length)
} // prettier-ignore

/** What an aggregate gives over the rows of a column that is wide. */
function aggregated(type: DataType, result: DataType, make: (parts: AggregateParts) => Aggregate, values: readonly bigint[]): unknown {
  const layout = new RecordLayout(1)
  const field = { name: 'x', type, nullable: false }
  const call = { name: 'r', aggregate: 'any', type: result }
  const aggregate = make({ inputs: [{ index: 0, field }], call, layout, step: 'test' } as never)
  const store = new RecordStore(layout.template(), new ArrayPool())
  const record = store.allocate()
  aggregate.bind?.(batchOf(type, values))
  for (const row of values.keys()) aggregate.update?.(store, record, row)
  const out = new FixedColumnBuilder(result, true, 1)
  aggregate.write(store, { numbers: Int32Array.of(record), from: 0, to: 1 }, out as never, 0)
  const schema = { fields: [{ name: 'r', type: result, nullable: true }] }
  return (batchToRows(makeBatch(schema, [out.finish(1)], 1))[0] as { r: unknown }).r
} // prettier-ignore

/** At least one value that makes the column wide. */
const wideRows = (value: fc.Arbitrary<bigint>): fc.Arbitrary<bigint[]> =>
  fc.array(value, { maxLength: 30 }).map((values) => [...values, 2n ** 60n + 1n])

describe('aggregates of wide columns', () => {
  const total: DataType = { kind: 'decimal', precision: 38, scale: 0 }
  for (const [type, values] of [[signed, wideRows(int64s)], [unsigned, wideRows(uint64s)]] as const) {
    it(`are exact for ${type.kind}`, () => {
      fc.assert(
        fc.property(values, (rows) => {
          const sum = rows.reduce((a, b) => a + b, 0n)
          const sorted = rows.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
          expect(String(aggregated(type, total, createSum, rows))).toBe(String(sum))
          expect(aggregated(type, { kind: 'float64' }, createMean, rows)).toBe(Number(sum) / rows.length)
          expect(aggregated(type, type, (parts) => createExtreme(parts, -1), rows)).toBe(sorted[0])
          expect(aggregated(type, type, (parts) => createExtreme(parts, 1), rows)).toBe(sorted.at(-1))
        }),
      )
    })
  } // prettier-ignore
})

describe('event times in nanoseconds', () => {
  it('are rounded down to the millisecond, before 1970 too', () => {
    fc.assert(
      fc.property(wideRows(int64s), (rows) => {
        const times = extractEventTime(batchOf(nanoseconds, rows), 0, { array: new Float64Array(0) })
        for (const [row, value] of rows.entries()) {
          expect(times[row]).toBe(Number((value - (((value % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n))
        } // prettier-ignore
      }),
    )
  })
})

describe('event times in numbers with a fraction', () => {
  it('are rounded down to the millisecond, before 1970 too', () => {
    const of: Schema = { fields: [{ name: 'at', type: { kind: 'float64' }, nullable: false }] }
    const rows = [0.5, -0.5, 1000, 1e12 + 0.999, Number.NaN].map((at) => ({ at }))
    const times = extractEventTime(batchOfRows(of, rows), 0, { array: new Float64Array(0) })
    expect([...times.subarray(0, rows.length)]).toEqual([0, -1, 1000, 1e12, Number.NaN])
  })
})

describe('key hashes of wide columns', () => {
  it('are those of the value, whatever the layout', () => {
    for (const [type, values] of [[signed, wideRows(int64s)], [unsigned, wideRows(uint64s)]] as const) {
      fc.assert(
        fc.property(values, (rows) => {
          const batch = batchOf(type, rows)
          for (const [row, value] of rows.entries()) {
            const low = Number(BigInt.asIntN(32, value))
            const high = Number(BigInt.asIntN(32, value >> 32n))
            const isSafe = value >= -9007199254740991n && value <= 9007199254740991n
            const mixed = isSafe ? mixNumber(KEY_HASH_SEED, Number(value)) : mixWord(mixWord(KEY_HASH_SEED, low), high)
            expect(hashKeyRow(batch.columns, row)).toBe(finishHash(mixed))
          }
        }),
      )
    } // prettier-ignore
  })
})
