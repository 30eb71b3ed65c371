// Invariants are numbered at the head of files (TL3, B1): a label stands for one thing, and a test quotes one that there is.
import { describe, expect, it } from 'vitest'
import { packageSources, projectFiles, readProjectFile } from '../../tools/house/project-files.mjs'

interface Label {
  readonly label: string
  readonly path: string
}

/** Labels that a source gives: ` *  TL3  The loop yields …`. */
function given(path: string): Label[] {
  const heads = readProjectFile(path).matchAll(/^ \* {2}([A-Z]{1,2}\d{1,2}) {1,3}(?=\S)/gm)
  return Array.from(heads, ([, label = '']) => ({ label, path }))
}

/** Labels that titles of tests begin with: `it('TL3: it yields')`, `it('BO1, BO2: hands on')`. */
function quoted(path: string): Label[] {
  const titles = readProjectFile(path).matchAll(/['"`]((?:[A-Z]{1,2}[1-9]\d?(?:, )?)+): /g)
  return Array.from(titles, ([, labels = '']) => labels.split(', '))
    .flat()
    .map((label) => ({ label, path }))
}

const isLaw = (label: string): boolean => /^L([1-9]|10)$/.test(label)

describe('labels of invariants', () => {
  const all = packageSources().flatMap(given)

  it('are given once each, over all packages', () => {
    const places = new Map<string, string[]>()
    for (const { label, path } of all) places.set(label, [...(places.get(label) ?? []), path])
    expect(all.length).toBeGreaterThan(100)
    expect([...places].filter(([, paths]) => paths.length > 1)).toEqual([])
    expect(all.filter(({ label }) => isLaw(label))).toEqual([])
  })

  it('are those of a file when a test quotes them, or of a law', () => {
    const known = new Set(all.map(({ label }) => label))
    const tests = projectFiles().filter((path) => /^packages\/.*\.test\.ts$/.test(path))
    const quotes = tests.flatMap(quoted)
    expect(quotes.length).toBeGreaterThan(50)
    expect(quotes.filter(({ label }) => !known.has(label) && !isLaw(label))).toEqual([])
  })
})
