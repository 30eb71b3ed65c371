/**
 * What sinks were asked and have not answered yet, and what they say that they wait for: so that a run which stands still
 * says why (law L6).
 *
 * One per step; progress reads them. Invariants (tests quote them):
 *  WT1  Of a step there is one wait at most: what the sink has told of comes first, then the call that is open longest.
 *  WT2  A call counts when it has been open for a while; what a sink tells counts at once.
 *  WT3  In a run that is stopped a call that is not answered for long has failed. Calls of `close` are not limited here: who
 *      makes them does.
 */
import { MillraceError } from '../../errors.ts'
import type { SinkNotice } from '../../connect/sink.ts'
import type { Clock, Timer, Timers } from '../../host/host.ts'

/** A call that is open for less is no wait. */
const SHOWN_AFTER_MS = 2000

/** What a sink was asked to do. */
export type SinkCall =
  | 'opening'
  | 'sweeping'
  | 'writing'
  | 'preparing'
  | 'committing'
  | 'finishing'
  | 'closing'

/** A step that waits for its target. */
export interface SinkWait {
  readonly step: string
  /** What it was asked; undefined: nothing that is not answered, and it sends on behind its answers. */
  readonly doing: SinkCall | undefined
  /** What it waits for, where it says so. */
  readonly target: string | undefined
  /** Why, where it says so. */
  readonly reason: string | undefined
  /** Since when, in wall-clock time. */
  readonly sinceMs: number
}

interface Open {
  /** In wall-clock time, also where it is compared: a clock that jumps only shows a wait earlier or later. */
  readonly sinceMs: number
}

interface OpenCall extends Open {
  readonly doing: SinkCall
  readonly reject: (error: unknown) => void
  limit?: Timer
}

/** What a step is made with. */
type WaitsHost = { readonly clock: Clock; readonly timers: Timers }

interface OpenNotice extends Open {
  readonly notice: SinkNotice
}

/** What one step waits for. */
export class StepWaits {
  readonly step: string
  readonly #host: WaitsHost
  // In the order in which they were begun: the first is open longest.
  readonly #calls = new Set<OpenCall>()
  readonly #notices = new Set<OpenNotice>()
  #limitMs: number | undefined

  constructor(step: string, host: WaitsHost) {
    this.step = step
    this.#host = host
  }

  /**
   * A call, until it is answered.
   *
   * @throws MillraceError `output/write-failed` (WT3)
   */
  during<Answer>(doing: SinkCall, answer: Promise<Answer>): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const call: OpenCall = { doing, reject, sinceMs: this.#host.clock.now() }
      this.#calls.add(call)
      this.#limit(call)
      const ended = (): void => {
        call.limit?.clear()
        this.#calls.delete(call)
      }
      answer.finally(ended).then(resolve, reject)
    })
  }

  /** WT3: the run is stopped, and somebody waits for its end. */
  stop(limitMs: number): void {
    if (this.#limitMs !== undefined) return
    this.#limitMs = limitMs
    for (const call of this.#calls) this.#limit(call)
  }

  /** What the sink tells, until it takes it back. */
  readonly notice = (notice: SinkNotice): (() => void) => {
    const open = { notice, sinceMs: this.#host.clock.now() }
    this.#notices.add(open)
    return () => void this.#notices.delete(open)
  }

  /** WT1, WT2 */
  current(): SinkWait | undefined {
    const [call] = this.#calls
    const [told] = this.#notices
    if (told !== undefined) {
      const { target, reason } = told.notice
      return {
        step: this.step,
        doing: call?.doing,
        target,
        reason: reason(),
        sinceMs: told.sinceMs,
      }
    }
    if (call === undefined || this.#host.clock.now() - call.sinceMs < SHOWN_AFTER_MS) return undefined
    const { doing, sinceMs } = call
    return { step: this.step, doing, target: undefined, reason: undefined, sinceMs }
  }

  /** Nobody waits any more. */
  clear(): void {
    for (const call of this.#calls) call.limit?.clear()
    this.#calls.clear()
    this.#notices.clear()
  }

  #limit(call: OpenCall): void {
    const limitMs = this.#limitMs
    if (limitMs === undefined || call.doing === 'closing') return
    call.limit = this.#host.timers.set(limitMs, () => {
      this.#calls.delete(call)
      call.reject(
        new MillraceError('output/write-failed', {
          what: `${call.doing} has taken too long in a run that was stopped`,
          detail: `there was no answer for ${limitMs / 1000} s`,
          hint: 'see to the target, and start the job again',
          step: this.step,
        }),
      )
    })
  }
}
