/**
 * A chunk of input as the text decoders look at it: native search, words, and windows whose text is checked at once.
 *
 * A window is a piece of the chunk (some 64 KiB) that gets one check for valid UTF-8 and one search for a byte; both
 * run at many times the speed of decoding, and decide which generated code may run over the window.
 */
import { isUtf8Range } from './utf8-text.ts'

/** Bytes per window: small enough to stay in the cache between check and decoding. */
export const WINDOW_BYTES: number = 128 * 1024

/** Tells whether bytes are valid UTF-8. */
export type Utf8Check = (bytes: Uint8Array) => boolean

/** The chunk that is being decoded. */
export class TextChunk {
  /** The chunk as a Buffer, whose `indexOf` is the native one. */
  bytes: Buffer = Buffer.alloc(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  #chunk: Uint8Array | undefined
  readonly #check: Utf8Check | undefined

  constructor(check: Utf8Check | undefined) {
    this.#check = check
  }

  /** Makes `chunk` the one that is looked at. */
  bind(chunk: Uint8Array): void {
    if (this.#chunk === chunk) return
    this.#chunk = chunk
    this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }

  /** Tells whether a range is valid UTF-8. */
  isUtf8(start: number, end: number): boolean {
    return this.#check === undefined
      ? isUtf8Range(this.bytes, this.view, start, end)
      : this.#check(this.bytes.subarray(start, end))
  }

  /** Tells whether a range holds a byte. */
  holds(byte: number, start: number, end: number): boolean {
    return this.bytes.subarray(start, end).includes(byte)
  }

  /** The first line feed in a range, or −1. */
  lineFeed(start: number, end: number): number {
    const at = this.bytes.indexOf(10, start)
    return at < end ? at : -1
  }

  /** Where a window of whole lines that begins at `start` ends: behind a line feed; −1 when the range holds none. */
  linesEnd(start: number, end: number): number {
    const target = Math.min(end, start + WINDOW_BYTES)
    const last = this.bytes.lastIndexOf(10, target - 1)
    if (last >= start) return last + 1
    return this.lineFeed(start, end) + 1 || -1
  }
}

/** Bytes of the byte order mark that starts at `start`; −1 when more bytes are needed to tell. */
export function byteOrderMark(bytes: Uint8Array, start: number, end: number, final: boolean): number {
  const mark = [0xef, 0xbb, 0xbf]
  for (let i = 0; i < 3; i++) {
    if (start + i >= end) return final || i === 0 ? 0 : -1
    if (bytes[start + i] !== mark[i]) return 0
  }
  return 3
}
