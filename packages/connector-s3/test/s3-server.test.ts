// The strict server of the tests: it refuses what S3 refuses, so that what it takes means something.
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { bucket, sendSigned, startBench } from './servers.ts'
import type { Bench } from './servers.ts'
import { checkSignature } from './signature.ts'
import type { SignedRequest } from './signature.ts'

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function start(options: Parameters<typeof startBench>[0] = {}): Promise<{ url: string; bench: Bench }> {
  bench = await startBench(options)
  return { url: `${bench.server.url}/${bucket}`, bench }
}

// The four examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
describe('signatures', () => {
  const signer = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  }
  const now = Date.UTC(2013, 4, 24)
  const example = (
    method: string,
    target: string,
    more: Readonly<Record<string, string>>,
    signature: string,
    body = '',
  ): SignedRequest => {
    const headers: Record<string, string> = {
      host: 'examplebucket.s3.amazonaws.com',
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
      'x-amz-date': '20130524T000000Z',
      ...more,
    }
    const signed = Object.keys(headers).toSorted().join(';')
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/20130524/us-east-1/s3/aws4_request, ` +
      `SignedHeaders=${signed}, Signature=${signature}`
    return { method, target, headers: { ...headers, authorization }, body: Buffer.from(body) }
  }
  const examples: readonly (readonly [string, SignedRequest])[] = [
    [
      'GET of a range',
      example(
        'GET',
        '/test.txt',
        { range: 'bytes=0-9' },
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    ],
    [
      'PUT',
      example(
        'PUT',
        '/test$file.text',
        { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        'Welcome to Amazon S3.',
      ),
    ],
    [
      'GET of a sub-resource',
      example('GET', '/?lifecycle', {}, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'),
    ],
    [
      'GET with a query',
      example(
        'GET',
        '/?max-keys=2&prefix=J',
        {},
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ),
    ],
  ]

  it.each(examples)('of the specification are right: %s', (_, request) => {
    expect(checkSignature(request, signer, now)).toBeUndefined()
  })

  it.each(examples)('are wrong when anything differs: %s', (_, request) => {
    const refusals = [
      { ...request, method: 'POST' },
      { ...request, target: `${request.target}x` },
      { ...request, headers: { ...request.headers, host: 'other' } },
      { ...request, body: Buffer.from('other') },
      { ...request, headers: { ...request.headers, 'x-amz-acl': 'public-read' } },
    ].map((changed) => checkSignature(changed, signer, now)?.[1])
    expect(refusals).toEqual([
      'SignatureDoesNotMatch',
      'SignatureDoesNotMatch',
      'SignatureDoesNotMatch',
      'XAmzContentSHA256Mismatch',
      'AccessDenied',
    ])
  })
})

describe('the server', () => {
  it('takes a request that is signed, and gives the object back', async () => {
    const { url } = await start()
    expect(await sendSigned(`${url}/a`, { method: 'PUT', body: 'x' })).toMatchObject({ status: 200 })
    expect(await sendSigned(`${url}/a`, { method: 'GET' })).toMatchObject({ status: 200, text: 'x' })
  })

  it.each<readonly [string, Partial<Parameters<typeof sendSigned>[1]>, number, string]>([
    ['a wrong secret', { secretAccessKey: 'other' }, 403, 'SignatureDoesNotMatch'],
    ['another body', { sentBody: 'other' }, 400, 'XAmzContentSHA256Mismatch'],
    ['no signature', { spoil: (headers) => headers.delete('authorization') }, 403, 'AccessDenied'],
    [
      'a header behind the signature',
      { spoil: (headers) => headers.set('x-amz-acl', 'x') },
      403,
      'AccessDenied',
    ],
    [
      'a changed header',
      { headers: { 'if-none-match': '*' }, spoil: (headers) => headers.set('if-none-match', 'x') },
      403,
      'SignatureDoesNotMatch',
    ],
    ['an old date', { datetime: '20200101T000000Z' }, 403, 'RequestTimeTooSkewed'],
    ['another region', { region: 'us-east-1' }, 400, 'AuthorizationHeaderMalformed'],
    ['an unexpected token', { headers: { 'x-amz-security-token': 'x' } }, 400, 'InvalidToken'],
    [
      'a payload that is not signed',
      { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
      400,
      'XAmzContentSHA256Mismatch',
    ],
    ['a wrong MD5', { headers: { 'content-md5': 'AAAA' } }, 400, 'BadDigest'],
    ['a wrong SHA-256', { headers: { 'x-amz-checksum-sha256': 'AAAA' } }, 400, 'BadDigest'],
  ])('refuses %s', async (_, more, status, code) => {
    const { url, bench: at } = await start()
    const refused = await sendSigned(`${url}/a`, { method: 'PUT', body: 'x', ...more })
    expect(refused).toMatchObject({ status, text: expect.stringContaining(`<Code>${code}</Code>`) })
    expect(at.server.bucket.objects.size).toBe(0)
  })

  it('refuses another key, and another bucket', async () => {
    const { url, bench: at } = await start({ accessKeyId: 'other' })
    expect(await sendSigned(`${url}/a`, { method: 'GET' })).toMatchObject({ status: 403 })
    await at.close()
    const { bench: right } = await start()
    expect(await sendSigned(`${right.server.url}/other/a`, { method: 'GET' })).toMatchObject({
      status: 404,
      text: expect.stringContaining('NoSuchBucket'),
    })
  })

  it('keeps conditions', async () => {
    const { url } = await start()
    const put = (headers: Readonly<Record<string, string>>): Promise<{ status: number; headers: Headers }> =>
      sendSigned(`${url}/a`, { method: 'PUT', body: 'x', headers })
    expect(await put({ 'if-match': '"x"' })).toMatchObject({ status: 404 })
    const first = await put({ 'if-none-match': '*' })
    expect(first.status).toBe(200)
    expect(await put({ 'if-none-match': '*' })).toMatchObject({ status: 412 })
    expect(await put({ 'if-match': '"x"' })).toMatchObject({ status: 412 })
    expect(await put({ 'if-match': first.headers.get('etag') ?? '' })).toMatchObject({ status: 200 })
    expect(await sendSigned(`${url}/a`, { method: 'GET', headers: { 'if-match': '"x"' } })).toMatchObject({
      status: 412,
    })
  })

  it('lets one of many win', async () => {
    const { url } = await start()
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        sendSigned(`${url}/a`, { method: 'PUT', body: 'x', headers: { 'if-none-match': '*' } }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(29)
  })

  it('gives ranges', async () => {
    const { url } = await start()
    await sendSigned(`${url}/a`, { method: 'PUT', body: '0123456789' })
    const get = (range: string): Promise<{ status: number; text: string }> =>
      sendSigned(`${url}/a`, { method: 'GET', headers: { range } })
    expect(await get('bytes=2-4')).toMatchObject({ status: 206, text: '234' })
    expect(await get('bytes=8-100')).toMatchObject({ status: 206, text: '89' })
    expect(await get('bytes=10-11')).toMatchObject({ status: 416 })
  })

  it('gives lists in pages', async () => {
    const { url } = await start()
    for (const key of ['a/1', 'a/2 +&<', 'a/3', 'a/4', 'b/1'])
      await sendSigned(`${url}/${encodeURIComponent(key)}`, { method: 'PUT', body: 'x' })
    const first = await sendSigned(`${url}?list-type=2&prefix=a%2F`, { method: 'GET' })
    expect([...first.text.matchAll(/<Key>([^<]*)</g)].map(([, key]) => key)).toEqual([
      'a/1',
      'a/2 +&amp;&lt;',
      'a/3',
    ])
    const token = /<NextContinuationToken>([^<]*)</.exec(first.text)?.[1] ?? ''
    const second = await sendSigned(
      `${url}?list-type=2&prefix=a%2F&continuation-token=${encodeURIComponent(token)}`,
      { method: 'GET' },
    )
    expect([...second.text.matchAll(/<Key>([^<]*)</g)].map(([, key]) => key)).toEqual(['a/4'])
    expect(await sendSigned(`${url}?list-type=2&continuation-token=x`, { method: 'GET' })).toMatchObject({
      status: 400,
    })
  })
})

describe('uploads in parts', () => {
  const part = (number: number, etag: string | null): string =>
    `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`

  async function begin(partBytesMin = 1): Promise<{
    url: string
    id: string
    put: (
      number: number,
      body: string,
      headers?: Readonly<Record<string, string>>,
    ) => Promise<{ status: number; etag: string | null; text: string }>
    complete: (
      parts: string,
      headers?: Readonly<Record<string, string>>,
    ) => Promise<{ status: number; text: string }>
    bench: Bench
  }> {
    const { url, bench: at } = await start({ partBytesMin })
    const begun = await sendSigned(`${url}/a?uploads=`, { method: 'POST' })
    const id = /<UploadId>([^<]*)</.exec(begun.text)?.[1] ?? ''
    return {
      url,
      id,
      bench: at,
      put: async (number, body, headers = {}) => {
        const answer = await sendSigned(`${url}/a?partNumber=${number}&uploadId=${id}`, {
          method: 'PUT',
          body,
          headers,
        })
        return { status: answer.status, text: answer.text, etag: answer.headers.get('etag') }
      },
      complete: (parts, headers = {}) =>
        sendSigned(`${url}/a?uploadId=${id}`, {
          method: 'POST',
          body: `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`,
          headers,
        }),
    }
  }

  it('become one object, and vanish', async () => {
    const { url, put, complete, bench: at } = await begin()
    const [one, two] = [await put(1, 'abc'), await put(2, 'de')]
    expect(at.server.bucket.objects.size).toBe(0)
    expect(await complete(part(1, one.etag) + part(2, two.etag))).toMatchObject({ status: 200 })
    expect(await sendSigned(`${url}/a`, { method: 'GET' })).toMatchObject({ text: 'abcde' })
    expect(at.server.bucket.uploads.size).toBe(0)
    expect(await complete(part(1, one.etag))).toMatchObject({ status: 404 })
  })

  it('are refused in a wrong order, with unknown parts, or none', async () => {
    const { put, complete } = await begin()
    const [one, two] = [await put(1, 'abc'), await put(2, 'de')]
    const codeOf = async (parts: string): Promise<string | undefined> =>
      /<Code>(\w+)</.exec((await complete(parts)).text)?.[1]
    expect(await codeOf(part(2, two.etag) + part(1, one.etag))).toBe('InvalidPartOrder')
    expect(await codeOf(part(1, one.etag) + part(1, one.etag))).toBe('InvalidPartOrder')
    expect(await codeOf(part(1, two.etag))).toBe('InvalidPart')
    expect(await codeOf(part(3, one.etag))).toBe('InvalidPart')
    expect(await codeOf('')).toBe('MalformedXML')
  })

  it('are refused with a part that is too small, or a checksum that is wrong or was not announced', async () => {
    const { put, complete } = await begin(5)
    const [one, two] = [await put(1, 'abc'), await put(2, 'de')]
    expect(await complete(part(1, one.etag) + part(2, two.etag))).toMatchObject({
      status: 400,
      text: expect.stringContaining('EntityTooSmall'),
    })
    const right = createHash('sha256').update('abc').digest('base64')
    expect(await put(1, 'abc', { 'x-amz-checksum-sha256': right })).toMatchObject({ status: 400 })
    expect(await put(1, 'abc', { 'content-md5': 'AAAA' })).toMatchObject({ status: 400 })
    expect(await put(0, 'abc')).toMatchObject({ status: 400 })
    expect(await put(10_001, 'abc')).toMatchObject({ status: 400 })
  })

  it('keep the condition of their end', async () => {
    const { url, put, complete } = await begin()
    const one = await put(1, 'abc')
    await sendSigned(`${url}/a`, { method: 'PUT', body: 'x' })
    expect(await complete(part(1, one.etag), { 'if-none-match': '*' })).toMatchObject({ status: 412 })
    expect(await complete(part(1, one.etag))).toMatchObject({ status: 200 })
  })

  it('are forgotten once', async () => {
    const { url, id, put } = await begin()
    expect(await sendSigned(`${url}/a?uploadId=${id}`, { method: 'DELETE' })).toMatchObject({ status: 204 })
    expect(await sendSigned(`${url}/a?uploadId=${id}`, { method: 'DELETE' })).toMatchObject({ status: 404 })
    expect(await put(1, 'abc')).toMatchObject({ status: 404 })
  })
})

describe('what it does by script', () => {
  const put = (url: string): Promise<{ status: number; text: string }> =>
    sendSigned(`${url}/a`, { method: 'PUT', body: 'x' })

  it.each([
    ['cut', 0, 0],
    ['lost', 1, 1],
    ['late', 0, 1],
  ] as const)('breaks the connection: %s', async (effect, at, later) => {
    const { url, bench: running } = await start()
    running.server.inject({ effect, operation: 'PutObject', times: 1 })
    await expect(put(url)).rejects.toThrow(/fetch failed/)
    expect(running.server.bucket.objects.size).toBe(at)
    running.server.arrive()
    expect(running.server.bucket.objects.size).toBe(later)
    expect(await put(url)).toMatchObject({ status: 200 })
  })

  it('refuses, and ends answers in their middle', async () => {
    const { url, bench: running } = await start()
    running.server.inject({
      effect: { status: 503, code: 'SlowDown', headers: { 'retry-after': '3' } },
      times: 1,
    })
    const refused = await sendSigned(`${url}/a`, { method: 'GET' })
    expect(refused).toMatchObject({ status: 503, text: expect.stringContaining('SlowDown') })
    expect(refused.headers.get('retry-after')).toBe('3')
    await sendSigned(`${url}/a`, { method: 'PUT', body: '0123456789' })
    running.server.inject({ effect: 'truncated', operation: 'GetObject', times: 1 })
    await expect(sendSigned(`${url}/a`, { method: 'GET' })).rejects.toThrow(/terminated|aborted|failed/)
    running.server.inject({ effect: 'slow', operation: 'GetObject', times: 1 })
    expect(await sendSigned(`${url}/a`, { method: 'GET' })).toMatchObject({ text: '0123456789' })
  })
})
