import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import type { FixedColumn } from '../../../src/data/column.ts'
import { ndjson as ndjsonFormat } from '../../../src/connect/formats/json/ndjson.ts'
import { parquet as parquetFormat } from '../../../src/connect/formats/parquet/index.ts'
import { csv, files, json, ndjson, parquet } from '../../../src/connect/files/index.ts'
import type { RejectedRow, Source, SourceContext, Split } from '../../../src/connect/source.ts'
import { createManualHost } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'
import { contextOf, encodeRows, failure, found, readSource, readToEnd } from './file-fixtures.ts'

const Row = schema({ n: t.int32() })
const lines = (...numbers: number[]): string => numbers.map((n) => `{"n":${n}}\n`).join('')
const rows = (...numbers: number[]): object[] => numbers.map((n) => ({ n }))
const source = (path: string): Source => ndjson(path, { schema: Row }).toSource()

/** Writes other bytes into the same file, as `cp` does. */
async function overwrite(host: ManualHost, path: string, bytes: Uint8Array): Promise<void> {
  const file = await host.files.open(path, 'overwrite')
  await file.write(bytes)
  await file.close()
}

describe('which files are input', () => {
  test('a folder is read flat, in bytewise order, without hidden names and other endings', async () => {
    const host = createManualHost()
    for (const [index, name] of [
      'b.ndjson',
      'a.jsonl',
      'B.NDJSON',
      '.c.ndjson',
      '_d.ndjson',
      'e.txt',
      'deep/f.ndjson',
      '_staged/g.ndjson',
      'k=1/h.ndjson',
    ].entries()) {
      host.files.put(`in/${name}`, lines(index))
    }
    expect(await readSource(host, source('in'))).toEqual(rows(2, 1, 0, 8))
  })

  test('a file that is named may have any ending, and a name with pattern characters is a name first', async () => {
    const host = createManualHost()
    host.files.put('in/events.log', lines(1))
    host.files.put('in/[x].ndjson', lines(2))
    host.files.put('in/x.ndjson', lines(3))
    expect(await readSource(host, source('in/events.log'))).toEqual(rows(1))
    expect(await readSource(host, source('in/[x].ndjson'))).toEqual(rows(2))
    expect(await readSource(host, source('in/[xy].ndjson'))).toEqual(rows(3))
    expect(await readSource(host, source('in/*'))).toEqual(rows(2, 1, 3))
  })

  test('files of several formats are told apart by their endings', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', lines(1))
    host.files.put('in/b.csv', 'n\n2\n')
    host.files.put('in/c.tsv', 'n\n3\n')
    host.files.put('in/d.json', '[{"n":4}]')
    host.files.put('in/e.parquet', encodeRows(parquetFormat(), Row, rows(5)))
    host.files.put('in/f.csv.gz', gzipSync('n\n6\n'))
    host.files.put('in/readme.md', '# not data')
    expect(await readSource(host, files('in', { schema: Row }).toSource())).toEqual(rows(1, 2, 3, 4, 5, 6))
    expect((await failure(readSource(host, files('in/readme.md', { schema: Row }).toSource()))).code).toBe(
      'plan/unsupported',
    )
  })

  test('what does not exist is input/not-found, with what is near', async () => {
    const host = createManualHost()
    host.files.put('data/flights.ndjson', lines(1))
    const file = await failure(readSource(host, source('data/fligths.ndjson')))
    expect(file.code).toBe('input/not-found')
    expect(file.text).toContain('did you mean "data/flights.ndjson"?')
    expect((await failure(readSource(host, source('nowhere/*.ndjson')))).code).toBe('input/not-found')
    const following = source('nowhere')
      .enumerate(contextOf(host, 'unbounded'))
      .then((enumerator) => enumerator.next())
    expect((await failure(following)).code).toBe('input/not-found')
  })

  test('an empty folder is an error in a bounded run and awaited in one that follows', async () => {
    const host = createManualHost()
    await host.files.makeDirectory('in')
    expect((await failure(readSource(host, source('in')))).code).toBe('input/empty')
    expect((await failure(readSource(host, source('in/*.ndjson')))).code).toBe('input/empty')
    host.files.put('in/data.json', '[]')
    expect((await failure(readSource(host, source('in')))).text).toContain('such as "data.json"')
    const enumerator = await source('in').enumerate(contextOf(host, 'unbounded'))
    expect(await enumerator.next()).toMatchObject({ splits: [], done: false })
  })

  test('lack of permission names the file', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', lines(1))
    const restore = host.files.inject({ operation: 'open', path: /a\.ndjson/, code: 'EACCES' })
    const opening = await failure(readSource(host, source('in')))
    expect(opening.code).toBe('input/permission')
    expect(opening.text).toContain('in/a.ndjson')
    restore()
    host.files.inject({ operation: 'list', code: 'EACCES' })
    expect((await failure(readSource(host, source('in')))).code).toBe('input/permission')
  })
})

