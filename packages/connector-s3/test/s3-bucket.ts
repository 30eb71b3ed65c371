/** What a strict S3 keeps, and what it does for each request; every request is one step. */
import { createHash } from 'node:crypto'

/** What a request asks for. */
export type S3Operation =
  | 'AbortMultipartUpload'
  | 'CompleteMultipartUpload'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'DeleteObject'
  | 'GetObject'
  | 'HeadObject'
  | 'ListMultipartUploads'
  | 'ListObjectsV2'
  | 'PutObject'
  | 'UploadPart'

/** A request whose signature was right. */
export interface S3Call {
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What is answered. */
export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

interface Stored {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly checksum: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

interface Part {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly checksum: string | undefined
}

interface Upload {
  readonly key: string
  readonly metadata: Readonly<Record<string, string>>
  readonly withChecksums: boolean
  readonly parts: Map<number, Part>
}

/** Limits that tests make small. */
export interface S3BucketOptions {
  readonly name: string
  readonly pageSize: number
  readonly partBytesMin: number
}

const noBytes = new Uint8Array(0)
const COPY_BYTES_MAX = 5 * 1024 ** 3

/** One bucket. */
export class S3Bucket {
  readonly objects: Map<string, Stored> = new Map()
  readonly uploads: Map<string, Upload> = new Map()
  readonly #options: S3BucketOptions
  #ids = 0

  constructor(options: S3BucketOptions) {
    this.#options = options
  }

  /** Carries a request out. */
  run(operation: S3Operation, call: S3Call): S3Answer {
    switch (operation) {
      case 'PutObject':
        return this.#put(call)
      case 'CopyObject':
        return this.#copy(call)
      case 'GetObject':
        return this.#get(call)
      case 'HeadObject':
        return this.#head(call)
      case 'DeleteObject':
        this.objects.delete(call.key)
        return { status: 204, headers: {}, body: noBytes }
      case 'ListObjectsV2':
        return this.#list(call)
      case 'CreateMultipartUpload':
        return this.#begin(call)
      case 'UploadPart':
        return this.#part(call)
      case 'CompleteMultipartUpload':
        return this.#complete(call)
      case 'AbortMultipartUpload':
        return this.uploads.delete(call.query.get('uploadId') ?? '')
          ? { status: 204, headers: {}, body: noBytes }
          : noSuchUpload
      case 'ListMultipartUploads':
        return this.#listUploads(call)
    }
  }

  #put(call: S3Call): S3Answer {
    const wrong = wrongChecksum(call) ?? this.#wrongCondition(call)
    if (wrong !== undefined) return wrong
    const stored: Stored = {
      bytes: call.body,
      etag: `"${md5(call.body).toString('hex')}"`,
      checksum: call.headers['x-amz-checksum-sha256'],
      metadata: metadataOf(call),
    }
    this.objects.set(call.key, stored)
    return { status: 200, headers: { etag: stored.etag, ...checksumOf(stored) }, body: noBytes }
  }

  /** The bytes are put together to one part, so an object in parts gets another tag. */
  #copy(call: S3Call): S3Answer {
    const [, bucket, key] =
      /^\/?([^/]+)\/(.+)$/.exec(decodeURIComponent(call.headers['x-amz-copy-source'] ?? '')) ?? []
    if (bucket !== this.#options.name || key === undefined)
      return errorOf(400, 'InvalidArgument', 'Copy Source must mention the source bucket and key')
    const stored = this.objects.get(key)
    if (stored === undefined) return noSuchKey
    if (stored.bytes.length > COPY_BYTES_MAX)
      return errorOf(
        400,
        'InvalidRequest',
        'The specified copy source is larger than the maximum allowable size',
      )
    const etag = `"${md5(stored.bytes).toString('hex')}"`
    const checksum = stored.checksum === undefined ? undefined : sha256(stored.bytes)
    this.objects.set(call.key, { ...stored, etag, checksum })
    return document('CopyObjectResult', `<ETag>${xml(etag)}</ETag>`)
  }

  #wrongCondition({ key, headers }: S3Call): S3Answer | undefined {
    const there = this.objects.get(key)
    const ifNone = headers['if-none-match']
    if (ifNone !== undefined && ifNone !== '*')
      return errorOf(501, 'NotImplemented', 'If-None-Match takes * only')
    if (ifNone === '*' && there !== undefined) return preconditionFailed
    const ifMatch = headers['if-match']
    if (ifMatch === undefined) return undefined
    if (there === undefined) return noSuchKey
    return ifMatch === there.etag || ifMatch === '*' ? undefined : preconditionFailed
  }

