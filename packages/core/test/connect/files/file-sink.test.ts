import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import type { Json } from '../../../src/data/type.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import type { Host } from '../../../src/host/host.ts'
import { csv, json, ndjson, parquet } from '../../../src/connect/files/index.ts'
import type { FileDataset, FileOptions } from '../../../src/connect/files/index.ts'
import type { OpenSink, Sink, SinkContext, SinkWriter } from '../../../src/connect/sink.ts'
import { createManualHost, prepareEpoch } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'
import { readSource } from './file-fixtures.ts'

const Row = schema({ n: t.int32(), s: t.string() })
interface RowType {
  readonly n: number
  readonly s: string
}
const row = (n: number, s = `text ${n}`): RowType => ({ n, s })
const rows = (from: number, to: number): RowType[] =>
  Array.from({ length: to - from }, (_, index) => row(from + index))

const dataset = (options: FileOptions<RowType> = {}): FileDataset<RowType> =>
  ndjson<RowType>('out', { schema: Row, ...options })

function open(host: Host, sink: Sink, context: Partial<SinkContext> = {}): Promise<OpenSink> {
  return sink.open({
    host, schema: Row, step: 'write', outputMode: 'refuse', lineage: 'aaaaaaaa00000001', attempt: 1, bounded: true, ...context,
  }) // prettier-ignore
}

async function write(writer: SinkWriter, items: readonly RowType[]): Promise<void> {
  await writer.write(batchOfRows(Row, items))
}

const list = (committable: Json | undefined): Json[] => (committable === undefined ? [] : [committable])

/** A run of one task and one epoch. */
async function run(
  host: Host,
  sink: Sink,
  items: readonly RowType[],
  context: Partial<SinkContext> = {},
): Promise<void> {
  const output = await open(host, sink, context)
  await output.sweep([])
  const writer = await output.writer(0)
  try {
    if (items.length > 0) await write(writer, items)
    await output.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await writer.close()
    await output.finish()
  } finally {
    await writer.close()
    await output.close()
  }
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action
    return 'no error'
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

const visible = (host: ManualHost): string[] => host.files.paths('out').filter((path) => !/\/[._]/.test(path))

describe('names of output', () => {
  test('finished files are named by epoch, task, sequence and writer; nothing else is left', async () => {
    const host = createManualHost()
    await run(host, dataset().toSink(), rows(0, 3))
    expect(host.files.paths('out')).toEqual([
      expect.stringMatching(/^\/out\/part-000001-0000-0000-[0-9a-f]{12}\.ndjson$/),
    ])
    expect(await host.files.status('out/_staged')).toBeUndefined()
  })

  test('two sinks of one run, and two runs, never give the same name', async () => {
    const host = createManualHost()
    for (const step of ['a', 'b']) {
      for (const lineage of ['aaaaaaaa00000001', 'aaaaaaaa00000002']) {
        await run(host, dataset().toSink(), rows(0, 1), { outputMode: 'append', step, lineage })
      }
    }
    expect(visible(host)).toHaveLength(4)
  })

  test('compression shows in the ending and is what it says', async () => {
    for (const [compression, ending] of [
      ['gzip', 'gz'],
      ['zstd', 'zst'],
    ] as const) {
      const host = createManualHost()
      await run(host, dataset({ compression }).toSink(), rows(0, 5000))
      expect(visible(host)).toEqual([expect.stringMatching(new RegExp(`\\.ndjson\\.${ending}$`))])
      expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 5000))
    }
  })

  test('a path that is named like a file is refused with a folder to use', () => {
    expect(() => ndjson('out/x.ndjson').toSink().validate?.(Row, 'write')).toThrow(/"out\/x"/)
  })
})

