import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compactBatch } from '../../src/data/append.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { rowCount, rowIndex } from '../../src/data/batch.ts'
import type { ColumnType } from '../../src/data/builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { KeyEncoder } from '../../src/data/key-encoding.ts'
import { checkKeyGroups, hashBytes, hashKeyRow, hashKeys, keyGroupOf } from '../../src/data/key-hash.ts'
import { arbitraryBatch, relayoutBatch } from './arbitrary.ts'

const hashOf = (type: ColumnType, value: unknown): number => {
  const batch = batchOfRows(schema({ k: type }), [{ k: value } as never])
  const out = new Int32Array(1)
  hashKeys(batch, [0], out)
  expect(hashKeyRow(batch.columns, 0)).toBe(out[0])
  return out[0]! >>> 0
}
const hexOf = (type: ColumnType, value: unknown): string =>
  Buffer.from(
    new KeyEncoder().encode(batchOfRows(schema({ k: type }), [{ k: value } as never]).columns, 0),
  ).toString('hex')

describe('the key hash', () => {
  it('is MurmurHash3_x86_32 on bytes (published vectors)', () => {
    const hash = (text: string): number => hashBytes(new TextEncoder().encode(text), 0, text.length) >>> 0
    expect([
      hash(''),
      hash('test'),
      hash('Hello, world!'),
      hash('The quick brown fox jumps over the lazy dog'),
    ]).toEqual([0, 0xba6bd213, 0xc0363e43, 0x2e4ff723])
  })

  // Frozen: a change here makes every state directory unreadable.
  it.each([
    ['null', t.int32().nullable(), null, 0xe431a0ea],
    ['0', t.int32(), 0, 0x91c9ad1a],
    ['1', t.int32(), 1, 0xe6584416],
    ['-1', t.int8(), -1, 0x42a71d31],
    ['2^31', t.uint32(), 2 ** 31, 0x60dc96c9],
    ['2^53 - 1', t.int64(), 2 ** 53 - 1, 0x16cca4dc],
    ['2^53', t.int64(), 2n ** 53n, 0x48769270],
    ['-2^63', t.int64(), -(2n ** 63n), 0xf86dfec9],
    ['2^64 - 1', t.uint64(), 2n ** 64n - 1n, 0x383a9172],
    ['0.5', t.float64(), 0.5, 0x274fef8b],
    ['NaN', t.float64(), Number.NaN, 0x62bca790],
    ['Infinity', t.float32(), Infinity, 0x361e9dfe],
    ['empty text', t.string(), '', 0x91c9ad1a],
    ['ORD', t.string(), 'ORD', 0xf8af6ac3],
    ['Zürich', t.string(), 'Zürich', 0x11b34f83],
    ['12.50', t.decimal(4, 2), '12.50', 0xe359ba29],
    ['10^37', t.decimal(38, 0), `1${'0'.repeat(37)}`, 0xf99eaf48],
    ['a day', t.date(), '1969-12-31', 0x42a71d31],
    ['a list', t.list(t.int32()), [1, 2], 0xcd74143c],
    ['an interval', t.interval(), { months: 1, days: 2, micros: 3 }, 0xeeeb0e7a],
  ])('has a frozen value for %s', (_name, type, value, hash) => {
    expect(hashOf(type, value)).toBe(hash)
  })

  it('is the same for the same value in any layout', () => {
    fc.assert(
      fc.property(arbitraryBatch({ selection: false, layouts: false }), fc.nat(), ({ batch }, seed) => {
        const columns = batch.columns.map((_, index) => index)
        const other = relayoutBatch(batch, seed)
        const [a, b] = [new Int32Array(batch.length), new Int32Array(batch.length)]
        hashKeys(batch, columns, a)
        hashKeys(other, columns, b)
        expect(b).toEqual(a)
        for (const column of columns) {
          hashKeys(batch, [column], a)
          hashKeys(other, [column], b)
          expect(b).toEqual(a)
        }
        const encoder = new KeyEncoder()
        for (let i = 0; i < batch.length; i++) {
          hashKeys(batch, columns, a)
          expect(hashKeyRow(batch.columns, i)).toBe(a[i])
          const bytes = encoder.encode(batch.columns, i).slice()
          expect(encoder.encode(other.columns, i)).toEqual(bytes)
        }
      }),
    )
  })

  it('is written to physical rows under a selection', () => {
    fc.assert(
      fc.property(arbitraryBatch(), ({ batch }) => {
        const columns = batch.columns.map((_, index) => index)
        const physical = new Int32Array(batch.length).fill(77)
        hashKeys(batch, columns, physical)
        const compacted = compactBatch(batch)
        const dense = new Int32Array(compacted.length)
        hashKeys(compacted, columns, dense)
        for (let n = 0; n < rowCount(batch); n++) expect(physical[rowIndex(batch, n)]).toBe(dense[n])
      }),
    )
  })

  it('takes −0 as 0, every NaN as one, and equal numbers of all types as equal', () => {
    expect(hashOf(t.float64(), -0)).toBe(hashOf(t.int32(), 0))
    expect(hashOf(t.float64(), 5)).toBe(hashOf(t.int64().bigint(), 5n))
    expect(hashOf(t.float32(), 2 ** 40)).toBe(hashOf(t.int64(), 2 ** 40))
    const bits = new BigUint64Array([0xfff8000000000123n])
    const odd = batchOfRows(schema({ k: t.float64() }), [{ k: 0 }])
    const out = new Int32Array(1)
    hashKeys(
      {
        ...odd,
        columns: [
          {
            layout: 'fixed',
            type: { kind: 'float64' },
            values: new Float64Array(bits.buffer),
            validity: undefined,
          },
        ],
      },
      [0],
      out,
    )
    expect(out[0]! >>> 0).toBe(hashOf(t.float64(), Number.NaN))
  })

  it('spreads numbers in sequence evenly over key groups', () => {
    const groups = new Int32Array(128)
    const batch = batchOfRows(
      schema({ k: t.int32() }),
      Array.from({ length: 12_800 }, (_, k) => ({ k })),
    )
    const out = new Int32Array(batch.length)
    hashKeys(batch, [0], out)
    for (const hash of out) groups[keyGroupOf(hash, 128)]!++
    expect(Math.min(...groups)).toBeGreaterThan(60)
    expect(Math.max(...groups)).toBeLessThan(150)
    expect(() => checkKeyGroups(100)).toThrowError(expect.objectContaining({ code: 'internal/assertion' }))
  })
})

