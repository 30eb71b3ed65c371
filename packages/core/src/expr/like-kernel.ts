/**
 * LIKE on UTF-8 bytes, for constant patterns: `%` any bytes, `_` one character, all else itself.
 *
 * The usual matching of wildcards: on a mismatch go back to the last `%` and let it take one byte more. Its time is at
 * most the product of both lengths. With a case to ignore only ASCII text is decided here.
 */

/** Steps of a compiled pattern that are no bytes. */
const ANY_TEXT = -1
const ANY_CHARACTER = -2

const encoder = new TextEncoder()

/** The steps of a pattern; undefined when its escape character stands at the end (the reference words the error). */
export function compileLike(pattern: string, escape: string): Int16Array | undefined {
  const steps: number[] = []
  const all = Array.from(pattern)
  for (let i = 0; i < all.length; i++) {
    let character = all[i] as string
    if (character === escape) {
      if (++i === all.length) return undefined
      character = all[i] as string
    } else if (character === '%' || character === '_') {
      steps.push(character === '%' ? ANY_TEXT : ANY_CHARACTER)
      continue
    }
    steps.push(...encoder.encode(character))
  }
  return Int16Array.from(steps)
}

/** Tells whether a range matches. */
export function likeBytes(bytes: Uint8Array, start: number, length: number, steps: Int16Array): boolean {
  const end = start + length
  let at = start
  let step = 0
  let backStep = -1
  let backAt = 0
  while (at < end) {
    const wanted = step < steps.length ? (steps[step] as number) : -3
    if (wanted === ANY_TEXT) {
      backStep = ++step
      backAt = at
    } else if (wanted === bytes[at]) {
      step++
      at++
    } else if (wanted === ANY_CHARACTER) {
      step++
      at++
      while (at < end && ((bytes[at] as number) & 0xc0) === 0x80) at++
    } else if (backStep >= 0) {
      step = backStep
      at = ++backAt
    } else return false
  }
  while (step < steps.length && steps[step] === ANY_TEXT) step++
  return step === steps.length
}

/** As `likeBytes` with steps in lower case, without regard to case: 1 or 0, or −1 for text that is not ASCII. */
export function likeAnyCase(bytes: Uint8Array, start: number, length: number, steps: Int16Array, scratch: Uint8Array): number {
  if (length > scratch.length) return -1
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] as number
    if (byte > 127) return -1
    scratch[i] = byte >= 65 && byte <= 90 ? byte | 32 : byte
  }
  return likeBytes(scratch, 0, length, steps) ? 1 : 0
} // prettier-ignore
