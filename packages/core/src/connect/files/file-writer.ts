/**
 * Writes the rows of one task to staged files, one per partition at a time, and says at the end of an epoch which of
 * them are ready to become visible.
 *
 * Rows of files that an epoch does not roll stay in their open files: they are made durable, and visible, with the
 * epoch that rolls them. Until then they are in no committable, and a crash loses them: an epoch may be acknowledged to
 * its sources only when every row before it was prepared. Without durable checkpoints nothing is acknowledged; with
 * them either every epoch rolls (`roll: 'epoch'`), or what lies in open files has to be journaled by the checkpoint.
 */
import { appendSelected, builderLike } from '../../data/append.ts'
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Json, Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import type { Format } from '../format.ts'
import type { EpochId, SinkWriter } from '../sink.ts'
import { compressionEnding, joinPath } from './file-name.ts'
import type { FileCompression } from './file-name.ts'
import type { OutputFolder, PreparedFile } from './output-folder.ts'
import { finishedName, STAGED_FOLDER, stagedName } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'
import { RowPartitioner } from './partition-rows.ts'
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

/** What the second phase needs: the files that this task finished. */
export interface FileCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly files: readonly PreparedFile[]
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
  /** The same of epochs that were sealed and not prepared. */
  readonly #sealed = new Map<EpochId, readonly Promise<FinishedFile | undefined>[]>()
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
    this.#partitioner = partitionBy.length === 0 ? undefined : new RowPartitioner(schema, partitionBy)
  }

  write(batch: Batch): void | Promise<void> {
    this.#rethrow()
    if (this.#partitioner === undefined) return this.#writeTo('', batch)
    const columns = this.#kept.map((index) => batch.columns[index] as Batch['columns'][number])
    const inFile = { ...batch, schema: this.#fileSchema, columns }
    return this.#writeParts(inFile, this.#partitioner.part(batch))
  }

  /**
   * Writes all parts before it returns: the batch is not the writer's any longer then. Where too many files are being
   * finished the rows that are left are copied, and written when there is room.
   */
  #writeParts(batch: Batch, parts: readonly PartitionRows[]): void | Promise<void> {
    const waits: Promise<void>[] = []
    for (const [at, { folder, selection }] of parts.entries()) {
      const wait = this.#writeTo(folder, { ...batch, selection, selectedCount: selection.length })
      if (wait !== undefined) waits.push(wait)
      if (!this.#isCrowded || at + 1 === parts.length) continue
      const rest = copyParts(batch, parts.slice(at + 1))
      return Promise.all(waits).then(() => this.#writeParts(rest.batch, rest.parts))
    }
    if (waits.length > 0) return Promise.all(waits).then(() => undefined)
  }

  /** Whether rows wait for files to be finished. */
  get #isCrowded(): boolean {
    return this.#finishing.size > FINISHING_MAX
  }

  #writeTo(folder: string, batch: Batch): Promise<void> | undefined {
    const part = this.#partOf(folder)
    const wait = part.file.write(batch)
    this.#rows += rowCount(batch)
    if (part.file.bytes >= this.#options.roll.bytes) this.#roll(part)
    if (!this.#isCrowded) return wait
    const finished = Promise.race(this.#finishing).then(() => undefined)
    return wait === undefined ? finished : Promise.all([wait, finished]).then(() => undefined)
  }

  #partOf(folder: string): OpenPart {
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
    const part = this.#begin(folder)
    this.#open.set(folder, part)
    return part
  }

  #begin(folder: string): OpenPart {
    const { host, folder: output, writer, task, format, compression } = this.#options
    const sequence = this.#sequence++
    const path = output.staged(stagedName(writer, { task, sequence }))
    const encoder = format.encoder(this.#fileSchema, { compression: host.compression })
    const file = new StagedFile({ host, path, encoder, compression })
    return { folder, file, sequence, sinceMs: host.clock.monotonic() }
  }

  /** Ends a file behind the rows that it has; they go on into others meanwhile. */
  #roll(part: OpenPart): void {
    this.#open.delete(part.folder)
    const { folder, file, sequence } = part
    const { writer, task } = this.#options
    const finishing = file
      .finish()
      .then((bytes) => {
        const staged = joinPath(STAGED_FOLDER, stagedName(writer, { task, sequence }))
        this.#finishedBytes += bytes
        return { folder, staged, sequence, rows: file.rows, bytes }
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
    if (final && this.#options.writesEmpty && this.#sequence === 0) this.#open.set('', this.#begin(''))
    const now = this.#options.host.clock.monotonic()
    for (const part of Array.from(this.#open.values())) if (this.#isDue(part, now, final)) this.#roll(part)
    this.#sealed.set(epoch, this.#ended)
    this.#ended = []
  }

  async prepare(epoch: EpochId): Promise<FileCommittable | undefined> {
    const ended = this.#sealed.get(epoch) ?? []
    const finished = (await Promise.all(ended)).filter((file) => file !== undefined)
    this.#rethrow()
    if (finished.length > 0) await this.#options.folder.syncStaged()
    this.#rethrow()
    this.#sealed.delete(epoch)
    return finished.length === 0 ? undefined : { v: 1, files: this.#prepared(epoch, finished) }
  }

  #prepared(epoch: EpochId, finished: FinishedFile[]): PreparedFile[] {
    const { writer, task } = this.#options
    const ending = this.#ending()
    return finished
      .sort((left, right) => left.sequence - right.sequence)
      .map(({ folder, staged, sequence, rows, bytes }) => {
        const final = joinPath(folder, finishedName(writer, { epoch, task, sequence }, ending))
        return { staged, final, rows, bytes }
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
    const unnamed = [...Array.from(this.#sealed.values()).flat(), ...this.#ended.splice(0)]
    this.#sealed.clear()
    await Promise.all(this.#finishing)
    for (const { file } of unfinished) await file.abandon()
    for (const file of this.#failed.splice(0)) await file.abandon()
    for (const file of await Promise.all(unnamed)) {
      if (file === undefined) continue
      const path = joinPath(this.#options.folder.path, file.staged)
      await this.#options.host.files.remove(path).catch(() => undefined)
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

function closedError(): MillraceError {
  return new MillraceError('run/cancelled', { what: 'the output was given up' })
}

/** The rows of some parts in memory of their own. */
function copyParts(
  batch: Batch,
  parts: readonly PartitionRows[],
): { readonly batch: Batch; readonly parts: readonly PartitionRows[] } {
  const rows = parts.reduce((sum, { selection }) => sum + selection.length, 0)
  const builder = builderLike(batch, rows)
  const copied = parts.map(({ folder, selection }) => {
    const from = builder.length
    appendSelected(builder, batch, selection, selection.length)
    return { folder, selection: Int32Array.from(selection, (_, n) => from + n) }
  })
  return { batch: builder.finish(), parts: copied }
}
