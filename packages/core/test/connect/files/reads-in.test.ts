// Which folders an input path leads to: what the pipeline may not write to.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globFiles, isGlob } from '../../../src/connect/files/glob.ts'
import { readsIn } from '../../../src/connect/files/reads-in.ts'
import { createManualHost } from '../../../src/testing/index.ts'

const part = 'part-000001-0000-0000-0123456789ab.ndjson'

describe('an input path leads into an output folder', () => {
  test.each([
    ['data', '/data', true],
    ['data/', '/data', true],
    ['data', '/data/day=1', true],
    ['data', '/data/day=1/hour=2', true],
    ['data/day=1', '/data', true],
    ['data', '/data/out', false],
    ['data', '/data/out/day=1', false],
    ['data/out', '/data', false],
    ['data', '/database', false],
    ['not/there/yet', '/not/there/yet', true],
    ['data/a.ndjson', '/data', true],
    ['data/day=1/a.ndjson', '/data', true],
    ['data/out/a.ndjson', '/data', false],
    ['data/a.ndjson', '/data/out', false],
    ['data/*.ndjson', '/data', true],
    ['data/*.ndjson', '/data/out', false],
    ['data/*.ndjson', '/data/day=1', false],
    ['data/**/*.ndjson', '/data/out/deep', true],
    ['data/**', '/data/out', true],
    ['data/**', '/data/_out', false],
    ['data/**', '/data/out/.hidden', false],
    ['data/*/*.ndjson', '/data/out', true],
    ['data/*/*.ndjson', '/data', true],
    ['data/in/*.ndjson', '/data', false],
    ['data/day=*/*.ndjson', '/data', true],
    ['data/out/*.ndjson', '/data', false],
    ['data/out/[xy]/*.ndjson', '/data/out/x', true],
    ['data/{in,out}/*.ndjson', '/data/out', true],
    ['data/{in,old}/*.ndjson', '/data/out', false],
    ['./data/../data/*.ndjson', '/data', true],
    ['*.ndjson', '/', true],
    ['/*/*.ndjson', '/data', true],
    ['**/*.ndjson', '/anywhere', true],
  ])('%s in %s: %s', async (path, folder, expected) => {
    const { files } = createManualHost()
    for (const name of ['data/a.ndjson', 'data/day=1/a.ndjson', 'data/out/a.ndjson', 'data/in/a.ndjson'])
      files.put(name, '')
    expect(await readsIn(files, path, folder)).toBe(expected)
  })

  test('whenever a pattern finds something there', async () => {
    const name = fc.constantFrom('a', 'b', 'k=1', '_h', 'ab')
    const segment = fc.constantFrom('a', 'b', 'k=1', '*', '?', 'a*', '**', '[ab]', '{a,k=1}', '_h', '*=*')
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { maxLength: 3 }),
        fc.constantFrom('', 'k=1', 'k=1/j=2'),
        fc.array(segment, { maxLength: 4 }),
        fc.constantFrom('*', '*.ndjson', 'part-*', '**', '{part,x}*'),
        async (folders, partition, pattern, last) => {
          const { files } = createManualHost()
          const folder = `/${folders.join('/')}`
          files.put([folder, partition, part].join('/'), '')
          const path = [...pattern, last].join('/')
          expect(isGlob(path)).toBe(true)
          const { files: found } = await globFiles(files, path)
          fc.pre(found.length > 0)
          expect(await readsIn(files, path, folder)).toBe(true)
        },
      ),
      { numRuns: 200, maxSkipsPerRun: 100 },
    )
  })
})
