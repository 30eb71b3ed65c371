import { gunzipSync, brotliCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { decompressFrames, frameCompressor, frameDecompressor } from '../../../src/host/node/zstd-frames.ts'
import type { CompressionStream } from '../../../src/host/host.ts'

const { compression } = createNodeHost()

/** Pieces come in memory that is used again for the next one, as from a file. */
async function through(
  stream: CompressionStream,
  bytes: Uint8Array,
  pieceBytes: number,
): Promise<Uint8Array> {
  const output: Uint8Array[] = []
  const memory = Buffer.alloc(pieceBytes)
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const piece = bytes.subarray(start, start + pieceBytes)
    memory.set(piece)
    output.push(Uint8Array.from(await stream.push(memory.subarray(0, piece.length))))
    memory.fill(0xff)
  }
  output.push(Uint8Array.from(await stream.end()))
  return Uint8Array.from(Buffer.concat(output))
}

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action()
    return 'no error'
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

/** Compressible and longer than one zstd block and one frame of the fallback. */
const long = Uint8Array.from({ length: 2_500_000 }, (_, index) => 97 + (((index * index) >> 7) % 23))

const streams = [
  { name: 'gzip', make: () => compression.compressor('gzip'), read: () => compression.decompressor('gzip') },
  { name: 'zstd', make: () => compression.compressor('zstd'), read: () => compression.decompressor('zstd') },
  { name: 'zstd without native support', make: frameCompressor, read: frameDecompressor },
]

describe.each(streams)('streaming $name', ({ make, read }) => {
  it('gives back what went in, however both sides are cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 300 }),
        async (bytes, pieceIn, pieceOut) => {
          const compressed = await through(make(), bytes, pieceIn)
          expect(await through(read(), compressed, pieceOut)).toEqual(Uint8Array.from(bytes))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keeps nothing of memory that it was given once a push is answered, whoever made that memory', async () => {
    const written: Buffer[] = []
    const output: Uint8Array[] = []
    const compressor = make()
    const memory = Buffer.alloc(1000)
    for (let piece = 0; piece < 5; piece++) {
      for (let at = 0; at < memory.length; at++) memory[at] = 97 + ((at * (piece + 3)) % 23)
      written.push(Buffer.from(memory))
      output.push(Uint8Array.from(await compressor.push(memory)))
    }
    output.push(Uint8Array.from(await compressor.end()))
    const back = await through(read(), Buffer.concat(output), 100)
    expect(Buffer.from(back).equals(Buffer.concat(written))).toBe(true)
  })

  it('compresses long input and reads it back', async () => {
    const compressed = await through(make(), long, 300_000)
    expect(compressed.length).toBeLessThan(long.length / 2)
    expect(Buffer.compare(await through(read(), compressed, 64 * 1024), long)).toBe(0)
  })

  it('reads several streams that follow each other', async () => {
    const one = await through(make(), Buffer.from('first\n'), 100)
    const two = await through(make(), Buffer.from('second\n'), 100)
    for (const piece of [1, 7, 1000]) {
      const text = Buffer.from(await through(read(), Buffer.concat([one, two]), piece)).toString()
      expect(text).toBe('first\nsecond\n')
    }
  })

  it('says input/truncated wherever the input is cut off', async () => {
    const compressed = await through(make(), Buffer.from('a row of some length\n'.repeat(50)), 10_000)
    for (let length = 0; length < compressed.length; length++) {
      expect([length, await codeOf(() => through(read(), compressed.subarray(0, length), 5))]).toEqual([
        length,
        'input/truncated',
      ])
    }
  })

  it('says input/corrupt for input of another kind', async () => {
    expect(await codeOf(() => through(read(), Buffer.from('{"not":"compressed"}\n'), 100))).toBe(
      'input/corrupt',
    )
  })

  it('says input/corrupt for bytes behind the end', async () => {
    const compressed = await through(make(), Buffer.from('rows\n'), 100)
    const spoilt = Buffer.concat([compressed, Buffer.from('and then some more')])
    expect(await codeOf(() => through(read(), spoilt, 1000))).toBe('input/corrupt')
  })
})

