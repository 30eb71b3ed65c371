/**
 * The second phase of file output: staged files appear under their final names, once, whoever does it and how often.
 *
 * A staged file gets its final name as a second one, the folder is synced, and only then the staged name goes: a rename
 * between two folders may lose both names with the power (invariant SD3 of the simulated disk). Where a file system has no
 * second names it is a rename. Invariants (tests quote them):
 *  V2  A finished name appears in one step, for a whole, synced file, and never replaces another. Without second names it
 *      is looked at directly before: only who puts a file of that very name there at that moment loses it.
 *  V6  Files that another process prepared are compared with the checksums that it wrote down before they are shown, and
 *      before they are taken for shown.
 *  V8  What is shown is noted before its staged name goes: files that somebody has taken away since are no losses.
 *  V9  Two attempts that commit the same files at the same time both succeed.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { FileStatus, Host } from '../../host/host.ts'
import type { CommitOutcome } from '../sink.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf, joinPath, lastSegment } from './file-name.ts'
import type { MadeFolders } from './made-folders.ts'
import { originOfFinished } from './output-name.ts'
import type { ShownMarks } from './shown-marks.ts'

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
/** How often a file is looked at that others move at the same time. */
const LOOKS_MAX = 4

/** What a file is that is not there. */
interface Lost {
  readonly reason: string
  readonly hint: string
}

/** What became of one list of files. */
interface ShownFiles {
  readonly files: readonly PreparedFile[]
  /** Those whose names were found or made now: they may not be durable yet. */
  readonly there: readonly PreparedFile[]
  readonly outcome: CommitOutcome
}

/** Publishes files of one output folder. */
export class FilePublisher {
  readonly #host: Host
  readonly #path: string
  readonly #folders: MadeFolders
  /** The error of something else under a final name. */
  readonly #inTheWay: (detail: string) => Error
  /** Whether files of this name were written by this process: then they need no reading again. */
  readonly #isOwn: (staged: string) => boolean
  /** Undefined: nobody goes on with the run. */
  readonly #marks: ShownMarks | undefined

  constructor(options: {
    readonly host: Host
    /** The output folder. */
    readonly path: string
    readonly folders: MadeFolders
    readonly inTheWay: (detail: string) => Error
    readonly isOwn: (staged: string) => boolean
    readonly marks: ShownMarks | undefined
  }) {
    this.#host = options.host
    this.#path = options.path
    this.#folders = options.folders
    this.#inTheWay = options.inTheWay
    this.#isOwn = options.isOwn
    this.#marks = options.marks
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

  /** Makes prepared files visible, with one outcome per list; safe to repeat. */
  async publish(lists: readonly (readonly PreparedFile[])[]): Promise<readonly CommitOutcome[]> {
    this.#marks?.lookAgain()
    const shown: ShownFiles[] = []
    for (const files of lists) shown.push(await this.#showAll(files))
    const whole = shown.filter(({ outcome }) => outcome.kind !== 'retry' && outcome.kind !== 'lost')
    await this.#syncFolders(whole.flatMap(({ there }) => there))
    const files = whole.flatMap(({ files }) => files)
    const failure = await this.#note(files)
    if (failure !== undefined) return shown.map((one) => (whole.includes(one) ? failure : one.outcome))
    // Rubbish from here on: what cannot be removed now is swept by a later attempt.
    for (const { staged } of files)
      await this.#host.files.remove(joinPath(this.#path, staged)).catch(() => undefined)
    return shown.map(({ outcome }) => outcome)
  }

  async #showAll(files: readonly PreparedFile[]): Promise<ShownFiles> {
    let published = 0
    let rows = 0
    const there: PreparedFile[] = []
    try {
      for (const file of files) {
        const outcome = await this.#publishOne(file)
        if (typeof outcome === 'object') return { files, there: [], outcome: { kind: 'lost', ...outcome } }
        if (outcome === 'published') published++
        rows += file.rows
        if (outcome !== 'noted') there.push(file)
      }
    } catch (error) {
      return { files, there: [], outcome: this.#retryOf(error) }
    }
    const isDone = published === 0 && files.length > 0
    return { files, there, outcome: isDone ? { kind: 'already-committed' } : { kind: 'committed', rows } }
  }

  /** What may pass by itself is tried again. */
  #retryOf(error: unknown): CommitOutcome {
    if (error instanceof MillraceError) throw error
    if (LASTING.has(systemCode(error))) throw outputError(error, pathOf(error) ?? this.#path)
    this.#folders.lookAgain()
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error), cause: error }
  }

