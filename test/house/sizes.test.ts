// Size limits: files of at most 600 lines, functions of at most 70; exceptions are listed and may only shrink.
import { describe, expect, it } from 'vitest'
import { projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'
import { oversizes, ratchetFaults } from '../../tools/house/sizes.mjs'

const isSource = (path: string): boolean => /\.(ts|mjs|js)$/.test(path)
const isTest = (path: string): boolean => /(^|\/)test\//.test(path)

describe('sizes', () => {
  it('no file and no function is over its limit, but for the listed exceptions', () => {
    const found = Object.assign(
      {},
      ...projectFiles()
        .filter(isSource)
        .map((path) => oversizes(path, readProjectFile(path), { functions: !isTest(path) })),
    ) as Record<string, number>
    const allowed = JSON.parse(readProjectFile('tools/house/size-ratchet.json')) as Record<string, number>
    expect(ratchetFaults(found, allowed)).toEqual([])
  })
})

describe('the checker of sizes', () => {
  const statements = (count: number): string => 'step()\n'.repeat(count)

  it('measures files by lines and functions by lines of code', () => {
    expect(oversizes('a.ts', statements(601), { functions: true })).toEqual({ 'a.ts': 601 })
    expect(oversizes('a.ts', statements(600), { functions: true })).toEqual({})
    const long = `function long() {\n${statements(69)}}\n`
    expect(oversizes('a.ts', long, { functions: true })).toEqual({ 'a.ts#long': 71 })
    expect(oversizes('a.ts', long, { functions: false })).toEqual({})
    const commented = `function fine() {\n${statements(60)}${'// why\n\n'.repeat(40)}}\n`
    expect(oversizes('a.ts', commented, { functions: true })).toEqual({})
  })

  it('accepts a listed exception, and no growth of it', () => {
    expect(ratchetFaults({ 'a.ts': 650 }, { 'a.ts': 650 })).toEqual([])
    expect(ratchetFaults({ 'a.ts': 651 }, { 'a.ts': 650 })).toHaveLength(1)
    expect(ratchetFaults({ 'b.ts': 651 }, {})).toHaveLength(1)
  })

  it('asks to lower or drop an exception that is no longer needed', () => {
    expect(ratchetFaults({ 'a.ts': 610 }, { 'a.ts': 650 })).toHaveLength(1)
    expect(ratchetFaults({}, { 'a.ts': 650 })).toHaveLength(1)
  })
})
