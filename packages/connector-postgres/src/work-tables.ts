/**
 * The tables that the sink keeps beside its target: rows that no manifest names yet, and what was committed.
 *
 * Invariants (tests quote them):
 *  PG1  Staged rows are in a table of their own, which no reader of the target sees. One per job, step and shape of the
 *       rows, so that rows staged before a change of the pipeline can be moved after it.
 *  PG2  What was committed is written down in the transaction that shows it, and looked up before anything is moved.
 *  PG3  A sweep takes no part that is named, and none of the attempt that sweeps.
 *  PG4  Staged rows of a run that nobody can go on with are dropped by later runs, once their owner is gone.
 *  PG10  A table of staged rows says which attempt opened it last, and is dropped by no earlier one: an attempt that ends or
 *       sweeps late leaves it to its successor.
 *  PG11  Nothing waits long for a table of staged rows that a session holds, such as the COPY of a client that is gone and
 *       that the server has not noticed: it is left for a later sweep.
 *  PG12 A start that is refused leaves no table that it made and that holds nothing.
 */
import { createHash } from 'node:crypto'
import { literal, quoted } from './identifier.ts'
import { codeOf, LOCK_NOT_AVAILABLE } from './postgres-failure.ts'
import type { PostgresTarget } from './postgres-options.ts'
import type { AnswerRow, Session } from './session.ts'
import type { TargetTable } from './target-table.ts'

/** The columns of a table of staged rows that are not the target's. */
export const PART_COLUMNS = ['millrace_attempt', 'millrace_part', 'millrace_row', 'millrace_weight'] as const

/** Where what was committed is written down. */
const COMMITS = 'millrace_commits'
/** The longest that a drop waits for whoever holds the table: meanwhile nobody else gets at it (PG11). */
const DROP_WAIT_MS = 2000

/** A table of staged rows. */
export interface Stage {
  /** Without its schema. */
  readonly name: string
  /** Its columns that are the target's. */
  readonly columns: readonly string[]
}

/** What the work tables belong to. */
export interface WorkOwner {
  readonly lineage: string
  readonly step: string
  readonly attempt: number
  readonly isResumable: boolean
  /** Lineages that were left for this one. */
  readonly left: readonly string[]
}

/** The work tables of one job and step. */
export class WorkTables {
  readonly schema: string
  readonly table: TargetTable
  readonly target: PostgresTarget
  readonly owner: WorkOwner
  readonly stage: Stage
  /** What names of its tables of staged rows begin with. */
  readonly #family: string
  /** Those of lineages that were left: their attempts, if any is still at work, are fenced. */
  readonly #leftFamilies: readonly string[]
  #hasMadeCommits = false

  constructor(target: PostgresTarget, table: TargetTable, owner: WorkOwner) {
    this.schema = target.workSchema ?? table.schema
    this.table = table
    this.target = target
    this.owner = owner
    const familyOf = (lineage: string): string =>
      `millrace_staged_${digest([lineage, owner.step, table.quoted])}_`
    this.#family = familyOf(owner.lineage)
    this.#leftFamilies = owner.left.map(familyOf)
    const shape = table.columns.flatMap(({ name, declared, isNotNull }) => [
      name,
      declared,
      String(isNotNull),
    ])
    this.stage = {
      name: `${this.#family}${digest([target.mode, ...shape, ...table.checks]).slice(0, 8)}`,
      columns: table.columns.map(({ name }) => name),
    }
  }

  /** A work table as it stands in a statement. */
  named(name: string): string {
    return `${quoted(this.schema)}.${quoted(name)}`
  }

  get commits(): string {
    return this.named(COMMITS)
  }

