// Links between the pages of the project lead somewhere.
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'

function brokenLinks(page: string, text: string, read: (path: string) => string = readProjectFile): string[] {
  const targets = [...text.matchAll(/\]\((?![a-z]+:)([^)\s]+)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => {
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : posix.join(posix.dirname(page), path)
      if (!existsSync(file)) return true
      if (heading === undefined || !file.endsWith('.md')) return false
      return !anchors(path === '' ? text : read(file)).has(heading)
    })
    .map((target) => `${page} links to ${target}`)
}

/** What headings can be linked to by, as GitHub makes it. */
function anchors(text: string): ReadonlySet<string> {
  const prose = text.replaceAll(/^(`{3,})[^]*?^\1$/gm, '')
  const found = new Set<string>()
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = shown
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-')
    let unique = slug
    for (let n = 1; found.has(unique); n++) unique = `${slug}-${n}`
    found.add(unique)
  }
  return found
}

describe('links', () => {
  it('between pages lead to files that exist', () => {
    const pages = projectFiles().filter((path) => path.endsWith('.md') && !path.startsWith('etc/'))
    expect(pages.flatMap((page) => brokenLinks(page, readProjectFile(page)))).toEqual([])
  })

  it('are checked relative to their page', () => {
    expect(
      brokenLinks('docs/coverage.md', '[a](../README.md) [b](https://example.org/x) [c](#top)\n# Top'),
    ).toEqual([])
    expect(brokenLinks('docs/coverage.md', '[a](README.md)')).toEqual(['docs/coverage.md links to README.md'])
  })

  it('lead to headings that exist', () => {
    const page = '# A `page`, of one!\n## Twice\n## Twice\n```sh\n# none\n```\n'
    const links = (to: string): string[] =>
      brokenLinks('docs/coverage.md', `[a](../README.md#${to})`, () => page)
    expect(['a-page-of-one', 'twice', 'twice-1'].flatMap(links)).toEqual([])
    expect(['none', 'twice-2', 'A'].flatMap(links)).toHaveLength(3)
  })
})
