/**
 * Text between JavaScript strings and UTF-8 bytes, by the fastest ways the runtime has.
 *
 * Short ASCII strings are written by a loop, others by the native encoder; reading picks the Latin-1 reader when the
 * bytes are known to be ASCII. Lone surrogates become U+FFFD.
 */

/** The native readers and writers of Buffer that its declared type leaves out. */
interface NativeText {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  utf8Write(text: string, offset: number): number
}

/** A byte buffer with native text access. */
export type TextBuffer = Uint8Array & NativeText

/** Strings up to this length are tried by the loop first. */
const LOOP_LENGTH_MAX = 24

/** The same memory with native text access. */
export function textBufferOf(bytes: Uint8Array): TextBuffer {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer as unknown as TextBuffer
}

/** Most bytes that `writeText` can need for a string. */
export function textBytesMax(text: string): number {
  return text.length * 3
}

/** Writes a string as UTF-8 and gives its number of bytes; there must be room for `textBytesMax`. */
export function writeText(target: TextBuffer, offset: number, text: string): number {
  const { length } = text
  if (length > LOOP_LENGTH_MAX) return target.utf8Write(text, offset)
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) return target.utf8Write(text, offset)
    target[offset + i] = unit
  }
  return length
}

/** The string of a range of UTF-8. */
export function readText(bytes: Uint8Array, start: number, length: number): string {
  return length === 0 ? '' : textBufferOf(bytes).utf8Slice(start, start + length)
}

/** Tells whether a range has ASCII bytes only: four words of 32 bits at a time. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end && ((bytes.byteOffset + at) & 3) !== 0) {
    if ((bytes[at++] as number) > 127) return false
  }
  const words = (end - at) >> 2
  if (words > 0) {
    const view = new Int32Array(bytes.buffer, bytes.byteOffset + at, words)
    const blocks = words & ~3
    for (let i = 0; i < blocks; i += 4) {
      const any =
        (view[i] as number) | (view[i + 1] as number) | (view[i + 2] as number) | (view[i + 3] as number)
      if ((any & 0x80808080) !== 0) return false
    }
    for (let i = blocks; i < words; i++) if (((view[i] as number) & 0x80808080) !== 0) return false
    at += words * 4
  }
  while (at < end) if ((bytes[at++] as number) > 127) return false
  return true
}

/** Copies a short range; native copying costs more than a loop below some 16 bytes. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  at: number,
): void {
  if (length <= 16) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
  } else {
    target.set(source.subarray(start, start + length), at)
  }
}

/**
 * Whether UTF-8 has a text: it has no half of a character (lone surrogate), which would be read back as U+FFFD.
 *
 * Platforms since Node.js 20 have it as a method; the language level that the sources are checked against has not.
 */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
