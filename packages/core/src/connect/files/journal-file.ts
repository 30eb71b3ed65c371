/**
 * The bytes of a journal: rows that a file sink has taken over and not shown yet, as they have to survive a crash.
 *
 * One file per task and attempt, only ever added to: a committable names a prefix of it. Blocks are batches in the column
 * codec, each with the number of the output file that its rows went into, so that a reader takes rows of files that
 * never came to be and leaves the others. Bytes: docs/internals/checkpoints.md. Invariants (tests quote them):
 *  J1  A reference (name, length, checksum) fixes every byte of the prefix: checksums of blocks are a chain that begins
 *      with the name.
 *  J2  No row of a damaged block is ever given out.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import { BatchEncoder, decodeBatch } from '../../data/codec.ts'
import { schemaFromJson, schemaToJson } from '../../data/schema-json.ts'
import type { Json, Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { ByteChecks, Host, OpenFile } from '../../host/host.ts'
import { BufferedFile } from './buffered-file.ts'
import { systemCode } from './file-errors.ts'
import { folderOf, joinPath } from './file-name.ts'

/** A durable prefix of a journal. */
export interface JournalReference {
  readonly [name: string]: Json
  /** Relative to the output folder. */
  readonly name: string
  readonly bytes: number
  readonly checksum: number
}

/** Rows of one batch, with the number of the file that each went into. */
export interface JournalRows {
  readonly batch: Batch
  /** By live row; a number: all rows into the same. */
  readonly files: number | Int32Array
}

const MAGIC = 0x4c_4a_52_4d
const FORMAT = 1
const HEADER_BYTES = 16

/** Writes one journal. */
export class JournalFile {
  readonly name: string
  /** Numbers of the files that its rows went into. */
  readonly files: Set<number> = new Set()
  /** Whether an answer of `prepare` has named it. */
  isNamed = false
  readonly #file: BufferedFile
  readonly #encoder: BatchEncoder
  readonly #checks: ByteChecks
  #checksum: number
  #syncedBytes = 0
  #synced: Promise<void> = Promise.resolve()

  /** @param name - relative to `folder` */
  constructor(options: {
    readonly host: Host
    readonly folder: string
    readonly name: string
    readonly schema: Schema
  }) {
    const { host, folder, name, schema } = options
    this.name = name
    this.#file = new BufferedFile({ host, path: joinPath(folder, name), compression: undefined })
    this.#encoder = new BatchEncoder(schema)
    this.#checks = host.bytes
    const header = encodeHeader(schema)
    this.#checksum = checksumOfHeader(this.#checks, name, header)
    this.#file.gather(header)
  }

  get bytes(): number {
    return this.#file.bytes
  }

  /** Adds rows; they are copied. A promise: too much waits to be written. */
  append({ batch, files }: JournalRows): Promise<void> | undefined {
    this.#file.rethrow()
    const numbers = encodeNumbers(files)
    // Files have columns only.
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
    for (const piece of [bytesOf(header, HEADER_BYTES), numbers, rows]) this.#file.gather(piece)
    if (typeof files === 'number') this.files.add(files)
    else for (const file of files) this.files.add(file)
    return this.#file.isCrowded ? this.#file.drained() : undefined
  }

  /** What is in it by now, and when that is durable. */
  mark(): { readonly reference: JournalReference; readonly durable: Promise<void> } {
    const { name, bytes } = this
    if (bytes > this.#syncedBytes) {
      this.#syncedBytes = bytes
      this.#synced = this.#file.sync()
      // Whoever prepares the epoch is told.
      this.#synced.catch(() => undefined)
    }
    return { reference: { name, bytes, checksum: this.#checksum }, durable: this.#synced }
  }

  /** Frees the handle. */
  leave(): Promise<void> {
    return this.#file.leave()
  }

  /** Removes the file. */
  abandon(): Promise<void> {
    return this.#file.abandon()
  }
}

/**
 * Reads the rows of a journal up to its reference, block by block.
 *
 * @throws MillraceError `output/lost` when they are not there as they were written.
 */
export async function* readJournal(
  host: Host,
  folder: string,
  reference: JournalReference,
): AsyncGenerator<JournalRows & { readonly files: Int32Array }> {
  const { name, bytes } = reference
  const lost = (reason: string, cause?: unknown): MillraceError =>
    lostRows(joinPath(folder, name), reason, cause)
  const file = await openJournal(host, joinPath(folder, name), lost)
  try {
    let at = 0
    const next = async (length: number): Promise<Uint8Array> => {
      if (at + length > bytes) throw lost('a length in it is damaged')
      const piece = await readExactly(file, at, length)
      if (piece === undefined) throw lost(`it ends before byte ${bytes}, up to which it was durable`)
      at += length
      return piece
    }
    const first = await next(HEADER_BYTES)
    const header = Buffer.concat([first, await next(textBytes(first, lost))])
    let checksum = checksumOfHeader(host.bytes, name, header)
    const schema = decodeSchema(header, lost)
    while (at < bytes) {
      const head = viewOf(await next(HEADER_BYTES))
      const body = await next(head.getUint32(0, true))
      checksum = checksumOfBlock(host.bytes, checksum, [bytesOf(head, 8), body])
      if (checksum !== head.getUint32(8, true) || head.getUint32(12, true) !== 0)
        throw lost('a checksum in it does not fit')
      yield decodeBlock(body, head.getUint32(4, true), schema)
    }
    if (checksum !== reference.checksum) throw lost('its checksum is not the one that was written down')
  } finally {
    await file.close()
  }
}

async function openJournal(
  host: Host,
  path: string,
  lost: (reason: string, cause?: unknown) => MillraceError,
): Promise<OpenFile> {
  try {
    return await host.files.open(path, 'read')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw lost('it is gone', error)
    throw error
  }
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

/** Undefined: the file ends before. */
async function readExactly(file: OpenFile, at: number, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length)
  for (let read = 0; read < length;) {
    const count = await file.read(bytes, read, length - read, at + read)
    if (count === 0) return undefined
    read += count
  }
  return bytes
}

function lostRows(path: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError('output/lost', {
    what: `rows that the output has taken over are lost: journal "${path}" cannot be read`,
    detail: reason,
    hint: `restore ${folderOf(path)} from a copy, or start from an earlier epoch with --from`,
    place: { file: path },
    cause,
  })
}
