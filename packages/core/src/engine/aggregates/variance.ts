/**
 * Variance and standard deviation of a sample, the same to the last bit in whatever order and groups rows come.
 *
 * Kept are the sums of the values and of their squares, with enough digits that their difference loses nothing
 * (triple-sum.ts). With m the mean as it is rounded, Σ(x − mean)² = Σx² − 2mΣx + nm² − (Σx − nm)²/n. Null for fewer
 * than two values, as in SQL; NaN when a value is not finite or beyond ±1e150.
 */
import type { Batch } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import type { Aggregate, AggregateParts, InlineNames, PartialForm, RecordRange } from './aggregate.ts'
import { NumericInput, valueScale } from './numeric-input.ts'
import { numericInput } from './sum.ts'
import { TripleSum, accurateSum, productError } from './triple-sum.ts'

/** Makes a variance, or its square root. */
export function createVariance(parts: AggregateParts, result: 'variance' | 'stddev'): Aggregate {
  return new Variance(parts, result)
}

class Variance implements Aggregate {
  readonly partial: PartialForm
  readonly #rows: RecordField
  readonly #sum: TripleSum
  readonly #squares: TripleSum
  readonly #isRoot: boolean
  readonly #column: number
  readonly #divisor: number
  readonly #input: NumericInput
  readonly #terms = new Float64Array(14)
  readonly #rest = new Float64Array(5)

  constructor(parts: AggregateParts, result: 'variance' | 'stddev') {
    const { index, field } = numericInput(parts)
    this.#rows = parts.layout.add('f64', 0)
    this.#sum = new TripleSum(parts.layout)
    this.#squares = new TripleSum(parts.layout)
    this.partial = { kind: 'fields', fields: [this.#rows, ...this.#sum.fields, ...this.#squares.fields] }
    this.#isRoot = result === 'stddev'
    this.#column = index
    this.#divisor = valueScale(field.type)
    this.#input = new NumericInput(field.type)
  }

  inline(names: InlineNames, column: Column | undefined): string | undefined {
    if (column?.layout !== 'fixed') return undefined
    const value = this.#divisor === 1 ? names.value : `${names.value} / ${this.#divisor}`
    return (
      `{ const x = ${value}; ${names.field(this.#rows)} += 1; ` +
      `${this.#sum.inline(names)} ${this.#squares.inlineSquare(names)} }`
    )
  }

  bind(batch: Batch): void {
    this.#input.bind(batch.columns[this.#column] as Column)
  }

  update(store: RecordStore, record: number, row: number): void {
    const x = this.#input.at(row)
    this.#addRows(store, record, 1)
    this.#sum.add(store, record, x)
    this.#squares.addSquare(store, record, x)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    this.#addRows(target, targetRecord, this.#rowsOf(source, sourceRecord))
    this.#sum.merge(target, targetRecord, source, sourceRecord)
    this.#squares.merge(target, targetRecord, source, sourceRecord)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const record = numbers[n] as number
      const rows = this.#rowsOf(store, record)
      if (rows < 2) {
        out.setNull(at + n - from)
        continue
      }
      const squares = this.#squaredDistances(store, record, rows)
      const variance = squares < 0 ? 0 : squares / (rows - 1)
      out.values[at + n - from] = this.#isRoot ? Math.sqrt(variance) : variance
    }
  }

  /** The sum of squared distances from the mean. */
  #squaredDistances(store: RecordStore, record: number, rows: number): number {
    const terms = this.#terms
    const rest = this.#rest
    for (let part = 0; part < 3; part++) rest[part] = this.#sum.part(store, record, part)
    const mean = ((rest[0] as number) + ((rest[1] as number) + (rest[2] as number))) / rows
    for (let part = 0; part < 3; part++) {
      const value = rest[part] as number
      const product = -2 * mean * value
      terms[part] = this.#squares.part(store, record, part)
      terms[3 + part] = product
      terms[6 + part] = productError(-2 * mean, value, product)
    }
    const total = rows * mean
    rest[3] = -total
    rest[4] = -productError(rows, mean, total)
    const difference = accurateSum(rest)
    const square = mean * mean
    const error = productError(mean, mean, square)
    terms[9] = rows * square
    terms[10] = productError(rows, square, rows * square)
    terms[11] = rows * error
    terms[12] = productError(rows, error, rows * error)
    terms[13] = -difference * (difference / rows)
    return accurateSum(terms)
  }

  #rowsOf(store: RecordStore, record: number): number {
    return store.f64[record * (store.words >> 1) + this.#rows.offset] as number
  }

  #addRows(store: RecordStore, record: number, rows: number): void {
    const at = record * (store.words >> 1) + this.#rows.offset
    store.f64[at] = (store.f64[at] as number) + rows
  }
}
