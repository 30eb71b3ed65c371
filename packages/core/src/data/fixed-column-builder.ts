/**
 * Builds a column of fixed-width values: narrow (typed array of numbers), and wide where an exact value needs it (C4).
 *
 * Generated code writes `values[row]` and calls `setNull(row)` or `setExact(row, bigint)` for the rare others; it must
 * re-read `values` after `reserve`. Rows need not be written in order, but every row below the finished length once.
 */
import type { FixedArray, FixedColumn, WideColumn } from './column.ts'
import type { FixedArrayKind } from './layout.ts'
import { fixedArrayKindOf, makeFixedArray, wideWords } from './layout.ts'
import { fromWords } from './decimal.ts'
import type { DataType } from './type.ts'
import { ValidityBuilder } from './validity.ts'

/** A growing column of one number per row. */
export class FixedColumnBuilder {
  readonly layout = 'fixed'
  readonly type: DataType
  readonly nullable: boolean
  /** One number per row; the capacity is its length. Replaced by `reserve`. */
  values: FixedArray
  readonly validity: ValidityBuilder
  readonly #kind: FixedArrayKind
  readonly #words: number
  #wide: BigInt64Array | undefined
  /** 1 where the row's value is in #wide. */
  #isExact: Uint8Array | undefined
  #exactRows = 0

  constructor(type: DataType, nullable: boolean, capacity: number) {
    this.type = type
    this.nullable = nullable
    this.#kind = fixedArrayKindOf(type)
    this.#words = wideWords(type)
    this.values = makeFixedArray(this.#kind, capacity)
    this.validity = new ValidityBuilder(capacity)
  }

  /** Makes room for rows; the arrays may be replaced. */
  reserve(capacity: number): void {
    if (capacity <= this.values.length) return
    const values = makeFixedArray(this.#kind, capacity)
    values.set(this.values)
    this.values = values
    this.validity.reserve(capacity)
    if (this.#wide !== undefined) this.#reserveExact(capacity)
  }

  /** The row is null. */
  setNull(row: number): void {
    this.values[row] = 0
    this.validity.setNull(row)
  }

  /** Fills a row that nobody can see (a field of a null struct). */
  setUnused(row: number): void {
    this.values[row] = 0
  }

  /**
   * An exact value in the column's unit (decimal: unscaled; uint64: up to 2^64 − 1). The range is the caller's to check.
   * Values that are safe integers stay narrow.
   */
  setExact(row: number, value: bigint): void {
    if (value >= -9007199254740991n && value <= 9007199254740991n) {
      this.values[row] = Number(value)
      return
    }
    if (this.#wide === undefined) this.#reserveExact(this.values.length)
    const wide = this.#wide as BigInt64Array
    if (this.#words === 2) {
      wide[2 * row] = BigInt.asIntN(64, value)
      wide[2 * row + 1] = BigInt.asIntN(64, value >> 64n)
    } else {
      wide[row] = BigInt.asIntN(64, value)
    }
    const isExact = this.#isExact as Uint8Array
    if (isExact[row] === 0) {
      isExact[row] = 1
      this.#exactRows++
    }
    this.values[row] = 0
  }

  /** Whether a value beyond ±(2^53 − 1) is in the column, so that it finishes as `wide`. */
  get isWide(): boolean {
    return this.#exactRows > 0
  }

  /** The first `length` rows as a column over the builder's memory: valid until `reset`. */
  finish(length: number): FixedColumn | WideColumn {
    const validity = this.validity.finish()
    if (this.#exactRows === 0) return { layout: 'fixed', type: this.type, values: this.values, validity }
    const wide = this.#wide as BigInt64Array
    const isExact = this.#isExact as Uint8Array
    for (let row = 0; row < length; row++) {
      if (isExact[row] === 1) continue
      const value = BigInt(this.values[row] as number)
      if (this.#words === 2) {
        wide[2 * row] = value
        wide[2 * row + 1] = value < 0n ? -1n : 0n
      } else {
        wide[row] = value
      }
    }
    return { layout: 'wide', type: this.type, values: wide, validity }
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    this.validity.truncate(length)
    const isExact = this.#isExact
    if (isExact === undefined || this.#exactRows === 0) return
    for (let row = length; row < isExact.length; row++) {
      this.#exactRows -= isExact[row] as number
      isExact[row] = 0
    }
  }

  /** Forgets all rows and keeps the memory. */
  reset(): void {
    this.validity.reset()
    if (this.#exactRows > 0) (this.#isExact as Uint8Array).fill(0)
    this.#exactRows = 0
  }

  #reserveExact(capacity: number): void {
    const wide = new BigInt64Array(capacity * this.#words)
    const isExact = new Uint8Array(capacity)
    if (this.#wide !== undefined) wide.set(this.#wide)
    if (this.#isExact !== undefined) isExact.set(this.#isExact)
    this.#wide = wide
    this.#isExact = isExact
  }
}

/** The exact integer of a row of a wide column: unscaled for decimals, unsigned for uint64. */
export function exactOf(column: WideColumn, row: number): bigint {
  const { kind } = column.type
  if (kind === 'decimal') {
    return fromWords(column.values[2 * row] as bigint, column.values[2 * row + 1] as bigint)
  }
  const word = column.values[row] as bigint
  return kind === 'uint64' ? BigInt.asUintN(64, word) : word
}
