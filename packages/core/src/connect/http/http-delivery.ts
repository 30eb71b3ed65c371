/**
 * Sends the staged rows of one task and epoch, request by request, in their order, and says what came of it.
 *
 * A request that may succeed later is sent again after short waits, and then left to the runtime, which waits longer and
 * says so; the next call goes on with that request. What does not pass by itself is an error with what the service said.
 */
import { MillraceError } from '../../errors.ts'
import type { Host, HttpAnswer } from '../../host/host.ts'
import { daysFromCivil, DAY_MS } from '../../time/index.ts'
import type { CommitOutcome, SinkStore } from '../sink.ts'
import { shownUrl } from './http-options.ts'
import type { HttpTarget } from './http-options.ts'
import { idempotencyKey, requestsOf } from './http-requests.ts'
import type { HttpCommittable, RowsRequest } from './http-requests.ts'
import { readStagedRows } from './staged-rows.ts'

/** Bytes of an answer that are shown to people. */
const SHOWN_BYTES = 300
/** A service that asks for a longer pause is asked again after this one. */
const PAUSE_MS_MAX = 5 * 60_000

/** How often a request is sent before the runtime waits: about 1.5 s. Every request that succeeds begins anew. */
const TRIES_MAX = 6
const WAIT_FIRST_MS = 50

/** What is needed to send. */
export interface DeliveryOptions {
  readonly host: Host
  readonly store: SinkStore
  readonly target: HttpTarget
  readonly step: string
  /** Waits until a monotonic time. */
  pause(untilMs: number): Promise<void>
}

/** How far the rows of one committable have come. */
export interface Delivery {
  /** Requests that were acknowledged. */
  sent: number
  /** Monotonic time before which the service does not want to be asked. */
  notBeforeMs: number
}

/** Sends what was not acknowledged yet. */
export async function deliver(
  options: DeliveryOptions,
  committable: HttpCommittable,
  delivery: Delivery,
): Promise<CommitOutcome> {
  const { host, store } = options
  try {
    for await (const request of requestsOf(readStagedRows(store, host, committable.kept), committable)) {
      if (request.number < delivery.sent) continue
      const retry = await sendUntilAcknowledged(options, committable, { request, delivery })
      if (retry !== undefined) return retry
      delivery.sent = request.number + 1
    }
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'output/lost')
      return {
        kind: 'lost',
        reason: `${error.what}: ${error.detail ?? ''}`,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      }
    throw error
  }
  return { kind: 'committed', rows: committable.rows }
}

/** Undefined: it was acknowledged. */
async function sendUntilAcknowledged(
  options: DeliveryOptions,
  committable: HttpCommittable,
  { request, delivery }: { readonly request: RowsRequest; readonly delivery: Delivery },
): Promise<CommitOutcome | undefined> {
  const { clock } = options.host
  for (let tries = 1; ; tries++) {
    await options.pause(delivery.notBeforeMs)
    const retry = await send(options, committable, request, delivery)
    if (retry === undefined || tries === TRIES_MAX) return retry
    const untilMs = clock.monotonic() + WAIT_FIRST_MS * 2 ** (tries - 1)
    // A service that wants to be left alone for longer than that is the runtime's to show.
    if (delivery.notBeforeMs > clock.monotonic() + WAIT_FIRST_MS * 2 ** TRIES_MAX) return retry
    await options.pause(untilMs)
  }
}

