/**
 * Appends rows of a column to a column builder, column by column: what exchanges, compaction and sinks are made of.
 *
 * Fixed columns are gathered by one loop per kind of array (generated, so that each loop sees one kind only). Text is
 * copied in as few pieces as possible; dictionaries stay dictionaries while they are the same.
 */
import type {
  Column,
  DictionaryColumn,
  FixedArray,
  FixedColumn,
  ListColumn,
  StructColumn,
  Utf8Column,
} from './column.ts'
import { isValid } from './column.ts'
import type { ColumnBuilder, ListColumnBuilder, StructColumnBuilder } from './column-builder.ts'
import type { FixedColumnBuilder } from './fixed-column-builder.ts'
import { exactOf } from './fixed-column-builder.ts'
import { canGenerate, generate } from './generate.ts'
import type { FixedArrayKind } from './layout.ts'
import { fixedArrayKindOf } from './layout.ts'
import type { Utf8ColumnBuilder } from './utf8-column-builder.ts'
import { CHUNK_BYTES_MAX } from './utf8-column-builder.ts'

/** Which rows of a column: `indices[0 … count)`, or rows 0 to `count` when there are no indices. */
export interface RowRange {
  readonly indices: Int32Array | undefined
  readonly count: number
}

/** Appends rows of `source` behind the first `at` rows of `target`, which has room for them. */
export function appendColumn(target: ColumnBuilder, at: number, source: Column, rows: RowRange): void {
  switch (target.layout) {
    case 'fixed':
      appendFixed(target, at, source, rows)
      break
    case 'utf8':
      // Sets its nulls itself: the bytes under them are not copied.
      appendText(target, at, source as Utf8Column | DictionaryColumn, rows)
      return
    case 'list':
      appendLists(target, at, source as ListColumn, rows)
      return
    case 'struct':
      appendStructs(target, at, source as StructColumn, rows)
      break
  }
  if (source.validity !== undefined) copyNulls(target, at, source, rows)
}

type GatherLoop = (
  source: FixedArray,
  target: FixedArray,
  at: number,
  indices: Int32Array,
  count: number,
) => void

const gatherLoops = new Map<FixedArrayKind, GatherLoop>()

function gatherLoopOf(kind: FixedArrayKind): GatherLoop {
  let loop = gatherLoops.get(kind)
  if (loop === undefined) {
    loop = canGenerate()
      ? generate<GatherLoop>(
          ['source', 'target', 'at', 'indices', 'count'],
          'for (let i = 0; i < count; i++) target[at + i] = source[indices[i]];',
        )
      : (source, target, at, indices, count) => {
          for (let i = 0; i < count; i++) target[at + i] = source[indices[i] as number] as number
        }
    gatherLoops.set(kind, loop)
  }
  return loop
}

function appendFixed(
  target: FixedColumnBuilder,
  at: number,
  source: Column,
  { indices, count }: RowRange,
): void {
  if (source.layout === 'wide') {
    for (let i = 0; i < count; i++) {
      const index = indices === undefined ? i : (indices[i] as number)
      if (isValid(source, index)) target.setExact(at + i, exactOf(source, index))
    }
    return
  }
  const { values } = source as FixedColumn
  if (indices === undefined) target.values.set(values.subarray(0, count), at)
  else gatherLoopOf(fixedArrayKindOf(target.type))(values, target.values, at, indices, count)
}

function copyNulls(target: ColumnBuilder, at: number, source: Column, { indices, count }: RowRange): void {
  for (let i = 0; i < count; i++) {
    if (!isValid(source, indices === undefined ? i : (indices[i] as number))) target.setNull(at + i)
  }
}

/** Foreign dictionaries up to this size are kept as dictionaries even for few rows. */
const SMALL_DICTIONARY = 256

function appendText(
  target: Utf8ColumnBuilder,
  at: number,
  source: Utf8Column | DictionaryColumn,
  rows: RowRange,
): void {
  if (source.layout === 'utf8') {
    target.ownBytes(at)
    appendRanges(target, at, source, rows)
    return
  }
  const keeps =
    at === 0
      ? target.ownsDictionaryOf(source.dictionary) ||
        source.dictionaryLength <= Math.max(SMALL_DICTIONARY, rows.count)
      : target.isInDictionary && target.ownsDictionaryOf(source.dictionary)
  if (keeps) appendCodes(target, at, source, rows)
  else appendEntries(target, at, source, rows)
}

function appendCodes(
  target: Utf8ColumnBuilder,
  at: number,
  source: DictionaryColumn,
  { indices, count }: RowRange,
): void {
  const dictionary = target.useOwnDictionary(source.dictionary, source.dictionaryLength)
  const into = target.codes as Int32Array
  const { codes, validity } = source
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (validity !== undefined && !isValid(source, index)) target.setNull(at + i)
    else into[at + i] = dictionary.codeOf(codes[index] as number)
  }
}

function appendEntries(
  target: Utf8ColumnBuilder,
  at: number,
  source: DictionaryColumn,
  { indices, count }: RowRange,
): void {
  target.ownBytes(at)
  const { bytes, starts, lengths } = source.dictionary
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (!isValid(source, index)) {
      target.setNull(at + i)
      continue
    }
    const entry = source.codes[index] as number
    target.setBytes(at + i, bytes, starts[entry] as number, lengths[entry] as number)
  }
}

