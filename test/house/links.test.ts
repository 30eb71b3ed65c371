// Links between the pages of the project lead somewhere.
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'

function brokenLinks(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !existsSync(posix.join(posix.dirname(page), target)))
    .map((target) => `${page} links to ${target}`)
}

describe('links', () => {
  it('between pages lead to files that exist', () => {
    const pages = projectFiles().filter((path) => path.endsWith('.md') && !path.startsWith('etc/'))
    expect(pages.flatMap((page) => brokenLinks(page, readProjectFile(page)))).toEqual([])
  })

  it('are checked relative to their page', () => {
    expect(brokenLinks('docs/coverage.md', '[a](../README.md) [b](https://example.org/x) [c](#top)')).toEqual(
      [],
    )
    expect(brokenLinks('docs/coverage.md', '[a](README.md)')).toEqual(['docs/coverage.md links to README.md'])
  })
})
