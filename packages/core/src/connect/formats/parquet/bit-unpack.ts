/**
 * Unpacks bit-packed whole numbers, eight at a time, with one generated function per bit width.
 *
 * Eight values of w bits are exactly w bytes, so a generated body has constant shifts and no branches: 2 to 3 times as
 * fast as a loop over a bit buffer.
 */
import { generate } from '../../../data/generate.ts'

/** Unpacks `groups` × 8 values from `bytes[position…]` to `out[at…]`. */
export type Unpack = (
  bytes: Uint8Array,
  position: number,
  out: Int32Array,
  at: number,
  groups: number,
) => void

const cache: (Unpack | undefined)[] = []

/** The function for a width of 1 to 32 bits. */
export function unpackerOf(width: number): Unpack {
  const known = cache[width]
  if (known !== undefined) return known
  const made = makeUnpack(width)
  cache[width] = made
  return made
}

function makeUnpack(width: number): Unpack {
  const loads = Array.from({ length: width }, (_, byte) => `const b${byte} = bytes[p + ${byte}]`)
  const stores = Array.from({ length: 8 }, (_, value) => `out[o + ${value}] = ${extract(width, value)}`)
  const body = `for (let g = 0, p = position, o = at; g < groups; g++, p += ${width}, o += 8) {
${loads.join('\n')}
${stores.join('\n')}
}`
  return generate<Unpack>(['bytes', 'position', 'out', 'at', 'groups'], body)
}

/** The expression of one value: the bytes that it touches, shifted together and masked. */
function extract(width: number, value: number): string {
  const firstBit = value * width
  const firstByte = firstBit >> 3
  const lastByte = (firstBit + width - 1) >> 3
  const parts: string[] = []
  for (let byte = firstByte; byte <= lastByte; byte++) {
    const shift = byte * 8 - firstBit
    parts.push(shift === 0 ? `b${byte}` : shift > 0 ? `b${byte} << ${shift}` : `b${byte} >> ${-shift}`)
  }
  const joined = parts.join(' | ')
  return width === 32 ? joined : `(${joined}) & ${2 ** width - 1}`
}

/** One value at a bit position, for the ends of runs. Bytes behind the array count as zero. */
export function extractBits(bytes: Uint8Array, bit: number, width: number): number {
  let byte = Math.floor(bit / 8)
  const offset = bit % 8
  let value = (bytes[byte] ?? 0) >> offset
  for (let have = 8 - offset; have < width; have += 8) value |= (bytes[++byte] ?? 0) << have
  return width === 32 ? value : value & (2 ** width - 1)
}
