/**
 * The table that rows go to, as the server has it, and whether it can take them. Looked at before anything runs; what is
 * missing is said together, with the statements that mend it.
 */
import { typeToString } from '@millrace/core/data'
import type { Field, Schema } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'
import { fits, typeInTable, whyNone } from './column-type.ts'
import type { ServerType } from './column-type.ts'
import { quoted, quotedTable } from './identifier.ts'
import type { PostgresTarget } from './postgres-options.ts'
import type { Session } from './session.ts'

/** A column that is written. */
export interface TableColumn {
  readonly name: string
  /** As a `CREATE TABLE` has it, its collation too. */
  readonly declared: string
  readonly type: ServerType
  readonly isNotNull: boolean
}

/** The table. */
export interface TargetTable {
  /** Schema and name, quoted. */
  readonly quoted: string
  readonly schema: string
  /** In the order of the rows' schema. */
  readonly columns: readonly TableColumn[]
  /** Checks that concern no other columns, as a `CREATE TABLE` has them. */
  readonly checks: readonly string[]
}

interface CatalogueTable {
  readonly id: number
  readonly schema: string
  readonly name: string
  readonly kind: string
}

interface CatalogueColumn {
  readonly number: number
  readonly name: string
  readonly shown: string
  readonly declared: string
  readonly typeName: string
  readonly isArray: boolean
  readonly isEnum: boolean
  readonly modifier: number
  readonly isNotNull: boolean
  readonly isGenerated: boolean
  readonly hasDefault: boolean
}

/** What is wrong with a table: one line each, and the statements that mend it. */
interface Faults {
  readonly lines: string[]
  /** What people have to see to. */
  readonly changes: string[]
  /** What can be run as it is. */
  readonly statements: string[]
}

/**
 * Looks at the table.
 *
 * @throws MillraceError `output/unfit` when rows of the schema cannot be written to it.
 */
export async function lookAtTable(
  session: Session,
  target: PostgresTarget,
  schema: Schema,
): Promise<TargetTable> {
  const table = await findTable(session, target, schema)
  const name = quotedTable(table)
  const all = (await session.query<CatalogueColumn>(COLUMNS, [table.id])).rows
  const faults: Faults = { lines: [], changes: [], statements: [] }
  const columns = schema.fields.flatMap((field) => columnOf(field, all, name, faults))
  checkOthers(schema, all, faults)
  const written = columns.map(({ number }) => number)
  if (target.mode === 'upsert' && faults.lines.length === 0)
    await checkKey(session, { id: table.id, name, columns, key: target.key }, faults)
  if (faults.lines.length > 0) throw unfit(name, faults)
  const checks = await session.query<{ definition: string; columns: readonly number[] }>(CHECKS, [table.id])
  return {
    quoted: name,
    schema: table.schema,
    columns: columns.map((column) => ({
      name: column.name,
      declared: column.declared,
      type: typeOf(column),
      isNotNull: column.isNotNull,
    })),
    checks: checks.rows
      .filter((check) => check.columns.every((number) => written.includes(number)))
      .map(({ definition }) => definition),
  }
}

/** The statement that makes a table for a schema; columns that no type holds are left to people. */
function tableFor(target: PostgresTarget, schema: Schema): string {
  const lines = schema.fields.map(({ name, type, nullable }) => {
    const inTable = typeInTable(type) ?? `/* ${typeToString(type)}: ${whyNone} */`
    return `  ${quoted(name)} ${inTable}${nullable ? '' : ' NOT NULL'}`
  })
  if (target.mode === 'upsert') lines.push(`  PRIMARY KEY (${target.key.map(quoted).join(', ')})`)
  return `CREATE TABLE ${quotedTable(target.table)} (\n${lines.join(',\n')}\n);`
}

async function findTable(session: Session, target: PostgresTarget, schema: Schema): Promise<CatalogueTable> {
  const { rows } = await session.query<CatalogueTable>(TABLE, [quotedTable(target.table)])
  const [table] = rows
  const name = quotedTable(target.table)
  if (table === undefined) {
    throw new MillraceError('output/unfit', {
      what: `table ${name} does not exist in ${session.place}, or the user may not use its schema`,
      hint: `create it:\n${tableFor(target, schema)}`,
      place: { name },
    })
  }
  if (table.kind === 'r' || table.kind === 'p') return table
  throw new MillraceError('output/unfit', {
    what: `${name} is no table`,
    detail: 'views and foreign tables cannot be written to exactly once',
    hint: 'name the table behind it',
    place: { name },
  })
}

