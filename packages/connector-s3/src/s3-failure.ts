/** What a store says when it will not do something, in words of the port, with what to do. */
import type { ObjectFailure, ObjectFailureKind } from '@millrace/core/connect'
import type { S3Response } from './s3-connection.ts'
import type { S3Place } from './s3-options.ts'
import { textOf } from './xml.ts'

/** Codes that say more than their status. */
const kindsByCode: Readonly<Record<string, ObjectFailureKind>> = {
  RequestTimeTooSkewed: 'clock',
  SignatureDoesNotMatch: 'credentials',
  InvalidAccessKeyId: 'credentials',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  PermanentRedirect: 'region',
  TemporaryRedirect: 'region',
  AuthorizationHeaderMalformed: 'region',
  IllegalLocationConstraintException: 'region',
  NoSuchBucket: 'no-bucket',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  BadDigest: 'damaged',
  InvalidDigest: 'damaged',
  XAmzContentSHA256Mismatch: 'damaged',
  XAmzContentChecksumMismatch: 'damaged',
  IncompleteBody: 'damaged',
  RequestTimeout: 'damaged',
  SlowDown: 'throttled',
  InternalError: 'server',
  NotImplemented: 'unsupported',
}

const kindsByStatus: Readonly<Record<number, ObjectFailureKind>> = {
  301: 'region',
  307: 'region',
  403: 'denied',
  408: 'damaged',
  409: 'conflict',
  429: 'throttled',
  501: 'unsupported',
  503: 'throttled',
}

/** The failure that an answer tells of; `code` is that of its body. */
export function failureOf(response: S3Response, place: S3Place): ObjectFailure {
  const { status, headers } = response
  const xml = new TextDecoder().decode(response.body.subarray(0, 64 * 1024))
  const code = textOf(xml, 'Code')
  const kind = kindsByCode[code ?? ''] ?? kindsByStatus[status] ?? (status >= 500 ? 'server' : 'refused')
  const said = textOf(xml, 'Message')
  const hint = hintOf(kind, code, xml, response, place)
  const retryAfter = Number(headers.get('retry-after') ?? '')
  return {
    kind,
    message: [`the store answered ${status}`, code, said].filter((part) => part !== undefined).join(': '),
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}),
  }
}

function hintOf(
  kind: ObjectFailureKind,
  code: string | undefined,
  xml: string,
  response: S3Response,
  place: S3Place,
): string | undefined {
  const { names } = place
  switch (kind) {
    case 'region': {
      const region = response.headers.get('x-amz-bucket-region') ?? textOf(xml, 'Region')
      return region === undefined || region === null
        ? `name the region and the endpoint of bucket "${place.bucket}": it is not in ${place.region}`
        : `name region ${region}: bucket "${place.bucket}" is not in ${place.region}`
    }
    case 'clock':
      return clockHint(response, place)
    case 'credentials':
      if (code === 'ExpiredToken' || code === 'TokenRefreshRequired')
        return `get new temporary keys, and put them into ${names.accessKeyId}, ${names.secretAccessKey} and ${names.sessionToken ?? 'the session token'}`
      return code === 'SignatureDoesNotMatch'
        ? `see that ${names.secretAccessKey} belongs to ${names.accessKeyId}`
        : `see that ${names.accessKeyId} holds a key of this store`
    case 'denied':
      return (
        `let the key in ${names.accessKeyId} do s3:GetObject, s3:PutObject, s3:DeleteObject, ` +
        `s3:AbortMultipartUpload, s3:ListBucket and s3:ListBucketMultipartUploads on bucket "${place.bucket}"`
      )
    case 'no-bucket':
      return `create bucket "${place.bucket}", or correct its name`
    case 'refused':
      return code === 'EntityTooSmall' ? 'give the store parts of 5 MiB or more (`partBytes`)' : undefined
    default:
      return undefined
  }
}

function clockHint(response: S3Response, place: S3Place): string {
  const theirs = Date.parse(response.headers.get('date') ?? '')
  const seconds = Math.round((theirs - place.now()) / 1000)
  const distance = `${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} the store's`
  return Number.isNaN(seconds)
    ? 'set the clock of this machine by a time server'
    : `set the clock of this machine by a time server: it is ${distance}`
}
