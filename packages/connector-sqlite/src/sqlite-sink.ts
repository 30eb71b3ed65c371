/**
 * A table of SQLite as an exactly-once output: rows are staged in the same file while they are written, and moved into the
 * table, all rows of an epoch together, once the epoch stands.
 *
 * Statements run in this process and hold it up while they do. Invariants (tests quote them):
 *  SQ1  What was committed is written down in the transaction that shows it, and looked up before anything is moved.
 *  SQ2  A part whose rows are not all there is moved not at all, and reported as lost.
 *  SQ3  The table of staged rows is dropped by nobody but the newest attempt that opened it: an earlier one that ends late
 *       leaves it to its successor.
 *  SQ4  A start that is refused leaves no table that it made.
 */
import { laterOutput } from '@millrace/core/connect'
import type { CommitOutcome, OpenSink, Sink, SinkContext, SinkWriter } from '@millrace/core/connect'
import type { Schema } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import { failureOf, isBusy, SqliteFile } from './database.ts'
import { quoted, targetOf } from './sqlite-options.ts'
import type { SqliteOptions, SqliteTarget } from './sqlite-options.ts'
import {
  COMMITS,
  lookAtTable,
  makeWorkTables,
  OWN_COLUMNS,
  stageFamily,
  stageName,
  stagesOf,
} from './sqlite-table.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import type { SqliteCommittable } from './sqlite-writer.ts'

/** Marks of so many epochs stay single; epochs are committed in order, so of older ones one number says enough. */
const MARKS_KEPT = 1000
/** In the place of an epoch: the mark of the newest attempt that has opened the table of staged rows. */
const STAGE_MARK = -2

/**
 * Writes rows to a table, each exactly once.
 *
 * @throws MillraceError `plan/invalid-argument` when the options fit no table.
 * @example
 * ```ts
 * import { sqlite } from '@millrace/connector-sqlite'
 * import { memoryRows, pipeline, schema, t } from 'millrace'
 *
 * export default pipeline('orders', (p) => {
 *   p.read('orders', memoryRows(schema({ id: t.int32() }), [{ id: 1 }])).write(
 *     'table',
 *     sqlite({ path: 'shop.db', table: 'orders', mode: 'upsert', key: ['id'] }),
 *   )
 * })
 * ```
 */
export function sqlite(options: SqliteOptions): Sink<SqliteCommittable> {
  const target = targetOf(options)
  const { path, table, mode, key } = target
  return {
    description: {
      connector: 'sqlite',
      options: { path, table, mode, ...(mode === 'upsert' ? { key } : {}) },
    },
    accepts: mode === 'upsert' ? 'upsert' : 'append',
    validate: (schema, step) => validate(target, schema, step),
    async open(context) {
      validate(target, context.schema, context.step)
      const file = new SqliteFile(path)
      try {
        return new SqliteSink(file, target, context)
      } catch (error) {
        file.close()
        throw failureOf(error, 'opening', path)
      }
    },
  }
}

function validate({ key, table }: SqliteTarget, schema: Schema, step: string): void {
  for (const name of key) {
    const field = schema.fields.find((other) => other.name === name)
    if (field === undefined)
      throw new MillraceError('plan/unknown-column', {
        what: `the rows have no column "${name}", which the key of table ${quoted(table)} names`,
        step,
      })
    if (field.nullable)
      throw new MillraceError('plan/type-mismatch', {
        what: `column "${name}" may be null and cannot be part of the key of table ${quoted(table)}`,
        hint: `drop such rows before: .notNull('${name}')`,
        step,
      })
  }
  const taken = schema.fields.find(({ name }) => OWN_COLUMNS.some((own) => own === name))
  if (taken !== undefined)
    throw new MillraceError('plan/invalid-name', {
      what: `a column that goes to SQLite cannot be called "${taken.name}"`,
      hint: 'rename it',
      step,
    })
}

class SqliteSink implements OpenSink<SqliteCommittable> {
  readonly #file: SqliteFile
  readonly #target: SqliteTarget
  readonly #context: SinkContext
  readonly #stage: string
  readonly #hasMadeCommits: boolean

