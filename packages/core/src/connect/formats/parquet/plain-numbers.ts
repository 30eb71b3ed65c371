/**
 * Writes numbers in PLAIN: little-endian INT32, INT64, FLOAT or DOUBLE.
 */
import type { ByteSink } from './byte-sink.ts'
import { physicalType } from './vocabulary.ts'

/** Words are made in portions and copied behind each other. */
const PORTION = 2048

const bytes = new Uint8Array(PORTION * 8)
const int32s = new Int32Array(bytes.buffer)
const floats = new Float32Array(bytes.buffer)

/** Appends the first `count` values; integers are exact. */
export function writeNumbers(values: Float64Array, count: number, physical: number, sink: ByteSink): void {
  if (physical === physicalType.double) {
    sink.append(new Uint8Array(values.buffer, values.byteOffset, count * 8))
    return
  }
  const size = physical === physicalType.int64 ? 8 : 4
  for (let from = 0; from < count; from += PORTION) {
    const part = Math.min(PORTION, count - from)
    if (physical === physicalType.int64) splitWords(values, from, part)
    else if (physical === physicalType.int32)
      for (let index = 0; index < part; index++) int32s[index] = values[from + index] as number
    else floats.set(values.subarray(from, from + part))
    sink.append(bytes.subarray(0, part * size))
  }
}

function splitWords(values: Float64Array, from: number, count: number): void {
  for (let index = 0; index < count; index++) {
    const value = values[from + index] as number
    const high = Math.floor(value / 4294967296)
    int32s[2 * index] = value - high * 4294967296
    int32s[2 * index + 1] = high
  }
}
