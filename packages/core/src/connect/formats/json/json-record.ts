/**
 * One JSON object into one row, exactly: any key order, white space, escapes, unknown keys, missing keys.
 *
 * The path of the records that the generated extractor does not take (json-extractor.ts), and the one that words
 * faults. Of keys that stand twice the last one counts, as with JSON.parse.
 */
import { typeToString } from '../../../data/type-text.ts'
import type { DecodedColumn, DecodedColumns } from '../text/decoded-columns.ts'
import {
  expectByte,
  hasEscape,
  isJsonNumber,
  keyEnd,
  skipColon,
  skipScalar,
  skipSpace,
  skipValue,
  stringEnd,
  unescapeInto,
} from './json-scanner.ts'
import { JsonValueReader, parseJson, structureFault, textOf } from './json-value.ts'
import { quoteInput, RecordFault } from '../text/record-fault.ts'
import { TextCellReader } from '../text/text-cell.ts'
import type { EpochUnit } from '../text/text-options.ts'

const QUOTE = 34
const BACKSLASH = 92

/** Reads records into columns. */
export class JsonRecordReader {
  readonly #target: DecodedColumns
  readonly #cells: TextCellReader
  readonly #values: JsonValueReader
  readonly #names: readonly Uint8Array[]
  readonly #byName: ReadonlyMap<string, number>
  /** The row that last had each column, plus one; told apart by a number that never repeats. */
  readonly #seen: Float64Array
  #stamp = 0

  constructor(target: DecodedColumns, epochUnit: EpochUnit) {
    this.#target = target
    this.#cells = new TextCellReader(target, epochUnit)
    this.#values = new JsonValueReader(epochUnit)
    const names = target.schema.fields.map((field) => field.name)
    this.#names = names.map((name) => Buffer.from(name, 'utf8'))
    this.#byName = new Map(names.map((name, index) => [name, index]))
    this.#seen = new Float64Array(names.length)
  }

  /** Reads the object at `at` into row `row`; gives the position behind it. Throws RecordFault. */
  read(bytes: Uint8Array, at: number, end: number, row: number): number {
    this.#target.clearRow(row)
    this.#stamp++
    let p = skipSpace(bytes, expectByte(bytes, at, end, 123, 'a JSON object'), end)
    let found = 0
    if (p < end && bytes[p] === 125) {
      p++
    } else {
      let next = 0
      for (;;) {
        const behindKey = keyEnd(bytes, p, end)
        const index = this.#columnOf(bytes, p + 1, behindKey - 1, next)
        p = skipSpace(bytes, skipColon(bytes, behindKey, end), end)
        if (index < 0) {
          p = skipValue(bytes, p, end)
        } else {
          const column = this.#target.columns[index] as DecodedColumn
          if (this.#seen[index] === this.#stamp) this.#target.clearCell(column, row)
          else found++
          this.#seen[index] = this.#stamp
          p = this.readCell(column, row, bytes, p, end)
          next = index + 1
        }
        p = skipSpace(bytes, p, end)
        if (p < end && bytes[p] === 125) {
          p++
          break
        }
        p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "}"'), end)
      }
    }
    if (found < this.#names.length) this.#fillMissing(row, at)
    return p
  }

  /** Reads one value into its cell; gives the position behind it. */
  readCell(column: DecodedColumn, row: number, bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) throw new RecordFault('the record ends where a value is expected', end)
    const first = bytes[at] as number
    const { type, nullable, name } = column.field
    if (first === 110) return this.#readNull(column, row, bytes, at, end)
    if (column.holder === 'nested') {
      column.cells[row] = this.#values.read({ type, nullable }, name, bytes, at, end)
      return this.#values.end
    }
    if (type.kind === 'json') {
      const stop = skipValue(bytes, at, end)
      parseJson(bytes, at, stop, name)
      column.starts[row] = at
      column.lengths[row] = stop - at
      return stop
    }
    if (first === QUOTE) return this.#readString(column, row, bytes, at, end)
    if (first === 123 || first === 91) throw structureFault(type, name, bytes, at, end)
    const stop = skipScalar(bytes, at, end)
    if (type.kind === 'boolean' && (first === 116 || first === 102)) {
      column.values[row] = first === 116 ? 1 : 0
      return stop
    }
    if (column.holder === 'text' || !isJsonNumber(bytes, at, stop)) {
      throw new RecordFault(`expected ${typeToString(type)}, found ${quoteInput(bytes, at, stop)}`, at, {
        column: name,
      })
    }
    this.#cells.readNumber(column, row, bytes, at, stop)
    return stop
  }

  /** Reads a string that holds escapes into its cell: its content is `bytes[start, stop)`. */
  readEscaped(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, stop: number): void {
    const arena = this.#target.arena(stop - start)
    const to = this.#target.arenaAt
    const length = unescapeInto(arena, to, bytes, start, stop)
    this.#target.claimArena(column, length)
    this.#cells.readText(column, row, arena, to, to + length)
  }

  /** Reads the content of a string without escapes into its cell; for types that are not plain strings. */
  readText(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, stop: number): void {
    this.#cells.readText(column, row, bytes, start, stop)
  }

  #readString(column: DecodedColumn, row: number, bytes: Uint8Array, at: number, end: number): number {
    let stop = at + 1
    while (stop < end && bytes[stop] !== QUOTE && bytes[stop] !== BACKSLASH) stop++
    if (stop < end && bytes[stop] === QUOTE) {
      this.#cells.readText(column, row, bytes, at + 1, stop)
    } else {
      stop = stringEnd(bytes, stop, end)
      this.readEscaped(column, row, bytes, at + 1, stop)
    }
    return stop + 1
  }

  #readNull(column: DecodedColumn, row: number, bytes: Uint8Array, at: number, end: number): number {
    const stop = skipScalar(bytes, at, end)
    const { type, nullable, name } = column.field
    if (nullable) {
      this.#target.setNull(column, row)
    } else if (type.kind === 'json') {
      column.starts[row] = at
      column.lengths[row] = stop - at
    } else {
      throw new RecordFault(`expected ${typeToString(type)}, found null`, at, {
        column: name,
        hint: "declare the column as nullable, or send such rows elsewhere with { onError: 'reject' }",
      })
    }
    return stop
  }

  #fillMissing(row: number, at: number): void {
    for (const column of this.#target.columns) {
      if (this.#seen[column.index] === this.#stamp) continue
      if (!column.field.nullable) {
        throw new RecordFault(`the key ${JSON.stringify(column.field.name)} is missing`, at, {
          column: column.field.name,
          code: 'input/missing-column',
          hint: 'declare the column as nullable if it may be absent',
        })
      }
      this.#target.setNull(column, row)
    }
  }

  /** The column that a key names, or −1; tries `guess` first, as keys mostly keep their order. */
  #columnOf(bytes: Uint8Array, start: number, stop: number, guess: number): number {
    const length = stop - start
    const count = this.#names.length
    for (let n = 0; n < count; n++) {
      const index = guess + n < count ? guess + n : guess + n - count
      if (sameBytes(this.#names[index] as Uint8Array, bytes, start, length)) return index
    }
    if (!hasEscape(bytes, start, stop)) return -1
    return this.#byName.get(textOf(bytes, start, stop)) ?? -1
  }
}

function sameBytes(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false
  for (let i = length - 1; i >= 0; i--) if (name[i] !== bytes[start + i]) return false
  return true
}
