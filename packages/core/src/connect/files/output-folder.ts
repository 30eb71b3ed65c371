/**
 * The folder of an output: what lies in it, what of it may be touched, and how staged files become visible in it.
 *
 * Invariants (tests quote them):
 *  V1  Nothing is removed but staged files and finished files whose names a file sink gave.
 *  V2  A finished name appears by one rename of a whole, synced file.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { Files } from '../../host/host.ts'
import type { CommitOutcome, OutputMode } from '../sink.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf, isHidden, joinPath } from './file-name.ts'
import { STAGED_FOLDER, stagedName, writerOfFinished, writerOfStaged } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'
import { parsePartition } from './partition-path.ts'

/** A finished file that waits to become visible. Paths are relative to the output folder. */
export interface PreparedFile {
  readonly [name: string]: Json
  readonly staged: string
  readonly final: string
  readonly rows: number
  readonly bytes: number
}

/** What lies in an output folder for everyone to see. Paths are relative. */
interface Contents {
  /** Finished files by the names that file sinks give. */
  readonly finished: readonly { readonly path: string; readonly writer: string }[]
  /** Anything else. */
  readonly foreign: readonly string[]
  readonly partitions: readonly string[]
}

/** How long a staged file of another job that appends to the same folder is left alone. */
const STAGED_AGE_MS_MAX = 24 * 60 * 60 * 1000

/** What the file that tries whether the folder can be written is named by; left over, it is swept like any other. */
const PROBE = { task: 0, sequence: 999_999_999 }

/** An output folder of one sink. */
export class OutputFolder {
  readonly path: string
  readonly #files: Files
  readonly #writer: OutputWriter
  readonly #mode: OutputMode
  readonly #syncedFolders = new Set<string>()

  constructor(options: {
    readonly files: Files
    readonly path: string
    readonly writer: OutputWriter
    readonly mode: OutputMode
  }) {
    this.path = options.path
    this.#files = options.files
    this.#writer = options.writer
    this.#mode = options.mode
  }

  /** Creates the folder where it is missing, and checks that it may be written and holds nothing that is in the way. */
  async open(): Promise<void> {
    try {
      const status = await this.#files.status(this.path)
      if (status !== undefined && status.kind !== 'directory')
        throw this.#inTheWay('it is a file, and output is a folder')
      if (status === undefined) await this.#create(this.path)
      else this.#checkContents(await this.#contents())
      await this.#probe()
    } catch (error) {
      throw outputError(error, this.path)
    }
  }

  /** Path of a staged file. */
  staged(name: string): string {
    return joinPath(this.path, joinPath(STAGED_FOLDER, name))
  }

