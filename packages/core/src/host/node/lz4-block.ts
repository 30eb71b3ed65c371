/**
 * LZ4 blocks, decompressed: sequences of literals and matches, as lz4_Block_format.md of the LZ4 project describes them.
 *
 * Only raw blocks, as Parquet's LZ4_RAW stores them: no frames, no sizes of Hadoop before them. Only this direction.
 */

/** The shortest match: lengths are stored less this. */
const MATCH_BYTES_MIN = 4
/** A length of this goes on in further bytes. */
const LENGTH_GOES_ON = 15

/** Decompresses a block into `size` bytes; throws where it holds more, fewer, or refers to what is not there. */
export function decompressLz4Block(bytes: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size)
  let from = 0
  let to = 0
  const longer = (length: number): number => {
    let sum = length
    for (let byte = 255; byte === 255; sum += byte) {
      if (from >= bytes.length) throw new Error('the block ends inside a length')
      byte = bytes[from++] as number
    }
    return sum
  }
  while (from < bytes.length) {
    const token = bytes[from++] as number
    const literals = token >> 4 === LENGTH_GOES_ON ? longer(LENGTH_GOES_ON) : token >> 4
    if (from + literals > bytes.length) throw new Error('the block ends inside its literals')
    if (to + literals > size) throw tooLong(size)
    output.set(bytes.subarray(from, from + literals), to)
    from += literals
    to += literals
    // The last sequence has no match.
    if (from === bytes.length) break
    if (from + 2 > bytes.length) throw new Error('the block ends inside an offset')
    const offset = (bytes[from] as number) | ((bytes[from + 1] as number) << 8)
    from += 2
    if (offset === 0 || offset > to) throw new Error(`a match refers to ${offset} bytes before byte ${to}`)
    const stored = token & 15
    const length = (stored === LENGTH_GOES_ON ? longer(LENGTH_GOES_ON) : stored) + MATCH_BYTES_MIN
    if (to + length > size) throw tooLong(size)
    copyMatch(output, to, offset, length)
    to += length
  }
  if (to !== size) throw new Error(`the block holds ${to} bytes and should hold ${size}`)
  return output
}

/** Repeats what stands `offset` bytes before; a match longer than that repeats itself. */
function copyMatch(output: Uint8Array, at: number, offset: number, length: number): void {
  if (offset >= length && length > 16) output.copyWithin(at, at - offset, at - offset + length)
  else for (let p = at; p < at + length; p++) output[p] = output[p - offset] as number
}

function tooLong(size: number): Error {
  return new Error(`the block holds more than the ${size} bytes it should hold`)
}
