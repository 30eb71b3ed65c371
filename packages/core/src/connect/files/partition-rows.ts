/**
 * Parts the rows of a batch by the values of partition columns.
 *
 * Each distinct value gets a number, and each distinct combination of them a part; rows of a part become a selection.
 * A row costs a comparison with its predecessor, or a look-up; text is made only for values not seen before.
 */
import { appendSelected, builderLike } from '../../data/append.ts'
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import type { Column } from '../../data/column.ts'
import { isValid } from '../../data/column.ts'
import { readValue } from '../../data/read-value.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import { partitionFolder } from './partition-path.ts'

/** Distinct values that are remembered per column; beyond it the memory starts again. */
const REMEMBERED_MAX = 100_000

/** What file systems take as one name. */
const NAME_BYTES_MAX = 255

/** Rows of one partition. */
export interface PartitionRows {
  /** The folder, as in `day=2001-01-01/country=DE`. */
  readonly folder: string
  /** Physical indices, ascending. */
  readonly selection: Int32Array
}

/** The folder that the value at a physical index names. */
type FolderReader = (index: number) => string

/** Parts batches of one schema. */
export class RowPartitioner {
  readonly #columns: readonly { readonly index: number; readonly name: string }[]
  readonly #folders: Map<unknown, string>[]

  constructor(schema: Schema, partitionBy: readonly string[]) {
    this.#columns = partitionBy.map((name) => ({
      name,
      index: schema.fields.findIndex((field) => field.name === name),
    }))
    this.#folders = partitionBy.map(() => new Map())
  }

  /** The rows of each partition that has some, in order of their first rows. */
  part(batch: Batch): PartitionRows[] {
    const count = rowCount(batch)
    const parts: { folder: string; rows: number }[] = []
    const partOf = new Int32Array(count)
    const byFolder = new Map<string, number>()
    const readers = this.#columns.map(({ index, name }, at) =>
      this.#folderReader(batch.columns[index] as Column, name, this.#folders[at] as Map<unknown, string>),
    )
    let previous = -1
    const folders: string[] = readers.map(() => '')
    for (let row = 0; row < count; row++) {
      const index = rowIndex(batch, row)
      let isSame = previous >= 0
      for (let at = 0; at < readers.length; at++) {
        const folder = (readers[at] as FolderReader)(index)
        if (folder === folders[at]) continue
        folders[at] = folder
        isSame = false
      }
      if (!isSame) {
        const folder = folders.join('/')
        const known = byFolder.get(folder)
        previous = known ?? parts.push({ folder, rows: 0 }) - 1
        if (known === undefined) byFolder.set(folder, previous)
      }
      partOf[row] = previous
      ;(parts[previous] as { rows: number }).rows++
    }
    const selections = parts.map(({ rows }) => new Int32Array(rows))
    const filled = new Int32Array(parts.length)
    for (let row = 0; row < count; row++) {
      const part = partOf[row] as number
      ;(selections[part] as Int32Array)[filled[part] as number] = rowIndex(batch, row)
      filled[part] = (filled[part] as number) + 1
    }
    return parts.map(({ folder }, part) => ({ folder, selection: selections[part] as Int32Array }))
  }

  #folderReader(column: Column, name: string, known: Map<unknown, string>): FolderReader {
    if (known.size > REMEMBERED_MAX) known.clear()
    const folderOf = (index: number): string => {
      const value = readValue(column, index, name)
      const text = value === null ? null : String(value as string | number | bigint | boolean)
      const folder = partitionFolder(name, text)
      if (Buffer.byteLength(folder) > NAME_BYTES_MAX) throw tooLong(name, folder)
      return folder
    }
    const remember = (key: unknown, index: number): string => {
      const folder = folderOf(index)
      known.set(key, folder)
      return folder
    }
    const nullFolder = partitionFolder(name, null)
    switch (column.layout) {
      case 'fixed':
        return (index) => {
          if (!isValid(column, index)) return nullFolder
          const key = column.values[index]
          return known.get(key) ?? remember(key, index)
        }
      case 'dictionary': {
        const byCode: (string | undefined)[] = []
        return (index) => {
          if (!isValid(column, index)) return nullFolder
          const code = column.codes[index] as number
          return (byCode[code] ??= folderOf(index))
        }
      }
      case 'utf8': {
        const { bytes, starts, lengths } = column
        const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        return (index) => {
          if (!isValid(column, index)) return nullFolder
          const start = starts[index] as number
          const key = text.toString('latin1', start, start + (lengths[index] as number))
          return known.get(key) ?? remember(key, index)
        }
      }
      default:
        return folderOf
    }
  }
}

function tooLong(column: string, folder: string): MillraceError {
  return new MillraceError('output/write-failed', {
    what: `a value of partition column "${column}" is too long for the name of a folder`,
    detail: `"${folder.slice(0, 60)}…" has ${Buffer.byteLength(folder)} bytes, and a name may have ${NAME_BYTES_MAX}`,
    hint: 'partition by something shorter, such as the first letters of the value or a number made of it',
    place: { column },
  })
}

/** The rows of some parts in memory of their own. */
export function copyParts(
  batch: Batch,
  parts: readonly PartitionRows[],
): { readonly batch: Batch; readonly parts: readonly PartitionRows[] } {
  const rows = parts.reduce((sum, { selection }) => sum + selection.length, 0)
  const builder = builderLike(batch, rows)
  const copied = parts.map(({ folder, selection }) => {
    const from = builder.length
    appendSelected(builder, batch, selection, selection.length)
    return { folder, selection: Int32Array.from(selection, (_, n) => from + n) }
  })
  return { batch: builder.finish(), parts: copied }
}
