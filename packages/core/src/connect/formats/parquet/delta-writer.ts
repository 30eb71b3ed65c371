/**
 * Writes DELTA_BINARY_PACKED integers in blocks of 128 values and miniblocks of 32 (see delta-reader.ts).
 */
import { packerOf } from './bit-pack.ts'
import type { ByteSink } from './byte-sink.ts'

const BLOCK_VALUES = 128
const MINI_VALUES = 32
const MINIS = BLOCK_VALUES / MINI_VALUES

/** Differences of numbers up to this are exact. */
const EXACT_MAX = 2 ** 52

const deltas = new Float64Array(BLOCK_VALUES)
const packed = new Int32Array(BLOCK_VALUES)

/**
 * Appends the first `count` values. Returns false, with the sink as it was, when they do not suit: a difference that
 * has more than 32 bits, or (for `narrow32`) that 32-bit readers would not take.
 */
export function writeDeltas(values: Float64Array, count: number, narrow32: boolean, sink: ByteSink): boolean {
  const start = sink.length
  sink.varint(BLOCK_VALUES)
  sink.varint(MINIS)
  sink.varint(count)
  const first = count > 0 ? (values[0] as number) : 0
  if (Math.abs(first) > EXACT_MAX) {
    sink.length = start
    return false
  }
  sink.zigzag(first)
  const leastDelta = narrow32 ? -2147483648 : -EXACT_MAX
  for (let from = 1; from < count; from += BLOCK_VALUES) {
    if (!writeBlock(values, from, Math.min(count, from + BLOCK_VALUES), leastDelta, sink)) {
      sink.length = start
      return false
    }
  }
  return true
}

function writeBlock(
  values: Float64Array,
  from: number,
  end: number,
  leastDelta: number,
  sink: ByteSink,
): boolean {
  let least = Infinity
  let most = -Infinity
  let before = values[from - 1] as number
  for (let index = from; index < end; index++) {
    const value = values[index] as number
    if (value > EXACT_MAX || value < -EXACT_MAX) return false
    const delta = value - before
    deltas[index - from] = delta
    if (delta < least) least = delta
    if (delta > most) most = delta
    before = value
  }
  if (most - least > 0xffffffff || least < leastDelta || most > -leastDelta) return false
  sink.zigzag(least)
  writeMinis(end - from, least, sink)
  return true
}

function writeMinis(count: number, least: number, sink: ByteSink): void {
  packed.fill(0, count)
  for (let index = 0; index < count; index++) packed[index] = (deltas[index] as number) - least
  const widthsAt = sink.length
  sink.reserve(MINIS + BLOCK_VALUES * 4)
  sink.length += MINIS
  for (let mini = 0; mini < MINIS; mini++) {
    const from = mini * MINI_VALUES
    let bits = 0
    for (let index = from; index < from + MINI_VALUES; index++) bits |= packed[index] as number
    const width = from < count && bits !== 0 ? 32 - Math.clz32(bits) : 0
    sink.bytes[widthsAt + mini] = width
    // Miniblocks behind the last value are left out altogether.
    if (width === 0) continue
    packerOf(width)(packed, from, sink.bytes, sink.length, MINI_VALUES / 8)
    sink.length += (MINI_VALUES * width) / 8
  }
}