describe('damage', () => {
  test('a failing disk is input/read-failed, and all files are closed', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', lines(1, 2))
    host.files.inject({ operation: 'file-read', code: 'EIO' })
    const error = await failure(readSource(host, source('in')))
    expect(error.code).toBe('input/read-failed')
    expect(error.text).toContain('in/a.ndjson')
    expect(host.files.openFiles).toBe(0)
  })

  test('gzip that was cut off is input/truncated, other bytes are input/corrupt', async () => {
    const host = createManualHost()
    const whole = gzipSync(lines(...Array.from({ length: 1000 }, (_, n) => n)))
    host.files.put('cut.ndjson.gz', whole.subarray(0, whole.length - 20))
    host.files.put('no.ndjson.gz', lines(1))
    const cut = await failure(readSource(host, source('cut.ndjson.gz')))
    expect(cut.code).toBe('input/truncated')
    expect(cut.text).toContain('cut.ndjson.gz')
    expect((await failure(readSource(host, source('no.ndjson.gz')))).code).toBe('input/corrupt')
    expect(host.files.openFiles).toBe(0)
  })

  test.each(['gzip', 'zstd'] as const)('%s with a flipped bit or cut off names the file', async (codec) => {
    const host = createManualHost()
    const compressor = host.compression.compressor(codec)
    const some = Array.from({ length: 3000 }, (_, n) => (n * n * 7919) % 2_000_003)
    const first = Buffer.from(await compressor.push(Buffer.from(lines(...some))))
    const whole = Buffer.concat([first, await compressor.end()])
    const path = `a.ndjson.${codec === 'gzip' ? 'gz' : 'zst'}`
    for (const at of [0.1, 0.5, 0.9, 0.999]) {
      const byte = Math.floor(whole.length * at)
      host.files.put(
        path,
        whole.map((value, index) => (index === byte ? value ^ 4 : value)),
      )
      const { code, text } = await failure(readSource(host, source(path)))
      expect(code).toMatch(/^input\/(corrupt|truncated)$/)
      expect(text).toContain(path)
      host.files.put(path, whole.subarray(0, byte))
      expect(await failure(readSource(host, source(path)))).toMatchObject({ code: 'input/truncated' })
    }
    expect(host.files.openFiles).toBe(0)
  })

  test('Parquet that was cut off is input/truncated or input/corrupt, and names the file', async () => {
    const host = createManualHost()
    const whole = encodeRows(parquetFormat(), Row, rows(1, 2, 3))
    for (const length of [0, 4, 11, whole.length - 1]) {
      host.files.put('cut.parquet', whole.subarray(0, length))
      const error = await failure(readSource(host, parquet('cut.parquet', { schema: Row }).toSource()))
      expect(['input/truncated', 'input/corrupt']).toContain(error.code)
      expect(error.text).toContain('cut.parquet')
    }
    expect(host.files.openFiles).toBe(0)
  })

  test('Parquet that is compressed as a whole is refused by name', async () => {
    const host = createManualHost()
    host.files.put('x.parquet.gz', gzipSync('anything'))
    const error = await failure(readSource(host, parquet('x.parquet.gz', { schema: Row }).toSource()))
    expect(error.code).toBe('input/unsupported')
    expect(error.text).toContain('compressed as a whole')
  })

  test('an undecodable row says file, line and byte, or goes to the rejected rows', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', '{"n":1}\n{"n":oops}\n{"n":3}\n')
    const error = await failure(readSource(host, source('in')))
    expect(error.code).toBe('input/undecodable')
    expect(error.text).toMatch(/in\/a\.ndjson, line 2/)
    const rejected: RejectedRow[] = []
    expect(await readSource(host, source('in'), { rejected })).toEqual(rows(1, 3))
    expect(rejected).toMatchObject([
      { source: 'read', raw: '{"n":oops}', code: 'input/undecodable', file: 'in/a.ndjson', line: 2, byte: 8 },
    ])
  })

  test('in a part of a file the line is not known, the byte is', async () => {
    const host = createManualHost()
    const bad = '{"n":oops}\n'
    host.files.put('in/a.ndjson', lines(...Array.from({ length: 50 }, (_, n) => n + 100)) + bad)
    const parts = ndjson('in', { schema: Row, splitBytes: 100 }).toSource()
    const rejected: RejectedRow[] = []
    expect(await readSource(host, parts, { rejected })).toHaveLength(50)
    expect(rejected).toMatchObject([{ line: undefined, byte: 500 }])
    const error = await failure(readSource(host, parts))
    expect(error.text).toMatch(/in\/a\.ndjson, byte \d+/)
  })
})

