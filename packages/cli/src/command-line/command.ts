/**
 * What a command is: plain data that help, the parser and the reference page are made from, and a function that runs
 * it. The function is loaded only when the command runs, so that `--help` loads nothing else.
 */
import type { Surroundings } from '../surroundings.ts'
import type { ExitCode } from '../exit-codes.ts'

/** A flag of a command. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string
  readonly short?: string
  /** What stands for its value in help (`DURATION`); absent: the flag takes none. */
  readonly value?: string
  readonly choices?: readonly string[]
  /** May be given several times. */
  readonly repeated?: boolean
  readonly default?: string
  /** One sentence or clause, without a full stop. */
  readonly description: string
}

/** The words of a command line, sorted out. */
export interface ParsedWords {
  readonly operands: readonly string[]
  /** Values of flags that take one, by name. */
  readonly values: ReadonlyMap<string, readonly string[]>
  /** Names of flags without a value that were given. */
  readonly given: ReadonlySet<string>
}

/** A command of the command line. */
export interface Command {
  readonly name: string
  /** One clause, as the list of commands shows it. */
  readonly summary: string
  /** The operand's name in capitals, and what it is; `more`: how those behind it are called, of which there may be many. */
  readonly operand:
    | { readonly name: string; readonly description: string; readonly more?: string }
    | undefined
  readonly flags: readonly Flag[]
  /** Paragraphs for `millrace help COMMAND`. */
  readonly details: readonly string[]
  readonly examples: readonly { readonly line: string; readonly meaning: string }[]
  load(): Promise<(words: ParsedWords, surroundings: Surroundings) => Promise<ExitCode>>
}

/** Flags that every command takes. */
export const commonFlags: readonly Flag[] = [
  { name: 'verbose', description: 'show causes and stack traces of errors' },
  { name: 'help', short: 'h', description: 'show the help of the command' },
]
