/** Where a table is and who opens it, as people say it. */
import { MillraceError } from '@millrace/core/errors'
import { parseDuration } from '@millrace/core/time'
import type { Duration } from '@millrace/core/time'
import { NAME_BYTES_MAX, quotedTable } from './identifier.ts'
import type { TableName } from './identifier.ts'

/** A server and a user by their parts. What is left out, libpq's variables (`PGHOST`, …) say. */
export interface PostgresServer {
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
  /** The name of the environment variable that holds the password. Default `PGPASSWORD`. */
  readonly passwordFrom?: string
  /** Whether the connection is encrypted, and the server's certificate checked. Default: no. */
  readonly ssl?: boolean
}

/** The name of the environment variable that holds a URL: `postgresql://user:password@host:5432/database`. */
export interface PostgresUrlName {
  readonly urlFrom: string
}

/** A table to write to. */
export interface PostgresOptions {
  /** Default: the URL in `DATABASE_URL`. */
  readonly connection?: PostgresUrlName | PostgresServer
  /**
   * `'orders'` or `'sales.orders'`, written exactly as the table is called; names with a dot in them as `{ schema, name }`.
   * The table has to exist.
   */
  readonly table: string | { readonly schema?: string; readonly name: string }
  /** Add rows, or keep one row per key: the last one that was written. */
  readonly mode: 'append' | 'upsert'
  /** Columns of an upsert that tell rows apart; the table has a unique index over them. */
  readonly key?: readonly string[]
  /** The schema for tables of our own (staged rows, what was committed). Default: that of the table. */
  readonly workSchema?: string
  /** The longest that the server may take for one step of a commit, waits for locks included. Default 10 min. */
  readonly timeout?: Duration
  /** Where variables are looked up, with each connection; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Options with all defaults in place. */
export interface PostgresTarget {
  readonly connection: PostgresUrlName | PostgresServer
  readonly table: TableName
  readonly mode: 'append' | 'upsert'
  readonly key: readonly string[]
  readonly workSchema: string | undefined
  readonly timeoutMs: number
  readonly environment: Readonly<Record<string, string | undefined>>
}

const optionNames = ['connection', 'table', 'mode', 'key', 'workSchema', 'timeout', 'environment']
const urlNames = ['urlFrom']
const serverNames = ['host', 'port', 'database', 'user', 'passwordFrom', 'ssl']

/**
 * Puts the defaults in place.
 *
 * @throws MillraceError `plan/invalid-argument`
 */
export function targetOf(options: PostgresOptions): PostgresTarget {
  refuseOthers('postgres', options, optionNames)
  const { connection = { urlFrom: 'DATABASE_URL' }, mode, key = [], workSchema } = options
  checkConnection(connection)
  if (mode !== 'append' && mode !== 'upsert')
    throw invalid(`the mode of a table is "append" or "upsert", not ${JSON.stringify(mode)}`)
  if (mode === 'upsert' && key.length === 0)
    throw invalid('an upsert has no key', "name the columns that tell rows apart: key: ['id']")
  if (mode === 'append' && key.length > 0)
    throw invalid('an append has no use for a key', "write mode: 'upsert', or leave the key out")
  if (new Set(key).size < key.length) throw invalid('a column is named twice in the key')
  return {
    connection,
    table: tableOf(options.table),
    mode,
    key,
    workSchema,
    timeoutMs: parseDuration(options.timeout ?? '10 min'),
    environment: options.environment ?? process.env,
  }
}

/** The connection as it may stand in a plan and in errors: names of variables, never what they hold. */
export function describeConnection(
  connection: PostgresUrlName | PostgresServer,
): Record<string, string | number | boolean> {
  if ('urlFrom' in connection) return { urlFrom: connection.urlFrom }
  const { host, port, database, user, passwordFrom, ssl } = connection
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(database === undefined ? {} : { database }),
    ...(user === undefined ? {} : { user }),
    ...(passwordFrom === undefined ? {} : { passwordFrom }),
    ...(ssl === undefined ? {} : { ssl }),
  }
}

function tableOf(table: PostgresOptions['table']): TableName {
  const parts = typeof table === 'string' ? table.split('.') : [table.schema, table.name]
  const [first, second, ...more] = parts.filter((part) => part !== undefined)
  const named = second === undefined ? { schema: undefined, name: first } : { schema: first, name: second }
  const { name, schema } = named
  if (name === undefined || name === '' || schema === '' || more.length > 0)
    throw invalid(
      `${JSON.stringify(table)} does not name a table`,
      "write 'orders' or 'sales.orders', and names with dots in them as { schema, name }",
    )
  for (const part of [name, schema ?? ''])
    if (Buffer.byteLength(part) > NAME_BYTES_MAX)
      throw invalid(`the name ${quotedTable({ schema: undefined, name: part })} is longer than 63 bytes`)
  return { schema, name }
}

function checkConnection(connection: PostgresUrlName | PostgresServer): void {
  if (!('urlFrom' in connection)) return refuseOthers('connection', connection, serverNames)
  refuseOthers('connection', connection, urlNames)
  // Whoever writes the URL itself here would find it in plans.
  if (/^\w+$/.test(connection.urlFrom)) return
  throw invalid(
    'urlFrom does not name an environment variable',
    "put the URL into a variable and name that: { urlFrom: 'DATABASE_URL' }",
  )
}

function refuseOthers(what: string, options: object, known: readonly string[]): void {
  const other = Object.keys(options).find((name) => !known.includes(name))
  if (other === undefined) return
  const hint = other === 'password' ? "name a variable that holds it: passwordFrom: 'PGPASSWORD'" : undefined
  throw invalid(`${what} has no option "${other}"`, hint ?? `it has ${known.join(', ')}`)
}

function invalid(what: string, hint?: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
