/** min and max of strings, bytes and uuids, in bytewise order (that of code points for UTF-8). */
import type { Batch } from '../../data/batch.ts'
import { isValid } from '../../data/column.ts'
import type { Column, Utf8Column } from '../../data/column.ts'
import type { Utf8ColumnBuilder } from '../../data/utf8-column-builder.ts'
import type { RecordField, RecordStore, StringTable } from '../../state/index.ts'
import type { Aggregate, AggregateInput, AggregateParts, PartialForm, RecordRange } from './aggregate.ts'

/** The accumulator is the number of the best string so far, 0 for none. */
export class StringExtreme implements Aggregate {
  readonly partial: PartialForm
  readonly #best: RecordField
  readonly #sign: 1 | -1
  readonly #input: AggregateInput
  readonly #strings: StringTable
  #column: Column | undefined

  constructor(parts: AggregateParts, input: AggregateInput, sign: 1 | -1) {
    this.#best = parts.layout.add('i32', 0)
    this.#sign = sign
    this.#input = input
    this.#strings = parts.strings
    this.partial = {
      kind: 'cell',
      write: (store, records, out, at) => this.write(store, records, out as Utf8ColumnBuilder, at),
      merge: (target, record, column, row) => {
        if (isValid(column, row)) this.#offer(target, record, column, row)
      },
    }
  }

  bind(batch: Batch): void {
    this.#column = batch.columns[this.#input.index]
  }

  update(store: RecordStore, record: number, row: number): void {
    this.#offer(store, record, this.#column as Column, row)
  }

  #offer(store: RecordStore, record: number, column: Column, row: number): void {
    const isDictionary = column.layout === 'dictionary'
    const strings = (isDictionary ? column.dictionary : column) as Utf8Column
    const cell = isDictionary ? (column.codes[row] as number) : row
    const start = strings.starts[cell] as number
    const length = strings.lengths[cell] as number
    const at = record * store.words + this.#best.offset
    const best = store.i32[at] as number
    if (best !== 0 && this.#strings.compareTo(best, strings.bytes, start, length) * this.#sign >= 0) return
    this.#replace(store, at, this.#strings.intern(strings.bytes, start, length))
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const offered = source.i32[sourceRecord * source.words + this.#best.offset] as number
    if (offered === 0) return
    const at = targetRecord * target.words + this.#best.offset
    const best = target.i32[at] as number
    if (best === 0 || this.#strings.compare(best, offered) * this.#sign < 0)
      this.#replace(target, at, offered)
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: Utf8ColumnBuilder, at: number): void {
    const { bytes, starts, lengths } = this.#strings
    for (let n = from; n < to; n++) {
      const id = store.i32[(numbers[n] as number) * store.words + this.#best.offset] as number
      if (id === 0) out.setNull(at + n - from)
      else out.setBytes(at + n - from, bytes, starts[id] as number, lengths[id] as number)
    }
  }

  release(store: RecordStore, record: number): void {
    this.#strings.release(store.i32[record * store.words + this.#best.offset] as number)
  }

  #replace(store: RecordStore, at: number, id: number): void {
    this.#strings.retain(id)
    this.#strings.release(store.i32[at] as number)
    store.i32[at] = id
  }
}
