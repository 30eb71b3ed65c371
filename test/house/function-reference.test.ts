// docs/reference/functions.md is what the catalogue of functions says.
import { describe, expect, it } from 'vitest'
import { aliases, catalogue } from '../../packages/core/src/expr/catalogue.ts'
import { withFunctions } from '../../tools/house/function-reference.mjs'
import { readProjectFile } from '../../tools/house/project-files.mjs'

describe('function reference', () => {
  it('is up to date with the catalogue (else: npm run functions:update)', () => {
    const page = readProjectFile('docs/reference/functions.md')
    expect(page).toBe(withFunctions(page, catalogue.values(), aliases))
  })

  it('has a row for every function and every other name', () => {
    const page = readProjectFile('docs/reference/functions.md')
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    expect(rows).toHaveLength(catalogue.size + aliases.size)
  })
})

describe('the writer of the function reference', () => {
  const entry = { family: 'logic', signature: 'a || b', doc: 'Both | together.' }

  it('keeps what stands around the tables and escapes bars', () => {
    const page = withFunctions('# Functions\n', [entry], [['other', 'name']])
    expect(page).toContain('| `a \\|\\| b` | Both \\| together. |')
    expect(withFunctions(page, [entry], [['other', 'name']])).toBe(page)
  })
})
