/**
 * What the command line is started in: streams, environment, signals. Passed in, so that tests can be their own.
 */

import { writeSync } from 'node:fs'
import { MillraceError } from '@millrace/core/errors'
import { exitCodeOf } from './exit-codes.ts'
import { errorText } from './report/error-text.ts'
import { plainPalette } from './report/style.ts'
import { invocationText } from './command-line/invocation.ts'

/** A stream that text is written to. */
export interface TextOutput {
  write(text: string): void
  /** Whether a person looks at it. */
  readonly isTerminal: boolean
  /** Columns and lines of the terminal as they are now. */
  size(): { readonly columns: number; readonly rows: number }
}

/** Everything a command may use of its process. */
export interface Surroundings {
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly environment: { readonly [name: string]: string | undefined }
  readonly workingDirectory: string
  /** The words that start this command again, as the user would write them: `npx millrace`. */
  readonly invocation: string
  /** URL of the installed `millrace` package: what `import 'millrace'` falls back to. */
  readonly packageUrl: string
  /** Calls back on SIGINT and SIGTERM until the returned function is called. */
  onSignal(callback: () => void): () => void
  /** Calls back when nothing is left that the process could wait for, until the returned function is called. */
  onStall(callback: () => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The surroundings of this process. */
export function processSurroundings(packageUrl: string): Surroundings {
  return {
    stdout: textOutput(process.stdout, 'standard output'),
    stderr: textOutput(process.stderr, 'standard error'),
    environment: process.env,
    workingDirectory: process.cwd(),
    invocation: invocationText({
      program: process.argv[1],
      environment: process.env,
      workingDirectory: process.cwd(),
    }),
    packageUrl,
    onSignal(callback) {
      process.on('SIGINT', callback)
      process.on('SIGTERM', callback)
      return () => {
        process.off('SIGINT', callback)
        process.off('SIGTERM', callback)
      }
    },
    onStall(callback) {
      process.on('beforeExit', callback)
      return () => process.off('beforeExit', callback)
    },
    exit: (code) => process.exit(code),
  }
}

function textOutput(stream: NodeJS.WriteStream, name: string): TextOutput {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads may go away (`millrace schema f | head -1`): then there is nothing more to say, and it is no failure.
    if (error.code === 'EPIPE') process.exit(0)
    endUnheard(name, error)
  })
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    size: () => ({ columns: sizeOr(stream.columns, 80), rows: sizeOr(stream.rows, 24) }),
  }
}

/** Some terminals do not know their size and say 0. */
function sizeOr(size: number | undefined, otherwise: number): number {
  return size === undefined || size < 1 ? otherwise : size
}

/** Ends the process with what is wrong with a stream of its own; where standard error fails, in silence. */
function endUnheard(name: string, cause: NodeJS.ErrnoException): void {
  const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
  const error = new MillraceError(isFull ? 'output/disk-full' : 'output/write-failed', {
    what: isFull ? `no space is left to write ${name}` : `${name} cannot be written`,
    detail: `the system says ${cause.message}`,
    hint: 'send the output somewhere else, then run again',
    place: { file: name },
    cause,
  })
  if (name === 'standard output') writeSync(2, errorText(error, { verbose: false, palette: plainPalette }))
  process.exit(exitCodeOf(error))
}
