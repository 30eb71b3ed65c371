/** Where rows are posted and how, as people say it. */
import { checkOptionChoice, checkOptionNames } from '../../data/option-names.ts'
import { MillraceError } from '../../errors.ts'
import { parseDuration } from '../../time/index.ts'
import type { Duration } from '../../time/index.ts'

/** Options of a service that rows are sent to. */
export interface HttpOptions {
  /** Default `POST`. */
  readonly method?: 'POST' | 'PUT' | 'PATCH'
  /** Rows of a request: one JSON object per line (`ndjson`, the default), or one array of objects. */
  readonly format?: 'ndjson' | 'json'
  readonly headers?: Readonly<Record<string, string>>
  /** Headers whose values are secrets: by the names of the environment variables that hold them. */
  readonly headersFrom?: Readonly<Record<string, string>>
  /** Rows in one request, at most; default 500. */
  readonly maxRows?: number
  /** Bytes in one request, at most, unless one row is longer; default 1 MiB. */
  readonly maxBytes?: number
  /** Requests on their way at the same moment, at most; default 4. Those of one task follow each other. */
  readonly inFlight?: number
  /** For one request and its answer; default 30 s. */
  readonly timeout?: Duration
}

/** Options with all defaults in place. */
export interface HttpTarget {
  readonly url: string
  readonly method: string
  readonly format: 'ndjson' | 'json'
  readonly headers: Readonly<Record<string, string>>
  readonly headersFrom: Readonly<Record<string, string>>
  readonly maxRows: number
  readonly maxBytes: number
  readonly inFlight: number
  readonly timeoutMs: number
}

const names = ['method', 'format', 'headers', 'headersFrom', 'maxRows', 'maxBytes', 'inFlight', 'timeout']
/** Headers that are the sink's own. */
const ownHeaders = ['content-type', 'content-length', 'idempotency-key']

/**
 * Puts the defaults in place.
 *
 * @throws MillraceError `plan/invalid-argument`
 */
export function httpTarget(url: string, options: HttpOptions): HttpTarget {
  checkOptionNames('toHttp', options, names)
  const { method = 'POST', format = 'ndjson', headers = {}, headersFrom = {} } = options
  checkOptionChoice('method', method, ['POST', 'PUT', 'PATCH'])
  checkOptionChoice('format', format, ['ndjson', 'json'])
  checkUrl(url)
  checkHeaders([...Object.keys(headers), ...Object.keys(headersFrom)])
  const variable = Object.values(headersFrom).find((name) => !/^\w+$/.test(name))
  // Whoever writes a secret itself here would find it in plans.
  if (variable !== undefined)
    throw invalid(
      'headersFrom does not name an environment variable',
      "put the value into a variable and name that: { Authorization: 'API_TOKEN' }",
    )
  const { maxRows = 500, maxBytes = 1024 * 1024, inFlight = 4, timeout = '30 s' } = options
  checkCount('maxRows', maxRows, 100_000)
  checkCount('maxBytes', maxBytes, 1024 * 1024 * 1024)
  checkCount('inFlight', inFlight, 1000)
  return {
    url,
    method,
    format,
    headers,
    headersFrom,
    maxRows,
    maxBytes,
    inFlight,
    timeoutMs: parseDuration(timeout),
  }
}

/** The URL without what is behind its question mark, where people put keys. */
export function shownUrl(url: string): string {
  const [path = ''] = url.split(/[?#]/)
  return path
}

function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw invalid(`${JSON.stringify(url)} is no URL that rows can be sent to`, 'write http://… or https://…')
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid(
      'a URL that rows are sent to holds no keys',
      "name a variable that holds the header: headersFrom: { Authorization: 'API_TOKEN' }",
    )
}

function checkHeaders(all: readonly string[]): void {
  const lower = all.map((name) => name.toLowerCase())
  const own = all.find((_, at) => ownHeaders.includes(lower[at] ?? ''))
  if (own !== undefined) throw invalid(`the header "${own}" is the sink's own`, 'leave it out')
  const twice = all.find((_, at) => lower.indexOf(lower[at] ?? '') < at)
  if (twice !== undefined) throw invalid(`the header "${twice}" is given twice`, 'leave one out')
  const wrong = all.find((name) => !/^[\w!#$%&'*+.^`|~-]+$/.test(name))
  if (wrong !== undefined) throw invalid(`${JSON.stringify(wrong)} is no name of a header`)
}

function checkCount(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw invalid(`${name} is ${value}`, `give a whole number from 1 to ${most}`)
}

function invalid(what: string, hint?: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
