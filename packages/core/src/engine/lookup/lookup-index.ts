/**
 * The rows of a lookup table by key: a table of groups in typed memory, and a chain of rows per group.
 *
 * Built once from the table side, then only read. Keys are packed words (state/key-layout.ts): both sides have columns
 * of equal types, so equal keys have equal words. A key with a null part is in no group and finds none.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Column, DictionaryColumn } from '../../data/column.ts'
import { isValid } from '../../data/column.ts'
import type { Schema } from '../../data/type.ts'
import {
  ArrayPool,
  GroupTable,
  keyLayout,
  StringColumn,
  StringProbe,
  StringTable,
} from '../../state/index.ts'
import type { KeyLayout } from '../../state/index.ts'
import { LookupKernels } from './lookup-kernel.ts'

/** Dictionaries whose look-ups are remembered: a file has one per column and row group at most. */
const DICTIONARIES_MAX = 64

/** The key columns of one side of a join. */
export interface KeyColumns {
  readonly schema: Schema
  readonly names: readonly string[]
}

/** The rows of a table by key. */
export class LookupIndex {
  /** Rows added. */
  rows = 0
  /** Whether any key stands more than once. */
  hasRepeats = false
  /** By row: the next row of the same key, or −1. */
  next: Int32Array = new Int32Array(0)
  readonly #strings = new StringTable()
  readonly #groups: GroupTable
  /** Where a group's record holds its first and its last row. */
  readonly #firstWord: number
  readonly #inserting: LookupKernels
  readonly #finding: LookupKernels
  /** The stream's key column when it is a single one of strings. */
  readonly #onlyText: number | undefined
  readonly #rowsByDictionary = new Map<DictionaryColumn['dictionary'], Int32Array>()
  #added = new Int32Array(0)

  constructor(table: KeyColumns, stream: KeyColumns, step: string) {
    const tableKey = layoutOf(table, step)
    const streamKey = layoutOf(stream, step)
    this.#firstWord = tableKey.words
    const template = new Int32Array(tableKey.words + 2).fill(-1, tableKey.words)
    this.#groups = new GroupTable({ keyWords: tableKey.words, template, pool: new ArrayPool() })
    const groupWords = template.length
    this.#inserting = new LookupKernels({
      key: tableKey,
      groupWords,
      strings: () => new StringColumn(this.#strings),
      onMissing: 'insert',
    })
    this.#finding = new LookupKernels({
      key: streamKey,
      groupWords,
      strings: () => new StringProbe(this.#strings),
      onMissing: 'skip',
    })
    const [only] = streamKey.parts
    this.#onlyText = streamKey.parts.length === 1 && only?.kind === 'string' ? only.column : undefined
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#groups.bytes + this.#strings.memoryBytes + this.next.byteLength
  }

  /** Adds the live rows of a batch behind those that are there. */
  add(batch: Batch): void {
    const rows = rowCount(batch)
    if (this.#added.length < rows) this.#added = new Int32Array(rows)
    this.#inserting.run(batch, { groups: this.#groups, strings: this.#strings, out: this.#added })
    // Strings of keys are held now: none of them goes.
    this.#strings.sweep()
    this.#finding.forget()
    this.#rowsByDictionary.clear()
    if (this.next.length < this.rows + rows) this.next = grown(this.next, this.rows + rows)
    this.#link(rows)
    this.rows += rows
  }

  /** Hangs each added row behind the last one of its key. */
  #link(rows: number): void {
    const { i32, words } = this.#groups
    const { next } = this
    for (let n = 0; n < rows; n++) {
      const row = this.rows + n
      next[row] = -1
      const group = this.#added[n] as number
      if (group < 0) continue
      const first = group * words + this.#firstWord
      if (i32[first] === -1) {
        i32[first] = row
      } else {
        this.hasRepeats = true
        next[i32[first + 1] as number] = row
      }
      i32[first + 1] = row
    }
  }

  /** Writes each live row's first table row, or −1, to `matches`, by physical row. Gives the number of rows that have one. */
  find(batch: Batch, matches: Int32Array): number {
    if (this.#onlyText !== undefined) {
      const column = batch.columns[this.#onlyText] as Column
      if (column.layout === 'dictionary') return this.#findCodes(batch, column, matches)
    }
    return this.#finding.run(batch, { groups: this.#groups, strings: this.#strings, out: matches })
  }

  close(): void {
    this.#groups.dispose()
    this.#rowsByDictionary.clear()
  }

  /** Keys that are dictionary codes are looked up once per entry. */
  #findCodes(batch: Batch, column: DictionaryColumn, matches: Int32Array): number {
    const rowOfCode = this.#rowsOfCodes(column)
    const { codes, validity } = column
    const { selection } = batch
    const rows = rowCount(batch)
    let matched = 0
    for (let n = 0; n < rows; n++) {
      const i = selection === undefined ? n : (selection[n] as number)
      const row =
        validity === undefined || isValid(column, i) ? (rowOfCode[codes[i] as number] as number) : -1
      matches[i] = row
      if (row >= 0) matched++
    }
    return matched
  }

  #rowsOfCodes({ dictionary, dictionaryLength }: DictionaryColumn): Int32Array {
    const known = this.#rowsByDictionary.get(dictionary)
    if (known !== undefined && known.length >= dictionaryLength) return known
    if (this.#rowsByDictionary.size >= DICTIONARIES_MAX) this.#rowsByDictionary.clear()
    const rows = new Int32Array(dictionaryLength)
    if (known !== undefined) rows.set(known)
    const { bytes, starts, lengths } = dictionary
    const groups = this.#groups
    for (let code = known?.length ?? 0; code < dictionaryLength; code++) {
      const id = this.#strings.find(bytes, starts[code] as number, lengths[code] as number)
      groups.key[0] = id
      const group = id === 0 ? -1 : groups.find()
      rows[code] = group < 0 ? -1 : (groups.i32[group * groups.words + this.#firstWord] as number)
    }
    this.#rowsByDictionary.set(dictionary, rows)
    return rows
  }
}

/** Nulls are passed over before a key is made, so that it needs no marks for them. */
function layoutOf({ schema, names }: KeyColumns, step: string): KeyLayout {
  const fields = schema.fields.map((field) => ({ ...field, nullable: false }))
  return keyLayout({ fields }, names, step)
}

function grown(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(Math.max(length, array.length * 2))
  larger.set(array)
  return larger
}
