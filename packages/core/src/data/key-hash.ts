/**
 * The hash of a key row, from which its key group follows. FROZEN: state on disk and every worker depend on it, and
 * test vectors hold it. What is hashed is the value, never its layout. docs/internals/encodings.md says the same for readers.
 *
 * A row's hash starts at `KEY_HASH_SEED`; each key column mixes in one or more 32-bit words (the block step of
 * MurmurHash3_x86_32, Appleby 2011, public domain); `fmix32` ends it. Words per column and value:
 *
 *   null                              0x9E3779B9
 *   a number n that is an int32       n                (integers, floats, booleans 0 and 1, dates in days, times and
 *                                                       timestamps in the column's unit, decimals unscaled; −0 is 0)
 *   any other number                  low, high word of the float64 n; NaN is 0x00000000, 0x7FF80000
 *   an integer beyond ±(2^53 − 1)     low, high word of its 64 bits (two's complement; uint64: the same bits);
 *                                     decimals: four words of 128 bits, lowest first
 *   string, bytes, uuid, json         one word: MurmurHash3_x86_32 of the bytes with seed 0
 *   interval                          months, days and micros, as the numbers above
 *   struct                            its fields in order
 *   list, map                         the number of elements (entries), then each element (key, value)
 *
 * So int32 5, int64 5 and float64 5.0 hash equally, and so do narrow and wide, utf8 and dictionary. Types that count
 * in different units (decimals of another scale, timestamps of another precision) do not: both sides of a join are
 * converted to one type before.
 */
import type { Batch } from './batch.ts'
import { rowCount } from './batch.ts'
import type { Column, DictionaryColumn, FixedColumn, ListColumn, Utf8Column, WideColumn } from './column.ts'
import { isValid } from './column.ts'
import { exactOf } from './fixed-column-builder.ts'
import { canGenerate, generate } from './generate.ts'
import { wordsOf } from './wide-words.ts'
import { assert } from '../errors.ts'

/** Where the hash of a row starts. */
export const KEY_HASH_SEED = 0x4d696c6c

const NULL_WORD = 0x9e3779b9 | 0
const NAN_HIGH = 0x7ff80000

/** Room for one float64 or 64-bit integer, seen as two words. */
const scratch = new DataView(new ArrayBuffer(8))

/**
 * Hashes the key columns of every live row: `out[i]` is the hash of physical row i (rows that are not live are left as
 * they are). `out` has at least `batch.length` entries.
 */
export function hashKeys(batch: Batch, columnIndices: readonly number[], out: Int32Array): void {
  const columns = columnIndices.map((index) => batch.columns[index] as Column)
  const { selection } = batch
  const count = rowCount(batch)
  if (columns.length === 1 && hashSingle(columns[0] as Column, { selection, count, out })) return
  const hash = rowHasherOf(columns)
  for (let n = 0; n < count; n++) {
    const index = selection === undefined ? n : (selection[n] as number)
    out[index] = hash(columns, index)
  }
}

/** The hash of one row. `hashKeys` is much faster for many. */
export function hashKeyRow(columns: readonly Column[], index: number): number {
  let hash = KEY_HASH_SEED
  for (const column of columns) hash = mixCell(hash, column, index)
  return finishHash(hash)
}

/** The key group of a hash; the number of groups is a power of two. */
export function keyGroupOf(hash: number, keyGroups: number): number {
  return hash & (keyGroups - 1)
}

/** Throws unless a number of key groups is a power of two. */
export function checkKeyGroups(keyGroups: number): void {
  assert(
    keyGroups > 0 && (keyGroups & (keyGroups - 1)) === 0,
    `${keyGroups} key groups are not a power of two`,
  )
}

