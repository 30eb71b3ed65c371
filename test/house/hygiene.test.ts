// Tracked files are the same on every machine: no paths of one, and no registry that packages came from.
import { describe, expect, it } from 'vitest'
import { hygieneFaults } from '../../tools/house/hygiene.mjs'
import { projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'

const isText = (path: string): boolean =>
  /(\.(ts|mjs|js|json|jsonc|md|yml|yaml|sql|csv)|(^|\/)[^.]+|\/run|rc)$/.test(path)

describe('hygiene', () => {
  it('no tracked file holds a machine path or a registry host', () => {
    const paths = projectFiles().filter(isText)
    expect(paths).toContain('package-lock.json')
    expect(paths.flatMap((path) => hygieneFaults(path, readProjectFile(path)))).toEqual([])
  })
})

describe('the checker of hygiene', () => {
  const s = '/'

  it.each([
    `see ${s}home/someone/notes`,
    `"${s}Users/someone"`,
    `(${s}work/project)`,
    `https:${s}/registry.example.org/x`,
    `https:${s}/npm.example/artifactory-of-ours`.replace('npm.example/', ''),
    'registry = somewhere',
  ])('refuses %s', (text) => {
    expect(hygieneFaults('notes.md', text)).toHaveLength(1)
  })

  it.each(['./home/x', 'a/work/b', 'registry.get(name)', 'const registry = new Map()'])(
    'allows %s',
    (text) => {
      expect(hygieneFaults('some-file.ts', text)).toEqual([])
    },
  )

  it('refuses a lockfile that says where a package was downloaded from', () => {
    const lock = (resolved: string): string =>
      JSON.stringify({ packages: { 'node_modules/x': { resolved } } })
    expect(hygieneFaults('package-lock.json', lock('https://example.org/x.tgz'))).toHaveLength(1)
    expect(hygieneFaults('package-lock.json', lock('packages/core'))).toEqual([])
  })
})
