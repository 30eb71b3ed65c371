/** Key words written back into columns: the keys of results, and the keys that user functions see. */
import type { ColumnBuilder } from '../../data/column-builder.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { Utf8ColumnBuilder } from '../../data/utf8-column-builder.ts'
import type { KeyLayout, KeyPart, RecordStore, StringTable } from '../../state/index.ts'
import { integerOfWords } from '../../state/index.ts'

/** Some records that begin with a key. */
export interface GroupRange {
  readonly table: Pick<RecordStore, 'i32' | 'words'>
  readonly groups: Int32Array
  readonly from: number
  readonly to: number
}

type CellWriter = (i32: Int32Array, word: number, row: number) => void

const scratch = new Float64Array(1)
const scratchWords = new Int32Array(scratch.buffer)

/** String keys become ranges of the string table, so nothing is copied. To be called on builders without rows. */
export function shareKeyStrings(
  layout: KeyLayout,
  strings: StringTable,
  columns: readonly ColumnBuilder[],
): void {
  for (const [p, part] of layout.parts.entries()) {
    if (part.kind === 'string') (columns[p] as Utf8ColumnBuilder).useChunk(strings.bytes)
  }
}

/** Writes the keys of groups to the first columns, rows `at …`. */
export function writeKeys(
  layout: KeyLayout,
  strings: StringTable,
  range: GroupRange,
  columns: readonly ColumnBuilder[],
  at: number,
): void {
  const { groups, from, to } = range
  const { i32, words } = range.table
  for (const [p, part] of layout.parts.entries()) {
    const out = columns[p] as ColumnBuilder
    const write = writerOf(part, out, strings)
    for (let n = from; n < to; n++) {
      const base = (groups[n] as number) * words
      const isNull = part.nullBit !== 0 && ((i32[base + layout.nullWord] as number) & part.nullBit) !== 0
      if (isNull) out.setNull(at + n - from)
      else write(i32, base + part.word, at + n - from)
    }
  }
}

function writerOf(part: KeyPart, out: ColumnBuilder, strings: StringTable): CellWriter {
  const fixed = out as FixedColumnBuilder
  switch (part.kind) {
    case 'word':
      return (i32, word, row) => {
        fixed.values[row] = i32[word] as number
      }
    case 'float':
      return (i32, word, row) => {
        scratchWords[0] = i32[word] as number
        scratchWords[1] = i32[word + 1] as number
        fixed.values[row] = scratch[0] as number
      }
    case 'string':
      return stringWriter(out as Utf8ColumnBuilder, strings)
    case 'int64':
    case 'int128':
      return integerWriter(fixed, part)
  }
}

function stringWriter(out: Utf8ColumnBuilder, { bytes, starts, lengths }: StringTable): CellWriter {
  if (out.chunk !== bytes) {
    return (i32, word, row) => {
      const id = i32[word] as number
      out.setBytes(row, bytes, starts[id] as number, lengths[id] as number)
    }
  }
  const outStarts = out.starts
  const outLengths = out.lengths
  return (i32, word, row) => {
    const id = i32[word] as number
    outStarts[row] = starts[id] as number
    outLengths[row] = lengths[id] as number
  }
}

function integerWriter(out: FixedColumnBuilder, part: KeyPart): CellWriter {
  const isUnsigned = part.field.type.kind === 'uint64'
  const isBig = part.words === 4
  return (i32, word, row) => {
    const low = i32[word] as number
    const high = i32[word + 1] as number
    const isSmall =
      high === low >> 31 &&
      !(isUnsigned && low < 0) &&
      (!isBig || (i32[word + 2] === high && i32[word + 3] === high))
    if (isSmall) out.values[row] = low
    else out.setExact(row, integerOfWords(i32, word, part.words, isUnsigned))
  }
}
