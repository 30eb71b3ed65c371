/**
 * Variance and standard deviation of a sample, numerically stable.
 *
 * One row at a time by Welford ("Note on a method for calculating corrected sums of squares and products", 1962);
 * accumulators are joined by the formula of Chan, Golub and LeVeque ("Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979). Null for fewer than two values, as in SQL.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import type { Aggregate, AggregateParts, InlineNames, PartialForm, RecordRange } from './aggregate.ts'
import { NumericInput, valueScale } from './numeric-input.ts'
import { numericInput } from './sum.ts'

/** Makes a variance, or its square root. */
export function createVariance(parts: AggregateParts, result: 'variance' | 'stddev'): Aggregate {
  return new Variance(parts, result)
}

class Variance implements Aggregate {
  readonly partial: PartialForm
  readonly #rows: RecordField
  readonly #mean: RecordField
  readonly #squares: RecordField
  readonly #isRoot: boolean
  readonly #column: number
  readonly #divisor: number
  readonly #input: NumericInput

  constructor(parts: AggregateParts, result: 'variance' | 'stddev') {
    const { index, field } = numericInput(parts)
    this.#rows = parts.layout.add('f64', 0)
    this.#mean = parts.layout.add('f64', 0)
    this.#squares = parts.layout.add('f64', 0)
    this.partial = { kind: 'fields', fields: [this.#rows, this.#mean, this.#squares] }
    this.#isRoot = result === 'stddev'
    this.#column = index
    this.#divisor = valueScale(field.type)
    this.#input = new NumericInput(field.type)
  }

  inline(names: InlineNames, column: Column | undefined): string | undefined {
    if (column?.layout !== 'fixed') return undefined
    const [rows, mean, squares] = [this.#rows, this.#mean, this.#squares].map((f) => names.field(f))
    const value = this.#divisor === 1 ? names.value : `${names.value} / ${this.#divisor}`
    return (
      `{ const x = ${value}, n = ${rows} + 1, d = x - ${mean}, m = ${mean} + d / n; ` +
      `${rows} = n; ${mean} = m; ${squares} += d * (x - m); }`
    )
  }

  bind(batch: Batch): void {
    this.#input.bind(batch.columns[this.#column] as Column)
  }

  update(store: RecordStore, record: number, row: number): void {
    this.#join(store, record, { rows: 1, mean: this.#input.at(row), squares: 0 })
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const from = sourceRecord * (source.words >> 1)
    this.#join(target, targetRecord, {
      rows: source.f64[from + this.#rows.offset] as number,
      mean: source.f64[from + this.#mean.offset] as number,
      squares: source.f64[from + this.#squares.offset] as number,
    })
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const base = (numbers[n] as number) * (store.words >> 1)
      const rows = store.f64[base + this.#rows.offset] as number
      if (rows < 2) {
        out.setNull(at + n - from)
        continue
      }
      // Rounding may leave the sum of squares a little below zero after a merge.
      const squares = store.f64[base + this.#squares.offset] as number
      const variance = squares < 0 ? 0 : squares / (rows - 1)
      out.values[at + n - from] = this.#isRoot ? Math.sqrt(variance) : variance
    }
  }

  #join(store: RecordStore, record: number, other: { rows: number; mean: number; squares: number }): void {
    if (other.rows === 0) return
    const base = record * (store.words >> 1)
    const { f64 } = store
    const rows = f64[base + this.#rows.offset] as number
    const mean = f64[base + this.#mean.offset] as number
    if (rows === 0) {
      // Copied as it is, so that a result computed again is the same to the last bit.
      f64[base + this.#rows.offset] = other.rows
      f64[base + this.#mean.offset] = other.mean
      f64[base + this.#squares.offset] = other.squares
      return
    }
    const total = rows + other.rows
    const difference = other.mean - mean
    f64[base + this.#rows.offset] = total
    f64[base + this.#mean.offset] = mean + (difference * other.rows) / total
    f64[base + this.#squares.offset] =
      (f64[base + this.#squares.offset] as number) +
      other.squares +
      (difference * difference * rows * other.rows) / total
  }
}
