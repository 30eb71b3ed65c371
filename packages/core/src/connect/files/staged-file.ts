/**
 * One output file while it is written: batches in, durable bytes under a staged name out.
 *
 * Encoding happens at once, writing behind it (buffered-file.ts). Invariant (tests quote it):
 *  BF1  An encoder is not called while its last bytes are still being written from its memory (F3).
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Host } from '../../host/host.ts'
import type { RecordEncoder } from '../format.ts'
import { BufferedFile } from './buffered-file.ts'
import type { FileEnd } from './buffered-file.ts'
import type { FileCompression } from './file-name.ts'

/** What a staged file is made with. */
export interface StagedFileOptions {
  readonly host: Host
  /** Where it is written. */
  readonly path: string
  readonly encoder: RecordEncoder
  readonly compression: FileCompression | undefined
  /** Whether another process may have to show it. */
  readonly checksummed: boolean
}

/** A file in the making. */
export class StagedFile {
  /** Rows taken so far. */
  rows = 0
  readonly #encoder: RecordEncoder
  readonly #file: BufferedFile

  constructor({ host, path, encoder, compression, checksummed }: StagedFileOptions) {
    this.#encoder = encoder
    this.#file = new BufferedFile({ host, path, compression, checksummed })
    const head = encoder.begin()
    // Heads are small: no one waits for them.
    if (head !== undefined) this.#file.gather(head)
  }

  /** How large the file would be if it ended now, about. */
  get bytes(): number {
    return this.#file.bytes + this.#encoder.estimatedBytes()
  }

  /** Takes the live rows of a batch. A promise: the encoder's memory or the queue is full. */
  write(batch: Batch): Promise<void> | undefined {
    this.#file.rethrow()
    const bytes = this.#encoder.encode(batch)
    this.rows += rowCount(batch)
    return this.#file.append(bytes)
  }

  /** Ends the file and makes it durable. */
  async finish(): Promise<FileEnd> {
    await this.#file.drained()
    const tail = this.#encoder.end()
    if (tail !== undefined) await this.#file.append(tail)
    return this.#file.end()
  }

  /** Gives the file up and removes it. Does nothing once `finish` has succeeded. */
  abandon(): Promise<void> {
    return this.#file.abandon()
  }
}