describe('rolling', () => {
  test('by size: files end when they have it, and together hold all rows in order', async () => {
    const host = createManualHost()
    const output = await open(host, dataset({ roll: { size: 1000 } }).toSink())
    const writer = await output.writer(0)
    for (let n = 0; n < 200; n += 10) await write(writer, rows(n, n + 10))
    await output.commit(list(await prepareEpoch(writer, 1, { final: true })))
    expect(visible(host).length).toBeGreaterThan(3)
    for (const path of visible(host)) expect(host.files.get(path)?.length).toBeLessThan(1600)
    expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 200))
  })

  test('by age: an epoch ends files that are old enough, and leaves the others open', async () => {
    const host = createManualHost()
    const output = await open(host, dataset({ roll: { interval: '10 s' } }).toSink(), { bounded: false })
    const writer = await output.writer(0)
    await write(writer, rows(0, 1))
    await host.advance(9999)
    expect(await prepareEpoch(writer, 1, { final: false })).toBeUndefined()
    await write(writer, rows(1, 2))
    await host.advance(1)
    await output.commit(list(await prepareEpoch(writer, 2, { final: false })))
    expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 2))
    await write(writer, rows(2, 3))
    expect(await prepareEpoch(writer, 3, { final: false })).toBeUndefined()
    await output.commit(list(await prepareEpoch(writer, 4, { final: true })))
    expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 3))
  })

  test('a batch is one file, however long it takes', async () => {
    const host = createManualHost()
    const output = await open(host, dataset().toSink())
    const writer = await output.writer(0)
    await write(writer, rows(0, 1))
    await host.advance(10 * 60_000)
    expect(await prepareEpoch(writer, 1, { final: false })).toBeUndefined()
    await output.commit(list(await prepareEpoch(writer, 2, { final: true })))
    expect(visible(host)).toHaveLength(1)
  })
})

describe('empty results', () => {
  test.each([
    ['parquet', parquet('out')], ['csv', csv('out')], ['ndjson', ndjson('out')], ['json', json('out')],
  ] as const)('a batch without rows leaves a %s file that has the columns', async (_, output) => {
    const host = createManualHost()
    await run(host, output.toSink(), [])
    expect(visible(host)).toHaveLength(1)
    expect(await readSource(host, output.toSource().schema.fields.length > 0 ? output.toSource() : declared(output.toSink()))).toEqual([])
  }) // prettier-ignore

  function declared(sink: Sink): ReturnType<FileDataset<RowType>['toSource']> {
    const { name } = sink.description.options['format'] as { name: 'parquet' | 'csv' | 'ndjson' | 'json' }
    return { parquet: parquet<RowType>, csv: csv<RowType>, ndjson: ndjson<RowType>, json: json<RowType> }
      [name]('out', { schema: Row })
      .toSource()
  }

  test('a run that follows, other tasks and partitioned output leave none', async () => {
    const host = createManualHost()
    await run(host, dataset().toSink(), [], { bounded: false })
    await run(host, dataset({ partitionBy: ['s'] }).toSink(), [])
    const output = await open(host, dataset().toSink())
    expect(await prepareEpoch(await output.writer(1), 1, { final: true })).toBeUndefined()
    expect(visible(host)).toEqual([])
  })
})

