/** The cells of a numeric column as float64, whatever the layout; integers beyond 2^53 are rounded. */
import type { Column, FixedArray, WideColumn } from '../../data/column.ts'
import type { DataType } from '../../data/type.ts'
import { exactOf } from '../../data/fixed-column-builder.ts'

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
  readonly #divisor: number

  constructor(type: DataType) {
    this.#divisor = valueScale(type)
  }

  bind(column: Column): void {
    this.#values = column.layout === 'fixed' ? column.values : undefined
    this.#wide = column.layout === 'wide' ? column : undefined
  }

  /** The value of a valid row. */
  at(row: number): number {
    const stored =
      this.#values === undefined
        ? Number(exactOf(this.#wide as WideColumn, row))
        : (this.#values[row] as number)
    return stored / this.#divisor
  }
}
