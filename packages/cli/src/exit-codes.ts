/**
 * The exit codes of the command: part of its contract, told in docs/reference/cli.md and in `millrace --help`.
 */
import { isMillraceError } from '@millrace/core/errors'
import { UsageError } from './command-line/usage-error.ts'

/** Exit codes by what they mean. */
export const exitCodes = {
  /** The command did what it was asked to; also a continuous run that was ended by a signal. */
  done: 0,
  /** Something outside the pipeline (files, disk, network) or Millrace itself failed. */
  failed: 1,
  /** The command line or the pipeline has to be changed. */
  usage: 2,
  /** A signal ended the command before it was done: nothing of a batch run is visible. */
  interrupted: 130,
} as const

/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What each exit code means, for help and reference. */
export const exitCodeMeanings: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  { code: exitCodes.done, meaning: 'done; also a continuous run that Ctrl-C or SIGTERM ended cleanly' },
  {
    code: exitCodes.failed,
    meaning: 'the run failed for a reason outside the pipeline: input, output, machine',
  },
  { code: exitCodes.usage, meaning: 'the command line, the options or the pipeline have to be changed' },
  {
    code: exitCodes.interrupted,
    meaning: 'interrupted: a batch run was ended by a signal and wrote nothing, or a second signal came',
  },
]

/** The exit code that an error ends the command with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage
  if (!isMillraceError(error)) return exitCodes.failed
  if (error.code === 'run/cancelled') return exitCodes.interrupted
  return error.domain === 'user' ? exitCodes.usage : exitCodes.failed
}
