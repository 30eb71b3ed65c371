/**
 * Keys chosen by somebody who knows the source: without a secret all of them lie in one run of slots.
 *
 * What is counted are steps of searches, not time: the average distance of an entry from its home slot.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drawTableSeed, hashSecretly, tableSeed } from '../../src/data/table-seed.ts'
import type { TableSeed } from '../../src/data/table-seed.ts'
import { ArrayPool, GroupTable, hashWords, StringTable } from '../../src/state/index.ts'

const KEYS = 20_000

/** As the host draws, from a number. */
const drawn = (seed: number): { hex(bytes: number): string } => ({
  hex: (bytes) =>
    createHash('sha256')
      .update(`seed ${seed}`)
      .digest('hex')
      .slice(0, 2 * bytes),
})

/** The number that multiplied by an odd one gives 1. */
function inverse(odd: number): number {
  let found = odd
  for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(odd, found))
  return found
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

/** Keys of one word whose products with the multiplier are 0, 1, 2 … */
function wordsFor(seed: TableSeed): number[][] {
  const back = inverse(seed.home)
  return Array.from({ length: KEYS }, (_, n) => [Math.imul(back, n)])
}

/** Keys of two words with equal hashes: the second word undoes what the first one did. */
function pairsFor(seed: TableSeed): number[][] {
  return Array.from({ length: KEYS }, (_, n) => {
    let first = Math.imul(seed.start ^ Math.imul(n, seed.word), seed.chain)
    first ^= first >>> 15
    return [n, Math.imul(first ^ 12345, inverse(seed.word))]
  })
}

/** Strings of eight bytes with equal hashes, one after the other. */
function stringsFor(seed: TableSeed): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * KEYS))
  for (let n = 0; n < KEYS; n++) {
    let hash = 8 ^ seed.start ^ Math.imul(rotated(Math.imul(n, seed.word), 15), seed.chain)
    hash = (Math.imul(rotated(hash, 13), 5) + 0xe6546b64) | 0
    const last = rotated(Math.imul(hash ^ 777, inverse(seed.chain)), 17)
    bytes.setInt32(8 * n, n, true)
    bytes.setInt32(8 * n + 4, Math.imul(last, inverse(seed.word)), true)
  }
  return new Uint8Array(bytes.buffer)
}

/** Steps that searches for all keys take beyond the first slot, per key. */
function averageDistance(keys: readonly number[][]): number {
  const words = (keys[0] as number[]).length
  const table = new GroupTable({ keyWords: words, template: new Int32Array(2), pool: new ArrayPool() })
  for (const key of keys) {
    table.key.set(key)
    table.findOrInsert()
  }
  expect(table.size).toBe(KEYS)
  let distance = 0
  for (let slot = 0; slot <= table.mask; slot++) {
    if (table.index[2 * slot + 1] === 0) continue
    const tag = table.index[2 * slot] as number
    const home = (words === 1 ? Math.imul(tag, table.seed.home) : tag) >>> table.shift
    distance += (slot - home) & table.mask
  }
  return distance / table.size
}

/** Keys beyond the first that have the hash of another one. */
function equalHashes(bytes: Uint8Array, seed: TableSeed): number {
  const hashes = new Set<number>()
  for (let n = 0; n < KEYS; n++) hashes.add(hashSecretly(seed, bytes, 8 * n, 8))
  return KEYS - hashes.size
}

describe('chosen keys', () => {
  beforeEach(() => drawTableSeed(drawn(0)))
  afterEach(() => drawTableSeed(drawn(0)))

  it('lie in one run for who knows the secret, and are spread under another one', () => {
    const known = tableSeed()
    const words = wordsFor(known)
    const pairs = pairsFor(known)
    expect(new Set(pairs.map((pair) => hashWords(known, Int32Array.from(pair), 2))).size).toBe(1)
    expect(averageDistance(words)).toBeGreaterThan(5000)
    for (let seed = 1; seed <= 20; seed++) {
      drawTableSeed(drawn(seed))
      expect(averageDistance(words)).toBeLessThan(200)
      expect(averageDistance(pairs)).toBeLessThan(3)
    }
  })

  it('as strings have equal hashes under one secret only', () => {
    const strings = stringsFor(tableSeed())
    expect(equalHashes(strings, tableSeed())).toBe(KEYS - 1)
    for (let seed = 1; seed <= 20; seed++) {
      drawTableSeed(drawn(seed))
      expect(equalHashes(strings, tableSeed())).toBeLessThan(10)
    }
  })

  it('as strings that collide under every start of MurmurHash3 do not collide: its multipliers are secret', () => {
    // A difference in bit 18 of a block's word, after mixing, is one in bit 31 before the next block, which cancels it.
    const strings = new DataView(new ArrayBuffer(8 * KEYS))
    const unmixed = (word: number): number =>
      Math.imul(rotated(Math.imul(word, inverse(0x1b873593)), 17), inverse(0xcc9e2d51 | 0))
    for (let n = 0; n < KEYS; n += 2) {
      for (const twin of [0, 1]) {
        strings.setInt32(8 * (n + twin), unmixed(n ^ (twin << 18)), true)
        strings.setInt32(8 * (n + twin) + 4, unmixed(n ^ (twin << 31)), true)
      }
    }
    drawTableSeed(drawn(1))
    expect(equalHashes(new Uint8Array(strings.buffer), tableSeed())).toBeLessThan(10)
  })

  it('in sequence are spread evenly under every secret (TS2)', () => {
    const sequence = Array.from({ length: KEYS }, (_, n) => [n + 1])
    for (let seed = 1; seed <= 50; seed++) {
      drawTableSeed(drawn(seed))
      expect(averageDistance(sequence)).toBeLessThan(1)
    }
  })
})

describe('the secret', () => {
  afterEach(() => drawTableSeed(drawn(0)))

  it('of a table stays what it was when another is drawn, and comes with copied entries (TS1)', () => {
    drawTableSeed(drawn(1))
    const options = { keyWords: 1, template: new Int32Array(2), pool: new ArrayPool() }
    const table = new GroupTable(options)
    const strings = new StringTable()
    const bytes = Buffer.from('some strings')
    table.key[0] = 7
    const record = table.findOrInsert()
    const number = strings.intern(bytes, 0, 4)
    drawTableSeed(drawn(2))
    const copy = new GroupTable(options)
    copy.copyFrom(table)
    for (const each of [table, copy]) {
      each.key[0] = 7
      expect(each.find()).toBe(record)
    }
    expect(strings.find(bytes, 0, 4)).toBe(number)
  })

  it('changes no numbers of records and strings, nor the order of a walk', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' })), fc.nat(), (texts, seed) => {
        const walk = (): unknown[] => {
          const strings = new StringTable()
          const table = new GroupTable({ keyWords: 1, template: new Int32Array(2), pool: new ArrayPool() })
          const numbers = texts.map((text) => {
            const bytes = Buffer.from(text)
            return (table.key[0] = strings.intern(bytes, 0, bytes.length))
          })
          const records = numbers.map((number) => ((table.key[0] = number), table.findOrInsert()))
          const walked: number[] = []
          table.forEachEntry((id) => walked.push(id))
          return [numbers, records, walked]
        }
        drawTableSeed(drawn(seed))
        const first = walk()
        drawTableSeed(drawn(seed + 1))
        expect(walk()).toEqual(first)
      }),
    )
  })
})
