/**
 * The secret numbers that hash tables in memory mix into their keys, so that nobody who chooses keys (user ids of a
 * public topic, say) can choose a set that lies in one run of slots: then each search would walk all of it.
 *
 * Not the hash of key groups: that one is frozen (key-hash.ts) and says where state lives. What is hashed here never
 * leaves the process, and no result, order of rows or snapshot may depend on it.
 *
 * A seed mixed into a finished hash would not do: keys whose hashes are equal stay equal. So the secrets are the
 * multipliers of every step, and differences of keys go through two of them before they can meet. (MurmurHash3 with a
 * secret start alone has collisions for every start: Aumasson and Bernstein, 2012.)
 *
 * Invariants (tests quote them):
 *  TS1  A table takes the seed once, when it is made: a later draw does not touch it.
 *  TS2  Keys in sequence (numbers of strings, ids) spread evenly under every seed.
 */

/** The numbers of one draw. All but `start` are odd, so that multiplying loses nothing. */
export interface TableSeed {
  /** Spreads the bits of a key of one word to the high end (multiply-shift, Dietzfelbinger et al. 1997). */
  readonly home: number
  readonly start: number
  readonly word: number
  readonly chain: number
}

/** Until something is drawn: constants that spread well. */
let current: TableSeed = {
  home: 0x9e3779b1 | 0,
  start: 0x2545f491,
  word: 0xcc9e2d51 | 0,
  chain: 0x85ebca6b | 0,
}

/** The seed for a table that is made now. */
export function tableSeed(): TableSeed {
  return current
}

/** Draws the seed of all tables that will be made. `random.hex(n)` gives n random bytes as hexadecimal digits. */
export function drawTableSeed(random: { hex(bytes: number): string }): void {
  const digits = random.hex(16)
  const word = (n: number): number => Number.parseInt(digits.slice(8 * n, 8 * n + 8), 16) | 0
  current = { home: spreadingFrom(word(0) | 1), start: word(1), word: word(2) | 1, chain: word(3) | 1 }
}

/** MurmurHash3's 32-bit mixing (Appleby, 2011) over bytes, with secret multipliers. */
export function hashSecretly(seed: TableSeed, bytes: Uint8Array, from: number, length: number): number {
  const { word, chain } = seed
  const end = from + length
  const blocks = from + (length & ~3)
  let hash = length ^ seed.start
  let i = from
  for (; i < blocks; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, word)
    k = (k << 15) | (k >>> 17)
    hash ^= Math.imul(k, chain)
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  if (i < end) {
    let tail = bytes[i] as number
    if (i + 1 < end) tail |= (bytes[i + 1] as number) << 8
    if (i + 2 < end) tail |= (bytes[i + 2] as number) << 16
    tail = Math.imul(tail, word)
    hash ^= Math.imul((tail << 15) | (tail >>> 17), chain)
  }
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Above it, keys in sequence would gather in a few places. About one odd number in six is at or below. */
const QUOTIENT_MAX = 16

/** The next odd number whose multiples, modulo 2^32, lie evenly (TS2): its continued fraction has small terms only. */
function spreadingFrom(odd: number): number {
  let multiplier = odd
  while (largestQuotient(multiplier >>> 0) > QUOTIENT_MAX) multiplier = (multiplier + 0x61c88646) | 0
  return multiplier
}

/** The largest term of the continued fraction of `multiplier` / 2^32. */
function largestQuotient(multiplier: number): number {
  let largest = 0
  let dividend = 2 ** 32
  let divisor = multiplier
  // The fraction ends in 1/1: its last term says nothing of how multiples lie.
  while (divisor > 1) {
    largest = Math.max(largest, Math.floor(dividend / divisor))
    const rest = dividend % divisor
    dividend = divisor
    divisor = rest
  }
  return multiplier === 1 ? Infinity : largest
}