describe('large files', () => {
  test('are cut into parts that share the lines out, each line in one part', async () => {
    const host = createManualHost()
    const numbers = Array.from({ length: 40 }, (_, n) => (n % 7 === 0 ? n * 1_000_000 : n))
    host.files.put('a.ndjson', lines(...numbers).slice(0, -1))
    for (let splitBytes = 1; splitBytes < 120; splitBytes += 7) {
      const parts = ndjson('a.ndjson', { schema: Row, splitBytes }).toSource()
      const enumerator = await parts.enumerate(contextOf(host, 'bounded'))
      expect((await enumerator.next()).splits.length).toBeGreaterThan(3)
      expect(await readSource(host, parts, { rowsMax: 3 })).toEqual(rows(...numbers))
    }
  })

  test('Parquet is cut between row groups', async () => {
    const host = createManualHost()
    const numbers = Array.from({ length: 40 }, (_, n) => n)
    host.files.put('a.parquet', encodeRows(parquetFormat({ rowGroupRows: 8 }), Row, rows(...numbers)))
    const parts = parquet('a.parquet', { schema: Row, splitBytes: 1 }).toSource()
    const { splits } = await (await parts.enumerate(contextOf(host, 'bounded'))).next()
    expect(splits.map((split) => split.rows)).toEqual([8, 8, 8, 8, 8])
    expect(await readSource(host, parts)).toEqual(rows(...numbers))
  })

  test('records longer than the buffers are read whole', async () => {
    const Text = schema({ s: t.string() })
    const host = createManualHost()
    const long = ['x'.repeat(3_000_000), 'short', 'y'.repeat(1_048_570), 'z'.repeat(200_000)]
    host.files.put('a.ndjson', long.map((s) => `${JSON.stringify({ s })}\n`).join(''))
    expect(await readSource(host, ndjson('a.ndjson', { schema: Text }).toSource())).toEqual(
      long.map((s) => ({ s })),
    )
  })

  test('many chunks are read through two buffers, positions exact at each batch', async () => {
    const host = createManualHost()
    const count = 300_000
    host.files.put('a.ndjson', Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join(''))
    const all = source('a.ndjson')
    const context = contextOf(host, 'bounded')
    const [split] = (await (await all.enumerate(context)).next()).splits as [Split]
    const reader = await all.open(split, undefined, context)
    let next = 0
    const wrong: unknown[] = []
    for (;;) {
      const result = await reader.read(4096)
      if (result.kind !== 'batch') break
      const column = result.batch.columns[0] as FixedColumn
      for (let index = 0; index < result.batch.length; index++)
        if (column.values[index] !== next++) wrong.push(next)
      if (next % 7 > 1) continue
      const again = await all.open(split, reader.position(), context)
      const first = await again.read(1)
      const got = first.kind === 'batch' ? (first.batch.columns[0] as FixedColumn).values[0] : first.kind
      if (got !== (next === count ? 'end' : next)) wrong.push([next, got])
      await again.close()
    }
    expect(wrong).toEqual([])
    expect(next).toBe(count)
    await reader.close()
  })
})

