/**
 * The second phase of file output: staged files appear under their final names, once, whoever does it and how often.
 *
 * A staged file gets its final name as a second one, the folder is synced, and only then the staged name goes: a rename
 * between two folders may lose both names with the power (invariant P3 of the simulated disk). Where a file system has no
 * second names it is a rename. Invariants (tests quote them):
 *  V2  A finished name appears in one step, for a whole, synced file, and never replaces another.
 *  V6  Files that another process prepared are compared with the checksums that it wrote down before they are shown, and
 *      before they are taken for shown.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { FileStatus, Host } from '../../host/host.ts'
import type { CommitOutcome } from '../sink.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf, joinPath } from './file-name.ts'
import type { MadeFolders } from './made-folders.ts'

/** A finished file that waits to become visible. Paths are relative to the output folder. */
export interface PreparedFile {
  readonly [name: string]: Json
  readonly staged: string
  readonly final: string
  readonly rows: number
  readonly bytes: number
  /** CRC-32 of the content; null: nobody goes on with the run, and who wrote the file shows it. */
  readonly checksum: number | null
}

/** Errors that another try will meet again. */
const LASTING: ReadonlySet<string> = new Set([
  'EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'EINVAL',
]) // prettier-ignore

/** What a system without second names for files says. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

const READ_BYTES = 1024 * 1024

/** Publishes files of one output folder. */
export class FilePublisher {
  readonly #host: Host
  readonly #path: string
  readonly #folders: MadeFolders
  /** The error of something else under a final name. */
  readonly #inTheWay: (detail: string) => Error
  /** Whether files of this name were written by this process: then they need no reading again. */
  readonly #isOwn: (staged: string) => boolean

  constructor(options: {
    readonly host: Host
    /** The output folder. */
    readonly path: string
    readonly folders: MadeFolders
    readonly inTheWay: (detail: string) => Error
    readonly isOwn: (staged: string) => boolean
  }) {
    this.#host = options.host
    this.#path = options.path
    this.#folders = options.folders
    this.#inTheWay = options.inTheWay
    this.#isOwn = options.isOwn
  }

  /** Makes the folders of prepared files: one that cannot be made is told before any of the files is visible. */
  async makeFolders(prepared: readonly PreparedFile[]): Promise<void> {
    try {
      await this.#folders.create(prepared.map(({ final }) => folderOf(joinPath(this.#path, final))))
    } catch (error) {
      // What may pass is met again, and tried again, by `publish`.
      if (error instanceof MillraceError) throw error
      if (LASTING.has(systemCode(error))) throw outputError(error, pathOf(error) ?? this.#path)
    }
  }

  /** Makes prepared files visible; safe to repeat. */
  async publish(prepared: readonly PreparedFile[]): Promise<CommitOutcome> {
    let published = 0
    let rows = 0
    const folders = new Set<string>()
    try {
      for (const file of prepared) {
        const outcome = await this.#publishOne(file)
        if (typeof outcome === 'object') return { kind: 'lost', reason: outcome.lost }
        if (outcome === 'published') published++
        rows += file.rows
        folders.add(folderOf(joinPath(this.#path, file.final)))
      }
    } catch (error) {
      if (error instanceof MillraceError) throw error
      if (LASTING.has(systemCode(error))) throw outputError(error, pathOf(error) ?? this.#path)
      this.#folders.lookAgain()
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error), cause: error }
    }
    try {
      for (const folder of folders) await this.#host.files.syncDirectory(folder)
    } catch (error) {
      throw outputError(error, this.#path)
    }
    // Rubbish from here on: what cannot be removed now is swept by a later attempt.
    for (const { staged } of prepared)
      await this.#host.files.remove(joinPath(this.#path, staged)).catch(() => undefined)
    return published === 0 && prepared.length > 0
      ? { kind: 'already-committed' }
      : { kind: 'committed', rows }
  }

  /** Takes away staged names of files that are shown already: a loss of power may have brought them back. */
  async tidy(prepared: readonly PreparedFile[]): Promise<void> {
    const { files } = this.#host
    for (const { staged, final } of prepared) {
      const [left, shown] = [joinPath(this.#path, staged), joinPath(this.#path, final)]
      const [before, after] = [await files.status(left), await files.status(shown)]
      if (before === undefined || before.identity !== after?.identity) continue
      // That it was shown may not be durable.
      await files.syncDirectory(folderOf(shown))
      await files.remove(left)
    }
  }

  async #publishOne(file: PreparedFile): Promise<'published' | 'already' | { readonly lost: string }> {
    const { files } = this.#host
    const staged = joinPath(this.#path, file.staged)
    const final = joinPath(this.#path, file.final)
    const [before, after] = [await files.status(staged), await files.status(final)]
    if (after !== undefined) {
      if (before !== undefined && before.identity === after.identity) return 'already'
      const fault = await this.#faultOf(final, after, file)
      if (fault === undefined) return 'already'
      if (before !== undefined) throw this.#inTheWay(`"${file.final}" exists already`)
      return { lost: `staged file "${file.staged}" is gone and "${file.final}" ${fault}` }
    }
    if (before === undefined)
      return { lost: `staged file "${file.staged}" is gone and "${file.final}" is not there` }
    const fault = await this.#faultOf(staged, before, file)
    if (fault !== undefined) return { lost: `staged file "${file.staged}" ${fault}` }
    await this.#folders.create([folderOf(final)])
    await this.#show(staged, final)
    return 'published'
  }

  async #show(staged: string, final: string): Promise<void> {
    try {
      await this.#host.files.link(staged, final)
    } catch (error) {
      if (!NO_LINKS.has(systemCode(error))) throw error
      await this.#host.files.rename(staged, final)
    }
  }

  /** How a file differs from what was prepared (V6). */
  async #faultOf(path: string, status: FileStatus, file: PreparedFile): Promise<string | undefined> {
    if (status.kind !== 'file') return 'is not a file'
    if (status.size !== file.bytes) return `has ${status.size} bytes and should have ${file.bytes}`
    if (file.checksum === null || this.#isOwn(file.staged)) return undefined
    return (await this.#checksumOf(path)) === file.checksum
      ? undefined
      : 'has another content than was written'
  }

  async #checksumOf(path: string): Promise<number> {
    const { files, bytes } = this.#host
    const file = await files.open(path, 'read')
    try {
      const buffer = new Uint8Array(READ_BYTES)
      let checksum = 0
      for (let at = 0; ;) {
        const count = await file.read(buffer, 0, READ_BYTES, at)
        if (count === 0) return checksum
        checksum = bytes.crc32(buffer.subarray(0, count), checksum)
        at += count
      }
    } finally {
      await file.close()
    }
  }
}

/** The path that a system error is about. */
function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined
}
