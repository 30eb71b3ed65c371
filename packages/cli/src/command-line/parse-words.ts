/**
 * From the words after a command's name to its operands and flags. Node's `parseArgs` splits the words; names are
 * checked here, so that a wrong one is answered with the nearest right one.
 */
import { parseArgs } from 'node:util'
import { commonFlags } from './command.ts'
import type { Command, Flag, ParsedWords } from './command.ts'
import { nearName } from './near-name.ts'
import { UsageError } from './usage-error.ts'

/**
 * Sorts the words out.
 *
 * @throws UsageError for flags that do not exist, lack a value or have one too many, and for too many operands.
 */
export function parseWords(command: Command, words: readonly string[]): ParsedWords {
  const flags = [...command.flags, ...commonFlags]
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(flags.map((flag) => [flag.name, parseArgsOption(flag)])),
  })
  const operands: string[] = []
  const values = new Map<string, string[]>()
  const given = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const flag = findFlag(command, flags, token)
    if (flag.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`--${flag.name} takes no value`, seeHelp(command))
      given.add(flag.name)
    } else {
      values.set(flag.name, [...(values.get(flag.name) ?? []), checkValue(command, flag, token.value)])
    }
  }
  checkRepeats(command, flags, values)
  checkOperands(command, operands, given)
  return { operands, values, given }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
}

function parseArgsOption(flag: Flag): { type: 'string' | 'boolean'; short?: string } {
  const type = flag.value === undefined ? 'boolean' : 'string'
  return flag.short === undefined ? { type } : { type, short: flag.short }
}

function findFlag(command: Command, flags: readonly Flag[], token: OptionToken): Flag {
  const flag = flags.find(({ name }) => name === token.name)
  if (flag !== undefined) return flag
  const near = nearName(
    token.name,
    flags.map(({ name }) => name),
  )
  throw new UsageError(
    `millrace ${command.name} has no flag ${token.rawName}`,
    near === undefined ? seeHelp(command) : `did you mean --${near}?`,
  )
}

function checkValue(command: Command, flag: Flag, value: string | undefined): string {
  if (value === undefined || value === '') {
    throw new UsageError(`--${flag.name} needs a value`, `write --${flag.name} ${flag.value}`)
  }
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const near = nearName(value, flag.choices)
    throw new UsageError(
      `--${flag.name} cannot be "${value}": it is ${listChoices(flag.choices)}`,
      near === undefined ? seeHelp(command) : `did you mean --${flag.name} ${near}?`,
    )
  }
  return value
}

function checkRepeats(
  command: Command,
  flags: readonly Flag[],
  values: ReadonlyMap<string, readonly string[]>,
): void {
  for (const { name, repeated } of flags) {
    if (repeated !== true && (values.get(name)?.length ?? 0) > 1) {
      throw new UsageError(`--${name} is given more than once`, seeHelp(command))
    }
  }
}

function checkOperands(command: Command, operands: readonly string[], given: ReadonlySet<string>): void {
  if (given.has('help')) return
  const expected = command.operand?.name
  if (expected !== undefined && operands.length === 0) {
    const [example] = command.examples
    throw new UsageError(
      `millrace ${command.name} needs ${/^[AEIOU]/.test(expected) ? 'an' : 'a'} ${expected}`,
      example === undefined ? seeHelp(command) : `for example: ${example.line}`,
    )
  }
  if (command.operand?.more !== undefined) return
  const most = expected === undefined ? 0 : 1
  if (operands.length > most) {
    throw new UsageError(
      `millrace ${command.name} takes ${most === 0 ? 'no operand' : `one ${expected}`}, and "${operands[most]}" is one too many`,
      seeHelp(command),
    )
  }
}

/** `a, b or c`. */
function listChoices(choices: readonly string[]): string {
  return choices.length < 2
    ? choices.join('')
    : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`
}

function seeHelp(command: Command): string {
  return `see millrace help ${command.name}`
}
