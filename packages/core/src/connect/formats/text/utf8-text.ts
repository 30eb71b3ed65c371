/**
 * UTF-8 as bytes: is a range valid, and appending a code point. No strings are made.
 */

const HIGH_BITS = 0x80808080 | 0

/** The first byte of `bytes[start, end)` that is not ASCII (or a little before it), or `end`. */
function asciiEnd(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let at = start
  for (const stop = end - 32; at <= stop; at += 32) {
    const low = view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8) | view.getInt32(at + 12)
    const high =
      view.getInt32(at + 16) | view.getInt32(at + 20) | view.getInt32(at + 24) | view.getInt32(at + 28)
    if (((low | high) & HIGH_BITS) !== 0) break
  }
  while (at + 4 <= end && (view.getInt32(at) & HIGH_BITS) === 0) at += 4
  while (at < end && (bytes[at] as number) < 0x80) at++
  return at
}

/**
 * Tells whether `bytes[start, end)` is valid UTF-8 by table 3-7 of the Unicode Standard: no overlong forms, no
 * surrogates, nothing above U+10FFFF. ASCII runs are checked 32 bytes at a time.
 */
export function isUtf8Range(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let at = start
  for (;;) {
    at = asciiEnd(bytes, view, at, end)
    if (at >= end) return true
    // Text in other scripts has few long ASCII runs: stay here until one begins.
    while (at < end) {
      const length = sequenceLength(bytes, at, end)
      if (length === 0) return false
      at += length
      if (length === 1 && at + 1 < end && (bytes[at] as number) < 0x80 && (bytes[at + 1] as number) < 0x80)
        break
    }
  }
}

/** The length of the UTF-8 sequence at `at`, or 0 when it is not valid or not whole. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (at + length > end) return 0
  const second = bytes[at + 1] as number
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let i = 2; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0
  return length
}

/** The end of the last whole character of `bytes[start, end)`: at most three bytes before `end`. */
export function wholeCharactersEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back] as number
    if (byte < 0x80) return end
    if (byte >= 0xc0) {
      const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      return back < length ? end - back : end
    }
  }
  return end
}

/** Writes a code point at `at` and returns where the next byte goes. */
export function writeCodePoint(target: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    target[at] = point
    return at + 1
  }
  if (point < 0x800) {
    target[at] = 0xc0 | (point >> 6)
    target[at + 1] = 0x80 | (point & 0x3f)
    return at + 2
  }
  if (point < 0x10000) {
    target[at] = 0xe0 | (point >> 12)
    target[at + 1] = 0x80 | ((point >> 6) & 0x3f)
    target[at + 2] = 0x80 | (point & 0x3f)
    return at + 3
  }
  target[at] = 0xf0 | (point >> 18)
  target[at + 1] = 0x80 | ((point >> 12) & 0x3f)
  target[at + 2] = 0x80 | ((point >> 6) & 0x3f)
  target[at + 3] = 0x80 | (point & 0x3f)
  return at + 4
}
