// The command line's front: finds the command that the first argument names and runs it.
// It decides nothing about pipelines; each command is a file of its own.

const help = `millrace: unified batch and stream processing for TypeScript

Usage
  millrace --help       show this text
  millrace --version    show the version
`

const version = '0.1.0'

/** Exit codes of the command: part of its contract. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/**
 * Runs the command line.
 *
 * @param args - the words after the name of the program
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  const [command] = args
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(help)
    return command === undefined ? exitCodes.usage : exitCodes.done
  }
  if (command === '--version') {
    process.stdout.write(`${version}\n`)
    return exitCodes.done
  }
  process.stderr.write(`millrace: no command "${command}"; see millrace --help\n`)
  return exitCodes.usage
}
