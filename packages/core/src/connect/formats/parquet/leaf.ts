/**
 * The leaf contract: turns the value bytes of one column chunk's pages into the lanes of one column.
 *
 * Levels are not its business: it is asked for so many values that are there ("dense"), page after page, and at the
 * end told which rows have one. Its arrays are used again for the next batch (B1).
 */
import type { Column } from '../../../data/column.ts'

/** Decoder of one leaf column. */
export interface Leaf {
  /** A new column chunk begins: forgets the dictionary. */
  openChunk(): void
  /** The chunk's dictionary page: `count` PLAIN values in `bytes[0 … length)`. */
  openDictionary(bytes: Uint8Array, count: number): void
  /** The values of a data page in `bytes[start … end)`. Throws when the encoding does not fit the type. */
  openPage(encoding: number, bytes: Uint8Array, start: number, end: number): void
  /** Starts a column of about `capacity` values. */
  begin(capacity: number): void
  /** Appends the next `count` dense values of the page. */
  readDense(count: number): void
  /** The column of `rows` rows: the dense values spread to the rows that `validity` marks (all, when undefined). */
  finish(rows: number, validity: Uint8Array | undefined): Column
}

/** The smallest capacity of at least `needed`, growing by doubling from `present`. */
export function grownCapacity(present: number, needed: number): number {
  let capacity = Math.max(64, present)
  while (capacity < needed) capacity *= 2
  return capacity
}
