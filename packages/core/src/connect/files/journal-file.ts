/**
 * A journal as a file beside an output: rows that a file sink has taken over and not shown yet.
 *
 * One file per task and attempt, only ever added to: a committable names a prefix of it. What its bytes are is
 * journal-blocks.ts.
 */
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { Host, OpenFile } from '../../host/host.ts'
import { JournalEncoder, readBlocks } from '../journal-blocks.ts'
import type { JournalReference, JournalRows } from '../journal-blocks.ts'
import { BufferedFile } from './buffered-file.ts'
import { systemCode } from './file-errors.ts'
import { folderOf, joinPath } from './file-name.ts'

/** How many of some rows go into a file. */
export interface FileRows {
  readonly file: number
  readonly rows: number
}

/** Writes one journal. */
export class JournalFile {
  readonly name: string
  /** Rows of files that have not ended, by their numbers. */
  readonly live: Map<number, number> = new Map()
  /** Whether an answer of `prepare` has named it. */
  isNamed = false
  /** Whether its name is durable. */
  isListed = false
  /** Whether all of it is durable, and no more rows come. */
  isDone = false
  readonly #host: Host
  readonly #file: BufferedFile
  readonly #encoder: JournalEncoder
  #rows = 0
  #isFull = false
  #liveRows = 0
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
    this.#host = host
    // Its blocks have checksums of their own (J1).
    const path = joinPath(folder, name)
    this.#file = new BufferedFile({ host, path, compression: undefined, checksummed: false })
    this.#encoder = new JournalEncoder(host.bytes, name, schema)
    this.#file.gather(this.#encoder.header)
  }

  get bytes(): number {
    return this.#file.bytes
  }

  /** Bytes of rows whose files have not ended, about. */
  get liveBytes(): number {
    return this.#rows === 0 ? 0 : (this.bytes * this.#liveRows) / this.#rows
  }

  get reference(): JournalReference {
    return { name: this.name, bytes: this.bytes, checksum: this.#encoder.checksum }
  }

  /** Adds rows, so many of each file; they are copied. A promise: too much waits to be written. */
  append(rows: JournalRows, counts: readonly FileRows[]): Promise<void> | undefined {
    this.#file.rethrow()
    for (const piece of this.#encoder.encode(rows)) this.#file.gather(piece)
    for (const { file, rows: count } of counts) {
      this.live.set(file, (this.live.get(file) ?? 0) + count)
      this.#rows += count
      this.#liveRows += count
    }
    return this.#file.isCrowded ? this.#file.drained() : undefined
  }

  /** A file has ended: its rows here count no more. */
  fileEnded(file: number): void {
    this.#liveRows -= this.live.get(file) ?? 0
    this.live.delete(file)
  }

  /** No more rows: makes all of it durable and frees the handle (J5). */
  fill(): void {
    this.#isFull = true
    this.#sync()
  }

  /** What is in it by now, and when that is durable. */
  mark(): { readonly reference: JournalReference; readonly durable: Promise<void> } {
    if (this.bytes > this.#syncedBytes) this.#sync()
    return { reference: this.reference, durable: this.#synced }
  }

  /** Resolves when it is done; rejects when that failed. */
  whenDone(): Promise<void> {
    return this.#synced
  }

  #sync(): void {
    this.#syncedBytes = this.bytes
    this.#synced = this.#isFull ? this.#syncAndLeave() : this.#file.sync()
    // Whoever prepares the epoch is told.
    this.#synced.catch(() => undefined)
  }

  async #syncAndLeave(): Promise<void> {
    await this.#file.sync()
    this.isDone = true
    await this.#file.leave()
  }

  /** Frees the handle. */
  leave(): Promise<void> {
    return this.#file.leave()
  }

  /** Removes the file. */
  async abandon(): Promise<void> {
    await this.#file.abandon()
    // A file that was left stays otherwise.
    if (this.isDone) await this.#host.files.remove(this.#file.path).catch(() => undefined)
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
  const path = joinPath(folder, reference.name)
  const lost = (reason: string, cause?: unknown): MillraceError => lostRows(path, reason, cause)
  const file = await openJournal(host, path, lost)
  try {
    const read = (at: number, length: number) => readExactly(file, at, length)
    yield* readBlocks({ checks: host.bytes, reference, read, lost })
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
