/** Whether two cells hold the same value: NaN is the same as NaN, −0 as 0, null as null. */
import { isValid } from '../../data/column.ts'
import type { Column, DictionaryColumn, FixedColumn, Utf8Column, WideColumn } from '../../data/column.ts'
import { exactOf } from '../../data/fixed-column-builder.ts'

/** Compares cells of two columns of one type, in whatever layouts. */
export function sameCell(a: Column, i: number, b: Column, j: number): boolean {
  const isThere = isValid(a, i)
  if (isThere !== isValid(b, j)) return false
  if (!isThere) return true
  switch (a.layout) {
    case 'fixed':
    case 'wide':
      return sameNumber(a, i, b as FixedColumn | WideColumn, j)
    case 'utf8':
    case 'dictionary':
      return sameBytes(a, i, b as Utf8Column | DictionaryColumn, j)
    case 'list':
      return sameList(a, i, b as typeof a, j)
    case 'struct':
      return a.children.every((child, c) => sameCell(child, i, (b as typeof a).children[c] as Column, j))
  }
}

function sameNumber(a: FixedColumn | WideColumn, i: number, b: FixedColumn | WideColumn, j: number): boolean {
  if (a.layout === 'wide' && b.layout === 'wide') return exactOf(a, i) === exactOf(b, j)
  // One layout in which a value is a number, and the other: what fits a number is in it for both.
  if (a.layout === 'wide') return exactOf(a, i) === BigInt((b as FixedColumn).values[j] as number)
  if (b.layout === 'wide') return exactOf(b, j) === BigInt(a.values[i] as number)
  const [x, y] = [a.values[i], b.values[j]]
  return x === y || (x !== x && y !== y)
}

function sameBytes(
  a: Utf8Column | DictionaryColumn,
  i: number,
  b: Utf8Column | DictionaryColumn,
  j: number,
): boolean {
  const [first, second] = [bytesOf(a, i), bytesOf(b, j)]
  return first.length === second.length && first.every((byte, n) => byte === second[n])
}

function bytesOf(column: Utf8Column | DictionaryColumn, row: number): Uint8Array {
  const isDictionary = column.layout === 'dictionary'
  const { bytes, starts, lengths } = isDictionary ? column.dictionary : column
  const entry = isDictionary ? (column.codes[row] as number) : row
  const start = starts[entry] as number
  return bytes.subarray(start, start + (lengths[entry] as number))
}

function sameList(
  a: Column & { layout: 'list' },
  i: number,
  b: Column & { layout: 'list' },
  j: number,
): boolean {
  const length = a.lengths[i] as number
  if (length !== b.lengths[j]) return false
  const [from, other] = [a.starts[i] as number, b.starts[j] as number]
  for (let n = 0; n < length; n++) if (!sameCell(a.child, from + n, b.child, other + n)) return false
  return true
}
