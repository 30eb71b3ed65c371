// What a run does to the output of an earlier one, and what it leaves of itself when it fails.
import { describe, expect, test, vi } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, RunMode } from '../../src/runtime/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { hostWith, untilEnded, visibleFiles, writtenRows } from '../bad-input/copying.ts'
import { scriptedSink } from './scripted-connectors.ts'

vi.setConfig({ testTimeout: 10_000 })

const Row = schema({ n: t.int32(), part: t.string() })
const lines = (from: number, count = 10): string =>
  Array.from({ length: count }, (_, n) => `{"n":${from + n},"part":"${n % 2}"}\n`).join('')

/** Everything that lies in the folder, with its content; folders end with a slash. */
async function treeOf(host: ManualHost, folder = '/'): Promise<string[]> {
  const entries = await host.files.list(folder)
  const trees = entries.map(async ({ name, kind }) => {
    const path = `${folder === '/' ? '' : folder}/${name}`
    if (kind === 'directory') return [`${path}/`, ...(await treeOf(host, path))]
    return [`${path} ${Buffer.from(host.files.get(path) ?? []).toString()}`]
  })
  return (await Promise.all(trees)).flat()
}

function job(host: ManualHost, options: Partial<JobOptions>, more: readonly Sink[] = []): Job {
  const built = pipeline('copying', (p) => {
    const rows = p.read('in', ndjson('in', { schema: Row }))
    rows.write('one', ndjson('deep/one', { roll: 'epoch' }))
    rows.write('two', ndjson('deep/two', { partitionBy: ['part'] }))
    more.forEach((sink, at) => rows.write(`more-${at}`, sink))
  }).build()
  return new Job(built, { host, batchRows: 5, ...options })
}

const run = (host: ManualHost, options: Partial<JobOptions>, more?: readonly Sink[]) =>
  untilEnded(host, job(host, options, more).run())

const modes: readonly RunMode[] = ['batch', 'continuous']
const ofMode = (mode: RunMode): Partial<JobOptions> =>
  mode === 'batch' ? { mode } : { mode, epochIntervalMs: 100_000, stopWhenIdleMs: 1000 }

/** Ways to fail before anything is visible. */
const failures: readonly [string, (host: ManualHost) => readonly Sink[]][] = [
  ['a row that cannot be decoded', (host) => (host.files.put('in/b.ndjson', `${lines(50)}nonsense\n`), [])],
  [
    'a full disk',
    (host) => (host.files.inject({ operation: 'file-write', path: /two/, code: 'ENOSPC' }), []),
  ],
  [
    'an fsync that fails',
    (host) => (host.files.inject({ operation: 'file-sync', code: 'EIO', after: 2 }), []),
  ],
  ['an input that goes away', (host) => (host.files.inject({ operation: 'file-read', code: 'EIO' }), [])],
  ['another sink that cannot be opened', () => [scriptedSink({ open: () => Promise.reject(new Error()) })]],
  ['another sink that cannot prepare', () => [scriptedSink({ prepare: () => Promise.reject(new Error()) })]],
  ['no permission', (host) => (host.files.inject({ operation: 'open', path: /two/, code: 'EACCES' }), [])],
]

describe.each(modes)('%s: a run that fails', (mode) => {
  test.each(failures)('by %s leaves the old output as it was, and nothing else', async (_, fail) => {
    const host = hostWith({ 'in/a.ndjson': lines(0) })
    await run(host, ofMode(mode))
    host.files.put('in/a.ndjson', lines(100))
    const more = fail(host)
    const before = await treeOf(host)
    await expect(run(host, { ...ofMode(mode), outputMode: 'overwrite' }, more)).rejects.toBeInstanceOf(Error)
    expect(await treeOf(host)).toEqual(before)
  })

  test.each(failures)('by %s leaves no folder that it made', async (_, fail) => {
    const host = hostWith({ 'in/a.ndjson': lines(100) })
    const more = fail(host)
    const before = await treeOf(host)
    await expect(run(host, ofMode(mode), more)).rejects.toBeInstanceOf(Error)
    expect(await treeOf(host)).toEqual(before)
  })

  test('while its results become visible keeps the old ones, and no staged files', async () => {
    const host = hostWith({ 'in/a.ndjson': lines(0) })
    await run(host, ofMode(mode))
    const old = visibleFiles(host, 'deep')
    host.files.inject({ operation: 'link', path: /two/, code: 'EACCES' })
    await expect(run(host, { ...ofMode(mode), outputMode: 'overwrite' })).rejects.toMatchObject({
      code: 'output/permission',
    })
    expect(visibleFiles(host, 'deep')).toEqual(expect.arrayContaining(old))
    expect((await treeOf(host)).filter((entry) => entry.includes('_staged'))).toEqual([])
  })
})

describe('overwriting', () => {
  test('takes the old files away when every sink has committed, and with them folders that are empty then', async () => {
    const host = hostWith({ 'in/a.ndjson': lines(0) })
    await run(host, {})
    const old = visibleFiles(host, 'deep')
    host.files.put('in/a.ndjson', '{"n":7,"part":"x"}\n')
    host.files.log.length = 0
    await run(host, { outputMode: 'overwrite' })
    const { log } = host.files
    const removed = old.map((path) => log.indexOf(`remove ${path}`))
    const shown = log.flatMap((entry, at) => (entry.startsWith('link') ? [at] : []))
    expect(shown).toHaveLength(2)
    expect(Math.min(...removed)).toBeGreaterThan(Math.max(...shown))
    expect(writtenRows(host, 'deep/one')).toEqual([{ n: 7, part: 'x' }])
    expect(writtenRows(host, 'deep/two')).toEqual([{ n: 7 }])
    expect((await treeOf(host)).filter((entry) => entry.endsWith('/'))).toEqual([
      '/deep/', '/deep/one/', '/deep/two/', '/deep/two/part=x/', '/in/',
    ]) // prettier-ignore
  })

  test('a batch that is stopped leaves all as it was', async () => {
    const host = hostWith({ 'in/a.ndjson': lines(0) })
    await run(host, {})
    host.files.put('in/a.ndjson', lines(0, 50_000))
    const before = await treeOf(host)
    const stopped: Job = job(host, { outputMode: 'overwrite' }, [
      scriptedSink({ write: () => stopped.stop() }),
    ])
    await expect(untilEnded(host, stopped.run())).rejects.toMatchObject({ code: 'run/cancelled' })
    expect(await treeOf(host)).toEqual(before)
  })

  test('a continuous run that ends well replaces the old files at its end', async () => {
    const host = hostWith({ 'in/a.ndjson': lines(0) })
    await run(host, {})
    host.files.put('in/a.ndjson', lines(100))
    await run(host, { ...ofMode('continuous'), outputMode: 'overwrite' })
    expect(writtenRows(host, 'deep/one')).toHaveLength(10)
  })
})

test('a run that ends well and wrote nothing keeps its folders', async () => {
  const host = hostWith({ 'in/a.ndjson': '' })
  await run(host, ofMode('continuous'))
  expect((await treeOf(host)).filter((entry) => entry.startsWith('/deep'))).toEqual([
    '/deep/', '/deep/one/', '/deep/two/',
  ]) // prettier-ignore
})
