/**
 * Checks signatures as the specification of AWS Signature Version 4 says (Amazon S3 API Reference, "Authenticating
 * Requests: Using the Authorization Header"). Written from the specification; shares nothing with what signs.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A request as it arrived. */
export interface SignedRequest {
  readonly method: string
  /** Path and query, raw. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Whose requests are taken. */
export interface Signer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly region: string
}

/** Why a request is refused: status, code, message. */
export type Refusal = readonly [status: number, code: string, message: string]

const LONGEST_SKEW_MS = 15 * 60 * 1000

/** Undefined when all is right. `nowMs`: the store's clock. */
export function checkSignature(request: SignedRequest, signer: Signer, nowMs: number): Refusal | undefined {
  const { headers } = request
  const authorization = headers['authorization']
  if (authorization === undefined) return [403, 'AccessDenied', 'Anonymous access is forbidden']
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  if (parts === null) return [400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed']
  const [, accessKeyId = '', day = '', region = '', signedHeaders = '', signature = ''] = parts
  if (accessKeyId !== signer.accessKeyId)
    return [403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.']
  if (region !== signer.region)
    return [
      400,
      'AuthorizationHeaderMalformed',
      `the region '${region}' is wrong; expecting '${signer.region}'`,
    ]
  if (headers['x-amz-security-token'] !== signer.sessionToken)
    return [400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.']
  return (
    checkDate(headers['x-amz-date'], day, nowMs) ??
    checkHeaders(headers, signedHeaders.split(';')) ??
    checkPayload(request) ??
    checkSum(request, { signedHeaders, signature, day }, signer)
  )
}

function checkDate(date: string | undefined, day: string, nowMs: number): Refusal | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date ?? '')
  if (found === null || !(date ?? '').startsWith(day)) return [403, 'AccessDenied', 'no valid x-amz-date']
  const [year, month, dayOfMonth, hour, minute, second] = found.slice(1).map(Number) as [
    number, number, number, number, number, number,
  ] // prettier-ignore
  const skew = Math.abs(Date.UTC(year, month - 1, dayOfMonth, hour, minute, second) - nowMs)
  return skew > LONGEST_SKEW_MS
    ? [
        403,
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
      ]
    : undefined
}

/** Everything that changes what a request does has to be signed. */
function checkHeaders(headers: SignedRequest['headers'], signed: readonly string[]): Refusal | undefined {
  const needed = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  const missing = needed.filter((name) => !signed.includes(name))
  if (missing.length > 0)
    return [
      403,
      'AccessDenied',
      `There were headers present in the request which were not signed: ${missing.join()}`,
    ]
  if (signed.toSorted().join() !== signed.join())
    return [400, 'AuthorizationHeaderMalformed', 'signed headers are not sorted']
  return undefined
}

function checkPayload({ headers, body }: SignedRequest): Refusal | undefined {
  const said = headers['x-amz-content-sha256']
  if (said === undefined) return [400, 'InvalidRequest', 'Missing required header: x-amz-content-sha256']
  return said === sha256(body)
    ? undefined
    : [
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      ]
}

function checkSum(
  request: SignedRequest,
  claim: { readonly signedHeaders: string; readonly signature: string; readonly day: string },
  signer: Signer,
): Refusal | undefined {
  const scope = `${claim.day}/${signer.region}/s3/aws4_request`
  const text = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'],
    scope,
    sha256(canonicalRequest(request, claim.signedHeaders)),
  ].join('\n')
  const key = [claim.day, signer.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${signer.secretAccessKey}`,
  )
  const expected = createHmac('sha256', key).update(text).digest()
  return timingSafeEqual(expected, Buffer.from(claim.signature, 'hex'))
    ? undefined
    : [
        403,
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided.',
      ]
}

function canonicalRequest(request: SignedRequest, signedHeaders: string): string {
  const cut = request.target.indexOf('?')
  const path = cut < 0 ? request.target : request.target.slice(0, cut)
  const query = cut < 0 ? '' : request.target.slice(cut + 1)
  const pairs = query.split('&').flatMap((pair) => {
    if (pair === '') return []
    const [name = '', ...value] = pair.split('=')
    return [[encode(decodeQuery(name)), encode(decodeQuery(value.join('=')))] as const]
  })
  const sorted = pairs.toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
  const headers = signedHeaders
    .split(';')
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  return [
    request.method,
    decodeURIComponent(path).split('/').map(encode).join('/'),
    sorted.map(([name, value]) => `${name}=${value}`).join('&'),
    headers.join(''),
    signedHeaders,
    request.headers['x-amz-content-sha256'],
  ].join('\n')
}

function order(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function decodeQuery(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** "UriEncode": every byte but A-Z, a-z, 0-9 and - . _ ~ */
function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const one = String.fromCharCode(byte)
      return /[A-Za-z0-9\-._~]/.test(one) ? one : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