/** Undefined: it was acknowledged. */
async function send(
  { host, target, step }: DeliveryOptions,
  committable: HttpCommittable,
  request: RowsRequest,
  delivery: Delivery,
): Promise<CommitOutcome | undefined> {
  const key = idempotencyKey(committable, step, request.number)
  const place = shownUrl(target.url)
  let answer: HttpAnswer
  try {
    answer = await host.http.request({
      method: target.method,
      url: target.url,
      headers: { ...headersOf(target, host), ...ownHeaders(committable, key) },
      body: request.body,
      timeoutMs: target.timeoutMs,
      answerBytesMax: SHOWN_BYTES,
    })
  } catch (error) {
    if (error instanceof MillraceError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'retry', reason: `${place} gave no answer: ${clean(reason, target, host)}`, cause: error }
  }
  const { status } = answer
  if (status >= 200 && status < 300) return undefined
  const said = clean(Buffer.from(answer.body).toString('utf8'), target, host)
  const pauseMs = pauseOf(answer, host)
  if (mayPass(status, pauseMs)) {
    delivery.notBeforeMs = host.clock.monotonic() + Math.min(pauseMs ?? 0, PAUSE_MS_MAX)
    return { kind: 'retry', reason: `${place} answered ${status}${said === '' ? '' : ` "${said}"`}` }
  }
  throw rejected({ status, said, place, key, answer, rows: request.rows, epoch: committable.epoch })
}

function headersOf({ headers, headersFrom }: HttpTarget, host: Host): Record<string, string> {
  const all: Record<string, string> = { ...headers }
  for (const [name, variable] of Object.entries(headersFrom)) {
    const value = host.environment.get(variable)
    if (value === undefined || value === '')
      throw new MillraceError('output/permission', {
        what: `there is nothing in the environment under ${variable}`,
        hint: `put the value of the header "${name}" into it`,
      })
    all[name] = value
  }
  return all
}

function ownHeaders({ format }: HttpCommittable, key: string): Record<string, string> {
  return {
    'content-type': format === 'ndjson' ? 'application/x-ndjson' : 'application/json',
    'idempotency-key': key,
  }
}

/** A conflict with a pause: the same request, sent before a crash, is still being worked on. */
function mayPass(status: number, pauseMs: number | undefined): boolean {
  return (
    status === 408 ||
    status === 425 ||
    status === 429 ||
    status >= 500 ||
    (status === 409 && pauseMs !== undefined)
  )
}

function pauseOf(answer: HttpAnswer, host: Host): number | undefined {
  const text = answer.header('retry-after')?.trim()
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const atMs = httpDate(text)
  return atMs === undefined ? undefined : Math.max(0, atMs - host.clock.now())
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7, the one form that is to be sent); undefined: another text. */
function httpDate(text: string): number | undefined {
  const match = /^\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(text)
  const month = months.indexOf(match?.[2] ?? '')
  if (match === null || month === -1) return undefined
  const [day = 0, , year = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  return daysFromCivil(year, month + 1, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000
}

/** A text of somebody else on one line, without what the headers keep secret. */
function clean(text: string, { headersFrom }: HttpTarget, host: Host): string {
  let shown = text
  for (const variable of Object.values(headersFrom)) {
    const secret = host.environment.get(variable)
    if (secret !== undefined && secret !== '') shown = shown.replaceAll(secret, '…')
  }
  return shown.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
}

interface Refusal {
  readonly status: number
  readonly said: string
  readonly place: string
  readonly key: string
  readonly answer: HttpAnswer
  readonly rows: number
  readonly epoch: number
}

function rejected({ status, said, place, key, answer, rows, epoch }: Refusal): MillraceError {
  const location = answer.header('location')
  const code = status === 401 || status === 403 ? 'output/permission' : 'output/rejected'
  return new MillraceError(code, {
    what: `${place} refuses ${rows} rows of epoch ${epoch} with status ${status}`,
    detail: `idempotency key ${key}; it says "${said}"`,
    hint:
      status >= 300 && status < 400 && location !== undefined
        ? `redirections are not followed: send to ${shownUrl(location)}`
        : hintOf(status),
    place: { name: place },
  })
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) return 'see to the keys in headersFrom, then run again'
  if (status === 404 || status === 405) return 'see to the URL and the method, then run again'
  if (status === 413)
    return 'make requests smaller with maxRows or maxBytes; those of this epoch keep their size'
  return 'mend the service, then run again: the same rows are sent with the same key'
}