describe('partitions', () => {
  test('values that paths cannot hold come back as they were', async () => {
    const host = createManualHost()
    const values = ['a/b', '..', '', 'x=y', 'ünï', '100%', 'new\nline', '__HIVE_DEFAULT_PARTITION__']
    const items = values.map((s, n) => row(n, s))
    await run(host, dataset({ partitionBy: ['s'] }).toSink(), items)
    const found = (await readSource(host, dataset().toSource())) as RowType[]
    expect(found.toSorted((left, right) => left.n - right.n)).toEqual(items)
    for (const path of visible(host)) expect(path).toMatch(/^\/out\/s=[^/]*\/part-[^/]*$/)
  })

  test('more partitions than open files cost more files, and lose nothing', async () => {
    const host = createManualHost()
    const output = await open(host, dataset({ partitionBy: ['s'], openFilesMax: 3 }).toSink())
    const writer = await output.writer(0)
    const items = Array.from({ length: 100 }, (_, n) => row(n, `p${n % 10}`))
    let most = 0
    for (let at = 0; at < 100; at += 25) {
      await write(writer, items.slice(at, at + 25))
      most = Math.max(most, host.files.openFiles)
    }
    expect(most).toBeLessThanOrEqual(3 + 3)
    await output.commit(list(await prepareEpoch(writer, 1, { final: true })))
    const found = (await readSource(host, dataset().toSource())) as RowType[]
    expect(found.toSorted((left, right) => left.n - right.n)).toEqual(items)
    expect(host.files.openFiles).toBe(0)
  })

  test('all parts of a batch are read before write returns, however many files are being finished', async () => {
    const host = createManualHost()
    const output = await open(host, dataset({ partitionBy: ['s'], openFilesMax: 2 }).toSink())
    const writer = await output.writer(0)
    const items = Array.from({ length: 2000 }, (_, n) => row(n, `part ${n % 40}`))
    for (let from = 0; from < items.length; from += 400) {
      const batch = batchOfRows(Row, items.slice(from, from + 400))
      const answer = writer.write(batch)
      const [numbers, texts] = batch.columns
      if (numbers?.layout === 'fixed') numbers.values.fill(-1)
      if (texts?.layout === 'utf8') texts.bytes.fill(0x2a)
      await answer
    }
    await output.commit(list(await prepareEpoch(writer, 1, { final: true })))
    const read = (await readSource(host, dataset().toSource())) as RowType[]
    expect(read.toSorted((left, right) => left.n - right.n)).toEqual(items)
  })

  test('columns that cannot name folders are refused', () => {
    const Wide = schema({ f: t.float64(), _h: t.string(), s: t.string() })
    const validate = (partitionBy: string[]) => () =>
      ndjson('out', { partitionBy }).toSink().validate?.(Wide, 'write')
    expect(validate(['f'])).toThrow(/cannot partition/)
    expect(validate(['_h'])).toThrow(/hidden/)
    expect(validate(['t'])).toThrow(/does not exist/)
    expect(() =>
      ndjson('out', { partitionBy: ['a'] })
        .toSink()
        .validate?.(schema({ a: t.string() }), 'write'),
    ).toThrow(/all columns/)
  })
})

