/**
 * Finds the cells of one string column in a string table that does not grow by it: the twin of string-column.ts for
 * those who only look things up.
 *
 * A string that is not in the table is −1, so that a key made of it equals no other. Generated code reads
 * `numbers[code]` itself and calls `resolveCode` only where that is 0.
 */
import type { Column, Utf8Column } from '../data/column.ts'
import { assert } from '../errors.ts'
import type { StringTable } from './string-table.ts'

/** What is not in the table. */
const ABSENT = -1

/** A string column looked up in a string table. */
export class StringProbe {
  /** By code of the current dictionary: the string's number, −1, or 0 when it was not looked up yet. */
  numbers: Int32Array = new Int32Array(0)
  readonly #table: StringTable
  #utf8: Utf8Column | undefined
  #dictionary: Utf8Column | undefined

  constructor(table: StringTable) {
    this.#table = table
  }

  /** Points at the column of the next batch. */
  bind(column: Column): void {
    if (column.layout === 'dictionary') {
      this.#bindDictionary(column.dictionary, column.dictionaryLength)
      return
    }
    assert(column.layout === 'utf8', 'a string column is neither utf8 nor dictionary')
    this.#utf8 = column
  }

  /** Forgets what was looked up: the table has grown. */
  forget(): void {
    this.#dictionary = undefined
  }

  /** The number of the string in row `row` of a utf8 column. */
  resolve(row: number): number {
    const { bytes, starts, lengths } = this.#utf8 as Utf8Column
    const id = this.#table.find(bytes, starts[row] as number, lengths[row] as number)
    return id === 0 ? ABSENT : id
  }

  /** The number of a dictionary entry. */
  resolveCode(code: number): number {
    const { bytes, starts, lengths } = this.#dictionary as Utf8Column
    const id = this.#table.find(bytes, starts[code] as number, lengths[code] as number)
    return (this.numbers[code] = id === 0 ? ABSENT : id)
  }

  #bindDictionary(dictionary: Utf8Column, length: number): void {
    const stale = this.#dictionary !== dictionary
    if (this.numbers.length < length) {
      const numbers = new Int32Array(Math.max(64, length * 2))
      if (!stale) numbers.set(this.numbers)
      this.numbers = numbers
    } else if (stale) {
      this.numbers.fill(0)
    }
    this.#dictionary = dictionary
  }
}
