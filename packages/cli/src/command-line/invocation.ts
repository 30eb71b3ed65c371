/**
 * How this command was called, so that hints can be pasted: `npx millrace`, `millrace`, or the path of the program.
 */
import { delimiter, dirname, relative, resolve } from 'node:path'

/** What tells how a process was started. */
export interface Invocation {
  /** The program as Node was given it: `process.argv[1]`. */
  readonly program: string | undefined
  readonly environment: { readonly [name: string]: string | undefined }
  readonly workingDirectory: string
}

/** The words that start this command again, for a shell. */
export function invocationText({ program, environment, workingDirectory }: Invocation): string {
  // npm puts node_modules/.bin into PATH, for npx and for scripts of package.json; outside only npx finds it.
  if (environment['npm_command'] !== undefined || program === undefined) return 'npx millrace'
  if (!/[\\/]millrace$/.test(program)) return `node ${shellWord(near(program, workingDirectory))}`
  const folder = dirname(program)
  const path = (environment['PATH'] ?? '').split(delimiter)
  if (path.some((one) => one !== '' && resolve(workingDirectory, one) === folder)) return 'millrace'
  if (/[\\/]node_modules[\\/]\.bin$/.test(folder) && near(folder, workingDirectory) !== folder)
    return 'npx millrace'
  return shellWord(near(program, workingDirectory))
}

/** The path from the working directory when it lies below it. */
function near(path: string, workingDirectory: string): string {
  const below = relative(workingDirectory, path)
  return below.startsWith('..') ? path : below
}

/** A word as a shell takes it: quoted where it must be. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
