/** The cells of a numeric column as float64, whatever the layout; integers beyond 2^53 are rounded. */
import type { Column, FixedArray, WideColumn } from '../../data/column.ts'
import type { DataType } from '../../data/type.ts'
import { exactOf } from '../../data/fixed-column-builder.ts'
import { wordsOf } from '../../data/wide-words.ts'

const integerKinds: ReadonlySet<string> = new Set([
  'boolean',
  'int8',
  'int16',
  'int32',
  'uint8',
  'uint16',
  'uint32',
  'int64',
  'uint64',
])

/** Types whose cells are whole numbers counted exactly (decimals: unscaled). */
export function isExactType(type: DataType): boolean {
  return integerKinds.has(type.kind) || type.kind === 'decimal'
}

/** Types that sums and means take. */
export function isNumericType(type: DataType): boolean {
  return isExactType(type) || type.kind === 'float32' || type.kind === 'float64'
}

/** What a stored number is multiplied by to give the value: a power of ten below one for decimals. */
export function valueScale(type: DataType): number {
  return type.kind === 'decimal' ? 10 ** type.scale : 1
}

/** A numeric column of the current batch. */
export class NumericInput {
  #values: FixedArray | undefined
  #wide: WideColumn | undefined
  /** Of a wide column of signed 64-bit integers. */
  #words: Int32Array | undefined
  readonly #divisor: number

  constructor(type: DataType) {
    this.#divisor = valueScale(type)
  }

  bind(column: Column): void {
    this.#values = column.layout === 'fixed' ? column.values : undefined
    this.#wide = column.layout === 'wide' ? column : undefined
    this.#words =
      column.layout === 'wide' && column.type.kind === 'int64' ? wordsOf(column.values) : undefined
  }

  /** The value of a valid row. */
  at(row: number): number {
    return (this.#values === undefined ? this.#wideAt(row) : (this.#values[row] as number)) / this.#divisor
  }

  #wideAt(row: number): number {
    const words = this.#words
    if (words === undefined) return Number(exactOf(this.#wide as WideColumn, row))
    return (words[2 * row + 1] as number) * 4294967296 + ((words[2 * row] as number) >>> 0)
  }
}
