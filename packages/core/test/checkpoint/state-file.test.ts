// State files: what was written comes back by key group, and damage of any kind is told.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StateFileReader, StateFileWriter } from '../../src/checkpoint/index.ts'
import type { CheckpointStore, FinishedStateFile, StateRows } from '../../src/checkpoint/index.ts'
import { batchOfRows, batchToRows, schema, t } from '../../src/data/index.ts'
import type { Host } from '../../src/host/host.ts'
import { arbitraryBatch } from '../data/arbitrary.ts'
import { places } from './places.ts'

const counts = schema({ key: t.string(), count: t.int64() })
const timers = schema({ key: t.string(), at: t.timestamp() })
const parts = [
  { name: 'counts', schema: counts },
  { name: 'timers', schema: timers },
]

function countsOf(groups: readonly [number, number], ...keys: readonly string[]): StateRows {
  return {
    part: 'counts',
    groups,
    batch: batchOfRows(
      counts,
      keys.map((key, count) => ({ key, count })),
    ),
  }
}

async function write(
  host: Pick<Host, 'bytes'>,
  store: CheckpointStore,
  rows: readonly StateRows[],
): Promise<FinishedStateFile> {
  const writer = await StateFileWriter.begin(store, 'state/1-count', { checks: host.bytes, parts })
  for (const some of rows) await writer.append(some)
  return writer.finish()
}

async function read(
  host: Pick<Host, 'bytes'>,
  store: CheckpointStore,
  file: FinishedStateFile,
  range?: readonly [number, number],
): Promise<readonly unknown[]> {
  const reader = await StateFileReader.open(store, file, host.bytes)
  const rows: unknown[] = []
  for await (const { part, batch } of reader.read(range))
    for (const row of batchToRows(batch)) rows.push({ part, ...row })
  return rows
}

describe.each(places)('a state file in %s', (_, make) => {
  it('gives back all rows of all parts, in order', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const at = batchOfRows(timers, [{ key: 'a', at: 5 }])
    const file = await write(host, store, [
      countsOf([0, 8], 'a', 'b'),
      { part: 'timers', groups: [0, 8], batch: at },
      countsOf([8, 16]),
      countsOf([8, 16], 'c'),
    ])
    expect(await read(host, store, file)).toEqual([
      { part: 'counts', key: 'a', count: 0 },
      { part: 'counts', key: 'b', count: 1 },
      { part: 'timers', key: 'a', at: 5 },
      { part: 'counts', key: 'c', count: 0 },
    ])
    expect((await store.list('')).map(({ bytes }) => bytes)).toEqual([file.bytes])
  })

  it('reads only the blocks of the key groups that are asked for', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const file = await write(host, store, [
      countsOf([0, 4], 'a'),
      countsOf([4, 8], 'b'),
      countsOf([8, 12], 'c'),
    ])
    const keys = async (range: readonly [number, number]): Promise<unknown> =>
      (await read(host, store, file, range)).map((row) => (row as { key: string }).key)
    expect(await keys([0, 4])).toEqual(['a'])
    expect(await keys([3, 5])).toEqual(['a', 'b'])
    expect(await keys([8, 100])).toEqual(['c'])
    expect(await keys([4, 4])).toEqual([])
  })

  it('says how many rows follow, also behind others in a joined file', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const rows = [
      { ...countsOf([0, 4], 'a', 'b'), following: 3 },
      countsOf([0, 4], 'c'),
      { ...countsOf([0, 4], 'd'), following: 0 },
    ]
    const file = await write(host, store, rows)
    const joined = await StateFileWriter.begin(store, 'state/1-joined', { checks: host.bytes, parts })
    for (let n = 0; n < 2; n++) await joined.appendFile(await StateFileReader.open(store, file, host.bytes))
    const reader = await StateFileReader.open(store, await joined.finish(), host.bytes)
    const following: unknown[] = []
    for await (const came of reader.read()) following.push(came.following)
    expect(following).toEqual([3, 0, 0, 3, 0, 0])
  })

  it('may have no rows', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const file = await write(host, store, [])
    expect(await read(host, store, file)).toEqual([])
    expect((await StateFileReader.open(store, file, host.bytes)).parts).toEqual(parts)
  })

  it('does not appear when it is given up', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const writer = await StateFileWriter.begin(store, 'state/1-count', { checks: host.bytes, parts })
    await writer.append(countsOf([0, 1], 'a'))
    await writer.abort()
    expect(await store.list('')).toEqual([])
    expect(place.leftOpen()).toBe(0)
  })

  it('keeps batches of every type', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryBatch({ columnsMax: 4 }), async ({ schema: columns, batch, rows }) => {
        const place = make()
        const { host } = place
        const store = place.open()
        const options = { checks: host.bytes, parts: [{ name: 'all', schema: columns }] }
        const writer = await StateFileWriter.begin(store, 'state/x', options)
        await writer.append({ part: 'all', groups: [0, 1], batch })
        const reader = await StateFileReader.open(store, await writer.finish(), host.bytes)
        const found: unknown[] = []
        for await (const some of reader.read()) found.push(...batchToRows(some.batch))
        expect(found).toEqual(rows)
      }),
      { numRuns: 50 },
    )
  })
})

describe.each(places)('a damaged state file in %s', (_, make) => {
  async function damagedBy(damage: (bytes: Buffer) => Uint8Array | undefined): Promise<unknown> {
    const place = make()
    const { host } = place
    const store = place.open()
    const file = await write(host, store, [countsOf([0, 4], 'a', 'b'), countsOf([4, 8], 'c')])
    const bytes = damage(Buffer.from((await store.read(file.name)) as Uint8Array))
    if (bytes === undefined) await store.remove(file.name)
    else place.put(file.name, bytes)
    return read(host, store, file)
  }
  const refusal = { code: 'checkpoint/damaged', place: { file: expect.stringMatching(/\/state\/1-count$/) } }

  it('SF3: is told at every single byte', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const { bytes } = await write(host, store, [countsOf([0, 4], 'a', 'b'), countsOf([4, 8], 'c')])
    for (let at = 0; at < bytes; at++) {
      const turned = damagedBy((whole) => {
        whole[at] = (whole[at] as number) ^ 0x10
        return whole
      })
      // The version has a code of its own.
      const code =
        at >= bytes - 8 && at < bytes - 4 ? /checkpoint\/(damaged|newer-format)/ : /checkpoint\/damaged/
      await expect(turned, `byte ${at}`).rejects.toMatchObject({ code: expect.stringMatching(code) })
    }
  })

  it('is told when it is gone, short or long', async () => {
    await expect(damagedBy(() => undefined)).rejects.toMatchObject({ ...refusal, detail: 'it is missing' })
    await expect(damagedBy((whole) => whole.subarray(0, -1))).rejects.toMatchObject(refusal)
    await expect(damagedBy((whole) => whole.subarray(0, 10))).rejects.toMatchObject(refusal)
    await expect(damagedBy((whole) => whole.subarray(8))).rejects.toMatchObject(refusal)
  })

  it('SF1: is a whole file under another name', async () => {
    const place = make()
    const { host } = place
    const store = place.open()
    const file = await write(host, store, [countsOf([0, 4], 'a')])
    await store.create('state/2-count', (await store.read(file.name)) as Uint8Array)
    await expect(read(host, store, { ...file, name: 'state/2-count' })).rejects.toMatchObject({
      code: 'checkpoint/damaged',
    })
  })
})