  /** Makes what is missing. */
  async create(session: Session): Promise<void> {
    await this.hold(session)
    await transaction(session, async () => {
      // Two that create the same at once: the second would fail, whatever IF NOT EXISTS says.
      await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [COMMITS])
      if (!(await this.#isThere(session, this.commits))) {
        await session.query(`CREATE TABLE IF NOT EXISTS ${this.commits} (${COMMIT_COLUMNS})`)
        this.#hasMadeCommits = true
      }
      await session.query(FAMILY_LOCK, [this.#family])
      const attempt = await this.#openedBy(session, this.stage.name)
      if (attempt === undefined) await this.#createStage(session)
      else if (attempt < this.owner.attempt) await this.#takeStage(session)
    })
  }

  /** PG12 */
  async withdraw(session: Session): Promise<void> {
    const { name } = this.stage
    await this.#unlessHeld(session, async () => {
      await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [COMMITS])
      await session.query(FAMILY_LOCK, [this.#family])
      const attempt = await this.#openedBy(session, name)
      const isOurs = attempt !== undefined && attempt <= this.owner.attempt
      if (isOurs && !(await this.#holdsRows(session, this.named(name))))
        await session.query(`DROP TABLE ${this.named(name)}`)
      if (!this.#hasMadeCommits || !(await this.#isThere(session, this.commits))) return
      // Whoever has opened since counts on it.
      const stages = await session.query(STAGES, [this.schema, likePrefix('millrace_staged_')])
      if (stages.rows.length > 0 || (await this.#holdsRows(session, this.commits))) return
      await session.query(`DROP TABLE ${this.commits}`)
    })
  }

  async #isThere(session: Session, table: string): Promise<boolean> {
    const { rows } = await session.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
      table,
    ])
    return rows[0]?.there === true
  }

  async #holdsRows(session: Session, table: string): Promise<boolean> {
    const { rows } = await session.query<{ used: boolean }>(`SELECT EXISTS (SELECT 1 FROM ${table}) AS used`)
    return rows[0]?.used === true
  }

  /** Says to others that somebody may be in need of the staged rows, for as long as the session lasts (PG4). */
  async hold(session: Session): Promise<void> {
    if (!this.owner.isResumable) await session.query(LOCK, [this.stage.name])
  }

  async #createStage(session: Session): Promise<void> {
    const { columns, checks } = this.table
    const name = this.named(this.stage.name)
    const lines = [
      'millrace_attempt int4 NOT NULL',
      'millrace_part int8 NOT NULL',
      'millrace_row int8 NOT NULL',
      ...(this.target.mode === 'upsert' ? ['millrace_weight int2 NOT NULL'] : []),
      // What the target would refuse later is refused here, before anything counts on it.
      ...columns.map(
        (column) => `${quoted(column.name)} ${column.declared}${column.isNotNull ? ' NOT NULL' : ''}`,
      ),
      ...checks,
    ]
    // Every row that comes goes again soon.
    const upkeep = 'autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000'
    await session.query(`CREATE TABLE ${name} (${lines.join(', ')}) WITH (${upkeep})`)
    // A part that is sent twice, because an answer was lost, is not staged twice.
    await session.query(`CREATE UNIQUE INDEX ON ${name} (millrace_part, millrace_row)`)
    await this.#takeStage(session)
  }

  /** PG10 */
  async #takeStage(session: Session): Promise<void> {
    const { lineage, step, attempt, isResumable } = this.owner
    const record = JSON.stringify({ lineage, step, attempt, resumable: isResumable, of: this.table.quoted })
    await session.query(`COMMENT ON TABLE ${this.named(this.stage.name)} IS ${literal(record)}`)
  }

