/**
 * Spreads dense values to the rows that have one, in place and from the end, so that nothing is overwritten early.
 */

/** Anything indexable that holds one lane per row. */
interface Lanes<Value> {
  [index: number]: Value
}

/** Moves the first `dense` values of `lanes` to the valid rows among `rows`; other rows keep what lay there. */
export function spread<Value>(lanes: Lanes<Value>, dense: number, rows: number, validity: Uint8Array): void {
  let from = dense - 1
  // Once as many rows are left as values, they stand where they belong.
  for (let row = rows - 1; row > from && from >= 0; row--) {
    if (((validity[row >> 3] as number) & (1 << (row & 7))) !== 0) lanes[row] = lanes[from--] as Value
  }
}