/**
 * Copies text: in one piece from the first to the last byte of the rows when that is not much more than the rows
 * themselves (gaps are copied too), else in runs of rows that follow each other.
 */
function appendRanges(target: Utf8ColumnBuilder, at: number, source: Utf8Column, rows: RowRange): void {
  const extent = textExtent(source, rows)
  const { total, first, last } = extent
  if (total === 0 || last - first <= total * 2) appendPiece(target, at, source, { rows, extent })
  else appendRuns(target, at, source, { rows, extent })
}

/** Where the text of some rows lies. */
export interface TextExtent {
  /** Bytes of all rows together. */
  readonly total: number
  /** The first byte of any, and the end of the last; equal when there is no text. */
  readonly first: number
  readonly last: number
}

/** Where the text of some rows lies; rows without a value count as empty. */
export function textExtent(source: Utf8Column, { indices, count }: RowRange): TextExtent {
  const { starts, lengths, validity } = source
  let total = 0
  let first = CHUNK_BYTES_MAX
  let last = 0
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    const length = lengths[index] as number
    if (length === 0) continue
    if (validity !== undefined && ((validity[index >> 3] as number) & (1 << (index & 7))) === 0) continue
    const start = starts[index] as number
    total += length
    if (start < first) first = start
    if (start + length > last) last = start + length
  }
  return { total, first: total === 0 ? 0 : first, last }
}

interface TextRows {
  readonly rows: RowRange
  readonly extent: TextExtent
}

function appendPiece(
  target: Utf8ColumnBuilder,
  at: number,
  source: Utf8Column,
  { rows, extent }: TextRows,
): void {
  const { indices, count } = rows
  const { starts, lengths, validity } = source
  const { first, last } = extent
  target.reserveBytes(last - first)
  target.bytes.set(source.bytes.subarray(first, last), target.bytesLength)
  const shift = target.bytesLength - first
  target.bytesLength += last - first
  const intoStarts = target.starts
  const intoLengths = target.lengths
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (validity !== undefined && ((validity[index >> 3] as number) & (1 << (index & 7))) === 0) {
      target.setNull(at + i)
      continue
    }
    const length = lengths[index] as number
    // An empty row may lie anywhere, also outside of what was copied.
    intoStarts[at + i] = length === 0 ? 0 : (starts[index] as number) + shift
    intoLengths[at + i] = length
  }
}

function appendRuns(
  target: Utf8ColumnBuilder,
  at: number,
  source: Utf8Column,
  { rows, extent }: TextRows,
): void {
  const { indices, count } = rows
  const { bytes, starts, lengths, validity } = source
  const intoStarts = target.starts
  const intoLengths = target.lengths
  target.reserveBytes(extent.total)
  const arena = target.bytes
  let write = target.bytesLength
  let runStart = 0
  let runEnd = 0
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (validity !== undefined && ((validity[index >> 3] as number) & (1 << (index & 7))) === 0) {
      target.setNull(at + i)
      continue
    }
    const start = starts[index] as number
    const length = lengths[index] as number
    if (length > 0 && start !== runEnd) {
      write = copyRun(bytes, runStart, runEnd, arena, write)
      runStart = start
      runEnd = start
    }
    intoStarts[at + i] = length === 0 ? 0 : write + start - runStart
    intoLengths[at + i] = length
    runEnd += length
  }
  target.bytesLength = copyRun(bytes, runStart, runEnd, arena, write)
}

/** Runs up to this length are copied by a loop: a native call costs some 40 ns. */
const LOOP_COPY_MAX = 24

function copyRun(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const length = end - start
  if (length <= LOOP_COPY_MAX) for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
  else target.set(source.subarray(start, end), at)
  return at + length
}

function appendLists(
  target: ListColumnBuilder,
  at: number,
  source: ListColumn,
  { indices, count }: RowRange,
): void {
  const elements = elementRows(source, { indices, count })
  const first = target.childLength
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (isValid(source, index)) target.setList(at + i, source.lengths[index] as number)
    else target.setNull(at + i)
  }
  if (elements.count > 0) appendColumn(target.child, first, source.child, elements)
}

/** The child rows of some lists, in order. */
export function elementRows(source: ListColumn, { indices, count }: RowRange): RowRange {
  const { starts, lengths } = source
  let total = 0
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (isValid(source, index)) total += lengths[index] as number
  }
  const children = new Int32Array(total)
  let write = 0
  for (let i = 0; i < count; i++) {
    const index = indices === undefined ? i : (indices[i] as number)
    if (!isValid(source, index)) continue
    const end = (starts[index] as number) + (lengths[index] as number)
    for (let child = starts[index] as number; child < end; child++) children[write++] = child
  }
  return { indices: children, count: total }
}

function appendStructs(target: StructColumnBuilder, at: number, source: StructColumn, rows: RowRange): void {
  for (let c = 0; c < target.children.length; c++) {
    appendColumn(target.children[c] as ColumnBuilder, at, source.children[c] as Column, rows)
  }
}
