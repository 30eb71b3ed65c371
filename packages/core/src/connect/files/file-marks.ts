/**
 * By what a file is known again: checksums of some of its bytes, kept with the position up to which it was read.
 *
 * The file system's identity is not enough: inode numbers are used again, devices are numbered anew when a machine starts,
 * and `copytruncate` leaves the identity as it is. Not a proof for long files: in the middle anything may have changed.
 */
import type { ByteChecks, OpenFile } from '../../host/host.ts'

/** Bytes at the beginning of a file, and in front of a position, that a checksum is made of. */
export const MARK_BYTES = 1024

/** Checksums of what was read of a file up to a byte. */
export interface ReadMarks {
  /** Of the first bytes, at most `MARK_BYTES`. */
  readonly head: number
  /** Of the last bytes before the position. */
  readonly tail: number
}

/** The bytes that marks are made of. */
export interface MarkedBytes {
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

/** Of a file that is read whole: up to so many bytes all of it is looked at, of longer ones pieces. */
const WHOLE_BYTES = 64 * 1024
const PIECES = 16
const PIECE_BYTES = WHOLE_BYTES / PIECES

/** The bytes of a range, as far as they are there. */
export async function readRange(file: OpenFile, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, to - from))
  let read = 0
  while (read < bytes.length) {
    const count = await file.read(bytes, read, bytes.length - read, from + read)
    if (count === 0) break
    read += count
  }
  return bytes.subarray(0, read)
}

/** The bytes that the marks of a position are made of. */
export async function bytesAround(file: OpenFile, byte: number): Promise<MarkedBytes> {
  const head = await readRange(file, 0, Math.min(byte, MARK_BYTES))
  return { head, tail: byte <= MARK_BYTES ? head : await readRange(file, byte - MARK_BYTES, byte) }
}

/** The marks of these bytes. */
export function marksOf({ head, tail }: MarkedBytes, checks: ByteChecks): ReadMarks {
  return { head: checks.crc32(head), tail: checks.crc32(tail) }
}

/** A checksum of a file that is read whole, which it keeps when it is touched and when a copy takes its place. */
export async function contentMark(file: OpenFile, size: number, checks: ByteChecks): Promise<number> {
  if (size <= WHOLE_BYTES) return checks.crc32(await readRange(file, 0, size))
  let mark = 0
  for (let piece = 0; piece < PIECES; piece++) {
    const from = Math.floor(((size - PIECE_BYTES) * piece) / (PIECES - 1))
    mark = checks.crc32(await readRange(file, from, from + PIECE_BYTES), mark)
  }
  return mark
}
