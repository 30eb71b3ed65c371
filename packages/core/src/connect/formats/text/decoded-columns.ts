/**
 * The columns that a text decoder writes into: one set per decoder, reused for every batch (format.ts, F3).
 *
 * Generated extractors and exact readers write cells straight into the arrays of `DecodedColumn`; this file owns
 * nulls, exact 64-bit values, the arena of unescaped text and the making of the batch. Invariants (tests quote them):
 *  DC1  A text cell is a range of the chunk, or of the arena, which stands behind the chunk: offsets from
 *       `chunk.length` on. A batch that needed the arena gets one combined copy of both; its other columns keep the chunk.
 *  DC2  A row can be begun again: `clearRow` takes back every null and wide mark that the failed try left.
 *  DC3  Arrays are as long as `rowsMax` asks, and never replaced while a batch is being decoded.
 */
import type { Batch } from '../../../data/batch.ts'
import { makeBatch } from '../../../data/batch.ts'
import { BatchBuilder } from '../../../data/batch-builder.ts'
import type { Column, FixedArray } from '../../../data/column.ts'
import { fixedArrayKindOf, makeFixedArray, plainLayoutOf, wideWords } from '../../../data/layout.ts'
import type { DataType, Field, Schema } from '../../../data/type.ts'

/** How the cells of a column are held while decoding. */
export type CellHolder = 'fixed' | 'text' | 'nested'

/** One column under construction. Its arrays are written to by generated code. */
export interface DecodedColumn {
  readonly index: number
  readonly field: Field
  readonly holder: CellHolder
  /** fixed: the values; else empty. */
  values: FixedArray
  /** text: the ranges; else empty. */
  starts: Int32Array
  lengths: Int32Array
  /** All ones but for null rows. */
  validity: Uint8Array
  nulls: number
  /** text: whether a cell of this batch lies in the arena. */
  inArena: boolean
  /** fixed: rows whose exact value is in `wideWords` (C4), marked 1. Made when first needed. */
  wideMarks: Uint8Array | undefined
  wideWords: BigInt64Array
  wideCount: number
  /** nested: the values as rows hold them. */
  cells: unknown[]
}

/** Room for unescaped text to begin with; it doubles from there. */
const ARENA_BYTES_MIN = 128 * 1024

const EMPTY_NUMBERS = new Float64Array(0)
const EMPTY_RANGES = new Int32Array(0)
const EMPTY_WORDS = new BigInt64Array(0)

/** The columns of a decoder, and the batch that is being made of them. */
export class DecodedColumns {
  readonly schema: Schema
  readonly columns: readonly DecodedColumn[]
  /** Rows of the batch so far; written by the decoder. */
  rows = 0
  #capacity = 0
  #chunk: Uint8Array = new Uint8Array(0)
  #chunkStart = 0
  /** Chunk and arena in one (DC1). */
  #combined: Uint8Array = new Uint8Array(0)
  #arenaUsed = 0
  #nested: BatchBuilder | undefined
  readonly #nestedColumns: readonly DecodedColumn[]

  constructor(schema: Schema) {
    this.schema = schema
    this.columns = schema.fields.map(makeColumn)
    this.#nestedColumns = this.columns.filter((column) => column.holder === 'nested')
  }

