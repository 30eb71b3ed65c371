/**
 * Stages the rows of one task in the file of their table, epoch by epoch; what becomes of them is sqlite-sink.ts.
 *
 * While another process writes to the file, rows wait their turn in the order in which they came.
 */
import type { SinkContext, SinkWriter } from '@millrace/core/connect'
import { rowCount, rowIndex } from '@millrace/core/data'
import type { Batch, Column, Json, Schema } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import type { Host } from '@millrace/core/host'
import { failureOf, isBusy } from './database.ts'
import type { SqliteFile } from './database.ts'
import { valueOf } from './row-values.ts'
import type { BoundValue } from './row-values.ts'
import { quoted } from './sqlite-options.ts'

/** Names the staged rows of one task and epoch. */
export interface SqliteCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly lineage: string
  readonly epoch: number
  readonly attempt: number
  readonly task: number
  readonly stage: string
  readonly part: number
  readonly rows: number
}

/** How often rows are tried to be staged while another process writes, after waits that double up to a second: 30 s. */
const TRIES_MAX = 36
const WAIT_FIRST_MS = 10
const WAIT_LONGEST_MS = 1000
/** What a writer is made with. */
export interface WriterOptions {
  readonly host: Host
  readonly file: SqliteFile
  readonly stage: string
  readonly lineage: string
  readonly attempt: number
  readonly task: number
  /** Who is told that another process is waited for. */
  readonly waiting: SinkContext['waiting']
}

interface Part {
  readonly number: number
  rows: number
}

/** The staged rows of one task. */
export class SqliteWriter implements SinkWriter<SqliteCommittable> {
  readonly #options: WriterOptions
  #part: Part | undefined
  readonly #sealed = new Map<number, { readonly part: Part; readonly staged: Promise<void> | undefined }>()
  /** Rows that wait for another process to be done. */
  #waiting: Promise<void> | undefined
  #rows = 0
  #isClosed = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  write(batch: Batch): void | Promise<void> {
    this.#refuseClosed()
    const count = rowCount(batch)
    if (count === 0) return
    this.#part ??= { number: Number.parseInt(this.#options.host.random.hex(6), 16), rows: 0 }
    const part = this.#part
    const rows = this.#valuesOf(batch, part.number)
    part.rows += count
    this.#rows += count
    if (this.#waiting === undefined && this.#stage(batch.schema, rows)) return
    const staged = (this.#waiting ?? Promise.resolve()).then(() => this.#stageLater(batch.schema, rows))
    this.#waiting = staged
    return staged.then(() => {
      if (this.#waiting === staged) this.#waiting = undefined
    })
  }

  seal(epoch: number): void {
    if (this.#part !== undefined) this.#sealed.set(epoch, { part: this.#part, staged: this.#waiting })
    this.#part = undefined
  }

  async prepare(epoch: number): Promise<SqliteCommittable | undefined> {
    const sealed = this.#sealed.get(epoch)
    this.#sealed.delete(epoch)
    await sealed?.staged
    this.#refuseClosed()
    if (sealed === undefined) return undefined
    const { lineage, attempt, task, stage } = this.#options
    const { number, rows } = sealed.part
    return { v: 1, lineage, epoch, attempt, task, stage, part: number, rows }
  }

  written(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.#rows, bytes: 0 }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #valuesOf(batch: Batch, part: number): readonly (readonly BoundValue[])[] {
    const names = batch.schema.fields.map(({ name }) => name)
    const attempt = BigInt(this.#options.attempt)
    return Array.from({ length: rowCount(batch) }, (_, n) => {
      const index = rowIndex(batch, n)
      const cells = names.map((name, c) => valueOf(batch.columns[c] as Column, index, name))
      return [attempt, BigInt(part), BigInt((batch.weights?.[index] ?? 1) < 0 ? -1 : 1), ...cells]
    })
  }

  /** Whether it could be done now. */
  #stage(schema: Schema, rows: readonly (readonly BoundValue[])[]): boolean {
    const { file, stage } = this.#options
    const columns = [
      'millrace_attempt',
      'millrace_part',
      'millrace_weight',
      ...schema.fields.map(({ name }) => quoted(name)),
    ]
    const text = `INSERT INTO ${stage} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    try {
      file.transaction(() => file.runEach(text, rows))
      return true
    } catch (error) {
      if (isBusy(error)) return false
      throw failureOf(error, 'staging rows in', file.path)
    }
  }

  async #stageLater(schema: Schema, rows: readonly (readonly BoundValue[])[]): Promise<void> {
    const { waiting, file } = this.#options
    const target = `"${file.path}"`
    const over = waiting?.({ target, reason: () => 'another process writes to it' })
    try {
      await this.#untilStaged(schema, rows)
    } finally {
      over?.()
    }
  }

  async #untilStaged(schema: Schema, rows: readonly (readonly BoundValue[])[]): Promise<void> {
    const { timers } = this.#options.host
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const delayMs = Math.min(WAIT_LONGEST_MS, WAIT_FIRST_MS * 2 ** tries)
      await new Promise<void>((resolve) => timers.set(delayMs, resolve))
      this.#refuseClosed()
      if (this.#stage(schema, rows)) return
    }
    throw new MillraceError('output/write-failed', {
      what: `another process has been writing to "${this.#options.file.path}" for too long`,
      hint: 'run again when it is done',
      place: { file: this.#options.file.path },
    })
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new MillraceError('run/cancelled', { what: 'the writer was closed' })
  }
}