  /** The attempt that opened a table of staged rows last; undefined: there is no such table. */
  async #openedBy(session: Session, name: string): Promise<number | undefined> {
    const { rows } = await session.query<{ name: string; record: string | null }>(STAGES, [
      this.schema,
      likePrefix(name),
    ])
    const found = rows.find((row) => row.name === name)
    return found === undefined ? undefined : Number(recordOf(found.record)['attempt'] ?? 0)
  }

  /** The table of staged rows that a committable names; undefined when it is gone. */
  async stageOf(session: Session, name: string): Promise<Stage | undefined> {
    const { rows } = await session.query<{ name: string }>(STAGE_COLUMNS, [this.named(name)])
    if (rows.length === 0) return undefined
    const known: readonly string[] = PART_COLUMNS
    return { name, columns: rows.map((row) => row.name).filter((column) => !known.includes(column)) }
  }

  /** PG3 */
  async sweep(
    session: Session,
    keep: readonly { readonly stage: string; readonly part: number }[],
  ): Promise<void> {
    const { attempt } = this.owner
    for (const name of await this.#swept(session)) {
      const kept = keep.filter(({ stage }) => stage === name).map(({ part }) => part)
      if (name !== this.stage.name && kept.length === 0) await this.#drop(session, name)
      else
        await session.query(
          `DELETE FROM ${this.named(name)} WHERE millrace_attempt < $1 AND NOT millrace_part = ANY ($2)`,
          [attempt, kept],
        )
    }
  }

  /** Tables of staged rows of this step, of its lineage and of those that were left, whatever columns and target they have. */
  async #swept(session: Session): Promise<readonly string[]> {
    const { lineage, step, left } = this.owner
    const families = [this.#family, ...this.#leftFamilies]
    const { rows } = await session.query<{ name: string; record: string | null }>(STAGES, [
      this.schema,
      likePrefix('millrace_staged_'),
    ])
    const isOwn = ({ name, record }: (typeof rows)[number]): boolean => {
      if (families.some((family) => name.startsWith(family))) return true
      const of = recordOf(record)
      return of['step'] === step && [lineage, ...left].some((own) => own === of['lineage'])
    }
    return rows.filter(isOwn).map(({ name }) => name)
  }

  /** PG4 */
  async dropForgotten(session: Session): Promise<void> {
    const { rows } = await session.query<{ name: string; record: string | null }>(STAGES, [
      this.schema,
      likePrefix('millrace_staged_'),
    ])
    for (const { name, record } of rows) {
      if (name === this.stage.name || !isForgettable(record)) continue
      await this.#unlessHeld(session, async () => {
        const locked = await session.query<{ free: boolean }>(TRY_LOCK, [name])
        if (locked.rows[0]?.free === true) await session.query(`DROP TABLE IF EXISTS ${this.named(name)}`)
      })
    }
  }

  /** This attempt needs the staged rows no more. */
  async dropStage(session: Session): Promise<void> {
    await this.#drop(session, this.stage.name)
  }

  /** PG10 */
  async #drop(session: Session, name: string): Promise<void> {
    await this.#unlessHeld(session, async () => {
      await session.query(FAMILY_LOCK, [this.#family])
      const attempt = await this.#openedBy(session, name)
      if (attempt === undefined || attempt > this.owner.attempt) return
      await session.query(`DROP TABLE IF EXISTS ${this.named(name)}`)
    })
  }

  /** PG11 */
  async #unlessHeld(session: Session, drop: () => Promise<void>): Promise<void> {
    try {
      await transaction(session, async () => {
        const waitMs = Math.min(this.target.timeoutMs, DROP_WAIT_MS)
        await session.query(`SET LOCAL lock_timeout = ${waitMs}`)
        await drop()
      })
    } catch (error) {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error
    }
  }
}

/** Runs the statements of `body` in one transaction. */
export async function transaction<Result>(session: Session, body: () => Promise<Result>): Promise<Result> {
  await session.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE')
  try {
    const result = await body()
    await session.query('COMMIT')
    return result
  } catch (error) {
    await session.query('ROLLBACK').catch(() => session.destroy())
    throw error
  }
}

const COMMIT_COLUMNS = `
  lineage text NOT NULL, step text NOT NULL, epoch int8 NOT NULL, attempt int4 NOT NULL, task int4 NOT NULL,
  target text NOT NULL, rows int8 NOT NULL, at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (lineage, step, epoch, attempt, task)`

const LOCK = 'SELECT pg_advisory_lock_shared(hashtextextended($1, 0))'
const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free'

/** Who makes, takes or drops a table of staged rows does it alone. */
const FAMILY_LOCK = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))'

const STAGE_COLUMNS = `
  SELECT attname AS name FROM pg_attribute
   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
   ORDER BY attnum`

const STAGES = `
  SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS record
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname LIKE $2`

function likePrefix(text: string): string {
  return `${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}

function isForgettable(record: string | null): boolean {
  return recordOf(record)['resumable'] === false
}

/** What is written at a table of staged rows; empty where somebody has changed it. */
function recordOf(record: string | null): AnswerRow {
  try {
    return (JSON.parse(record ?? '') as AnswerRow | null) ?? {}
  } catch {
    return {}
  }
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
