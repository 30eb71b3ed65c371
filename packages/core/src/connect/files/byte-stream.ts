/**
 * The bytes of one input file in order, decompressed: what the record reader decodes.
 *
 * Not the buffers (chunk-feed.ts) and not the records. A stream notices when the file is no longer the one that was
 * listed: shrunk, replaced, written again, or (where that spoils it) grown.
 */
import type { CompressionStream, FileStatus, Host, OpenFile } from '../../host/host.ts'
import { changedError, checkUnchanged } from './file-errors.ts'
import { ReadSamples } from './read-samples.ts'
import type { FileCompression } from './file-name.ts'
import type { FollowedMarks } from './followed-stream.ts'
import { isSameIdentity } from './file-identity.ts'

/** What is known of the file from its listing. */
export interface ListedFile {
  readonly path: string
  readonly size: number
  readonly identity: string
  readonly modifiedMs: number
}

/** Bytes of a file in order. */
export interface ByteStream {
  /** Fills `target[offset … offset + length)` as far as it can at once: the bytes that came; 0 at the end (for now, when not `ended`). */
  fill(target: Uint8Array, offset: number, length: number): Promise<number>
  /** Nothing comes any more. */
  readonly ended: boolean
  /** The file went on beyond the end that its listing gave it. */
  readonly outgrown: boolean
  /** Bytes of the file itself read so far. */
  inputBytes(): number
  /** Throws input/changed when what was read is not what the file holds: asked at its end, and before a fault is told. */
  verify(): Promise<unknown>
  /** Of a file that is followed: how long it is now, and whether it has lost its name, so that no more will come. */
  look?(): Promise<{ readonly bytes: number; readonly isGone: boolean }>
  /** Of a file that is followed: reads beside the stream, which stays where it is. */
  peek?(target: Uint8Array, position: number): Promise<number>
  /** Of a file that is followed: what is kept with a position, behind these bytes. */
  marks?(byte: number, tail: Uint8Array): FollowedMarks
  close(): Promise<void>
}

/** Compressed bytes that are decompressed at a time: bounds what a small file can blow up to in one step. */
const COMPRESSED_STEP_BYTES = 64 * 1024

/** Where a stream starts. */
export interface StreamStart {
  /** Offset of the first byte, in the decompressed stream. */
  readonly start: number
  readonly compression: FileCompression | undefined
}

/** Opens the bytes of a file as it was listed. One that is followed by lines is followed-stream.ts. */
export async function openBytes(host: Host, listed: ListedFile, options: StreamStart): Promise<ByteStream> {
  const file = await host.files.open(listed.path, 'read')
  try {
    checkSame(listed, await file.status())
    if (options.compression === undefined) return new PlainStream(file, listed, options.start)
    const stream = new DecompressedStream(file, listed, host.compression.decompressor(options.compression))
    await stream.skip(options.start)
    return stream
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Throws input/changed when a file is not the one that was listed. It may have grown. */
function checkSame(listed: ListedFile, status: FileStatus): void {
  if (status.size > listed.size && isSameIdentity(status.identity, listed.identity)) return
  checkUnchanged(listed, status)
}

/** The file as it is, up to the size it was listed with. */
class PlainStream implements ByteStream {
  ended = false
  outgrown = false
  readonly #file: OpenFile
  readonly #listed: ListedFile
  readonly #start: number
  readonly #samples: ReadSamples
  #position: number

  constructor(file: OpenFile, listed: ListedFile, start: number) {
    this.#file = file
    this.#listed = listed
    this.#start = start
    this.#position = start
    this.#samples = new ReadSamples(file, listed.path)
  }

  async fill(target: Uint8Array, offset: number, length: number): Promise<number> {
    const { size } = this.#listed
    const wanted = Math.min(length, size - this.#position)
    let filled = 0
    while (filled < wanted) {
      const bytes = await this.#file.read(target, offset + filled, wanted - filled, this.#position)
      if (bytes === 0) break
      filled += bytes
      this.#position += bytes
    }
    this.#samples.take(target.subarray(offset, offset + filled), this.#position - filled)
    if (this.#position >= size) await this.#finish()
    else if (filled < wanted)
      throw changedError(this.#listed.path, `it had ${size} bytes and now ends after ${this.#position}`)
    return filled
  }

  async #finish(): Promise<void> {
    const status = await this.verify()
    this.ended = true
    this.outgrown = status.size > this.#listed.size
  }

  async verify(): Promise<FileStatus> {
    const status = await this.#file.status()
    checkSame(this.#listed, status)
    // A file that grew has a new time for that reason alone: only what was read of it can tell.
    if (status.size > this.#listed.size) await this.#samples.verify()
    return status
  }

  inputBytes(): number {
    return this.#position - this.#start
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** A compressed file. */
class DecompressedStream implements ByteStream {
  ended = false
  outgrown = false
  readonly #file: OpenFile
  readonly #listed: ListedFile
  readonly #decompressor: CompressionStream
  readonly #compressed: Uint8Array
  #position = 0
  #fed = false
  /** Decompressed and not yet taken. */
  #rest: Uint8Array = new Uint8Array(0)

  constructor(file: OpenFile, listed: ListedFile, decompressor: CompressionStream) {
    this.#file = file
    this.#listed = listed
    this.#decompressor = decompressor
    this.#compressed = new Uint8Array(Math.min(COMPRESSED_STEP_BYTES, Math.max(1, listed.size)))
  }

  async fill(target: Uint8Array, offset: number, length: number): Promise<number> {
    let filled = 0
    while (filled < length) {
      if (this.#rest.length === 0) {
        await this.#decompress()
        if (this.ended) break
        continue
      }
      const bytes = Math.min(length - filled, this.#rest.length)
      target.set(this.#rest.subarray(0, bytes), offset + filled)
      this.#rest = this.#rest.subarray(bytes)
      filled += bytes
    }
    return filled
  }

  /** Passes over decompressed bytes: the way to a position goes through all before it. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) await this.#decompress()
      if (this.ended)
        throw changedError(this.#listed.path, `it ends ${left} bytes before the position to go on from`)
      const bytes = Math.min(left, this.#rest.length)
      this.#rest = this.#rest.subarray(bytes)
      left -= bytes
    }
  }

  /** The next compressed bytes; sets `ended` when there are none and nothing came out. */
  async #decompress(): Promise<void> {
    if (this.#fed) {
      this.ended = true
      return
    }
    const wanted = Math.min(this.#compressed.length, this.#listed.size - this.#position)
    const bytes = wanted === 0 ? 0 : await this.#file.read(this.#compressed, 0, wanted, this.#position)
    this.#position += bytes
    if (bytes > 0) {
      this.#rest = await this.#decompressor.push(this.#compressed.subarray(0, bytes))
      return
    }
    await this.verify()
    this.#fed = true
    this.#rest = await this.#decompressor.end()
  }

  async verify(): Promise<void> {
    checkUnchanged(this.#listed, await this.#file.status())
  }

  inputBytes(): number {
    return this.#position
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
