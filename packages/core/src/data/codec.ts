/**
 * The column codec: a batch as one piece of bytes and back, for rings between threads, spilling and journals.
 *
 * Columns travel as they lie in memory (little-endian), live rows only; dictionaries stay dictionaries. Decoding copies
 * nothing: the columns are views of the bytes. The schema does not travel: both sides have it. Byte for byte:
 * docs/internals/encodings.md.
 *
 * Version 1, every section padded to 8 bytes, all numbers unsigned 32-bit unless said:
 *
 *   header       magic "MRCB", version, total bytes, rows, columns, flags (1 event time, 2 weights, 4 order), 0, 0
 *   event time   rows × float64;  weights  rows × int32;  order  rows × float64: those the flags name
 *   per column   layout (0 fixed, 1 wide, 2 utf8, 3 dictionary, 4 list, 5 struct), kind (index in KINDS),
 *                rows, 1 when a bitmap follows; the bitmap; then
 *     fixed        rows × the array's width
 *     wide         rows × 8 bytes (decimal: 16)
 *     utf8         bytes of text, 0; starts and lengths (rows × int32 each); the text
 *     dictionary   entries, bytes of text; codes (rows × int32); starts and lengths (entries × int32 each); the text
 *     list         rows of the child, 0; lengths (rows × int32); the child as a column
 *     struct       the children as columns
 */
import { MillraceError } from '../errors.ts'
import type { TextExtent } from './append-column.ts'
import { appendColumn, textExtent } from './append-column.ts'
import type { Batch } from './batch.ts'
import { rowCount } from './batch.ts'
import { CODEC_VERSION, columnFlags, KINDS, LAYOUTS, MAGIC } from './codec-format.ts'
import { ColumnDecoder } from './codec-decoder.ts'
import type { Column, DictionaryColumn, ListColumn, Utf8Column } from './column.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { makeColumnBuilder } from './column-builder.ts'
import { wideWords } from './layout.ts'
import type { Schema } from './type.ts'
import { bitmapBytes } from './validity.ts'

/** Encodes batches of one schema into memory that it uses again. */
export class BatchEncoder {
  readonly #builders: readonly ColumnBuilder[]
  #bytes = new Uint8Array(4096)
  #words: Int32Array = new Int32Array(this.#bytes.buffer)
  #length = 0

  constructor(schema: Schema) {
    this.#builders = schema.fields.map((field) => makeColumnBuilder(field, 64))
  }

  /** The bytes of a batch: valid until the next call. */
  encode(batch: Batch): Uint8Array {
    const rows = rowCount(batch)
    this.#length = 0
    const flags = columnFlags(batch)
    this.#header([MAGIC, CODEC_VERSION, 0, rows, batch.columns.length, flags, 0, 0])
    if (batch.eventTime !== undefined) this.#numbers(batch.eventTime, Float64Array, batch)
    if (batch.weights !== undefined) this.#numbers(batch.weights, Int32Array, batch)
    if (batch.order !== undefined) this.#numbers(batch.order, Float64Array, batch)
    for (let c = 0; c < batch.columns.length; c++) {
      this.#column(this.#dense(batch.columns[c] as Column, this.#builders[c] as ColumnBuilder, batch), rows)
    }
    this.#words[2] = this.#length
    return this.#bytes.subarray(0, this.#length)
  }

