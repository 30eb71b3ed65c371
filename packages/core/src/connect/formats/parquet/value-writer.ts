/**
 * The value-writer contract: collects the values of one leaf for a page and encodes them.
 *
 * The counterpart of leaf.ts: nulls and levels are not its business.
 */
import type { Column } from '../../../data/column.ts'
import type { ByteSink } from './byte-sink.ts'

/** The lowest and highest value of a chunk as statistics have them. */
export interface ByteBounds {
  readonly min: Uint8Array
  readonly max: Uint8Array
  readonly minExact: boolean
  readonly maxExact: boolean
}

/** Collects and encodes the values of one leaf. */
export interface ValueWriter {
  /** Takes rows of a column that all have a value: the listed ones, or `first … first + count`. */
  append(column: Column, rows: Int32Array | undefined, first: number, count: number): void
  /** Bytes of the values of the present page, about. */
  pageBytes(): number
  /** The present page cannot take rows of this column and must be flushed first. */
  needsFlush(column: Column): boolean
  /** Appends the page's values to `sink`, starts a new page, and returns the encoding. */
  encodePage(sink: ByteSink): number
  /** Appends the dictionary of the chunk's pages in PLAIN to `sink`; returns its entries, 0 for none. */
  encodeDictionary(sink: ByteSink): number
  /** The bounds of the chunk, when there are any. */
  bounds(): ByteBounds | undefined
  /** Forgets the chunk. */
  startChunk(): void
}
