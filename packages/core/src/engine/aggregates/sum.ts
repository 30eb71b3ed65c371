/** sum and mean: exact over integers and decimals, compensated over floats; null over no rows. */
import type { Batch } from '../../data/batch.ts'
import type { Column, WideColumn } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { exactOf } from '../../data/fixed-column-builder.ts'
import type { DataType } from '../../data/type.ts'
import { wordsOf } from '../../data/wide-words.ts'
import { MillraceError } from '../../errors.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import type {
  Aggregate,
  AggregateInput,
  AggregateParts,
  InlineNames,
  PartialForm,
  RecordRange,
} from './aggregate.ts'
import type { IntegerRange } from './exact-sum.ts'
import { ExactSum, integerRange } from './exact-sum.ts'
import { FloatSum } from './float-sum.ts'
import { isExactType, isNumericType, valueScale } from './numeric-input.ts'

/** Makes a sum. Over integers and decimals it is exact, or fails when the result type cannot hold it. */
export function createSum(parts: AggregateParts): Aggregate {
  const input = numericInput(parts)
  return isExactType(input.field.type) ? new SumOfIntegers(parts, input) : new SumOfFloats(parts)
}

/** Makes a mean: float64, or an exact decimal rounded half away from zero when the result type is decimal. */
export function createMean(parts: AggregateParts): Aggregate {
  const input = numericInput(parts)
  return isExactType(input.field.type) ? new MeanOfIntegers(parts, input) : new MeanOfFloats(parts)
}

/** The one numeric input of an aggregate; refuses others. */
export function numericInput({ inputs, call, step }: AggregateParts): AggregateInput {
  const input = inputs[0]
  if (input !== undefined && isNumericType(input.field.type)) return input
  throw new MillraceError('plan/type-mismatch', {
    what: `aggregate "${call.name}": ${call.aggregate} needs a numeric column`,
    detail: input === undefined ? 'it has none' : `"${input.field.name}" is of type ${input.field.type.kind}`,
    step,
  })
}

const BIG_DECIMAL_DIGITS = 18

/** What sums and means of whole numbers share: adding rows. */
class Integers {
  readonly sum: ExactSum
  #wide: WideColumn | undefined
  /** Of a wide column of integers of 64 bits. */
  #words: Int32Array | undefined
  readonly #input: AggregateInput

  constructor(parts: AggregateParts, input: AggregateInput) {
    const { type } = input.field
    this.#input = input
    this.sum = new ExactSum(parts.layout, type.kind === 'decimal' && type.precision > BIG_DECIMAL_DIGITS)
  }

