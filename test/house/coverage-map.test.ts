// docs/coverage.md names tests that exist: each promise can be followed to the test that holds it.
import { describe, expect, it } from 'vitest'
import { commandFaults, coverageFaults, hasTitle, testTitles } from '../../tools/house/coverage-map.mjs'
import { projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'
import { steps } from '../../tools/verify-steps.mjs'

describe('coverage map', () => {
  it('names only tests that exist', () => {
    const files = new Set(projectFiles())
    const read = (file: string): string | undefined => (files.has(file) ? readProjectFile(file) : undefined)
    expect(coverageFaults(readProjectFile('docs/coverage.md'), read)).toEqual([])
  })
})

describe('rows of the coverage map without a test', () => {
  const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: { [name: string]: string } }
  const commands = { scripts: Object.keys(scripts), steps: Object.keys(steps) }

  it('name commands and steps that exist', () => {
    expect(commandFaults(readProjectFile('docs/coverage.md'), commands)).toEqual([])
  })

  it.each([
    ['| promise | held by |', 0],
    ['| --- | --- |', 0],
    ['| x | `npm run chaos` |', 0],
    ['| x | `npm test` on a clone |', 0],
    ['| x | steps `types`, `lint` and `api` of `npm run verify` |', 0],
    ['| x | `a/b.test.ts > title` |', 0],
    ['| x | steps `types`, `taste` and `api` of `npm run verify` |', 1],
    ['| x | step `taste` of `npm run verify` |', 1],
    ['| x | `npm run chaoss` |', 1],
    ['| x | `none` |', 1],
    ['| x | |', 1],
  ])('are checked: %s', (row, faults) => {
    expect(commandFaults(row, commands)).toHaveLength(faults)
  })
})

describe('the checker of the coverage map', () => {
  const file = 'packages/core/test/time/x.test.ts'
  const text = `
    describe('windows', () => {
      it('close at their end', () => {})
      it.each(rows)('hold %s rows', () => {})
      for (const kind of kinds) it(\`of kind \${kind} (open)\`, () => {})
    })
    test('alone', () => {})
    test.skip('asleep', () => {})
    describe.todo('planned')
  `
  const read = (path: string): string | undefined => (path === file ? text : undefined)

  it('collects titles with the suites around them', () => {
    expect(testTitles(file, text)).toEqual([
      'windows',
      'windows > close at their end',
      'windows > hold %s rows',
      'windows > of kind %~ (open)',
      'alone',
    ])
  })

  it.each([
    'windows',
    'close at their end',
    'windows > close at their end',
    'windows > hold 17 rows',
    'of kind session (open)',
    'alone',
  ])('finds "%s"', (title) => {
    expect(hasTitle(title, testTitles(file, text))).toBe(true)
    expect(coverageFaults(`| x | \`${file} > ${title}\` |`, read)).toEqual([])
  })

  it('finds a whole file', () => {
    expect(coverageFaults(`| x | \`${file}\` |`, read)).toEqual([])
  })

  it.each([
    `${file} > asleep`,
    `${file} > planned`,
    `${file} > close`,
    `${file} > other > alone`,
    'packages/core/test/none.test.ts > alone',
  ])('refuses `%s`', (name) => {
    expect(coverageFaults(`| x | \`${name}\` |`, read)).toHaveLength(1)
  })
})
