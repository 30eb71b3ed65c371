/**
 * The folder of an output: what lies in it, and what of it may be touched.
 *
 * Invariants (tests quote them):
 *  V1  Nothing is removed but staged files and finished files whose names a file sink gave.
 *  V3  Staged files of another writer are removed when it is certainly dead and no later attempt of it goes on with
 *      them, or when nothing is known of it and they are older than a day: in every mode.
 *  V4  What overwrites replaces the finished files that were there when its first attempt began, and no others: once
 *      every sink of the run has committed. That is decided by the first attempt, for all that go on.
 *  V5  A run that fails and that nobody goes on with leaves no staged files, and no folders that it made and that hold
 *      nothing.
 *  V7  An attempt that goes on is never refused because of what lies there, but for V10.
 *  V10 Files that this job has shown of epochs which it does not know are told: its log has lost entries.
 *  V11 A start that is refused, or finds nothing to do, leaves no folder and no record that it made and that holds nothing.
 * How staged files become visible is file-publisher.ts.
 */
import { MillraceError } from '../../errors.ts'
import type { Files, Host } from '../../host/host.ts'
import type { EpochId, OutputMode } from '../sink.ts'
import { laterOutput } from '../later-output.ts'
import { outputError, systemCode } from './file-errors.ts'
import { folderOf, isHidden, joinPath } from './file-name.ts'
import { FilePublisher } from './file-publisher.ts'
import type { PreparedFile } from './file-publisher.ts'
import { FolderOwners } from './folder-owners.ts'
import type { OwnerState } from './folder-owners.ts'
import { MadeFolders } from './made-folders.ts'
import {
  originOfFinished, ownerName, STAGED_FOLDER, writerOfOwner, writerOfShown, writerOfStaged,
} from './output-name.ts' // prettier-ignore
import type { OutputWriter } from './output-name.ts'
import { parsePartition } from './partition-path.ts'
import { ReplacedRecord } from './replaced-record.ts'
import type { Replaced } from './replaced-record.ts'
import { ShownMarks } from './shown-marks.ts'

/** What lies in an output folder for everyone to see. Paths are relative. */
interface Contents {
  /** Finished files by the names that file sinks give. */
  readonly finished: readonly { readonly path: string; readonly writer: string; readonly epoch: EpochId }[]
  /** Anything else. */
  readonly foreign: readonly string[]
  readonly partitions: readonly string[]
}

/** How long staged files are left alone when it cannot be known whether their writer lives. */
const STAGED_AGE_MS_MAX = 24 * 60 * 60 * 1000

/** Who writes to a folder, and how. */
export interface OutputFolderOptions {
  readonly host: Host
  readonly path: string
  readonly writer: OutputWriter
  readonly mode: OutputMode
  /** Whether later attempts may go on with what this one leaves. */
  readonly resumable: boolean
  /** Whether this attempt goes on with what earlier ones have shown. */
  readonly resumed: boolean
  /** Ids of writers of histories that were left for this one's: nobody goes on with theirs. */
  readonly left: ReadonlySet<string>
  readonly step: string
  /** The newest epoch that the job knows; undefined: it keeps no log. */
  readonly standing: EpochId | undefined
}

/** An output folder of one sink. */
export class OutputFolder {
  readonly path: string
  readonly #host: Host
  readonly #files: Files
  readonly #writer: OutputWriter
  readonly #options: OutputFolderOptions
  readonly #owners: FolderOwners
  readonly #folders: MadeFolders
  readonly #record: ReplacedRecord
  readonly #marks: ShownMarks | undefined
  #isStagedFolderDurable = false
  #lastSync: Promise<void> = Promise.resolve()
  #nextSync: Promise<void> | undefined
  /** What `overwrite` replaces (V4). */
  #replaced: Replaced = { files: [], folders: [] }
  #replaces = false
  /** Whether the record of it is this attempt's. */
  #hasNoted = false
  /** Second phase. */
  readonly publisher: FilePublisher

