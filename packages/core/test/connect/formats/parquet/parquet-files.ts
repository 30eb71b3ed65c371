/**
 * Parquet files in memory for tests: written, opened and read as rows.
 */
import type { Batch } from '../../../../src/data/batch.ts'
import { batchToRows } from '../../../../src/data/read-value.ts'
import type { Json, Schema } from '../../../../src/data/type.ts'
import type {
  RandomAccessFile,
  RandomFormat,
  RandomReaderOptions,
  RejectedRecord,
} from '../../../../src/connect/format.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { createNodeHost } from '../../../../src/host/node/index.ts'

export const { compression } = createNodeHost()

/** A file of some bytes; counts what is read. */
export function fileOf(bytes: Uint8Array, name = 'test.parquet'): RandomAccessFile & { bytesRead: number } {
  return {
    name,
    size: bytes.length,
    bytesRead: 0,
    async read(position, length) {
      if (position < 0 || position + length > bytes.length) throw new RangeError('read outside the file')
      this.bytesRead += length
      return bytes.slice(position, position + length)
    },
  }
}

/** The bytes of a file of batches. */
export function fileBytes(format: RandomFormat, schema: Schema, batches: readonly Batch[]): Uint8Array {
  const encoder = format.encoder(schema, { compression })
  const parts = [encoder.begin()?.slice() ?? new Uint8Array(0)]
  for (const batch of batches) parts.push(encoder.encode(batch).slice())
  parts.push(encoder.end()?.slice() ?? new Uint8Array(0))
  return new Uint8Array(Buffer.concat(parts))
}

/** How a file is read. */
export interface ReadOptions {
  readonly schema?: Schema
  readonly columns?: readonly string[]
  readonly predicate?: RandomReaderOptions['pushdown']['predicate']
  readonly rowsMax?: number
  readonly from?: Json
  readonly groups?: { readonly first: number; readonly last: number }
  readonly reject?: (record: RejectedRecord) => void
}

/** Options of `open`. */
export function readerOptions(options: ReadOptions = {}): RandomReaderOptions {
  return {
    compression,
    pushdown: { columns: options.columns, predicate: options.predicate },
    reject: options.reject,
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.groups === undefined ? {} : { groups: options.groups }),
  }
}

/** Hands every batch of a file to `use` while it is valid. */
export async function readBatches(
  file: RandomAccessFile,
  options: ReadOptions,
  use: (batch: Batch) => void,
): Promise<Schema> {
  const reader = await parquet().open(file, options.schema, readerOptions(options))
  for (;;) {
    const batch = await reader.read(options.rowsMax ?? 4096)
    if (batch === undefined) break
    use(batch)
  }
  await reader.close()
  return reader.schema
}

/** All rows of a file. */
export async function readRows(
  file: RandomAccessFile | Uint8Array,
  options: ReadOptions = {},
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  await readBatches(file instanceof Uint8Array ? fileOf(file) : file, options, (batch) => {
    rows.push(...batchToRows(batch))
  })
  return rows
}