describe('files that change', () => {
  const context = (host: ManualHost): SourceContext => contextOf(host, 'bounded')

  async function listed(host: ManualHost, dataset: Source): Promise<Split> {
    const { splits } = await (await dataset.enumerate(context(host))).next()
    return splits[0] as Split
  }

  test('a shrunk or replaced file is input/changed', async () => {
    const host = createManualHost()
    host.files.put('a.ndjson', lines(1, 2, 3))
    const split = await listed(host, source('a.ndjson'))
    host.files.put('a.ndjson', lines(1, 2, 3))
    expect((await failure(source('a.ndjson').open(split, undefined, context(host)))).code).toBe(
      'input/changed',
    )
    const again = await listed(host, source('a.ndjson'))
    await (await host.files.open('a.ndjson', 'append')).truncate(8)
    expect((await failure(source('a.ndjson').open(again, undefined, context(host)))).code).toBe(
      'input/changed',
    )
  })

  test('what is added to lines after the listing is no input, nor is a line that was being written', async () => {
    const host = createManualHost()
    host.files.put('a.ndjson', `${lines(1, 2)}{"n":3`)
    const split = await listed(host, source('a.ndjson'))
    host.files.append('a.ndjson', `45}\n${lines(6)}`)
    const reader = await source('a.ndjson').open(split, undefined, context(host))
    expect(await readToEnd(reader)).toEqual(rows(1, 2))
    await reader.close()
  })

  test('Parquet that is written again while it is read is input/changed', async () => {
    const numbers = Array.from({ length: 3000 }, (_, n) => ({ n }))
    const bytes = encodeRows(parquetFormat({ rowGroupRows: 1000 }), Row, numbers)
    const dataset = parquet('in', { schema: Row }).toSource()
    for (const after of [bytes, bytes.toReversed(), Buffer.concat([bytes, bytes])]) {
      const host = createManualHost()
      host.files.put('in', bytes)
      const split = await listed(host, dataset)
      const reader = await dataset.open(split, undefined, context(host))
      expect((await reader.read(10)).kind).toBe('batch')
      await host.advance(1)
      await overwrite(host, 'in', after)
      expect((await failure(readToEnd(reader))).code).toBe('input/changed')
      await reader.close()
      expect((await failure(dataset.open(split, undefined, context(host)))).code).toBe('input/changed')
      expect(host.files.openFiles).toBe(0)
    }
  })

  test('a document that grows while it is read is input/changed', async () => {
    const host = createManualHost()
    host.files.put('a.json', '[{"n":1}]')
    const dataset = json('a.json', { schema: Row }).toSource()
    const split = await listed(host, dataset)
    host.files.append('a.json', ' ')
    const reader = await dataset.open(split, undefined, context(host))
    expect((await failure(readToEnd(reader))).code).toBe('input/changed')
    await reader.close()
  })
})

