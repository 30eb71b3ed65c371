// The client: every request by itself, and what it makes of what stores and networks do.
import dns from 'node:dns'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { MockInstance } from 'vitest'
import type { ObjectAnswer, ObjectClient } from '@millrace/core/connect'
import { s3Objects } from '../src/index.ts'
import type { S3Options } from '../src/index.ts'
import type { S3Effect, S3ServerOptions } from './s3-server.ts'
import { environment, keys, startBench } from './servers.ts'
import type { Bench } from './servers.ts'

type Lookup = (
  name: string,
  options: { readonly all?: boolean },
  done: (error: null, address: string | { address: string; family: number }[], family: number) => void,
) => void

const { signal } = new AbortController()
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const whole = { start: 0, end: 1000 }

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function start(
  server: Partial<S3ServerOptions> = {},
  options: Partial<S3Options> = {},
): Promise<{ objects: ObjectClient; bench: Bench }> {
  bench = await startBench({ partBytesMin: 1, ...server })
  return { objects: s3Objects({ ...bench.options, ...options }), bench }
}

async function valueOf<Value>(answer: Promise<ObjectAnswer<Value>>): Promise<Value> {
  const found = await answer
  if ('failure' in found) throw new Error(found.failure.message)
  return found.value
}

describe('a bucket of S3', () => {
  it.each([
    'a',
    'jobs/bids/log/000000000001',
    'with blank',
    "it's (all) *here*!",
    'plus+percent%25',
    'ünï/çode',
    'a&b=c?d#e',
  ])('keeps an object under the key %s', async (key) => {
    const { objects } = await start()
    expect(await valueOf(objects.create(key, bytesOf('x'), 'tag', signal))).toBe('created')
    expect(await valueOf(objects.create(key, bytesOf('y'), 'tag', signal))).toBe('exists')
    expect(await valueOf(objects.get(key, whole, signal))).toMatchObject({
      bytes: bytesOf('x'),
      size: 1,
      tag: 'tag',
    })
    expect(await valueOf(objects.list('', undefined, signal))).toEqual({
      objects: [{ key, bytes: 1 }],
      next: undefined,
    })
    await valueOf(objects.remove(key, signal))
    expect(await valueOf(objects.get(key, whole, signal))).toBeUndefined()
    await valueOf(objects.remove(key, signal))
  })

  it('gives ranges, also behind the end and of nothing', async () => {
    const { objects } = await start()
    await valueOf(objects.create('a', bytesOf('0123456789'), 'tag', signal))
    const get = (start_: number, end: number): Promise<unknown> =>
      valueOf(objects.get('a', { start: start_, end }, signal))
    expect(await get(2, 5)).toMatchObject({ bytes: bytesOf('234'), size: 10 })
    expect(await get(8, 50)).toMatchObject({ bytes: bytesOf('89'), size: 10 })
    expect(await get(10, 11)).toMatchObject({ bytes: bytesOf(''), size: 10, tag: 'tag' })
    await valueOf(objects.create('empty', bytesOf(''), 'tag', signal))
    expect(await valueOf(objects.get('empty', whole, signal))).toMatchObject({
      bytes: bytesOf(''),
      size: 0,
      tag: 'tag',
    })
    await valueOf(objects.put('a', bytesOf('other'), signal))
    const versions = await Promise.all(['a', 'empty'].map((key) => valueOf(objects.get(key, whole, signal))))
    expect(new Set(versions.map((part) => part?.version)).size).toBe(2)
  })

  it('puts an object together from its parts', async () => {
    const { objects, bench: at } = await start()
    const upload = await valueOf(objects.beginUpload('a b', 'tag', signal))
    const parts: string[] = []
    for (const [index, text] of ['first ', 'second ', 'last'].entries())
      parts.push(await valueOf(objects.uploadPart(upload, index + 1, bytesOf(text), signal)))
    expect(await valueOf(objects.get('a b', whole, signal))).toBeUndefined()
    expect(await valueOf(objects.finishUpload(upload, parts, signal))).toBe('finished')
    expect(await valueOf(objects.finishUpload(upload, parts, signal))).toBe('gone')
    expect(await valueOf(objects.get('a b', whole, signal))).toMatchObject({
      bytes: bytesOf('first second last'),
      tag: 'tag',
    })
    expect(at.server.bucket.objects.get('a b')?.checksum).toMatch(/-3$/)
    expect(await objects.uploadPart(upload, 4, bytesOf('late'), signal)).toMatchObject({
      failure: { kind: 'refused', message: expect.stringMatching(/NoSuchUpload/) },
    })
  })

  it('lists uploads in pages, and forgets them once', async () => {
    const { objects } = await start({ pageSize: 2 })
    const keysOfUploads = ['x/1', 'x/2 &', 'x/2 &', 'x/3', 'y/1']
    for (const key of keysOfUploads) await valueOf(objects.beginUpload(key, 'tag', signal))
    const found: string[] = []
    let from: string | undefined
    do {
      const page = await valueOf(objects.listUploads('x/', from, signal))
      for (const upload of page.uploads) {
        found.push(upload.key)
        await valueOf(objects.abortUpload(upload, signal))
        await valueOf(objects.abortUpload(upload, signal))
      }
      from = page.next
    } while (from !== undefined)
    expect(found).toEqual(['x/1', 'x/2 &', 'x/2 &', 'x/3'])
    expect(await valueOf(objects.listUploads('', undefined, signal))).toMatchObject({
      uploads: [{ key: 'y/1' }],
    })
  })

  it('lists in pages', async () => {
    const { objects } = await start({ pageSize: 2 })
    const names = Array.from({ length: 7 }, (_, k) => `log/ü ${k}`)
    for (const name of names) await valueOf(objects.put(name, bytesOf(name), signal))
    await valueOf(objects.put('other', bytesOf('x'), signal))
    const found: string[] = []
    let from: string | undefined
    do {
      const page = await valueOf(objects.list('log/', from, signal))
      expect(page.objects.length).toBeLessThanOrEqual(2)
      found.push(...page.objects.map(({ key }) => key))
      from = page.next
    } while (from !== undefined)
    expect(found).toEqual(names)
  })

  it('finds a bucket in the name of the host', async () => {
    const { bench: at } = await start()
    const lookup = vi.spyOn(dns, 'lookup') as unknown as MockInstance<Lookup>
    // As a name server would: every bucket is a name.
    lookup.mockImplementation((_name, options, done) =>
      done(null, options.all === true ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4),
    )
    try {
      const { port } = new URL(at.server.url)
      const endpoint = `http://store.test:${port}`
      const objects = s3Objects({ ...at.options, endpoint, addressing: 'virtual-host' })
      expect(objects.place).toBe(`http://checkpoints.store.test:${port}`)
      await valueOf(objects.put('log/a b', bytesOf('x'), signal))
      expect(await valueOf(objects.get('log/a b', whole, signal))).toMatchObject({ bytes: bytesOf('x') })
      expect(await valueOf(objects.list('log/', undefined, signal))).toMatchObject({
        objects: [{ key: 'log/a b' }],
      })
      expect(lookup.mock.calls[0]?.[0]).toBe('checkpoints.store.test')
    } finally {
      lookup.mockRestore()
    }
  })

  it('signs with a session token', async () => {
    const { objects } = await start(
      { sessionToken: 'token/with=signs' },
      { environment: { ...environment, AWS_SESSION_TOKEN: 'token/with=signs' } },
    )
    await valueOf(objects.put('a', bytesOf('x'), signal))
    expect(await valueOf(objects.get('a', whole, signal))).toMatchObject({ bytes: bytesOf('x') })
  })

  it('reads the variables that it is told to, with each request', async () => {
    const variables: Record<string, string> = {
      MY_ID: 'old',
      MY_SECRET: keys.secretAccessKey,
      AWS_SESSION_TOKEN: 'not mine',
    }
    const { objects } = await start(
      {},
      { environment: variables, credentialsFrom: { accessKeyId: 'MY_ID', secretAccessKey: 'MY_SECRET' } },
    )
    expect(await objects.put('a', bytesOf('x'), signal)).toMatchObject({
      failure: { kind: 'credentials', hint: 'see that MY_ID holds a key of this store' },
    })
    variables['MY_ID'] = keys.accessKeyId
    await valueOf(objects.put('a', bytesOf('x'), signal))
  })
})

