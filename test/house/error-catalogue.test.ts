// Every error code has its row in docs/reference/errors.md, and every row its code.
import { errorCatalogue } from '@millrace/core/errors'
import { describe, expect, it } from 'vitest'
import { referenceFaults, withCatalogue } from '../../tools/house/error-reference.mjs'
import { readProjectFile } from '../../tools/house/project-files.mjs'

describe('error catalogue', () => {
  it('and the reference page describe the same errors', () => {
    expect(referenceFaults(readProjectFile('docs/reference/errors.md'), errorCatalogue)).toEqual([])
  })

  it('has codes of the form area/what-happened and meanings of one plain clause', () => {
    for (const [code, { meaning }] of Object.entries<{ readonly meaning: string }>(errorCatalogue)) {
      expect(code).toMatch(/^[a-z]+\/[a-z]+(-[a-z]+)*$/)
      expect(`${code}: ${meaning}`).toMatch(/: (?!.*\|)\S.*[^.\s]$/)
    }
  })
})

describe('the checker of the error reference', () => {
  const entry = { domain: 'user', retry: 'no-retry', meaning: 'it went wrong' }
  const page = withCatalogue('# Errors\n', { 'a/b': entry })

  it('accepts the page that it wrote', () => {
    expect(referenceFaults(page, { 'a/b': entry })).toEqual([])
    expect(withCatalogue(page, { 'a/b': entry })).toBe(page)
  })

  it('refuses a code without a row, a row without a code, and a row that differs', () => {
    expect(referenceFaults(page, { 'a/b': entry, 'a/c': entry })).toHaveLength(1)
    expect(referenceFaults(page, {})).toHaveLength(1)
    expect(referenceFaults(page, { 'a/b': { ...entry, retry: 'retry' } })).toHaveLength(1)
  })
})
