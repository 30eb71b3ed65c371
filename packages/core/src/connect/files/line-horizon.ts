/**
 * How far a file that grows by lines can be read: to the end of a line, so that what lies before it stays as it is.
 *
 * Only line feeds are looked for. One inside a quoted cell of CSV is as good: a record that the horizon cuts is left for
 * later by its reader.
 */
import type { Json } from '../../data/type.ts'

/** A horizon of a followed file. */
export interface LineHorizon {
  readonly [name: string]: Json
  readonly v: 1
  readonly byte: number
  /** The file has lost its name: nothing comes behind `byte`, also when no line ends there. */
  readonly end: boolean
}

/** What a horizon is looked for in. */
export interface LineSearch {
  /** The first byte that no horizon lay behind yet. */
  readonly from: number
  /** Bytes of the file. */
  readonly size: number
  /** About so many bytes behind `from`. */
  readonly bytesMax: number | undefined
}

/** Reads bytes at a position, as many as there are, at most as many as fit. */
type Peek = (target: Uint8Array, position: number) => Promise<number>

const CHUNK_BYTES = 64 * 1024
const LINE_FEED = 10

/**
 * The end of the last line within `bytesMax`, or else of the first one behind that: a line that is longer is taken
 * whole. Undefined: no line has ended yet.
 */
export async function findLineEnd(
  peek: Peek,
  { from, size, bytesMax }: LineSearch,
): Promise<number | undefined> {
  const near = bytesMax === undefined ? size : Math.min(size, from + bytesMax)
  return (await lastLineEnd(peek, from, near)) ?? (await firstLineEnd(peek, near, size))
}

async function lastLineEnd(peek: Peek, from: number, to: number): Promise<number | undefined> {
  for (let end = to; end > from;) {
    const start = Math.max(from, end - CHUNK_BYTES)
    const at = (await bytesAt(peek, start, end)).lastIndexOf(LINE_FEED)
    if (at >= 0) return start + at + 1
    end = start
  }
  return undefined
}

async function firstLineEnd(peek: Peek, from: number, to: number): Promise<number | undefined> {
  for (let start = from; start < to;) {
    const end = Math.min(to, start + CHUNK_BYTES)
    const at = (await bytesAt(peek, start, end)).indexOf(LINE_FEED)
    if (at >= 0) return start + at + 1
    start = end
  }
  return undefined
}

/** The bytes of a range; those that are not there, because the file was cut meanwhile, are 0. */
async function bytesAt(peek: Peek, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  for (let read = 0; read < bytes.length;) {
    const count = await peek(bytes.subarray(read), start + read)
    if (count === 0) break
    read += count
  }
  return bytes
}
