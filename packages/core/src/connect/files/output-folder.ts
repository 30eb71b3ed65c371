/**
 * The folder of an output: what lies in it, what of it may be touched, and how staged files become visible in it.
 *
 * Invariants (tests quote them):
 *  V1  Nothing is removed but staged files and finished files whose names a file sink gave.
 *  V2  A finished name appears by one rename of a whole, synced file.
 *  V3  Staged files of another writer are removed when it is certainly dead, or when nothing is known of it and they are
 *      older than a day: in every mode.
 *  V4  What overwrites replaces the finished files that were there when it began, and no others: once every sink of the
 *      run has committed.
 *  V5  A run that fails leaves no staged files, and no folders that it made and that hold nothing.
 */
import { MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { Files, Host } from '../../host/host.ts'
import type { CommitOutcome, OutputMode } from '../sink.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf, isHidden, joinPath } from './file-name.ts'
import { FolderOwners } from './folder-owners.ts'
import type { OwnerState } from './folder-owners.ts'
import { ownerName, STAGED_FOLDER, writerOfFinished, writerOfOwner, writerOfStaged } from './output-name.ts'
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

/** How long staged files are left alone when it cannot be known whether their writer lives. */
const STAGED_AGE_MS_MAX = 24 * 60 * 60 * 1000

/** Errors that another try will meet again. */
const LASTING: ReadonlySet<string> = new Set([
  'EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'EINVAL',
]) // prettier-ignore

/** An output folder of one sink. */
export class OutputFolder {
  readonly path: string
  readonly #host: Host
  readonly #files: Files
  readonly #writer: OutputWriter
  readonly #mode: OutputMode
  readonly #owners: FolderOwners
  readonly #syncedFolders = new Set<string>()
  /** Folders that were not there before, outer ones first. */
  readonly #made: string[] = []
  /** What `overwrite` replaces (V4). */
  #replaced: Pick<Contents, 'finished' | 'partitions'> = { finished: [], partitions: [] }

  constructor(options: {
    readonly host: Host
    readonly path: string
    readonly writer: OutputWriter
    readonly mode: OutputMode
  }) {
    this.path = options.path
    this.#host = options.host
    this.#files = options.host.files
    this.#writer = options.writer
    this.#mode = options.mode
    this.#owners = new FolderOwners(options.host, joinPath(options.path, STAGED_FOLDER), options.writer)
  }

  /**
   * Creates the folder where it is missing, and checks that it may be written and holds nothing that is in the way.
   * Of two runs that do not append and begin at the same moment at least one is refused.
   */
  async open(): Promise<void> {
    try {
      const status = await this.#files.status(this.path)
      if (status !== undefined && status.kind !== 'directory')
        throw this.#inTheWay(
          'it is a file, and output is a folder',
          'name a folder, or one that does not exist yet',
        )
      if (status === undefined) await this.#create(this.path)
      // What is in the way already is told without a trace.
      else this.#checkContents(await this.#contents())
      await this.#owners.claim()
      if (this.#mode !== 'append') await this.#checkAlone()
    } catch (error) {
      await this.release()
      await this.#removeMade()
      throw outputError(error, this.path)
    }
  }

  /** With our record written: another run has seen it, or we see that run or what it wrote. */
  async #checkAlone(): Promise<void> {
    const other = await this.#owners.findOther()
    if (other !== undefined) {
      throw this.#inTheWay(
        `another run is writing to it: process ${other.pid} on ${other.machine}`,
        'wait for it to end, or choose another folder; runs that share one use --output-mode append',
      )
    }
    const contents = await this.#contents()
    this.#checkContents(contents)
    if (this.#mode !== 'overwrite') return
    const { finished, partitions } = contents
    this.#replaced = { finished: finished.filter(({ writer }) => writer !== this.#writer.id), partitions }
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

  /** Makes the folders of prepared files: one that cannot be made is told before any of the files is visible. */
  async makeFolders(prepared: readonly PreparedFile[]): Promise<void> {
    try {
      for (const { final } of prepared) await this.#create(folderOf(joinPath(this.path, final)))
    } catch (error) {
      // What may pass is met again, and tried again, by `publish`.
      if (error instanceof MillraceError) throw error
      if (LASTING.has(systemCode(error))) throw outputError(error, pathOf(error) ?? this.path)
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
      if (LASTING.has(systemCode(error))) throw outputError(error, pathOf(error) ?? this.path)
      // A folder that was there may have been removed as an empty one: the next try looks again.
      this.#syncedFolders.clear()
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

  /** Removes staged files of earlier attempts and of runs that are over (V3), but for those in `keep`. */
  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    try {
      if ((await this.#files.status(folder))?.kind !== 'directory') return
      const states = new Map<string, Promise<OwnerState>>()
      const entries = await this.#files.list(folder)
      for (const { name, kind } of entries) {
        const writer = writerOfStaged(name)
        if (kind !== 'file' || writer === undefined || keep.has(joinPath(STAGED_FOLDER, name))) continue
        await this.#removeOrphan(joinPath(folder, name), writer, states)
      }
      // Records last (N1).
      for (const { name } of entries) {
        const writer = writerOfOwner(name)
        if (writer !== undefined) await this.#removeOrphan(joinPath(folder, name), writer, states)
      }
    } catch (error) {
      throw outputError(error, folder)
    }
  }

  async #removeOrphan(
    path: string,
    writer: OutputWriter,
    states: Map<string, Promise<OwnerState>>,
  ): Promise<void> {
    if (await this.#isOrphan(path, writer, states)) await this.#removeFile(path)
  }

  async #isOrphan(
    path: string,
    writer: OutputWriter,
    states: Map<string, Promise<OwnerState>>,
  ): Promise<boolean> {
    if (writer.id === this.#writer.id) return writer.attempt < this.#writer.attempt
    const name = ownerName(writer)
    const state = states.get(name) ?? this.#owners.stateOf(writer)
    states.set(name, state)
    if ((await state) !== 'unknown') return (await state) === 'dead'
    const status = await this.#files.status(path)
    return status !== undefined && status.modifiedMs < this.#host.clock.now() - STAGED_AGE_MS_MAX
  }

  /** Removes what `overwrite` replaces (V4). Called once everything new is visible; again, it does nothing. */
  async removeReplaced(): Promise<void> {
    if (this.#mode !== 'overwrite') return
    const { finished, partitions } = this.#replaced
    try {
      for (const { path } of finished) await this.#removeFile(joinPath(this.path, path))
      // Innermost first; a folder that is not empty stays.
      for (const folder of partitions.toReversed()) {
        await this.#files.removeDirectory(joinPath(this.path, folder)).catch(() => undefined)
      }
      // Or what was replaced comes back with the next loss of power, beside the new.
      const changed = [...finished.map(({ path }) => path), ...partitions]
      await this.#syncFolders(
        new Set([this.path, ...changed.map((path) => folderOf(joinPath(this.path, path)))]),
      )
    } catch (error) {
      throw outputError(error, this.path)
    }
    this.#replaced = { finished: [], partitions: [] }
  }

  /** Makes the entries of folders durable; one that is gone has none. */
  async #syncFolders(folders: ReadonlySet<string>): Promise<void> {
    for (const folder of folders) {
      await this.#files.syncDirectory(folder).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error
      })
    }
  }

  async #removeFile(path: string): Promise<void> {
    try {
      await this.#files.remove(path)
    } catch (error) {
      // Someone else was faster.
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  /** Leaves as little as it can of a run that failed (V5). What cannot be removed now is swept by the next run. */
  async abandon(): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    const entries = await this.#files.list(folder).catch(() => [])
    for (const { name } of entries) {
      const writer = writerOfStaged(name)
      if (writer?.id !== this.#writer.id || writer.attempt !== this.#writer.attempt) continue
      await this.#files.remove(joinPath(folder, name)).catch(() => undefined)
    }
    await this.release()
    await this.#removeMade()
  }

  async #removeMade(): Promise<void> {
    // A folder that is not empty stays.
    for (const folder of this.#made.splice(0).toReversed())
      await this.#files.removeDirectory(folder).catch(() => undefined)
  }

  /** Tells other runs that this one is over, and removes the folder of staged files when nothing is in it. */
  release(): Promise<void> {
    return this.#owners.release()
  }

  /** Creates a folder and the ones above it, durably. */
  async #create(folder: string): Promise<void> {
    if (this.#syncedFolders.has(folder)) return
    const missing: string[] = []
    let path = folder
    let status = await this.#files.status(path)
    while (status === undefined) {
      missing.push(path)
      path = folderOf(path)
      status = await this.#files.status(path)
    }
    if (status.kind !== 'directory') throw this.#inTheWay(`"${path}" is a file, and a folder has to be there`)
    if (missing.length > 0) {
      this.#made.push(...missing.toReversed())
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
      what: `output "${this.path}" holds what is in the way`,
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

/** The path that a system error is about. */
function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined
}
