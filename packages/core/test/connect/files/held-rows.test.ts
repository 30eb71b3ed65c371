// Rows of files that stay open over the end of an epoch: they survive, and show once.
import { describe, expect, test } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import type { Json, Schema } from '../../../src/data/type.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { ndjson, parquet } from '../../../src/connect/files/index.ts'
import type { FileOptions } from '../../../src/connect/files/index.ts'
import type { FileCommittable } from '../../../src/connect/files/file-writer.ts'
import { readJournal } from '../../../src/connect/files/journal-file.ts'
import type { OpenSink, SinkContext, SinkWriter } from '../../../src/connect/sink.ts'
import { createManualHost, prepareEpoch, sinkConformance } from '../../../src/testing/index.ts'
import type { ManualHost } from '../../../src/testing/index.ts'
import { readSource } from './file-fixtures.ts'

const Row = schema({ n: t.int32(), part: t.string(), text: t.string().nullable(), at: t.timestamp() })
interface RowType {
  readonly n: number
  readonly part: string
  readonly text: string | null
  readonly at: number
}
const row = (n: number): RowType => ({
  n,
  part: `p${n % 3}`,
  text: n % 4 === 1 ? null : `text ${n}`,
  at: n * 1000,
})
const rows = (from: number, to: number): RowType[] =>
  Array.from({ length: to - from }, (_, n) => row(from + n))

const LARGE = { size: 1_000_000 }
const output = (options: FileOptions<RowType> = {}) =>
  ndjson<RowType>('out', { schema: Row, roll: LARGE, ...options })

function open(
  host: ManualHost,
  context: Partial<SinkContext> = {},
  options: FileOptions<RowType> = {},
  of: Schema = Row,
): Promise<OpenSink> {
  return output(options).toSink().open({
    host, schema: of, step: 'write', outputMode: 'refuse', lineage: 'aaaaaaaa00000001', attempt: 1, bounded: false,
    resumable: true, ...context,
  }) // prettier-ignore
}

async function write(writer: SinkWriter, from: number, to: number): Promise<void> {
  await writer.write(batchOfRows(Row, rows(from, to)))
}

async function prepare(writer: SinkWriter, epoch: number, final = false): Promise<FileCommittable> {
  const committable = await prepareEpoch(writer, epoch, { final })
  if (committable === undefined) throw new Error(`epoch ${epoch} has nothing to commit`)
  return JSON.parse(JSON.stringify(committable)) as FileCommittable
}

async function visible(host: ManualHost): Promise<number[]> {
  if (!host.files.paths('out').some((path) => !path.includes('/_'))) return []
  const found = (await readSource(host, output().toSource())) as RowType[]
  for (const one of found) expect(one).toEqual(row(one.n))
  return found.map(({ n }) => n).toSorted((a, b) => a - b)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const staged = (host: ManualHost, ending: string): string[] =>
  host.files.paths('out/_staged').filter((path) => path.endsWith(ending))

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action
    return 'no error'
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
}

