/** The order of keys by value: column by column, null first, numbers by size (NaN last), strings by bytes. */
import { compareNumbers, integerOfWords } from './cell.ts'
import type { KeyLayout, KeyPart } from './key-layout.ts'
import type { StringTable } from './string-table.ts'

const scratch = new Float64Array(2)
const scratchWords = new Int32Array(scratch.buffer)

/** Compares the keys at two places of an array of words. */
export function compareKeys(
  layout: KeyLayout,
  strings: StringTable,
  words: Int32Array,
  left: number,
  right: number,
): number {
  for (const part of layout.parts) {
    if (part.nullBit !== 0) {
      const l = ((words[left + layout.nullWord] as number) & part.nullBit) === 0 ? 1 : 0
      const r = ((words[right + layout.nullWord] as number) & part.nullBit) === 0 ? 1 : 0
      if (l !== r) return l - r
      if (l === 0) continue
    }
    const order = compareParts(part, strings, words, left + part.word, right + part.word)
    if (order !== 0) return order
  }
  return 0
}

function compareParts(part: KeyPart, strings: StringTable, words: Int32Array, l: number, r: number): number {
  switch (part.kind) {
    case 'string':
      return strings.compare(words[l] as number, words[r] as number)
    case 'word': {
      const isUnsigned = part.field.type.kind === 'uint32'
      const a = words[l] as number
      const b = words[r] as number
      return isUnsigned ? (a >>> 0) - (b >>> 0) : a - b
    }
    case 'float':
      for (let w = 0; w < 2; w++) {
        scratchWords[w] = words[l + w] as number
        scratchWords[2 + w] = words[r + w] as number
      }
      return compareNumbers(scratch[0] as number, scratch[1] as number)
    case 'int64':
    case 'int128': {
      const isUnsigned = part.field.type.kind === 'uint64'
      const a = integerOfWords(words, l, part.words, isUnsigned)
      const b = integerOfWords(words, r, part.words, isUnsigned)
      return a < b ? -1 : a > b ? 1 : 0
    }
  }
}
