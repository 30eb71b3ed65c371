/**
 * What a program answered, in a few letters: the same for the same rows in any order.
 *
 * Cases that answer one question must give the same digest, or their figures do not belong side by side.
 */
import type { Sink } from 'millrace/connect'
import { rowCount, rowIndex, readValue } from 'millrace/data'
import type { Batch } from 'millrace/data'

/** Digests rows that were made into text. */
export class RowDigest {
  private rows = 0
  private sum = 0
  private mixed = 0

  add(row: string): void {
    let hash = 0x811c9dc5
    for (let i = 0; i < row.length; i++) hash = Math.imul(hash ^ row.charCodeAt(i), 0x01000193)
    hash ^= hash >>> 15
    this.rows++
    this.sum = (this.sum + hash) | 0
    this.mixed = (this.mixed + Math.imul(hash, hash | 1)) | 0
  }

  toString(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return `${this.rows}-${hex(this.sum)}${hex(this.mixed)}`
  }
}

/** A sink that digests its rows: values as JavaScript writes them, separated by commas. */
export function digestSink(digest: RowDigest): Sink {
  const write = (batch: Batch): void => {
    const rows = rowCount(batch)
    for (let n = 0; n < rows; n++) {
      const row = rowIndex(batch, n)
      digest.add(batch.columns.map((column) => String(readValue(column, row))).join(','))
    }
  }
  return {
    description: { connector: 'digest', options: {} },
    accepts: 'append',
    open: async () => ({
      writer: async () => ({
        write,
        seal: () => undefined,
        prepare: async () => undefined,
        written: () => ({ rows: 0, bytes: 0 }),
        close: async () => undefined,
      }),
      commit: async () => [],
      sweep: async () => undefined,
      finish: async () => undefined,
      close: async () => undefined,
    }),
  }
}
