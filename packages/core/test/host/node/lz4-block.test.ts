/** LZ4 blocks against blocks put together here from literals and matches, and damaged ones. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompressLz4Block } from '../../../src/host/node/lz4-block.ts'

interface Sequence {
  readonly literals: Uint8Array
  /** How far back, as a part of what is there; and how much. */
  readonly back: number
  readonly length: number
}

/** The further bytes of a length of 15 or more. */
function longLength(length: number): number[] {
  const bytes: number[] = []
  let rest = length - 15
  if (rest < 0) return bytes
  for (; rest >= 255; rest -= 255) bytes.push(255)
  return [...bytes, rest]
}

/** A block of these sequences, the last one of literals only, and what it stands for. */
function assemble(
  sequences: readonly Sequence[],
  tail: Uint8Array,
): { block: Uint8Array; plain: Uint8Array } {
  const block: number[] = []
  const plain: number[] = []
  for (const { literals, back, length } of sequences) {
    plain.push(...literals)
    const offset = 1 + Math.floor(back * (Math.min(plain.length, 65_535) - 1))
    const stored = length - 4
    block.push((Math.min(15, literals.length) << 4) | Math.min(15, stored), ...longLength(literals.length))
    block.push(...literals, offset & 255, offset >> 8, ...longLength(stored))
    for (let i = 0; i < length; i++) plain.push(plain[plain.length - offset] as number)
  }
  plain.push(...tail)
  block.push(Math.min(15, tail.length) << 4, ...longLength(tail.length), ...tail)
  return { block: Uint8Array.from(block), plain: Uint8Array.from(plain) }
}

const sequence = fc.record({
  literals: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  back: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 4, max: 600 }),
})
const block = fc.record({
  sequences: fc.array(sequence, { maxLength: 12 }),
  tail: fc.uint8Array({ maxLength: 600 }),
})

describe('an LZ4 block', () => {
  it('gives back literals, matches, and matches that repeat themselves', () => {
    fc.assert(
      fc.property(block, ({ sequences, tail }) => {
        const { block: bytes, plain } = assemble(sequences, tail)
        expect(Buffer.compare(decompressLz4Block(bytes, plain.length), plain)).toBe(0)
      }),
    )
  })

  it('of another size than announced is refused', () => {
    fc.assert(
      fc.property(block, ({ sequences, tail }) => {
        const { block: bytes, plain } = assemble(sequences, tail)
        expect(() => decompressLz4Block(bytes, plain.length + 1)).toThrow(/should hold/)
        fc.pre(plain.length > 0)
        expect(() => decompressLz4Block(bytes, plain.length - 1)).toThrow(/should hold/)
      }),
    )
  })

  it('that was cut short or changed never gives more or fewer bytes than announced', () => {
    fc.assert(
      fc.property(block, fc.nat(), fc.uint8Array({ maxLength: 8 }), ({ sequences, tail }, cut, junk) => {
        const { block: bytes, plain } = assemble(sequences, tail)
        const damaged = Buffer.concat([bytes.subarray(0, cut % (bytes.length + 1)), junk])
        let size = plain.length
        try {
          size = decompressLz4Block(damaged, plain.length).length
        } catch (error) {
          if (!(error instanceof Error)) size = -1
        }
        expect(size).toBe(plain.length)
      }),
    )
  })

  it.each([
    ['inside its literals', [0x50, 1, 2]],
    ['inside a length', [0xf0, 255]],
    ['inside an offset', [0x10, 1, 1]],
    ['a match refers to 0 bytes before', [0x10, 1, 0, 0]],
    ['a match refers to 2 bytes before byte 1', [0x10, 1, 2, 0]],
  ])('says what is wrong: %s', (message, bytes) => {
    expect(() => decompressLz4Block(Uint8Array.from(bytes), 100)).toThrow(message)
  })
})
