/**
 * Writes the rows of one task to the table of staged rows, one part per epoch, in their order.
 *
 * Parts are sent behind the caller. Invariants (tests quote them):
 *  PG8  Bytes that wait to be sent are bounded: who writes beyond waits.
 *  PG9  The answer of `prepare` names rows that the server has committed, and all rows up to the seal.
 */
import type { EpochId, SinkContext, SinkWriter } from '@millrace/core/connect'
import { rowCount } from '@millrace/core/data'
import type { Batch } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import type { Host } from '@millrace/core/host'
import type { PostgresCommittable } from './commit-parts.ts'
import type { CopyText } from './copy-text.ts'
import { whyOf } from './postgres-failure.ts'
import { Session } from './session.ts'
import { canSendAgain, StagedPart } from './staged-part.ts'
import type { WorkTables } from './work-tables.ts'

/** Bytes that wait to be sent, at most (PG8). */
const WAITING_BYTES_MAX = 4 * 1024 * 1024
/** How often a part is sent again, after waits that double: about 25 s. */
const TRIES_MAX = 8
const WAIT_FIRST_MS = 100

/** What a writer is made with. */
export interface StagedWriterOptions {
  readonly host: Host
  readonly work: WorkTables
  readonly attempt: number
  readonly task: number
  /** Encodes batches for the table. */
  readonly encoder: CopyText
  readonly application: string
  /** Who is told that the server is waited for. */
  readonly waiting: SinkContext['waiting']
}

/** A part that was sealed, until it is durable. */
interface SealedPart {
  readonly part: StagedPart | undefined
  readonly durable: Promise<void>
}

/** Writes one task's rows. */
export class StagedWriter implements SinkWriter<PostgresCommittable> {
  readonly #options: StagedWriterOptions
  #session: Session | undefined
  #open: StagedPart | undefined
  #openDone: Promise<void> = Promise.resolve()
  /** The part before is sent; parts follow each other. */
  #tail: Promise<void> = Promise.resolve()
  readonly #sealed = new Map<EpochId, SealedPart>()
  #next: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  #rows = 0
  #bytes = 0
  /** Bytes of parts that are sealed and not sent. */
  readonly #unsent = new Set<StagedPart>()
  #endWait: () => void = () => undefined
  /** What the last try has failed for, and how it is told that the wait is over. */
  #wait: { reason: string; over: () => void } | undefined

  constructor(options: StagedWriterOptions) {
    this.#options = options
  }

  /** Connects, so that a server that is not there is known before there are rows. */
  async open(): Promise<void> {
    this.#session = await this.#connect()
  }

  write(batch: Batch): void | Promise<void> {
    this.#rethrow()
    const count = rowCount(batch)
    if (count === 0) return
    const part = this.#open ?? this.#begin()
    const { attempt, work, encoder } = this.#options
    const lead = `${attempt}\t${part.number}\t`
    const chunk = encoder.encode(batch, {
      lead,
      first: part.rows + 1,
      weights: work.target.mode === 'upsert',
    })
    part.add(chunk, count)
    this.#rows += count
    this.#bytes += chunk.length
    if (this.#waitingBytes > WAITING_BYTES_MAX) return this.#drained()
  }

  seal(epoch: EpochId): void {
    const part = this.#open
    this.#open = undefined
    const durable = part === undefined ? Promise.resolve() : this.#openDone
    this.#sealed.set(epoch, { part, durable })
    if (part !== undefined) {
      part.epoch = epoch
      part.seal()
    }
  }

  async prepare(epoch: EpochId): Promise<PostgresCommittable | undefined> {
    const sealed = this.#sealed.get(epoch)
    this.#sealed.delete(epoch)
    if (sealed?.part === undefined) return undefined
    await sealed.durable
    this.#rethrow()
    const { work, attempt, task } = this.#options
    const { number, rows } = sealed.part
    const { lineage } = work.owner
    return { v: 1, lineage, epoch, attempt, task, stage: work.stage.name, part: number, rows }
  }

  written(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.#rows, bytes: this.#bytes }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#fail(new MillraceError('run/cancelled', { what: 'the writer was closed' }))
    // What is under way is rolled back.
    if (this.#unsent.size > 0) this.#session?.destroy()
    else await this.#session?.close()
    this.#endWait()
  }

  #begin(): StagedPart {
    // Numbers that were never given out before, in no attempt.
    const part = new StagedPart(Number.parseInt(this.#options.host.random.hex(6), 16))
    this.#open = part
    this.#unsent.add(part)
    const before = this.#tail
    const done = before.then(() => this.#stage(part))
    this.#openDone = done
    this.#tail = done.catch((error: unknown) => this.#fail(error))
    return part
  }

  /** Sends a part, and sends it again while that can help. */
  async #stage(part: StagedPart): Promise<void> {
    await part.due()
    for (let tries = 1; ; tries++) {
      this.#rethrow()
      try {
        if (this.#session?.isBroken === true) this.#session = undefined
        this.#session ??= await this.#connect()
        this.#rethrow()
        await part.send(this.#session, this.#options.work, this.#progress)
        this.#unsent.delete(part)
        this.#endNotice()
        this.#progress()
        return
      } catch (error) {
        this.#session?.destroy()
        this.#session = undefined
        this.#rethrow()
        if (tries >= TRIES_MAX || !canSendAgain(part, error))
          throw part.failure(error, this.#options.work, this.#options.task)
        this.#notice(error)
        await this.#pause(WAIT_FIRST_MS * 2 ** (tries - 1))
      }
    }
  }

  #connect(): Promise<Session> {
    return Session.open(this.#options.work.target, this.#options.application)
  }

  /** Tells that the server is waited for, and why. */
  #notice(error: unknown): void {
    const reason = whyOf(error)
    if (this.#wait !== undefined) {
      this.#wait.reason = reason
      return
    }
    const { waiting, work } = this.#options
    const wait = { reason, over: (): void => undefined }
    const target = `table ${work.table.quoted}`
    wait.over = waiting?.({ target, reason: () => wait.reason }) ?? wait.over
    this.#wait = wait
  }

  #endNotice(): void {
    this.#wait?.over()
    this.#wait = undefined
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.host.timers.set(delayMs, resolve)
      this.#endWait = () => {
        timer.clear()
        resolve()
      }
    })
  }

  get #waitingBytes(): number {
    let bytes = 0
    for (const part of this.#unsent) bytes += part.waitingBytes
    return bytes
  }

  async #drained(): Promise<void> {
    while (this.#waitingBytes > WAITING_BYTES_MAX) {
      if (this.#next === undefined) {
        let resolve: () => void = () => undefined
        const promise = new Promise<void>((done) => (resolve = done))
        this.#next = { promise, resolve }
      }
      await this.#next.promise
      this.#rethrow()
    }
  }

  readonly #progress = (): void => {
    this.#next?.resolve()
    this.#next = undefined
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#endNotice()
    for (const part of this.#unsent) part.seal()
    this.#progress()
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
