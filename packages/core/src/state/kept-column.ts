/**
 * One column of kept rows (kept-rows.ts): where its values lie in a record, and the code that puts them there and reads
 * them.
 *
 * Small integers take a word, other numbers a double. Nested values, encoded, and then texts lie one behind the other in
 * the row's block, each with its end in the record. An exact integer that a double cannot hold is NaN in place and stands
 * behind them, in 16 bytes.
 */
import { appendColumn } from '../data/append-column.ts'
import { makeBatch } from '../data/batch.ts'
import { BatchEncoder, decodeBatch } from '../data/codec.ts'
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column, DictionaryColumn, FixedColumn, WideColumn } from '../data/column.ts'
import { fromWords } from '../data/decimal.ts'
import type { FixedColumnBuilder } from '../data/fixed-column-builder.ts'
import { exactOf } from '../data/fixed-column-builder.ts'
import { generate } from '../data/generate.ts'
import { canBeWide, fixedArrayKindOf, plainLayoutOf } from '../data/layout.ts'
import type { Field, Schema } from '../data/type.ts'
import type { Utf8ColumnBuilder } from '../data/utf8-column-builder.ts'
import { CHUNK_BYTES_MAX } from '../data/utf8-column-builder.ts'
import type { BlockHeap } from './block-heap.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import type { RecordStore } from './record-store.ts'

/** Bytes of an exact integer that does not fit a double. */
const EXACT_BYTES = 16

/** Lanes of a column in generated code: what its rows are read from, and its validity. */
const LANES = 5

/** Where a column lies in a record. */
export interface KeptColumn {
  /** Its place in the schema. */
  readonly position: number
  readonly field: Field
  /** `word` and `double`: in place; `integer`: a double, exact beyond it; `text` and `nested`: in the block. */
  readonly kind: 'word' | 'double' | 'integer' | 'text' | 'nested'
  /** The value in place; of a text or nested value its end in the block, in bytes from its start. */
  readonly value: RecordField
  /** The end of the text or nested value before it, where its own begins; for integers the end of all of them. Undefined: 0. */
  readonly start: RecordField | undefined
  /** Earlier columns whose exact integers stand before this one's. */
  readonly integersBefore: readonly RecordField[]
  readonly nullField: RecordField | undefined
  readonly nullBit: number
  /** Whether a value may need bytes of the block. */
  readonly hasBytes: boolean
}

/** In which order values lie in a block: nested ones first, whose bytes are aligned. */
export function placeInBlock({ kind }: KeptColumn): number {
  return kind === 'nested' ? 0 : kind === 'text' ? 1 : 2
}

/** Values that generated code reads, at fixed places by column. */
export type KeptLanes = readonly unknown[]

/** Lays out columns behind what is in the layout already. */
export function keptColumns(
  schema: Schema,
  positions: readonly number[],
  layout: RecordLayout,
): KeptColumn[] {
  const fields = positions.map((position) => schema.fields[position] as Field)
  const nulls: RecordField[] = []
  let nullable = 0
  const placed = fields.map((field, c) => {
    const kind = kindOf(field)
    const isNullable = field.nullable
    if (isNullable && nullable % 32 === 0) nulls.push(layout.add('i32', 0))
    const nullField = isNullable ? nulls.at(-1) : undefined
    const nullBit = isNullable ? 1 << (nullable++ % 32) : 0
    const value = layout.add(kind === 'double' || kind === 'integer' ? 'f64' : 'i32', 0)
    return { position: positions[c] as number, field, kind, value, nullField, nullBit }
  })
  const inBlock = [
    ...placed.filter(({ kind }) => kind === 'nested'),
    ...placed.filter(({ kind }) => kind === 'text'),
  ]
  const integers = placed.filter(({ kind }) => kind === 'integer')
  return placed.map((column) => {
    const at = inBlock.indexOf(column)
    const before = column.kind === 'integer' ? inBlock.at(-1) : at > 0 ? inBlock[at - 1] : undefined
    const integersBefore =
      column.kind === 'integer' ? integers.slice(0, integers.indexOf(column)).map(({ value }) => value) : []
    const hasBytes = column.kind === 'integer' || at >= 0
    return { ...column, start: before?.value, integersBefore, hasBytes }
  })
}

