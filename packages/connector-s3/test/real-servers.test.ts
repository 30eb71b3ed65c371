// The store on servers that others wrote. `npm run test:servers` starts them and names them here.
import { describe, expect, it, test } from 'vitest'
import { CheckpointLog, ObjectStore } from '../../core/src/checkpoint/index.ts'
import type { Entry } from '../../core/src/checkpoint/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { storeConformance } from '../../core/src/testing/index.ts'
import { s3Objects } from '../src/index.ts'
import type { S3Options } from '../src/index.ts'

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
    const answers = await Promise.all(logs.map((log, at) => log.append(takeover(`attempt ${at}`))))
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
