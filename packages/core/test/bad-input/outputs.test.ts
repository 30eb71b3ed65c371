// Outputs that cannot be written: the run fails before or after its work, and nothing that looks complete is left.
import { describe, expect, test, vi } from 'vitest'
import { pipeline } from '../../src/index.ts'
import { csv, json, ndjson, parquet } from '../../src/connect/files/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import type { FileFault, ManualHost } from '../../src/testing/index.ts'
import { hostWith, Item, outcomeOf, visibleFiles, writtenRows } from './copying.ts'
import type { Outcome } from './copying.ts'

vi.setConfig({ testTimeout: 10_000 })

const rows = Array.from({ length: 3000 }, (_, id) => ({ id, name: `name ${id}` }))

const outputs = [
  ['ndjson', () => ndjson('out').toSink()],
  ['csv', () => csv('out').toSink()],
  ['json', () => json('out').toSink()],
  ['parquet', () => parquet('out').toSink()],
  ['ndjson.gz', () => ndjson('out', { compression: 'gzip' }).toSink()],
  ['ndjson.zst', () => ndjson('out', { compression: 'zstd' }).toSink()],
  ['partitioned', () => ndjson('out', { partitionBy: ['id'], openFilesMax: 5 }).toSink()],
] as const

async function write(
  host: ManualHost,
  sink: Sink,
  options: Partial<JobOptions> = {},
  some = rows,
): Promise<Outcome> {
  const built = pipeline('writing', (p) =>
    p.read('items', memoryRows(Item, some)).write('out-step', sink),
  ).build()
  return outcomeOf(host, new Job(built, { host, batchRows: 500, ...options }).run())
}

describe.each(outputs)('an output of %s', (name, sink) => {
  const some = name === 'partitioned' ? rows.slice(0, 30) : rows

  test.each<FileFault & { readonly expected: string }>([
    { operation: 'file-write', code: 'ENOSPC', after: 1, expected: 'output/disk-full' },
    { operation: 'file-write', code: 'EDQUOT', after: 1, expected: 'output/disk-full' },
    { operation: 'file-write', code: 'EIO', after: 1, expected: 'output/write-failed' },
    { operation: 'file-sync', code: 'ENOSPC', expected: 'output/disk-full' },
    { operation: 'file-sync', code: 'EIO', expected: 'output/write-failed' },
    { operation: 'syncDirectory', code: 'EIO', expected: 'output/write-failed' },
  ])(
    'on a disk where $operation fails with $code: $expected, and nothing is left',
    async ({ expected, ...fault }) => {
      const host = hostWith({})
      host.files.inject(fault)
      const { error } = await write(host, sink(), {}, some)
      expect(error).toMatchObject({ code: expected, step: 'out-step' })
      expect(error?.place?.file).toMatch(/^out/)
      expect(error?.hint).toBeDefined()
      expect(host.files.paths('out')).toEqual([])
    },
  )

  test('without permission fails before anything is read', async () => {
    for (const operation of ['makeDirectory', 'open'] as const) {
      const host = hostWith({})
      host.files.inject({ operation, code: 'EACCES' })
      const { error } = await write(host, sink(), {}, some)
      expect(error).toMatchObject({ code: 'output/permission', step: 'out-step' })
      expect(error?.hint).toBeDefined()
    }
  })

  test('that is full when it is to become visible is tried again, then given up with its reason', async () => {
    const host = hostWith({})
    host.files.inject({ operation: 'link', path: /_staged/, code: 'ENOSPC' })
    const { error } = await write(host, sink(), {}, some)
    expect(error?.code).toMatch(/^output\/(disk-full|write-failed)$/)
    expect(error?.step).toBe('out-step')
    expect(error?.message).toMatch(/ENOSPC|full/)
  })

  test('that cannot be made visible at first is complete in the end', async () => {
    const host = hostWith({})
    host.files.inject({ operation: 'link', path: /_staged/, code: 'EIO', times: 3 })
    const { error } = await write(host, sink(), {}, some)
    expect(error).toBeUndefined()
    expect(visibleFiles(host, 'out').length).toBeGreaterThan(0)
    expect(host.files.paths('out').filter((path) => path.includes('_staged'))).toEqual([])
  })
})

