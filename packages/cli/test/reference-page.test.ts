// docs/reference/cli.md shows what the command prints.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commandHelp, generalHelp, helpWidth } from '../src/command-line/help-text.ts'
import type { TextOutput } from '../src/surroundings.ts'
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
  it.each([80, 96])('is at most as wide as a terminal of %i columns, but for what is to copy', (width) => {
    const texts = [generalHelp(commands, width), ...commands.map((command) => commandHelp(command, width))]
    const copied = /^ {2}millrace |^ {4,}(p\.read|\.)|^ {2}export default/
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => !copied.test(line))
    expect(lines.filter((line) => line.length > width)).toEqual([])
  })

  it('fits the terminal, and has its full width elsewhere', () => {
    const output = (columns: number, isTerminal: boolean): TextOutput => ({
      write: () => undefined,
      isTerminal,
      size: () => ({ columns, rows: 24 }),
    })
    expect([output(80, true), output(200, true), output(20, true), output(80, false)].map(helpWidth)).toEqual(
      [80, 96, 60, 96],
    )
  })
})
