/**
 * Scratch bytes for texts that a row's expression makes (concatenation, change of case), emptied before each batch.
 *
 * A text is remembered as its offset; `bytes` is replaced when it grows, so users read it anew each time.
 */
import { readText, textBufferOf, textBytesMax, writeText } from '../data/text-bytes.ts'
import type { TextBuffer } from '../data/text-bytes.ts'

/** A growing run of texts. */
export class TextArena {
  bytes: TextBuffer = textBufferOf(new Uint8Array(1024))
  end = 0
  /** Length of the text made last. */
  length = 0

  #reserve(count: number): number {
    const start = this.end
    if (start + count > this.bytes.length) {
      const larger = textBufferOf(new Uint8Array(Math.max(start + count, this.bytes.length * 2)))
      larger.set(this.bytes.subarray(0, start))
      this.bytes = larger
    }
    return start
  }

  #finish(start: number, length: number): number {
    this.length = length
    this.end = start + length
    return start
  }

  #copy(source: Uint8Array, from: number, length: number, to: number): void {
    const { bytes } = this
    if (length < 32) for (let i = 0; i < length; i++) bytes[to + i] = source[from + i] as number
    else bytes.set(source.subarray(from, from + length), to)
  }

  /** Two ranges put together; returns where the text starts. */
  join(
    a: Uint8Array,
    startA: number,
    lengthA: number,
    b: Uint8Array,
    startB: number,
    lengthB: number,
  ): number {
    const start = this.#reserve(lengthA + lengthB)
    this.#copy(a, startA, lengthA, start)
    this.#copy(b, startB, lengthB, start + lengthA)
    return this.#finish(start, lengthA + lengthB)
  }

  /** A range with ASCII letters in lower (`isLower`) or upper case; text with other characters goes through a string. */
  changeCase(source: Uint8Array, from: number, length: number, isLower: boolean): number {
    const start = this.#reserve(length)
    const { bytes } = this
    const [first, last] = isLower ? [65, 90] : [97, 122]
    for (let i = 0; i < length; i++) {
      const byte = source[from + i] as number
      if (byte > 127) return this.#changeText(readText(source, from, length), isLower)
      bytes[start + i] = byte >= first && byte <= last ? byte ^ 32 : byte
    }
    return this.#finish(start, length)
  }

  #changeText(text: string, isLower: boolean): number {
    return this.write(isLower ? text.toLowerCase() : text.toUpperCase())
  }

  /** A string as bytes; returns where it starts. */
  write(text: string): number {
    const start = this.#reserve(textBytesMax(text))
    return this.#finish(start, writeText(this.bytes, start, text))
  }
}