function kindOf({ type }: Field): KeptColumn['kind'] {
  const layout = plainLayoutOf(type)
  if (layout === 'utf8') return 'text'
  if (layout !== 'fixed') return 'nested'
  if (canBeWide(type)) return 'integer'
  return type.kind === 'float32' || type.kind === 'float64' ? 'double' : 'word'
}

/** What generated code reads of the columns of a batch, `LANES` for each. */
export function lanesOf(columns: readonly KeptColumn[], sources: readonly Column[]): KeptLanes {
  return columns.flatMap(({ kind, field }, c) => {
    const source = sources[c] as Column
    const lanes: unknown[] = [source.validity]
    if (kind === 'nested') lanes.push(new NestedSource(source, field))
    else if (source.layout === 'wide') lanes.push(new ExactSource(source))
    else if (source.layout === 'fixed') lanes.push(source.values)
    else if (source.layout === 'utf8') lanes.push(source.bytes, source.starts, source.lengths)
    else {
      const { codes, dictionary } = source as DictionaryColumn
      lanes.push(dictionary.bytes, dictionary.starts, dictionary.lengths, codes)
    }
    while (lanes.length < LANES) lanes.push(undefined)
    return lanes
  })
}

/** The values of a wide column. */
class ExactSource {
  readonly #column: WideColumn

  constructor(column: WideColumn) {
    this.#column = column
  }

