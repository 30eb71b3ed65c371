// Inputs and outputs that lie in each other: refused before anything is opened, and nothing is touched.
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import type { MillraceError } from '../../src/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { hostWith } from '../bad-input/copying.ts'

const Row = schema({ n: t.int32() })
const modes = ['refuse', 'overwrite', 'append'] as const
const older = 'part-000001-0000-0000-0123456789ab.ndjson'

function copying(input: string, outputs: readonly string[]) {
  return pipeline('copying', (p) => {
    const rows = p.read('read', ndjson(input, { schema: Row }))
    for (const [at, output] of outputs.entries()) rows.write(`write-${at}`, ndjson(output))
  }).build()
}

async function refusal(run: Promise<unknown>): Promise<MillraceError | undefined> {
  return run.then(
    () => undefined,
    (error: unknown) => error as MillraceError,
  )
}

describe('a pipeline that would read what it writes, or replace what it reads', () => {
  const cases = modes.flatMap((outputMode) =>
    (['batch', 'continuous'] as const).flatMap((mode) =>
      [
        ['data', 'data'],
        ['data', './data/'],
        ['data/**/*.ndjson', 'data/out'],
        ['data', 'data/day=1'],
        ['data/day=1', 'data'],
        [`data/day=1/${older}`, 'data'],
        [`data/day=1/${older}`, 'data/day=1'],
        ['data/new', 'data/new'],
      ].map(([input, output]) => ({ outputMode, mode, input, output }) as const),
    ),
  )

  test.each(cases)('$mode, $outputMode: $input to $output is refused', async (example) => {
    const { input = '', output = '', ...options } = example
    const content = { 'data/a.ndjson': '{"n":1}\n', [`data/day=1/${older}`]: '{"n":2}\n' }
    const host = hostWith(content)
    const before = host.files.paths()
    const job = new Job(copying(input, [output]), { host, ...options })
    const error = await refusal(job.run())
    expect(error).toMatchObject({ code: 'output/overlap', step: 'write-0' })
    expect(error?.message).toContain('step "read"')
    expect([job.state, job.failures.map((failure) => failure.error)]).toEqual(['failed', [error]])
    expect(host.files.paths()).toEqual(before)
    expect(await host.files.status('data/new')).toBeUndefined()
  })

  test('what only lies near each other is not refused', async () => {
    for (const [input, output] of [
      ['data', 'data/out'],
      ['data/*.ndjson', 'data/out'],
      ['data', 'database'],
      ['data/**/*.ndjson', 'data/_out'],
    ] as const) {
      const host = hostWith({ 'data/a.ndjson': '{"n":1}\n' })
      const result = await new Job(copying(input, [output]), { host }).run()
      expect([output, result.progress.rowsOut]).toEqual([output, 1])
    }
  })
})

describe('two outputs of a pipeline', () => {
  test.each(modes)('%s: are refused when one lies in the other', async (outputMode) => {
    for (const outputs of [
      ['out', 'out/inner'],
      ['out/k=1', 'out'],
      ['out', '/out'],
    ]) {
      const host = hostWith({ 'data/a.ndjson': '{"n":1}\n' })
      const error = await refusal(new Job(copying('data', outputs), { host, outputMode }).run())
      expect(error).toMatchObject({ code: 'output/overlap' })
      expect(await host.files.status('out')).toBeUndefined()
    }
  })

  test('beside each other, or hidden in the other, are well', async () => {
    const host = hostWith({ 'data/a.ndjson': '{"n":1}\n' })
    for (const outputMode of ['refuse', 'overwrite'] as const) {
      const outputs = ['out/x', 'out/xy', 'other', 'other/_rejected']
      await new Job(copying('data', outputs), { host, outputMode }).run()
    }
    expect(host.files.paths().filter((path) => path.endsWith('.ndjson'))).toHaveLength(5)
  })
})

describe('on a disk with links', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-folders-'))
    await mkdir(`${folder}/data`)
    await writeFile(`${folder}/data/${older}`, '{"n":1}\n')
    await symlink(`${folder}/data`, `${folder}/link`)
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  const run = (input: string, output: string, options: Partial<JobOptions>) =>
    new Job(copying(`${folder}/${input}`, [`${folder}/${output}`]), {
      host: createNodeHost(),
      ...options,
    }).run()

  test('another name of the input folder is that folder', async () => {
    for (const [input, output] of [
      ['data', 'link'],
      ['link', 'data'],
      ['link/*.ndjson', 'data'],
      ['data/**/*', 'link/out'],
      [`link/${older}`, 'data'],
    ] as const) {
      for (const outputMode of modes)
        expect(await refusal(run(input, output, { outputMode }))).toMatchObject({ code: 'output/overlap' })
    }
    expect(await readdir(`${folder}/data`)).toEqual([older])
  })

  test.runIf(process.platform === 'linux')('an output where no file can be made ends at once', async () => {
    for (const output of ['/proc/x', '/proc/self/x/y', '/dev/null/x', '/dev/null']) {
      const built = copying(`${folder}/data`, [output])
      const error = await refusal(new Job(built, { host: createNodeHost() }).run())
      expect(error?.code).toMatch(/^output\//)
      expect(error?.hint).toBeDefined()
    }
  })
})