  /** V8 */
  async #note(files: readonly PreparedFile[]): Promise<CommitOutcome | undefined> {
    try {
      await this.#marks?.note(files.map(({ final }) => final))
      return undefined
    } catch (error) {
      return this.#retryOf(error)
    }
  }

  async #syncFolders(files: readonly PreparedFile[]): Promise<void> {
    const folders = new Set(files.map(({ final }) => folderOf(joinPath(this.#path, final))))
    for (const folder of folders) {
      try {
        await this.#host.files.syncDirectory(folder)
      } catch (error) {
        // Somebody has taken it away with what it held.
        if (systemCode(error) !== 'ENOENT') throw outputError(error, this.#path)
      }
    }
  }

  /** Takes away staged names of files that are shown already: a loss of power may have brought them back. */
  async tidy(prepared: readonly PreparedFile[]): Promise<void> {
    const { files } = this.#host
    for (const { staged, final } of prepared) {
      // No power was lost since.
      if (this.#isOwn(staged)) continue
      const [left, shown] = [joinPath(this.#path, staged), joinPath(this.#path, final)]
      const [before, after] = [await files.status(left), await files.status(shown)]
      if (before === undefined || before.identity !== after?.identity) continue
      // That it was shown may not be durable.
      await files.syncDirectory(folderOf(shown))
      await files.remove(left)
    }
  }

  async #publishOne(file: PreparedFile): Promise<'published' | 'already' | 'noted' | Lost> {
    if (this.#marks?.isOwn(file.final) === true) return 'noted'
    for (let looks = 1; ; looks++) {
      try {
        const found = await this.#look(file)
        if (found !== 'staged') return found
        await this.#folders.create([folderOf(joinPath(this.#path, file.final))])
        await this.#show(joinPath(this.#path, file.staged), joinPath(this.#path, file.final))
        return 'published'
      } catch (error) {
        // Another attempt was faster (V9), or the folder is gone.
        const isOutrun = systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOENT'
        if (!isOutrun || looks === LOOKS_MAX) throw error
        this.#folders.lookAgain()
      }
    }
  }

  /** Where a prepared file is. */
  async #look(file: PreparedFile): Promise<'staged' | 'already' | 'noted' | Lost> {
    const { files } = this.#host
    const staged = joinPath(this.#path, file.staged)
    const final = joinPath(this.#path, file.final)
    const [before, after] = [await files.status(staged), await files.status(final)]
    if (after !== undefined && before?.identity === after.identity) return 'already'
    if (before === undefined) this.#marks?.lookAgain()
    if (!this.#isOwn(file.staged) && (await this.#marks?.has(file.final)) === true) return 'noted'
    if (after !== undefined) {
      const fault = await this.#faultOf(final, after, file)
      if (fault === undefined) return 'already'
      if (before !== undefined) throw this.#inTheWay(`"${file.final}" exists already`)
      return this.#lost(file, `staged file "${file.staged}" is gone and "${file.final}" ${fault}`)
    }
    if (before === undefined)
      return this.#lost(file, `staged file "${file.staged}" is gone and "${file.final}" is not there`)
    const fault = await this.#faultOf(staged, before, file)
    return fault === undefined ? 'staged' : this.#lost(file, `staged file "${file.staged}" ${fault}`)
  }

  #lost({ staged, final }: PreparedFile, reason: string): Lost {
    const epoch = originOfFinished(lastSegment(final))?.epoch ?? 1
    const [from, to] = [joinPath(this.#path, staged), joinPath(this.#path, final)]
    if (this.#marks === undefined)
      return { reason, hint: `nobody else may touch ${folderOf(from)} while a run writes: run it again` }
    return {
      reason,
      hint:
        `put the file back from a copy, as ${from} or as ${to}, and start again; ` +
        (epoch > 1
          ? `or go back with --from to epoch ${epoch - 1} or earlier, which writes a second time what is visible of later ones`
          : 'or begin with a new state directory, and --output-mode overwrite'),
    }
  }

  async #show(staged: string, final: string): Promise<void> {
    const { files } = this.#host
    try {
      await files.link(staged, final)
    } catch (error) {
      if (!NO_LINKS.has(systemCode(error))) throw error
      // V2
      if ((await files.status(final)) !== undefined)
        throw Object.assign(new Error(`EEXIST: ${final}`, { cause: error }), { code: 'EEXIST' })
      await files.rename(staged, final)
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
