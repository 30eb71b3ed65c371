// docs/reference/cli.md shows what the command prints.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commandHelp, generalHelp } from '../src/command-line/help-text.ts'
import { commands } from '../src/commands/index.ts'

const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8')

/** The text block under a heading of the page. */
function blockUnder(heading: string): string | undefined {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  return /^\n```text\n([\s\S]*?)```\n/.exec(section)?.[1]
}

describe('the reference page of the command line', () => {
  it('shows millrace --help as it is', () => {
    expect(blockUnder('millrace')).toBe(generalHelp(commands))
  })

  it.each(commands.map((command) => [command.name, command] as const))(
    'shows millrace help %s as it is',
    (name, command) => {
      expect(blockUnder(`millrace ${name}`)).toBe(commandHelp(command))
    },
  )
})

describe('help', () => {
  it('is at most 100 columns wide, but for commands to copy', () => {
    const lines = [generalHelp(commands), ...commands.map(commandHelp)].flatMap((text) => text.split('\n'))
    expect(lines.filter((line) => line.length > 100 && !/^ {2}millrace run /.test(line))).toEqual([])
  })
})
