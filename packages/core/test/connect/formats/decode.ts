/** Drives decoders and encoders in tests the way connect/files does: chunks of any size, the tail pushed again. */
import type { Batch } from '../../../src/data/batch.ts'
import { batchToRows } from '../../../src/data/read-value.ts'
import type { Json, Schema } from '../../../src/data/type.ts'
import type { RecordFormat, RejectedRecord } from '../../../src/connect/format.ts'

export interface Rejection {
  readonly text: string
  readonly reason: string
  readonly code: string
  readonly line: number
  readonly byte: number | undefined
  readonly column: string | undefined
}

export interface DecodeOptions {
  readonly columns?: readonly string[]
  /** Sizes of the chunks, repeated; default: one chunk. */
  readonly chunks?: readonly number[]
  readonly rowsMax?: number
  /** Collect rejected records instead of throwing. */
  readonly rejecting?: boolean
  readonly from?: { readonly byte: number; readonly line: number; readonly resume: Json }
  /** Called behind every push with where the decoder stands and how many rows it gave so far. */
  readonly onPush?: (place: { byte: number; line: number; resume: Json }, rows: number) => void
  readonly onBatch?: (batch: Batch) => void
  /** Bytes of rubbish around every chunk, to notice reads outside the range. */
  readonly padding?: number
}

export interface Decoded {
  readonly rows: Record<string, unknown>[]
  readonly rejected: Rejection[]
  readonly line: number
}

/** Decodes bytes in chunks. */
export function decodeBytes(
  format: RecordFormat,
  schema: Schema,
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Decoded {
  const rejected: Rejection[] = []
  const { rowsMax = 1000, padding = 0, from } = options
  const decoder = format.decoder(schema, {
    columns: options.columns,
    file: 'test.data',
    ...(from === undefined ? {} : from),
    reject: options.rejecting === true ? (record) => rejected.push(copyOf(record)) : undefined,
  })
  const rows: Record<string, unknown>[] = []
  const sizes = options.chunks ?? [Math.max(1, bytes.length)]
  let available = from?.byte ?? 0
  let consumed = available
  for (let turn = 0; ; turn++) {
    const size = sizes[turn % sizes.length] as number
    available = Math.min(bytes.length, available + Math.max(1, size))
    const final = available === bytes.length
    for (;;) {
      // Every push gets memory of its own, filled with rubbish around the range.
      const chunk = new Uint8Array(available - consumed + 2 * padding).fill(0x7b)
      chunk.set(bytes.subarray(consumed, available), padding)
      const taken = decoder.push(chunk, padding, padding + available - consumed, final, rowsMax)
      if (taken < 0 || taken > available - consumed) throw new Error(`consumed ${taken}`)
      consumed += taken
      const full = decoder.rows >= rowsMax
      const batch = decoder.take()
      if ((batch?.length ?? 0) !== decoder.rows) throw new Error('rows and batch differ')
      if (batch !== undefined) {
        options.onBatch?.(batch)
        rows.push(...batchToRows(batch))
      }
      options.onPush?.({ byte: consumed, line: decoder.line, resume: decoder.resume() }, rows.length)
      if (!full) break
    }
    if (final) break
  }
  if (consumed !== bytes.length) throw new Error(`${bytes.length - consumed} bytes were not consumed`)
  return { rows, rejected, line: decoder.line }
}

/** Encodes batches to one file. */
export function encodeBatches(format: RecordFormat, schema: Schema, batches: readonly Batch[]): Buffer {
  const encoder = format.encoder(schema, { compression: undefined as never })
  const parts: Buffer[] = []
  const keep = (bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) parts.push(Buffer.from(bytes))
  }
  keep(encoder.begin())
  for (const batch of batches) keep(encoder.encode(batch))
  keep(encoder.end())
  return Buffer.concat(parts)
}

function copyOf(record: RejectedRecord): Rejection {
  return {
    text: Buffer.from(record.raw).toString('utf8'),
    reason: record.reason,
    code: record.code,
    line: record.line,
    byte: record.byte,
    column: record.column,
  }
}
