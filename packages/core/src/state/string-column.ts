/**
 * Turns the cells of one string column into numbers of a string table, batch after batch.
 *
 * For dictionary columns each code is looked up once per dictionary object: later rows cost one array read. Generated
 * code reads `numbers[code]` itself and calls `resolveCode` only where that is 0.
 */
import type { Column, DictionaryColumn, Utf8Column } from '../data/column.ts'
import { assert } from '../errors.ts'
import type { StringTable } from './string-table.ts'

/** A string column bound to a string table. */
export class StringColumn {
  /** By code of the current dictionary: the string's number, or 0 when it was not looked up yet. */
  numbers: Int32Array = new Int32Array(0)
  readonly #table: StringTable
  #utf8: Utf8Column | undefined
  #dictionary: Utf8Column | undefined
  #version = -1

  constructor(table: StringTable) {
    this.#table = table
  }

  /** Points at the column of the next batch. */
  bind(column: Column): void {
    if (column.layout === 'dictionary') this.#bindDictionary(column)
    else {
      assert(column.layout === 'utf8', 'a string column is neither utf8 nor dictionary')
      this.#utf8 = column
    }
  }

  /** The number of the string in row `row` of a utf8 column. */
  resolve(row: number): number {
    const column = this.#utf8 as Utf8Column
    return this.#table.intern(column.bytes, column.starts[row] as number, column.lengths[row] as number)
  }

  /** The number of a dictionary entry. */
  resolveCode(code: number): number {
    const dictionary = this.#dictionary as Utf8Column
    const { bytes, starts, lengths } = dictionary
    const id = this.#table.intern(bytes, starts[code] as number, lengths[code] as number)
    this.numbers[code] = id
    return id
  }

  #bindDictionary(column: DictionaryColumn): void {
    const { dictionary, dictionaryLength } = column
    const stale = this.#dictionary !== dictionary || this.#version !== this.#table.version
    if (this.numbers.length < dictionaryLength) {
      const numbers = new Int32Array(Math.max(64, dictionaryLength * 2))
      if (!stale) numbers.set(this.numbers)
      this.numbers = numbers
    } else if (stale) {
      this.numbers.fill(0)
    }
    this.#dictionary = dictionary
    this.#version = this.#table.version
  }
}