describe('rows that an epoch does not show', () => {
  test('J3: are named with every epoch until their file is shown, then their journal goes', async () => {
    const host = createManualHost()
    const sink = await open(host, {}, { roll: { interval: '10 s' } })
    const writer = await sink.writer(0)
    await write(writer, 0, 5)
    const first = await prepare(writer, 1)
    expect(first).toMatchObject({ files: [], held: { journals: [{}], files: [{ folder: '' }] } })
    expect(await sink.commit([first])).toEqual([{ kind: 'committed', rows: 0 }])
    const idle = await prepare(writer, 2)
    expect(idle.held).toEqual(first.held)
    await write(writer, 5, 9)
    const grown = await prepare(writer, 3)
    expect(grown.held.journals[0]?.bytes).toBeGreaterThan(first.held.journals[0]?.bytes ?? Infinity)
    await host.advance(10_000)
    const last = await prepare(writer, 4)
    expect(last).toMatchObject({ held: { journals: [], files: [] } })
    expect(staged(host, '.journal')).toHaveLength(1)
    await sink.commit([last])
    await sink.sweep([grown, last])
    expect(staged(host, '.journal')).toHaveLength(1)
    await sink.sweep([last])
    expect(staged(host, '.journal')).toEqual([])
    expect(await visible(host)).toEqual(upTo(9))
    expect(await prepareEpoch(writer, 5, { final: true })).toBeUndefined()
  })

  test('come back in a later attempt, with its first epoch, from any number of tasks to any other', async () => {
    for (const [before, after] of [
      [1, 1],
      [3, 1],
      [2, 4],
    ] as const) {
      const host = createManualHost()
      const sink = await open(host)
      const kept: FileCommittable[] = []
      for (let task = 0; task < before; task++) {
        const writer = await sink.writer(task)
        await write(writer, task * 10, task * 10 + 10)
        kept.push(await prepare(writer, 1))
        // In nobody's epoch: lost, and read again.
        await write(writer, 500, 510)
      }
      const next = await open(host, { attempt: 2, resumed: true })
      await next.sweep(kept)
      const writers: SinkWriter[] = []
      for (let task = 0; task < after; task++)
        writers.push(
          await next.writer(
            task,
            kept.filter((_, index) => index % after === task),
          ),
        )
      expect(await visible(host)).toEqual([])
      const committables: Json[] = []
      for (const writer of writers)
        committables.push((await prepareEpoch(writer, 2, { final: false })) ?? null)
      await next.commit(committables.filter((one) => one !== null))
      expect(await visible(host)).toEqual(upTo(before * 10))
      await next.sweep(committables.filter((one) => one !== null))
      expect(staged(host, '.journal')).toEqual([])
    }
  })

  test('are those of files that never came to be: rows of files that an epoch has shown do not come twice', async () => {
    const host = createManualHost()
    const options = { partitionBy: ['part'], openFilesMax: 2 } as const
    const sink = await open(host, {}, options)
    const writer = await sink.writer(0)
    for (let n = 0; n < 40; n += 5) await write(writer, n, n + 5)
    const kept = await prepare(writer, 1)
    expect(kept.files.length).toBeGreaterThan(2)
    expect(kept.held.files).toHaveLength(2)
    const next = await open(host, { attempt: 2, resumed: true }, options)
    await next.sweep([kept])
    await next.commit([kept])
    const before = await visible(host)
    expect(before.length).toBeLessThan(40)
    const second = await next.writer(0, [kept])
    await write(second, 40, 45)
    await next.commit([await prepare(second, 2, true)])
    expect(await visible(host)).toEqual(upTo(45))
  })

  test('are in no journal when every epoch shows its rows, or nobody goes on with the run', async () => {
    for (const [context, options] of [
      [{}, { roll: 'epoch' }],
      [{ resumable: false }, {}],
    ] as const) {
      const host = createManualHost()
      const writer = await (await open(host, context, options)).writer(0)
      await write(writer, 0, 5)
      await prepareEpoch(writer, 1, { final: false })
      expect(staged(host, '.journal')).toEqual([])
    }
  })

  test('that a journal has only had within one epoch leave no journal', async () => {
    const host = createManualHost()
    const sink = await open(host)
    const writer = await sink.writer(0)
    await write(writer, 0, 5)
    expect(await prepare(writer, 1, true)).toMatchObject({ held: { journals: [] } })
    expect(staged(host, '.journal')).toEqual([])
  })

  test('J4: a journal that an answer has named outlives its writer; one that none has named does not', async () => {
    for (const named of [true, false]) {
      const host = createManualHost()
      const sink = await open(host)
      const writer = await sink.writer(0)
      await write(writer, 0, 5)
      if (named) await prepare(writer, 1)
      await writer.close()
      await sink.close()
      expect(staged(host, '.journal')).toHaveLength(named ? 1 : 0)
      expect(host.files.openFiles).toBe(0)
    }
  })

  test('J4: an epoch that is sealed before the one before is answered keeps its journal', async () => {
    const host = createManualHost()
    const sink = await open(host, {}, { roll: { interval: '10 s' } })
    const writer = await sink.writer(0)
    await write(writer, 0, 5)
    writer.seal(1, { final: false })
    await host.advance(10_000)
    writer.seal(2, { final: false })
    const first = (await writer.prepare(1)) as FileCommittable
    const second = (await writer.prepare(2)) as FileCommittable
    await sink.sweep([first])
    expect(staged(host, '.journal')).toHaveLength(1)
    await sink.sweep([second])
    expect(staged(host, '.journal')).toEqual([])
  })

  test('J5: lie in several journals when they are many', async () => {
    const host = createManualHost()
    const sink = await open(host, {}, { roll: { size: 100_000_000 } })
    const writer = await sink.writer(0)
    const long = 'x'.repeat(1_000_000)
    for (let n = 0; n < 20; n++) await writer.write(batchOfRows(Row, [{ ...row(n), text: long }]))
    const kept = await prepare(writer, 1)
    expect(kept.held.journals).toHaveLength(2)
    for (const { bytes } of kept.held.journals) expect(bytes).toBeLessThan(17 * 1024 * 1024 + 1000)
    const next = await open(host, { attempt: 2, resumed: true })
    await next.sweep([kept])
    const second = await next.writer(0, [kept])
    await next.commit([await prepare(second, 2, true)])
    const found = (await readSource(host, output().toSource())) as RowType[]
    expect(found.map(({ n, text }) => [n, text?.length])).toEqual(upTo(20).map((n) => [n, long.length]))
  })

  test('with another schema before come back as they were', async () => {
    const host = createManualHost()
    const writer = await (await open(host)).writer(0)
    await write(writer, 0, 3)
    const kept = await prepare(writer, 1)
    const Wider = schema({ ...columnsOf(), more: t.int32().nullable() })
    const next = await open(host, { attempt: 2, resumed: true }, {}, Wider)
    const second = await next.writer(0, [kept])
    await second.write(batchOfRows(Wider, [{ ...row(3), more: 7 }]))
    await next.commit([await prepare(second, 2, true)])
    expect(await visible(host)).toEqual([0, 1, 2, 3])
  })

  const columnsOf = () => ({ n: t.int32(), part: t.string(), text: t.string().nullable(), at: t.timestamp() })
})

