/**
 * Writes the rows of one task to staged files, one per partition at a time, and says at the end of an epoch which of
 * them are ready to become visible.
 *
 * Rows of files that an epoch does not roll stay in their open files, and show with the epoch that rolls them. In a run
 * that can be resumed they lie in a journal, too (output-journal.ts), and a later attempt writes them to new files before
 * anything else; these end at once, so that they show with its first epoch.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Json, Schema } from '../../data/type.ts'
import { assert, MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import type { Format } from '../format.ts'
import type { EpochId, SinkWriter } from '../sink.ts'
import { compressionEnding, joinPath } from './file-name.ts'
import type { FileCompression } from './file-name.ts'
import { readJournal } from './journal-file.ts'
import type { PreparedFile } from './file-publisher.ts'
import type { OutputFolder } from './output-folder.ts'
import { numberedRows, rowsByNumber } from './numbered-rows.ts'
import { OutputJournal } from './output-journal.ts'
import type { HeldRows, SealedJournals } from './output-journal.ts'
import { finishedName, STAGED_FOLDER, stagedName } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'
import { copyParts, RowPartitioner } from './partition-rows.ts'
import type { PartitionRows } from './partition-rows.ts'
import { StagedFile } from './staged-file.ts'

/** When a file is ended and the next one begun. */
export interface RollPolicy {
  /** At every epoch. */
  readonly everyEpoch: boolean
  readonly bytes: number
  /** Since its first row, looked at when an epoch ends; undefined: however old. */
  readonly ageMs: number | undefined
}

/** What the second phase needs: the files that this task finished; and what a later attempt needs. */
export interface FileCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly files: readonly PreparedFile[]
  readonly held: HeldRows
}

/** What a writer is made with. */
export interface FileWriterOptions {
  readonly host: Host
  readonly folder: OutputFolder
  readonly writer: OutputWriter
  readonly task: number
  readonly schema: Schema
  readonly format: Format
  readonly compression: FileCompression | undefined
  readonly partitionBy: readonly string[]
  readonly roll: RollPolicy
  /** Files that are open at a time; one that is needed beyond closes the one that was written to the longest ago. */
  readonly openFilesMax: number
  /** At the end of a run that wrote nothing, write a file without rows, so that readers find the columns. */
  readonly writesEmpty: boolean
  /** Whether a later attempt may have to show what this one wrote. */
  readonly resumable: boolean
  /** Whether files can be made durable and then go on. */
  readonly addsToFiles: boolean
  /** Rows that an epoch does not show have to survive a crash: told of journals that are done. Undefined: they have not. */
  readonly doneJournals: Set<string> | undefined
}

/** Files that are being finished while rows go on, at most. */
const FINISHING_MAX = 2

interface OpenPart {
  readonly folder: string
  readonly file: StagedFile
  readonly sequence: number
  readonly sinceMs: number
}

interface FinishedFile {
  readonly folder: string
  readonly staged: string
  readonly sequence: number
  readonly rows: number
  readonly bytes: number
  readonly checksum: number | null
}

/** An epoch that was sealed and not prepared. */
interface SealedEpoch {
  /** Files that ended with it, until they are whole; one that failed gives undefined. */
  readonly ended: readonly Promise<FinishedFile | undefined>[]
  readonly held: HeldRows['files']
  readonly journals: SealedJournals | undefined
}

/** Writes one task's files. */
export class FileWriter implements SinkWriter<FileCommittable> {
  readonly #options: FileWriterOptions
  readonly #fileSchema: Schema
  /** Indices of the columns that go into files. */
  readonly #kept: readonly number[]
  readonly #partitioner: RowPartitioner | undefined
  /** By folder; the one written to last comes last. */
  readonly #open = new Map<string, OpenPart>()
  readonly #finishing = new Set<Promise<unknown>>()
  /** Files of the open epoch that were ended, until they are whole; one that failed gives undefined. */
  #ended: Promise<FinishedFile | undefined>[] = []
  readonly #sealed = new Map<EpochId, SealedEpoch>()
  readonly #journal: OutputJournal | undefined
  /** Files that were given up on because of an error, to be removed. */
  readonly #failed: StagedFile[] = []
  #failure: { readonly error: unknown } | undefined
  #sequence = 0
  #rows = 0
  #finishedBytes = 0

