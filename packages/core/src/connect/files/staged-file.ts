/**
 * One output file while it is written: batches in, durable bytes under a staged name out.
 *
 * Encoding happens at once, writing behind it: small pieces are gathered in a buffer and written while the next ones
 * are encoded; a large piece is written from where the encoder left it. Invariants (tests quote them):
 *  W1  An encoder is not called while its last bytes are still being written from its memory (F3).
 *  W2  At most `QUEUED_MAX` buffers wait to be written; a further one makes `write` answer with a promise.
 *  W3  After a failure nothing more is written, and the failure is what every later call reports.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { CompressionStream, Files, Host, OpenFile } from '../../host/host.ts'
import type { RecordEncoder } from '../format.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf } from './file-name.ts'
import type { FileCompression } from './file-name.ts'

const BUFFER_BYTES = 256 * 1024
const QUEUED_MAX = 2

/** What a staged file is made with. */
export interface StagedFileOptions {
  readonly host: Host
  /** Where it is written. */
  readonly path: string
  readonly encoder: RecordEncoder
  readonly compression: FileCompression | undefined
}

/** A file in the making. */
export class StagedFile {
  readonly path: string
  /** Rows taken so far. */
  rows = 0
  readonly #host: Host
  readonly #encoder: RecordEncoder
  readonly #compressor: CompressionStream | undefined
  #file: OpenFile | undefined
  #tail: Promise<void>
  #queued = 0
  #failure: { readonly error: unknown } | undefined
  #buffer: Uint8Array | undefined
  #buffered = 0
  #free: Uint8Array[] = []
  #writtenBytes = 0
  #wasOpened = false
  #isWhole = false

  constructor(options: StagedFileOptions) {
    const { host, path, encoder, compression } = options
    this.path = path
    this.#host = host
    this.#encoder = encoder
    this.#compressor = compression === undefined ? undefined : host.compression.compressor(compression)
    this.#tail = this.#guard(async () => {
      this.#file = await createFile(host.files, path)
      this.#wasOpened = true
    })
    const head = encoder.begin()
    // Heads are small: no one waits for them.
    if (head !== undefined) this.#gather(head)
  }

  /** How large the file would be if it ended now, about. */
  get bytes(): number {
    return this.#writtenBytes + this.#buffered + this.#encoder.estimatedBytes()
  }

  /** Takes the live rows of a batch. A promise: the encoder's memory or the queue is full. */
  write(batch: Batch): Promise<void> | undefined {
    this.#rethrow()
    const bytes = this.#encoder.encode(batch)
    this.rows += rowCount(batch)
    if (bytes.length < BUFFER_BYTES) {
      this.#gather(bytes)
      return this.#queued > QUEUED_MAX ? this.#drained() : undefined
    }
    this.#flush()
    this.#enqueue(bytes, undefined)
    return this.#drained()
  }

  /** Ends the file and makes it durable; resolves to its size. */
  async finish(): Promise<number> {
    await this.#drained()
    const tail = this.#encoder.end()
    if (tail !== undefined) {
      this.#flush()
      this.#enqueue(tail, undefined)
      await this.#drained()
    }
    this.#flush()
    await this.#drained()
    await this.#guard(async () => {
      const file = this.#file as OpenFile
      if (this.#compressor !== undefined) {
        const rest = await this.#compressor.end()
        await file.write(rest)
        this.#writtenBytes += rest.length
      }
      await file.sync()
    })
    await this.#guard(() => this.#closeFile())
    this.#rethrow()
    this.#isWhole = true
    return this.#writtenBytes
  }

  /** Gives the file up and removes it. Does nothing once `finish` has succeeded. */
  async abandon(): Promise<void> {
    if (this.#isWhole) return
    await this.#tail
    try {
      await this.#closeFile()
    } catch {
      // The file goes away: that its handle could not be closed well changes nothing.
    }
    // What cannot be removed now is swept by the next run.
    if (this.#wasOpened) await this.#host.files.remove(this.path).catch(() => undefined)
  }

  #gather(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      this.#buffer ??= this.#free.pop() ?? new Uint8Array(BUFFER_BYTES)
      const count = Math.min(bytes.length - start, BUFFER_BYTES - this.#buffered)
      this.#buffer.set(bytes.subarray(start, start + count), this.#buffered)
      this.#buffered += count
      start += count
      if (this.#buffered === BUFFER_BYTES) this.#flush()
    }
  }

  #flush(): void {
    const buffer = this.#buffer
    if (buffer === undefined || this.#buffered === 0) return
    this.#enqueue(buffer.subarray(0, this.#buffered), buffer)
    this.#buffer = undefined
    this.#buffered = 0
  }

  #enqueue(bytes: Uint8Array, buffer: Uint8Array | undefined): void {
    this.#queued++
    // Counted at once, so that the size to roll at does not depend on how fast the disk is; compressed bytes are not known yet.
    if (this.#compressor === undefined) this.#writtenBytes += bytes.length
    this.#tail = this.#tail
      .then(() => this.#guard(() => this.#put(bytes)))
      .then(() => {
        this.#queued--
        if (buffer !== undefined && this.#free.length < QUEUED_MAX) this.#free.push(buffer)
      })
  }

  async #put(bytes: Uint8Array): Promise<void> {
    const file = this.#file as OpenFile
    if (this.#compressor === undefined) return file.write(bytes)
    const compressed = await this.#compressor.push(bytes)
    this.#writtenBytes += compressed.length
    if (compressed.length > 0) await file.write(compressed)
  }

  async #drained(): Promise<void> {
    await this.#tail
    this.#rethrow()
  }

  /** Runs a step of writing unless one failed before; never rejects. */
  async #guard(step: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return
    try {
      await step()
    } catch (error) {
      this.#failure = { error: outputError(error, this.path) }
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

/** A new file, in a folder that someone may have cleared away meanwhile. */
async function createFile(files: Files, path: string): Promise<OpenFile> {
  try {
    return await files.open(path, 'create')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await files.makeDirectory(folderOf(path))
    return files.open(path, 'create')
  }
}
