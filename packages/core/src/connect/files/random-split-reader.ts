/**
 * Reads one split of a random-access format (Parquet): opens the file, hands its ranges to the format's reader.
 *
 * Positions are the format's own.
 */
import type { Json } from '../../data/type.ts'
import type { Batch } from '../../data/batch.ts'
import { MillraceError } from '../../errors.ts'
import type { OpenFile } from '../../host/host.ts'
import type { RandomAccessFile, RandomReader } from '../format.ts'
import type { ReadResult, RowPlace, SplitReader } from '../source.ts'
import type { BatchShaper } from './constant-columns.ts'
import { checkUnchanged, inputError } from './file-errors.ts'
import type { ListedStatus } from './file-errors.ts'

/** An open file as formats read it. */
export function randomAccess(file: OpenFile, name: string, size: number): RandomAccessFile {
  return {
    name,
    size,
    async read(position, length) {
      const bytes = new Uint8Array(length)
      for (let done = 0; done < length;) {
        const count = await file.read(bytes, done, length - done, position + done)
        if (count === 0) throw cutShort(name, position + done)
        done += count
      }
      return bytes
    },
  }
}

function cutShort(file: string, byte: number): MillraceError {
  return new MillraceError('input/truncated', {
    what: `input "${file}" ends while it is read`,
    hint: 'keep input files as they are until the run has ended',
    place: { file, byte },
  })
}

/** A reader of one file, or of some of its row groups. */
export class RandomSplitReader implements SplitReader {
  readonly #file: OpenFile
  readonly #reader: RandomReader
  readonly #listed: ListedStatus
  readonly #splitBytes: number
  readonly #shape: BatchShaper
  #closed = false
  /** Of the last batch, also those that are not in its selection. */
  #batchRows = 0

  constructor(options: {
    readonly file: OpenFile
    readonly listed: ListedStatus
    readonly reader: RandomReader
    readonly splitBytes: number
    readonly shape: BatchShaper
  }) {
    this.#file = options.file
    this.#reader = options.reader
    this.#listed = options.listed
    this.#splitBytes = options.splitBytes
    this.#shape = options.shape
  }

  read(rowsMax: number): ReadResult | Promise<ReadResult> {
    let answer: ReturnType<RandomReader['read']>
    try {
      answer = this.#reader.read(rowsMax)
    } catch (error) {
      return this.#fail(error)
    }
    if (answer === undefined || !('then' in answer)) return this.#result(answer)
    return answer.then(
      (batch) => this.#result(batch),
      (error: unknown) => this.#fail(error),
    )
  }

  #result(batch: Batch | undefined): ReadResult | Promise<ReadResult> {
    this.#batchRows = batch?.length ?? 0
    return batch === undefined ? this.#end() : { kind: 'batch', batch: this.#shape(batch) }
  }

  async #end(): Promise<ReadResult> {
    const status = await this.#file.status().catch((error: unknown) => {
      throw inputError(error, this.#listed.path)
    })
    checkUnchanged(this.#listed, status)
    return { kind: 'end' }
  }

  /** Damage of a file that was written to meanwhile is told as that. */
  async #fail(error: unknown): Promise<never> {
    const status = await this.#file.status().catch(() => undefined)
    if (status !== undefined) checkUnchanged(this.#listed, status)
    throw inputError(error, this.#listed.path)
  }

  position(): Json {
    return this.#reader.position()
  }

  placeOf(row: number): RowPlace {
    return { file: this.#listed.path, row: this.#reader.rowIndex() - this.#batchRows + row + 1 }
  }

  bytesRead(): number {
    return this.#reader.bytesRead()
  }

  bytesSkipped(): number {
    return Math.max(0, this.#splitBytes - this.#reader.bytesToRead())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#reader.close()
    } finally {
      await this.#file.close()
    }
  }
}
