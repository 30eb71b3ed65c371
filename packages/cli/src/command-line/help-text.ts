/** Help as text, from the commands' data. docs/reference/cli.md is made from the same data, and a test compares. */
import { exitCodeMeanings } from '../exit-codes.ts'
import { commonFlags } from './command.ts'
import type { Command, Flag } from './command.ts'
import type { TextOutput } from '../surroundings.ts'

/** Columns of help where no terminal says how many there are; and at most. */
const WIDTH = 96
const WIDTH_LEAST = 60

/** The columns that help may have on an output. */
export function helpWidth(output: TextOutput): number {
  return output.isTerminal ? Math.min(WIDTH, Math.max(WIDTH_LEAST, output.size().columns)) : WIDTH
}

/** What `millrace --help` prints. */
export function generalHelp(commands: readonly Command[], width: number = WIDTH): string {
  return `millrace: unified batch and stream processing for TypeScript

Usage
  millrace COMMAND [flags]

Commands
${table(
  commands.map((command) => [usageHead(command), command.summary]),
  width,
)}

Start here
${table(
  [
    ['millrace schema data.csv', 'what is in a file, and the schema to write for it'],
    ['millrace explain pipeline.ts', 'what a pipeline will do, without running it'],
    ['millrace run pipeline.ts', 'read what is there, write the results, end'],
    ['millrace run pipeline.ts --mode continuous', 'keep following the input until Ctrl-C'],
  ],
  width,
)}

A pipeline is the default export of a module:

  import { pipeline, tumbling } from 'millrace'
  import { parquet } from 'millrace/files'
  import { Flight } from './schema.ts'

  export default pipeline('flight-delays', (p) => {
    p.read('flights', parquet('data/flights', { schema: Flight, eventTime: 'date' }))
      .keyBy('by-origin', 'origin')
      .window(tumbling('1 hour'))
      .aggregate('hourly', (a) => ({ flights: a.count(), delay: a.mean('delay') }))
      .write('out', parquet('out/hourly'))
  })

Flags of every command
${table([...commonFlags.map(flagRow), ['--version', 'show the version']], width)}

Exit codes
${table(
  exitCodeMeanings.map(({ code, meaning }) => [String(code), meaning]),
  width,
)}

millrace help COMMAND tells more of a command.
`
}

/** What `millrace help COMMAND` prints. */
export function commandHelp(command: Command, width: number = WIDTH): string {
  const parts = [
    `millrace ${command.name}: ${command.summary}`,
    `Usage\n  millrace ${usageHead(command)} [flags]`,
    ...(command.operand === undefined
      ? []
      : [table([[command.operand.name, command.operand.description]], width)]),
    `Flags\n${table([...command.flags, ...commonFlags].map(flagRow), width)}`,
    ...command.details.map((paragraph) => wrap(paragraph, width, '')),
    `Examples\n${command.examples.map(({ line, meaning }) => `  ${line}\n${wrap(meaning, width, '      ')}`).join('\n')}`,
    `Exit codes\n${table(
      exitCodeMeanings.map(({ code, meaning }) => [String(code), meaning]),
      width,
    )}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** `run MODULE`. */
function usageHead(command: Command): string {
  const { operand, name } = command
  if (operand === undefined) return name
  return `${name} ${operand.name}${operand.more === undefined ? '' : ` ${operand.more}`}`
}

/** `--mode MODE` and what it does, with default and choices. */
function flagRow(flag: Flag): readonly [string, string] {
  const dashes = `${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}`
  const head = flag.value === undefined ? dashes : `${dashes} ${flag.value}`
  const notes = [
    ...(flag.repeated === true ? ['may be repeated'] : []),
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
  ]
  return [head, notes.length === 0 ? flag.description : `${flag.description} (${notes.join('; ')})`]
}

/** Two columns; the second is wrapped. */
function table(rows: readonly (readonly [string, string])[], width: number): string {
  const longest = Math.max(...rows.map(([head]) => head.length))
  const column = Math.min(44, longest) + 4
  return rows
    .map(([head, text]) => {
      const body = wrap(text, width, ' '.repeat(column))
      // A head that does not fit stands on a line of its own.
      if (head.length + 4 > column) return `  ${head}\n${body}`
      return `  ${head}`.padEnd(column) + body.slice(column)
    })
    .join('\n')
}

/** Breaks text into lines of at most `width` characters, each with the indent. */
function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, indent + line].join('\n')
}
