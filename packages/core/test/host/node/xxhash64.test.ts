import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { XxHash64 } from '../../../src/host/node/xxhash64.ts'

function hashOf(...pieces: readonly Uint8Array[]): string {
  const hash = new XxHash64()
  for (const piece of pieces) hash.update(piece)
  return hash.digest().toString(16).padStart(16, '0')
}

describe('XXH64', () => {
  // From the reference implementation (its command xxhsum).
  it.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
    ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('of %j is %s', (text, expected) => {
    expect(hashOf(Buffer.from(text))).toBe(expected)
  })

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (bytes, size) => {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        )
        expect(hashOf(...pieces)).toBe(hashOf(bytes))
      }),
    )
  })
})
