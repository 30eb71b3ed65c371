/**
 * Packs whole numbers of a bit width, eight at a time, with one generated function per width: bit-unpack.ts backwards.
 */
import { generate } from '../../../data/generate.ts'

/** Packs `groups` × 8 values of `values[from…]` to `bytes[at…]`. */
export type Pack = (values: Int32Array, from: number, bytes: Uint8Array, at: number, groups: number) => void

const cache: (Pack | undefined)[] = []

/** The function for a width of 1 to 32 bits. Values must not have higher bits. */
export function packerOf(width: number): Pack {
  const known = cache[width]
  if (known !== undefined) return known
  const made = makePack(width)
  cache[width] = made
  return made
}

function makePack(width: number): Pack {
  const loads = Array.from({ length: 8 }, (_, value) => `const v${value} = values[i + ${value}]`)
  const stores = Array.from({ length: width }, (_, byte) => `bytes[o + ${byte}] = ${compose(width, byte)}`)
  const body = `for (let g = 0, i = from, o = at; g < groups; g++, i += 8, o += ${width}) {
${loads.join('\n')}
${stores.join('\n')}
}`
  return generate<Pack>(['values', 'from', 'bytes', 'at', 'groups'], body)
}

/** The expression of one byte: the values that reach into it. A byte array cuts the higher bits. */
function compose(width: number, byte: number): string {
  const firstBit = byte * 8
  const parts: string[] = []
  for (let value = Math.floor(firstBit / width); value * width < firstBit + 8 && value < 8; value++) {
    const shift = value * width - firstBit
    parts.push(shift === 0 ? `v${value}` : shift > 0 ? `v${value} << ${shift}` : `v${value} >>> ${-shift}`)
  }
  return parts.join(' | ')
}
