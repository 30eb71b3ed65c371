/**
 * Writes the string columns of generated events as bytes, eight at a time.
 *
 * Values start at multiples of eight and are copied as float64 words, so that a 68-byte string is nine stores. Random
 * lengths would end the copying loop at a place that no processor can guess, so every row is copied as if it were as
 * long as the longest, and the next row begins where it really ends. The texts are ASCII: no eight of their bytes are a NaN, whose bits JavaScript might change on the way.
 */
import type { Utf8Column } from '../../data/column.ts'
import { generate } from '../../data/generate.ts'
import type { DataType } from '../../data/type.ts'
import { below, random32 } from './rules.ts'

const STRING: DataType = { kind: 'string' }
/** Draws of an event that make its random letters. */
const LETTERS_DRAW = 20
const LENGTH_DRAW = 21

/** Fixed texts that rows pick from, padded to whole words; as many words as the longest has may be read from each. */
export interface TextPool {
  readonly words: Float64Array
  /** First word of each text. */
  readonly at: Int32Array
  readonly lengths: Int32Array
  /** The longest text. */
  readonly wordsMax: number
}

/** Packs texts into a pool. */
export function packTexts(texts: readonly string[]): TextPool {
  const encoder = new TextEncoder()
  const encoded = texts.map((text) => encoder.encode(text))
  const at = new Int32Array(texts.length)
  let words = 0
  encoded.forEach((bytes, index) => {
    at[index] = words
    words += (bytes.length + 7) >> 3
  })
  const lengths = Int32Array.from(encoded, (bytes) => bytes.length)
  const wordsMax = (Math.max(...lengths) + 7) >> 3
  const pool = new Float64Array(words + wordsMax)
  const view = new Uint8Array(pool.buffer)
  encoded.forEach((bytes, index) => view.set(bytes, (at[index] as number) * 8))
  return { words: pool, at, lengths, wordsMax }
}

type RowCopier = (
  words: Float64Array,
  starts: Int32Array,
  lengths: Int32Array,
  firsts: Int32Array,
  pool: Float64Array,
  count: number,
) => void

/** A loop over rows that copies `wordsMax` words of each, one statement a word. */
function rowCopier(wordsMax: number): RowCopier {
  const copies = Array.from({ length: wordsMax }, (_, word) => `words[at+${word}]=pool[first+${word}];`)
  return generate<RowCopier>(
    ['words,starts,lengths,firsts,pool,count'],
    `let at=0;for(let row=0;row<count;row++){const first=firsts[row];starts[row]=at<<3;${copies.join('')}` +
      `at+=(lengths[row]+7)>>3;}`,
  )
}

/** One string column of a batch in the making. */
export class TextWriter {
  private words: Float64Array
  private starts: Int32Array
  private lengths: Int32Array
  /** The word of the pool that each row's text begins at. */
  private readonly firsts: Int32Array
  private copyRows: RowCopier = rowCopier(1)
  private copied = 1
  private used = 0
  private row = 0

  constructor(rows: number, bytesPerRow: number) {
    this.words = new Float64Array(Math.ceil((rows * (bytesPerRow + 8)) / 8))
    this.starts = new Int32Array(rows)
    this.lengths = new Int32Array(rows)
    this.firsts = new Int32Array(rows)
  }

  reset(): void {
    this.used = 0
    this.row = 0
  }

  /** Rows of random letters: each a slice of a pool of letters, `least` to `least + spread - 1` long. */
  letters(
    hashes: Int32Array,
    count: number,
    size: { readonly least: number; readonly spread: number },
  ): void {
    const { least, spread } = size
    const wordsMax = (least + spread + 6) >> 3
    this.reserve(count * wordsMax)
    const { lengths, firsts } = this
    for (let row = 0; row < count; row++) {
      const hash = hashes[row] as number
      lengths[row] = least + below(random32(hash, LENGTH_DRAW), spread)
      firsts[row] = random32(hash, LETTERS_DRAW) & (LETTER_OFFSETS - 1)
    }
    this.copy(letterPool(), wordsMax, count)
  }

  /** Rows that are texts of a pool. */
  picks(pool: TextPool, indices: Int32Array, count: number): void {
    this.reserve(count * pool.wordsMax)
    const { lengths, firsts } = this
    for (let row = 0; row < count; row++) {
      const index = indices[row] as number
      lengths[row] = pool.lengths[index] as number
      firsts[row] = pool.at[index] as number
    }
    this.copy(pool.words, pool.wordsMax, count)
  }

  /** Copies every row's text from where it begins in `pool`. */
  private copy(pool: Float64Array, wordsMax: number, count: number): void {
    if (this.copied !== wordsMax) {
      this.copyRows = rowCopier(wordsMax)
      this.copied = wordsMax
    }
    this.copyRows(this.words, this.starts, this.lengths, this.firsts, pool, count)
  }

  /** A row that is an ASCII text. For the rare kinds of event only. */
  text(value: string): void {
    const at = this.begin(value.length, (value.length + 7) >> 3) * 8
    const bytes = new Uint8Array(this.words.buffer)
    for (let i = 0; i < value.length; i++) bytes[at + i] = value.charCodeAt(i)
  }

  /** The rows written since `reset`. */
  column(): Utf8Column {
    const bytes = new Uint8Array(this.words.buffer)
    return {
      layout: 'utf8',
      type: STRING,
      bytes,
      starts: this.starts,
      lengths: this.lengths,
      validity: undefined,
    }
  }

  /** Starts a row of `count` words and gives the first. */
  private begin(length: number, count: number): number {
    const at = this.used
    if (at + count + 1 >= this.words.length) this.grow(at + count + 1)
    const { row } = this
    this.starts[row] = at * 8
    this.lengths[row] = length
    this.row = row + 1
    this.used = at + count
    return at
  }

  private reserve(words: number): void {
    if (words > this.words.length) this.words = new Float64Array(words)
  }

  private grow(words: number): void {
    const grown = new Float64Array(Math.max(words, this.words.length) * 2)
    grown.set(this.words)
    this.words = grown
  }
}

/** Offsets into the letter pool at which a text can begin. */
const LETTER_OFFSETS = 2048
/** The longest random text, in words. */
const LETTER_WORDS_MAX = 128

let pooledLetters: Float64Array | undefined
function letterPool(): Float64Array {
  if (pooledLetters !== undefined) return pooledLetters
  const bytes = new Uint8Array((LETTER_OFFSETS + LETTER_WORDS_MAX) * 8)
  for (let i = 0; i < bytes.length; i++) bytes[i] = 97 + below(random32(i, LETTERS_DRAW), 26)
  pooledLetters = new Float64Array(bytes.buffer)
  return pooledLetters
}
