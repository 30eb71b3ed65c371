/**
 * The rows of one task and epoch on their way to the table of staged rows: one COPY, which is one transaction.
 *
 * Few rows wait in memory until their epoch ends; more are sent as they come. What is still all in memory is sent again when
 * the connection was lost. Not more than one part is sent at a time: staged-writer.ts sees to that.
 */
import type { MillraceError } from '@millrace/core/errors'
import { codeOf, failureOf, mayPass, UNIQUE_VIOLATION } from './postgres-failure.ts'
import { quoted } from './identifier.ts'
import type { CopyIn } from './copy-in.ts'
import type { Session } from './session.ts'
import type { WorkTables } from './work-tables.ts'

/** Rows are held back until there are so many bytes of them, or the epoch ends. */
const GATHERED_BYTES_MAX = 1024 * 1024
/** What has been sent is kept, to be sent again, up to so many bytes of a part. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024

/** A part in the making. */
export class StagedPart {
  /** Known when it ends. */
  epoch: number | undefined
  /** Its number in the table of staged rows. */
  readonly number: number
  rows = 0
  #chunks: Buffer[] = []
  #sent = 0
  #bytes = 0
  #waitingBytes = 0
  #isWhole = true
  #isSealed = false
  #wake: () => void = () => undefined

  constructor(number: number) {
    this.number = number
  }

  /** Bytes that were not sent yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Whether it can be sent again from the beginning. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  add(chunk: Buffer, rows: number): void {
    this.#chunks.push(chunk)
    this.rows += rows
    this.#bytes += chunk.length
    this.#waitingBytes += chunk.length
    this.#wake()
  }

  seal(): void {
    this.#isSealed = true
    this.#wake()
  }

  /** Resolves when there is reason to send. */
  async due(): Promise<void> {
    while (!this.#isSealed && this.#bytes < GATHERED_BYTES_MAX) await this.#news()
  }

  /** Sends everything up to the seal, as it comes; resolves when the server has it for good. */
  async send(session: Session, work: WorkTables, progress: () => void): Promise<void> {
    this.#sent = 0
    this.#waitingBytes = this.#chunks.reduce((sum, { length }) => sum + length, 0)
    const copy = session.copy(copyText(work))
    try {
      await copy.ready
      // Who fails while rows are waited for wakes who waits.
      copy.done.then(this.#wakeUp, this.#wakeUp)
      await this.#sendChunks(copy, progress)
      await copy.end()
    } catch (error) {
      if (!(await this.#isThere(error, session, work))) throw error
    }
  }

  /** The operating error of a part that could not be sent. */
  failure(error: unknown, work: WorkTables, task: number): MillraceError {
    const row = /, line (\d+)/.exec((error as { where?: string }).where ?? '')?.[1]
    const of = `table ${work.table.quoted}`
    const column = columnOf(error)
    return failureOf(error, {
      doing: `staging rows (${this.epoch === undefined ? '' : `epoch ${this.epoch}, `}task ${task}) for`,
      of,
      place: {
        name: of,
        ...(row === undefined ? {} : { row: Number(row) }),
        ...(column === undefined ? {} : { column }),
      },
    })
  }

  readonly #wakeUp = (): void => this.#wake()

  async #sendChunks(copy: CopyIn, progress: () => void): Promise<void> {
    for (;;) {
      const chunk = this.#chunks[this.#sent]
      if (chunk === undefined) {
        if (this.#isSealed) return
        copy.rethrow()
        await this.#news()
        continue
      }
      await copy.send(chunk)
      this.#waitingBytes -= chunk.length
      if (this.#isWhole && this.#bytes <= KEPT_BYTES_MAX) this.#sent++
      else {
        this.#isWhole = false
        this.#chunks.splice(0, this.#sent + 1)
        this.#sent = 0
      }
      progress()
    }
  }

  /** Whether a part that was sent before, with an answer that got lost, is what stands in the way. */
  async #isThere(error: unknown, session: Session, work: WorkTables): Promise<boolean> {
    if (codeOf(error) !== UNIQUE_VIOLATION || !this.#isWhole) return false
    const { rows } = await session.query<{ rows: number }>(
      `SELECT count(*)::float8 AS rows FROM ${work.named(work.stage.name)} WHERE millrace_part = $1`,
      [this.number],
    )
    return rows[0]?.rows === this.rows
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

/** Whether sending a part again can help. */
export function canSendAgain(part: StagedPart, error: unknown): boolean {
  return part.isWhole && mayPass(error)
}

function copyText(work: WorkTables): string {
  const weight = work.target.mode === 'upsert' ? ['millrace_weight'] : []
  const columns = ['millrace_attempt', 'millrace_part', 'millrace_row', ...weight, ...work.stage.columns]
  return `COPY ${work.named(work.stage.name)} (${columns.map(quoted).join(', ')}) FROM STDIN`
}

function columnOf(error: unknown): string | undefined {
  const { column, where = '' } = error as { readonly column?: string; readonly where?: string }
  return column ?? /, column ([^:]+):/.exec(where)?.[1]
}
