/**
 * Who is at work in an output folder: one small record per writer, beside its staged files.
 *
 * Not a lock: runs that append work side by side. The records tell a run that is alive, whose staged files no one else
 * touches, from one that was killed, whose files are rubbish. Invariants (tests quote them):
 *  FO1  A record is written before the first staged file of its writer, and lies there as long as one of them does.
 *  FO2  A writer counts as dead only when its record says that it is done, or when its process was on this machine and
 *       is certainly gone. Without a record, or with one of another machine, nothing is known of it.
 *  FO3  While a record lies in the folder of staged files no other run can remove that folder.
 *  FO4  What a writer leaves that is `resumable` is no one else's, also when it is dead. One record of its id says so for
 *       all of its attempts.
 */
import type { Host, ProcessIdentity } from '../../host/host.ts'
import { systemCode } from './file-errors.ts'
import { joinPath } from './file-name.ts'
import { ownerName, writerOfOwner, writerOfShown, writerOfStaged } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'

/** Another run may remove the empty folder before our record is in it: so often at most that is put up with. */
const CLAIMS_MAX = 10

/** What is known of a writer. */
export type OwnerState = 'alive' | 'dead' | 'unknown'

interface OwnerRecord {
  readonly v: 1
  /** Null: the writer is done; what it left behind is no one's, unless it is `resumable`. */
  readonly process: ProcessIdentity | null
  /** Later attempts of the writer may go on with what it left. */
  readonly resumable?: true
}

/** The writers of an output folder. */
export class FolderOwners {
  readonly #host: Host
  /** The folder of staged files. */
  readonly #folder: string
  readonly #writer: OutputWriter
  readonly #resumable: boolean
  #hasClaimed = false

  constructor(
    host: Host,
    folder: string,
    options: { readonly writer: OutputWriter; readonly resumable: boolean },
  ) {
    this.#host = host
    this.#folder = folder
    this.#writer = options.writer
    this.#resumable = options.resumable
  }

  /** Writes this writer's record (FO1); that shows that the folder can be written, too. */
  async claim(): Promise<void> {
    const process = await this.#host.processes.self()
    this.#hasClaimed = true
    for (let tries = 1; ; tries++) {
      await this.#host.files.makeDirectory(this.#folder)
      try {
        return await this.#write(process)
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || tries === CLAIMS_MAX) throw error
      }
    }
  }

  /** Takes the record back, and the folder when nothing is in it. Staged files that were prepared may lie there. */
  async release(): Promise<void> {
    if (!this.#hasClaimed) return
    this.#hasClaimed = false
    const { files } = this.#host
    try {
      const names = await files.list(this.#folder)
      const leaves = names.some(({ name }) => this.#isLeft(writerOfStaged(name) ?? writerOfShown(name)))
      if (leaves) await this.#write(null)
      else await files.remove(joinPath(this.#folder, ownerName(this.#writer)))
    } catch {
      // Gone, or not to be written any more: the next run looks after it.
    }
    await files.removeDirectory(this.#folder).catch(() => undefined)
  }

  /** Another writer that is certainly at work here. */
  async findOther(): Promise<ProcessIdentity | undefined> {
    for (const { name } of await this.#host.files.list(this.#folder)) {
      const writer = writerOfOwner(name)
      if (writer === undefined || writer.id === this.#writer.id) continue
      const process = (await this.#read(writer))?.process
      if (process && (await this.#host.processes.state(process)) === 'alive') return process
    }
    return undefined
  }

  /** What is known of a writer (FO2). */
  async stateOf(writer: OutputWriter): Promise<OwnerState> {
    const record = await this.#read(writer)
    if (record === undefined) return 'unknown'
    return record.process === null ? 'dead' : this.#host.processes.state(record.process)
  }

  /** Writers, by their ids, whose later attempts go on with what lies there (FO4). */
  async resumable(names: readonly string[]): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for (const name of names) {
      const writer = writerOfOwner(name)
      if (writer !== undefined && (await this.#read(writer))?.resumable === true) ids.add(writer.id)
    }
    return ids
  }

  /** Whether what lies there of a writer needs our record: of earlier attempts it may be the last one (FO4). */
  #isLeft(other: OutputWriter | undefined): boolean {
    const { id, attempt } = this.#writer
    return other !== undefined && other.id === id && (this.#resumable || other.attempt === attempt)
  }

  async #write(process: ProcessIdentity | null): Promise<void> {
    const record: OwnerRecord = { v: 1, process, ...(this.#resumable ? { resumable: true } : {}) }
    const path = joinPath(this.#folder, ownerName(this.#writer))
    const { files } = this.#host
    const file = await files.open(path, 'overwrite')
    try {
      await file.write(Buffer.from(JSON.stringify(record)))
      // Without the record its staged files would be taken for rubbish after a day.
      if (this.#resumable) await file.sync()
    } finally {
      await file.close()
    }
    if (this.#resumable) await files.syncDirectory(this.#folder)
  }

  /** The record of a writer; undefined when there is none, or it is not (yet) whole. */
  async #read(writer: OutputWriter): Promise<OwnerRecord | undefined> {
    try {
      const file = await this.#host.files.open(joinPath(this.#folder, ownerName(writer)), 'read')
      try {
        const bytes = Buffer.alloc(RECORD_BYTES_MAX)
        const length = await file.read(bytes, 0, bytes.length, 0)
        const record = JSON.parse(bytes.toString('utf8', 0, length)) as Partial<OwnerRecord>
        return record.v === 1 && record.process !== undefined ? (record as OwnerRecord) : undefined
      } finally {
        await file.close()
      }
    } catch {
      return undefined
    }
  }
}

const RECORD_BYTES_MAX = 4096
