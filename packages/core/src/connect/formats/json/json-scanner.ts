/**
 * Reading JSON text byte by byte, without making values: white space, string ends, whole values, unescaping.
 *
 * Stricter and laxer than JSON.parse in two named ways: raw control characters inside strings are accepted (many
 * writers leave tabs in), and a value that is only skipped is checked for its structure, not for the spelling of its
 * numbers. Every fault that more bytes could mend has `position` = `end`: that is how a record cut by a chunk's end is told.
 */
import { quoteInput, RecordFault } from '../text/record-fault.ts'
import { writeCodePoint } from '../text/utf8-text.ts'

/** Nesting that a value may have. */
export const JSON_DEPTH_MAX = 500

const QUOTE = 34
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACKET = 91
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** The first byte from `at` on that is not JSON white space, or `end`. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let p = at
  while (p < end) {
    const byte = bytes[p] as number
    if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) break
    p++
  }
  return p
}

/** The position of the quote that closes the string whose content starts at `at`. */
export function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = at
  while (p < end) {
    const byte = bytes[p] as number
    if (byte === QUOTE) return p
    p += byte === BACKSLASH ? 2 : 1
  }
  throw new RecordFault('a string is not closed', end)
}

/** Tells whether a range holds a backslash. */
export function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (bytes[p] === BACKSLASH) return true
  return false
}

/** Steps over the value at `at` and gives where it ends. */
export function skipValue(bytes: Uint8Array, at: number, end: number, depth: number = 0): number {
  if (at >= end) throw new RecordFault('the record ends where a value is expected', end)
  switch (bytes[at]) {
    case QUOTE:
      return stringEnd(bytes, at + 1, end) + 1
    case OPEN_BRACE:
      return skipMembers(bytes, at, end, depth)
    case OPEN_BRACKET:
      return skipElements(bytes, at, end, depth)
    default:
      return skipScalar(bytes, at, end)
  }
}

function skipMembers(bytes: Uint8Array, at: number, end: number, depth: number): number {
  checkDepth(depth, at)
  let p = skipSpace(bytes, at + 1, end)
  if (bytes[p] === CLOSE_BRACE && p < end) return p + 1
  for (;;) {
    p = skipSpace(bytes, skipColon(bytes, keyEnd(bytes, p, end), end), end)
    p = skipSpace(bytes, skipValue(bytes, p, end, depth + 1), end)
    if (p < end && bytes[p] === CLOSE_BRACE) return p + 1
    p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "}"'), end)
  }
}

function skipElements(bytes: Uint8Array, at: number, end: number, depth: number): number {
  checkDepth(depth, at)
  let p = skipSpace(bytes, at + 1, end)
  if (bytes[p] === CLOSE_BRACKET && p < end) return p + 1
  for (;;) {
    p = skipSpace(bytes, skipValue(bytes, p, end, depth + 1), end)
    if (p < end && bytes[p] === CLOSE_BRACKET) return p + 1
    p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "]"'), end)
  }
}

function checkDepth(depth: number, at: number): void {
  if (depth >= JSON_DEPTH_MAX) {
    throw new RecordFault(`a value is nested more than ${JSON_DEPTH_MAX} levels deep`, at)
  }
}

/** Steps over a key and gives the position behind its closing quote. */
export function keyEnd(bytes: Uint8Array, at: number, end: number): number {
  return stringEnd(bytes, expectByte(bytes, at, end, QUOTE, 'a key in quotes'), end) + 1
}

/** Steps over white space and the colon behind a key. */
export function skipColon(bytes: Uint8Array, at: number, end: number): number {
  return expectByte(bytes, skipSpace(bytes, at, end), end, 58, '":"')
}

/** The position behind a byte that must stand at `at`. */
export function expectByte(
  bytes: Uint8Array,
  at: number,
  end: number,
  byte: number,
  expected: string,
): number {
  if (at >= end) throw new RecordFault(`the record ends where ${expected} is expected`, end)
  if (bytes[at] === byte) return at + 1
  // One character: what stands behind it may not be there yet, and a reason must not depend on that.
  throw new RecordFault(
    `expected ${expected}, found ${quoteInput(bytes, at, characterEnd(bytes, at, end))}`,
    at,
  )
}

