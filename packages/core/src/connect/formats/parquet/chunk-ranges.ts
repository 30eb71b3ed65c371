/**
 * Which byte ranges of a row group are read at once.
 *
 * Neighbouring small column chunks come in one read, gaps and all; large chunks are left to their page queues, which
 * read them in windows.
 */
import type { RandomAccessFile } from '../../format.ts'
import { damaged } from './damage.ts'
import { chunkStart } from './footer.ts'
import type { ColumnChunk } from './metadata.ts'

/** Chunks up to this size are read whole. */
const WHOLE_BYTES_MAX = 8 << 20

/** Unwanted bytes between two chunks that are read rather than skipped. */
const GAP_BYTES_MAX = 256 << 10

/** Bytes of one read. */
const RANGE_BYTES_MAX = 32 << 20

interface Range {
  start: number
  end: number
  readonly members: number[]
}

/** Reads what is read at once: the bytes of each chunk, or undefined for chunks that are read in windows. */
export async function readChunks(
  file: RandomAccessFile,
  chunks: readonly ColumnChunk[],
): Promise<readonly (Uint8Array | undefined)[]> {
  const found: (Uint8Array | undefined)[] = chunks.map(() => undefined)
  for (const range of plan(chunks)) {
    const bytes = await file.read(range.start, range.end - range.start)
    if (bytes.length < range.end - range.start) throw damaged('the file became shorter while it was read')
    for (const index of range.members) {
      const chunk = chunks[index] as ColumnChunk
      const start = chunkStart(chunk) - range.start
      found[index] = bytes.subarray(start, start + chunk.compressedBytes)
    }
  }
  return found
}

function plan(chunks: readonly ColumnChunk[]): readonly Range[] {
  const order = chunks
    .map((chunk, index) => ({
      index,
      start: chunkStart(chunk),
      end: chunkStart(chunk) + chunk.compressedBytes,
    }))
    .filter(({ start, end }) => end > start && end - start <= WHOLE_BYTES_MAX)
    .toSorted((a, b) => a.start - b.start)
  const ranges: Range[] = []
  for (const { index, start, end } of order) {
    const last = ranges.at(-1)
    if (last !== undefined && start - last.end <= GAP_BYTES_MAX && end - last.start <= RANGE_BYTES_MAX) {
      last.end = Math.max(last.end, end)
      last.members.push(index)
    } else ranges.push({ start, end, members: [index] })
  }
  return ranges
}
