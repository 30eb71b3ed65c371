/**
 * The table that rows go to, and the tables that the sink keeps beside it in the same file: staged rows, and marks of what
 * was committed. Only one transaction of one file can hold both: so they are not elsewhere.
 */
import { createHash } from 'node:crypto'
import { typeToString } from '@millrace/core/data'
import type { Schema } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import type { SqliteFile } from './database.ts'
import { affinityOf, keeps, storageOf } from './row-values.ts'
import { quoted } from './sqlite-options.ts'
import type { SqliteTarget } from './sqlite-options.ts'

/** Where what was committed is written down. */
export const COMMITS = 'millrace_commits'
/** Columns of staged rows that are not the table's. */
export const OWN_COLUMNS = ['millrace_attempt', 'millrace_part', 'millrace_row', 'millrace_weight'] as const

interface TableColumn {
  readonly name: string
  readonly type: string
  readonly required: number
  readonly filled: number
  readonly hidden: number
}

/** What names of tables of staged rows of a job and a step begin with, whatever their rows and their target. */
export function stageFamily(lineage: string, step: string): string {
  return `millrace_staged_${digest([lineage, step]).slice(0, 32)}_`
}

/** Tables of staged rows of a family. */
export function stagesOf(file: SqliteFile, family: string): readonly string[] {
  return file
    .all<{ name: string }>(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1`,
      [family],
    )
    .map(({ name }) => name)
}

/** Names the table of staged rows of a job, a step and a shape of rows. */
export function stageName(lineage: string, step: string, target: SqliteTarget, schema: Schema): string {
  const shape = schema.fields.map(({ name, type }) => [name, typeToString(type)])
  return `${stageFamily(lineage, step)}${digest([target.table, target.mode, shape]).slice(0, 8)}`
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/**
 * Looks whether the table can take the rows.
 *
 * @throws MillraceError `output/unfit` with the statements that mend it.
 */
export function lookAtTable(file: SqliteFile, target: SqliteTarget, schema: Schema): void {
  const [table] = file.all<{ kind: string; strict: number }>(
    `SELECT type AS kind, strict FROM pragma_table_list(?) WHERE schema = 'main'`,
    [target.table],
  )
  const name = quoted(target.table)
  if (table === undefined || table.kind !== 'table')
    throw unfit(target, {
      lines: [`there is no table ${name} in it`],
      changes: [],
      statements: [tableFor(target, schema)],
    })
  const columns = file.all<TableColumn>(
    `SELECT name, type, "notnull" AS required, dflt_value IS NOT NULL OR pk > 0 AS filled, hidden
       FROM pragma_table_xinfo(?)`,
    [target.table],
  )
  const lines: string[] = []
  const changes: string[] = []
  const statements: string[] = []
  for (const { name: field, type } of schema.fields) {
    const column = columns.find((other) => other.name === field)
    const storage = storageOf(type)
    if (storage === undefined) {
      lines.push(`no column keeps every ${typeToString(type)} ("${field}")`)
      changes.push(`cast "${field}" to a decimal or a text before`)
    } else if (column === undefined) {
      lines.push(`table ${name} has no column ${quoted(field)}`)
      statements.push(`ALTER TABLE ${name} ADD COLUMN ${quoted(field)} ${storage.toUpperCase()};`)
    } else if (column.hidden !== 0) {
      lines.push(`column ${quoted(field)} is generated and cannot be written`)
      changes.push(`leave "${field}" out of the rows`)
    } else if (!keeps(affinityOf(column.type, table.strict === 1), type)) {
      lines.push(
        `column ${quoted(field)} is ${column.type} and would change values of type ${typeToString(type)}`,
      )
      changes.push(
        `make a table with ${quoted(field)} ${storage.toUpperCase()}, since SQLite changes the type of no column`,
      )
    }
  }
  for (const column of columns) {
    const isGiven = schema.fields.some((field) => field.name === column.name)
    if (isGiven || column.required === 0 || column.filled === 1 || column.hidden !== 0) continue
    lines.push(`column ${quoted(column.name)} needs a value, and the rows have none`)
    changes.push(`make a table with a DEFAULT for ${quoted(column.name)}, or add it to the rows`)
  }
  if (target.mode === 'upsert' && !hasUniqueKey(file, target)) {
    const list = target.key.map(quoted).join(', ')
    lines.push(`no unique index is over (${list}), the key of the upsert`)
    statements.push(`CREATE UNIQUE INDEX ${quoted(`${target.table}_key`)} ON ${name} (${list});`)
  }
  if (lines.length > 0) throw unfit(target, { lines, changes, statements })
}

/** Makes the tables of the sink that are missing; whether that of what was committed was. */
export function makeWorkTables(file: SqliteFile, stage: string, schema: Schema): boolean {
  const isNew = file.all('SELECT 1 FROM sqlite_master WHERE name = ?', [COMMITS]).length === 0
  const columns = schema.fields.map(({ name, nullable }) => `${quoted(name)}${nullable ? '' : ' NOT NULL'}`)
  file.exec(
    `CREATE TABLE IF NOT EXISTS ${COMMITS} (lineage TEXT NOT NULL, step TEXT NOT NULL, epoch INTEGER NOT NULL,
      attempt INTEGER NOT NULL, task INTEGER NOT NULL, target TEXT NOT NULL, rows INTEGER NOT NULL,
      PRIMARY KEY (lineage, step, epoch, attempt, task)) WITHOUT ROWID`,
  )
  // No types: values stay as they are.
  file.exec(
    `CREATE TABLE IF NOT EXISTS ${stage} (millrace_row INTEGER PRIMARY KEY, millrace_attempt INTEGER NOT NULL,
      millrace_part INTEGER NOT NULL, millrace_weight INTEGER NOT NULL, ${columns.join(', ')})`,
  )
  file.exec(`CREATE INDEX IF NOT EXISTS ${stage}_part ON ${stage} (millrace_part)`)
  return isNew
}

function hasUniqueKey(file: SqliteFile, { table, key }: SqliteTarget): boolean {
  const same = (columns: readonly (string | null)[]): boolean =>
    columns.length === key.length && key.every((name) => columns.includes(name))
  const primary = file.all<{ name: string }>(`SELECT name FROM pragma_table_info(?) WHERE pk > 0`, [table])
  if (same(primary.map(({ name }) => name))) return true
  const indexes = file.all<{ name: string }>(
    `SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0`,
    [table],
  )
  return indexes.some(({ name }) =>
    same(
      file
        .all<{ name: string | null }>(`SELECT name FROM pragma_index_info(?)`, [name])
        .map((column) => column.name),
    ),
  )
}

function tableFor({ table, mode, key }: SqliteTarget, schema: Schema): string {
  const lines = schema.fields.map(
    ({ name, type, nullable }) =>
      `  ${quoted(name)} ${(storageOf(type) ?? 'text').toUpperCase()}${nullable ? '' : ' NOT NULL'}`,
  )
  if (mode === 'upsert') lines.push(`  PRIMARY KEY (${key.map(quoted).join(', ')})`)
  return `CREATE TABLE ${quoted(table)} (\n${lines.join(',\n')}\n);`
}

interface Faults {
  readonly lines: readonly string[]
  /** What people have to see to. */
  readonly changes: readonly string[]
  /** What can be run as it is. */
  readonly statements: readonly string[]
}

function unfit({ path }: SqliteTarget, { lines, changes, statements }: Faults): MillraceError {
  const run = statements.length === 0 || changes.length === 0 ? [] : ['and run these statements:']
  return new MillraceError('output/unfit', {
    what: `database "${path}" cannot take the rows`,
    detail: lines.join('; '),
    hint: [[...changes, ...run].join('; '), ...statements].filter((line) => line !== '').join('\n'),
    place: { file: path },
  })
}