describe('a journal that is not what was written', () => {
  async function damaged(change: (bytes: Uint8Array) => Uint8Array | undefined): Promise<string> {
    const host = createManualHost()
    const writer = await (await open(host)).writer(0)
    for (let n = 0; n < 9; n += 3) await write(writer, n, n + 3)
    const kept = await prepare(writer, 1)
    const [path] = staged(host, '.journal') as [string]
    const changed = change(host.files.get(path) ?? new Uint8Array())
    if (changed === undefined) await host.files.remove(path)
    else host.files.put(path, changed)
    const next = await open(host, { attempt: 2, resumed: true })
    return codeOf(next.writer(0, [kept]))
  }

  test('J1, J2: is lost, wherever a bit has turned', async () => {
    const host = createManualHost()
    const writer = await (await open(host)).writer(0)
    for (let n = 0; n < 9; n += 3) await write(writer, n, n + 3)
    const kept = await prepare(writer, 1)
    const [path] = staged(host, '.journal') as [string]
    const whole = host.files.get(path) ?? new Uint8Array()
    const [reference] = kept.held.journals
    if (reference === undefined) throw new Error('no journal')
    for (let at = 0; at < whole.length; at += 3) {
      const turned = whole.slice()
      turned[at] = (turned[at] as number) ^ (1 << (at % 8))
      host.files.put(path, turned)
      const given: number[] = []
      const read = async (): Promise<void> => {
        for await (const { batch } of readJournal(host, 'out', reference)) given.push(batch.length)
      }
      expect(await codeOf(read())).toMatch(/^(output\/lost|checkpoint\/newer-format)$/)
      expect(given.length).toBeLessThan(3)
    }
  })

  test('is lost when it is gone, cut, or of another name', async () => {
    expect(await damaged(() => undefined)).toBe('output/lost')
    expect(await damaged((bytes) => bytes.slice(0, -1))).toBe('output/lost')
    expect(await damaged((bytes) => bytes.slice(0, 10))).toBe('output/lost')
    expect(await damaged((bytes) => Buffer.concat([bytes, bytes]))).toBe('no error')
  })
})

