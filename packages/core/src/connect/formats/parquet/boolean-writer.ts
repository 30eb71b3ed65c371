/**
 * Writes leaves of booleans: one bit each, PLAIN.
 */
import type { Column, FixedColumn } from '../../../data/column.ts'
import type { ByteSink } from './byte-sink.ts'
import { grownCapacity } from './leaf.ts'
import type { ByteBounds, ValueWriter } from './value-writer.ts'
import { encoding } from './vocabulary.ts'

/** Collects and encodes booleans. */
export class BooleanWriter implements ValueWriter {
  private values = new Uint8Array(0)
  private length = 0
  private low = 1
  private high = 0

  startChunk(): void {
    this.low = 1
    this.high = 0
  }

  pageBytes(): number {
    return this.length >> 3
  }

  needsFlush(): boolean {
    return false
  }

  append(column: Column, rows: Int32Array | undefined, first: number, count: number): void {
    if (this.length + count > this.values.length) {
      const grown = new Uint8Array(grownCapacity(this.values.length, this.length + count))
      grown.set(this.values.subarray(0, this.length))
      this.values = grown
    }
    const from = (column as FixedColumn).values
    for (let index = 0; index < count; index++) {
      const value = from[rows === undefined ? first + index : (rows[index] as number)] === 0 ? 0 : 1
      this.low &= value
      this.high |= value
      this.values[this.length++] = value
    }
  }

  encodePage(sink: ByteSink): number {
    const byteCount = (this.length + 7) >> 3
    sink.reserve(byteCount)
    for (let byte = 0; byte < byteCount; byte++) {
      let bits = 0
      for (let bit = 0; bit < 8 && byte * 8 + bit < this.length; bit++)
        bits |= (this.values[byte * 8 + bit] as number) << bit
      sink.bytes[sink.length + byte] = bits
    }
    sink.length += byteCount
    this.length = 0
    return encoding.plain
  }

  encodeDictionary(): number {
    return 0
  }

  bounds(): ByteBounds | undefined {
    if (this.low > this.high) return undefined
    return { min: Uint8Array.of(this.low), max: Uint8Array.of(this.high), minExact: true, maxExact: true }
  }
}
