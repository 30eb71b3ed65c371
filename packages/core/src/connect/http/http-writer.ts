/** Stages the rows of one task until their epoch stands. Nothing is sent from here. */
import { rowCount } from '../../data/batch.ts'
import type { Batch } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import type { EpochId, SinkStore, SinkWriter } from '../sink.ts'
import type { HttpTarget } from './http-options.ts'
import type { HttpCommittable } from './http-requests.ts'
import { StagedRowsWriter } from './staged-rows.ts'

/** What a writer is made with. */
export interface HttpWriterOptions {
  readonly host: Host
  readonly store: SinkStore
  readonly target: HttpTarget
  readonly schema: Schema
  readonly lineage: string
  readonly attempt: number
  readonly task: number
  /** A name that no other rows of the step are staged under. */
  newName(): string
}

/** Writes one task's rows. */
export class HttpWriter implements SinkWriter<HttpCommittable> {
  readonly #options: HttpWriterOptions
  readonly #sealed = new Map<EpochId, StagedRowsWriter>()
  /** Begun and not finished. */
  readonly #begun = new Set<StagedRowsWriter>()
  #open: StagedRowsWriter | undefined
  #rows = 0
  #bytes = 0
  #isClosed = false

  constructor(options: HttpWriterOptions) {
    this.#options = options
  }

  write(batch: Batch): void | Promise<void> {
    this.#refuseClosed()
    const count = rowCount(batch)
    if (count === 0) return
    const open = this.#open ?? this.#begin()
    const before = open.bytes
    const wait = open.append(batch, count)
    this.#rows += count
    this.#bytes += open.bytes - before
    return wait
  }

  seal(epoch: EpochId): void {
    if (this.#open !== undefined) this.#sealed.set(epoch, this.#open)
    this.#open = undefined
  }

  async prepare(epoch: EpochId): Promise<HttpCommittable | undefined> {
    const sealed = this.#sealed.get(epoch)
    this.#sealed.delete(epoch)
    this.#refuseClosed()
    if (sealed === undefined) return undefined
    const kept = await sealed.finish()
    this.#begun.delete(sealed)
    this.#refuseClosed()
    const { lineage, attempt, task, target } = this.#options
    const { format, maxRows, maxBytes } = target
    return { v: 1, lineage, epoch, attempt, task, rows: sealed.rows, kept, format, maxRows, maxBytes }
  }

  written(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.#rows, bytes: this.#bytes }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all(Array.from(this.#begun, (begun) => begun.abort()))
  }

  #begin(): StagedRowsWriter {
    const { host, store, schema } = this.#options
    const begun = new StagedRowsWriter(store, host.bytes, { name: this.#options.newName(), schema })
    this.#open = begun
    this.#begun.add(begun)
    return begun
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new MillraceError('run/cancelled', { what: 'the writer was closed' })
  }
}