  constructor(file: SqliteFile, target: SqliteTarget, context: SinkContext) {
    const { schema, lineage, step } = context
    this.#file = file
    this.#target = target
    this.#context = context
    this.#stage = stageName(lineage, step, target, schema)
    lookAtTable(file, target, schema)
    // SQ4: what is refused makes nothing.
    this.#hasMadeCommits = file.transaction(() => {
      const isNew = makeWorkTables(file, this.#stage, schema)
      this.#takeStage()
      this.#mindOutput()
      return isNew
    })
  }

  async writer(task: number): Promise<SinkWriter<SqliteCommittable>> {
    const { host, attempt, lineage, waiting } = this.#context
    const file = this.#file
    return new SqliteWriter({ host, file, stage: this.#stage, attempt, lineage, task, waiting })
  }

  holdsBack(): boolean {
    return false
  }

  async commit(committables: readonly SqliteCommittable[]): Promise<readonly CommitOutcome[]> {
    try {
      return this.#file.transaction(() => committables.map((committable) => this.#commitOne(committable)))
    } catch (error) {
      if (!isBusy(error)) throw failureOf(error, 'committing rows to', this.#target.path)
      const reason = `another process writes to "${this.#target.path}"`
      return committables.map(() => ({ kind: 'retry', reason, cause: error }))
    }
  }

  async sweep(keep: readonly SqliteCommittable[]): Promise<void> {
    const { left = [], lineage, step } = this.#context
    this.#doing('sweeping', () => {
      for (const stage of stagesOf(this.#file, stageFamily(lineage, step))) {
        if (stage !== this.#stage && !names(keep, stage)) this.#dropStage(stage)
        else this.#sweepStage(stage, keep)
      }
    })
    for (const of of left) this.#doing('sweeping', () => this.#sweepLeft(of, keep))
  }

  async finish(): Promise<void> {
    this.#doing('finishing', () => {
      this.#replaceOlder()
      this.#endStage()
    })
  }

  async abandon(): Promise<void> {
    this.#doing('cleaning up', () => {
      this.#endStage()
      this.#unmake()
    })
  }

  async withdraw(): Promise<void> {
    this.#doing('cleaning up', () => {
      // Rows of earlier attempts may be in it.
      const [row] = this.#file.all(`SELECT 1 FROM ${this.#stage} LIMIT 1`)
      if (row === undefined) this.#endStage()
      if (this.#context.resumed !== true) this.#unmake()
    })
  }

  /** SQ4: takes back what was noted of a run that put nothing out. */
  #unmake(): void {
    this.#noteReplacement(false)
    if (!this.#hasMadeCommits) return
    const [row] = this.#file.all(`SELECT 1 FROM ${COMMITS} LIMIT 1`)
    if (row === undefined) this.#file.exec(`DROP TABLE ${COMMITS}`)
  }

  async close(): Promise<void> {
    this.#file.close()
  }

  #doing<Result>(what: string, body: () => Result): Result {
    try {
      return this.#file.transaction(body)
    } catch (error) {
      throw failureOf(error, what, this.#target.path)
    }
  }

  /** SQ1, SQ2 */
  #commitOne({ lineage, epoch, attempt, task, stage, part, rows }: SqliteCommittable): CommitOutcome {
    const { step } = this.#context
    const { table, mode } = this.#target
    const marked = this.#file.run(
      `INSERT INTO ${COMMITS} SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
        WHERE NOT EXISTS (SELECT 1 FROM ${COMMITS} WHERE lineage = ?1 AND step = ?2 AND epoch = -1 AND rows >= ?3)
       ON CONFLICT DO NOTHING`,
      [lineage, step, BigInt(epoch), BigInt(attempt), BigInt(task), table, BigInt(rows)],
    )
    if (marked === 0) return { kind: 'already-committed' }
    const there = this.#countRows(stage, part)
    if (there !== rows) {
      this.#file.run(
        `DELETE FROM ${COMMITS} WHERE lineage = ? AND step = ? AND epoch = ? AND attempt = ? AND task = ?`,
        [lineage, step, BigInt(epoch), BigInt(attempt), BigInt(task)],
      )
      return { kind: 'lost', reason: `of ${rows} rows staged in ${stage} (part ${part}) ${there} are there` }
    }
    this.#replaceOlder()
    const columns = this.#columnsOf(stage)
    if (mode === 'append') this.#append(stage, part, columns)
    else this.#upsert(stage, part, columns)
    this.#file.run(`DELETE FROM ${stage} WHERE millrace_part = ?`, [BigInt(part)])
    this.#gatherMarks(epoch)
    return { kind: 'committed', rows }
  }

  #append(stage: string, part: number, columns: readonly string[]): void {
    const list = columns.map(quoted).join(', ')
    this.#file.run(
      `INSERT INTO ${quoted(this.#target.table)} (${list})
       SELECT ${list} FROM ${stage} WHERE millrace_part = ? ORDER BY millrace_row`,
      [BigInt(part)],
    )
  }

  /** The last row of a key counts; SQLite takes the other columns from the row that has the maximum. */
  #upsert(stage: string, part: number, columns: readonly string[]): void {
    const { table, key } = this.#target
    const list = columns.map(quoted).join(', ')
    const keys = key.map(quoted).join(', ')
    const last = `SELECT ${list}, millrace_weight, max(millrace_row) FROM ${stage} WHERE millrace_part = ?1 GROUP BY ${keys}`
    const same = key.map((name) => `last.${quoted(name)} = ${quoted(table)}.${quoted(name)}`).join(' AND ')
    this.#file.run(
      `DELETE FROM ${quoted(table)}
        WHERE EXISTS (SELECT 1 FROM (${last}) last WHERE millrace_weight < 0 AND ${same})`,
      [BigInt(part)],
    )
    const others = columns.filter((column) => !key.includes(column)).map(quoted)
    const update =
      others.length === 0
        ? 'DO NOTHING'
        : `DO UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
    this.#file.run(
      `INSERT INTO ${quoted(table)} (${list})
       SELECT ${list} FROM (${last}) WHERE millrace_weight > 0 ON CONFLICT (${keys}) ${update}`,
      [BigInt(part)],
    )
  }

  #countRows(stage: string, part: number): number {
    if (this.#columnsOf(stage).length === 0) return 0
    const [row] = this.#file.all<{ rows: number }>(
      `SELECT count(*) AS rows FROM ${quoted(stage)} WHERE millrace_part = ?`,
      [BigInt(part)],
    )
    return row?.rows ?? 0
  }

  /** Of a table of staged rows, those of the target; none when it is gone. */
  #columnsOf(stage: string): readonly string[] {
    const own: readonly string[] = OWN_COLUMNS
    return this.#file
      .all<{ name: string }>('SELECT name FROM pragma_table_info(?)', [stage])
      .map(({ name }) => name)
      .filter((name) => !own.includes(name))
  }

  #gatherMarks(epoch: number): void {
    const through = epoch - MARKS_KEPT
    if (epoch % 256 !== 0 || through <= 0) return
    const { lineage, step } = this.#context
    this.#file.run(
      `INSERT INTO ${COMMITS} VALUES (?, ?, -1, 0, -1, ?, ?)
       ON CONFLICT DO UPDATE SET rows = max(rows, excluded.rows)`,
      [lineage, step, this.#target.table, BigInt(through)],
    )
    this.#file.run(`DELETE FROM ${COMMITS} WHERE lineage = ? AND step = ? AND epoch BETWEEN 1 AND ?`, [
      lineage,
      step,
      BigInt(through),
    ])
  }

  /** SQ3: from here on the staged rows are for this attempt to drop, and for no earlier one. */
  #takeStage(): void {
    const { lineage, step, attempt } = this.#context
    this.#file.run(
      `INSERT INTO ${COMMITS} VALUES (?, ?, ${STAGE_MARK}, 0, -1, ?, ?)
       ON CONFLICT DO UPDATE SET rows = max(rows, excluded.rows)`,
      [lineage, step, this.#target.table, BigInt(attempt)],
    )
  }

  /** This attempt needs the staged rows no more. */
  #endStage(): void {
    if (this.#dropStage(this.#stage)) this.#forgetStages(this.#context.lineage)
  }

  /** SQ3: whether it was this attempt's to drop. */
  #dropStage(stage: string): boolean {
    const { lineage, step, attempt } = this.#context
    const [later] = this.#file.all(
      `SELECT 1 FROM ${COMMITS} WHERE lineage = ? AND step = ? AND epoch = ${STAGE_MARK} AND rows > ?`,
      [lineage, step, BigInt(attempt)],
    )
    if (later !== undefined) return false
    this.#file.exec(`DROP TABLE IF EXISTS ${stage}`)
    return true
  }

  /** Attempts of a lineage that was left are fenced: what they have staged is for any of ours to drop. */
  #sweepLeft(lineage: string, keep: readonly SqliteCommittable[]): void {
    const stages = stagesOf(this.#file, stageFamily(lineage, this.#context.step))
    for (const stage of stages) {
      if (names(keep, stage)) this.#sweepStage(stage, keep)
      else this.#file.exec(`DROP TABLE IF EXISTS ${stage}`)
    }
    if (!stages.some((stage) => names(keep, stage))) this.#forgetStages(lineage)
  }

  #sweepStage(stage: string, keep: readonly SqliteCommittable[]): void {
    const parts = keep.filter((committable) => committable.stage === stage).map(({ part }) => part)
    this.#file.run(
      `DELETE FROM ${stage}
        WHERE millrace_attempt < ? AND millrace_part NOT IN (SELECT value FROM json_each(?))`,
      [BigInt(this.#context.attempt), JSON.stringify(parts)],
    )
  }

  #forgetStages(lineage: string): void {
    this.#file.run(`DELETE FROM ${COMMITS} WHERE lineage = ? AND step = ? AND epoch = ${STAGE_MARK}`, [
      lineage,
      this.#context.step,
    ])
  }

  /** What the table may hold, by the output mode; whether it is replaced is written down for later attempts. */
  #mindOutput(): void {
    const { outputMode, resumed = false, lineage, step } = this.#context
    const { mode, table } = this.#target
    this.#refuseLater()
    if (resumed) return
    if (outputMode === 'overwrite' && mode === 'upsert')
      throw new MillraceError('plan/unsupported', {
        what: `an upsert does not overwrite table ${quoted(table)}`,
        hint: 'empty the table before, or run without --output-mode overwrite',
        step,
      })
    this.#noteReplacement(outputMode === 'overwrite')
    if (outputMode !== 'refuse' || mode === 'upsert') return
    const [row] = this.#file.all<{ other: number }>(
      `SELECT EXISTS (SELECT 1 FROM ${quoted(table)}) AND NOT EXISTS (
         SELECT 1 FROM ${COMMITS}
          WHERE lineage = ? AND step = ? AND target = ? AND epoch <> ${STAGE_MARK}) AS other`,
      [lineage, step, table],
    )
    if (row?.other !== 1) return
    throw new MillraceError('output/exists', {
      what: `table ${quoted(table)} of "${this.#target.path}" holds rows that this run did not write`,
      hint: 'run with --output-mode append to add to them, or --output-mode overwrite to replace them',
      place: { file: this.#target.path },
      step,
    })
  }

  #noteReplacement(replaces: boolean): void {
    const { lineage, step } = this.#context
    this.#file.run(
      replaces
        ? `INSERT INTO ${COMMITS} VALUES (?, ?, 0, 0, -1, ?, -1) ON CONFLICT DO NOTHING`
        : `DELETE FROM ${COMMITS} WHERE lineage = ? AND step = ? AND target = ? AND epoch = 0 AND rows = -1`,
      [lineage, step, this.#target.table],
    )
  }

  /** Marks of epochs that the job does not know: its log has lost entries. */
  #refuseLater(): void {
    const { standing, lineage, step } = this.#context
    if (standing === undefined) return
    const [row] = this.#file.all<{ shown: number | null }>(
      `SELECT max(CASE epoch WHEN -1 THEN rows ELSE epoch END) AS shown FROM ${COMMITS} WHERE lineage = ? AND step = ?`,
      [lineage, step],
    )
    const shown = row?.shown ?? 0
    if (shown <= standing) return
    const { table, path } = this.#target
    throw laterOutput({ step, standing, shown, what: `what table ${quoted(table)} of "${path}" shows of it` })
  }

  #replaceOlder(): void {
    const { lineage, step } = this.#context
    const noted = this.#file.run(
      `UPDATE ${COMMITS} SET rows = 0 WHERE lineage = ? AND step = ? AND epoch = 0 AND rows = -1`,
      [lineage, step],
    )
    if (noted > 0) this.#file.exec(`DELETE FROM ${quoted(this.#target.table)}`)
  }
}

/** Whether rows of a table are kept. */
function names(keep: readonly SqliteCommittable[], stage: string): boolean {
  return keep.some((committable) => committable.stage === stage)
}