describe('following', () => {
  test('E1, E2: a new file is announced once, when it has stopped changing', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', lines(1))
    await host.advance(10_000)
    const enumerator = await source('in').enumerate(contextOf(host, 'unbounded'))
    expect(await found(host, enumerator)).toEqual(['in/a.ndjson'])
    await host.advance(250)
    host.files.put('in/b.ndjson', lines(2))
    await host.advance(250)
    expect((await enumerator.next()).splits).toEqual([])
    host.files.append('in/b.ndjson', lines(3))
    expect(await found(host, enumerator)).toEqual([])
    expect(await found(host, enumerator)).toEqual(['in/b.ndjson'])
    expect(await found(host, enumerator)).toEqual([])
    await host.files.rename('in/b.ndjson', 'in/c.ndjson')
    expect(await found(host, enumerator)).toEqual([])
  })

  test('E3: a file that was announced and then grows, shrinks or is replaced is input/changed', async () => {
    for (const change of ['grow', 'rewrite', 'replace', 'shrink'] as const) {
      const host = createManualHost()
      host.files.put('in/a.ndjson', lines(1, 2))
      await host.advance(10_000)
      const enumerator = await source('in').enumerate(contextOf(host, 'unbounded'))
      await found(host, enumerator)
      if (change === 'grow') host.files.append('in/a.ndjson', lines(3))
      else if (change === 'rewrite') await overwrite(host, 'in/a.ndjson', Buffer.from(lines(3, 4)))
      else if (change === 'replace') host.files.put('in/a.ndjson', lines(1, 2))
      else await (await host.files.open('in/a.ndjson', 'append')).truncate(3)
      expect((await failure(found(host, enumerator))).code).toBe('input/changed')
    }
  })

  test('an incomplete last line waits for its end', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', '{"n":1}\n{"n":')
    const lines = ndjson('in', { schema: Row, follow: 'lines', pollInterval: '1 s' }).toSource()
    const context = contextOf(host, 'unbounded')
    const [split] = (await (await lines.enumerate(context)).next()).splits as [Split]
    const reader = await lines.open(split, undefined, context)
    expect(await readToEnd(reader)).toEqual(rows(1))
    const before = reader.position()
    await host.advance(1000)
    expect(await readToEnd(reader)).toEqual([])
    expect(reader.position()).toEqual(before)
    host.files.append('in/a.ndjson', '2}\n')
    const idle = await reader.read(10)
    expect(idle.kind === 'idle' ? 'waits' : idle.kind).toBe('batch')
    await reader.close()
    expect(host.timersSet).toBe(0)
  })

  test('an idle read resolves after the poll interval, and when it is closed', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', '')
    const followed = ndjson('in', { schema: Row, follow: 'lines', pollInterval: '1 s' }).toSource()
    const context = contextOf(host, 'unbounded')
    const [split] = (await (await followed.enumerate(context)).next()).splits as [Split]
    const reader = await followed.open(split, undefined, context)
    const result = await reader.read(10)
    let woken = false
    if (result.kind === 'idle') void result.until?.then(() => (woken = true))
    await host.advance(999)
    expect(woken).toBe(false)
    await host.advance(1)
    expect(woken).toBe(true)
    const again = await reader.read(10)
    await reader.close()
    await (again.kind === 'idle' ? again.until : Promise.reject(new Error('it does not idle')))
    expect(host.files.openFiles).toBe(0)
  })

  test('a followed file that shrinks or is replaced is input/changed; one that is deleted ends', async () => {
    for (const change of ['replace', 'shrink', 'delete'] as const) {
      const host = createManualHost()
      host.files.put('in/a.ndjson', lines(1, 2))
      const followed = ndjson('in', { schema: Row, follow: 'lines' }).toSource()
      const context = contextOf(host, 'unbounded')
      const [split] = (await (await followed.enumerate(context)).next()).splits as [Split]
      const reader = await followed.open(split, undefined, context)
      expect(await readToEnd(reader)).toEqual(rows(1, 2))
      if (change === 'replace') host.files.put('in/a.ndjson', lines(1, 2))
      else if (change === 'shrink') await (await host.files.open('in/a.ndjson', 'append')).truncate(8)
      else await host.files.remove('in/a.ndjson')
      const outcome = await failure(
        Promise.resolve(reader.read(1)).then((result) => expect(result.kind).toBe('end')),
      )
      expect(outcome.code).toBe(change === 'delete' ? 'no error' : 'input/changed')
      await reader.close()
    }
  })

  test('formats that cannot grow are refused by name', async () => {
    const host = createManualHost()
    host.files.put('in/a.json', '[]')
    for (const dataset of [
      json('in', { schema: Row, follow: 'lines' }),
      parquet('in', { schema: Row, follow: 'lines' }),
    ]) {
      expect((await failure(dataset.toSource().enumerate(contextOf(host, 'unbounded')))).code).toBe(
        'plan/unsupported',
      )
    }
  })

  test('CSV is followed line by line, with its header', async () => {
    const host = createManualHost()
    host.files.put('in/a.csv', 'm,n\nx,1\n')
    const followed = csv('in', { schema: Row, follow: 'lines' }).toSource()
    const context = contextOf(host, 'unbounded')
    const [split] = (await (await followed.enumerate(context)).next()).splits as [Split]
    const reader = await followed.open(split, undefined, context)
    expect(await readToEnd(reader)).toEqual(rows(1))
    host.files.append('in/a.csv', 'y,2\nz')
    expect(await readToEnd(reader)).toEqual(rows(2))
    host.files.append('in/a.csv', ',3\n')
    const again = await followed.open(split, JSON.parse(JSON.stringify(reader.position())), context)
    expect(await readToEnd(again)).toEqual(rows(3))
    await reader.close()
    await again.close()
  })
})