describe('failing disks', () => {
  const faults = [
    { operation: 'file-write', code: 'ENOSPC', expected: 'output/disk-full' },
    { operation: 'file-write', code: 'EIO', expected: 'output/write-failed' },
    { operation: 'file-sync', code: 'EIO', expected: 'output/write-failed' },
    { operation: 'file-sync', code: 'ENOSPC', expected: 'output/disk-full' },
    { operation: 'open', code: 'EMFILE', expected: 'output/write-failed' },
    { operation: 'syncDirectory', code: 'EIO', expected: 'output/write-failed' },
  ] as const

  test.each(faults)(
    '$code of $operation is $expected, and nothing of the run is left',
    async ({ operation, code, expected }) => {
      const host = createManualHost()
      const output = await open(host, dataset({ partitionBy: ['s'] }).toSink())
      host.files.inject({ operation, code, after: operation === 'file-write' ? 1 : 0 })
      const writer = await output.writer(0)
      const work = async (): Promise<void> => {
        for (let n = 0; n < 5; n++)
          await write(
            writer,
            Array.from({ length: 4000 }, (_, at) => row(at, `p${n}`)),
          )
        await prepareEpoch(writer, 1, { final: true })
      }
      expect(await codeOf(work())).toBe(expected)
      await writer.close()
      await output.close()
      expect(host.files.paths('out')).toEqual([])
      expect(host.files.openFiles).toBe(0)
    },
  )

  test('BF3: after a failure every call reports it, and an fsync is not tried again', async () => {
    const host = createManualHost()
    const output = await open(host, dataset().toSink())
    const writer = await output.writer(0)
    await write(writer, rows(0, 3))
    host.files.inject({ operation: 'file-sync', code: 'EIO', times: 1 })
    expect(await codeOf(prepareEpoch(writer, 1, { final: true }))).toBe('output/write-failed')
    expect(await codeOf(prepareEpoch(writer, 1, { final: true }))).toBe('output/write-failed')
    expect(await codeOf(write(writer, rows(3, 4)))).toBe('output/write-failed')
    expect(host.files.log.filter((entry) => entry.startsWith('file-sync'))).toEqual([])
  })

  test.each(['makeDirectory', 'open', 'file-write'] as const)(
    '%s is tried before the run starts',
    async (operation) => {
      for (const [code, expected] of [
        ['EACCES', 'output/permission'],
        ['EROFS', 'output/permission'],
        ['ENOSPC', 'output/disk-full'],
      ] as const) {
        const host = createManualHost()
        host.files.inject({ operation, code })
        expect(await codeOf(open(host, dataset().toSink()))).toBe(expected)
        expect(visible(host)).toEqual([])
      }
    },
  )

  test('a commit that fails can be tried again; one that is not allowed says so', async () => {
    const host = createManualHost()
    const output = await open(host, dataset({ roll: { size: 100 } }).toSink())
    const writer = await output.writer(0)
    for (let n = 0; n < 4; n++) await write(writer, rows(n * 10, n * 10 + 10))
    const committables = list(await prepareEpoch(writer, 1, { final: true }))
    const restore = host.files.inject({ operation: 'link', code: 'EIO', after: 2 })
    expect(await output.commit(committables)).toMatchObject([{ kind: 'retry' }])
    restore()
    expect(await output.commit(committables)).toMatchObject([{ kind: 'committed', rows: 40 }])
    expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 40))

    const other = await open(host, ndjson('elsewhere').toSink())
    const second = await other.writer(0)
    await write(second, rows(0, 1))
    const prepared = list(await prepareEpoch(second, 1, { final: true }))
    host.files.inject({ operation: 'link', code: 'EACCES' })
    expect(await codeOf(other.commit(prepared))).toBe('output/permission')
  })

  test('V2: files are synced before they have their names, their folder after, and only then the staged names go', async () => {
    const host = createManualHost()
    await run(host, dataset().toSink(), rows(0, 3))
    const log = host.files.log.filter((entry) =>
      /^(file-sync|link|rename|syncDirectory|remove .*tmp)/.test(entry),
    )
    expect(log.slice(-6).map((entry) => entry.replace(/[0-9a-f]{12}.*$/, '…'))).toEqual([
      'file-sync /out/_staged/…', 'syncDirectory /out/_staged', 'syncDirectory /out',
      'link /out/_staged/…', 'syncDirectory /out', 'remove /out/_staged/…',
    ]) // prettier-ignore
  })

  test('V2: where files have no second names they are renamed', async () => {
    const host = createManualHost()
    host.files.inject({ operation: 'link', code: 'ENOTSUP' })
    await run(host, dataset().toSink(), rows(0, 3))
    expect(await readSource(host, dataset().toSource())).toEqual(rows(0, 3))
    expect(host.files.paths('out')).toHaveLength(1)
  })

  test('V2: a finished name that is taken is never written over', async () => {
    const host = createManualHost()
    const output = await open(host, dataset().toSink())
    const writer = await output.writer(0)
    await write(writer, rows(0, 3))
    const [committable] = list(await prepareEpoch(writer, 1, { final: true }))
    const { files } = committable as { files: readonly { final: string }[] }
    host.files.put(`out/${files[0]?.final}`, 'someone was here')
    expect(await codeOf(output.commit([committable as Json]))).toBe('output/exists')
    expect(Buffer.from(host.files.get(`out/${files[0]?.final}`) ?? []).toString()).toBe('someone was here')
  })

  test('what was damaged between the phases is lost, never shown', async () => {
    const host = createManualHost()
    const output = await open(host, dataset().toSink())
    const writer = await output.writer(0)
    await write(writer, rows(0, 3))
    const committables = list(await prepareEpoch(writer, 1, { final: true }))
    const [staged] = host.files.paths('out/_staged')
    await (await host.files.open(staged as string, 'append')).truncate(5)
    expect(await output.commit(committables)).toMatchObject([{ kind: 'lost' }])
    expect(visible(host)).toEqual([])
  })
})

