/**
 * Checks that bytes are UTF-8, fast where they are ASCII.
 *
 * After the Unicode Standard 15.0, table 3-7, "Well-Formed UTF-8 Byte Sequences".
 */

/** Tells whether `bytes[start … end)` is well-formed UTF-8; `view` is a DataView of the same bytes. */
export function isUtf8(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let at = start
  for (;;) {
    while (at + 4 <= end && (view.getUint32(at, true) & 0x80808080) === 0) at += 4
    while (at < end && (bytes[at] as number) < 0x80) at++
    if (at >= end) return true
    const length = sequenceLength(bytes, at, end)
    if (length === 0) return false
    at += length
  }
}

/** The length of the well-formed sequence of two to four bytes at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (at + length > end) return 0
  const second = bytes[at + 1] as number
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let index = 2; index < length; index++) if (((bytes[at + index] as number) & 0xc0) !== 0x80) return 0
  return length
}