describe('schemas that were not declared', () => {
  test('come from the first file that is not empty, partition columns last', async () => {
    const host = createManualHost()
    host.files.put('in/day=1/a.ndjson', '')
    host.files.put('in/day=2/a.ndjson', '{"n":1,"s":"x"}\n')
    const found = await ndjson('in').toSource().resolveSchema?.(host)
    expect(found?.schema.fields.map(({ name, type }) => [name, type.kind])).toEqual([
      ['n', expect.any(String)],
      ['s', 'string'],
      ['day', 'string'],
    ])
    expect(await readSource(host, found as Source)).toEqual([{ n: 1, s: 'x', day: '2' }])
    expect(found?.resolveSchema).toBeUndefined()
  })

  test('come from the footer of Parquet and from compressed text', async () => {
    const host = createManualHost()
    host.files.put('a.parquet', encodeRows(parquetFormat(), Row, rows(1)))
    expect((await parquet('a.parquet').toSource().resolveSchema?.(host))?.schema).toEqual(Row)
    host.files.put('a.ndjson.gz', gzipSync(lines(1, 2)))
    const found = await files('a.ndjson.gz').toSource().resolveSchema?.(host)
    expect(await readSource(host, found as Source)).toEqual(rows(1, 2))
    expect(host.files.openFiles).toBe(0)
  })

  test('cannot come from nothing', async () => {
    const host = createManualHost()
    await host.files.makeDirectory('in')
    const error = await failure(ndjson('in').toSource().resolveSchema?.(host) ?? Promise.resolve())
    expect(error.code).toBe('schema/not-inferable')
  })

  test('a declared one is there at once', () => {
    const dataset = ndjson('in', { schema: Row, eventTime: 'n', disorder: '5 s' })
    expect(dataset.toSource().schema).toEqual(Row)
    expect(dataset.toSource().resolveSchema).toBeUndefined()
    expect(dataset.eventTime).toEqual({ column: 'n', disorder: '5 s' })
  })
})

describe('partition folders', () => {
  const Parted = schema({ n: t.int32(), year: t.int32(), on: t.date().nullable(), ok: t.boolean() })

  test('give columns of the declared types', async () => {
    const host = createManualHost()
    host.files.put('in/year=2001/on=2001-02-03/ok=true/a.ndjson', lines(1, 2))
    host.files.put('in/year=-5/on=__HIVE_DEFAULT_PARTITION__/ok=false/a.ndjson', lines(3))
    const dataset = ndjson('in', { schema: Parted })
    const wanted = [
      { n: 3, year: -5, on: null, ok: false },
      { n: 1, year: 2001, on: '2001-02-03', ok: true },
      { n: 2, year: 2001, on: '2001-02-03', ok: true },
    ]
    expect(await readSource(host, dataset.toSource())).toEqual(wanted)
    const pushed = dataset
      .toSource()
      .withPushdown?.({ columns: ['year', 'ok'], predicate: undefined }) as Source
    expect(await readSource(host, pushed)).toEqual(wanted.map(({ year, ok }) => ({ year, ok })))
  })

  test('with values of another type are refused with the folder', async () => {
    const host = createManualHost()
    host.files.put('in/year=none/on=2001-02-03/ok=true/a.ndjson', lines(1))
    const error = await failure(readSource(host, ndjson('in', { schema: Parted }).toSource()))
    expect(error.code).toBe('input/undecodable')
    expect(error.text).toContain('year')
  })

  test('in a pattern give columns too', async () => {
    const host = createManualHost()
    host.files.put('in/n=7/a.ndjson', '{"m":1}\n')
    expect(await readSource(host, ndjson('in/*/*.ndjson', { schema: Row }).toSource())).toEqual(rows(7))
  })
})

describe('options', () => {
  test('outside their range are refused when the dataset is made', () => {
    const wrong = [
      () => ndjson('', { schema: Row }),
      () => ndjson('in', { schema: Row, splitBytes: 0 }),
      () => ndjson('in', { schema: Row, pollInterval: 'soon' }),
      () => ndjson('in', { schema: Row, disorder: '1 s' }),
      () => ndjson('in', { schema: Row, openFilesMax: 0 }),
      () => ndjson('in', { schema: Row, roll: { size: -1 } }),
      () => ndjson('in', { schema: Row, partitionBy: ['n', 'n'] }),
      () => files('out').toSink(),
    ]
    for (const make of wrong) expect(make).toThrow(/expected|cannot be read|not said/)
  })

  test('describe the source without what is default', () => {
    expect(ndjsonFormat().options).toEqual({})
    expect(source('in').description).toEqual({
      connector: 'files',
      options: { path: 'in', format: { name: 'ndjson' } },
    })
  })
})
