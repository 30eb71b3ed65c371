/**
 * The waits between the tries of a commit that may succeed later: what is waited for, for progress, and the way to end it.
 *
 * Not the tries themselves (commit-epoch.ts). One per attempt: its waits end with it.
 */
import { MillraceError } from '../errors.ts'
import type { Timers } from '../host/host.ts'

/** Waits between tries: doubling from the first, never above the last. */
const RETRY_FIRST_MS = 50
const RETRY_LONGEST_MS = 10_000
/** Without a durable manifest to recover from, a sink that stays away ends the run; with one it is waited for. */
const RETRIES_MAX = 20
/** Somebody waits for the end of a run that is stopped: about three seconds. */
const RETRIES_MAX_STOPPED = 6

/** A commit that did not succeed yet. */
export interface CommitRetry {
  readonly step: string
  /** What the sink said. */
  readonly reason: string
  /** How often it was tried. */
  readonly tries: number
}

/** Waits between tries. */
export class CommitRetries {
  readonly #timers: Timers
  readonly #max: number
  #waiting: CommitRetry | undefined
  #stopped = false
  #aborted = false
  #wake: (() => void) | undefined

  /** @param isDurable - whether what is committed stands in a manifest: then there is no last try before a stop */
  constructor(timers: Timers, isDurable: boolean) {
    this.#timers = timers
    this.#max = isDurable ? Infinity : RETRIES_MAX
  }

  /** Whether what is committed stands in a manifest, so that the next start commits it again. */
  get isDurable(): boolean {
    return this.#max === Infinity
  }

  /** The commit that is tried again, also while a try is under way. */
  get waiting(): CommitRetry | undefined {
    return this.#waiting
  }

  /** Whether `tries` tries are as many as there may be. */
  exhausted(tries: number): boolean {
    return tries > (this.#stopped ? RETRIES_MAX_STOPPED : this.#max)
  }

  /** Ends the wait that is under way, so that it is tried once more at once, and allows few others. */
  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }

  /** Ends the wait that is under way and allows no other try: the run has failed, and its sinks are about to be closed. */
  abort(): void {
    this.#aborted = true
    this.#wake?.()
  }

  /** @throws MillraceError `run/cancelled` after `abort`. */
  throwIfAborted(): void {
    if (this.#aborted)
      throw new MillraceError('run/cancelled', { what: 'the run has failed before its output was committed' })
  }

  /** Waits before the next try. */
  async wait(retry: CommitRetry): Promise<void> {
    this.#waiting = retry
    const delayMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** (retry.tries - 1))
    await new Promise<void>((resolve) => {
      const timer = this.#timers.set(delayMs, resolve)
      this.#wake = () => {
        timer.clear()
        resolve()
      }
    })
    this.#wake = undefined
  }

  /** The commit is over, well or not: nothing is waited for. */
  over(): void {
    this.#waiting = undefined
  }
}
