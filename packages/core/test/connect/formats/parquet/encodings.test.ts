import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from '../../../../src/connect/formats/parquet/byte-sink.ts'
import { crc32 } from '../../../../src/connect/formats/parquet/crc32.ts'
import { DeltaReader } from '../../../../src/connect/formats/parquet/delta-reader.ts'
import { writeDeltas } from '../../../../src/connect/formats/parquet/delta-writer.ts'
import { RleReader } from '../../../../src/connect/formats/parquet/rle-reader.ts'
import { writeRuns } from '../../../../src/connect/formats/parquet/rle-writer.ts'
import { isUtf8Range } from '../../../../src/connect/formats/text/utf8-text.ts'
import { snappyBound, snappyCompress } from '../../../../src/connect/formats/parquet/snappy.ts'
import { compression } from './parquet-files.ts'

/** Values in runs, as levels and codes come. */
function runsOf(width: number): fc.Arbitrary<number[]> {
  const value =
    width === 0 ? fc.constant(0) : fc.integer({ min: 0, max: 2 ** width - 1 }).map((word) => word | 0)
  return fc
    .array(fc.tuple(value, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }))), { maxLength: 40 })
    .map((runs) => runs.flatMap(([word, count]) => new Array<number>(count).fill(word)))
}

describe('runs and packed groups', () => {
  it('give the same values at every width, read in any portions', () => {
    const cases = fc.integer({ min: 0, max: 32 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        values: runsOf(width),
        portion: fc.integer({ min: 1, max: 50 }),
      }),
    )
    fc.assert(
      fc.property(cases, ({ width, values, portion }) => {
        const sink = new ByteSink(1)
        writeRuns(Int32Array.from(values), values.length, width, sink)
        const reader = new RleReader()
        reader.open(sink.bytes, 0, sink.length, width)
        const out = new Int32Array(values.length)
        for (let at = 0; at < values.length; at += portion)
          reader.read(out, at, Math.min(portion, values.length - at))
        expect([...out]).toEqual(values)
      }),
      { numRuns: 1000 },
    )
  })

  it('of one bit give the same bitmap and count', () => {
    fc.assert(
      fc.property(runsOf(1), fc.integer({ min: 1, max: 30 }), (values, portion) => {
        const sink = new ByteSink(1)
        writeRuns(Int32Array.from(values), values.length, 1, sink)
        const reader = new RleReader()
        reader.open(sink.bytes, 0, sink.length, 1)
        const bitmap = new Uint8Array((values.length + 7) >> 3)
        let ones = 0
        for (let at = 0; at < values.length; at += portion)
          ones += reader.readBitmap(bitmap, at, Math.min(portion, values.length - at))
        expect(ones).toBe(values.filter((value) => value === 1).length)
        values.forEach((value, index) => {
          expect(((bitmap[index >> 3] as number) >> (index & 7)) & 1).toBe(value)
        })
      }),
    )
  })
})

describe('deltas', () => {
  const smallSteps = fc
    .tuple(
      fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
      fc.array(fc.integer({ min: -1000, max: 2 ** 31 - 1001 }), { maxLength: 400 }),
    )
    .map(([first, steps]) =>
      steps.reduce<number[]>((values, step) => [...values, (values.at(-1) as number) + step], [first]),
    )

  it('give the same numbers, read in any portions', () => {
    fc.assert(
      fc.property(smallSteps, fc.integer({ min: 1, max: 60 }), (values, portion) => {
        const sink = new ByteSink(1)
        expect(writeDeltas(Float64Array.from(values), values.length, false, sink)).toBe(true)
        const reader = new DeltaReader()
        reader.open(sink.bytes, 0, sink.length, false)
        const out = new Float64Array(values.length)
        for (let at = 0; at < values.length; at += portion)
          reader.readFloats(out, at, Math.min(portion, values.length - at))
        expect([...out]).toEqual(values)
        expect(reader.endPosition()).toBe(sink.length)
      }),
    )
  })

  it('are not used where a step has more than 32 bits or is not exact', () => {
    const sink = new ByteSink()
    for (const values of [
      [0, 1, 2 ** 33],
      [2 ** 53 - 1, 0],
      [0, 2 ** 52 + 2],
    ])
      expect(writeDeltas(Float64Array.from(values), values.length, false, sink)).toBe(false)
    expect(writeDeltas(Float64Array.of(-(2 ** 31), 2 ** 31 - 1), 2, true, sink)).toBe(false)
    expect(sink.length).toBe(0)
  })
})

describe('Snappy', () => {
  it('gives bytes that decompress to the same', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(255), fc.integer({ min: 1, max: 70_000 }))
        .map(([byte, count]) => new Uint8Array(count).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3000 }))
        .map(([unit, count]) => {
          return Uint8Array.from(
            { length: unit.length * count },
            (_, index) => unit[index % unit.length] as number,
          )
        }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(5), (pieces, before) => {
        const input = new Uint8Array(Buffer.concat([new Uint8Array(before), ...pieces]))
        const range = { start: before, end: input.length }
        const output = new Uint8Array(snappyBound(input.length))
        const end = snappyCompress(input, range, output, 0)
        const wanted = input.subarray(before)
        const back = compression.decompressBlock('snappy', output.subarray(0, end), wanted.length)
        expect(Buffer.compare(back, wanted)).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})

describe('checks of bytes', () => {
  it('know CRC-32 by its test value', () => {
    const bytes = new TextEncoder().encode('123456789')
    expect(crc32(bytes, 0, 9) >>> 0).toBe(0xcbf43926)
    expect(crc32(new TextEncoder().encode('x123456789123456789'), 10, 19) >>> 0).toBe(0xcbf43926)
  })

  it('know UTF-8 as the platform does', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const isText = (bytes: Uint8Array): boolean => {
      try {
        strict.decode(bytes)
        return true
      } catch {
        return false
      }
    }
    const odd = fc.array(
      fc.constantFrom(
        0x41,
        0x80,
        0xbf,
        0xc0,
        0xc2,
        0xdf,
        0xe0,
        0xa0,
        0xed,
        0x9f,
        0xef,
        0xf0,
        0x90,
        0xf4,
        0x8f,
        0xf5,
      ),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          odd.map((bytes) => Uint8Array.from(bytes)),
          fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
          expect(isUtf8Range(bytes, view, 0, bytes.length)).toBe(isText(bytes))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
