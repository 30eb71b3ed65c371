import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder, batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { BatchEncoder, decodeBatch, encodeBatch } from '../../src/data/codec.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { isMillraceError } from '../../src/errors.ts'
import { arbitraryBatch, relayoutBatch } from './arbitrary.ts'

const pairs = schema({ a: t.int32(), s: t.string().nullable() })

describe('the column codec', () => {
  it('gives back the live rows of any batch', () => {
    fc.assert(
      fc.property(arbitraryBatch(), ({ schema: s, batch, rows }) => {
        const decoded = decodeBatch(encodeBatch(batch), s)
        expect(batchToRows(decoded)).toEqual(rows)
        expect(batchToRows(decodeBatch(encodeBatch(decoded), s))).toEqual(rows)
      }),
      { numRuns: 500 },
    )
  })

  it('gives back batches one after the other through one encoder, also from unaligned memory', () => {
    const two = arbitraryBatch().chain((first) =>
      arbitraryBatch({ schema: first.schema }).map((second) => [first, second]),
    )
    fc.assert(
      fc.property(two, fc.nat(7), (batches, shift) => {
        const encoder = new BatchEncoder(batches[0]!.schema)
        for (const { schema: s, batch, rows } of batches) {
          const bytes = encoder.encode(batch)
          const moved = new Uint8Array(bytes.length + 8)
          moved.set(bytes, shift)
          expect(batchToRows(decodeBatch(moved.subarray(shift, shift + bytes.length), s))).toEqual(rows)
        }
      }),
    )
  })

  it('carries event time, weights and order of live rows', () => {
    const builder = new BatchBuilder(pairs, 4, { eventTime: true, weights: true, order: true })
    for (let a = 0; a < 3; a++) builder.appendRow({ a, s: null })
    builder.eventTime!.set([1, -Infinity, 3])
    builder.weights!.set([1, -1, 1])
    builder.order!.set([2 ** 36, 2 ** 40, 5])
    const batch = { ...builder.finish(), selection: Int32Array.of(0, 1), selectedCount: 2 }
    const decoded = decodeBatch(encodeBatch(batch), pairs)
    expect([...decoded.eventTime!]).toEqual([1, -Infinity])
    expect([...decoded.weights!]).toEqual([1, -1])
    expect([...decoded.order!]).toEqual([2 ** 36, 2 ** 40])
  })

  it('keeps dictionaries', () => {
    const strings = schema({ s: t.string() })
    const rows = Array.from({ length: 100 }, (_, i) => ({ s: `value ${i % 3}` }))
    const plain = batchOfRows(strings, rows)
    let seed = 1
    while (relayoutBatch(plain, seed).columns[0]!.layout !== 'dictionary') seed++
    const decoded = decodeBatch(encodeBatch(relayoutBatch(plain, seed)), strings)
    expect(decoded.columns[0]!.layout).toBe('dictionary')
    expect(batchToRows(decoded)).toEqual(rows)
  })

  it('has a frozen form (version 1)', () => {
    const bytes = encodeBatch(
      batchOfRows(pairs, [
        { a: -1, s: 'é' },
        { a: 7, s: null },
      ]),
    )
    expect(Buffer.from(bytes).toString('hex').match(/.{16}/g)).toEqual([
      '4d52434201000000',
      '7000000002000000',
      '0200000000000000',
      '0000000000000000',
      // a: fixed int32
      '0000000003000000',
      '0200000000000000',
      'ffffffff07000000',
      // s: utf8 string with a bitmap
      '020000000c000000',
      '0200000001000000',
      'fd00000000000000',
      // 2 bytes of text; starts 0, 0; lengths 2, 0; the text
      '0200000000000000',
      '0000000000000000',
      '0200000000000000',
      'c3a9000000000000',
    ])
  })

  it('refuses bytes that are cut, longer, of another schema or of a newer version', () => {
    const bytes = encodeBatch(batchOfRows(pairs, [{ a: 1, s: 'x' }]))
    const corrupt = expect.objectContaining({ code: 'input/corrupt' })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeBatch(bytes.slice(0, length), pairs)).toThrowError(corrupt)
    }
    expect(() => decodeBatch(new Uint8Array([...bytes, ...new Uint8Array(8)]), pairs)).toThrowError(corrupt)
    expect(() => decodeBatch(bytes, schema({ a: t.int32() }))).toThrowError(corrupt)
    expect(() => decodeBatch(bytes, schema({ a: t.float64(), s: t.string() }))).toThrowError(corrupt)
    const newer = bytes.slice()
    newer[4] = 2
    expect(() => decodeBatch(newer, pairs)).toThrowError(
      expect.objectContaining({ code: 'input/unsupported' }),
    )
  })

  it('never reads outside the bytes, whatever is damaged', () => {
    fc.assert(
      fc.property(arbitraryBatch(), fc.nat(), fc.nat(255), ({ schema: s, batch }, at, value) => {
        const bytes = encodeBatch(batch)
        bytes[at % bytes.length] = value
        expect(['fine', 'input/corrupt', 'input/unsupported']).toContain(
          outcomeOf(() => decodeBatch(bytes, s)),
        )
      }),
      { numRuns: 1000 },
    )
  })
})

function outcomeOf(decode: () => void): string {
  try {
    decode()
    return 'fine'
  } catch (error) {
    return isMillraceError(error) ? error.code : String(error)
  }
}