describe('an output that holds something', () => {
  test('is refused by default, with a remedy, and stays as it was', async () => {
    const host = hostWith({})
    await write(host, ndjson('out').toSink(), {}, rows.slice(0, 3))
    const before = host.files.paths('out')
    const built = pipeline('again', (p) =>
      p.read('items', memoryRows(Item, rows)).write('out-step', ndjson('out')),
    ).build()
    const failed = await new Job(built, { host }).run().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'output/exists', step: 'out-step', place: { file: 'out' } })
    expect((failed as Error).message).toMatch(/overwrite|append/)
    expect(host.files.paths('out')).toEqual(before)
  })

  test('is replaced only when the new one is complete: a failed overwrite keeps the old answer', async () => {
    const host = hostWith({})
    await write(host, ndjson('out').toSink(), {}, rows.slice(0, 3))
    const before = host.files.paths('out')
    const restore = host.files.inject({ operation: 'file-write', path: /_staged/, code: 'ENOSPC', after: 1 })
    const built = pipeline('again', (p) =>
      p.read('items', memoryRows(Item, rows)).write('out-step', ndjson('out')),
    ).build()
    await expect(
      new Job(built, { host, outputMode: 'overwrite', batchRows: 500 }).run(),
    ).rejects.toMatchObject({
      code: 'output/disk-full',
    })
    expect(host.files.paths('out')).toEqual(before)
    restore()
    expect((await write(host, ndjson('out').toSink(), { outputMode: 'overwrite' })).rows).toEqual(rows)
  })

  test('is a file: refused by name', async () => {
    const host = hostWith({ out: 'a file' })
    const built = pipeline('file', (p) =>
      p.read('items', memoryRows(Item, rows)).write('out-step', ndjson('out')),
    ).build()
    await expect(new Job(built, { host, outputMode: 'overwrite' }).run()).rejects.toMatchObject({
      code: 'output/exists',
      step: 'out-step',
    })
    expect(Buffer.from(host.files.get('out') as Uint8Array).toString()).toBe('a file')
  })
})

describe('a disk that fills up during a continuous run', () => {
  test('fails it; what was committed stays whole, what was open is gone', async () => {
    const host = hostWith({ 'in/a.ndjson': '{"id":1,"name":"a"}\n' })
    const built = pipeline('following', (p) =>
      p.read('items', ndjson('in', { schema: Item })).write('out', ndjson('out', { roll: 'epoch' })),
    ).build()
    const run = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000 }).run()
    const ended = run.catch((error: unknown) => error)
    await host.advance(0)
    await host.advance(5000)
    host.files.inject({ operation: 'file-write', path: /out/, code: 'ENOSPC' })
    host.files.put('in/b.ndjson', '{"id":2,"name":"b"}\n')
    await host.advance(5000)
    expect(await ended).toMatchObject({ code: 'output/disk-full', step: 'out' })
    expect(writtenRows(host, 'out')).toEqual([{ id: 1, name: 'a' }])
    expect(host.files.paths('out')).toEqual(visibleFiles(host, 'out'))
  })
})

describe('one of two outputs that fails', () => {
  test('shows nothing of the other either', async () => {
    const host = hostWith({})
    host.files.inject({ operation: 'file-sync', path: /rejected/, code: 'ENOSPC' })
    const built = pipeline('two', (p) => {
      const items = p.read('items', memoryRows(Item, rows))
      items.write('first', ndjson('out'))
      items.write('second', ndjson('rejected'))
    }).build()
    const { error } = await outcomeOf(host, new Job(built, { host }).run())
    expect(error).toMatchObject({ code: 'output/disk-full', step: 'second' })
    expect([...visibleFiles(host, 'out'), ...visibleFiles(host, 'rejected')]).toEqual([])
  })

  test('leaves at most hidden files, which are in no way and which the next run removes', async () => {
    const host = hostWith({})
    const restore = host.files.inject({ operation: 'file-sync', path: /rejected/, code: 'ENOSPC' })
    const two = pipeline('two', (p) => {
      const items = p.read('items', memoryRows(Item, rows))
      items.write('first', ndjson('out'))
      items.write('second', ndjson('rejected'))
    })
    await expect(new Job(two.build(), { host }).run()).rejects.toMatchObject({ code: 'output/disk-full' })
    restore()
    await new Job(two.build(), { host }).run()
    expect(host.files.paths('/').filter((path) => path.includes('_staged'))).toEqual([])
    expect(writtenRows(host, 'out')).toEqual(rows)
  })
})
