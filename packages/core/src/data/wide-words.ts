/**
 * Wide columns (column.ts) as words of 32 bits, lowest first: reading them makes no BigInt per row.
 *
 * A 64-bit value is `words[2 · row + 1]` · 2^32 + (`words[2 · row]` >>> 0); the high word of a uint64 is unsigned too.
 */

/** The values of a wide column as words. A view: make it once per column, not per row. */
export function wordsOf(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2)
}