  /** Makes the names of staged files durable. */
  async syncStaged(): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    try {
      await this.#files.syncDirectory(folder)
    } catch (error) {
      throw outputError(error, folder)
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
        if (outcome === 'lost')
          return {
            kind: 'lost',
            reason: `staged file "${file.staged}" is gone and "${file.final}" is not whole`,
          }
        if (outcome === 'published') published++
        rows += file.rows
        folders.add(folderOf(joinPath(this.path, file.final)))
      }
    } catch (error) {
      if (error instanceof MillraceError) throw error
      if (['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error))) throw outputError(error, this.path)
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error), cause: error }
    }
    try {
      for (const folder of folders) await this.#files.syncDirectory(folder)
    } catch (error) {
      throw outputError(error, this.path)
    }
    return published === 0 && prepared.length > 0
      ? { kind: 'already-committed' }
      : { kind: 'committed', rows }
  }

  async #publishOne(file: PreparedFile): Promise<'published' | 'already' | 'lost'> {
    const staged = joinPath(this.path, file.staged)
    const final = joinPath(this.path, file.final)
    const [before, after] = [await this.#files.status(staged), await this.#files.status(final)]
    if (before === undefined) return after?.kind === 'file' && after.size === file.bytes ? 'already' : 'lost'
    if (before.size !== file.bytes) return 'lost'
    if (after !== undefined) throw this.#inTheWay(`"${file.final}" exists already`)
    await this.#create(folderOf(final))
    await this.#files.rename(staged, final)
    return 'published'
  }

  /** Removes staged files of earlier attempts and of jobs that are over, but for those in `keep`. */
  async sweep(keep: ReadonlySet<string>, nowMs: number): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    try {
      if ((await this.#files.status(folder))?.kind !== 'directory') return
      for (const { name, kind } of await this.#files.list(folder)) {
        const writer = writerOfStaged(name)
        if (kind !== 'file' || writer === undefined || keep.has(joinPath(STAGED_FOLDER, name))) continue
        if (!(await this.#mayRemove(joinPath(folder, name), writer, nowMs))) continue
        await this.#files.remove(joinPath(folder, name))
      }
    } catch (error) {
      throw outputError(error, folder)
    }
  }

  async #mayRemove(path: string, writer: OutputWriter, nowMs: number): Promise<boolean> {
    if (writer.id === this.#writer.id) return writer.attempt < this.#writer.attempt
    // A job that does not append has the folder for itself; otherwise another one may be at work.
    if (this.#mode !== 'append') return true
    const status = await this.#files.status(path)
    return status !== undefined && status.modifiedMs < nowMs - STAGED_AGE_MS_MAX
  }

  /** Removes what `overwrite` replaces. Called once everything new is visible. */
  async removeReplaced(): Promise<void> {
    if (this.#mode !== 'overwrite') return
    try {
      const { finished, partitions } = await this.#contents()
      for (const { path, writer } of finished) {
        if (writer !== this.#writer.id) await this.#files.remove(joinPath(this.path, path))
      }
      // Innermost first; a folder that is not empty stays.
      for (const folder of partitions.toReversed()) {
        await this.#files.removeDirectory(joinPath(this.path, folder)).catch(() => undefined)
      }
      await this.#files.syncDirectory(this.path)
    } catch (error) {
      throw outputError(error, this.path)
    }
  }

  /** Removes the folder of staged files when nothing is in it. */
  async removeStagedFolder(): Promise<void> {
    await this.#files.removeDirectory(joinPath(this.path, STAGED_FOLDER)).catch(() => undefined)
  }

  async #probe(): Promise<void> {
    await this.#files.makeDirectory(joinPath(this.path, STAGED_FOLDER))
    const path = this.staged(stagedName(this.#writer, PROBE))
    const file = await this.#files.open(path, 'overwrite')
    try {
      await file.write(new Uint8Array(1))
    } finally {
      await file.close()
      await this.#files.remove(path).catch(() => undefined)
    }
  }

  /** Creates a folder and the ones above it, durably. */
  async #create(folder: string): Promise<void> {
    if (this.#syncedFolders.has(folder)) return
    const missing: string[] = []
    for (let path = folder; (await this.#files.status(path)) === undefined; path = folderOf(path))
      missing.push(path)
    if (missing.length > 0) {
      await this.#files.makeDirectory(folder)
      for (const path of missing) await this.#files.syncDirectory(folderOf(path))
    }
    this.#syncedFolders.add(folder)
  }

  #checkContents(contents: Contents): void {
    if (this.#mode === 'append') return
    const [foreign] = contents.foreign
    if (foreign !== undefined) {
      throw this.#inTheWay(
        `it holds "${foreign}", which no file sink wrote`,
        this.#mode === 'overwrite'
          ? 'overwrite replaces output of earlier runs only: move the other files away, or choose another folder'
          : 'choose another folder, or use --output-mode append to add to this one',
      )
    }
    const older = contents.finished.find(({ writer }) => writer !== this.#writer.id)
    if (older === undefined || this.#mode === 'overwrite') return
    throw this.#inTheWay(`it holds "${older.path}" of an earlier run`)
  }

  #inTheWay(
    detail: string,
    hint = 'use --output-mode overwrite to replace it or append to add to it, or choose another folder',
  ): MillraceError {
    return new MillraceError('output/exists', {
      what: `output "${this.path}" is in use`,
      detail,
      hint,
      place: { file: this.path },
    })
  }

  async #contents(): Promise<Contents> {
    const finished: { path: string; writer: string }[] = []
    const foreign: string[] = []
    const partitions: string[] = []
    const visit = async (folder: string): Promise<void> => {
      for (const { name, kind } of await this.#files.list(joinPath(this.path, folder))) {
        if (isHidden(name)) continue
        const path = joinPath(folder, name)
        const writer = kind === 'file' ? writerOfFinished(name) : undefined
        if (writer !== undefined) finished.push({ path, writer })
        else if (kind === 'directory' && parsePartition(name) !== undefined) {
          partitions.push(path)
          await visit(path)
        } else foreign.push(path)
      }
    }
    await visit('')
    return { finished, foreign, partitions }
  }
}