  constructor(options: OutputFolderOptions) {
    const { host, path, writer, resumable, left } = options
    this.path = path
    this.#options = options
    this.#host = host
    this.#files = host.files
    this.#writer = writer
    const staged = joinPath(path, STAGED_FOLDER)
    this.#owners = new FolderOwners(host, staged, { writer, resumable })
    this.#record = new ReplacedRecord(host, staged, { own: writer, left })
    this.#marks = resumable ? new ShownMarks(host, staged, { writer, left }) : undefined
    this.#folders = new MadeFolders(host.files, path, (file) =>
      this.#inTheWay(
        `"${file}" is a file, and a folder has to be there`,
        'choose a folder that is not below a file',
      ),
    )
    this.publisher = new FilePublisher({
      host,
      path,
      folders: this.#folders,
      inTheWay: (detail) => this.#inTheWay(detail),
      isOwn: (name) => this.#isOurs(name.slice(STAGED_FOLDER.length + 1)),
      marks: this.#marks,
    })
  }

  get #mode(): OutputMode {
    return this.#options.mode
  }

  /** Whether this process has staged a file of this name. */
  #isOurs(name: string): boolean {
    const writer = writerOfStaged(name)
    return writer?.id === this.#writer.id && writer.attempt === this.#writer.attempt
  }

  #isOfThisJob(id: string): boolean {
    return id === this.#writer.id || this.#options.left.has(id)
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
      if (status !== undefined) {
        const contents = await this.#contents()
        // What is in the way already is told without a trace.
        if (!this.#options.resumed) this.#checkContents(contents)
        this.#checkLater(contents)
      }
      await this.#folders.create([this.path])
      await this.#owners.claim()
      if (this.#mode !== 'append' && !this.#options.resumed) await this.#checkAlone()
      await this.#chooseReplaced()
    } catch (error) {
      await this.release()
      await this.#folders.remove()
      throw outputError(error, this.path)
    }
  }

  /** V4: how the first attempt began counts, whatever one that goes on is asked for. */
  async #chooseReplaced(): Promise<void> {
    const { resumable, resumed } = this.#options
    if (this.#mode !== 'overwrite' && !resumed) {
      // Of an attempt that showed nothing: this one begins otherwise.
      if (resumable) await this.#record.remove()
      return
    }
    const noted = resumable || resumed ? await this.#record.read() : undefined
    this.#replaces = this.#mode === 'overwrite' || noted !== undefined
    if (noted !== undefined) this.#replaced = noted
    // Without a record of earlier attempts nothing is left to replace.
    if (noted !== undefined || resumed) return
    const { finished, partitions } = await this.#contents()
    const older = finished.filter(({ writer }) => writer !== this.#writer.id)
    this.#replaced = { files: older.map(({ path }) => path), folders: partitions }
    if (!resumable) return
    this.#hasNoted = true
    await this.#record.write(this.#replaced)
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
    this.#checkContents(await this.#contents())
  }

  /** Path of a staged file. */
  staged(name: string): string {
    return joinPath(this.path, joinPath(STAGED_FOLDER, name))
  }

  /** Makes the names of staged files durable: those that are there when it is called, with one sync for all who wait. */
  syncStaged(): Promise<void> {
    // A sync that is under way may not have seen the newest name.
    this.#nextSync ??= this.#lastSync.then(() => {
      this.#nextSync = undefined
      const sync = this.#syncStaged()
      // Who waits is told; and after a failure nobody may trust another sync.
      this.#lastSync = sync
      sync.catch(() => undefined)
      return sync
    })
    return this.#nextSync
  }

  async #syncStaged(): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    try {
      await this.#files.syncDirectory(folder)
      // Its own name, too: nobody takes the folder away while our record is in it (FO3).
      if (!this.#isStagedFolderDurable) await this.#files.syncDirectory(this.path)
      this.#isStagedFolderDurable = true
    } catch (error) {
      throw outputError(error, folder)
    }
  }

  /**
   * Removes staged files of earlier attempts, of this one those that are `done`, and those of runs that are over (V3), but
   * for those in `keep`; and marks that nobody needs any more. `shown`: finished files that a checkpoint names.
   */
  async sweep(keep: ReadonlySet<string>, shown: readonly string[], done: Set<string>): Promise<void> {
    const folder = joinPath(this.path, STAGED_FOLDER)
    try {
      if ((await this.#files.status(folder))?.kind !== 'directory') return
      const states = new Map<string, Promise<OwnerState>>()
      const entries = await this.#files.list(folder)
      const resumable = await this.#owners.resumable(entries.map(({ name }) => name))
      const isForLater = ({ id }: OutputWriter): boolean => !this.#isOfThisJob(id) && resumable.has(id)
      const kept = new Set<string>()
      for (const { name, kind } of entries) {
        const isMark = writerOfShown(name) !== undefined
        const writer = writerOfStaged(name) ?? writerOfShown(name)
        if (kind !== 'file' || writer === undefined || (isMark && this.#isOfThisJob(writer.id))) continue
        if (keep.has(joinPath(STAGED_FOLDER, name))) {
          kept.add(writer.id)
          continue
        }
        if (isForLater(writer)) continue
        if (done.delete(joinPath(STAGED_FOLDER, name))) await this.#removeFile(joinPath(folder, name))
        else await this.#removeOrphan(joinPath(folder, name), writer, states)
      }
      await this.#marks?.sweep(
        entries.map(({ name }) => name),
        shown,
      )
      // Records last (FO1).
      for (const { name } of entries) {
        const writer = writerOfOwner(name)
        if (writer === undefined || isForLater(writer)) continue
        // Of a history that was left it says that what is kept of it is someone's (FO4).
        if (this.#options.left.has(writer.id) && kept.has(writer.id)) continue
        await this.#removeOrphan(joinPath(folder, name), writer, states)
      }
    } catch (error) {
      throw outputError(error, folder)
    }
  }

  /** Takes away staged names of files that are shown already. */
  async tidy(prepared: readonly PreparedFile[]): Promise<void> {
    try {
      await this.publisher.tidy(prepared)
    } catch (error) {
      throw outputError(error, this.path)
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
    if (this.#isOfThisJob(writer.id)) return writer.attempt < this.#writer.attempt
    const name = ownerName(writer)
    const state = states.get(name) ?? this.#owners.stateOf(writer)
    states.set(name, state)
    if ((await state) !== 'unknown') return (await state) === 'dead'
    const status = await this.#files.status(path)
    return status !== undefined && status.modifiedMs < this.#host.clock.now() - STAGED_AGE_MS_MAX
  }

  /** Called once everything new is visible, and known to be. */
  async finish(): Promise<void> {
    await this.#removeReplaced()
    try {
      await this.#marks?.end()
    } catch (error) {
      throw outputError(error, this.path)
    }
  }

  /** Removes what `overwrite` replaces (V4). Again, it does nothing. */
  async #removeReplaced(): Promise<void> {
    if (!this.#replaces) return
    const { files, folders } = this.#replaced
    try {
      for (const path of files) await this.#removeFile(joinPath(this.path, path))
      // Innermost first; a folder that is not empty stays.
      for (const folder of folders.toReversed()) {
        await this.#files.removeDirectory(joinPath(this.path, folder)).catch(() => undefined)
      }
      // Or what was replaced comes back with the next loss of power, beside the new.
      const changed = [...files, ...folders]
      await this.#syncFolders(
        new Set([this.path, ...changed.map((path) => folderOf(joinPath(this.path, path)))]),
      )
      if (this.#options.resumable) await this.#record.remove()
    } catch (error) {
      throw outputError(error, this.path)
    }
    this.#replaced = { files: [], folders: [] }
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
    const entries = this.#options.resumable ? [] : await this.#files.list(folder).catch(() => [])
    for (const { name } of entries)
      if (this.#isOurs(name)) await this.#files.remove(joinPath(folder, name)).catch(() => undefined)
    await this.release()
    await this.#folders.remove()
  }

  /** Leaves what is as if this attempt had not been, which wrote nothing (V11). */
  async withdraw(): Promise<void> {
    // Whoever starts it again looks anew at what there is to replace.
    if (this.#hasNoted) await this.#record.remove().catch(() => undefined)
    await this.release()
    await this.#folders.remove()
  }

  /** Tells other runs that this one is over, and removes the folder of staged files when nothing is in it. */
  async release(): Promise<void> {
    await this.#marks?.close()
    await this.#owners.release()
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

  /** V10 */
  #checkLater({ finished }: Contents): void {
    const { standing, step } = this.#options
    if (standing === undefined) return
    const later = finished.filter(({ writer, epoch }) => writer === this.#writer.id && epoch > standing)
    const newest = later.toSorted((left, right) => left.epoch - right.epoch).at(-1)
    if (newest === undefined) return
    throw laterOutput({
      step,
      standing,
      shown: newest.epoch,
      what: `"${newest.path}" in "${this.path}"`,
      remove: `remove ${later.length === 1 ? 'it' : `the ${later.length} files of epochs after ${standing} that end in "-${this.#writer.id}" and the format's ending`}`,
    })
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
    const finished: { path: string; writer: string; epoch: EpochId }[] = []
    const foreign: string[] = []
    const partitions: string[] = []
    const visit = async (folder: string): Promise<void> => {
      for (const { name, kind } of await this.#files.list(joinPath(this.path, folder))) {
        if (isHidden(name)) continue
        const path = joinPath(folder, name)
        const origin = kind === 'file' ? originOfFinished(name) : undefined
        if (origin !== undefined) finished.push({ path, ...origin })
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
