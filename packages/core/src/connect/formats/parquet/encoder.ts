/**
 * Writes batches as a Parquet file: columns to pages, one row group in memory at a time.
 *
 * A row group ends after so many rows or held bytes, whichever comes first; then its bytes are handed out and the
 * memory is used again, so what is held does not grow with the file.
 */
import { rowCount } from '../../../data/batch.ts'
import type { Batch } from '../../../data/batch.ts'
import type { Column } from '../../../data/column.ts'
import type { Schema } from '../../../data/type.ts'
import type { EncoderOptions, RecordEncoder } from '../../format.ts'
import { ByteSink } from './byte-sink.ts'
import { ColumnWriter } from './column-writer.ts'
import type { WriteCodec } from './column-writer.ts'
import { MAGIC } from './vocabulary.ts'
import { writeFooter } from './write-footer.ts'
import type { WrittenGroup } from './write-footer.ts'
import { writeLeaves } from './write-schema.ts'
import type { WriteLeaf } from './write-schema.ts'

/** How a file is written. */
export interface WriteOptions {
  readonly codec: WriteCodec
  /** Rows of a row group at most. */
  readonly rowGroupRows: number
  /** Encoded bytes of a row group at most, about. */
  readonly rowGroupBytes: number
  /** Pairs of texts for the footer. */
  readonly metadata: { readonly [key: string]: string }
}

/** Rows that all columns take before pages are looked at, at most: bounds how far a page overshoots. */
const SLICE_ROWS = 1024

/** Slices become shorter while they have more bytes than this: rows of a megabyte go one by one. */
const SLICE_BYTES = 4 << 20

const nothing = new Uint8Array(0)

/** The encoder of one file. */
export class ParquetEncoder implements RecordEncoder {
  private readonly schema: Schema
  private readonly options: WriteOptions
  private readonly leaves: readonly WriteLeaf[]
  private readonly writers: readonly ColumnWriter[]
  private readonly groups: WrittenGroup[] = []
  private readonly output = new ByteSink()
  private groupRows = 0
  private sliceRows = 64
  /** Bytes of the file before what `output` holds. */
  private position = 0

  constructor(schema: Schema, options: WriteOptions, { compression }: EncoderOptions) {
    this.schema = schema
    this.options = options
    this.leaves = writeLeaves(schema.fields)
    this.writers = this.leaves.map((leaf) => new ColumnWriter(leaf, options.codec, compression))
  }

  begin(): Uint8Array {
    this.position = MAGIC.length
    return MAGIC.slice()
  }

  encode(batch: Batch): Uint8Array {
    this.position += this.output.length
    this.output.length = 0
    const rows = rowCount(batch)
    for (let start = 0; start < rows;) {
      const count = Math.min(this.sliceRows, rows - start, this.options.rowGroupRows - this.groupRows)
      const before = this.heldBytes()
      this.appendRows(batch, start, count)
      start += count
      const held = this.heldBytes()
      this.sliceRows = Math.max(
        1,
        held - before > SLICE_BYTES ? count >> 2 : Math.min(SLICE_ROWS, this.sliceRows * 2),
      )
      if (this.groupRows >= this.options.rowGroupRows || held >= this.options.rowGroupBytes)
        this.finishGroup()
    }
    return this.output.length === 0 ? nothing : this.output.written()
  }

  private appendRows(batch: Batch, start: number, count: number): void {
    this.leaves.forEach((leaf, index) => {
      const column = batch.columns[leaf.column] as Column
      const writer = this.writers[index] as ColumnWriter
      writer.append(column, batch.selection, start, count)
    })
    this.groupRows += count
  }

  private heldBytes(): number {
    let sum = 0
    for (const writer of this.writers) sum += writer.heldBytes()
    return sum
  }

  private finishGroup(): void {
    if (this.groupRows === 0) return
    const chunks = this.writers.map((writer) => writer.finishChunk(this.output))
    // Offsets of chunks count from the beginning of `output`.
    this.groups.push({ start: this.position, rows: this.groupRows, chunks })
    this.groupRows = 0
  }

  end(): Uint8Array {
    this.position += this.output.length
    this.output.length = 0
    this.finishGroup()
    const { metadata, codec } = this.options
    const footer = writeFooter({ fields: this.schema.fields, groups: this.groups, codec, metadata })
    this.output.append(footer)
    return this.output.written()
  }

  estimatedBytes(): number {
    return this.heldBytes()
  }
}
