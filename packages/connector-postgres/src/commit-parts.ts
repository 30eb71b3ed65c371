/**
 * The second phase: staged rows go to their table, and what was done is written down, in one transaction.
 *
 * All parts of an epoch show together. Invariants (tests quote them):
 *  PG5  A part is moved once: its mark is inserted first, under a primary key, so that of two that commit the same at the
 *       same time one waits for the other and then finds the mark.
 *  PG6  A part whose rows are not all there is moved not at all, and reported as lost.
 *  PG7  Marks of epochs long gone are taken together: epochs are committed in order, so all up to one number are done.
 */
import type { CommitOutcome } from '@millrace/core/connect'
import type { Json } from '@millrace/core/data'
import { quoted } from './identifier.ts'
import type { Session } from './session.ts'
import { transaction } from './work-tables.ts'
import type { Stage, WorkTables } from './work-tables.ts'

/** Names the staged rows of one task and epoch. */
export interface PostgresCommittable {
  readonly [name: string]: Json
  readonly v: 1
  readonly lineage: string
  readonly epoch: number
  readonly attempt: number
  readonly task: number
  /** The table of staged rows, and which of them. */
  readonly stage: string
  readonly part: number
  readonly rows: number
}

/** Marks are taken together every so many epochs, and the newest so many stay single. */
const MARKS_EVERY = 256
const MARKS_KEPT = 1000

/** The parts of a committable list that are lost, found while they were moved. */
class LostPart extends Error {
  readonly at: number
  readonly reason: string

  constructor(at: number, reason: string) {
    super(reason)
    this.at = at
    this.reason = reason
  }
}

/** Commits parts; outcomes in the same order. */
export async function commitParts(
  session: Session,
  work: WorkTables,
  committables: readonly PostgresCommittable[],
): Promise<readonly CommitOutcome[]> {
  const lost = new Map<number, string>()
  for (;;) {
    try {
      return await commitOnce(session, work, { committables, lost })
    } catch (error) {
      if (!(error instanceof LostPart)) throw error
      lost.set(error.at, error.reason)
    }
  }
}

/** What the table held before goes, unless it is gone already. */
export async function replaceOlder(session: Session, work: WorkTables): Promise<void> {
  await transaction(session, () => takeAway(session, work))
}

/** The first attempt of a lineage writes down whether it replaces what the table holds. */
export async function noteReplacement(session: Session, work: WorkTables, replaces: boolean): Promise<void> {
  const { lineage, step } = work.owner
  if (replaces)
    await session.query(
      `INSERT INTO ${work.commits} (lineage, step, epoch, attempt, task, target, rows)
       VALUES ($1, $2, 0, 0, -1, $3, -1) ON CONFLICT DO NOTHING`,
      [lineage, step, work.table.quoted],
    )
  else
    await session.query(
      `DELETE FROM ${work.commits} WHERE lineage = $1 AND step = $2 AND epoch = 0 AND rows = -1`,
      [lineage, step],
    )
}

interface Parts {
  readonly committables: readonly PostgresCommittable[]
  readonly lost: ReadonlyMap<number, string>
}

async function commitOnce(
  session: Session,
  work: WorkTables,
  { committables, lost }: Parts,
): Promise<readonly CommitOutcome[]> {
  return transaction(session, async () => {
    await session.query(`SET LOCAL statement_timeout = ${work.target.timeoutMs}`)
    if (committables.length > lost.size) await takeAway(session, work)
    const outcomes: CommitOutcome[] = []
    for (const [at, committable] of committables.entries()) {
      const reason = lost.get(at)
      if (reason !== undefined) outcomes.push({ kind: 'lost', reason })
      else outcomes.push(await commitPart(session, work, { committable, at }))
    }
    if (outcomes.some(({ kind }) => kind === 'committed')) await gatherMarks(session, work, committables)
    return outcomes
  })
}

