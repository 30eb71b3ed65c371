/**
 * Rows of a column by index: `result[i] = column[indices[i]]`, null where the index is negative.
 *
 * Strings are not copied: the result is a dictionary column over the original, with the indices as codes.
 */
import type { Column, DictionaryColumn, FixedArray, Utf8Column } from './column.ts'
import { isValid } from './column.ts'

/** Gathers `length` rows of a column that has `columnLength`. The result refers to the column's bytes and must not outlive them. */
export function gatherColumn(
  column: Column,
  indices: Int32Array,
  length: number,
  columnLength: number,
): Column {
  const validity = gatherValidity(column, indices, length)
  switch (column.layout) {
    case 'fixed': {
      const values = new (column.values.constructor as new (rows: number) => FixedArray)(length)
      for (let i = 0; i < length; i++) {
        const from = indices[i] as number
        if (from >= 0) values[i] = column.values[from] as number
      }
      return { ...column, values, validity }
    }
    case 'wide': {
      const stride = column.type.kind === 'decimal' ? 2 : 1
      const values = new BigInt64Array(length * stride)
      for (let i = 0; i < length; i++) {
        const from = indices[i] as number
        if (from < 0) continue
        for (let word = 0; word < stride; word++)
          values[i * stride + word] = column.values[from * stride + word] as bigint
      }
      return { ...column, values, validity }
    }
    case 'utf8':
      return gatherText(column, indices, length, columnLength, validity)
    case 'dictionary': {
      const codes = new Int32Array(length)
      for (let i = 0; i < length; i++) {
        const from = indices[i] as number
        if (from >= 0) codes[i] = column.codes[from] as number
      }
      return { ...column, codes, validity }
    }
    case 'list': {
      const starts = new Int32Array(length)
      const lengths = new Int32Array(length)
      for (let i = 0; i < length; i++) {
        const from = indices[i] as number
        if (from < 0) continue
        starts[i] = column.starts[from] as number
        lengths[i] = column.lengths[from] as number
      }
      return { ...column, starts, lengths, validity }
    }
    case 'struct':
      return {
        ...column,
        children: column.children.map((child) => gatherColumn(child, indices, length, columnLength)),
        validity,
      }
  }
}

/** A null entry of the original may be referred to: validity hides it (dictionary entries themselves are never null). */
function gatherText(
  column: Utf8Column,
  indices: Int32Array,
  length: number,
  columnLength: number,
  validity: Uint8Array | undefined,
): DictionaryColumn {
  const codes = new Int32Array(length)
  for (let i = 0; i < length; i++) codes[i] = Math.max(0, indices[i] as number)
  const dictionaryLength = Math.max(1, columnLength)
  return {
    layout: 'dictionary',
    type: column.type,
    codes,
    dictionary: entriesOf(column),
    dictionaryLength,
    validity,
  }
}

/** The same dictionary object for the same column, so that caches by its identity hold. */
const dictionaries = new WeakMap<Utf8Column, Utf8Column>()

function entriesOf(column: Utf8Column): Utf8Column {
  let entries = dictionaries.get(column)
  if (entries === undefined) {
    const empty = column.starts.length === 0
    entries = {
      ...column,
      starts: empty ? new Int32Array(1) : column.starts,
      lengths: empty ? new Int32Array(1) : column.lengths,
      validity: undefined,
    }
    dictionaries.set(column, entries)
  }
  return entries
}

function gatherValidity(column: Column, indices: Int32Array, length: number): Uint8Array | undefined {
  let validity: Uint8Array | undefined
  for (let i = 0; i < length; i++) {
    const from = indices[i] as number
    if (from >= 0 && isValid(column, from)) continue
    validity ??= new Uint8Array((length + 7) >> 3).fill(0xff)
    validity[i >> 3] = (validity[i >> 3] as number) & ~(1 << (i & 7))
  }
  return validity
}
