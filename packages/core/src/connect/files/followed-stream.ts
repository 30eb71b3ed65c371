/**
 * The bytes of a file that is followed by lines, as they come: for ever, until the file is deleted.
 *
 * The file that was opened is read on, whatever happens to its name: one that was renamed may still be written to. Bytes
 * are handed on only when what was read before them is still there: a file that was emptied and written again would give
 * rows that nobody has written.
 */
import type { FileStatus, Host, OpenFile } from '../../host/host.ts'
import type { ByteStream } from './byte-stream.ts'
import { changedError } from './file-errors.ts'
import { isSameIdentity } from './file-identity.ts'
import { MARK_BYTES, readRange } from './file-marks.ts'
import type { ReadMarks } from './file-marks.ts'
import { nameInFolder, REWRITTEN_HINT } from './followed-file.ts'
import type { FollowedFile } from './followed-file.ts'
import { ReadSamples } from './read-samples.ts'

/** By what the file is known when a run goes on behind a position. */
export interface FollowedMarks extends ReadMarks {
  /** Its size as far as it was seen. */
  readonly seen: number
  readonly identity: string
  /** The name that it had last. */
  readonly path: string
}

/** A file that grows. */
export class FollowedStream implements ByteStream {
  ended = false
  readonly outgrown = false
  readonly #host: Host
  readonly #file: OpenFile
  #path: string
  /** The file that had its name when another name was looked for in vain. */
  #namesake: string | undefined
  readonly #identity: string
  readonly #start: number
  readonly #deleted: () => void
  readonly #samples: ReadSamples
  /** The first bytes, as far as they were read. */
  readonly #head = new Uint8Array(MARK_BYTES)
  #headBytes = 0
  #headMark: number | undefined
  #position: number
  #size: number
  #links: number | undefined
  #isDeleted = false
  /** When the file was written to last, as far as what was read of it is known to be still there. */
  #verifiedMs: number

  /** `deleted` is told when the file is read to its end and gone for good. */
  constructor(
    host: Host,
    { file, path, status, head, tail }: FollowedFile,
    { start, deleted }: { readonly start: number; readonly deleted: () => void },
  ) {
    this.#host = host
    this.#deleted = deleted
    this.#file = file
    this.#path = path
    this.#identity = status.identity
    this.#start = start
    this.#position = start
    this.#size = status.size
    this.#verifiedMs = status.modifiedMs
    this.#samples = new ReadSamples(file, path)
    this.#samples.take(head, 0)
    this.#samples.take(tail, start - tail.length)
    this.#takeHead(head, 0)
  }

  async fill(target: Uint8Array, offset: number, length: number): Promise<number> {
    const from = this.#position
    let filled = 0
    while (filled < length) {
      const bytes = await this.#file.read(target, offset + filled, length - filled, from + filled)
      if (bytes === 0) break
      filled += bytes
    }
    if (filled === 0) {
      const { bytes, isGone } = await this.look()
      if (isGone) this.ended = bytes === this.#position
      this.#isDeleted = this.ended && this.#links === 0
      return 0
    }
    // Looked at behind the read: what was emptied before it shows.
    await this.#verify({ isAll: false })
    const bytes = target.subarray(offset, offset + filled)
    this.#samples.take(bytes, from)
    this.#takeHead(bytes, from)
    this.#position = from + filled
    return filled
  }

  verify(): Promise<FileStatus> {
    return this.#verify({ isAll: true })
  }

  async #verify({ isAll }: { readonly isAll: boolean }): Promise<FileStatus> {
    const status = await this.#file.status()
    const { size, modifiedMs, links } = status
    if (size < this.#position) {
      throw changedError(
        this.#path,
        `it had ${this.#position} bytes and has ${size}: a followed file may only grow`,
        REWRITTEN_HINT,
      )
    }
    if (modifiedMs !== this.#verifiedMs) await this.#samples.verify({ isAll, hint: REWRITTEN_HINT })
    this.#verifiedMs = modifiedMs
    this.#size = size
    this.#links = links
    return status
  }

  async look(): Promise<{ readonly bytes: number; readonly isGone: boolean }> {
    const own = await this.verify()
    const named = await this.#host.files.status(this.#path)
    if (named !== undefined && isSameIdentity(named.identity, own.identity))
      return { bytes: own.size, isGone: false }
    await this.#findName(own, named)
    const isGone = own.links === undefined ? named === undefined : own.links === 0
    if (isGone && named !== undefined) await this.#checkOther(own)
    return { bytes: own.size, isGone }
  }

  /** It was renamed, or deleted. */
  async #findName(own: FileStatus, named: FileStatus | undefined): Promise<void> {
    const namesake = named?.identity ?? ''
    if (own.links === 0 || namesake === this.#namesake) return
    this.#namesake = namesake
    const path = await nameInFolder(this.#host, { path: this.#path, identity: own.identity })
    if (path === undefined) return
    this.#path = path
    this.#namesake = undefined
  }

  /** The file that has taken the name of this one, which was deleted, must be another one, not this one written again. */
  async #checkOther(own: FileStatus): Promise<void> {
    const other = await this.#host.files.open(this.#path, 'read').catch(() => undefined)
    if (other === undefined) return
    try {
      const now = await readRange(other, 0, MARK_BYTES)
      const before = await readRange(this.#file, 0, MARK_BYTES)
      const both = Math.min(now.length, before.length)
      if (both === 0 || Buffer.compare(now.subarray(0, both), before.subarray(0, both)) !== 0) return
    } finally {
      await other.close()
    }
    throw changedError(
      this.#path,
      `another file has taken its name that begins as it does, and it had ${own.size} bytes: whether its rows are new cannot be told`,
      'add lines to the file instead of writing it again; new files need new names, or other first lines',
    )
  }

  peek(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, 0, target.length, position)
  }

  /** What a position needs so that a run which goes on behind it knows the file; `tail`: the bytes before it. */
  marks(byte: number, tail: Uint8Array): FollowedMarks {
    const { bytes } = this.#host
    const isWhole = byte >= MARK_BYTES
    const head = isWhole ? (this.#headMark ??= bytes.crc32(this.#head)) : bytes.crc32(tail)
    const seen = Math.max(this.#position, this.#size)
    return { head, tail: bytes.crc32(tail), seen, identity: this.#identity, path: this.#path }
  }

  inputBytes(): number {
    return this.#position - this.#start
  }

  close(): Promise<void> {
    // Before the handle goes: from then on another file may have the inode.
    if (this.#isDeleted) this.#deleted()
    return this.#file.close()
  }

  #takeHead(bytes: Uint8Array, position: number): void {
    if (position !== this.#headBytes || this.#headBytes >= MARK_BYTES) return
    const taken = bytes.subarray(0, MARK_BYTES - position)
    this.#head.set(taken, position)
    this.#headBytes += taken.length
  }
}
