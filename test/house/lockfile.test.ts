// `npm ci` takes the lockfile on every platform only when it names the optional packages of all of them.
import { describe, expect, it } from 'vitest'
import { missingOptionalPackages, withOptionalPackages } from '../../tools/house/lockfile.mjs'
import { readProjectFile } from '../../tools/house/project-files.mjs'

describe('lockfile', () => {
  it('names the optional packages of every platform (if not: node tools/complete-lockfile.mjs)', () => {
    expect(missingOptionalPackages(JSON.parse(readProjectFile('package-lock.json')))).toEqual([])
  })
})

describe('the checker of the lockfile', () => {
  const tool = { version: '1.0.0', dev: true, optionalDependencies: { '@tool/linux-x64-musl': '1.0.0' } }
  const lockfile = { packages: { '': {}, 'node_modules/tool': tool } }

  it('finds an optional package that is listed and not there', () => {
    expect(missingOptionalPackages(lockfile).map(({ name }) => name)).toEqual(['@tool/linux-x64-musl'])
  })

  it('completes the file', () => {
    const complete = withOptionalPackages(lockfile)
    expect(missingOptionalPackages(complete)).toEqual([])
    expect(complete.packages['node_modules/@tool/linux-x64-musl']).toEqual({
      version: '1.0.0',
      cpu: ['x64'],
      libc: ['musl'],
      os: ['linux'],
      dev: true,
      optional: true,
    })
    expect(Object.keys(complete.packages)[0]).toBe('')
  })
})
