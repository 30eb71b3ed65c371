/**
 * One connection to the server, set up so that what it says is durable is durable. Not a pool: who has a session is alone
 * on it.
 */
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { MillraceError } from '@millrace/core/errors'
import { CopyIn } from './copy-in.ts'
import { failureOf } from './postgres-failure.ts'
import type { PostgresTarget } from './postgres-options.ts'

/** The longest that opening a connection may take. */
const CONNECT_MS_MAX = 10_000

/** A row of an answer. */
export interface AnswerRow {
  readonly [name: string]: unknown
}

/** What was answered to a statement. */
export interface Answer<Row> {
  readonly rows: readonly Row[]
  /** Rows that the statement touched. */
  readonly count: number
}

/** An open connection. */
export class Session {
  /** The server and the database, for people. */
  readonly place: string
  readonly #client: Client
  #isBroken = false

  private constructor(client: Client, place: string) {
    this.#client = client
    this.place = place
    // Queries that are under way are told by pg; one that is idle is found broken with its next query.
    client.on('error', () => (this.#isBroken = true))
    client.on('end', () => (this.#isBroken = true))
  }

  /**
   * Connects.
   *
   * @throws MillraceError `output/write-failed` when it may succeed later, `output/permission` and others when not.
   */
  static async open(target: PostgresTarget, application: string): Promise<Session> {
    const config = configOf(target)
    const client = new Client({
      ...config,
      application_name: application.slice(0, 60),
      connectionTimeoutMillis: CONNECT_MS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    const place = `${client.database ?? ''} at ${client.host}:${client.port}`
    const session = new Session(client, place)
    try {
      await client.connect()
      await session.query(SETTINGS, [String(target.timeoutMs)])
    } catch (error) {
      session.destroy()
      throw failureOf(withoutSecret(error, client.password), { doing: 'connecting to', of: place })
    }
    return session
  }

  /** Whether it is of no use any more. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  async query<Row = AnswerRow>(text: string, values: readonly unknown[] = []): Promise<Answer<Row>> {
    const { rows, rowCount } = await this.#client.query<Row & AnswerRow>(text, [...values])
    return { rows, count: rowCount ?? 0 }
  }

  /** Begins a copy; nothing else may be asked before it is done. */
  copy(text: string): CopyIn {
    const copy = new CopyIn(text)
    this.#client.query(copy)
    return copy
  }

  /** Ends the connection when what is under way is done. */
  async close(): Promise<void> {
    if (this.#isBroken) return this.destroy()
    this.#isBroken = true
    await this.#client.end().catch(() => undefined)
  }

  /** Cuts the connection: the server rolls back what is under way. */
  destroy(): void {
    this.#isBroken = true
    // pg has no other way to end a connection at once.
    const { connection } = this.#client as unknown as { connection: { stream: { destroy(): void } } }
    connection.stream.destroy()
  }
}

/**
 * Committed has to mean durable, whatever the database's default is. A copy lasts as long as its epoch, so only commits
 * (which set it themselves) have a limit.
 */
const SETTINGS = `
  SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'
  UNION ALL SELECT set_config('statement_timeout', '0', false)
  UNION ALL SELECT set_config('idle_in_transaction_session_timeout', '0', false)
  UNION ALL SELECT set_config('lock_timeout', $1, false)`

function configOf({ connection, environment }: PostgresTarget): ClientConfig {
  if ('urlFrom' in connection) {
    const url = environment[connection.urlFrom]
    if (url !== undefined && url !== '') return urlConfig(url, connection.urlFrom)
    throw missing(connection.urlFrom, 'put a URL into it: postgresql://user:password@host:5432/database')
  }
  const { host, port, database, user, passwordFrom = 'PGPASSWORD', ssl } = connection
  const password = environment[passwordFrom]
  if (password === undefined && connection.passwordFrom !== undefined)
    throw missing(passwordFrom, 'put the password into it')
  const config: ClientConfig = {
    host: host ?? environment['PGHOST'],
    port: port ?? numberOf(environment['PGPORT']),
    database: database ?? environment['PGDATABASE'],
    user: user ?? environment['PGUSER'],
    password,
    ssl,
  }
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
}

function urlConfig(url: string, name: string): ClientConfig {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && /^postgres(ql)?:$/.test(parsed.protocol)) return { connectionString: url }
  throw new MillraceError('plan/invalid-argument', {
    what: `what is in the environment under ${name} is no URL of a database`,
    hint: 'write postgresql://user:password@host:5432/database, with special characters of the password encoded',
  })
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}

function missing(name: string, hint: string): MillraceError {
  return new MillraceError('output/permission', {
    what: `there is nothing in the environment under ${name}`,
    hint,
  })
}

/** Neither pg nor the server says passwords; this holds should one of them begin to. */
function withoutSecret(error: unknown, secret: unknown): unknown {
  if (!(error instanceof Error) || typeof secret !== 'string' || secret === '') return error
  if (error.message.includes(secret)) error.message = error.message.replaceAll(secret, '…')
  return error
}
