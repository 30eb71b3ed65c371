/**
 * A strict S3 on the loopback: signatures, conditions, checksums and the order of parts are checked as S3 checks them,
 * and it does by script what networks do to stores.
 *
 * What it holds is decided in one step and seen by everyone at once, as S3 promises since 2020.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorOf, S3Bucket } from './s3-bucket.ts'
import type { S3Answer, S3Operation } from './s3-bucket.ts'
import { checkSignature } from './signature.ts'
import type { SignedRequest, Signer } from './signature.ts'

/** What happens to a request. */
export type S3Effect =
  /** The connection breaks before anything is done. */
  | 'cut'
  /** It is done; the connection breaks before the answer. */
  | 'lost'
  /** The connection breaks; it is done when `arrive` is called. */
  | 'late'
  /** It is not done, and never answered. */
  | 'silent'
  /** It is done, and never answered. */
  | 'mute'
  /** It is done; the answer comes in small pieces. */
  | 'slow'
  /** It is done; the answer ends in its middle. */
  | 'truncated'
  /** A good status, and an error in the body: S3 does so when it began to answer too early. */
  | 'error in 200'
  /** Refused. */
  | { readonly status: number; readonly code: string; readonly headers?: Readonly<Record<string, string>> }

/** A fault to inject. */
export interface S3Fault {
  readonly effect: S3Effect
  readonly operation?: S3Operation
  /** How many matching requests succeed before it strikes; default 0. */
  readonly after?: number
  /** How often it strikes; default for ever. */
  readonly times?: number
}

/** What a server is made of. */
export interface S3ServerOptions extends Signer {
  readonly bucket: string
  /** Entries on a page of a list; default 3. */
  readonly pageSize?: number
  /** All parts but the last have as many bytes; default 5 MiB. */
  readonly partBytesMin?: number
  readonly now?: () => number
  /** Decides over each request, unless an injected fault did. */
  readonly strike?: (operation: S3Operation) => S3Effect | undefined
}

/** A running server. */
export class S3Server {
  /** Requests that were taken, in order. */
  readonly log: S3Operation[] = []
  readonly bucket: S3Bucket
  readonly #options: S3ServerOptions
  readonly #server: Server
  #faults: { readonly fault: S3Fault; seen: number; struck: number }[] = []
  #late: (() => unknown)[] = []