describe('the key encoding', () => {
  it.each([
    [t.int32().nullable(), null, '00'],
    [t.boolean(), true, '0101'],
    [t.int8(), -1, '017f'],
    [t.int16(), 1, '018001'],
    [t.int32(), -1, '017fffffff'],
    [t.int64(), 1, '018000000000000001'],
    [t.int64(), -(2n ** 63n), '010000000000000000'],
    [t.uint64(), 2n ** 64n - 1n, '01ffffffffffffffff'],
    [t.float64(), 1, '01bff0000000000000'],
    [t.float64(), -1, '01400fffffffffffff'],
    [t.float64(), -0, '018000000000000000'],
    [t.float32(), Number.NaN, '01ffc00000'],
    [t.decimal(3, 1), '-0.1', '017fffffffffffffffffffffffffffffff'],
    [t.string(), 'a\0b', '016100ff620000'],
    [t.bytes(), Uint8Array.of(), '010000'],
    [t.date(), '1970-01-02', '0180000001'],
    [t.timestamp('us'), 1, '0180000000000003e8'],
    [t.list(t.uint8().nullable()), [7, null], '01010107010000'],
    [t.struct({ a: t.boolean(), b: t.uint8().nullable() }), { a: false, b: null }, '01010000'],
    [t.interval(), { months: 1, days: -1, micros: 0 }, '01800000017fffffff8000000000000000'],
  ])('has frozen bytes for %# %s', (type, value, hex) => {
    expect(hexOf(type, value)).toBe(hex)
  })

  it('compares as numbers and texts do', () => {
    const compare = (a: string, b: string): number =>
      Math.sign(Buffer.compare(Buffer.from(a, 'hex'), Buffer.from(b, 'hex')))
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        expect(compare(hexOf(t.float64(), a), hexOf(t.float64(), b))).toBe(
          Math.sign(a - b) || (a < b ? -1 : a > b ? 1 : 0),
        )
      }),
    )
    fc.assert(
      fc.property(
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        (a, b) => {
          expect(compare(hexOf(t.int64(), a), hexOf(t.int64(), b))).toBe(a < b ? -1 : a > b ? 1 : 0)
        },
      ),
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ max: 2, maxLength: 4 }),
        fc.uint8Array({ max: 2, maxLength: 4 }),
        (a, b) => {
          expect(compare(hexOf(t.bytes(), a), hexOf(t.bytes(), b))).toBe(Math.sign(Buffer.compare(a, b)))
        },
      ),
    )
  })
})