function columnOf(
  { name, type, nullable }: Field,
  all: readonly CatalogueColumn[],
  table: string,
  { lines, changes, statements }: Faults,
): readonly CatalogueColumn[] {
  const column = all.find((other) => other.name === name)
  const wanted = typeInTable(type)
  const wantedText = wanted === undefined ? `type ${typeToString(type)}, which has none there` : wanted
  if (column === undefined) {
    lines.push(`it has no column ${quoted(name)} (${wantedText})`)
    if (wanted === undefined) changes.push(whyNone)
    else
      statements.push(
        `ALTER TABLE ${table} ADD COLUMN ${quoted(name)} ${wanted}${nullable ? '' : ' NOT NULL'};`,
      )
    return []
  }
  if (column.isGenerated) {
    lines.push(`its column ${quoted(name)} is generated and cannot be written`)
    changes.push(`leave "${name}" out of the rows: select the other columns before`)
    return []
  }
  if (fits(type, typeOf(column))) return [column]
  lines.push(`its column ${quoted(name)} is ${column.shown} and cannot keep every ${typeToString(type)}`)
  if (wanted === undefined) changes.push(whyNone)
  else
    statements.push(
      `ALTER TABLE ${table} ALTER COLUMN ${quoted(name)} TYPE ${wanted};  -- or cast "${name}" before`,
    )
  return []
}

/** Columns that the rows do not have need a value from elsewhere. */
function checkOthers(schema: Schema, all: readonly CatalogueColumn[], { lines, changes }: Faults): void {
  for (const { name, isNotNull, hasDefault, isGenerated } of all) {
    if (!isNotNull || hasDefault || isGenerated || schema.fields.some((field) => field.name === name))
      continue
    lines.push(`its column ${quoted(name)} needs a value, and the rows have none`)
    changes.push(`give "${name}" a DEFAULT, or add it to the rows`)
  }
}

async function checkKey(
  session: Session,
  table: {
    readonly id: number
    readonly name: string
    readonly columns: readonly CatalogueColumn[]
    readonly key: readonly string[]
  },
  { lines, statements }: Faults,
): Promise<void> {
  const { id, name, columns, key } = table
  const numbers = key.map((part) => columns.find((column) => column.name === part)?.number ?? 0)
  const { rows } = await session.query<{ columns: readonly number[] }>(UNIQUE_INDEXES, [id])
  const isThere = rows.some(
    (index) =>
      index.columns.length === numbers.length && index.columns.every((number) => numbers.includes(number)),
  )
  if (isThere) return
  const list = key.map(quoted).join(', ')
  lines.push(`no unique index is over (${list}), the key of the upsert`)
  statements.push(`CREATE UNIQUE INDEX ON ${name} (${list});`)
}

function typeOf({ typeName, isArray, isEnum, modifier }: CatalogueColumn): ServerType {
  return { name: typeName, isArray, isEnum, modifier }
}

function unfit(table: string, { lines, changes, statements }: Faults): MillraceError {
  const run = statements.length === 0 || changes.length === 0 ? [] : ['and run these statements:']
  return new MillraceError('output/unfit', {
    what: `table ${table} cannot take the rows`,
    detail: lines.join('; '),
    hint: [[...changes, ...run].join('; '), ...statements].filter((line) => line !== '').join('\n'),
    place: { name: table },
  })
}

const TABLE = `
  SELECT c.oid::int8::float8 AS id, n.nspname AS schema, c.relname AS name, c.relkind AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = to_regclass($1)`

/** Columns with their domains resolved: the last step of each chain is the type that keeps the values. */
const COLUMNS = `
  WITH RECURSIVE columns AS (
    SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS shown, a.attcollation, a.atttypid AS type,
           a.atttypmod AS modifier, a.attnotnull AS required, a.atttypid AS declared_type,
           a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
           a.atthasdef OR a.attidentity <> '' AS defaulted
      FROM pg_attribute a
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.attnum, c.attname, c.shown, c.attcollation, t.typbasetype, t.typtypmod, c.required OR t.typnotnull,
           c.declared_type, c.generated, c.defaulted
      FROM columns c JOIN pg_type t ON t.oid = c.type AND t.typtype = 'd'
  )
  SELECT c.attnum AS number, c.attname AS name, c.shown,
         c.shown || CASE WHEN c.attcollation <> 0 AND c.attcollation <> d.typcollation
                         THEN ' COLLATE ' || c.attcollation::regcollation::text ELSE '' END AS declared,
         coalesce(e.typname, t.typname) AS "typeName", e.oid IS NOT NULL AS "isArray",
         coalesce(e.typtype, t.typtype) = 'e' AS "isEnum", c.modifier, c.required AS "isNotNull",
         c.generated AS "isGenerated", c.defaulted AS "hasDefault"
    FROM columns c
    JOIN pg_type d ON d.oid = c.declared_type
    JOIN pg_type t ON t.oid = c.type AND t.typtype <> 'd'
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
   ORDER BY c.attnum`

const UNIQUE_INDEXES = `
  SELECT string_to_array(i.indkey::text, ' ')::int2[] AS columns
    FROM pg_index i
   WHERE i.indrelid = $1 AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
     AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts`

const CHECKS = `
  SELECT pg_get_constraintdef(oid) AS definition, conkey AS columns
    FROM pg_constraint
   WHERE conrelid = $1 AND contype = 'c' AND convalidated`