describe('what else is in the folder', () => {
  test('V1: only output of file sinks is replaced; anything else is in the way', async () => {
    for (const name of ['notes.txt', 'data.ndjson', 'part-1.ndjson', 'sub/x.ndjson', 's=1/mine.ndjson']) {
      for (const outputMode of ['refuse', 'overwrite'] as const) {
        const host = createManualHost()
        host.files.put(`out/${name}`, 'mine')
        expect([name, await codeOf(run(host, dataset().toSink(), rows(0, 1), { outputMode }))]).toEqual([
          name,
          'output/exists',
        ])
        expect(visible(host)).toEqual([`/out/${name}`])
      }
      const host = createManualHost()
      host.files.put(`out/${name}`, 'mine')
      await run(host, dataset().toSink(), rows(0, 1), { outputMode: 'append' })
      expect(visible(host)).toHaveLength(2)
    }
  })

  test("hidden names are in no one's way and stay", async () => {
    const host = createManualHost()
    host.files.put('out/.git/config', '')
    host.files.put('out/_SUCCESS', '')
    host.files.put('out/_staged/mine', '')
    await run(host, dataset().toSink(), rows(0, 1), { outputMode: 'overwrite' })
    expect(host.files.paths('out').filter((path) => path.includes('/_') || path.includes('/.'))).toEqual([
      '/out/.git/config', '/out/_SUCCESS', '/out/_staged/mine',
    ]) // prettier-ignore
  })

  test('overwriting replaces output of another format and partitioning, and empty folders go', async () => {
    const host = createManualHost()
    await run(host, csv<RowType>('out', { schema: Row, partitionBy: ['s'] }).toSink(), rows(0, 3))
    await run(host, dataset().toSink(), rows(0, 1), { outputMode: 'overwrite', lineage: 'bbbbbbbb00000002' })
    expect(await host.files.list('out')).toEqual([{ name: expect.stringMatching(/\.ndjson$/), kind: 'file' }])
  })

  test('a file where the folder should be is in the way', async () => {
    const host = createManualHost()
    host.files.put('out', 'a file')
    for (const outputMode of ['refuse', 'overwrite', 'append'] as const) {
      expect(await codeOf(open(host, dataset().toSink(), { outputMode }))).toBe('output/exists')
    }
  })

  test('below a file it is told to choose another folder: overwriting would not help', async () => {
    const host = createManualHost()
    host.files.put('file', 'a file')
    const below = ndjson('file/out', { schema: Row }).toSink()
    await expect(run(host, below, rows(0, 3))).rejects.toMatchObject({
      code: 'output/exists',
      hint: 'choose a folder that is not below a file',
    })
  })
})

describe('partitions that no folder can be made for', () => {
  const parted = ndjson<RowType>('out', { schema: Row, partitionBy: ['s'] }).toSink()

  test('a value that is too long for a name is told with its column, before anything is visible', async () => {
    const host = createManualHost()
    const items = rows(0, 3).with(2, { ...row(2), s: 'é'.repeat(130) })
    await expect(run(host, parted, items)).rejects.toMatchObject({
      code: 'output/write-failed',
      place: { column: 's' },
      hint: expect.stringMatching(/shorter/),
    })
    expect(visible(host)).toEqual([])
  })

  test('a file that has the name of a folder is told at once, and no other partition is published', async () => {
    const host = createManualHost()
    const items = rows(0, 3)
    const last = `out/s=${row(2).s}`
    host.files.put(last, 'a file')
    const before = visible(host)
    await expect(run(host, parted, items, { outputMode: 'append' })).rejects.toMatchObject({
      code: 'output/exists',
      detail: expect.stringMatching(/s=text 2" is a file/),
    })
    expect(visible(host)).toEqual(before)
  })
})

describe('on a real disk', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-sink-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  test.each(['ndjson', 'csv', 'json', 'parquet'] as const)('%s is written and read back', async (format) => {
    const host = createNodeHost()
    const make = {
      ndjson: ndjson<RowType>,
      csv: csv<RowType>,
      json: json<RowType>,
      parquet: parquet<RowType>,
    }[format]
    const path = join(folder, 'deep', 'out')
    const output = make(path, { schema: Row, roll: { size: 200_000 }, partitionBy: [] })
    const items = rows(0, 30_000)
    const opened = await open(host, output.toSink())
    const writer = await opened.writer(0)
    for (let at = 0; at < items.length; at += 4096) await write(writer, items.slice(at, at + 4096))
    await opened.commit(list(await prepareEpoch(writer, 1, { final: true })))
    await writer.close()
    await opened.finish()
    await opened.close()
    expect(await readSource(host, make(path, { schema: Row }).toSource())).toEqual(items)
    expect((await host.files.list(path)).every(({ name }) => name.startsWith('part-'))).toBe(true)
  })
})
