/**
 * Sends requests to an object store until one succeeds, or until it is clear that none will.
 *
 * Every wait has a bound (law L6): a request its time, a series of requests its number and its patience. Between two
 * requests it waits for a random part of a time that doubles, so that many who were refused together do not come back
 * together (Brooker, Exponential Backoff And Jitter, AWS Architecture Blog 2015: "full jitter").
 */
import { MillraceError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { ObjectAnswer, ObjectFailure, ObjectFailureKind } from './object-client.ts'

/** What requests reach. */
export type ObjectStoreHost = Pick<Host, 'clock' | 'random' | 'timers'>

/** How long requests may take, and how often they are sent. */
export interface RequestLimits {
  /** One request, with its answer; default 30,000. */
  readonly timeoutMs: number
  /** Requests for one thing, the first among them; default 10. */
  readonly requests: number
  /** No request is sent again after this time; default 120,000. */
  readonly patienceMs: number
  /** The longest wait before the second request; it doubles. Default 100. */
  readonly firstWaitMs: number
  /** The longest wait before any request, and the longest that a store may ask for besides; default 5,000. */
  readonly longestWaitMs: number
}

const defaultLimits: RequestLimits = {
  timeoutMs: 30_000,
  requests: 10,
  patienceMs: 120_000,
  firstWaitMs: 100,
  longestWaitMs: 5_000,
}

/** Where somebody waits for the end: a series of requests may take so long from then on, and each of them. */
const HURRIED_MS = 5000
/** What is under way then may still arrive over a slow line, which carries so much each millisecond. */
const SLOW_BYTES_PER_MS = 256

/** What is asked of the store: one request. */
export type Send<Value> = (signal: AbortSignal) => Promise<ObjectAnswer<Value>>

/** What a request that did not succeed is told with. */
export interface FailureText {
  readonly detail: string
  readonly hint: string | undefined
}

/** The error of a request that did not succeed. */
export type ObjectError = (failure: ObjectFailure, doing: Doing, text: FailureText) => Error

/** What is done, and to what, in messages. */
export interface Doing {
  /** Such as `creating a file`. */
  readonly what: string
  /** The place of the file. */
  readonly file: string
  /** Bytes that the request carries; default 0. */
  readonly bytes?: number
}

/** A success. */
export interface Outcome<Value> {
  readonly value: Value
  /** Whether an earlier request may have been carried out without an answer: then this one may have met its traces. */
  readonly isRepeated: boolean
}

/** Requests that were not carried out, for certain. */
const certain: ReadonlySet<ObjectFailureKind> = new Set([
  'conflict',
  'credentials',
  'denied',
  'clock',
  'region',
  'no-bucket',
  'unsupported',
  'refused',
])

/** Failures that pass. */
export const passing: ReadonlySet<ObjectFailureKind> = new Set([
  'unreachable',
  'timeout',
  'throttled',
  'server',
  'conflict',
  'damaged',
])

const hints: { readonly [kind in ObjectFailureKind]?: string } = {
  unreachable: 'see that the endpoint is right and the network lets this machine reach it, then start again',
  credentials: 'renew the keys, or name the environment variables that hold them',
  denied: 'let the keys get, put, list and delete objects and abort uploads under the prefix',
  clock: 'set the clock of this machine by a time server',
  region: 'name the region of the bucket',
  'no-bucket': 'create the bucket, or correct its name',
}

/** Sends requests, again when that may help. */
export class ObjectRequests {
  readonly #host: ObjectStoreHost
  readonly #limits: RequestLimits
  readonly #errorOf: ObjectError
  /** How many wait for the end, and since when. */
  #hurries = 0
  #hurriedAt = 0
  /** Told when somebody begins to wait for the end. */
  readonly #hurried = new Set<() => void>()

  /** `errorOf`: default errors of the store of checkpoints. */
  constructor(host: ObjectStoreHost, limits: Partial<RequestLimits> = {}, errorOf: ObjectError = storeError) {
    this.#host = host
    this.#errorOf = errorOf
    this.#limits = { ...defaultLimits, ...limits }
  }

  /** Somebody waits for the end: what is waited for now, and later, is given up soon. The function ends that. */
  hurry(): () => void {
    this.#hurries++
    this.#hurriedAt = this.#host.clock.monotonic()
    for (const tell of this.#hurried) tell()
    let isOver = false
    return () => {
      if (!isOver) this.#hurries--
      isOver = true
    }
  }

  /**
   * Sends until there is a success.
   *
   * @throws MillraceError `checkpoint/store-failed` when a failure will not pass, or did not within the limits.
   */
  async until<Value>(doing: Doing, send: Send<Value>): Promise<Outcome<Value>> {
    return this.#until(doing, send, this.#limits.requests)
  }

  /** Sends once: for what somebody else will do, later, if this fails. */
  async once<Value>(doing: Doing, send: Send<Value>): Promise<Outcome<Value>> {
    return this.#until(doing, send, 1)
  }

  async #until<Value>(doing: Doing, send: Send<Value>, requests: number): Promise<Outcome<Value>> {
    const began = this.#host.clock.monotonic()
    let isRepeated = false
    for (let sent = 1; ; sent++) {
      const answer = await this.#sendOnce(doing, send)
      if (!('failure' in answer)) return { value: answer.value, isRepeated }
      const { failure } = answer
      const passed = this.#host.clock.monotonic() - began
      if (!passing.has(failure.kind) || sent >= requests || !this.#isPatient(began))
        throw this.#errorOf(failure, doing, textOf(failure, sent, passed))
      isRepeated ||= !certain.has(failure.kind)
      await this.#wait(sent, failure)
    }
  }

  #isPatient(began: number): boolean {
    const now = this.#host.clock.monotonic()
    if (this.#hurries > 0 && now - Math.max(began, this.#hurriedAt) >= HURRIED_MS) return false
    return now - began < this.#limits.patienceMs
  }

  async #sendOnce<Value>(doing: Doing, send: Send<Value>): Promise<ObjectAnswer<Value>> {
    const { timeoutMs } = this.#limits
    const abort = new AbortController()
    try {
      return await new Promise((resolve, reject) => {
        // A client may be slow to notice: nothing is waited for beyond the time.
        const giveUpAfter = (ms: number): { clear(): void } =>
          this.#host.timers.set(ms, () => {
            this.#hurried.delete(hurried)
            resolve({ failure: { kind: 'timeout', message: `no answer in ${ms} ms` } })
            abort.abort()
          })
        const hurriedMs = Math.min(timeoutMs, HURRIED_MS + (doing.bytes ?? 0) / SLOW_BYTES_PER_MS)
        const hurried = (): void => {
          timer.clear()
          timer = giveUpAfter(hurriedMs)
        }
        this.#hurried.add(hurried)
        let timer = giveUpAfter(this.#hurries > 0 ? hurriedMs : timeoutMs)
        send(abort.signal)
          .finally(() => {
            timer.clear()
            this.#hurried.delete(hurried)
          })
          .then(resolve, reject)
      })
    } catch (error) {
      throw unexpected(error, doing)
    }
  }

  async #wait(sent: number, failure: ObjectFailure): Promise<void> {
    const { firstWaitMs, longestWaitMs } = this.#limits
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** (sent - 1))
    const asked = Math.min(longestWaitMs, failure.retryAfterMs ?? 0)
    const delayMs = asked + this.#host.random.next() * longest
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.clear()
        this.#hurried.delete(done)
        resolve()
      }
      this.#hurried.add(done)
      // It never fires before `set` is back.
      const timer = this.#host.timers.set(delayMs, done)
    })
  }
}

function textOf(failure: ObjectFailure, sent: number, passedMs: number): FailureText {
  const often = sent === 1 ? '' : `, and ${sent} requests in ${(passedMs / 1000).toFixed(1)} s did no better`
  return { detail: `${failure.message}${often}`, hint: failure.hint ?? hints[failure.kind] }
}

const storeError: ObjectError = (_, doing, { detail, hint }) =>
  new MillraceError('checkpoint/store-failed', {
    what: `${doing.what} of the checkpoint store failed`,
    detail,
    hint:
      hint ?? 'look after the object store, then start again: the newest complete checkpoint is untouched',
    place: { file: doing.file },
  })

function unexpected(error: unknown, doing: Doing): MillraceError {
  return new MillraceError('checkpoint/store-failed', {
    what: `${doing.what} of the checkpoint store failed`,
    detail: error instanceof Error ? error.message : String(error),
    hint: 'this is a defect of the client of the object store: please report it',
    place: { file: doing.file },
    cause: error,
  })
}
