/**
 * The front of the command line: finds the command that the first word names, runs it, and turns errors into text and
 * an exit code. It decides nothing about pipelines; each command is a file of its own, loaded when it runs.
 */
import { commandHelp, generalHelp, helpWidth } from './command-line/help-text.ts'
import { nearName } from './command-line/near-name.ts'
import { parseWords } from './command-line/parse-words.ts'
import { UsageError } from './command-line/usage-error.ts'
import type { Command } from './command-line/command.ts'
import { commands } from './commands/index.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { processSurroundings } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { packageVersion } from './version.ts'

/** What `main` may be told by the program that starts it. */
export interface MainOptions {
  /** URL of a module of the installed `millrace` package: what `import 'millrace'` in user modules falls back to. */
  readonly packageUrl?: string
  /** Streams, environment and signals; default: those of this process. */
  readonly surroundings?: Surroundings
}

/**
 * Runs the command line. Errors are printed, not thrown.
 *
 * @param words - the words after the name of the program
 * @returns the exit code
 */
export async function main(words: readonly string[], options: MainOptions = {}): Promise<ExitCode> {
  const surroundings = options.surroundings ?? processSurroundings(options.packageUrl ?? import.meta.url)
  try {
    return await dispatch(words, surroundings)
  } catch (error) {
    const { errorText } = await import('./report/error-text.ts')
    const { paletteFor } = await import('./report/style.ts')
    const { textWidth } = await import('./report/wrapped-text.ts')
    const { stderr, environment } = surroundings
    const verbose = words.includes('--verbose')
    const palette = paletteFor(stderr, environment)
    stderr.write(errorText(error, { verbose, palette, width: textWidth(stderr) }))
    return exitCodeOf(error)
  }
}

async function dispatch(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [first, ...rest] = words
  const width = helpWidth(surroundings.stdout)
  switch (first) {
    case undefined:
      surroundings.stderr.write(generalHelp(commands, helpWidth(surroundings.stderr)))
      return exitCodes.usage
    case '--version':
    case '-v':
    case 'version':
      surroundings.stdout.write(`${packageVersion()}\n`)
      return exitCodes.done
    case '--help':
    case '-h':
    case 'help':
      surroundings.stdout.write(
        rest[0] === undefined ? generalHelp(commands, width) : commandHelp(commandOf(rest[0]), width),
      )
      return exitCodes.done
    default:
      return runCommand(commandOf(first), rest, surroundings)
  }
}

async function runCommand(
  command: Command,
  words: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const parsed = parseWords(command, words)
  if (parsed.given.has('help')) {
    surroundings.stdout.write(commandHelp(command, helpWidth(surroundings.stdout)))
    return exitCodes.done
  }
  const execute = await command.load()
  return execute(parsed, surroundings)
}

function commandOf(name: string): Command {
  const command = commands.find((one) => one.name === name)
  if (command !== undefined) return command
  if (name.startsWith('-')) {
    const near = nearName(name.replace(/^-+/, ''), ['help', 'version'])
    throw new UsageError(
      `millrace has no flag ${name}`,
      near === undefined ? 'write the command first: millrace run MODULE [flags]' : `did you mean --${near}?`,
    )
  }
  throw new UsageError(`millrace has no command "${name}"`, hintFor(name))
}

function hintFor(name: string): string {
  // A module where the command should stand is the likeliest slip of all.
  if (/[./\\]/.test(name)) return `did you mean: millrace run ${name}`
  const near = nearName(name, [...commands.map((command) => command.name), 'help', 'version'])
  return near === undefined ? 'see millrace --help' : `did you mean: millrace ${near}`
}