/** The block step of MurmurHash3. */
export function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  const mixed = hash ^ Math.imul(k, 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** The end of a row's hash: fmix32 of MurmurHash3. */
export function finishHash(hash: number): number {
  let h = hash
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Mixes a number in. */
export function mixNumber(hash: number, value: number): number {
  if ((value | 0) === value) return mixWord(hash, value | 0)
  if (value !== value) return mixWord(mixWord(hash, 0), NAN_HIGH)
  scratch.setFloat64(0, value, true)
  return mixWord(mixWord(hash, scratch.getInt32(0, true)), scratch.getInt32(4, true))
}

/** MurmurHash3_x86_32 of a range of bytes, seed 0. */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  const blocksEnd = start + (length & ~3)
  let hash = 0
  for (let i = start; i < blocksEnd; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    hash = mixWord(hash, word)
  }
  const rest = length & 3
  if (rest > 0) {
    let tail = bytes[blocksEnd] as number
    if (rest > 1) tail |= (bytes[blocksEnd + 1] as number) << 8
    if (rest > 2) tail |= (bytes[blocksEnd + 2] as number) << 16
    const k = Math.imul(tail, 0xcc9e2d51)
    hash ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  }
  return finishHash(hash ^ length)
}

/** Mixes the value of one cell in. */
export function mixCell(hash: number, column: Column, index: number): number {
  if (!isValid(column, index)) return mixWord(hash, NULL_WORD)
  switch (column.layout) {
    case 'fixed':
      return mixNumber(hash, column.values[index] as number)
    case 'wide':
      return mixExact(hash, column, index)
    case 'utf8':
      return mixWord(
        hash,
        hashBytes(column.bytes, column.starts[index] as number, column.lengths[index] as number),
      )
    case 'dictionary':
      return mixWord(hash, entryHashes(column)[column.codes[index] as number] as number)
    case 'struct':
      return column.children.reduce((mixed, child) => mixCell(mixed, child, index), hash)
    case 'list':
      return mixList(hash, column, index)
  }
}

/** The column whose words were read last: rows of one column mostly follow each other. */
let lastValues: BigInt64Array | undefined
let lastWords: Int32Array = new Int32Array(0)

function mixExact(hash: number, column: WideColumn, index: number): number {
  if (column.values !== lastValues) {
    lastValues = column.values
    lastWords = wordsOf(column.values)
  }
  const { kind } = column.type
  if (kind === 'decimal') return mixDecimal(hash, column, index)
  const low = lastWords[2 * index] as number
  const high = lastWords[2 * index + 1] as number
  const value = (kind === 'uint64' ? high >>> 0 : high) * 4294967296 + (low >>> 0)
  return Number.isSafeInteger(value) ? mixNumber(hash, value) : mixWord(mixWord(hash, low), high)
}

function mixDecimal(hash: number, column: WideColumn, index: number): number {
  const exact = exactOf(column, index)
  if (exact >= -9007199254740991n && exact <= 9007199254740991n) return mixNumber(hash, Number(exact))
  let mixed = hash
  for (let word = 0; word < 4; word++) mixed = mixWord(mixed, lastWords[4 * index + word] as number)
  return mixed
}

function mixList(hash: number, column: ListColumn, index: number): number {
  const start = column.starts[index] as number
  const end = start + (column.lengths[index] as number)
  let mixed = mixWord(hash, end - start)
  for (let i = start; i < end; i++) mixed = mixCell(mixed, column.child, i)
  return mixed
}

/** Hashes of dictionary entries; a dictionary may grow, so the number of known ones is kept beside. */
interface EntryHashes {
  hashes: Int32Array
  known: number
}

const entryHashesOf = new WeakMap<Utf8Column, EntryHashes>()

/** The hash of each entry of a dictionary column, computed once per dictionary. */
export function entryHashes(column: DictionaryColumn): Int32Array {
  const { dictionary, dictionaryLength } = column
  let entry = entryHashesOf.get(dictionary)
  if (entry === undefined) {
    entry = { hashes: new Int32Array(dictionaryLength), known: 0 }
    entryHashesOf.set(dictionary, entry)
  }
  if (entry.known >= dictionaryLength) return entry.hashes
  if (entry.hashes.length < dictionaryLength) {
    const hashes = new Int32Array(Math.max(dictionaryLength, entry.hashes.length * 2))
    hashes.set(entry.hashes)
    entry.hashes = hashes
  }
  const { bytes, starts, lengths } = dictionary
  for (let i = entry.known; i < dictionaryLength; i++) {
    entry.hashes[i] = hashBytes(bytes, starts[i] as number, lengths[i] as number)
  }
  entry.known = dictionaryLength
  return entry.hashes
}

interface SingleHash {
  readonly selection: Int32Array | undefined
  readonly count: number
  readonly out: Int32Array
}

/** The commonest keys, one number or one string, as loops of their own. Gives false for all others. */
function hashSingle(column: Column, { selection, count, out }: SingleHash): boolean {
  if (column.validity !== undefined) return false
  if (column.layout === 'fixed') {
    numberLoopOf(column)(column.values as Float64Array, selection, count, out)
    return true
  }
  if (column.layout === 'dictionary') {
    const hashes = entryHashes(column)
    const { codes } = column
    for (let n = 0; n < count; n++) {
      const index = selection === undefined ? n : (selection[n] as number)
      out[index] = finishHash(mixWord(KEY_HASH_SEED, hashes[codes[index] as number] as number))
    }
    return true
  }
  return false
}

type NumberLoop = (
  values: Float64Array,
  selection: Int32Array | undefined,
  count: number,
  out: Int32Array,
) => void

const numberLoops = new Map<unknown, NumberLoop>()

/** A loop per kind of array, so that each is compiled for one. */
function numberLoopOf(column: FixedColumn): NumberLoop {
  const kind = column.values.constructor
  let loop = numberLoops.get(kind)
  if (loop === undefined) {
    const body = `for (let n = 0; n < count; n++) {
  const index = selection === undefined ? n : selection[n];
  const value = values[index];
  out[index] = finish((value | 0) === value ? mixWord(${KEY_HASH_SEED}, value | 0) : mixNumber(${KEY_HASH_SEED}, value));
}`
    loop = canGenerate()
      ? generate<(...use: unknown[]) => NumberLoop>(
          ['finish', 'mixWord', 'mixNumber'],
          `return (values, selection, count, out) => {\n${body}\n};`,
        )(finishHash, mixWord, mixNumber)
      : (values, selection, count, out) => {
          for (let n = 0; n < count; n++) {
            const index = selection === undefined ? n : (selection[n] as number)
            out[index] = finishHash(mixNumber(KEY_HASH_SEED, values[index] as number))
          }
        }
    numberLoops.set(kind, loop)
  }
  return loop
}

type RowHasher = (columns: readonly Column[], index: number) => number

const rowHashers = new Map<string, RowHasher>()

/** The hasher of a row of several columns: one per sequence of layouts, so that calls in it are monomorphic. */
function rowHasherOf(columns: readonly Column[]): RowHasher {
  if (!canGenerate()) return hashKeyRow
  const signature = columns.map((column) => column.layout).join()
  let hasher = rowHashers.get(signature)
  if (hasher === undefined) {
    const steps = columns.map((column, c) => hashStep(column, c)).join('\n')
    hasher = generate<(use: typeof steppers) => RowHasher>(
      ['use'],
      `const { mixWord, mixNumber, mixCell, hashBytes, entryHashes, finishHash } = use;
return (columns, index) => {
let h = ${KEY_HASH_SEED};
${steps}
return finishHash(h);
};`,
    )(steppers)
    rowHashers.set(signature, hasher)
  }
  return hasher
}

const steppers = { mixWord, mixNumber, mixCell, hashBytes, entryHashes, finishHash }

function hashStep(column: Column, c: number): string {
  const value =
    column.layout === 'fixed'
      ? `mixNumber(h, c${c}.values[index])`
      : column.layout === 'utf8'
        ? `mixWord(h, hashBytes(c${c}.bytes, c${c}.starts[index], c${c}.lengths[index]))`
        : `mixCell(h, c${c}, index)`
  return `const c${c} = columns[${c}];
h = c${c}.validity !== undefined && (c${c}.validity[index >> 3] & (1 << (index & 7))) === 0 ? mixWord(h, ${NULL_WORD}) : ${value};`
}
