/**
 * Staged rows as requests: the same rows give the same requests, in any process, so that a key names one body for ever.
 */
import { sliceBatch } from '../../data/slice-batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Batch } from '../../data/batch.ts'
import type { Json } from '../../data/type.ts'
import { JsonEncoder } from '../formats/json/json-encoder.ts'
import type { JournalReference } from '../journal-blocks.ts'

/** Names the staged rows of one task and epoch, and how they are cut into requests. */
export interface HttpCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly lineage: string
  readonly epoch: number
  readonly attempt: number
  readonly task: number
  readonly rows: number
  /** Where they are staged. */
  readonly kept: JournalReference
  readonly format: 'ndjson' | 'json'
  readonly maxRows: number
  readonly maxBytes: number
}

/** One request. */
export interface RowsRequest {
  /** From 0. */
  readonly number: number
  readonly rows: number
  readonly body: Uint8Array
}

interface Piece {
  readonly rows: number
  readonly bytes: Uint8Array
}

/** Cuts rows into requests, in their order. */
export async function* requestsOf(
  batches: AsyncIterable<Batch>,
  { format, maxRows, maxBytes }: Pick<HttpCommittable, 'format' | 'maxRows' | 'maxBytes'>,
): AsyncGenerator<RowsRequest> {
  let number = 0
  let pieces: Piece[] = []
  let rows = 0
  let bytes = 0
  const request = (): RowsRequest => {
    const made = { number: number++, rows, body: bodyOf(pieces, format) }
    pieces = []
    rows = 0
    bytes = 0
    return made
  }
  let encoder: JsonEncoder | undefined
  for await (const batch of batches) {
    encoder ??= new JsonEncoder(batch.schema, { framing: 'lines', timestamps: 'iso', epochUnit: 'ms' })
    for (const piece of piecesOf(batch, encoder, { maxRows, maxBytes })) {
      if (rows > 0 && (rows + piece.rows > maxRows || bytes + piece.bytes.length > maxBytes)) yield request()
      pieces.push(piece)
      rows += piece.rows
      bytes += piece.bytes.length
    }
  }
  if (rows > 0) yield request()
}

/** The name of a request, the same for every attempt to send it: what a service tells repeated ones by. */
export function idempotencyKey(
  { lineage, epoch, task }: Pick<HttpCommittable, 'lineage' | 'epoch' | 'task'>,
  step: string,
  number: number,
): string {
  // A header takes ASCII only.
  return `${lineage}.${encodeURIComponent(step)}.${epoch}.${task}.${number}`
}

/** Rows as lines, no piece above the bounds unless it is a single row. */
function* piecesOf(
  batch: Batch,
  encoder: JsonEncoder,
  bounds: { readonly maxRows: number; readonly maxBytes: number },
): Generator<Piece> {
  const count = rowCount(batch)
  for (let from = 0; from < count; from += bounds.maxRows)
    yield* halves(batch, encoder, { from, to: Math.min(count, from + bounds.maxRows), most: bounds.maxBytes })
}

function* halves(
  batch: Batch,
  encoder: JsonEncoder,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Generator<Piece> {
  const encoded = encoder.encode(sliceBatch(batch, from, to - from))
  if (encoded.length <= most || to - from === 1) {
    yield { rows: to - from, bytes: Uint8Array.from(encoded) }
    return
  }
  const middle = (from + to) >> 1
  yield* halves(batch, encoder, { from, to: middle, most })
  yield* halves(batch, encoder, { from: middle, to, most })
}

const LINE_FEED = 10
const COMMA = 44

/** Lines as they are, or as the elements of an array: a line feed stands between records only. */
function bodyOf(pieces: readonly Piece[], format: 'ndjson' | 'json'): Uint8Array {
  const lines = Buffer.concat(pieces.map(({ bytes }) => bytes))
  if (format === 'ndjson') return lines
  const body = Buffer.concat([Buffer.from('['), lines.subarray(0, -1), Buffer.from(']')])
  for (let at = body.indexOf(LINE_FEED); at !== -1; at = body.indexOf(LINE_FEED, at)) body[at] = COMMA
  return body
}
