// The example of README.md runs as it is printed there, in a clone in which `npm start` has installed and built.
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const place = workshop()

afterAll(() => place.remove())

/** What each command shows when it has done what the page promises. */
const shows = {
  run: /read 3,000,000 rows/,
  schema: /^out\/delays: [^]* {2}lateShare /,
  explain: /aggregates per origin in windows of 1h/,
}

describe('the example of the README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, module = ''] = /```ts\n([^]*?)```/.exec(readme) ?? []
  const commands = [...readme.matchAll(/^npx millrace (.*?) +#/gm)].map(([, words = '']) => words.split(' '))

  it('is a module and the commands that use it', () => {
    expect(module).toContain('export default pipeline(')
    expect(commands.map(([command]) => command)).toEqual(['run', 'schema', 'explain', 'run'])
  })

  it('runs, command by command', { timeout: 60_000 }, async () => {
    symlinkSync(join(root, 'node_modules'), join(place.path, 'node_modules'))
    writeFileSync(join(place.path, 'delays.ts'), module)
    for (const words of commands) {
      const follows = words.includes('continuous')
      const { code, stdout, stderr } = await millrace(
        follows ? [...words, '--stop-when-idle', '100ms', '--drain'] : words,
        { cwd: place.path },
      )
      const shown = stdout + stderr
      expect([words, code, code === 0 ? '' : shown]).toEqual([words, 0, ''])
      expect(shown).toMatch(shows[words[0] as keyof typeof shows])
    }
  })
})
