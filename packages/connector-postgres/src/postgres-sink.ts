/**
 * A table of PostgreSQL as an exactly-once output: rows are staged at the server while they are written, and moved into
 * the table, all rows of an epoch together, once the epoch stands.
 */
import { laterOutput } from '@millrace/core/connect'
import type { CommitOutcome, OpenSink, Sink, SinkContext } from '@millrace/core/connect'
import type { Schema } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import { commitParts, noteReplacement, replaceOlder } from './commit-parts.ts'
import type { PostgresCommittable } from './commit-parts.ts'
import { CopyText } from './copy-text.ts'
import { quotedTable } from './identifier.ts'
import { failureOf, mayPass, reasonOf } from './postgres-failure.ts'
import { describeConnection, targetOf } from './postgres-options.ts'
import type { PostgresOptions, PostgresTarget } from './postgres-options.ts'
import { Session } from './session.ts'
import { StagedWriter } from './staged-writer.ts'
import { lookAtTable } from './target-table.ts'
import { PART_COLUMNS, WorkTables } from './work-tables.ts'

/**
 * Writes rows to a table, each exactly once.
 *
 * @throws MillraceError `plan/invalid-argument` when the options fit no table.
 * @example
 * ```ts
 * import { postgres } from '@millrace/connector-postgres'
 * import { memoryRows, pipeline, schema, t } from 'millrace'
 *
 * export default pipeline('orders', (p) => {
 *   p.read('orders', memoryRows(schema({ id: t.int32() }), [{ id: 1 }])).write(
 *     'table',
 *     postgres({ connection: { urlFrom: 'DATABASE_URL' }, table: 'orders', mode: 'upsert', key: ['id'] }),
 *   )
 * })
 * ```
 */
export function postgres(options: PostgresOptions): Sink<PostgresCommittable> {
  const target = targetOf(options)
  const { connection, table, mode, key } = target
  return {
    description: {
      connector: 'postgres',
      options: {
        connection: describeConnection(connection),
        table: quotedTable(table),
        mode,
        ...(mode === 'upsert' ? { key } : {}),
      },
    },
    accepts: mode === 'upsert' ? 'upsert' : 'append',
    validate: (schema, step) => validate(target, schema, step),
    async open(context) {
      validate(target, context.schema, context.step)
      const sink = new PostgresSink(target, context)
      await sink.open()
      return sink
    },
  }
}

function validate({ key, table }: PostgresTarget, schema: Schema, step: string): void {
  for (const name of key) {
    const field = schema.fields.find((other) => other.name === name)
    if (field === undefined)
      throw new MillraceError('plan/unknown-column', {
        what: `the rows have no column "${name}", which the key of table ${quotedTable(table)} names`,
        detail: `there are ${schema.fields.map((other) => `"${other.name}"`).join(', ')}`,
        step,
      })
    if (field.nullable)
      throw new MillraceError('plan/type-mismatch', {
        what: `column "${name}" may be null and cannot be part of the key of table ${quotedTable(table)}`,
        detail: 'null equals nothing, so its rows could be told apart from none',
        hint: `drop such rows before: .notNull('${name}')`,
        step,
      })
  }
  const taken = schema.fields.find(({ name }) => PART_COLUMNS.some((own) => own === name))
  if (taken === undefined) return
  throw new MillraceError('plan/invalid-name', {
    what: `a column that goes to PostgreSQL cannot be called "${taken.name}"`,
    detail: 'staged rows have a column of that name',
    hint: 'rename it',
    step,
  })
}

