// Output files in a bucket, over HTTP, against a strict S3: the suite of sinks, faults of every kind, uploads left behind.
import { afterEach, describe, expect, it, test } from 'vitest'
import { ndjson, objectFolder } from '../../core/src/connect/files/index.ts'
import type { FileDataset, OutputPlace } from '../../core/src/connect/files/index.ts'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { createManualHost, sinkConformance } from '../../core/src/testing/index.ts'
import type { SinkSubject } from '../../core/src/testing/sink-trial.ts'
import { readSource } from '../../core/test/connect/files/file-fixtures.ts'
import { randomOf } from '../../core/test/testing/crashes.ts'
import { s3Folder, s3Objects } from '../src/index.ts'
import type { S3Effect } from './s3-server.ts'
import type { S3Bucket, S3Operation } from './s3-bucket.ts'
import { environment, limits, startBench } from './servers.ts'
import type { Bench } from './servers.ts'

const tools = { describe, test, expect }
const Item = schema({ id: t.int32(), text: t.string() })
type Item = { id: number; text: string }
const item = (id: number): Item => ({ id, text: `item ${id}, `.repeat(3) })
type Make = (place: string | OutputPlace) => FileDataset<Item>
const everyEpoch: Make = (place) => ndjson<Item>(place, { schema: Item, roll: 'epoch' })
const bySize: Make = (place) => ndjson<Item>(place, { schema: Item, roll: { size: 600 } })

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function start(options: Parameters<typeof startBench>[0] = {}): Promise<Bench> {
  bench = await startBench(options)
  return bench
}

async function subjectOf(
  make: Make,
  strike?: (operation: S3Operation) => S3Effect | undefined,
): Promise<SinkSubject> {
  const { server, options, close } = await startBench({
    pageSize: 20,
    partBytesMin: 300,
    ...(strike === undefined ? {} : { strike }),
  })
  const place = objectFolder(s3Objects(options), {
    prefix: 'reports',
    partBytes: 300,
    limits: { ...limits, requests: 30, timeoutMs: 10_000 },
  })
  return {
    host: createNodeHost(),
    sink: () => make(place).toSink(),
    schema: Item,
    row: item,
    visible: () => visibleIn(server.bucket, make),
    cleanup: close,
  }
}

async function visibleIn(bucket: S3Bucket, make: Make): Promise<readonly object[]> {
  const host = createManualHost()
  const shown = [...bucket.objects].filter(([key]) => !key.includes('/_'))
  for (const [key, { bytes }] of shown) host.files.put(key.replace('reports', 'out'), bytes)
  return shown.length === 0 ? [] : readSource(host, make('out').toSource())
}

describe('files in a bucket', () => {
  sinkConformance(tools, { name: 'NDJSON', rowsMax: 600, setup: () => subjectOf(everyEpoch) })
  sinkConformance(tools, { name: 'files of several epochs', holdsBack: true, setup: () => subjectOf(bySize) })

  let seed = 0
  sinkConformance(tools, {
    name: 'a store that fails now and then',
    holdsBack: true,
    setup: () => {
      const choose = randomOf(++seed)
      return subjectOf(bySize, (operation) => (choose(15) === 0 ? faultOf(operation, choose) : undefined))
    },
  })
})

function faultOf(operation: S3Operation, choose: (below: number) => number): S3Effect {
  const effects: S3Effect[] = [
    'cut',
    'lost',
    'truncated',
    { status: 500, code: 'InternalError' },
    { status: 503, code: 'SlowDown' },
  ]
  // What takes long is begun to be answered before it is done.
  if (operation === 'CopyObject' || operation === 'CompleteMultipartUpload') effects.push('error in 200')
  return effects[choose(effects.length)] as S3Effect
}

