/**
 * Reads a Parquet file as batches: row group after row group, every column straight from page bytes to its arrays.
 *
 * A batch stays within one row group. Its arrays are used again for the next (F3). Reading waits for the file only
 * where `prepare` says so, so most calls answer at once. Damage is reported with file, column and row.
 */
import { makeBatch } from '../../../data/batch.ts'
import type { Batch } from '../../../data/batch.ts'
import type { Column } from '../../../data/column.ts'
import { makeSchema } from '../../../data/schema.ts'
import type { Json, Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { RandomAccessFile, RandomReader, RandomReaderOptions } from '../../format.ts'
import { assemble } from './assemble.ts'
import { readChunks } from './chunk-ranges.ts'
import { ColumnReader } from './column-reader.ts'
import { nullColumn, planColumns } from './column-plan.ts'
import type { PlannedColumn } from './column-plan.ts'
import { damaged, located } from './damage.ts'
import { readFailure, readFooter } from './footer.ts'
import type { ColumnChunk, FileMetadata, RowGroup } from './metadata.ts'
import { canMatch } from './prune.ts'
import { buildSchemaTree, leafPaths, leavesOf } from './schema-tree.ts'

/** Rows of a batch at most, whatever is asked for: bounds the memory of one batch. */
const BATCH_ROWS_MAX = 1 << 16

/** Opens a file. Throws input/truncated, input/corrupt, input/unsupported, input/missing-column or schema/mismatch. */
export async function openParquet(
  file: RandomAccessFile,
  schema: Schema | undefined,
  options: RandomReaderOptions,
): Promise<RandomReader> {
  const metadata = await readFooter(file)
  try {
    const nodes = buildSchemaTree(metadata.schema)
    checkGroups(metadata, leafPaths(metadata.schema))
    const planned = planColumns(nodes, schema, options.pushdown.columns)
    return new ParquetReader(file, metadata, planned, options)
  } catch (error) {
    throw located(error, { file: file.name })
  }
}

/** Every row group must have every column, under the name that the schema gives it. */
function checkGroups(metadata: FileMetadata, leaves: readonly (readonly string[])[]): void {
  for (const group of metadata.groups) {
    if (group.columns.length !== leaves.length)
      throw damaged(`a row group has ${group.columns.length} columns, the schema ${leaves.length}`)
    group.columns.forEach(({ path }, index) => {
      const expected = leaves[index] as readonly string[]
      if (path.length === 0 || path.join('\0') === expected.join('\0')) return
      throw damaged(`column "${expected.join('.')}" of the schema is "${path.join('.')}" in a row group`)
    })
  }
}

/** Where reading goes on. */
interface Place {
  readonly group: number
  readonly row: number
}

function placeOf(from: Json | undefined, first: number): Place {
  if (from === undefined) return { group: first, row: 0 }
  const { v, group, row } = from as { v?: unknown; group?: unknown; row?: unknown }
  if (v !== 1 || !Number.isSafeInteger(group) || !Number.isSafeInteger(row))
    throw new MillraceError('input/changed', {
      what: 'a position in a Parquet file is of another version',
      detail: JSON.stringify(from),
    })
  return { group: group as number, row: row as number }
}

class ParquetReader implements RandomReader {
  readonly schema: Schema
  private readonly file: RandomAccessFile
  private readonly groups: readonly RowGroup[]
  private readonly planned: readonly PlannedColumn[]
  private readonly options: RandomReaderOptions
  private readonly readers = new Map<number, ColumnReader>()
  private readonly groupsEnd: number
  private group: number
  private row: number
  /** The row group is open and stands at `row`. */
  private isOpen = false
  /** Rows of the file before the row group. */
  private rowsBefore = 0
  private bytesDone = 0
  private bytesExpected = 0
  private column: string | undefined

  constructor(
    file: RandomAccessFile,
    metadata: FileMetadata,
    planned: readonly PlannedColumn[],
    options: RandomReaderOptions,
  ) {
    this.file = file
    this.groups = metadata.groups
    this.planned = planned
    this.options = options
    // A schema that people write has columns; a reader that only counts rows has none.
    this.schema = planned.length === 0 ? { fields: [] } : makeSchema(planned.map(({ field }) => field))
    for (const { node } of planned) {
      if (node === undefined) continue
      for (const leaf of leavesOf(node))
        this.readers.set(leaf.column, new ColumnReader(leaf, file, options.compression))
    }
    const { first, last } = options.groups ?? { first: 0, last: metadata.groups.length }
    this.groupsEnd = Math.min(last, metadata.groups.length)
    const from = placeOf(options.from, first)
    this.group = from.group
    this.row = from.row
    for (const group of this.groups.slice(0, from.group)) this.rowsBefore += group.rows
    for (const group of this.groups.slice(from.group, this.groupsEnd))
      this.bytesExpected += this.bytesOf(group)
  }

  /** What is read of a row group. */
  private bytesOf(group: RowGroup): number {
    let bytes = 0
    for (const column of this.readers.keys()) bytes += (group.columns[column] as ColumnChunk).compressedBytes
    return bytes
  }

  position(): Json {
    return { v: 1, group: this.group, row: this.row }
  }

  rowIndex(): number {
    return this.rowsBefore + this.row
  }

  bytesRead(): number {
    const group = this.groups[this.group]
    if (group === undefined || group.rows === 0 || this.group >= this.groupsEnd) return this.bytesDone
    return this.bytesDone + Math.floor((this.bytesOf(group) * this.row) / group.rows)
  }

  bytesToRead(): number {
    return this.bytesExpected
  }

  async close(): Promise<void> {}

  read(rowsMax: number): Batch | undefined | Promise<Batch | undefined> {
    try {
      this.skipGroups()
      if (this.group >= this.groupsEnd) return undefined
      if (!this.isOpen) return this.openThenRead(rowsMax)
      const rows = this.rowsOf(rowsMax)
      const waits = this.prepare(rows)
      if (waits !== undefined) return this.waitThenRead(waits, rows)
      return this.decode(rows)
    } catch (error) {
      throw this.placed(error)
    }
  }

  /** Passes over row groups that are done, empty, or cannot match the predicate. */
  private skipGroups(): void {
    while (this.group < this.groupsEnd) {
      const group = this.groups[this.group] as RowGroup
      const { predicate } = this.options.pushdown
      const isDone = this.row >= group.rows
      const isPruned = !this.isOpen && predicate !== undefined && !canMatch(predicate, this.planned, group)
      if (!isDone && !isPruned) return
      this.rowsBefore += group.rows
      if (isDone) this.bytesDone += this.bytesOf(group)
      else this.bytesExpected -= this.bytesOf(group)
      this.group++
      this.row = 0
      this.isOpen = false
    }
  }

  private rowsOf(rowsMax: number): number {
    const group = this.groups[this.group] as RowGroup
    return Math.min(rowsMax, BATCH_ROWS_MAX, group.rows - this.row)
  }

  private prepare(rows: number): Promise<unknown> | undefined {
    const waits: Promise<void>[] = []
    for (const reader of this.readers.values()) {
      const wait = reader.prepare(rows)
      if (wait !== undefined) waits.push(wait)
    }
    return waits.length === 0 ? undefined : Promise.all(waits)
  }

  private async waitThenRead(waits: Promise<unknown>, rows: number): Promise<Batch | undefined> {
    try {
      await waits
    } catch (error) {
      throw readFailure(error, this.file.name)
    }
    try {
      return this.decode(rows)
    } catch (error) {
      throw this.placed(error)
    }
  }

  private async openThenRead(rowsMax: number): Promise<Batch | undefined> {
    const group = this.groups[this.group] as RowGroup
    const readers = [...this.readers.values()]
    const chunks = readers.map((reader) => group.columns[reader.node.column] as ColumnChunk)
    let bytes: readonly (Uint8Array | undefined)[]
    try {
      bytes = await readChunks(this.file, chunks)
    } catch (error) {
      throw readFailure(error, this.file.name)
    }
    try {
      readers.forEach((reader, index) => {
        this.column = reader.node.name
        const chunk = chunks[index] as ColumnChunk
        if (reader.node.repetition === 0 && chunk.values !== group.rows)
          throw damaged(`a column chunk has ${chunk.values} values in a row group of ${group.rows} rows`)
        reader.openChunk(chunk, bytes[index])
      })
      this.isOpen = true
      await this.skipRows()
    } catch (error) {
      throw this.placed(error)
    }
    return this.read(rowsMax)
  }

  /** After a restart in the middle of a row group: decodes and drops what was read before. */
  private async skipRows(): Promise<void> {
    let left = this.row
    const group = this.groups[this.group] as RowGroup
    if (left > group.rows)
      throw new MillraceError('input/changed', { what: 'a Parquet file has fewer rows than before' })
    while (left > 0) {
      const part = Math.min(left, BATCH_ROWS_MAX)
      await this.prepare(part)
      for (const column of this.planned) this.readColumn(column, part)
      left -= part
    }
  }

  private decode(rows: number): Batch {
    const misfits = new Map<number, { readonly reason: string; readonly column: string }>()
    const columns = this.planned.map((column) => {
      const read = this.readColumn(column, rows)
      if (column.conform === undefined) return read
      return column.conform(read, rows, (row, reason) =>
        misfits.set(row, { reason, column: column.field.name }),
      )
    })
    const batch = makeBatch(this.schema, columns, rows)
    const result = misfits.size === 0 ? batch : this.withoutMisfits(batch, misfits)
    this.row += rows
    return result
  }

  private readColumn({ field, node }: PlannedColumn, rows: number): Column {
    this.column = field.name
    if (node === undefined) return nullColumn(field.type, rows)
    if (node.kind === 'leaf') return (this.readers.get(node.column) as ColumnReader).readFlat(rows)
    for (const leaf of leavesOf(node)) (this.readers.get(leaf.column) as ColumnReader).readRecords(rows)
    return assemble(node, rows, this.readers)
  }

  /** Rejects rows that the declared schema cannot hold, or throws for the first. */
  private withoutMisfits(
    batch: Batch,
    misfits: ReadonlyMap<number, { readonly reason: string; readonly column: string }>,
  ): Batch {
    const { reject } = this.options
    const first = this.rowIndex()
    const selection = new Int32Array(batch.length)
    let selectedCount = 0
    for (let row = 0; row < batch.length; row++) {
      const misfit = misfits.get(row)
      if (misfit === undefined) {
        selection[selectedCount++] = row
        continue
      }
      const { reason, column } = misfit
      if (reject === undefined)
        throw new MillraceError('input/undecodable', {
          what: `row ${first + row + 1} of a Parquet file does not fit the declared schema`,
          detail: `column "${column}": ${reason}`,
          hint: "declare the column as the file has it, or go on without such rows: read with { onError: 'reject' }",
          place: { file: this.file.name, row: first + row + 1, column },
        })
      const raw = new TextEncoder().encode(`row ${first + row + 1}`)
      reject({ raw, reason, code: 'input/undecodable', line: first + row + 1, byte: undefined, column })
    }
    return { ...batch, selection, selectedCount }
  }

  private placed(error: unknown): unknown {
    const place = { file: this.file.name, row: this.rowIndex() + 1 }
    return located(error, this.column === undefined ? place : { ...place, column: this.column })
  }
}
