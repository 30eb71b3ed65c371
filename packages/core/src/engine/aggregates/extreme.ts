/**
 * min and max of numbers, dates, times and decimals. Order is numeric, NaN above everything (as in PostgreSQL).
 *
 * The extreme is a sum of non-overlapping float64 parts, highest first: one part for numbers of at most 53 bits, two
 * for 64 bits, three for big decimals. Narrow columns touch the first part only; the further ones are 0 then, and a
 * safe integer never equals the first part of an unsafe one, so comparing first parts is enough for them.
 */
import type { Batch } from '../../data/batch.ts'
import { canBeWide } from '../../data/layout.ts'
import type { Column, WideColumn } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { exactOf } from '../../data/fixed-column-builder.ts'
import type { DataType } from '../../data/type.ts'
import { wordsOf } from '../../data/wide-words.ts'
import { MillraceError } from '../../errors.ts'
import { cellKind, compareNumbers } from '../../state/index.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import type {
  Aggregate,
  AggregateInput,
  AggregateParts,
  InlineNames,
  PartialForm,
  RecordRange,
} from './aggregate.ts'
import { StringExtreme } from './string-extreme.ts'

/** Makes min (`sign` −1) or max (+1). */
export function createExtreme(parts: AggregateParts, sign: 1 | -1): Aggregate {
  const input = parts.inputs[0]
  const kind = input === undefined ? undefined : cellKind(input.field.type)
  if (input === undefined || kind === undefined || input.field.type.kind === 'json') {
    throw new MillraceError('plan/type-mismatch', {
      what: `aggregate "${parts.call.name}": ${parts.call.aggregate} needs a column whose values have an order`,
      detail:
        input === undefined ? 'it has none' : `"${input.field.name}" is of type ${input.field.type.kind}`,
      step: parts.step,
    })
  }
  return kind === 'string' ? new StringExtreme(parts, input, sign) : new NumberExtreme(parts, input, sign)
}

class NumberExtreme implements Aggregate {
  readonly partial: PartialForm
  readonly #sign: 1 | -1
  readonly #input: AggregateInput
  readonly #parts: readonly RecordField[]
  readonly #seen: RecordField | undefined
  /** The parts of a row's value, placed as in a record. */
  readonly #offered: Float64Array
  #wide: WideColumn | undefined
  /** Of a wide column of values of 64 bits. */
  #words: Int32Array | undefined

  constructor({ layout }: AggregateParts, input: AggregateInput, sign: 1 | -1) {
    const { type } = input.field
    this.#sign = sign
    this.#input = input
    const isFloat = type.kind === 'float32' || type.kind === 'float64'
    // Of numbers that are never NaN, NaN says "none yet"; floats need a mark of their own.
    const count = partsOf(type)
    this.#parts = Array.from({ length: count }, (_, p) =>
      layout.add('f64', p === 0 && !isFloat ? Number.NaN : 0),
    )
    this.#seen = isFloat ? layout.add('i32', 0) : undefined
    this.partial = {
      kind: 'fields',
      fields: this.#seen === undefined ? this.#parts : [...this.#parts, this.#seen],
    }
    this.#offered = new Float64Array(Math.max(...this.#parts.map(({ offset }) => offset)) + 1)
  }

  inline(names: InlineNames, column: Column | undefined): string | undefined {
    if (column?.layout !== 'fixed') return undefined
    const [first, ...rest] = this.#parts.map((part) => names.field(part))
    const clear = rest.map((part) => `${part} = 0;`).join(' ')
    const x = names.value
    if (this.#seen === undefined)
      return `if (!(${x} ${this.#sign > 0 ? '<=' : '>='} ${first})) { ${first} = ${x}; ${clear} }`
    const better = this.#sign > 0 ? `${x} > m || ${x} !== ${x}` : `${x} < m || m !== m`
    const seen = names.field(this.#seen)
    return `{ const m = ${first}; if (${better} || ${seen} === 0) { ${first} = ${x} + 0; ${seen} = 1; } }`
  }

  bind(batch: Batch): void {
    const column = batch.columns[this.#input.index] as Column
    this.#wide = column as WideColumn
    const isShort = column.layout === 'wide' && column.type.kind !== 'decimal'
    this.#words = isShort ? wordsOf(column.values) : undefined
  }

  update(store: RecordStore, record: number, row: number): void {
    if (this.#words === undefined) this.#takeExact(row)
    else this.#takeWords(this.#words, row)
    this.#offer(store, record, this.#offered, 0)
  }

  /** The nearest float64 and what it lacks, of 64 bits. */
  #takeWords(words: Int32Array, row: number): void {
    const word = words[2 * row + 1] as number
    const high = (this.#wide as WideColumn).type.kind === 'uint64' ? word >>> 0 : word
    const low = (words[2 * row] as number) >>> 0
    const near = high * 4294967296 + low
    const nearHigh = Math.floor(near / 4294967296)
    const [first, second] = this.#parts as [RecordField, RecordField]
    this.#offered[first.offset] = near
    this.#offered[second.offset] = (high - nearHigh) * 4294967296 + (low - (near - nearHigh * 4294967296))
  }

  #takeExact(row: number): void {
    let rest = exactOf(this.#wide as WideColumn, row)
    for (const { offset } of this.#parts) {
      const part = Number(rest)
      rest -= BigInt(part)
      this.#offered[offset] = part
    }
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    if (!this.#has(source, sourceRecord)) return
    this.#offer(target, targetRecord, source.f64, sourceRecord * (source.words >> 1))
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: FixedColumnBuilder, at: number): void {
    const stride = store.words >> 1
    const first = (this.#parts[0] as RecordField).offset
    for (let n = from; n < to; n++) {
      const record = numbers[n] as number
      const row = at + n - from
      const base = record * stride
      if (!this.#has(store, record)) out.setNull(row)
      else if (this.#parts.length > 1 && !Number.isSafeInteger(store.f64[base + first])) {
        out.setExact(
          row,
          this.#parts.reduce((sum, part) => sum + BigInt(store.f64[base + part.offset] as number), 0n),
        )
      } else out.values[row] = (store.f64[base + first] as number) + 0
    }
  }

  #has(store: RecordStore, record: number): boolean {
    if (this.#seen !== undefined) return store.i32[record * store.words + this.#seen.offset] !== 0
    const first = store.f64[record * (store.words >> 1) + (this.#parts[0] as RecordField).offset] as number
    return first === first
  }

  /** Offers the value whose parts lie in `memory`, in a record that starts at `from`. */
  #offer(store: RecordStore, record: number, memory: Float64Array, from: number): void {
    const base = record * (store.words >> 1)
    const { f64 } = store
    const parts = this.#parts
    if (this.#has(store, record)) {
      let order = 0
      for (let p = 0; p < parts.length && order === 0; p++) {
        const { offset } = parts[p] as RecordField
        order = compareNumbers(memory[from + offset] as number, f64[base + offset] as number)
      }
      if (order * this.#sign <= 0) return
    }
    for (let p = 0; p < parts.length; p++) {
      const { offset } = parts[p] as RecordField
      f64[base + offset] = memory[from + offset] as number
    }
    if (this.#seen !== undefined) store.i32[record * store.words + this.#seen.offset] = 1
  }
}

function partsOf(type: DataType): number {
  if (!canBeWide(type)) return 1
  return type.kind === 'decimal' && type.precision > 18 ? 3 : 2
}
