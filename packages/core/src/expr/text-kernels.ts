/**
 * Loops over bytes that generated code calls: comparing, searching, counting and cutting UTF-8 text without decoding it.
 */

/** Tells whether two ranges hold the same bytes. */
export function equalRanges(
  a: Uint8Array,
  startA: number,
  lengthA: number,
  b: Uint8Array,
  startB: number,
  lengthB: number,
): boolean {
  if (lengthA !== lengthB) return false
  for (let i = 0; i < lengthA; i++) if (a[startA + i] !== b[startB + i]) return false
  return true
}

/** Order of two ranges by bytes, which is the order by code points: negative, 0 or positive. */
export function compareRanges(
  a: Uint8Array,
  startA: number,
  lengthA: number,
  b: Uint8Array,
  startB: number,
  lengthB: number,
): number {
  const length = lengthA < lengthB ? lengthA : lengthB
  for (let i = 0; i < length; i++) {
    const difference = (a[startA + i] as number) - (b[startB + i] as number)
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

/** Tells whether `part` stands at `start`; the caller has checked the length. */
export function matchesAt(bytes: Uint8Array, start: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[start + i] !== part[i]) return false
  return true
}

/** Where `part` first occurs in a range, from its start; −1 when it does not. */
function indexOfBytes(bytes: Uint8Array, start: number, length: number, part: Uint8Array): number {
  const first = part[0]
  if (first === undefined) return 0
  const last = start + length - part.length
  for (let i = start; i <= last; i++) {
    if (bytes[i] === first && matchesAt(bytes, i, part)) return i - start
  }
  return -1
}

/** Tells whether `part` occurs in a range. */
export function containsBytes(bytes: Uint8Array, start: number, length: number, part: Uint8Array): boolean {
  return indexOfBytes(bytes, start, length, part) >= 0
}

/** The character (from 1) at which `part` first occurs; 0 when it does not. */
export function positionOf(bytes: Uint8Array, start: number, length: number, part: Uint8Array): number {
  const at = indexOfBytes(bytes, start, length, part)
  return at < 0 ? 0 : countCharacters(bytes, start, at) + 1
}

/** Characters (code points) of a range: bytes that do not continue a character. */
export function countCharacters(bytes: Uint8Array, start: number, length: number): number {
  let count = 0
  for (let i = start; i < start + length; i++) if (((bytes[i] as number) & 0xc0) !== 0x80) count++
  return count
}

/** Offset from `start` of character `index` (from 0), or `length` when the range has fewer. */
export function characterOffset(bytes: Uint8Array, start: number, length: number, index: number): number {
  if (index <= 0) return 0
  let seen = -1
  for (let i = 0; i < length; i++) {
    if (((bytes[start + i] as number) & 0xc0) !== 0x80 && ++seen === index) return i
  }
  return length
}

/** Result of the cutting kernels below, relative to `start`; one object, so that nothing is allocated per row. */
export const cut: { from: number; length: number } = { from: 0, length: 0 }

/** Cuts characters `from` (from 0) up to `count` characters later. */
export function cutCharacters(
  bytes: Uint8Array,
  start: number,
  length: number,
  from: number,
  count: number,
): void {
  const first = characterOffset(bytes, start, length, from)
  cut.from = first
  cut.length = characterOffset(bytes, start + first, length - first, count)
}

/** Cuts the last `count` characters. */
export function cutLast(bytes: Uint8Array, start: number, length: number, count: number): void {
  let seen = 0
  let at = length
  while (at > 0 && seen < count) if (((bytes[start + --at] as number) & 0xc0) !== 0x80) seen++
  cut.from = at
  cut.length = length - at
}

/** Cuts blanks at the ends. */
export function cutBlanks(
  bytes: Uint8Array,
  start: number,
  length: number,
  atStart: boolean,
  atEnd: boolean,
): void {
  let from = 0
  let to = length
  while (atStart && from < to && bytes[start + from] === 32) from++
  while (atEnd && to > from && bytes[start + to - 1] === 32) to--
  cut.from = from
  cut.length = to - from
}

/** Cuts part `n` (from 1) between delimiters; empty when there is none. */
export function cutPart(
  bytes: Uint8Array,
  start: number,
  length: number,
  delimiter: Uint8Array,
  n: number,
): void {
  let from = 0
  let part = 1
  const last = length - delimiter.length
  let at = 0
  while (at <= last) {
    if (bytes[start + at] !== delimiter[0] || !matchesAt(bytes, start + at, delimiter)) {
      at++
      continue
    }
    if (part === n) {
      cut.from = from
      cut.length = at - from
      return
    }
    part++
    at += delimiter.length
    from = at
  }
  cut.from = part === n ? from : 0
  cut.length = part === n ? length - from : 0
}
