/** Where a bucket is and whose keys open it, as people say it. */
import { MillraceError } from '@millrace/core/errors'

/** Which environment variables hold the keys. A plan, a log and an error know these names, never what they hold. */
export interface S3CredentialNames {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Only for temporary keys. */
  readonly sessionToken?: string
}

/** A bucket of S3, or of a store that speaks its API. */
export interface S3Options {
  readonly bucket: string
  /** Default: what `AWS_REGION` or `AWS_DEFAULT_REGION` says, else `us-east-1`. */
  readonly region?: string
  /**
   * Where the store is, such as `http://127.0.0.1:9000`. Default: what `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` says,
   * else S3 itself, in the region.
   */
  readonly endpoint?: string
  /**
   * Whether the bucket is named in the path or in the name of the host. Default: the host for S3 itself, unless
   * the bucket's name has dots, which no certificate covers; the path for any other endpoint.
   */
  readonly addressing?: 'path' | 'virtual-host'
  /** Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if it is set, `AWS_SESSION_TOKEN`. */
  readonly credentialsFrom?: S3CredentialNames
  /** Where variables are looked up, with each request; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The clock that requests are signed with, in milliseconds since 1970; default that of the machine. */
  readonly now?: () => number
}

/** Options with all defaults in place. */
export interface S3Place {
  /** For people. */
  readonly name: string
  readonly bucket: string
  readonly region: string
  /** The URL of the bucket, without a slash at its end. */
  readonly url: string
  readonly names: S3CredentialNames
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

const defaultNames: S3CredentialNames = {
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  sessionToken: 'AWS_SESSION_TOKEN',
}

/** What a URL of a bucket may say behind its question mark. */
const urlOptions = ['region', 'endpoint', 'addressing'] as const

/**
 * Reads `s3://bucket/prefix?region=eu-west-1&endpoint=https://store.example.org&addressing=path`.
 *
 * @returns what `s3Objects` takes, and the prefix of keys, without slashes at its ends.
 * @throws MillraceError `plan/invalid-argument`, also for a URL that holds keys.
 */
export function parseS3Url(text: string): { readonly options: S3Options; readonly prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 's3:' || url.hostname === '')
    throw invalid(`"${withoutUser(text)}" is no place in S3`, 'write s3://bucket/prefix')
  if (url.username !== '' || url.password !== '')
    throw invalid(
      'a URL of a bucket holds no keys',
      'put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    )
  const unknown = [...url.searchParams.keys()].find((name) => !urlOptions.some((known) => known === name))
  if (unknown !== undefined)
    throw invalid(`a URL of a bucket has no option "${unknown}"`, `it has ${urlOptions.join(', ')}`)
  const addressing = url.searchParams.get('addressing') ?? undefined
  if (addressing !== undefined && addressing !== 'path' && addressing !== 'virtual-host')
    throw invalid(`there is no addressing "${addressing}"`, 'write path or virtual-host')
  const [region, endpoint] = [url.searchParams.get('region'), url.searchParams.get('endpoint')]
  return {
    prefix: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, ''),
    options: {
      bucket: url.hostname,
      ...(region === null ? {} : { region }),
      ...(endpoint === null ? {} : { endpoint }),
      ...(addressing === undefined ? {} : { addressing }),
    },
  }
}

/** Puts the defaults in place. */
export function placeOf(options: S3Options): S3Place {
  const { bucket, credentialsFrom = defaultNames, environment = process.env } = options
  // Letters, digits, dots and dashes: what a host name takes, and a little more for stores that are not S3.
  if (!/^[a-zA-Z0-9][\w.-]{1,254}$/.test(bucket) || bucket.includes('..'))
    throw invalid(
      `"${bucket}" cannot be the name of a bucket`,
      'names have lower-case letters, digits, dots and dashes',
    )
  const region =
    options.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1'
  const other = options.endpoint ?? environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']
  const endpoint = endpointOf(other ?? `https://s3.${region}.amazonaws.com`)
  const byHost = other === undefined && !bucket.includes('.')
  const addressing = options.addressing ?? (byHost ? 'virtual-host' : 'path')
  const path = endpoint.pathname.replace(/\/+$/, '')
  const url =
    addressing === 'path'
      ? `${endpoint.origin}${path}/${bucket}`
      : `${endpoint.protocol}//${bucket}.${endpoint.host}${path}`
  return {
    name: other === undefined ? `s3://${bucket}` : url,
    bucket,
    region,
    url,
    names: credentialsFrom,
    environment,
    now: options.now ?? Date.now,
  }
}

function endpointOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalid(`"${withoutUser(text)}" is no endpoint`, 'write http://host:port or https://host')
  if (url.username !== '' || url.password !== '')
    throw invalid('an endpoint holds no keys', 'put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  return url
}

/** Keys that someone wrote where they do not belong are not repeated. */
function withoutUser(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//…@')
}

function invalid(what: string, hint: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