  #get({ key, headers }: S3Call): S3Answer {
    const stored = this.objects.get(key)
    if (stored === undefined) return noSuchKey
    if (headers['if-match'] !== undefined && headers['if-match'] !== stored.etag) return preconditionFailed
    if (headers['if-none-match'] === stored.etag) return { status: 304, headers: {}, body: noBytes }
    const size = stored.bytes.length
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers['range'] ?? '')
    if (range === null) return { status: 200, headers: headersOf(stored, headers), body: stored.bytes }
    const start = Number(range[1])
    const end = Math.min(size, range[2] === '' ? size : Number(range[2]) + 1)
    if (start >= size)
      return {
        ...errorOf(416, 'InvalidRange', 'The requested range is not satisfiable'),
        headers: { 'content-range': `bytes */${size}` },
      }
    return {
      status: 206,
      headers: { ...headersOf(stored, headers), 'content-range': `bytes ${start}-${end - 1}/${size}` },
      body: stored.bytes.subarray(start, end),
    }
  }

  #head({ key, headers }: S3Call): S3Answer {
    const stored = this.objects.get(key)
    if (stored === undefined) return { status: 404, headers: {}, body: noBytes }
    const length = { 'content-length': String(stored.bytes.length) }
    return { status: 200, headers: { ...headersOf(stored, headers), ...length }, body: noBytes }
  }

  #list({ query }: S3Call): S3Answer {
    const token = query.get('continuation-token')
    const after = token === null ? '' : Buffer.from(token, 'base64').toString()
    if (token !== null && !after.startsWith('after:'))
      return errorOf(400, 'InvalidArgument', 'The continuation token provided is incorrect')
    const prefix = query.get('prefix') ?? ''
    const size = Math.min(this.#options.pageSize, Number(query.get('max-keys') ?? 1000))
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > after.slice('after:'.length))
      .toSorted()
    const page = keys.slice(0, size)
    const isTruncated = keys.length > size
    const next = isTruncated
      ? `<NextContinuationToken>${Buffer.from(`after:${page.at(-1)}`).toString('base64')}</NextContinuationToken>`
      : ''
    const contents = page.map((key) => {
      const { bytes, etag } = this.objects.get(key) as Stored
      return `<Contents><Key>${nameIn(query, key)}</Key><ETag>${xml(etag)}</ETag><Size>${bytes.length}</Size></Contents>`
    })
    return document(
      'ListBucketResult',
      `${encodingOf(query)}<Prefix>${nameIn(query, prefix)}</Prefix><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}`,
    )
  }

  #begin(call: S3Call): S3Answer {
    const algorithm = call.headers['x-amz-checksum-algorithm']
    if (algorithm !== undefined && algorithm !== 'SHA256')
      return errorOf(400, 'InvalidRequest', 'this store computes SHA256 only')
    const id = `upload-${String(++this.#ids).padStart(6, '0')}`
    this.uploads.set(id, {
      key: call.key,
      metadata: metadataOf(call),
      withChecksums: algorithm !== undefined,
      parts: new Map(),
    })
    return document('InitiateMultipartUploadResult', `<Key>${xml(call.key)}</Key><UploadId>${id}</UploadId>`)
  }

  #part(call: S3Call): S3Answer {
    const upload = this.#uploadOf(call)
    if (upload === undefined) return noSuchUpload
    const number = Number(call.query.get('partNumber'))
    if (!Number.isInteger(number) || number < 1 || number > 10_000)
      return errorOf(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
    const checksum = call.headers['x-amz-checksum-sha256']
    if ((checksum !== undefined) !== upload.withChecksums)
      return errorOf(400, 'InvalidRequest', 'Checksum Type mismatch occurred')
    const wrong = wrongChecksum(call)
    if (wrong !== undefined) return wrong
    const part = { bytes: call.body, etag: `"${md5(call.body).toString('hex')}"`, checksum }
    upload.parts.set(number, part)
    return { status: 200, headers: { etag: part.etag, ...checksumOf(part) }, body: noBytes }
  }

  #complete(call: S3Call): S3Answer {
    const upload = this.#uploadOf(call)
    if (upload === undefined) return noSuchUpload
    const asked = [
      ...Buffer.from(call.body)
        .toString()
        .matchAll(/<Part>([^]*?)<\/Part>/g),
    ].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: (/<ETag>([^<]*)</.exec(part)?.[1] ?? '').replace(/&(?:quot|#34);/g, '"'),
      checksum: /<ChecksumSHA256>([^<]*)</.exec(part)?.[1],
    }))
    if (asked.length === 0) return errorOf(400, 'MalformedXML', 'The XML you provided was not well-formed')
    const parts: Part[] = []
    let last = 0
    for (const { number, etag, checksum } of asked) {
      const part = upload.parts.get(number)
      if (number <= last)
        return errorOf(400, 'InvalidPartOrder', 'The list of parts was not in ascending order')
      if (part === undefined || part.etag !== etag || part.checksum !== checksum)
        return errorOf(400, 'InvalidPart', 'One or more of the specified parts could not be found')
      last = number
      parts.push(part)
    }
    if (parts.slice(0, -1).some(({ bytes }) => bytes.length < this.#options.partBytesMin))
      return errorOf(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
    const wrong = this.#wrongCondition(call)
    if (wrong !== undefined) return wrong
    this.uploads.delete(call.query.get('uploadId') ?? '')
    const etag = md5(Buffer.concat(parts.map(({ bytes }) => md5(bytes)))).toString('hex')
    const checksums = Buffer.concat(parts.map(({ checksum }) => Buffer.from(checksum ?? '', 'base64')))
    this.objects.set(call.key, {
      bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
      etag: `"${etag}-${parts.length}"`,
      checksum: upload.withChecksums ? `${sha256(checksums)}-${parts.length}` : undefined,
      metadata: upload.metadata,
    })
    return document('CompleteMultipartUploadResult', `<Key>${xml(call.key)}</Key>`)
  }

  #listUploads({ query }: S3Call): S3Answer {
    const prefix = query.get('prefix') ?? ''
    const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '']
    const rest = [...this.uploads]
      .map(([id, { key }]) => ({ id, key }))
      .filter(({ key }) => key.startsWith(prefix))
      .filter(({ id, key }) => key > keyMarker || (key === keyMarker && id > idMarker))
      .toSorted((a, b) => (`${a.key}\n${a.id}` < `${b.key}\n${b.id}` ? -1 : 1))
    const page = rest.slice(0, this.#options.pageSize)
    const last = page.at(-1)
    const next =
      rest.length > page.length && last !== undefined
        ? `<NextKeyMarker>${nameIn(query, last.key)}</NextKeyMarker><NextUploadIdMarker>${last.id}</NextUploadIdMarker><IsTruncated>true</IsTruncated>`
        : '<IsTruncated>false</IsTruncated>'
    const uploads = page.map(
      ({ id, key }) => `<Upload><Key>${nameIn(query, key)}</Key><UploadId>${id}</UploadId></Upload>`,
    )
    return document('ListMultipartUploadsResult', `${encodingOf(query)}${next}${uploads.join('')}`)
  }

  #uploadOf({ key, query }: S3Call): Upload | undefined {
    const upload = this.uploads.get(query.get('uploadId') ?? '')
    return upload?.key === key ? upload : undefined
  }
}

