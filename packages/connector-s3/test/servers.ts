/** What the tests of this package share: a strict server with known keys, and a client for it. */
import { AwsV4Signer } from 'aws4fetch'
import { ObjectStore } from '../../core/src/checkpoint/index.ts'
import type { ObjectStoreOptions } from '../../core/src/checkpoint/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { s3Objects } from '../src/index.ts'
import type { S3Options } from '../src/index.ts'
import { S3Server } from './s3-server.ts'
import type { S3ServerOptions } from './s3-server.ts'

/** Keys that open nothing but the servers of tests. */
export const keys = { accessKeyId: 'test-key-id', secretAccessKey: 'test-secret/with+signs' }
export const environment: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
}
export const bucket = 'checkpoints'
const region = 'eu-test-1'

/** Waits that do not keep a test waiting. */
export const limits = { firstWaitMs: 1, longestWaitMs: 5, timeoutMs: 10_000 }

/** A running server and what reaches it. */
export interface Bench {
  readonly server: S3Server
  readonly options: S3Options
  open(options?: ObjectStoreOptions): ObjectStore
  close(): Promise<void>
}

/** Starts a server with an empty bucket. */
export async function startBench(more: Partial<S3ServerOptions> = {}): Promise<Bench> {
  const server = await S3Server.start({ ...keys, bucket, region, ...more })
  const options: S3Options = { bucket, region, endpoint: server.url, environment }
  const host = createNodeHost()
  return {
    server,
    options,
    open: (storeOptions = {}) =>
      new ObjectStore(host, s3Objects(options), { prefix: 'jobs/bids', limits, ...storeOptions }),
    close: () => server.close(),
  }
}

/** One request that is signed as it should be, and then changed. */
export async function sendSigned(
  url: string,
  init: {
    readonly method: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
    readonly secretAccessKey?: string
    /** What is done to the request behind the signature. */
    readonly spoil?: (headers: Headers) => void
    readonly sentBody?: string
    readonly datetime?: string
    readonly region?: string
  },
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const body = init.body ?? ''
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
  const signed = await new AwsV4Signer({
    ...keys,
    ...(init.secretAccessKey === undefined ? {} : { secretAccessKey: init.secretAccessKey }),
    method: init.method,
    url,
    headers: { 'x-amz-content-sha256': Buffer.from(digest).toString('hex'), ...init.headers },
    service: 's3',
    region: init.region ?? region,
    ...(init.datetime === undefined ? {} : { datetime: init.datetime }),
    allHeaders: false,
  }).sign()
  init.spoil?.(signed.headers)
  const sent = init.sentBody ?? body
  const response = await fetch(signed.url, {
    method: init.method,
    headers: signed.headers,
    ...(sent === '' ? {} : { body: sent }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