  private constructor(options: S3ServerOptions) {
    this.#options = options
    this.bucket = new S3Bucket({
      name: options.bucket,
      pageSize: options.pageSize ?? 3,
      partBytesMin: options.partBytesMin ?? 5 << 20,
    })
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.destroy()
        throw error
      })
    })
  }

  static async start(options: S3ServerOptions): Promise<S3Server> {
    const server = new S3Server(options)
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve)
    })
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  inject(fault: S3Fault): () => void {
    const entry = { fault, seen: 0, struck: 0 }
    this.#faults.push(entry)
    return () => {
      this.#faults = this.#faults.filter((other) => other !== entry)
    }
  }

  /** Does what late requests ask for. */
  arrive(): void {
    const late = this.#late
    this.#late = []
    for (const run of late) run()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await received(incoming)
    if (request === undefined) return
    const { key, query, isBucket } = this.#addressOf(request)
    const now = (this.#options.now ?? Date.now)()
    response.setHeader('date', new Date(now).toUTCString())
    const refusal = checkSignature(request, this.#options, now)
    if (refusal !== undefined) {
      const [status, code, message] = refusal
      return answer(response, request, errorOf(status, code, message, this.#options.region))
    }
    if (!isBucket)
      return answer(response, request, errorOf(404, 'NoSuchBucket', 'The specified bucket does not exist'))
    const operation = operationOf(request, key, query)
    if (operation === undefined)
      return answer(
        response,
        request,
        errorOf(405, 'MethodNotAllowed', 'The specified method is not allowed'),
      )
    this.log.push(operation)
    const run = (): S3Answer =>
      this.bucket.run(operation, { key, query, headers: request.headers, body: request.body })
    await this.#play(this.#effectOf(operation), run, request, response)
  }

  async #play(
    effect: S3Effect | undefined,
    run: () => S3Answer,
    request: SignedRequest,
    response: ServerResponse,
  ): Promise<void> {
    if (effect === undefined) return answer(response, request, run())
    if (typeof effect === 'object') {
      for (const [name, value] of Object.entries(effect.headers ?? {})) response.setHeader(name, value)
      return answer(response, request, errorOf(effect.status, effect.code, 'injected'))
    }
    switch (effect) {
      case 'error in 200':
        return answer(response, request, { ...errorOf(500, 'InternalError', 'injected'), status: 200 })
      case 'lost':
      case 'mute':
        run()
        break
      case 'late':
        this.#late.push(run)
        break
      case 'slow':
      case 'truncated':
        return dribble(response, run(), effect === 'truncated')
      case 'cut':
      case 'silent':
    }
    if (effect !== 'silent' && effect !== 'mute') response.destroy()
  }

  #effectOf(operation: S3Operation): S3Effect | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry
      if (fault.operation !== undefined && fault.operation !== operation) continue
      entry.seen++
      if (entry.seen <= (fault.after ?? 0) || entry.struck >= (fault.times ?? Infinity)) continue
      entry.struck++
      return fault.effect
    }
    return this.#options.strike?.(operation)
  }

  /** In the path, or in the name of the host. */
  #addressOf({ target, headers }: SignedRequest): { key: string; query: URLSearchParams; isBucket: boolean } {
    const url = new URL(target, 'http://store')
    const path = decodeURIComponent(url.pathname).slice(1)
    const { bucket } = this.#options
    if (headers['host']?.startsWith(`${bucket}.`) === true)
      return { key: path, query: url.searchParams, isBucket: true }
    const slash = path.indexOf('/')
    const [first, key] = slash < 0 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)]
    return { key, query: url.searchParams, isBucket: first === bucket }
  }
}

async function received(incoming: IncomingMessage): Promise<SignedRequest | undefined> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
  } catch {
    // The caller gave up before its request was whole.
    return undefined
  }
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
  )
  return { method: incoming.method ?? '', target: incoming.url ?? '', headers, body: Buffer.concat(chunks) }
}

function operationOf(
  { method, headers }: SignedRequest,
  key: string,
  query: URLSearchParams,
): S3Operation | undefined {
  const isUpload = query.has('uploadId')
  if (key === '') {
    if (method !== 'GET') return undefined
    if (query.has('uploads')) return 'ListMultipartUploads'
    return query.get('list-type') === '2' ? 'ListObjectsV2' : undefined
  }
  switch (method) {
    case 'PUT':
      if (headers['x-amz-copy-source'] !== undefined) return 'CopyObject'
      return isUpload ? 'UploadPart' : 'PutObject'
    case 'GET':
      return 'GetObject'
    case 'HEAD':
      return 'HeadObject'
    case 'DELETE':
      return isUpload ? 'AbortMultipartUpload' : 'DeleteObject'
    case 'POST':
      if (isUpload) return 'CompleteMultipartUpload'
      return query.has('uploads') ? 'CreateMultipartUpload' : undefined
    default:
      return undefined
  }
}

function answer(response: ServerResponse, request: SignedRequest, { status, headers, body }: S3Answer): void {
  const length = headers['content-length'] ?? String(body.length)
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': length }) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function dribble(response: ServerResponse, whole: S3Answer, isCut: boolean): Promise<void> {
  const { status, headers, body } = whole
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { 'content-length': String(body.length) }),
  })
  const end = isCut ? Math.floor(body.length / 2) : body.length
  const step = Math.max(1, Math.ceil(body.length / 5))
  for (let at = 0; at < end; at += step) {
    response.write(body.subarray(at, Math.min(end, at + step)))
    await new Promise((resolve) => {
      setTimeout(resolve, 2)
    })
  }
  if (isCut) response.destroy()
  else response.end()
}