  /** Starts a batch of at most `rowsMax` rows over `chunk`, whose bytes from `start` on will be decoded. */
  begin(chunk: Uint8Array, start: number, rowsMax: number): void {
    this.rows = 0
    this.#chunk = chunk
    this.#chunkStart = start
    this.#arenaUsed = 0
    if (rowsMax > this.#capacity) this.#grow(rowsMax)
    for (const column of this.columns) resetColumn(column)
  }

  setNull(column: DecodedColumn, row: number): void {
    const bit = 1 << (row & 7)
    const byte = column.validity[row >> 3] as number
    if ((byte & bit) === 0) return
    column.validity[row >> 3] = byte & ~bit
    column.nulls++
    // C2: what stands under a null must be readable.
    if (column.holder === 'text') {
      column.starts[row] = 0
      column.lengths[row] = 0
    }
  }

  /** Takes back what an earlier try wrote for a cell (DC2); only marks need it, values are overwritten. */
  clearCell(column: DecodedColumn, row: number): void {
    if (column.nulls > 0) {
      const bit = 1 << (row & 7)
      const byte = column.validity[row >> 3] as number
      if ((byte & bit) === 0) {
        column.validity[row >> 3] = byte | bit
        column.nulls--
      }
    }
    if (column.wideCount > 0 && (column.wideMarks as Uint8Array)[row] === 1) {
      ;(column.wideMarks as Uint8Array)[row] = 0
      column.wideCount--
    }
  }

  /** Takes back what an earlier try wrote for a row (DC2). */
  clearRow(row: number): void {
    for (const column of this.columns) this.clearCell(column, row)
  }

  /** Stores an exact integer: as a number when it is safe, else as words (two for a decimal). */
  setExact(column: DecodedColumn, row: number, value: bigint): void {
    const number = Number(value)
    if (Number.isSafeInteger(number)) {
      column.values[row] = number
      return
    }
    const words = wideWords(column.field.type)
    if (column.wideMarks === undefined) {
      column.wideMarks = new Uint8Array(this.#capacity)
      column.wideWords = new BigInt64Array(this.#capacity * words)
    }
    if (column.wideMarks[row] === 0) {
      column.wideMarks[row] = 1
      column.wideCount++
    }
    column.wideWords[row * words] = BigInt.asIntN(64, value)
    if (words === 2) column.wideWords[row * 2 + 1] = BigInt.asIntN(64, value >> 64n)
  }

  /** The memory of the arena with room for `length` more bytes; write from `arenaAt` on, then call `keepInArena`. */
  arena(length: number): Uint8Array {
    const base = this.#chunk.length
    const needed = base + this.#arenaUsed + length
    if (needed > this.#combined.length) {
      const room = Math.max(ARENA_BYTES_MIN, 2 * (this.#arenaUsed + length))
      const grown = new Uint8Array(base + room)
      grown.set(this.#combined.subarray(base, base + this.#arenaUsed), base)
      this.#combined = grown
    }
    return this.#combined
  }

  get arenaAt(): number {
    return this.#chunk.length + this.#arenaUsed
  }

  /** Takes `length` bytes written at `arenaAt` into the arena, for a cell of this column; offsets into it are final. */
  claimArena(column: DecodedColumn, length: number): void {
    column.inArena = true
    this.#arenaUsed += length
  }

  /** Makes the `length` bytes written at `arenaAt` the text of a cell. */
  keepInArena(column: DecodedColumn, row: number, length: number): void {
    column.starts[row] = this.arenaAt
    column.lengths[row] = length
    this.claimArena(column, length)
  }

  /** The batch of all rows so far. `consumedEnd` is the end of the decoded part of the chunk. */
  take(consumedEnd: number): Batch | undefined {
    const length = this.rows
    if (length === 0) return undefined
    if (this.columns.some((column) => column.inArena)) {
      this.#combined.set(this.#chunk.subarray(this.#chunkStart, consumedEnd), this.#chunkStart)
    }
    const nested = this.#takeNested(length)
    let next = 0
    const columns = this.columns.map((column): Column => {
      if (column.holder === 'nested') return nested[next++] as Column
      return column.holder === 'fixed' ? fixedColumn(column, length) : this.#textColumn(column)
    })
    return makeBatch(this.schema, columns, length)
  }

  #textColumn(column: DecodedColumn): Column {
    return {
      layout: 'utf8',
      type: column.field.type,
      bytes: column.inArena ? this.#combined : this.#chunk,
      starts: column.starts,
      lengths: column.lengths,
      validity: column.nulls === 0 ? undefined : column.validity,
    }
  }

  #takeNested(length: number): readonly Column[] {
    const columns = this.#nestedColumns
    if (columns.length === 0) return []
    const schema: Schema = { fields: columns.map((column) => column.field) }
    this.#nested ??= new BatchBuilder(schema, length)
    const builder = this.#nested
    builder.reset()
    for (let row = 0; row < length; row++) {
      const values: { [name: string]: unknown } = {}
      for (const column of columns) {
        const valid = ((column.validity[row >> 3] as number) & (1 << (row & 7))) !== 0
        values[column.field.name] = valid ? column.cells[row] : null
      }
      builder.appendRow(values)
    }
    return builder.finish().columns
  }

  #grow(capacity: number): void {
    this.#capacity = capacity
    for (const column of this.columns) {
      if (column.holder === 'fixed') {
        column.values = makeFixedArray(fixedArrayKindOf(column.field.type), capacity)
      }
      if (column.holder === 'text') {
        column.starts = new Int32Array(capacity)
        column.lengths = new Int32Array(capacity)
      }
      column.validity = new Uint8Array((capacity + 7) >> 3).fill(0xff)
      column.wideMarks = undefined
    }
  }
}

/** How the cells of a type are held. */
export function holderOf(type: DataType): CellHolder {
  const layout = plainLayoutOf(type)
  return layout === 'fixed' ? 'fixed' : layout === 'utf8' ? 'text' : 'nested'
}

function makeColumn(field: Field, index: number): DecodedColumn {
  return {
    index,
    field,
    holder: holderOf(field.type),
    values: EMPTY_NUMBERS,
    starts: EMPTY_RANGES,
    lengths: EMPTY_RANGES,
    validity: new Uint8Array(0),
    nulls: 0,
    inArena: false,
    wideMarks: undefined,
    wideWords: EMPTY_WORDS,
    wideCount: 0,
    cells: [],
  }
}

function resetColumn(column: DecodedColumn): void {
  if (column.nulls > 0) {
    column.validity.fill(0xff)
    column.nulls = 0
  }
  if (column.wideCount > 0) {
    ;(column.wideMarks as Uint8Array).fill(0)
    column.wideCount = 0
  }
  column.inArena = false
  column.cells.length = 0
}

function fixedColumn(column: DecodedColumn, length: number): Column {
  const { type } = column.field
  const validity = column.nulls === 0 ? undefined : column.validity
  if (column.wideCount === 0) return { layout: 'fixed', type, values: column.values, validity }
  const words = wideWords(type)
  const { values, wideWords: exact } = column
  const marks = column.wideMarks as Uint8Array
  for (let row = 0; row < length; row++) {
    if (marks[row] === 1) continue
    const valid = ((column.validity[row >> 3] as number) & (1 << (row & 7))) !== 0
    const value = valid ? BigInt(values[row] as number) : 0n
    exact[row * words] = value
    if (words === 2) exact[row * 2 + 1] = value < 0n ? -1n : 0n
  }
  return { layout: 'wide', type, values: exact, validity }
}
