/**
 * Writes the RLE / bit-packing hybrid: levels and dictionary codes (Encodings.md, "RLE = 3").
 *
 * Runs of eight and more equal values are repeated runs, everything between is packed in groups of eight.
 */
import { packerOf } from './bit-pack.ts'
import type { ByteSink } from './byte-sink.ts'

const tail = new Int32Array(8)

/** Appends the first `count` values of `width` bits. */
export function writeRuns(values: Int32Array, count: number, width: number, sink: ByteSink): void {
  if (width === 0) {
    if (count > 0) sink.varint(count * 2)
    return
  }
  let packedFrom = 0
  let at = 0
  while (at < count) {
    const value = values[at] as number
    let end = at + 1
    while (end < count && values[end] === value) end++
    // What is packed before a repeated run must be whole groups.
    const fill = (8 - ((at - packedFrom) & 7)) & 7
    if (end - at - fill >= 8) {
      writePacked(values, packedFrom, at + fill, width, sink)
      writeRepeated(value, end - at - fill, width, sink)
      packedFrom = end
    }
    at = end
  }
  writePacked(values, packedFrom, count, width, sink)
}

/** Appends `count` times the same value. */
export function writeRepeated(value: number, count: number, width: number, sink: ByteSink): void {
  sink.varint(count * 2)
  for (let shift = 0; shift < width; shift += 8) sink.byte((value >>> shift) & 0xff)
}

function writePacked(values: Int32Array, from: number, end: number, width: number, sink: ByteSink): void {
  const count = end - from
  if (count === 0) return
  const groups = Math.ceil(count / 8)
  sink.varint(groups * 2 + 1)
  sink.reserve(groups * width)
  const whole = count >> 3
  const pack = packerOf(width)
  pack(values, from, sink.bytes, sink.length, whole)
  if (whole < groups) {
    tail.fill(0)
    tail.set(values.subarray(from + whole * 8, end))
    pack(tail, 0, sink.bytes, sink.length + whole * width, 1)
  }
  sink.length += groups * width
}