class PostgresSink implements OpenSink<PostgresCommittable> {
  readonly #target: PostgresTarget
  readonly #context: SinkContext
  readonly #application: string
  #opened: WorkTables | undefined
  /** For everything but rows; opened again when it was lost. */
  #session: Session | undefined
  /** What is being done on it. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(target: PostgresTarget, context: SinkContext) {
    this.#target = target
    this.#context = context
    this.#application = `millrace ${context.step}`
  }

  async open(): Promise<void> {
    const { schema, lineage, step, attempt, resumable = false, left = [] } = this.#context
    try {
      await this.#doing('opening', async (session) => {
        const table = await lookAtTable(session, this.#target, schema)
        const work = new WorkTables(this.#target, table, {
          lineage,
          step,
          attempt,
          isResumable: resumable,
          left,
        })
        await work.create(session)
        this.#opened = work
        await this.#minds(session, work)
        await work.dropForgotten(session)
      })
    } catch (error) {
      if (!mayPass(error)) await this.withdraw().catch(() => undefined)
      await this.close()
      throw error
    }
  }

  async writer(task: number): Promise<StagedWriter> {
    const { host, attempt, waiting } = this.#context
    const encoder = new CopyText(this.#work.table.columns.map(({ type }) => type))
    const work = this.#work
    const application = this.#application
    const writer = new StagedWriter({ host, work, attempt, task, encoder, application, waiting })
    await writer.open()
    return writer
  }

  holdsBack(): boolean {
    return false
  }

  async commit(committables: readonly PostgresCommittable[]): Promise<readonly CommitOutcome[]> {
    try {
      return await this.#doing('committing rows to', (session) =>
        commitParts(session, this.#work, committables),
      )
    } catch (error) {
      if (!mayPass(error)) throw error
      const cause = error instanceof MillraceError && error.cause !== undefined ? error.cause : error
      const retry: CommitOutcome = { kind: 'retry', reason: reasonOf(cause), cause }
      return committables.map(() => retry)
    }
  }

  async sweep(keep: readonly PostgresCommittable[]): Promise<void> {
    await this.#doing('sweeping', (session) => this.#work.sweep(session, keep))
  }

  async finish(): Promise<void> {
    await this.#doing('finishing', async (session) => {
      await replaceOlder(session, this.#work)
      await this.#work.dropStage(session)
    })
  }

  async abandon(): Promise<void> {
    await this.#doing('cleaning up', async (session) => {
      await noteReplacement(session, this.#work, false)
      await this.#work.dropStage(session)
      await this.#work.withdraw(session)
    })
  }

  async withdraw(): Promise<void> {
    const work = this.#opened
    if (work === undefined) return
    await this.#doing('cleaning up', async (session) => {
      if (this.#context.resumed !== true) await noteReplacement(session, work, false)
      await work.withdraw(session)
    })
  }

  async close(): Promise<void> {
    await this.#tail
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  /** Marks of epochs that the job does not know: its log has lost entries. */
  async #refuseLater(session: Session, work: WorkTables): Promise<void> {
    const { standing, lineage, step } = this.#context
    if (standing === undefined) return
    const { rows } = await session.query<{ shown: number | null }>(
      `SELECT max(CASE epoch WHEN -1 THEN rows ELSE epoch END)::float8 AS shown
         FROM ${work.commits} WHERE lineage = $1 AND step = $2`,
      [lineage, step],
    )
    const shown = rows[0]?.shown ?? 0
    if (shown <= standing) return
    throw laterOutput({ step, standing, shown, what: `what table ${work.table.quoted} shows of it` })
  }

  /** What the table may hold, by the output mode. */
  async #minds(session: Session, work: WorkTables): Promise<void> {
    const { outputMode, resumed = false, step } = this.#context
    await this.#refuseLater(session, work)
    if (resumed) return
    const { mode, table } = this.#target
    const name = quotedTable(table)
    if (outputMode === 'overwrite' && mode === 'upsert')
      throw new MillraceError('plan/unsupported', {
        what: `an upsert does not overwrite table ${name}`,
        detail: 'it keeps one row per key, and leaves rows of other keys',
        hint: 'empty the table before, or run without --output-mode overwrite',
        step,
      })
    await noteReplacement(session, work, outputMode === 'overwrite')
    // An upsert goes into what is there: that is what it is for.
    if (outputMode !== 'refuse' || mode === 'upsert') return
    const { rows } = await session.query<{ foreign: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${work.table.quoted})
          AND NOT EXISTS (SELECT 1 FROM ${work.commits}
                           WHERE lineage = $1 AND step = $2 AND target = $3) AS foreign`,
      [this.#context.lineage, step, work.table.quoted],
    )
    if (rows[0]?.foreign !== true) return
    throw new MillraceError('output/exists', {
      what: `table ${name} holds rows that this run did not write`,
      hint: 'run with --output-mode append to add to them, or --output-mode overwrite to replace them',
      place: { name },
      step,
    })
  }

  /** One after the other: a sweep comes at any moment, and is no part of a commit's transaction. */
  #doing<Result>(what: string, body: (session: Session) => Promise<Result>): Promise<Result> {
    const answer = this.#tail.then(() => this.#alone(what, body))
    this.#tail = answer.catch(() => undefined)
    return answer
  }

  /** Does something on the session; a session that failed is given up. */
  async #alone<Result>(what: string, body: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#session?.isBroken === true) this.#session = undefined
    if (this.#session === undefined) {
      this.#session = await Session.open(this.#target, this.#application)
      await this.#opened?.hold(this.#session)
    }
    try {
      return await body(this.#session)
    } catch (error) {
      if (mayPass(error)) {
        this.#session?.destroy()
        this.#session = undefined
      }
      throw failureOf(error, { doing: what, of: `table ${quotedTable(this.#target.table)}` })
    }
  }

  get #work(): WorkTables {
    if (this.#opened === undefined) throw new Error('the sink was not opened')
    return this.#opened
  }
}
