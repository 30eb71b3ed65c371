// The store on servers that others wrote. `npm run test:servers` starts them and names them here.
import { describe, expect, it, test, vi } from 'vitest'
import { CheckpointLog, ObjectStore } from '../../core/src/checkpoint/index.ts'
import type { Entry } from '../../core/src/checkpoint/index.ts'
import { ndjson, objectFolder } from '../../core/src/connect/files/index.ts'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import { isMillraceError } from '../../core/src/errors.ts'
import type { Files } from '../../core/src/host/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { sinkConformance, storeConformance } from '../../core/src/testing/index.ts'
import { s3Objects } from '../src/index.ts'
import type { S3Options } from '../src/index.ts'

// Thousands of requests to a server that shares the machine: nothing here says how fast it is.
vi.setConfig({ testTimeout: 300_000 })

interface RealServer {
  readonly name: string
  readonly endpoint: string
}

const MIB = 1024 * 1024
const bucket = 'checkpoints'
const host = createNodeHost()
const servers = JSON.parse(process.env['MILLRACE_S3_SERVERS'] ?? '[]') as readonly RealServer[]
const environment = { AWS_ACCESS_KEY_ID: 'local-identity', AWS_SECRET_ACCESS_KEY: 'local-credential' }
const optionsOf = ({ endpoint }: RealServer): S3Options => ({
  bucket,
  endpoint,
  region: 'us-east-1',
  environment,
})
const openAt = (server: RealServer, prefix: string): ObjectStore =>
  new ObjectStore(host, s3Objects(optionsOf(server)), { prefix })
const freshPrefix = (): string => `test-${host.random.hex(8)}`
const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
const takeover = (token: string): Entry => ({
  kind: 'takeover',
  attempt: 1,
  lineage: 'l',
  owner,
  token,
  atMs: 0,
})

const Item = schema({ id: t.int32() })

/**
 * Appends. While an object is written, s3proxy lists the draft that it makes of it, under the key with a UUID behind it:
 * who lists at that moment refuses the log, as it has to with what nobody of this project wrote. Asking again is safe.
 */
async function appendBesideDrafts(log: CheckpointLog, entry: Entry): ReturnType<CheckpointLog['append']> {
  for (let tries = 1; ; tries++) {
    try {
      return await log.append(entry)
    } catch (error) {
      const file = isMillraceError(error) ? error.place?.file : undefined
      if (tries === 20 || !/\/log\/\d{12}-[0-9a-f-]{36}$/.test(file ?? '')) throw error
    }
  }
}

/** Rows of all files that are not hidden. */
async function linesIn(files: Files, root: string): Promise<readonly object[]> {
  const rows: object[] = []
  for (const { name } of await files.list(root)) {
    if (name.startsWith('_')) continue
    const file = await files.open(`${root}/${name}`, 'read')
    const bytes = Buffer.alloc((await file.status()).size)
    for (let at = 0; at < bytes.length;) at += await file.read(bytes, at, bytes.length - at, at)
    for (const line of bytes.toString('utf8').split('\n'))
      if (line !== '') rows.push(JSON.parse(line) as object)
  }
  return rows
}

describe('real S3 servers', () => {
  it.runIf(servers.length > 0)('are here (npm run test:servers starts them)', () => {
    expect(servers.map(({ name }) => name)).not.toEqual([])
  })
})

