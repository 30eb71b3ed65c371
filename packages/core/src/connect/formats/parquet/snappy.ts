/**
 * Compresses blocks in the Snappy format (google/snappy, format_description.txt, 2011).
 *
 * Written for Parquet pages: it gives up quickly on bytes that do not repeat (the stride between probes grows, as in
 * the reference implementation), which makes it several times as fast there as WebAssembly builds at hand. Only the
 * encoder is here; decompression is `host.compression`.
 */

/** Copies reach back within one block of this size. */
const BLOCK_BYTES = 1 << 16

const HASH_BITS = 14

/** The last bytes of a block are always literals, so that four bytes can be read anywhere before. */
const MARGIN = 15

/** Positions in the present block by hash of the four bytes there; cleared per block. */
const table: Uint16Array = new Uint16Array(1 << HASH_BITS)

/** The most bytes that `length` bytes can become. */
export function snappyBound(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

/** Compresses `input[start … end)` to `output[at…]`, which has `snappyBound` bytes left; returns the end. */
export function snappyCompress(
  input: Uint8Array,
  range: { readonly start: number; readonly end: number },
  output: Uint8Array,
  at: number,
): number {
  let to = at
  let length = range.end - range.start
  for (; length >= 128; length = Math.floor(length / 128)) output[to++] = (length & 0x7f) | 0x80
  output[to++] = length
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  for (let start = range.start; start < range.end; start += BLOCK_BYTES)
    to = compressBlock(input, view, start, Math.min(range.end, start + BLOCK_BYTES), output, to)
  return to
}

function hash(word: number): number {
  return Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
}

function compressBlock(
  input: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
): number {
  let to = at
  let literal = start
  if (end - start > MARGIN) {
    table.fill(0)
    const limit = end - MARGIN
    let position = start + 1
    let stride = 32
    while (position < limit) {
      const word = view.getInt32(position, true)
      const slot = hash(word)
      const candidate = start + (table[slot] as number)
      table[slot] = position - start
      if (view.getInt32(candidate, true) !== word || candidate >= position) {
        // The longer nothing repeats, the fewer positions are looked at.
        position += stride++ >> 5
        continue
      }
      stride = 32
      to = writeLiteral(input, literal, position, output, to)
      const matched = matchLength(input, view, candidate + 4, position + 4, end) + 4
      to = writeCopy(output, to, position - candidate, matched)
      position += matched
      literal = position
      if (position < limit) table[hash(view.getInt32(position - 1, true))] = position - 1 - start
    }
  }
  return writeLiteral(input, literal, end, output, to)
}

function matchLength(input: Uint8Array, view: DataView, from: number, at: number, end: number): number {
  let length = 0
  while (at + length + 4 <= end && view.getInt32(from + length, true) === view.getInt32(at + length, true))
    length += 4
  while (at + length < end && input[from + length] === input[at + length]) length++
  return length
}

function writeLiteral(input: Uint8Array, from: number, end: number, output: Uint8Array, at: number): number {
  const length = end - from
  if (length === 0) return at
  let to = at
  const last = length - 1
  if (last < 60) output[to++] = last << 2
  else if (last < 256) {
    output[to++] = 60 << 2
    output[to++] = last
  } else {
    output[to++] = 61 << 2
    output[to++] = last & 255
    output[to++] = last >> 8
  }
  if (length > 32) output.set(input.subarray(from, end), to)
  else for (let index = 0; index < length; index++) output[to + index] = input[from + index] as number
  return to + length
}

function writeCopy(output: Uint8Array, at: number, offset: number, matched: number): number {
  let to = at
  let length = matched
  // Pieces of 64, but the last two so that none is shorter than four.
  while (length >= 68) {
    to = writeLongCopy(output, to, offset, 64)
    length -= 64
  }
  if (length > 64) {
    to = writeLongCopy(output, to, offset, 60)
    length -= 60
  }
  if (length >= 12 || offset >= 2048) return writeLongCopy(output, to, offset, length)
  output[to++] = ((offset >> 8) << 5) | ((length - 4) << 2) | 1
  output[to++] = offset & 255
  return to
}

function writeLongCopy(output: Uint8Array, at: number, offset: number, length: number): number {
  output[at] = ((length - 1) << 2) | 2
  output[at + 1] = offset & 255
  output[at + 2] = offset >> 8
  return at + 3
}
