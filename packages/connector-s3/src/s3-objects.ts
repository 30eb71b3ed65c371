/**
 * A bucket of S3 as the port of object stores: each method is one request of the S3 API.
 *
 * Tags are kept as metadata. Single objects and parts are sent with their SHA-256, and stored with it: of an object in
 * parts the store keeps the checksum of checksums.
 */
import type {
  ObjectAnswer,
  ObjectClient,
  ObjectFailure,
  ObjectPage,
  ObjectPart,
  ObjectUpload,
  UploadPage,
} from '@millrace/core/connect'
import { S3Connection, sha256Of } from './s3-connection.ts'
import type { S3Request, S3Response } from './s3-connection.ts'
import { failureOf } from './s3-failure.ts'
import { placeOf } from './s3-options.ts'
import type { S3Options } from './s3-options.ts'
import { elementsOf, encoded, textOf } from './xml.ts'

const TAG = 'x-amz-meta-millrace-tag'
const CHECKSUM = 'x-amz-checksum-sha256'

/**
 * Opens a bucket. No request is sent before the first method is called.
 *
 * @throws MillraceError `plan/invalid-argument` when the options name no place.
 * @example
 * ```ts
 * import { s3Objects } from '@millrace/connector-s3'
 *
 * const objects = s3Objects({ bucket: 'checkpoints', endpoint: 'http://127.0.0.1:9000' })
 * console.log(objects.place)
 * ```
 */
export function s3Objects(options: S3Options): ObjectClient {
  return new S3Objects(new S3Connection(placeOf(options)))
}

class S3Objects implements ObjectClient {
  readonly place: string
  readonly #connection: S3Connection

  constructor(connection: S3Connection) {
    this.#connection = connection
    this.place = connection.place.name
  }