describe.each(servers)('$name', (server) => {
  storeConformance(
    { describe, test, expect },
    {
      name: 'holds what every store holds',
      racers: 20,
      make: () => {
        const prefix = freshPrefix()
        return Promise.resolve({ open: () => openAt(server, prefix), close: () => Promise.resolve() })
      },
    },
  )

  sinkConformance(
    { describe, test, expect },
    {
      name: 'takes output files once',
      holdsBack: true,
      setup: () => {
        const place = objectFolder(s3Objects(optionsOf(server)), { prefix: freshPrefix() })
        return Promise.resolve({
          host,
          sink: () => ndjson(place, { schema: Item, roll: { size: 200 } }).toSink(),
          schema: Item,
          row: (n) => ({ id: n }),
          visible: () => linesIn(place.files(host), place.name),
        })
      },
    },
  )

  it('takes an output file of several parts, whole', async () => {
    const place = objectFolder(s3Objects(optionsOf(server)), { prefix: freshPrefix() })
    const options = { schema: Item, lineage: 'l', step: 's', attempt: 1, outputMode: 'refuse' } as const
    const run = await ndjson(place, { schema: Item })
      .toSink()
      .open({ ...options, host, bounded: true })
    const writer = await run.writer(0)
    const count = 900_000
    for (let from = 0; from < count; from += 10_000)
      await writer.write(
        batchOfRows(
          Item,
          Array.from({ length: 10_000 }, (_, n) => ({ id: from + n })),
        ),
      )
    writer.seal(1, { final: true })
    const answer = await writer.prepare(1)
    expect(await run.commit(answer === undefined ? [] : [answer])).toEqual([
      { kind: 'committed', rows: count },
    ])
    await writer.close()
    await run.close()
    expect(await linesIn(place.files(host), place.name)).toHaveLength(count)
  })

  it('ST1: one of twenty creators wins each of a hundred names', async () => {
    const prefix = freshPrefix()
    const stores = Array.from({ length: 20 }, () => openAt(server, prefix))
    const winners: number[] = []
    for (let round = 0; round < 100; round++) {
      const answers = await Promise.all(
        stores.map((store, at) => store.create(`log/${round}`, Uint8Array.of(at))),
      )
      const [winner = -1, ...more] = answers.flatMap((answer, at) => (answer === 'created' ? [at] : []))
      expect(more).toEqual([])
      expect(await openAt(server, prefix).read(`log/${round}`)).toEqual(Uint8Array.of(winner))
      winners.push(winner)
    }
    expect(winners).toHaveLength(100)
  })

  it('LG1: gives each number to one of many attempts', async () => {
    const prefix = freshPrefix()
    const logs = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const log = new CheckpointLog(openAt(server, prefix), host.bytes)
        await log.read()
        return log
      }),
    )
    const answers = await Promise.all(
      logs.map((log, at) => appendBesideDrafts(log, takeover(`attempt ${at}`))),
    )
    expect(answers.filter(({ kind }) => kind === 'appended')).toHaveLength(1)
  })

  it('puts 20 MiB together from parts, and forgets parts that were left', async () => {
    const store = openAt(server, freshPrefix())
    const bytes = Uint8Array.from({ length: 20 * MIB + 17 }, (_, k) => (k * 7 + (k >> 13)) & 255)
    const writer = await store.write('state/large')
    for (let at = 0; at < bytes.length; at += MIB) await writer.append(bytes.subarray(at, at + MIB))
    await writer.finish()
    expect(Buffer.compare((await store.read('state/large')) ?? new Uint8Array(0), bytes)).toBe(0)
    const left = await store.write('state/left')
    await left.append(bytes)
    await store.sweep()
    await expect(left.finish()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(await store.list('')).toEqual([{ name: 'state/large', bytes: bytes.length }])
  })

  it('lists more than one page', async () => {
    const prefix = freshPrefix()
    const store = openAt(server, prefix)
    const names = Array.from({ length: 1100 }, (_, k) => `log/${String(k).padStart(5, '0')}`)
    for (let at = 0; at < names.length; at += 50)
      await Promise.all(names.slice(at, at + 50).map((name) => store.create(name, new Uint8Array(0))))
    expect((await store.list('log/')).map(({ name }) => name)).toEqual(names)
  })

  it('says what is wrong with a bucket', async () => {
    const missing = new ObjectStore(host, s3Objects({ ...optionsOf(server), bucket: 'not-there' }))
    await expect(missing.list('')).rejects.toMatchObject({
      hint: expect.stringMatching(/create bucket "not-there"/),
    })
  })

  it('says what is wrong with keys', async () => {
    const open = (more: Record<string, string>): ObjectStore =>
      new ObjectStore(host, s3Objects({ ...optionsOf(server), environment: { ...environment, ...more } }))
    await expect(open({ AWS_SECRET_ACCESS_KEY: 'other' }).list('')).rejects.toMatchObject({
      hint: 'see that AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID',
    })
    await expect(open({ AWS_ACCESS_KEY_ID: 'other' }).list('')).rejects.toMatchObject({
      hint: expect.stringMatching(/AWS_ACCESS_KEY_ID/),
    })
  })
})
