/**
 * The key whose turn it is in a `process` step: as an object for user functions, and its hash, which orders timers of one
 * time.
 *
 * While rows are handed over it is read from the batch; while timers fire, from the table of keys.
 */
import type { Batch } from '../../data/batch.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { Column } from '../../data/column.ts'
import { hashKeyRow } from '../../data/key-hash.ts'
import { readValue } from '../../data/read-value.ts'
import type { Field } from '../../data/type.ts'
import type { CallCursor, KeyLayout, RecordField, StringTable } from '../../state/index.ts'
import { writeKeys } from '../keyed/key-columns.ts'

/** What a call key is made with. */
export interface CallKeyParts {
  readonly key: KeyLayout
  readonly strings: StringTable
  readonly cursor: CallCursor
  /** The hash of the key, once it has a timer. */
  readonly hash: RecordField
  readonly isHashed: RecordField
}

/** Shows the key of the call. */
export class CallKey {
  /** The rows that are handed over; undefined: none are. */
  batch: Batch | undefined
  /** The row of the batch that is handed over; −1: a timer fires. */
  row = -1
  readonly #parts: CallKeyParts
  readonly #builder: BatchBuilder

  constructor(parts: CallKeyParts) {
    this.#parts = parts
    this.#builder = new BatchBuilder({ fields: parts.key.parts.map(({ field }): Field => field) }, 1)
  }

  /** The key as a row object. */
  read(): object {
    const { cursor, key } = this.#parts
    cursor.check()
    const columns = this.row >= 0 ? this.#columns() : this.#stored()
    const index = this.row >= 0 ? this.row : 0
    const shown: Record<string, unknown> = {}
    for (const [p, { field }] of key.parts.entries())
      shown[field.name] = readValue(columns[p] as Column, index)
    return shown
  }

  /** Remembers the key's hash, which orders timers of one time. */
  hash(): void {
    const { cursor, isHashed } = this.#parts
    const { table, record } = cursor
    if (table.i32[record * table.words + isHashed.offset] !== 0) return
    this.setHash(
      record,
      this.row >= 0 ? hashKeyRow(this.#columns(), this.row) : hashKeyRow(this.#stored(), 0),
    )
  }

  /** Notes the hash of a key that is known. */
  setHash(group: number, hash: number): void {
    const { cursor, isHashed, hash: of } = this.#parts
    const { table } = cursor
    table.i32[group * table.words + of.offset] = hash
    table.i32[group * table.words + isHashed.offset] = 1
  }

  #columns(): Column[] {
    const { columns } = this.batch as Batch
    return this.#parts.key.parts.map(({ column }) => columns[column] as Column)
  }

  #stored(): readonly Column[] {
    const { key, strings, cursor } = this.#parts
    const { table, record } = cursor
    this.#builder.reset()
    const range = { table, groups: Int32Array.of(record), from: 0, to: 1 }
    writeKeys(key, strings, range, this.#builder.columns, 0)
    return this.#builder.finish(1).columns
  }
}