describe('an output in a bucket', () => {
  const context = { step: 'write', schema: Item, outputMode: 'refuse', lineage: '00000000aaaaaaaa' } as const
  const rows = (from: number, to: number) =>
    batchOfRows(
      Item,
      Array.from({ length: to - from }, (_, n) => item(from + n)),
    )

  it('is a part of a bucket that a URL names', async () => {
    const { server, options } = await start()
    const place = s3Folder('s3://checkpoints/reports/orders/', { ...options, environment })
    expect(place.name).toBe(`${server.url}/checkpoints/reports/orders`)
    const run = await everyEpoch(place)
      .toSink()
      .open({ ...context, host: createNodeHost(), attempt: 1, bounded: true })
    const writer = await run.writer(0)
    await writer.write(rows(0, 3))
    writer.seal(1, { final: true })
    const answer = await writer.prepare(1)
    expect([...server.bucket.objects.keys()].filter((key) => !key.includes('/_'))).toEqual([])
    expect(await run.commit(answer === undefined ? [] : [answer])).toEqual([{ kind: 'committed', rows: 3 }])
    await writer.close()
    await run.finish()
    await run.close()
    expect([...server.bucket.objects.keys()]).toEqual([
      expect.stringMatching(/^reports\/orders\/part-000001-0000-0000-[0-9a-f]{12}\.ndjson$/),
    ])
  })

  it('ends uploads that an earlier attempt has left, and none of others', async () => {
    const { server, options } = await start({ partBytesMin: 300 })
    const place = objectFolder(s3Objects(options), { prefix: 'reports', partBytes: 300, limits })
    const open = (attempt: number) =>
      bySize(place)
        .toSink()
        .open({
          ...context,
          host: createNodeHost(),
          attempt,
          bounded: false,
          resumable: true,
          resumed: attempt > 1,
        })
    const dead = await open(1)
    const writer = await dead.writer(0)
    for (let n = 0; n < 40; n += 10) await writer.write(rows(n, n + 10))
    writer.seal(1, { final: false })
    await writer.write(rows(40, 41))
    await bySize(place)
      .toSink()
      .open({
        ...context,
        host: createNodeHost(),
        attempt: 1,
        bounded: false,
        resumable: true,
        lineage: 'other',
        outputMode: 'append',
      })
    server.bucket.uploads.set('foreign', {
      key: 'reports/_staged/foreign',
      metadata: {},
      withChecksums: false,
      parts: new Map(),
    })
    const failed = server.inject({
      effect: { status: 403, code: 'AccessDenied' },
      operation: 'CompleteMultipartUpload',
    })
    await expect(writer.prepare(1)).rejects.toMatchObject({ code: 'output/permission' })
    failed()
    const left = [...server.bucket.uploads.values()].map(({ key }) => key)
    expect(left.length).toBeGreaterThan(1)
    const next = await open(2)
    await next.sweep([])
    expect([...server.bucket.uploads.keys()]).toEqual(['foreign'])
    await next.close()
  })

  it('puts a commit off while the store is away, and does it later', async () => {
    const { server, options } = await start()
    const place = objectFolder(s3Objects(options), { prefix: 'reports', limits: { ...limits, requests: 2 } })
    const run = await everyEpoch(place)
      .toSink()
      .open({ ...context, host: createNodeHost(), attempt: 1, bounded: true })
    const writer = await run.writer(0)
    await writer.write(rows(0, 3))
    writer.seal(1, { final: true })
    const answer = await writer.prepare(1)
    const committables = answer === undefined ? [] : [answer]
    const back = server.inject({ effect: { status: 503, code: 'SlowDown' }, operation: 'CopyObject' })
    expect(await run.commit(committables)).toEqual([
      expect.objectContaining({ kind: 'retry', reason: expect.stringMatching(/SlowDown/) }),
    ])
    back()
    expect(await run.commit(committables)).toEqual([{ kind: 'committed', rows: 3 }])
    await writer.close()
    await run.close()
  })

  it.each<S3Operation>(['PutObject', 'CopyObject', 'DeleteObject'])(
    'goes on when %s is done and never answered',
    async (operation) => {
      const { server, options } = await start()
      const place = objectFolder(s3Objects(options), {
        prefix: 'reports',
        limits: { ...limits, timeoutMs: 300 },
      })
      const run = await everyEpoch(place)
        .toSink()
        .open({ ...context, host: createNodeHost(), attempt: 1, bounded: true })
      const writer = await run.writer(0)
      await writer.write(rows(0, 3))
      server.inject({ effect: 'mute', operation, times: 1 })
      writer.seal(1, { final: true })
      const answer = await writer.prepare(1)
      expect(await run.commit(answer === undefined ? [] : [answer])).toEqual([{ kind: 'committed', rows: 3 }])
      await writer.close()
      await run.close()
      expect(await visibleIn(server.bucket, everyEpoch)).toEqual([item(0), item(1), item(2)])
    },
  )

  it('says what a bucket refuses, before anything is written', async () => {
    const { options } = await start()
    const open = (more: object) =>
      everyEpoch(objectFolder(s3Objects({ ...options, ...more }), { prefix: 'reports', limits }))
        .toSink()
        .open({ ...context, host: createNodeHost(), attempt: 1, bounded: true })
    await expect(open({ bucket: 'missing' })).rejects.toMatchObject({
      code: 'output/write-failed',
      hint: 'create bucket "missing", or correct its name',
    })
    await expect(open({ environment: {} })).rejects.toMatchObject({ code: 'output/permission' })
  })

  it('is written and not read, and has files that a store can copy', () => {
    const place = s3Folder('s3://reports')
    expect(() => everyEpoch(place).toSource()).toThrow(/are written, not read/)
    expect(() => ndjson<Item>(place, { schema: Item, roll: { size: 5e9 } }).toSink()).toThrow(/roll.size/)
    expect(() => everyEpoch('s3://reports')).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/s3Folder\('s3:\/\/reports'\)/) }),
    )
  })
})
