/**
 * Sends one signed request, and gives what came back.
 *
 * Every request is signed together with the SHA-256 of its body (AWS Signature Version 4), so the store refuses bytes that
 * changed on their way. Nothing is sent twice, and no redirection followed: a signature is good for one host.
 */
import type { ObjectAnswer } from '@millrace/core/connect'
import { AwsV4Signer } from 'aws4fetch'
import type { S3Place } from './s3-options.ts'

/** One request. */
export interface S3Request {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** Default: the bucket itself. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** SHA-256 of the body, when it is known. */
  readonly sha256?: Uint8Array
}

/** What came back, whatever its status. */
export interface S3Response {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

/** Signing keys that are kept: one is made for each day, and for new secrets. */
const SIGNING_KEYS_MAX = 8

const noBytes = new Uint8Array(0)

/** SHA-256, computed beside the main thread. */
export async function sha256Of(bytes: Uint8Array): Promise<Uint8Array> {
  // The type of a view over memory that may be shared; digests take it all the same.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

/** One bucket, over HTTP. */
export class S3Connection {
  readonly place: S3Place
  /** Signing keys by day, which are many hashes away from the secret. */
  readonly #cache = new Map<string, ArrayBuffer>()

  constructor(place: S3Place) {
    this.place = place
  }

  /** Sends a request. A failure when nothing came back, or only a part. */
  async send(request: S3Request, signal: AbortSignal): Promise<ObjectAnswer<S3Response>> {
    const keys = this.#keys()
    if (keys === undefined) return { failure: this.#missingKeys() }
    if (this.#cache.size > SIGNING_KEYS_MAX) this.#cache.clear()
    const hash = request.sha256 ?? (await sha256Of(request.body ?? noBytes))
    const signed = await new AwsV4Signer({
      ...keys,
      method: request.method,
      url: this.#url(request),
      headers: { ...request.headers, 'x-amz-content-sha256': Buffer.from(hash).toString('hex') },
      service: 's3',
      region: this.place.region,
      datetime: new Date(this.place.now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      cache: this.#cache,
    }).sign()
    // Not signed, since proxies change it: nothing is to be compressed on its way.
    signed.headers.set('accept-encoding', 'identity')
    try {
      const response = await fetch(signed.url, {
        method: signed.method,
        headers: signed.headers,
        redirect: 'manual',
        signal,
        ...(request.body === undefined ? {} : { body: request.body as Uint8Array<ArrayBuffer> }),
      })
      const body = new Uint8Array(await response.arrayBuffer())
      return { value: { status: response.status, headers: response.headers, body } }
    } catch (error) {
      return { failure: { kind: 'unreachable', message: this.withoutSecrets(reasonOf(error)) } }
    }
  }

  /** A text in which keys have been made unreadable. */
  withoutSecrets(text: string): string {
    return Object.values(this.#keys() ?? {}).reduce(
      (clean, secret) => (secret === undefined ? clean : clean.replaceAll(secret, '…')),
      text,
    )
  }

  /** An object of the bucket as the source of a copy. */
  sourceOf(key: string): string {
    return `/${this.place.bucket}/${key.split('/').map(encodeSegment).join('/')}`
  }

  #url({ key, query = {} }: S3Request): string {
    const path = key === undefined ? '' : `/${key.split('/').map(encodeSegment).join('/')}`
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeSegment(value)}`)
    return `${this.place.url}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
  }

  #keys(): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined {
    const { names, environment } = this.place
    const accessKeyId = environment[names.accessKeyId]
    const secretAccessKey = environment[names.secretAccessKey]
    const sessionToken = names.sessionToken === undefined ? undefined : environment[names.sessionToken]
    if (accessKeyId === undefined || accessKeyId === '') return undefined
    if (secretAccessKey === undefined || secretAccessKey === '') return undefined
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined || sessionToken === '' ? {} : { sessionToken }),
    }
  }

  #missingKeys(): { kind: 'credentials'; message: string; hint: string } {
    const { accessKeyId, secretAccessKey } = this.place.names
    const missing = [accessKeyId, secretAccessKey].filter(
      (name) => (this.place.environment[name] ?? '') === '',
    )
    return {
      kind: 'credentials',
      message: `there is nothing in the environment under ${missing.join(' and ')}`,
      hint: `put the keys of the store into ${accessKeyId} and ${secretAccessKey}`,
    }
  }
}

/** Everything that RFC 3986 reserves is encoded, as signatures want it. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `fetch` says "fetch failed"; what failed is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof AggregateError) return error.cause.errors.map(reasonOf).join(', ')
  return error.cause instanceof Error ? `${error.message}: ${reasonOf(error.cause)}` : error.message
}
