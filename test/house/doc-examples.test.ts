// How examples are found in the documentation; that they compile and run is the step `examples` of verify.
import { describe, expect, it } from 'vitest'
import { doorOf, markdownExamples, tsdocExamples, withImports } from '../../tools/house/doc-examples.mjs'
import { inPipeline } from '../../tools/house/pipeline-example.mjs'

describe('documentation examples', () => {
  it('are the TypeScript blocks of a page, with their lines', () => {
    const page = ['# Title', '```ts', 'one()', '```', '```sh', '```', '```ts no-run', 'two()', '```'].join(
      '\n',
    )
    expect(markdownExamples('a.md', page)).toEqual([
      { file: 'a.md', line: 3, code: 'one()\n', runs: true, inPipeline: false },
      { file: 'a.md', line: 8, code: 'two()\n', runs: false, inPipeline: false },
    ])
  })

  it('are not found in a block of another language', () => {
    expect(markdownExamples('a.md', '````md\n```ts\none()\n```\n````\n')).toEqual([])
  })

  it('are the @example blocks of TSDoc comments', () => {
    const source = [
      'const a = 1',
      '/**',
      ' * Adds.',
      ' * @example',
      ' * ```ts',
      ' * add(1)',
      ' * ```',
      ' */',
    ].join('\n')
    expect(tsdocExamples('a.ts', source)).toMatchObject([{ file: 'a.ts', line: 6, code: 'add(1)\n' }])
    expect(tsdocExamples('a.ts', '/**\n * ```ts\n * add(1)\n * ```\n */')).toEqual([])
  })

  it('get the imports they leave out from the door of their room', () => {
    const options = { door: '@millrace/core/time', names: ['add', 'instant', 'Unused'] }
    expect(withImports('add(x.instant)\n', options)).toBe(
      "import { add } from '@millrace/core/time'\nadd(x.instant)\n",
    )
    expect(withImports("import { add } from 'a'\ninstant()", options)).toBe(
      "import { add } from 'a'\ninstant()",
    )
  })

  it('stand inside a pipeline when they say so, with the streams they use', () => {
    const doors = [{ door: 'core', names: ['memoryRows', 'schema', 'sql', 't', 'value'] }]
    const [example] = markdownExamples('a.md', "```ts in-pipeline\nflights.where('a', sql`b`)\n```")
    expect(example?.inPipeline).toBe(true)
    const module = inPipeline(example?.code ?? '', doors)
    expect(module).toContain("import { memoryRows, schema, sql, t } from 'core'")
    expect(module).toContain('const flights = ')
    expect(module).not.toContain('const airports = ')
    expect(inPipeline("const flights = p.read('flights', x)\n", doors)).not.toContain('memoryRows')
  })

  it.each([
    ['packages/core/src/connect/files/csv.ts', '@millrace/core/files'],
    ['packages/core/src/connect/memory.ts', '@millrace/core/connect'],
    ['packages/core/src/time/window.ts', '@millrace/core/time'],
    ['packages/core/src/sdk/pipeline.ts', '@millrace/core'],
    ['packages/core/src/errors.ts', '@millrace/core/errors'],
    ['packages/cli/src/main.ts', '@millrace/cli'],
  ])('of %s import from %s', (file, door) => {
    expect(doorOf(file)?.door).toBe(door)
  })
})
