/**
 * A new file that is written behind its caller: bytes in, one after the other, durable where it is asked for.
 *
 * Small pieces are gathered in buffers and written while the next ones come; a large piece is written from where it lies.
 * Invariants (tests quote them):
 *  BF2  At most `QUEUED_MAX` buffers wait to be written; then the file is crowded, and who goes on waits.
 *  BF3  After a failure nothing more is written, and the failure is what every later call reports.
 *  BF4  The checksum is of the bytes that were given to the system, so that a file that reads otherwise is known for it.
 */
import type { CompressionStream, Files, Host, OpenFile } from '../../host/host.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf } from './file-name.ts'
import type { FileCompression } from './file-name.ts'

const BUFFER_BYTES = 256 * 1024
const QUEUED_MAX = 2

/** What a file is made with. */
export interface BufferedFileOptions {
  readonly host: Host
  readonly path: string
  readonly compression: FileCompression | undefined
  /** Whether another process may have to tell that the file is what was written. */
  readonly checksummed: boolean
}

/** A file that is whole. */
export interface FileEnd {
  readonly bytes: number
  /** CRC-32 of the content; null: nobody asked for it. */
  readonly checksum: number | null
}

/** A file in the making. */
export class BufferedFile {
  readonly path: string
  readonly #host: Host
  readonly #compressor: CompressionStream | undefined
  #file: OpenFile | undefined
  #tail: Promise<void>
  #queued = 0
  #failure: { readonly error: unknown } | undefined
  #buffer: Uint8Array | undefined
  #buffered = 0
  #free: Uint8Array[] = []
  #writtenBytes = 0
  #checksum: number | null
  #wasOpened = false
  #isWhole = false

  constructor({ host, path, compression, checksummed }: BufferedFileOptions) {
    this.path = path
    this.#checksum = checksummed ? 0 : null
    this.#host = host
    this.#compressor = compression === undefined ? undefined : host.compression.compressor(compression)
    this.#tail = this.#guard(async () => {
      this.#file = await createFile(host.files, path)
      this.#wasOpened = true
    })
  }

  /** Bytes so far, about: what the compressor holds is not counted. */
  get bytes(): number {
    return this.#writtenBytes + this.#buffered
  }

  /** Whether so much waits to be written that the caller should (BF2). */
  get isCrowded(): boolean {
    return this.#queued > QUEUED_MAX
  }

  /** Takes a copy of the bytes. */
  gather(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      this.#buffer ??= this.#free.pop() ?? new Uint8Array(BUFFER_BYTES)
      const count = Math.min(bytes.length - start, BUFFER_BYTES - this.#buffered)
      this.#buffer.set(bytes.subarray(start, start + count), this.#buffered)
      this.#buffered += count
      start += count
      if (this.#buffered === BUFFER_BYTES) this.#flush()
    }
  }

  /** Takes small bytes by copy, large ones as they lie. A promise: the bytes are in use, or the file is crowded. */
  append(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length < BUFFER_BYTES) {
      this.gather(bytes)
      return this.isCrowded ? this.drained() : undefined
    }
    this.#flush()
    this.#enqueue(bytes, undefined)
    return this.drained()
  }

  /** Resolves when nothing waits to be written but what is gathered. */
  async drained(): Promise<void> {
    await this.#tail
    this.rethrow()
  }

  /** Resolves when everything taken so far is durable; more may be taken meanwhile. Not for compressed files. */
  sync(): Promise<void> {
    this.#flush()
    this.#tail = this.#tail.then(() => this.#guard(() => (this.#file as OpenFile).sync()))
    return this.drained()
  }

  /** Ends the file and makes it durable. */
  async end(): Promise<FileEnd> {
    this.#flush()
    await this.drained()
    await this.#guard(async () => {
      const file = this.#file as OpenFile
      if (this.#compressor !== undefined) {
        const rest = await this.#compressor.end()
        this.#count(rest)
        await file.write(rest)
      }
      await file.sync()
    })
    await this.#guard(() => this.#closeFile())
    this.rethrow()
    this.#isWhole = true
    return { bytes: this.#writtenBytes, checksum: this.#checksum }
  }

  /** Frees the handle and leaves what was written. */
  async leave(): Promise<void> {
    this.#isWhole = true
    await this.#tail
    await this.#closeFile().catch(() => undefined)
  }

  /** Gives the file up and removes it. Does nothing once it has ended well, or was left. */
  async abandon(): Promise<void> {
    if (this.#isWhole) return
    await this.#tail
    // The file goes away: that its handle could not be closed well changes nothing.
    await this.#closeFile().catch(() => undefined)
    // What cannot be removed now is swept by the next run.
    if (this.#wasOpened) await this.#host.files.remove(this.path).catch(() => undefined)
  }

  /** Throws the failure, if there was one (BF3). */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
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
    if (this.#compressor === undefined) {
      this.#check(bytes)
      return file.write(bytes)
    }
    const compressed = await this.#compressor.push(bytes)
    this.#count(compressed)
    if (compressed.length > 0) await file.write(compressed)
  }

  #count(compressed: Uint8Array): void {
    this.#writtenBytes += compressed.length
    this.#check(compressed)
  }

  #check(bytes: Uint8Array): void {
    if (this.#checksum !== null) this.#checksum = this.#host.bytes.crc32(bytes, this.#checksum)
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
    await files.syncDirectory(folderOf(folderOf(path)))
    return files.open(path, 'create')
  }
}