  /** The value when a double holds it, else NaN. */
  number(row: number): number {
    const value = Number(exactOf(this.#column, row))
    return Number.isSafeInteger(value) ? value : Number.NaN
  }

  copy(row: number, target: Uint8Array, at: number): void {
    const value = exactOf(this.#column, row)
    const view = new DataView(target.buffer, target.byteOffset + at, EXACT_BYTES)
    view.setBigInt64(0, BigInt.asIntN(64, value), true)
    view.setBigInt64(8, BigInt.asIntN(64, value >> 64n), true)
  }
}

/** The values of a nested column, encoded one at a time: exactly, which row values are not (nanoseconds, big integers). */
class NestedSource {
  bytes: Uint8Array = new Uint8Array(0)
  readonly #column: Column
  readonly #schema: Schema
  readonly #encoder: BatchEncoder
  readonly #selection = new Int32Array(1)

  constructor(column: Column, field: Field) {
    this.#column = column
    this.#schema = { fields: [field] }
    this.#encoder = new BatchEncoder(this.#schema)
  }

  /** Encodes a value into a multiple of 8 bytes; gives their number. */
  encode(row: number): number {
    this.#selection[0] = row
    const batch = makeBatch(this.#schema, [this.#column], row + 1)
    this.bytes = this.#encoder.encode({ ...batch, selection: this.#selection, selectedCount: 1 })
    return this.bytes.length
  }
}

/** Statements that put what lies in place into record `r`, and note what the block will get. */
export function storeSource(column: KeptColumn, source: Column, c: number): string {
  const { kind, value, nullField, nullBit } = column
  const lane = LANES * c
  const at = value.kind === 'f64' ? `F[q + ${value.offset}]` : `I[b + ${value.offset}]`
  const fill = (statements: string): string =>
    source.validity === undefined || nullField === undefined
      ? `{ ${statements} }`
      : `if ((L${lane}[i >> 3] & (1 << (i & 7))) === 0) I[b + ${nullField.offset}] |= ${nullBit}; else { ${statements} }`
  switch (kind) {
    case 'nested':
      return `let l${c} = 0; ${fill(`l${c} = L${lane + 1}.encode(i);`)}`
    case 'text': {
      const row = source.layout === 'dictionary' ? `L${lane + 4}[i]` : 'i'
      return `let s${c} = 0, l${c} = 0; ${fill(`const d = ${row}; s${c} = L${lane + 2}[d]; l${c} = L${lane + 3}[d];`)}`
    }
    default:
      if (source.layout === 'wide') {
        return `let l${c} = 0; ${fill(`const x = L${lane + 1}.number(i); ${at} = x; if (x !== x) l${c} = ${EXACT_BYTES};`)}`
      }
      return fill(`${at} = L${lane + 1}[i];`)
  }
}

/** Statements that add to `bytes` what the block will get; empty when nothing. */
export function measureSource({ kind }: KeptColumn, source: Column, c: number): string {
  return kind === 'text' || kind === 'nested' || source.layout === 'wide' ? `bytes += l${c};` : ''
}

/** Statements that copy it to `at` of the block that begins at `start`. */
export function copySource({ kind, value }: KeptColumn, source: Column, c: number): string {
  const lane = LANES * c
  const end = `I[b + ${value.offset}] = at - start;`
  if (kind === 'text')
    return `if (l${c} > 0) { copyBytes(L${lane + 1}, s${c}, l${c}, u8, at); at += l${c}; } ${end}`
  if (kind === 'nested') return `u8.set(L${lane + 1}.bytes.subarray(0, l${c}), at); at += l${c}; ${end}`
  return source.layout === 'wide' ? `if (l${c} > 0) { L${lane + 1}.copy(i, u8, at); at += l${c}; }` : ''
}

/** Where records and blocks lie. */
export interface KeptSource {
  readonly store: RecordStore
  readonly heap: BlockHeap
  /** The field with the row's block. */
  readonly block: number
}

/** Which records to write: `numbers[from … to)`; −1 stands for no row. */
export interface KeptRange {
  readonly numbers: Int32Array
  readonly from: number
  readonly to: number
}

/** The same, and where to. */
export interface KeptTarget extends KeptRange {
  /** Texts may be ranges of the heap. */
  readonly isLent: boolean
  readonly out: ColumnBuilder
  readonly at: number
}

/** Writes the values of one column to a builder of its type, which is nullable where records may be −1. */
export function writeKept(column: KeptColumn, source: KeptSource, target: KeptTarget): void {
  switch (column.kind) {
    case 'word':
    case 'double':
    case 'integer':
      return writeNumbers(column, source, target)
    case 'text':
      return writeTexts(column, source, target)
    case 'nested':
      return writeNested(column, source, target)
  }
}

type NumberLoop = (
  records: Int32Array,
  from: number,
  to: number,
  values: FixedColumn['values'],
  at: number,
  lane: Int32Array | Float64Array,
  stride: number,
  offset: number,
  missing: (n: number, isNull: boolean) => void,
  i32: Int32Array,
  words: number,
  nullOffset: number,
  nullBit: number,
) => void

const numberLoops = new Map<string, NumberLoop>()

/** One loop per kind of array, so that each sees one kind only. */
function numberLoop(column: KeptColumn): NumberLoop {
  const { kind, field, nullField } = column
  const key = `${fixedArrayKindOf(field.type)} ${kind} ${nullField !== undefined}`
  let loop = numberLoops.get(key)
  if (loop === undefined) {
    const parameters =
      'records,from,to,values,at,lane,stride,offset,missing,i32,words,nullOffset,nullBit'.split(',')
    const isNull =
      nullField === undefined ? 'r < 0' : 'r < 0 || (i32[r * words + nullOffset] & nullBit) !== 0'
    loop = generate<NumberLoop>(
      parameters,
      `for (let n = from; n < to; n++) {
  const r = records[n];
  if (${isNull}) { missing(n, true); continue; }
  const x = lane[r * stride + offset];
  ${kind === 'integer' ? 'if (x !== x) { missing(n, false); continue; }' : ''}
  values[at + n - from] = x;
}`,
    )
    numberLoops.set(key, loop)
  }
  return loop
}

function writeNumbers(column: KeptColumn, source: KeptSource, target: KeptTarget): void {
  const { numbers: records, from, to, at } = target
  const { value, nullField, nullBit } = column
  const { i32, f64, words } = source.store
  const out = target.out as FixedColumnBuilder
  const missing = (n: number, isNull: boolean): void => {
    if (isNull) out.setNull(at + n - from)
    else out.setExact(at + n - from, exactIn(column, source, records[n] as number))
  }
  const [lane, stride] = value.kind === 'f64' ? [f64, words >> 1] : [i32, words]
  numberLoop(column)(
    records, from, to, out.values, at, lane, stride, value.offset, missing, i32, words, nullField?.offset ?? 0, nullBit,
  ) // prettier-ignore
}

/** An integer that is NaN in place. */
function exactIn(
  { start, integersBefore }: KeptColumn,
  { store, heap, block }: KeptSource,
  record: number,
): bigint {
  const { i32, f64, words } = store
  let at = 8 * (i32[record * words + block] as number)
  if (start !== undefined) at += i32[record * words + start.offset] as number
  for (const { offset } of integersBefore) {
    const value = f64[record * (words >> 1) + offset] as number
    if (value !== value) at += EXACT_BYTES
  }
  const view = new DataView(heap.u8.buffer, at, EXACT_BYTES)
  return fromWords(view.getBigInt64(0, true), view.getBigInt64(8, true))
}

function writeTexts(
  column: KeptColumn,
  source: KeptSource,
  { numbers: records, from, to, at, isLent, ...target }: KeptTarget,
): void {
  const out = target.out as Utf8ColumnBuilder
  const { u8 } = source.heap
  const { i32, words } = source.store
  const { value, start, nullField, nullBit } = column
  // Ranges of the heap instead of copies, while it is one piece of memory that 32 bits reach.
  if (isLent && at === 0 && u8.length <= CHUNK_BYTES_MAX) out.useChunk(u8)
  const isShared = out.chunk === u8
  const { starts, lengths } = out
  for (let n = from; n < to; n++) {
    const record = records[n] as number
    const row = at + n - from
    const base = record * words
    if (
      record < 0 ||
      (nullField !== undefined && ((i32[base + nullField.offset] as number) & nullBit) !== 0)
    ) {
      out.setNull(row)
      continue
    }
    const begin = start === undefined ? 0 : (i32[base + start.offset] as number)
    const length = (i32[base + value.offset] as number) - begin
    const first = 8 * (i32[base + source.block] as number) + begin
    if (isShared) {
      starts[row] = length === 0 ? 0 : first
      lengths[row] = length
    } else out.setBytes(row, u8, first, length)
  }
}

function writeNested(
  column: KeptColumn,
  source: KeptSource,
  { numbers: records, from, to, out, at }: KeptTarget,
): void {
  const { i32, words } = source.store
  const { start, nullField, nullBit } = column
  for (let n = from; n < to; n++) {
    const record = records[n] as number
    const base = record * words
    if (
      record < 0 ||
      (nullField !== undefined && ((i32[base + nullField.offset] as number) & nullBit) !== 0)
    ) {
      out.setNull(at + n - from)
      continue
    }
    const begin = start === undefined ? 0 : (i32[base + start.offset] as number)
    const first = 8 * (i32[base + source.block] as number) + begin
    const end = 8 * (i32[base + source.block] as number) + (i32[base + column.value.offset] as number)
    // The decoded column is a view of the bytes, which must begin at a multiple of 8: nested values lie in front of texts.
    const { columns } = decodeBatch(source.heap.u8.subarray(first, end), { fields: [column.field] })
    appendColumn(out, at + n - from, columns[0] as Column, { indices: undefined, count: 1 })
  }
}
