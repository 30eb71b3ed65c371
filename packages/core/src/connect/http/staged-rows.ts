/**
 * Rows that were taken over and not delivered: in the place of checkpoints, or, where there is none, in memory.
 *
 * One file per task and epoch, written once, in the form of journal-blocks.ts. Invariants (tests quote them):
 *  HS1  What `finish` has answered is durable, and reads back as the same rows in the same batches, or not at all.
 *  HS2  Without a place, rows that wait in memory are bounded.
 */
import type { Batch } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { ByteChecks, Host } from '../../host/host.ts'
import { JournalEncoder, readBlocks } from '../journal-blocks.ts'
import type { JournalReference } from '../journal-blocks.ts'
import type { SinkStore } from '../sink.ts'

/** Bytes that are handed to the store at a time. */
const PIECE_BYTES = 256 * 1024
/** Rows that wait without a place for them, at most (HS2). */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024
/** Bytes that are read at a time. */
const READ_BYTES = 1024 * 1024

/** Writes the rows of one task and epoch. */
export class StagedRowsWriter {
  readonly name: string
  rows = 0
  #bytes = 0
  #pieces: Uint8Array[] = []
  #waiting = 0
  readonly #encoder: JournalEncoder
  readonly #writer: Promise<Awaited<ReturnType<SinkStore['write']>>>
  #tail: Promise<void>
  #failure: { readonly error: unknown } | undefined

  constructor(store: SinkStore, checks: ByteChecks, { name, schema }: { name: string; schema: Schema }) {
    this.name = name
    this.#encoder = new JournalEncoder(checks, name, schema)
    this.#writer = store.write(name)
    this.#tail = this.#writer.then(
      () => undefined,
      (error: unknown) => this.#fail(error),
    )
    this.#take(this.#encoder.header)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds rows; they are copied. A promise: too much waits to be written. */
  append(batch: Batch, count: number): Promise<void> | undefined {
    this.rethrow()
    for (const piece of this.#encoder.encode({ batch, files: 0 })) this.#take(piece)
    this.rows += count
    if (this.#waiting < PIECE_BYTES) return undefined
    this.#flush()
    return this.#tail.then(() => this.rethrow())
  }

  /** Makes all of it durable. */
  async finish(): Promise<JournalReference> {
    this.#flush()
    await this.#tail
    this.rethrow()
    await (await this.#writer).finish()
    return { name: this.name, bytes: this.#bytes, checksum: this.#encoder.checksum }
  }

  /** Gives up. */
  async abort(): Promise<void> {
    await this.#tail
    await this.#writer.then((writer) => writer.abort()).catch(() => undefined)
  }

  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #take(piece: Uint8Array): void {
    this.#pieces.push(Uint8Array.from(piece))
    this.#waiting += piece.length
    this.#bytes += piece.length
  }

  #flush(): void {
    if (this.#waiting === 0) return
    const bytes = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#waiting = 0
    this.#tail = this.#tail.then(async () => {
      if (this.#failure !== undefined) return
      try {
        await (await this.#writer).append(bytes)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
  }
}

/**
 * Reads staged rows, batch by batch.
 *
 * @throws MillraceError `output/lost` when they are not there as they were written.
 */
export async function* readStagedRows(
  store: SinkStore,
  host: Host,
  reference: JournalReference,
): AsyncGenerator<Batch> {
  const lost = (reason: string, cause?: unknown): MillraceError =>
    new MillraceError('output/lost', {
      what: `rows that were to be sent are lost: "${reference.name}" in ${store.place} cannot be read`,
      detail: reason,
      hint: `put ${reference.name} back from a copy and start again; or start from an earlier epoch with --from, which sends what was sent since again, under other keys`,
      place: { name: reference.name },
      cause,
    })
  let from = 0
  let chunk: Uint8Array = new Uint8Array(0)
  const read = async (at: number, length: number): Promise<Uint8Array | undefined> => {
    if (at < from || at + length > from + chunk.length) {
      const end = Math.min(reference.bytes, at + Math.max(length, READ_BYTES))
      const bytes = await store.read(reference.name, { start: at, end })
      if (bytes === undefined) throw lost('it is gone')
      from = at
      chunk = bytes
    }
    if (at + length > from + chunk.length) return undefined
    // Columns begin at multiples of 8.
    return Uint8Array.from(chunk.subarray(at - from, at - from + length))
  }
  for await (const { batch } of readBlocks({ checks: host.bytes, reference, read, lost })) yield batch
}

/** A place in memory, for runs that have no other: a later attempt does not find anything there. */
export class MemoryPlace implements SinkStore {
  readonly place = 'memory'
  readonly #files = new Map<string, Uint8Array>()
  #bytes = 0

  async create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    if (this.#files.has(name)) return 'exists'
    this.#files.set(name, bytes)
    return 'created'
  }

  async write(name: string): Promise<Awaited<ReturnType<SinkStore['write']>>> {
    const pieces: Uint8Array[] = []
    let taken = 0
    const release = (): void => {
      this.#bytes -= taken
      taken = 0
    }
    return {
      append: async (bytes) => {
        taken += bytes.length
        this.#bytes += bytes.length
        if (this.#bytes > MEMORY_BYTES_MAX) throw tooMuch()
        pieces.push(bytes)
      },
      finish: async () => {
        this.#files.set(name, Buffer.concat(pieces))
      },
      abort: async () => release(),
    }
  }

  async read(
    name: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Uint8Array | undefined> {
    return this.#files.get(name)?.subarray(range?.start ?? 0, range?.end)
  }

  async list(prefix: string): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
    return Array.from(this.#files, ([name, { length }]) => ({ name, bytes: length })).filter(({ name }) =>
      name.startsWith(prefix),
    )
  }

  async remove(name: string): Promise<void> {
    this.#bytes -= this.#files.get(name)?.length ?? 0
    this.#files.delete(name)
  }
}

function tooMuch(): MillraceError {
  return new MillraceError('plan/unsupported', {
    what: `more than ${MEMORY_BYTES_MAX / 1024 / 1024} MB of rows wait in memory to be sent`,
    detail: 'without a state directory, rows of an epoch that is not over are in memory only',
    hint: 'run with --state DIR, which keeps them on the disk',
  })
}