const noSuchKey: S3Answer = errorOf(404, 'NoSuchKey', 'The specified key does not exist.')
const noSuchUpload: S3Answer = errorOf(404, 'NoSuchUpload', 'The specified multipart upload does not exist.')
const preconditionFailed: S3Answer = errorOf(
  412,
  'PreconditionFailed',
  'At least one of the pre-conditions you specified did not hold',
)

/** An error, as a document. */
export function errorOf(status: number, code: string, message: string, region?: string): S3Answer {
  const where =
    region !== undefined && code === 'AuthorizationHeaderMalformed' ? `<Region>${region}</Region>` : ''
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${where}</Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) }
}

/** Whatever checksum came along has to be right. */
function wrongChecksum({ headers, body }: S3Call): S3Answer | undefined {
  const found = headers['content-md5'] ?? headers['x-amz-checksum-sha256']
  if (found === undefined) return undefined
  const expected = headers['content-md5'] === undefined ? sha256(body) : md5(body).toString('base64')
  return found === expected
    ? undefined
    : errorOf(400, 'BadDigest', 'The checksum that you specified did not match what we received.')
}

function headersOf(stored: Stored, asked: Readonly<Record<string, string>>): Record<string, string> {
  return {
    etag: stored.etag,
    ...stored.metadata,
    ...(asked['x-amz-checksum-mode'] === 'ENABLED' ? checksumOf(stored) : {}),
  }
}

function checksumOf({ checksum }: { readonly checksum: string | undefined }): Record<string, string> {
  return checksum === undefined ? {} : { 'x-amz-checksum-sha256': checksum }
}

function metadataOf({ headers }: S3Call): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')))
}

function encodingOf(query: URLSearchParams): string {
  return query.get('encoding-type') === 'url' ? '<EncodingType>url</EncodingType>' : ''
}

/** Form encoding, as S3 does it: a blank is a plus. */
function nameIn(query: URLSearchParams, name: string): string {
  if (query.get('encoding-type') !== 'url') return xml(name)
  return encodeURIComponent(name).replaceAll('%20', '+').replaceAll('%2F', '/')
}

function document(root: string, inner: string): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) }
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest()
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}