describe('what a store says', () => {
  const refusal = (
    status: number,
    code: string,
    headers: Readonly<Record<string, string>> = {},
  ): S3Effect => ({
    status,
    code,
    headers,
  })

  it.each<readonly [S3Effect, object]>([
    [refusal(500, 'InternalError'), { kind: 'server' }],
    [refusal(502, 'BadGateway'), { kind: 'server' }],
    [refusal(503, 'SlowDown', { 'retry-after': '2' }), { kind: 'throttled', retryAfterMs: 2000 }],
    [refusal(429, 'TooManyRequests'), { kind: 'throttled' }],
    [refusal(409, 'ConditionalRequestConflict'), { kind: 'conflict' }],
    [refusal(400, 'RequestTimeout'), { kind: 'damaged' }],
    [refusal(400, 'BadDigest'), { kind: 'damaged' }],
    [refusal(501, 'NotImplemented'), { kind: 'unsupported' }],
    [
      refusal(403, 'AccessDenied'),
      { kind: 'denied', hint: expect.stringMatching(/AWS_ACCESS_KEY_ID do s3:GetObject/) },
    ],
    [
      refusal(404, 'NoSuchBucket'),
      { kind: 'no-bucket', hint: 'create bucket "checkpoints", or correct its name' },
    ],
    [
      refusal(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-9' }),
      { kind: 'region', hint: 'name region eu-west-9: bucket "checkpoints" is not in eu-test-1' },
    ],
    [refusal(307, 'TemporaryRedirect', { location: 'http://127.0.0.1:1/' }), { kind: 'region' }],
    [
      refusal(400, 'ExpiredToken'),
      { kind: 'credentials', hint: expect.stringMatching(/new temporary keys/) },
    ],
    [refusal(400, 'InvalidBucketName'), { kind: 'refused' }],
    ['cut', { kind: 'unreachable' }],
    ['lost', { kind: 'unreachable' }],
    ['truncated', { kind: 'unreachable' }],
  ])('is a failure: %o', async (effect, failure) => {
    const { objects, bench: at } = await start()
    await valueOf(objects.put('a', bytesOf('some bytes'), signal))
    at.server.inject({ effect })
    const get = await objects.get('a', whole, signal)
    expect(get).toMatchObject({ failure })
    const list = await objects.list('', undefined, signal)
    expect(list).toMatchObject({ failure })
  })

  it('is not that an object is missing when the bucket is', async () => {
    const { objects, bench: at } = await start()
    at.server.inject({ effect: { status: 404, code: 'NoSuchBucket' } })
    for (const answer of [
      await objects.get('a', whole, signal),
      await objects.remove('a', signal),
      await objects.list('', undefined, signal),
      await objects.create('a', bytesOf('x'), 't', signal),
    ])
      expect(answer).toMatchObject({ failure: { kind: 'no-bucket' } })
  })

  it('names the region that a signature should have', async () => {
    const { objects } = await start({ region: 'eu-north-3' })
    expect(await objects.get('a', whole, signal)).toMatchObject({
      failure: { kind: 'region', hint: 'name region eu-north-3: bucket "checkpoints" is not in eu-test-1' },
    })
  })

  it('tells how wrong the clock is', async () => {
    const { objects } = await start({}, { now: () => Date.now() - 3_600_000 })
    expect(await objects.get('a', whole, signal)).toMatchObject({
      failure: { kind: 'clock', hint: expect.stringMatching(/it is (3599|3600|3601) s behind the store's/) },
    })
  })

  it('tells a wrong secret from an unknown key, and shows neither', async () => {
    const secret = 'very-secret-thing'
    const { objects } = await start({}, { environment: { ...environment, AWS_SECRET_ACCESS_KEY: secret } })
    const answer = await objects.get('a', whole, signal)
    expect(answer).toMatchObject({
      failure: { kind: 'credentials', hint: 'see that AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID' },
    })
    expect(JSON.stringify(answer)).not.toContain(secret)
    expect(JSON.stringify(answer)).not.toContain(keys.accessKeyId)
  })

  it('is not asked without keys', async () => {
    const { objects, bench: at } = await start({}, { environment: { AWS_ACCESS_KEY_ID: 'x' } })
    expect(await objects.get('a', whole, signal)).toMatchObject({
      failure: {
        kind: 'credentials',
        message: 'there is nothing in the environment under AWS_SECRET_ACCESS_KEY',
      },
    })
    expect(at.server.log).toEqual([])
  })

  it('makes keys unreadable that a store repeats', async () => {
    const { objects, bench: at } = await start()
    at.server.inject({ effect: { status: 400, code: `Echo${keys.secretAccessKey}` } })
    const answer = await objects.get('a', whole, signal)
    expect(answer).toMatchObject({ failure: { message: expect.stringMatching(/Echo…/) } })
    expect(JSON.stringify(answer)).not.toContain(keys.secretAccessKey)
  })

  it('is an error also with a good status, and an answer without its document is none', async () => {
    const { objects, bench: at } = await start()
    const upload = await valueOf(objects.beginUpload('a', 'tag', signal))
    const part = await valueOf(objects.uploadPart(upload, 1, bytesOf('x'), signal))
    at.server.inject({ effect: 'error in 200', operation: 'CompleteMultipartUpload', times: 1 })
    expect(await objects.finishUpload(upload, [part], signal)).toMatchObject({ failure: { kind: 'server' } })
    expect(await valueOf(objects.get('a', whole, signal))).toBeUndefined()
    expect(await valueOf(objects.finishUpload(upload, [part], signal))).toBe('finished')
  })

  it('is waited for until the signal says so', async () => {
    const { objects, bench: at } = await start()
    at.server.inject({ effect: 'silent' })
    const abort = new AbortController()
    const answer = objects.get('a', whole, abort.signal)
    while (at.server.log.length === 0) await new Promise(setImmediate)
    abort.abort()
    expect(await answer).toMatchObject({ failure: { kind: 'unreachable' } })
  })

  it('cannot be had from a port where nobody listens', async () => {
    const { bench: at } = await start()
    const objects = s3Objects(at.options)
    await at.close()
    bench = undefined
    expect(await objects.get('a', whole, signal)).toMatchObject({
      failure: { kind: 'unreachable', message: expect.stringMatching(/ECONNREFUSED/) },
    })
  })
})