/** The end of the character at `at`. */
function characterEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = at + 1
  while (p < end && ((bytes[p] as number) & 0xc0) === 0x80) p++
  return p
}

/** Steps over a number, `true`, `false` or `null`. A number is any run of the bytes that numbers are made of. */
export function skipScalar(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number
  if (first === 116) return skipWord(bytes, at, end, 'true')
  if (first === 102) return skipWord(bytes, at, end, 'false')
  if (first === 110) return skipWord(bytes, at, end, 'null')
  const p = numberEnd(bytes, at, end)
  if (p > at) return p
  throw new RecordFault(`expected a value, found ${quoteInput(bytes, at, Math.min(end, at + 20))}`, at)
}

/** The end of the run of bytes that a number may be made of. */
function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = at
  while (p < end) {
    const byte = bytes[p] as number
    const digit = byte >= 48 && byte <= 57
    if (!digit && byte !== 45 && byte !== 46 && byte !== 43 && byte !== 101 && byte !== 69) break
    p++
  }
  return p
}

function skipWord(bytes: Uint8Array, at: number, end: number, word: string): number {
  for (let i = 0; i < word.length; i++) {
    if (at + i >= end) throw new RecordFault(`the record ends inside "${word}"`, end)
    if (bytes[at + i] !== word.charCodeAt(i)) {
      throw new RecordFault(`expected a value, found ${quoteInput(bytes, at, Math.min(end, at + 20))}`, at)
    }
  }
  return at + word.length
}

/** What an escape of one letter stands for, by that letter's code. */
const simpleEscapes: { readonly [code: number]: number } = {
  34: 34,
  92: 92,
  47: 47,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
}

/**
 * Writes the content of a string, `bytes[start, end)`, unescaped at `at` of `target` and gives the length. It is never
 * longer than the text. Half a surrogate pair becomes U+FFFD, as no UTF-8 exists for it.
 */
export function unescapeInto(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at
  let p = start
  while (p < end) {
    const byte = bytes[p] as number
    if (byte !== BACKSLASH) {
      target[to++] = byte
      p++
      continue
    }
    const letter = bytes[p + 1] as number
    const simple = simpleEscapes[letter]
    if (p + 1 < end && simple !== undefined) {
      target[to++] = simple
      p += 2
      continue
    }
    let point = p + 1 < end && letter === 117 ? hexUnit(bytes, p + 2, end) : -1
    if (point < 0) {
      throw new RecordFault(`${quoteInput(bytes, p, Math.min(end, p + 6))} is not an escape of JSON`, p)
    }
    p += 6
    if (point >= 0xd800 && point < 0xe000) {
      const low = bytes[p] === BACKSLASH && bytes[p + 1] === 117 ? hexUnit(bytes, p + 2, end) : -1
      if (point < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
        p += 6
      } else {
        point = 0xfffd
      }
    }
    to = writeCodePoint(target, to, point)
  }
  return to - at
}

function hexUnit(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1
  let unit = 0
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i] as number
    const letter = byte | 32
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : letter >= 97 && letter <= 102 ? letter - 87 : -1
    if (digit < 0) return -1
    unit = unit * 16 + digit
  }
  return unit
}

/** Tells whether a range is a number as JSON spells it. */
export function isJsonNumber(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start
  if (bytes[p] === 45) p++
  const whole = digitsEnd(bytes, p, end)
  if (whole === p || (bytes[p] === 48 && whole > p + 1)) return false
  p = whole
  if (p < end && bytes[p] === 46) {
    const fraction = digitsEnd(bytes, p + 1, end)
    if (fraction === p + 1) return false
    p = fraction
  }
  if (p < end && ((bytes[p] as number) | 32) === 101) {
    const sign = bytes[p + 1] === 43 || bytes[p + 1] === 45 ? 2 : 1
    const exponent = digitsEnd(bytes, p + sign, end)
    if (exponent === p + sign) return false
    p = exponent
  }
  return p === end
}

function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = at
  while (p < end && (bytes[p] as number) >= 48 && (bytes[p] as number) <= 57) p++
  return p
}
