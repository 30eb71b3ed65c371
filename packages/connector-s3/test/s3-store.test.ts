// Checkpoints in a bucket, over HTTP: what every store holds, races, lost answers, uploads that break.
import fc from 'fast-check'
import { afterEach, describe, expect, it, test } from 'vitest'
import {
  CheckpointLog,
  ObjectStore,
  StateFileReader,
  StateFileWriter,
} from '../../core/src/checkpoint/index.ts'
import type { Entry } from '../../core/src/checkpoint/index.ts'
import { batchOfRows, batchToRows, schema, t } from '../../core/src/data/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { storeConformance } from '../../core/src/testing/index.ts'
import { arbitraryStoreProgram, runStoreProgram } from '../../core/test/checkpoint/store-program.ts'
import { randomOf } from '../../core/test/testing/crashes.ts'
import { s3Objects } from '../src/index.ts'
import type { S3Effect } from './s3-server.ts'
import { limits, startBench } from './servers.ts'
import type { Bench } from './servers.ts'

const MIB = 1024 * 1024
const host = createNodeHost()

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function start(options: Parameters<typeof startBench>[0] = {}): Promise<Bench> {
  bench = await startBench(options)
  return bench
}

describe('checkpoints in a bucket', () => {
  storeConformance(
    { describe, test, expect },
    {
      name: 'a strict S3',
      racers: 20,
      make: async () => {
        const { open, close } = await startBench()
        return { open, close }
      },
    },
  )

  it('takes what needs several requests, with the limits of S3', async () => {
    const { open, server } = await start()
    const store = open()
    const bytes = Uint8Array.from({ length: 20 * MIB + 17 }, (_, k) => (k * 7 + (k >> 13)) & 255)
    const writer = await store.write('state/large')
    for (let at = 0; at < bytes.length; at += 300_000) await writer.append(bytes.subarray(at, at + 300_000))
    await writer.finish()
    expect(server.log.filter((operation) => operation === 'UploadPart')).toHaveLength(3)
    expect(Buffer.compare((await store.read('state/large')) ?? new Uint8Array(0), bytes)).toBe(0)
    const range = await store.read('state/large', { start: 8 * MIB - 5, end: 17 * MIB })
    expect(Buffer.compare(range ?? new Uint8Array(0), bytes.subarray(8 * MIB - 5, 17 * MIB))).toBe(0)
    expect(await store.list('')).toEqual([{ name: 'state/large', bytes: bytes.length }])
  })

  it('sends small files in one request, and asks no more than it has to', async () => {
    const { open, server } = await start()
    const store = open()
    await store.create('log/1', new Uint8Array(100))
    server.log.length = 0
    const writer = await store.write('state/a')
    await writer.append(new Uint8Array(1000))
    await writer.finish()
    await store.create('log/2', new Uint8Array(100))
    expect(server.log).toEqual(['PutObject', 'PutObject'])
  })

  it('ST3: a writer that dies between its parts leaves nothing to be seen, and sweep forgets it', async () => {
    const { open, server } = await start({ partBytesMin: 1000 })
    for (let k = 0; k < 5; k++) {
      const writer = await open({ partBytes: 1000 }).write(`state/${k}`)
      for (let part = 0; part < 3; part++) await writer.append(new Uint8Array(1500))
    }
    expect(server.bucket.uploads.size).toBe(5)
    expect(await open().list('')).toEqual([])
    await open().sweep()
    expect(server.bucket.uploads.size).toBe(0)
  })
})