  constructor(options: FileWriterOptions) {
    const { schema, partitionBy } = options
    this.#options = options
    const isKept = ({ name }: { readonly name: string }): boolean => !partitionBy.includes(name)
    this.#kept = schema.fields.flatMap((field, index) => (isKept(field) ? [index] : []))
    this.#fileSchema = partitionBy.length === 0 ? schema : { fields: schema.fields.filter(isKept) }
    const { host, folder, writer, task, addsToFiles, doneJournals: done } = options
    if (done !== undefined) {
      const of = { host, folder: folder.path, writer, task, schema: this.#fileSchema }
      this.#journal = new OutputJournal({ ...of, addsToFiles, done })
    }
    this.#partitioner = partitionBy.length === 0 ? undefined : new RowPartitioner(schema, partitionBy)
  }

  write(batch: Batch): void | Promise<void> {
    this.#rethrow()
    this.#rows += rowCount(batch)
    if (this.#partitioner === undefined) {
      const { wait, number } = this.#writeTo('', batch)
      const journaled = number === undefined ? undefined : this.#journalOne(batch, number)
      return together(wait, journaled)
    }
    const columns = this.#kept.map((index) => batch.columns[index] as Batch['columns'][number])
    const inFile = { ...batch, schema: this.#fileSchema, columns }
    return this.#writeParts(inFile, this.#partitioner.part(batch))
  }

  /**
   * Writes all parts before it returns: the batch is not the writer's any longer then. Where too many files are being
   * finished the rows that are left are copied, and written when there is room.
   */
  #writeParts(batch: Batch, parts: readonly PartitionRows[]): void | Promise<void> {
    const waits: (Promise<void> | undefined)[] = []
    const numbers: (number | undefined)[] = []
    for (const [at, { folder, selection }] of parts.entries()) {
      const { wait, number } = this.#writeTo(folder, { ...batch, selection, selectedCount: selection.length })
      waits.push(wait)
      numbers.push(number)
      if (!this.#isCrowded || at + 1 === parts.length) continue
      waits.push(this.#journalParts(batch, parts, numbers))
      const rest = copyParts(batch, parts.slice(at + 1))
      return (together(...waits) ?? Promise.resolve()).then(() => {
        // Closed meanwhile, maybe.
        this.#rethrow()
        return this.#writeParts(rest.batch, rest.parts)
      })
    }
    return together(...waits, this.#journalParts(batch, parts, numbers))
  }

  /** Journals the parts that have a number: their files stay open for now. */
  #journalParts(
    batch: Batch,
    parts: readonly PartitionRows[],
    numbers: readonly (number | undefined)[],
  ): Promise<void> | undefined {
    if (this.#journal === undefined) return undefined
    const open = parts.filter((_, at) => numbers[at] !== undefined)
    if (open.length === 0) return undefined
    const found = numbers.filter((number) => number !== undefined)
    const counts = open.map(({ selection }, at) => ({ file: found[at] as number, rows: selection.length }))
    return this.#journal.append(numberedRows(batch, open, found), counts)
  }

  #journalOne(batch: Batch, file: number): Promise<void> | undefined {
    const rows = rowCount(batch)
    return rows === 0 ? undefined : this.#journal?.append({ batch, files: file }, [{ file, rows }])
  }

  /** Whether rows wait for files to be finished. */
  get #isCrowded(): boolean {
    return this.#finishing.size > FINISHING_MAX
  }

  /** Writes rows to the open file of a folder. `number`: the file's, undefined when it has ended with them. */
  #writeTo(
    folder: string,
    batch: Batch,
  ): { readonly wait: Promise<void> | undefined; readonly number: number | undefined } {
    const part = this.#partOf(folder, batch.schema)
    const wait = part.file.write(batch)
    const isFull = part.file.bytes >= this.#options.roll.bytes
    if (isFull) this.#roll(part)
    const number = isFull ? undefined : part.sequence
    if (!this.#isCrowded) return { wait, number }
    return { wait: together(wait, Promise.race(this.#finishing)), number }
  }

  #partOf(folder: string, schema: Schema): OpenPart {
    const known = this.#open.get(folder)
    if (known !== undefined) {
      if (this.#open.size > 1) {
        this.#open.delete(folder)
        this.#open.set(folder, known)
      }
      return known
    }
    if (this.#open.size >= this.#options.openFilesMax) {
      this.#roll(this.#open.values().next().value as OpenPart)
    }
    const part = this.#begin(folder, schema)
    this.#open.set(folder, part)
    return part
  }

  #begin(folder: string, schema: Schema): OpenPart {
    const { host, folder: output, writer, task, format, compression, resumable } = this.#options
    const sequence = this.#sequence++
    const path = output.staged(stagedName(writer, { task, sequence }))
    const encoder = format.encoder(schema, { compression: host.compression })
    const file = new StagedFile({ host, path, encoder, compression, checksummed: resumable })
    return { folder, file, sequence, sinceMs: host.clock.monotonic() }
  }

  /** Ends a file behind the rows that it has; they go on into others meanwhile. */
  #roll(part: OpenPart): void {
    this.#open.delete(part.folder)
    const { folder, file, sequence } = part
    const { writer, task } = this.#options
    const finishing = file
      .finish()
      .then(({ bytes, checksum }) => {
        const staged = joinPath(STAGED_FOLDER, stagedName(writer, { task, sequence }))
        this.#finishedBytes += bytes
        return { folder, staged, sequence, rows: file.rows, bytes, checksum }
      })
      .catch((error: unknown) => {
        this.#failed.push(file)
        this.#failure ??= { error }
        return undefined
      })
      .finally(() => this.#finishing.delete(finishing))
    this.#finishing.add(finishing)
    this.#ended.push(finishing)
  }

  seal(epoch: EpochId, { final }: { readonly final: boolean }): void {
    this.#rethrow()
    if (final && this.#options.writesEmpty && this.#sequence === 0)
      this.#open.set('', this.#begin('', this.#fileSchema))
    const now = this.#options.host.clock.monotonic()
    for (const part of Array.from(this.#open.values())) if (this.#isDue(part, now, final)) this.#roll(part)
    const open = Array.from(this.#open.values())
    this.#sealed.set(epoch, {
      ended: this.#ended,
      held: open.map(({ sequence, folder }) => ({ number: sequence, folder })),
      journals: this.#journal?.seal(new Set(open.map(({ sequence }) => sequence))),
    })
    this.#ended = []
  }

  async prepare(epoch: EpochId): Promise<FileCommittable | undefined> {
    const sealed = this.#sealed.get(epoch)
    assert(sealed !== undefined, `epoch ${epoch} is prepared and was not sealed`)
    const { journals } = sealed
    const finished = (await Promise.all(sealed.ended)).filter((file) => file !== undefined)
    this.#rethrow()
    await this.#noted(journals?.durable())
    const held = { journals: journals?.references ?? [], files: sealed.held }
    const hasNewNames = finished.length > 0 || journals?.hasNewNames() === true
    if (hasNewNames) await this.#noted(this.#options.folder.syncStaged())
    this.#rethrow()
    // From here on someone knows of the files.
    this.#sealed.delete(epoch)
    journals?.answered()
    if (finished.length + held.journals.length === 0) return undefined
    return {
      v: 1,
      files: this.#prepared(epoch, finished),
      held: held.journals.length === 0 ? NOTHING : held,
    }
  }

  /** Writes rows that earlier attempts had held back to files of their own, which end at once. Before any other call. */
  async restore(committables: readonly FileCommittable[]): Promise<void> {
    const { host, folder } = this.#options
    for (const { held } of committables) {
      const folders = new Map(held.files.map(({ number, folder }) => [number, folder]))
      for (const reference of held.journals) {
        for await (const { batch, files } of readJournal(host, folder.path, reference)) {
          for (const [number, selection] of rowsByNumber(files)) {
            const inFolder = folders.get(number)
            if (inFolder === undefined) continue
            await this.#writeTo(inFolder, { ...batch, selection, selectedCount: selection.length }).wait
          }
        }
      }
      // One file has one schema, and the next journal may have another.
      for (const part of Array.from(this.#open.values())) this.#roll(part)
    }
    this.#rethrow()
  }

  #prepared(epoch: EpochId, finished: FinishedFile[]): PreparedFile[] {
    const { writer, task } = this.#options
    const ending = this.#ending()
    return finished
      .sort((left, right) => left.sequence - right.sequence)
      .map(({ folder, staged, sequence, rows, bytes, checksum }) => {
        const final = joinPath(folder, finishedName(writer, { epoch, task, sequence }, ending))
        return { staged, final, rows, bytes, checksum }
      })
  }

  #isDue(part: OpenPart, now: number, final: boolean): boolean {
    const { everyEpoch, ageMs } = this.#options.roll
    return final || everyEpoch || (ageMs !== undefined && now - part.sinceMs >= ageMs)
  }

  #ending(): string {
    const { format, compression } = this.#options
    return `.${format.extensions[0] as string}${compression === undefined ? '' : compressionEnding[compression]}`
  }

  written(): { readonly rows: number; readonly bytes: number } {
    let bytes = this.#finishedBytes
    for (const { file } of this.#open.values()) bytes += file.bytes
    return { rows: this.#rows, bytes }
  }

  async close(): Promise<void> {
    this.#failure ??= { error: closedError() }
    const unfinished = [...this.#open.values()]
    this.#open.clear()
    // Finished but never prepared: no one knows of them.
    const sealed = Array.from(this.#sealed.values()).flatMap(({ ended }) => ended)
    const unnamed = [...sealed, ...this.#ended.splice(0)]
    this.#sealed.clear()
    await Promise.all(this.#finishing)
    for (const { file } of unfinished) await file.abandon()
    for (const file of this.#failed.splice(0)) await file.abandon()
    for (const file of await Promise.all(unnamed)) {
      if (file === undefined) continue
      const path = joinPath(this.#options.folder.path, file.staged)
      await this.#options.host.files.remove(path).catch(() => undefined)
    }
    await this.#journal?.close()
  }

  /** BF3: what fails here is not tried again. */
  async #noted<Result>(step: Promise<Result> | undefined): Promise<Result | undefined> {
    try {
      return await step
    } catch (error) {
      this.#failure ??= { error }
      throw this.#failure.error
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

const NOTHING: HeldRows = { journals: [], files: [] }

/** Resolves when all do; undefined when none is there. */
function together(...waits: readonly (Promise<unknown> | undefined)[]): Promise<void> | undefined {
  const open = waits.filter((wait) => wait !== undefined)
  return open.length === 0 ? undefined : Promise.all(open).then(() => undefined)
}

function closedError(): MillraceError {
  return new MillraceError('run/cancelled', { what: 'the output was given up' })
}