describe.each(streams.slice(1))('streaming $name', ({ make, read }) => {
  it('passes over skippable frames', async () => {
    const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const empty = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])
    const frame = await through(make(), Buffer.from('rows'), 10)
    const bytes = Buffer.concat([skippable, frame, empty, frame, skippable])
    for (const piece of [1, 4, 1000]) {
      expect(Buffer.from(await through(read(), bytes, piece)).toString()).toBe('rowsrows')
    }
    expect(await codeOf(() => through(read(), bytes.subarray(0, bytes.length - 1), 5))).toBe(
      'input/truncated',
    )
  })
})

describe.each(streams)('damaged $name', ({ make, read }) => {
  it('never passes for other content, whichever bit is flipped', async () => {
    // Not compressible: a flipped bit of the content changes nothing of how it is packed.
    const content = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * at * 31 + (at >> 3)) & 255))
    const compressed = await through(make(), content, 100)
    for (let bit = 0; bit < compressed.length * 8; bit++) {
      const flipped = Buffer.from(compressed)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      const answer = await through(read(), flipped, 64).catch((error: unknown) => error)
      // A header has bits that mean nothing.
      const isHarmless = answer instanceof Uint8Array && Buffer.compare(answer, content) === 0
      const isRefused = isMillraceError(answer) && /^input\/(corrupt|truncated)$/.test(answer.code)
      expect([bit, isHarmless || isRefused]).toEqual([bit, true])
    }
  })
})

describe('zstd of other programs', () => {
  // `printf 'rows of another program\n' | zstd -c`
  const frame = Buffer.from('KLUv/QRYwQAAcm93cyBvZiBhbm90aGVyIHByb2dyYW0Kwhu0Aw==', 'base64')

  it.each(streams.slice(1))('is read and verified by $name', async ({ read }) => {
    expect(Buffer.from(await through(read(), frame, 7)).toString()).toBe('rows of another program\n')
    const spoilt = Buffer.from(frame)
    spoilt[frame.length - 1] = (frame.at(-1) as number) ^ 1
    expect(await codeOf(() => through(read(), spoilt, 7))).toBe('input/corrupt')
  })
})

describe('streaming gzip', () => {
  it('writes what other programs read', async () => {
    const compressed = await through(compression.compressor('gzip'), long, 100_000)
    expect(Buffer.compare(gunzipSync(compressed), long)).toBe(0)
  })
})

describe('blocks', () => {
  it.each(['gzip', 'zstd', 'snappy'] as const)('%s gives back what went in', (codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const packed = Uint8Array.from(compression.compressBlock(codec, bytes))
        expect(Uint8Array.from(compression.decompressBlock(codec, packed, bytes.length))).toEqual(bytes)
      }),
      { numRuns: 50 },
    )
    const packed = compression.compressBlock(codec, long)
    expect(Buffer.compare(compression.decompressBlock(codec, packed, long.length), long)).toBe(0)
  })

  it('reads brotli', () => {
    const packed = brotliCompressSync(long)
    expect(Buffer.compare(compression.decompressBlock('brotli', packed, long.length), long)).toBe(0)
  })

  it('reads a raw LZ4 block', () => {
    // Token 0x50: five literals and no match.
    const block = Uint8Array.of(0x50, 104, 101, 108, 108, 111)
    expect(Buffer.from(compression.decompressBlock('lz4', block, 5)).toString()).toBe('hello')
  })

  it.each(['gzip', 'zstd', 'snappy'] as const)('%s refuses damage and a wrong size', async (codec) => {
    const bytes = Buffer.from('some rows of a column '.repeat(40))
    const packed = Uint8Array.from(compression.compressBlock(codec, bytes))
    expect(await codeOf(() => compression.decompressBlock(codec, packed, bytes.length - 1))).toBe(
      'input/corrupt',
    )
    expect(await codeOf(() => compression.decompressBlock(codec, packed, bytes.length + 1))).toBe(
      'input/corrupt',
    )
    expect(
      await codeOf(() =>
        compression.decompressBlock(codec, packed.subarray(0, packed.length >> 1), bytes.length),
      ),
    ).toBe('input/corrupt')
    expect(await codeOf(() => compression.decompressBlock(codec, Buffer.from('nonsense'), 100))).toBe(
      'input/corrupt',
    )
    // The codec still works after the failures.
    expect(Buffer.compare(compression.decompressBlock(codec, packed, bytes.length), bytes)).toBe(0)
  })

  it('zstd blocks of the fallback and of this Node are the same format', () => {
    const packed = compression.compressBlock('zstd', long)
    expect(Buffer.compare(decompressFrames(packed, long.length), long)).toBe(0)
  })
})