describe('a commit of what an earlier attempt prepared', () => {
  async function prepared(): Promise<{ host: ManualHost; kept: FileCommittable }> {
    const host = createManualHost()
    const writer = await (await open(host, {}, { roll: 'epoch' })).writer(0)
    await write(writer, 0, 5)
    return { host, kept: await prepare(writer, 1) }
  }
  const commit = async (host: ManualHost, kept: FileCommittable): Promise<string | undefined> =>
    (await (await open(host, { attempt: 2, resumed: true })).commit([kept]))[0]?.kind

  test('V6: is lost when the bytes are others, staged or shown', async () => {
    const one = await prepared()
    const [path] = staged(one.host, '.tmp') as [string]
    const bytes = one.host.files.get(path) ?? new Uint8Array()
    bytes[3] = (bytes[3] as number) ^ 1
    one.host.files.put(path, bytes)
    expect(await commit(one.host, one.kept)).toBe('lost')
    expect(await visible(one.host)).toEqual([])

    const two = await prepared()
    const final = `out/${two.kept.files[0]?.final}`
    const [source] = staged(two.host, '.tmp') as [string]
    const turned = two.host.files.get(source) ?? new Uint8Array()
    turned[3] = (turned[3] as number) ^ 1
    two.host.files.put(final, turned)
    await two.host.files.remove(source)
    expect(await commit(two.host, two.kept)).toBe('lost')
  })

  test('is done already when both names are there, and the staged one goes', async () => {
    const { host, kept } = await prepared()
    const [path] = staged(host, '.tmp') as [string]
    await host.files.link(path, `out/${kept.files[0]?.final}`)
    expect(await commit(host, kept)).toBe('already-committed')
    expect(staged(host, '.tmp')).toEqual([])
    const again = await prepared()
    const [source] = staged(again.host, '.tmp') as [string]
    again.host.files.put(`out/${again.kept.files[0]?.final}`, again.host.files.get(source) ?? '')
    expect(await commit(again.host, again.kept)).toBe('already-committed')
  })
})