  bind(batch: Batch): void {
    const column = batch.columns[this.#input.index] as Column
    this.#wide = column as WideColumn
    const isInteger = column.layout === 'wide' && column.type.kind !== 'decimal'
    this.#words = isInteger ? wordsOf(column.values) : undefined
  }

  inlineSum(names: InlineNames, column: Column | undefined): string | undefined {
    return column?.layout === 'fixed' ? this.sum.inline(names, `${names.self}.sum`) : undefined
  }

  updateSum(store: RecordStore, record: number, row: number): void {
    const words = this.#words
    if (words === undefined) {
      this.sum.addExact(store, record, exactOf(this.#wide as WideColumn, row))
      return
    }
    const high = words[2 * row + 1] as number
    const isUnsigned = (this.#wide as WideColumn).type.kind === 'uint64'
    this.sum.addWords(store, record, isUnsigned ? high >>> 0 : high, (words[2 * row] as number) >>> 0)
  }
}

class SumOfIntegers extends Integers implements Aggregate {
  readonly partial: PartialForm
  readonly #limit: IntegerRange | undefined
  readonly #parts: AggregateParts
  readonly #divisor: number

  constructor(parts: AggregateParts, input: AggregateInput) {
    super(parts, input)
    this.partial = { kind: 'fields', fields: this.sum.fields }
    this.#parts = parts
    this.#divisor = valueScale(input.field.type)
    this.#limit = rangeOf(parts.call.type)
  }

  inline(names: InlineNames, column: Column | undefined): string | undefined {
    return this.inlineSum(names, column)
  }

  update(store: RecordStore, record: number, row: number): void {
    this.updateSum(store, record, row)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    this.sum.merge(target, targetRecord, source, sourceRecord)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const record = numbers[n] as number
      const row = at + n - from
      if (this.#limit === undefined) {
        const value = this.sum.approximate(store, record) / this.#divisor
        if (value !== value) out.setNull(row)
        else out.values[row] = value
      } else if (!this.sum.write(store, record, out, row, this.#limit)) {
        throw overflow(this.#parts, this.sum.total(store, record) as bigint)
      }
    }
  }
}

class MeanOfIntegers extends Integers implements Aggregate {
  readonly partial: PartialForm
  readonly #rows: RecordField
  readonly #divisor: number
  readonly #result: DataType
  readonly #inputScale: number

  constructor(parts: AggregateParts, input: AggregateInput) {
    super(parts, input)
    this.#rows = parts.layout.add('f64', 0)
    this.partial = { kind: 'fields', fields: [...this.sum.fields, this.#rows] }
    this.#divisor = valueScale(input.field.type)
    this.#inputScale = input.field.type.kind === 'decimal' ? input.field.type.scale : 0
    this.#result = parts.call.type
  }

  inline(names: InlineNames, column: Column | undefined): string | undefined {
    const sum = this.inlineSum(names, column)
    return sum === undefined ? undefined : `${names.field(this.#rows)} += 1; ${sum}`
  }

  update(store: RecordStore, record: number, row: number): void {
    const at = record * (store.words >> 1) + this.#rows.offset
    store.f64[at] = (store.f64[at] as number) + 1
    this.updateSum(store, record, row)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    mergeCounts(this.#rows, target, targetRecord, source, sourceRecord)
    this.sum.merge(target, targetRecord, source, sourceRecord)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    const stride = store.words >> 1
    for (let n = from; n < to; n++) {
      const record = numbers[n] as number
      const row = at + n - from
      const rows = store.f64[record * stride + this.#rows.offset] as number
      if (rows === 0) out.setNull(row)
      else if (this.#result.kind === 'decimal') out.setExact(row, this.#decimalMean(store, record, rows))
      else out.values[row] = this.sum.approximate(store, record) / rows / this.#divisor
    }
  }

  /** The mean in units of the result's scale, rounded half away from zero. */
  #decimalMean(store: RecordStore, record: number, rows: number): bigint {
    const scale = (this.#result as { readonly scale: number }).scale
    let total = this.sum.total(store, record) as bigint
    let divisor = BigInt(rows)
    if (scale >= this.#inputScale) total *= 10n ** BigInt(scale - this.#inputScale)
    else divisor *= 10n ** BigInt(this.#inputScale - scale)
    const half = divisor / 2n
    return total >= 0n ? (total + half) / divisor : -((-total + half) / divisor)
  }
}

/** What sums and means of floats share: everything but the result. */
class SumOfFloats implements Aggregate {
  readonly sum: FloatSum
  readonly rows: RecordField
  readonly partial: PartialForm

  constructor(parts: AggregateParts) {
    this.sum = new FloatSum(parts.layout)
    this.rows = parts.layout.add('f64', 0)
    this.partial = { kind: 'fields', fields: [...this.sum.fields, this.rows] }
  }

  inline(names: InlineNames): string {
    return `${names.field(this.rows)} += 1; ${this.sum.inline(names)}`
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    mergeCounts(this.rows, target, targetRecord, source, sourceRecord)
    this.sum.merge(target, targetRecord, source, sourceRecord)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const record = numbers[n] as number
      const rows = store.f64[record * (store.words >> 1) + this.rows.offset] as number
      if (rows === 0) out.setNull(at + n - from)
      else out.values[at + n - from] = this.result(this.sum.value(store, record), rows)
    }
  }

  result(sum: number, _rows: number): number {
    return sum
  }
}

class MeanOfFloats extends SumOfFloats {
  override result(sum: number, rows: number): number {
    return sum / rows
  }
}

function mergeCounts(
  rows: RecordField,
  target: RecordStore,
  targetRecord: number,
  source: RecordStore,
  sourceRecord: number,
): void {
  const at = targetRecord * (target.words >> 1) + rows.offset
  target.f64[at] =
    (target.f64[at] as number) + (source.f64[sourceRecord * (source.words >> 1) + rows.offset] as number)
}

/** The whole numbers of a result type; undefined for floats. */
function rangeOf(type: DataType): IntegerRange | undefined {
  switch (type.kind) {
    case 'int64':
      return integerRange(-(2n ** 63n), 2n ** 63n - 1n)
    case 'uint64':
      return integerRange(0n, 2n ** 64n - 1n)
    case 'int32':
      return integerRange(-(2n ** 31n), 2n ** 31n - 1n)
    case 'uint32':
      return integerRange(0n, 2n ** 32n - 1n)
    case 'decimal': {
      const high = 10n ** BigInt(type.precision) - 1n
      return integerRange(-high, high)
    }
    default:
      return undefined
  }
}

function overflow({ call, step }: AggregateParts, total: bigint): MillraceError {
  return new MillraceError('value/overflow', {
    what: `aggregate "${call.name}": the sum does not fit its type`,
    detail: `${total} is outside ${call.type.kind}`,
    hint: 'cast the column to decimal(38, 0) or float64 before the aggregate',
    step,
  })
}