describe('faults on the way', () => {
  const storeFailed = { code: 'checkpoint/store-failed' }

  it.each<S3Effect>([
    'lost',
    'late',
    'mute',
    'cut',
    { status: 500, code: 'InternalError' },
    { status: 503, code: 'SlowDown' },
    { status: 409, code: 'ConditionalRequestConflict' },
  ])('ST1: the creator knows its own object: %o', async (effect) => {
    const { open, server } = await start()
    const store = open({ limits: { ...limits, timeoutMs: 300 } })
    await store.create('log/0', new Uint8Array(1))
    server.inject({ effect, operation: 'PutObject', times: 2 })
    expect(await store.create('log/1', new Uint8Array(1))).toBe('created')
    server.arrive()
    expect(await open().create('log/1', new Uint8Array(1))).toBe('exists')
  })

  it.each(['lost', 'late', 'mute', 'cut', 'error in 200', { status: 503, code: 'SlowDown' }] as const)(
    'an upload is finished once: %o',
    async (effect) => {
      const { open, server } = await start({ partBytesMin: 1000 })
      const store = open({ partBytes: 1000, limits: { ...limits, timeoutMs: 300 } })
      for (const operation of ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'] as const)
        server.inject({ effect, operation, times: 1 })
      const writer = await store.write('state/a')
      await writer.append(new Uint8Array(3500).fill(7))
      await writer.finish()
      server.arrive()
      expect(await store.read('state/a')).toEqual(new Uint8Array(3500).fill(7))
    },
  )

  it.each(['truncated', 'slow', 'cut', 'silent'] as const)(
    'reads whole files or none: %s',
    async (effect) => {
      const { open, server } = await start()
      const store = open({ partBytes: 1000, limits: { ...limits, timeoutMs: 300 } })
      await store.create('log/1', new Uint8Array(3500).fill(7))
      server.inject({ effect, operation: 'GetObject', times: 3 })
      expect(await store.read('log/1')).toEqual(new Uint8Array(3500).fill(7))
      server.inject({ effect: 'truncated', operation: 'ListObjectsV2', times: 2 })
      expect(await store.list('')).toHaveLength(1)
    },
  )

  it('says so when it does not end', async () => {
    const { open, server } = await start()
    const store = open({ limits: { ...limits, requests: 3 } })
    server.inject({ effect: { status: 503, code: 'SlowDown' } })
    await expect(store.read('log/1')).rejects.toMatchObject({
      ...storeFailed,
      what: 'reading a file of the checkpoint store failed',
      detail: expect.stringMatching(/^the store answered 503: SlowDown: injected, and 3 requests in/),
      place: { file: `${server.url}/checkpoints/jobs/bids/log/1` },
    })
  })

  it('gives the answers of a store without faults, or errors, whatever happens', async () => {
    const effects: readonly S3Effect[] = [
      'cut',
      'lost',
      'late',
      'truncated',
      'slow',
      'error in 200',
      { status: 500, code: 'InternalError' },
      { status: 503, code: 'SlowDown' },
      { status: 409, code: 'OperationAborted' },
    ]
    let failed = 0
    let ended = 0
    await fc.assert(
      fc.asyncProperty(
        arbitraryStoreProgram(),
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 70 }),
        async (program, seed, percent) => {
          const choose = randomOf(seed)
          let isWell = false
          const running = await startBench({
            partBytesMin: 1,
            // An error with a good status says nothing about requests that have no document in their answer.
            strike: (operation) => {
              const effect = isWell || choose(100) >= percent ? undefined : effects[choose(effects.length)]
              return effect === 'error in 200' && operation !== 'CompleteMultipartUpload' ? 'cut' : effect
            },
          })
          try {
            const store = running.open({ partBytes: 100, limits: { ...limits, requests: 2 } })
            const { faults, errors } = await runStoreProgram(program, store, {
              heal: () => {
                isWell = true
                running.server.arrive()
              },
            })
            expect(faults).toEqual([])
            failed += errors
            if (errors === 0) ended++
          } finally {
            await running.close()
          }
        },
      ),
      { numRuns: 60 },
    )
    expect(failed).toBeGreaterThan(20)
    expect(ended).toBeGreaterThan(5)
  })
})

describe('the log and files of state in a bucket', () => {
  const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
  const takeover = (token: string): Entry => ({
    kind: 'takeover',
    attempt: 1,
    lineage: 'l',
    owner,
    token,
    atMs: 0,
  })

  it('ST1: one of twenty creators wins each of twenty names, while answers are lost', async () => {
    const choose = randomOf(7)
    const { options, server } = await start({
      strike: (operation) => (operation === 'PutObject' && choose(4) === 0 ? 'lost' : undefined),
    })
    const stores = Array.from({ length: 20 }, () => new ObjectStore(host, s3Objects(options), { limits }))
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(
        stores.map((store) => store.create(`log/${round}`, new Uint8Array(1))),
      )
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
    }
    expect(server.bucket.objects.size).toBe(21)
  })

  it('an append learns that the entry is its own when the answer was lost', async () => {
    const { open, server } = await start()
    const log = new CheckpointLog(open({ limits: { ...limits, requests: 1 } }), host.bytes)
    await log.read()
    expect(await log.append(takeover('a'))).toMatchObject({ kind: 'appended', number: 1 })
    server.inject({ effect: 'lost', operation: 'PutObject', times: 1 })
    await expect(log.append(takeover('b'))).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(await log.append(takeover('b'))).toEqual({ kind: 'appended', number: 2 })
  })

  it('LG1: gives each number to one of many attempts', async () => {
    const { open } = await start()
    const logs = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const log = new CheckpointLog(open(), host.bytes)
        await log.read()
        return log
      }),
    )
    const answers = await Promise.all(logs.map((log, at) => log.append(takeover(`attempt ${at}`))))
    expect(answers.filter(({ kind }) => kind === 'appended')).toHaveLength(1)
    const found = await new CheckpointLog(open(), host.bytes).read()
    expect(found).toHaveLength(1)
  })

  it('gives back a file of state', async () => {
    const { open } = await start({ partBytesMin: 1000 })
    const counts = schema({ key: t.string(), count: t.int64() })
    const rows = Array.from({ length: 2000 }, (_, count) => ({ key: `key ${count}`, count }))
    const store = open({ partBytes: 4000 })
    const options = { checks: host.bytes, parts: [{ name: 'counts', schema: counts }] }
    const writer = await StateFileWriter.begin(store, 'state/1-count', options)
    for (let at = 0; at < rows.length; at += 500)
      await writer.append({
        part: 'counts',
        groups: [at / 500, at / 500 + 1],
        batch: batchOfRows(counts, rows.slice(at, at + 500)),
      })
    const file = await writer.finish()
    const reader = await StateFileReader.open(open(), file, host.bytes)
    const found: unknown[] = []
    for await (const { batch } of reader.read([1, 3])) found.push(...batchToRows(batch))
    expect(found).toEqual(rows.slice(500, 1500))
  })
})