describe('an attempt that goes on', () => {
  test('V7: is not refused because of what lies there', async () => {
    for (const outputMode of ['refuse', 'overwrite'] as const) {
      const host = createManualHost()
      const sink = await open(host, { outputMode }, { roll: 'epoch' })
      const writer = await sink.writer(0)
      await write(writer, 0, 3)
      await sink.commit([await prepare(writer, 1)])
      host.files.put('out/notes.txt', 'mine')
      const next = await open(host, { outputMode, attempt: 2, resumed: true }, { roll: 'epoch' })
      const second = await next.writer(0)
      await write(second, 3, 5)
      await next.commit([await prepare(second, 2, true)])
      await next.finish()
      await host.files.remove('out/notes.txt')
      expect(await visible(host)).toEqual(upTo(5))
    }
  })

  const otherRun = async (host: ManualHost, lineage: string, from: number): Promise<void> => {
    const sink = await open(host, { lineage, outputMode: 'append', resumable: false }, { roll: 'epoch' })
    const writer = await sink.writer(0)
    await write(writer, from, from + 2)
    await sink.commit([await prepare(writer, 1, true)])
    await writer.close()
    await sink.close()
  }

  test.each(['refuse', 'append'] as const)(
    'V4: replaces what the first attempt was to replace, also when a later one is asked to %s',
    async (outputMode) => {
      const host = createManualHost()
      await otherRun(host, 'bbbbbbbb00000001', 100)
      const sink = await open(host, { outputMode: 'overwrite' })
      const writer = await sink.writer(0)
      await write(writer, 0, 2)
      const kept = await prepare(writer, 1)
      const next = await open(host, { outputMode, attempt: 2, resumed: true })
      await next.sweep([kept])
      const second = await next.writer(0, [kept])
      await next.commit([await prepare(second, 2, true)])
      await next.finish()
      expect(await visible(host)).toEqual([0, 1])
      await second.close()
      await next.close()
      expect(host.files.paths('out/_staged').filter((path) => path.endsWith('.replaces'))).toEqual([])
    },
  )

  test('V4: a first attempt that showed nothing decides nothing for one that begins anew', async () => {
    const host = createManualHost()
    await otherRun(host, 'bbbbbbbb00000001', 100)
    await open(host, { outputMode: 'overwrite' })
    const next = await open(host, { outputMode: 'append', attempt: 2 })
    const writer = await next.writer(0)
    await write(writer, 0, 2)
    const kept = await prepare(writer, 1)
    const last = await open(host, { outputMode: 'append', attempt: 3, resumed: true })
    await last.sweep([kept])
    const second = await last.writer(0, [kept])
    await last.commit([await prepare(second, 2, true)])
    await last.finish()
    expect(await visible(host)).toEqual([0, 1, 100, 101])
  })

  test('V4: replaces what was there when the first attempt began, and nothing that came since', async () => {
    const host = createManualHost()
    const run = (lineage: string, from: number): Promise<void> => otherRun(host, lineage, from)
    await run('bbbbbbbb00000001', 100)
    const sink = await open(host, { outputMode: 'overwrite' })
    const writer = await sink.writer(0)
    await write(writer, 0, 2)
    const kept = await prepare(writer, 1)
    await run('cccccccc00000001', 2)
    const next = await open(host, { outputMode: 'overwrite', attempt: 2, resumed: true })
    await next.sweep([kept])
    const second = await next.writer(0, [kept])
    await next.commit([await prepare(second, 2, true)])
    await next.finish()
    expect(await visible(host)).toEqual([0, 1, 2, 3])
    await second.close()
    await next.close()
    // A start behind the end has nothing to replace.
    const last = await open(host, { outputMode: 'overwrite', attempt: 3, resumed: true })
    await last.finish()
    await last.close()
    expect(await visible(host)).toEqual([0, 1, 2, 3])
  })

  test('FO4: what a dead run left is kept for its next attempt, however old it is', async () => {
    const host = createManualHost()
    const sink = await open(host)
    const writer = await sink.writer(0)
    await write(writer, 0, 4)
    const kept = await prepare(writer, 1)
    host.restart()
    await host.advance(3 * 24 * 3_600_000)
    const other = await open(host, { lineage: 'bbbbbbbb00000001', outputMode: 'append', resumable: false })
    await other.sweep([])
    await other.close()
    const next = await open(host, { attempt: 2, resumed: true })
    await next.sweep([kept])
    const second = await next.writer(0, [kept])
    await next.commit([await prepare(second, 2, true)])
    expect(await visible(host)).toEqual(upTo(4))
    await second.close()
    await next.finish()
    await next.sweep([])
    await next.close()
    expect(host.files.paths('out/_staged')).toEqual([])
  })

  test('from an older epoch writes again what was shown since, also rows that were held back then', async () => {
    const host = createManualHost()
    const sink = await open(host, {}, { roll: { interval: '10 s' } })
    const writer = await sink.writer(0)
    await write(writer, 0, 4)
    const older = await prepare(writer, 1)
    await write(writer, 4, 6)
    await host.advance(10_000)
    const newer = await prepare(writer, 2)
    await sink.commit([newer])
    await sink.sweep([older, newer])
    await writer.close()
    await sink.close()
    const lineage = 'bbbbbbbb00000001'
    const next = await open(host, { lineage, attempt: 2, resumed: true })
    await next.sweep([older, newer])
    const second = await next.writer(0, [older])
    await next.commit([await prepare(second, 2, true)])
    expect(await visible(host)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 5])
  })
})

describe('files that are rolled by size pass the conformance suite:', () => {
  for (const [name, options] of [
    ['large files', { roll: LARGE }],
    ['small files', { roll: { size: 150 } }],
    ['large files in partition folders', { roll: LARGE, partitionBy: ['part'] }],
    ['small files in partition folders', { roll: { size: 150 }, partitionBy: ['part'], openFilesMax: 2 }],
  ] as const) {
    for (const [format, dataset] of [
      ['NDJSON', ndjson<RowType>],
      ['Parquet', parquet<RowType>],
    ] as const) {
      sinkConformance(
        { describe, test, expect },
        {
          name: `${format} in ${name}`,
          holdsBack: true,
          setup: async () => {
            const host = createManualHost()
            return {
              host,
              sink: () => dataset('out', { schema: Row, ...options }).toSink(),
              schema: Row,
              row,
              visible: async () => readSource(host, dataset('out', { schema: Row }).toSource()),
            }
          },
        },
      )
    }
  }
})