  create(
    key: string,
    bytes: Uint8Array,
    tag: string,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<'created' | 'exists'>> {
    return this.#put(key, bytes, { 'if-none-match': '*', [TAG]: tag }, signal)
  }

  async put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<ObjectAnswer<void>> {
    const answer = await this.#put(key, bytes, {}, signal)
    return 'failure' in answer ? answer : { value: undefined }
  }

  async get(
    key: string,
    range: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<ObjectAnswer<ObjectPart | undefined>> {
    const headers = { range: `bytes=${range.start}-${range.end - 1}` }
    const answer = await this.#connection.send({ method: 'GET', key, headers }, signal)
    if ('failure' in answer) return answer
    const response = answer.value
    switch (response.status) {
      case 200:
      case 206:
        return this.#partOf(response, range)
      case 416:
        return this.#beyondEnd(key, range.start, signal)
      case 404:
        // A bucket that is missing is not an object that is missing.
        return this.#orMissing(response)
      default:
        return this.#failure(response)
    }
  }

  async copy(from: string, to: string, signal: AbortSignal): Promise<ObjectAnswer<'copied' | 'missing'>> {
    const headers = { 'x-amz-copy-source': this.#connection.sourceOf(from) }
    const answer = await this.#document({ method: 'PUT', key: to, headers }, 'CopyObjectResult', signal)
    if (!('failure' in answer)) return { value: 'copied' }
    return answer.code === 'NoSuchKey' ? { value: 'missing' } : { failure: answer.failure }
  }

  async list(
    prefix: string,
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<ObjectPage>> {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      prefix,
      ...(from === undefined ? {} : { 'continuation-token': from }),
    }
    const answer = await this.#document({ method: 'GET', query }, 'ListBucketResult', signal)
    if ('failure' in answer) return answer
    const xml = answer.value
    const keyOf = keysOf(xml)
    const objects = elementsOf(xml, 'Contents').map((object) => ({
      key: keyOf(textOf(object, 'Key')),
      bytes: Number(textOf(object, 'Size')),
    }))
    const next = isTruncated(xml) ? textOf(xml, 'NextContinuationToken') : undefined
    return { value: { objects, next } }
  }

  async remove(key: string, signal: AbortSignal): Promise<ObjectAnswer<void>> {
    return this.#removed({ method: 'DELETE', key }, signal)
  }

  async beginUpload(key: string, tag: string, signal: AbortSignal): Promise<ObjectAnswer<ObjectUpload>> {
    const answer = await this.#document(
      {
        method: 'POST',
        key,
        query: { uploads: '' },
        headers: { [TAG]: tag, 'x-amz-checksum-algorithm': 'SHA256' },
      },
      'InitiateMultipartUploadResult',
      signal,
    )
    if ('failure' in answer) return answer
    const id = textOf(answer.value, 'UploadId')
    return id === undefined ? { failure: brokenOff('it names no upload') } : { value: { key, id } }
  }

  async uploadPart(
    upload: ObjectUpload,
    number: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<string>> {
    const sha256 = await sha256Of(bytes)
    const checksum = Buffer.from(sha256).toString('base64')
    const answer = await this.#connection.send(
      {
        method: 'PUT',
        key: upload.key,
        query: { partNumber: String(number), uploadId: upload.id },
        headers: { [CHECKSUM]: checksum },
        body: bytes,
        sha256,
      },
      signal,
    )
    if ('failure' in answer) return answer
    if (!isSuccess(answer.value)) return this.#failure(answer.value)
    const name = answer.value.headers.get('etag')
    return name === null ? { failure: brokenOff('it names no part') } : { value: `${checksum} ${name}` }
  }

  async finishUpload(
    upload: ObjectUpload,
    parts: readonly string[],
    signal: AbortSignal,
  ): Promise<ObjectAnswer<'finished' | 'gone'>> {
    const xml = parts.map((part, at) => {
      const [checksum = '', name = ''] = part.split(' ')
      return (
        `<Part><PartNumber>${at + 1}</PartNumber><ETag>${encoded(name)}</ETag>` +
        `<ChecksumSHA256>${checksum}</ChecksumSHA256></Part>`
      )
    })
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${xml.join('')}</CompleteMultipartUpload>`
    const answer = await this.#document(
      {
        method: 'POST',
        key: upload.key,
        query: { uploadId: upload.id },
        headers: { 'content-type': 'application/xml' },
        body: new TextEncoder().encode(body),
      },
      'CompleteMultipartUploadResult',
      signal,
    )
    if (!('failure' in answer)) return { value: 'finished' }
    return answer.code === 'NoSuchUpload' ? { value: 'gone' } : { failure: answer.failure }
  }

  async abortUpload(upload: ObjectUpload, signal: AbortSignal): Promise<ObjectAnswer<void>> {
    return this.#removed({ method: 'DELETE', key: upload.key, query: { uploadId: upload.id } }, signal)
  }

  async listUploads(
    prefix: string,
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<UploadPage>> {
    const query = {
      uploads: '',
      'encoding-type': 'url',
      prefix,
      ...(from === undefined ? {} : markersOf(from)),
    }
    const answer = await this.#document({ method: 'GET', query }, 'ListMultipartUploadsResult', signal)
    if ('failure' in answer) return answer
    const xml = answer.value
    const keyOf = keysOf(xml)
    const uploads = elementsOf(xml, 'Upload').map((upload) => ({
      key: keyOf(textOf(upload, 'Key')),
      id: textOf(upload, 'UploadId') ?? '',
    }))
    const markers = [keyOf(textOf(xml, 'NextKeyMarker')), textOf(xml, 'NextUploadIdMarker') ?? '']
    return { value: { uploads, next: isTruncated(xml) ? JSON.stringify(markers) : undefined } }
  }

  async #put(
    key: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<'created' | 'exists'>> {
    const sha256 = await sha256Of(bytes)
    const checksum = { [CHECKSUM]: Buffer.from(sha256).toString('base64') }
    const request = { method: 'PUT', key, body: bytes, sha256, headers: { ...headers, ...checksum } } as const
    const answer = await this.#connection.send(request, signal)
    if ('failure' in answer) return answer
    if (isSuccess(answer.value)) return { value: 'created' }
    if (answer.value.status === 412 && headers['if-none-match'] !== undefined) return { value: 'exists' }
    return this.#failure(answer.value)
  }

  /** OC2: the bytes have to be those that the headers tell of. */
  #partOf(
    response: S3Response,
    range: { readonly start: number; readonly end: number },
  ): ObjectAnswer<ObjectPart> {
    const { headers, body } = response
    const isWhole = response.status === 200
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
    const whole = isWhole ? body.length : Number(size)
    const bytes = isWhole ? body.subarray(range.start, range.end) : body
    const isRight = isWhole || Number(start) === range.start
    if (!isRight || bytes.length !== Math.max(0, Math.min(range.end, whole) - range.start))
      return { failure: brokenOff(`it has ${body.length} bytes of ${headers.get('content-range') ?? 'all'}`) }
    const announced = headers.get('content-length')
    if (announced !== null && Number(announced) !== body.length)
      return { failure: brokenOff(`it has ${body.length} of ${announced} bytes`) }
    return { value: { bytes, size: whole, ...identityOf(headers) } }
  }

  /** A range behind the end tells nothing of the object itself: a second request does. */
  async #beyondEnd(
    key: string,
    start: number,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<ObjectPart | undefined>> {
    const answer = await this.#connection.send({ method: 'HEAD', key }, signal)
    if ('failure' in answer) return answer
    const { status, headers } = answer.value
    if (status === 404) return { value: undefined }
    if (status !== 200) return this.#failure(answer.value)
    const size = Number(headers.get('content-length'))
    if (size > start) return { failure: brokenOff('the object grew while it was read') }
    return { value: { bytes: new Uint8Array(0), size, ...identityOf(headers) } }
  }

  #orMissing(response: S3Response): ObjectAnswer<undefined> {
    const failure = failureOf(response, this.#connection.place)
    return failure.kind === 'no-bucket' ? this.#failure(response) : { value: undefined }
  }

  async #removed(request: S3Request, signal: AbortSignal): Promise<ObjectAnswer<void>> {
    const answer = await this.#connection.send(request, signal)
    if ('failure' in answer) return answer
    if (isSuccess(answer.value)) return { value: undefined }
    return answer.value.status === 404 ? this.#orMissing(answer.value) : this.#failure(answer.value)
  }

  /** A request that is answered with a document: an answer without it is none, also when its status is good. */
  async #document(
    request: S3Request,
    root: string,
    signal: AbortSignal,
  ): Promise<
    { readonly value: string } | { readonly failure: ObjectFailure; readonly code?: string | undefined }
  > {
    const answer = await this.#connection.send(request, signal)
    if ('failure' in answer) return answer
    const xml = new TextDecoder().decode(answer.value.body)
    const code = textOf(xml, 'Code')
    // S3 begins to answer before it is done, so an error may come with a good status.
    if (!isSuccess(answer.value) || (code !== undefined && elementsOf(xml, root).length === 0))
      return { ...this.#failure(answer.value), code }
    if (elementsOf(xml, root).length === 0)
      return { failure: brokenOff(this.#connection.withoutSecrets(`it is no ${root}: ${xml.slice(0, 200)}`)) }
    return { value: xml }
  }

  #failure(response: S3Response): { readonly failure: ObjectFailure } {
    const failure = failureOf(response, this.#connection.place)
    // A good status with an error in its body: the code says what it is.
    const kind = response.status < 300 && failure.kind === 'refused' ? 'server' : failure.kind
    return { failure: { ...failure, kind, message: this.#connection.withoutSecrets(failure.message) } }
  }
}

function isSuccess({ status }: S3Response): boolean {
  return status >= 200 && status < 300
}

function identityOf(headers: Headers): Pick<ObjectPart, 'version' | 'tag' | 'modifiedMs'> {
  const modifiedMs = Date.parse(headers.get('last-modified') ?? '')
  return {
    version: headers.get('etag') ?? '',
    tag: headers.get(TAG) ?? undefined,
    ...(Number.isNaN(modifiedMs) ? {} : { modifiedMs }),
  }
}

function isTruncated(xml: string): boolean {
  return textOf(xml, 'IsTruncated') === 'true'
}

/** Keys are encoded only when the store says so. */
function keysOf(xml: string): (text: string | undefined) => string {
  const isEncoded = textOf(xml, 'EncodingType') === 'url'
  return (text = '') => (isEncoded ? decodeURIComponent(text.replaceAll('+', ' ')) : text)
}

function markersOf(from: string): Readonly<Record<string, string>> {
  const [key = '', id = ''] = JSON.parse(from) as readonly string[]
  return { 'key-marker': key, 'upload-id-marker': id }
}

function brokenOff(message: string): ObjectFailure {
  return { kind: 'damaged', message: `the answer of the store is not what was asked for: ${message}` }
}
