/**
 * The `millrace` command as a process of its own, in a directory of its own: what the tests of the command drive.
 * It runs what was built (`npm test` builds first).
 */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../millrace/bin/millrace.js', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Why the command is not to be run: it would not be what its sources say. */
const unfit = whyUnfit()

function whyUnfit(): string | undefined {
  const mark = join(root, 'node_modules/.cache/millrace/bundled')
  if (!existsSync(mark)) return 'the command is not built: npm run build'
  const bundled = Number(readFileSync(mark, 'utf8'))
  const isOld = ['core', 'cli', 'millrace'].some(
    (name) => newest(join(root, 'packages', name, 'src')) > bundled,
  )
  return isOld ? 'the command is older than its sources: npm run build' : undefined
}

function newest(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (time, name) => (name.endsWith('.ts') ? Math.max(time, statSync(join(folder, name)).mtimeMs) : time),
    0,
  )
}

/** How the command ended. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command while it runs. */
export interface Running {
  /** Resolves when standard output or error holds the text; rejects when the command ends without. */
  shows(text: string | RegExp): Promise<void>
  readonly pid: number
  signal(name: NodeJS.Signals): void
  readonly finished: Promise<Finished>
}

/** Starts the command. */
export function startMillrace(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Running {
  if (unfit !== undefined) throw new Error(unfit)
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  let look = (): void => undefined
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      look()
    })
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...text }))
  })
  return {
    finished,
    pid: child.pid ?? 0,
    signal: (name) => void child.kill(name),
    shows: (wanted) =>
      new Promise((resolve, reject) => {
        look = () => {
          const all = text.stdout + text.stderr
          if (typeof wanted === 'string' ? all.includes(wanted) : wanted.test(all)) resolve()
        }
        look()
        const ended = ({ code, stdout, stderr }: Finished): void =>
          reject(new Error(`ended with ${code} before it showed ${String(wanted)}\n${stdout}${stderr}`))
        finished.then(ended, reject)
      }),
  }
}

/** Runs the command to its end. */
export function millrace(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Finished> {
  return startMillrace(args, options).finished
}

/** A directory with files, outside of any project. */
export interface Workshop {
  readonly path: string
  /** Writes a file; gives its path. */
  file(name: string, content: string | Uint8Array): string
  remove(): void
}

/** Makes a directory with these files. */
export function workshop(files: { readonly [name: string]: string } = {}): Workshop {
  const path = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  const file = (name: string, content: string | Uint8Array): string => {
    const target = join(path, name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content)
    return target
  }
  for (const [name, content] of Object.entries(files)) file(name, content)
  return { path, file, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The lines of `--json` as objects. */
export function jsonLines(text: string): { readonly type: string; readonly [field: string]: unknown }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string })
}