  /** The live rows of a column, side by side: the column itself, or a copy. */
  #dense(column: Column, builder: ColumnBuilder, batch: Batch): Column {
    const { selection } = batch
    const count = rowCount(batch)
    if (selection === undefined && travelsAsItIs(column, count)) return column
    builder.reset()
    builder.reserve(count)
    appendColumn(builder, 0, column, { indices: selection, count })
    return builder.finish(count)
  }

  /** `column` has its rows side by side, from 0 to `rows`. */
  #column(column: Column, rows: number): void {
    const { validity } = column
    this.#header([
      LAYOUTS.indexOf(column.layout),
      KINDS.indexOf(column.type.kind),
      rows,
      validity === undefined ? 0 : 1,
    ])
    if (validity !== undefined) this.#copy(validity, bitmapBytes(rows))
    switch (column.layout) {
      case 'fixed':
      case 'wide':
        return this.#copy(column.values, rows * (column.layout === 'wide' ? wideWords(column.type) : 1))
      case 'utf8':
        return this.#utf8(column, rows)
      case 'dictionary':
        return this.#dictionary(column, rows)
      case 'list':
        return this.#list(column, rows)
      case 'struct':
        for (const child of column.children) this.#column(child, rows)
    }
  }

  #utf8(column: Utf8Column, rows: number): void {
    const extent = textExtent(column, { indices: undefined, count: rows })
    this.#header([extent.last - extent.first, 0])
    this.#ranges(column, rows, extent)
  }

  #dictionary(column: DictionaryColumn, rows: number): void {
    const { dictionary, dictionaryLength } = column
    const extent = textExtent(dictionary, { indices: undefined, count: dictionaryLength })
    this.#header([dictionaryLength, extent.last - extent.first])
    this.#copy(column.codes, rows)
    this.#ranges(dictionary, dictionaryLength, extent)
  }

  /** Starts relative to the text that travels, lengths, and the text. */
  #ranges(column: Utf8Column, rows: number, { first, last }: TextExtent): void {
    const { starts, lengths, validity } = column
    this.#reserve(rows * 8 + 8)
    const words = this.#words
    const at = this.#length >> 2
    const lengthsAt = at + rows + (rows & 1)
    for (let row = 0; row < rows; row++) {
      // What lies under a null may be outside of the text that travels.
      const isNull = validity !== undefined && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0
      const length = isNull ? 0 : (lengths[row] as number)
      words[at + row] = length === 0 ? 0 : (starts[row] as number) - first
      words[lengthsAt + row] = length
    }
    this.#advance(rows * 4)
    this.#advance(rows * 4)
    this.#copy(column.bytes.subarray(first, last), last - first)
  }

  #list(column: ListColumn, rows: number): void {
    const childRows = elementCount(column, rows)
    this.#header([childRows, 0])
    this.#copy(column.lengths, rows)
    this.#column(column.child, childRows)
  }

  #numbers(
    values: Float64Array | Int32Array,
    View: typeof Float64Array | typeof Int32Array,
    batch: Batch,
  ): void {
    const count = rowCount(batch)
    if (batch.selection === undefined) return this.#copy(values, count)
    this.#reserve(count * View.BYTES_PER_ELEMENT)
    const into = new View(this.#bytes.buffer, this.#length, count)
    for (let n = 0; n < count; n++) into[n] = values[batch.selection[n] as number] as number
    this.#advance(count * View.BYTES_PER_ELEMENT)
  }

  #header(words: readonly number[]): void {
    this.#reserve(words.length * 4)
    for (let i = 0; i < words.length; i++) this.#words[(this.#length >> 2) + i] = words[i] as number
    this.#advance(words.length * 4)
  }

  #copy(array: ArrayBufferView & { readonly BYTES_PER_ELEMENT: number }, elements: number): void {
    const bytes = elements * array.BYTES_PER_ELEMENT
    this.#reserve(bytes)
    this.#bytes.set(new Uint8Array(array.buffer, array.byteOffset, bytes), this.#length)
    this.#advance(bytes)
  }

  /** Moves on, over padding with zeros. */
  #advance(bytes: number): void {
    const end = this.#length + bytes
    this.#length = (end + 7) & ~7
    this.#bytes.fill(0, end, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more + 8
    if (needed <= this.#bytes.length) return
    if (needed > 2 ** 31 - 1) throw new RangeError(`a batch of ${needed} bytes is too large to be encoded`)
    const bytes = new Uint8Array(Math.min(2 ** 31 - 8, Math.max((needed + 7) & ~7, this.#bytes.length * 2)))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
    this.#words = new Int32Array(bytes.buffer, 0, bytes.length >> 2)
  }
}

const encoders = new WeakMap<Schema, BatchEncoder>()

/** A batch as bytes of its own. Whoever encodes many holds a `BatchEncoder`, which saves the copy. */
export function encodeBatch(batch: Batch): Uint8Array {
  let encoder = encoders.get(batch.schema)
  if (encoder === undefined) {
    encoder = new BatchEncoder(batch.schema)
    encoders.set(batch.schema, encoder)
  }
  return encoder.encode(batch).slice()
}

/**
 * The batch of bytes that `encodeBatch` made of a batch of the same schema. Its columns are views of the bytes, unless
 * those do not begin at a multiple of 8.
 *
 * @throws MillraceError `input/corrupt` when the bytes are damaged or of another schema; `input/unsupported` when a
 * newer version wrote them.
 */
export function decodeBatch(bytes: Uint8Array, schema: Schema): Batch {
  const aligned = (bytes.byteOffset & 7) === 0 ? bytes : new Uint8Array(bytes)
  const decoder = new ColumnDecoder(aligned)
  const [magic, version, total, rows, columns, flags] = decoder.header(8) as unknown as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (magic !== MAGIC) throw decoder.damaged('it does not begin as one')
  if (version !== CODEC_VERSION) {
    throw new MillraceError('input/unsupported', {
      what: `an encoded batch has version ${version}`,
      detail: `this version of Millrace reads version ${CODEC_VERSION}`,
      hint: 'read it with the version of Millrace that wrote it, or a newer one',
    })
  }
  if (total !== bytes.length) throw decoder.damaged(`it should have ${total} bytes and has ${bytes.length}`)
  if (columns !== schema.fields.length) {
    throw decoder.damaged(`it has ${columns} columns and the schema ${schema.fields.length}`)
  }
  const eventTime = (flags & 1) === 0 ? undefined : decoder.float64(rows)
  const weights = (flags & 2) === 0 ? undefined : decoder.int32(rows)
  const order = (flags & 4) === 0 ? undefined : decoder.float64(rows)
  const decoded = schema.fields.map((field) => decoder.column(field.type, rows))
  decoder.end()
  return {
    schema,
    length: rows,
    columns: decoded,
    eventTime,
    weights,
    order,
    selection: undefined,
    selectedCount: rows,
  }
}

/** Whether a column without a selection need not be copied before: numbers, and text that lies close together. */
function travelsAsItIs(column: Column, rows: number): boolean {
  if (column.layout === 'fixed' || column.layout === 'wide') return true
  if (column.layout !== 'utf8') return false
  const { total, first, last } = textExtent(column, { indices: undefined, count: rows })
  return last - first <= total * 2
}

function elementCount(ranges: { readonly lengths: Int32Array }, rows: number): number {
  let total = 0
  for (let row = 0; row < rows; row++) total += ranges.lengths[row] as number
  return total
}
