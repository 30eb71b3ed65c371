/**
 * Columns in memory, in Apache Arrow's layout family.
 *
 * Invariants (tests quote them):
 *  C1  A validity bitmap has bit (i & 7) of byte (i >> 3) set when row i has a value; it is absent when no row is null.
 *  C2  The value under a null row is unspecified but readable: number layouts hold any number, strings a range inside `bytes`.
 *  C3  A string column refers to exactly one byte chunk; state never refers to a chunk, it copies.
 *  C4  int64, uint64, decimal, time and timestamp columns are `fixed` (Float64Array) when every value (for decimal:
 *      every unscaled value) is a safe integer, and `wide` when one is not. Most data is narrow, and a float64 lane is
 *      1.5 to 3 times as fast as BigInt64Array in generated code; wide batches take exact paths that are slower.
 */
import type { DataType } from './type.ts'

/** The typed arrays of fixed-width columns. */
export type FixedArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array

/**
 * One number per row: boolean as 0 or 1 (Uint8Array); small integers and floats in their own array; date as days
 * since 1970 (Int32Array); int64, uint64, decimal (unscaled), time and timestamp (in their unit) as Float64Array (C4).
 */
export interface FixedColumn {
  readonly layout: 'fixed'
  readonly type: DataType
  values: FixedArray
  validity: Uint8Array | undefined
}

/** Exact 64-bit integers: one signed word per row (uint64: the same bits), decimal two words per row (low, high). */
export interface WideColumn {
  readonly layout: 'wide'
  readonly type: DataType
  values: BigInt64Array
  validity: Uint8Array | undefined
}

/** string, bytes, json (its text) and uuid (its 36 characters): row i is `bytes[starts[i] … starts[i] + lengths[i])`, valid UTF-8 unless bytes. */
export interface Utf8Column {
  readonly layout: 'utf8'
  readonly type: DataType
  bytes: Uint8Array
  starts: Int32Array
  lengths: Int32Array
  validity: Uint8Array | undefined
}

/** A string column of few distinct values: row i is entry `codes[i]` of the dictionary. Entries are never null and need not be distinct. */
export interface DictionaryColumn {
  readonly layout: 'dictionary'
  readonly type: DataType
  codes: Int32Array
  /** Codes stay valid as long as this object is the same: operators may cache per code by its identity. It may grow at its end. */
  dictionary: Utf8Column
  /** Entries in use. */
  dictionaryLength: number
  validity: Uint8Array | undefined
}

/** Lists: row i is the rows `starts[i] … starts[i] + lengths[i])` of `child`. A map is a list of structs of key and value. */
export interface ListColumn {
  readonly layout: 'list'
  readonly type: DataType
  starts: Int32Array
  lengths: Int32Array
  child: Column
  validity: Uint8Array | undefined
}

/** Structs: one column per field. An interval is a struct of months, days (int32) and micros (float64). */
export interface StructColumn {
  readonly layout: 'struct'
  readonly type: DataType
  children: readonly Column[]
  validity: Uint8Array | undefined
}

/** A column in one of its layouts. */
export type Column = FixedColumn | WideColumn | Utf8Column | DictionaryColumn | ListColumn | StructColumn

/** Tells whether row `index` of a column holds a value. */
export function isValid(column: { readonly validity: Uint8Array | undefined }, index: number): boolean {
  const { validity } = column
  return validity === undefined || ((validity[index >> 3] as number) & (1 << (index & 7))) !== 0
}