async function commitPart(
  session: Session,
  work: WorkTables,
  { committable, at }: { readonly committable: PostgresCommittable; readonly at: number },
): Promise<CommitOutcome> {
  const { lineage, epoch, attempt, task, rows, stage: name, part } = committable
  const mark = await session.query(
    `INSERT INTO ${work.commits} (lineage, step, epoch, attempt, task, target, rows)
     SELECT $1, $2, $3::int8, $4, $5, $6, $7
      WHERE NOT EXISTS (SELECT 1 FROM ${work.commits}
                         WHERE lineage = $1 AND step = $2 AND epoch = -1 AND rows >= $3::int8)
     ON CONFLICT DO NOTHING`,
    [lineage, work.owner.step, epoch, attempt, task, work.table.quoted, rows],
  )
  if (mark.count === 0) return { kind: 'already-committed' }
  const stage = await work.stageOf(session, name)
  const moved = stage === undefined ? 0 : await moveRows(session, work, { stage, part })
  if (moved === rows) return { kind: 'committed', rows }
  throw new LostPart(at, `of ${rows} rows staged in ${work.named(name)} (part ${part}) ${moved} are there`)
}

async function moveRows(
  session: Session,
  work: WorkTables,
  { stage, part }: { readonly stage: Stage; readonly part: number },
): Promise<number> {
  const text = work.target.mode === 'append' ? appendText(work, stage) : upsertText(work, stage)
  const { rows } = await session.query<{ moved: number }>(text, [part])
  return rows[0]?.moved ?? 0
}

function appendText(work: WorkTables, stage: Stage): string {
  const columns = stage.columns.map(quoted).join(', ')
  return `
    WITH moved AS (DELETE FROM ${work.named(stage.name)} WHERE millrace_part = $1 RETURNING *),
         shown AS (INSERT INTO ${work.table.quoted} (${columns})
                   SELECT ${columns} FROM moved ORDER BY millrace_row)
    SELECT count(*)::float8 AS moved FROM moved`
}

/** The last row of a key counts: it takes the place of what is there, or takes it away when it says that it is gone. */
function upsertText(work: WorkTables, stage: Stage): string {
  const { key } = work.target
  const columns = stage.columns.map(quoted).join(', ')
  const keys = key.map(quoted).join(', ')
  const others = stage.columns.filter((column) => !key.includes(column)).map(quoted)
  const update =
    others.length === 0
      ? 'DO NOTHING'
      : `DO UPDATE SET ${others.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}`
  const same = key.map((name) => `old.${quoted(name)} = last.${quoted(name)}`).join(' AND ')
  return `
    WITH moved AS (DELETE FROM ${work.named(stage.name)} WHERE millrace_part = $1 RETURNING *),
         last AS (SELECT DISTINCT ON (${keys}) * FROM moved ORDER BY ${keys}, millrace_row DESC),
         gone AS (DELETE FROM ${work.table.quoted} old USING last WHERE millrace_weight < 0 AND ${same}),
         shown AS (INSERT INTO ${work.table.quoted} (${columns})
                   SELECT ${columns} FROM last WHERE millrace_weight > 0
                   ON CONFLICT (${keys}) ${update})
    SELECT count(*)::float8 AS moved FROM moved`
}

/** What `overwrite` replaces goes in the transaction that shows the first rows in its place. */
async function takeAway(session: Session, work: WorkTables): Promise<void> {
  const { lineage, step } = work.owner
  const noted = await session.query(
    `UPDATE ${work.commits} SET rows = 0, at = now()
      WHERE lineage = $1 AND step = $2 AND epoch = 0 AND rows = -1`,
    [lineage, step],
  )
  if (noted.count > 0) await session.query(`DELETE FROM ${work.table.quoted}`)
}

/** PG7 */
async function gatherMarks(
  session: Session,
  work: WorkTables,
  committables: readonly PostgresCommittable[],
): Promise<void> {
  const newest = committables.reduce((most, { epoch }) => Math.max(most, epoch), 0)
  if (newest % MARKS_EVERY !== 0 || newest <= MARKS_KEPT) return
  const { lineage, step } = work.owner
  const through = newest - MARKS_KEPT
  await session.query(
    `INSERT INTO ${work.commits} (lineage, step, epoch, attempt, task, target, rows)
     VALUES ($1, $2, -1, 0, -1, $3, $4)
     ON CONFLICT (lineage, step, epoch, attempt, task)
     DO UPDATE SET rows = greatest(${work.commits}.rows, EXCLUDED.rows)`,
    [lineage, step, work.table.quoted, through],
  )
  await session.query(
    `DELETE FROM ${work.commits} WHERE lineage = $1 AND step = $2 AND epoch BETWEEN 1 AND $3`,
    [lineage, step, through],
  )
}
