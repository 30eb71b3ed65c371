/**
 * The bytes of a journal: rows that a sink has taken over and not shown yet, as they have to survive a crash.
 *
 * Blocks are batches in the column codec, each with numbers beside its rows (for files: of the output file that each went
 * into), so that a reader takes the rows that count and leaves the others. Where the bytes lie is for others to say:
 * files/journal-file.ts, http/staged-rows.ts. Byte for byte: docs/internals/checkpoints.md. Invariants (tests quote them):
 *  J1  A reference (name, length, checksum) fixes every byte of the prefix: checksums of blocks are a chain that begins
 *      with the name.
 *  J2  No row of a damaged block is ever given out.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { BatchEncoder, decodeBatch } from '../data/codec.ts'
import { schemaFromJson, schemaToJson } from '../data/schema-json.ts'
import type { Json, Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'

/** A durable prefix of a journal. */
export interface JournalReference {
  readonly [name: string]: Json
  readonly name: string
  readonly bytes: number
  readonly checksum: number
}

/** Rows of one batch, with a number for each. */
export interface JournalRows {
  readonly batch: Batch
  /** By live row; a number: the same for all rows. */
  readonly files: number | Int32Array
}

const MAGIC = 0x4c_4a_52_4d
const FORMAT = 1
const HEADER_BYTES = 16

/** Encodes one journal from its beginning. */
export class JournalEncoder {
  /** What comes before all blocks. */
  readonly header: Uint8Array
  readonly #encoder: BatchEncoder
  readonly #checks: ByteChecks
  #checksum: number

  constructor(checks: ByteChecks, name: string, schema: Schema) {
    this.#checks = checks
    this.#encoder = new BatchEncoder(schema)
    this.header = encodeHeader(schema)
    this.#checksum = checksumOfHeader(checks, name, this.header)
  }

  /** Of the header and all blocks so far. */
  get checksum(): number {
    return this.#checksum
  }

  /** One block, in pieces that are good until the next call. */
  encode({ batch, files }: JournalRows): readonly Uint8Array[] {
    const numbers = encodeNumbers(files)
    // Outputs have columns only.
    const rows = this.#encoder.encode({
      ...batch,
      eventTime: undefined,
      weights: undefined,
      order: undefined,
    })
    const header = new DataView(new ArrayBuffer(HEADER_BYTES))
    header.setUint32(0, numbers.length + rows.length, true)
    header.setUint32(4, typeof files === 'number' ? 1 : rowCount(batch), true)
    this.#checksum = checksumOfBlock(this.#checks, this.#checksum, [bytesOf(header, 8), numbers, rows])
    header.setUint32(8, this.#checksum, true)
    return [bytesOf(header, HEADER_BYTES), numbers, rows]
  }
}

/** What a reader of a journal is given. */
export interface JournalBytes {
  readonly checks: ByteChecks
  readonly reference: JournalReference
  /** Exactly these bytes; undefined: the journal ends before. */
  read(at: number, length: number): Promise<Uint8Array | undefined>
  /** The error of rows that are not there as they were written. */
  lost(reason: string, cause?: unknown): MillraceError
}

/** Reads the rows of a journal up to its reference, block by block. */
export async function* readBlocks({
  checks,
  reference,
  read,
  lost,
}: JournalBytes): AsyncGenerator<JournalRows & { readonly files: Int32Array }> {
  const { name, bytes } = reference
  let at = 0
  const next = async (length: number): Promise<Uint8Array> => {
    if (at + length > bytes) throw lost('a length in it is damaged')
    const piece = await read(at, length)
    if (piece === undefined) throw lost(`it ends before byte ${bytes}, up to which it was durable`)
    at += length
    return piece
  }
  const first = await next(HEADER_BYTES)
  const header = Buffer.concat([first, await next(textBytes(first, lost))])
  let checksum = checksumOfHeader(checks, name, header)
  const schema = decodeSchema(header, lost)
  while (at < bytes) {
    const head = viewOf(await next(HEADER_BYTES))
    const body = await next(head.getUint32(0, true))
    checksum = checksumOfBlock(checks, checksum, [bytesOf(head, 8), body])
    if (checksum !== head.getUint32(8, true) || head.getUint32(12, true) !== 0)
      throw lost('a checksum in it does not fit')
    yield decodeBlock(body, head.getUint32(4, true), schema)
  }
  if (checksum !== reference.checksum) throw lost('its checksum is not the one that was written down')
}

function encodeHeader(schema: Schema): Uint8Array {
  const text = Buffer.from(JSON.stringify(schemaToJson(schema)), 'utf8')
  const header = Buffer.alloc(HEADER_BYTES + padded(text.length), ' ')
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt32LE(FORMAT, 4)
  header.writeUInt32LE(header.length - HEADER_BYTES, 8)
  header.writeUInt32LE(0, 12)
  text.copy(header, HEADER_BYTES)
  return header
}

/** Length of the text behind a header. */
function textBytes(header: Uint8Array, lost: (reason: string) => MillraceError): number {
  const view = viewOf(header)
  if (view.getUint32(0, true) !== MAGIC) throw lost('it does not begin as a journal')
  const format = view.getUint32(4, true)
  if (format === FORMAT) return view.getUint32(8, true)
  throw new MillraceError('checkpoint/newer-format', {
    what: `a journal of an output was written in format ${format}, this release reads up to ${FORMAT}`,
    hint: 'run the release that wrote it, or a newer one',
  })
}

function decodeSchema(header: Buffer, lost: (reason: string, cause: unknown) => MillraceError): Schema {
  try {
    return schemaFromJson(JSON.parse(header.toString('utf8', HEADER_BYTES)))
  } catch (error) {
    throw lost('the schema in it is damaged', error)
  }
}

function decodeBlock(
  body: Uint8Array,
  count: number,
  schema: Schema,
): { readonly batch: Batch; readonly files: Int32Array } {
  const numbers = new Int32Array(body.buffer, body.byteOffset, count)
  const batch = decodeBatch(body.subarray(padded(count * 4)), schema)
  // One number is for all rows.
  const files = numbers.length === batch.length ? numbers : new Int32Array(batch.length).fill(numbers[0] ?? 0)
  return { batch, files }
}

function encodeNumbers(files: number | Int32Array): Uint8Array {
  const list = typeof files === 'number' ? [files] : files
  const numbers = new Int32Array(padded(list.length * 4) / 4)
  numbers.set(list)
  return new Uint8Array(numbers.buffer)
}

/** J1 */
function checksumOfHeader(checks: ByteChecks, name: string, header: Uint8Array): number {
  return checks.crc32(header, checks.crc32(Buffer.from(`${name}\n`, 'utf8')))
}

function checksumOfBlock(checks: ByteChecks, before: number, pieces: readonly Uint8Array[]): number {
  return pieces.reduce((checksum, piece) => checks.crc32(piece, checksum), before)
}

/** Sections begin at multiples of 8. */
function padded(bytes: number): number {
  return (bytes + 7) & ~7
}

function bytesOf(view: DataView, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, length)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
