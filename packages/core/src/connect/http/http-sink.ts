/**
 * A service over HTTP as an output: rows are staged durably while they are written, and sent once their epoch stands, in
 * requests that have the same key and the same body however often they are sent.
 *
 * Exactly once where the service does nothing for a key that it has seen; at least once where it does not look.
 */
import { MillraceError } from '../../errors.ts'
import type { CommitOutcome, OpenSink, Sink, SinkContext, SinkStore } from '../sink.ts'
import { deliver } from './http-delivery.ts'
import type { Delivery } from './http-delivery.ts'
import { httpTarget, shownUrl } from './http-options.ts'
import type { HttpOptions, HttpTarget } from './http-options.ts'
import type { HttpCommittable } from './http-requests.ts'
import { HttpWriter } from './http-writer.ts'
import { MemoryPlace } from './staged-rows.ts'

/** Behind the name of staged rows: they were delivered. */
const DELIVERED = '.delivered'

/**
 * Sends rows to a service, with an `Idempotency-Key` for every request.
 *
 * @throws MillraceError `plan/invalid-argument` when the options fit no service.
 * @example
 * ```ts in-pipeline
 * hourly.write('send', toHttp('https://example.org/hourly', { headersFrom: { Authorization: 'API_TOKEN' } }))
 * ```
 */
export function toHttp(url: string, options: HttpOptions = {}): Sink<HttpCommittable> {
  const target = httpTarget(url, options)
  const { method, format, headersFrom, maxRows, maxBytes } = target
  return {
    description: {
      connector: 'http',
      options: { url: shownUrl(url), method, format, headersFrom, maxRows, maxBytes },
    },
    accepts: 'append',
    open: async (context) => new HttpSink(target, context),
  }
}

class HttpSink implements OpenSink<HttpCommittable> {
  readonly #target: HttpTarget
  readonly #context: SinkContext
  readonly #store: SinkStore
  /** Of the staged rows of this step, whatever the attempt and the history. */
  readonly #folder: string
  /** By the name of staged rows. */
  readonly #deliveries = new Map<string, Delivery>()
  /** Names of staged rows that this attempt has delivered, until a sweep removes them. */
  readonly #delivered = new Set<string>()
  /** The newest epoch that was delivered from here, by history, attempt and task: they are committed in order. */
  readonly #newest = new Map<string, number>()
  #names = 0
  #isClosed = false
  readonly #pauses = new Set<() => void>()

  constructor(target: HttpTarget, context: SinkContext) {
    this.#target = target
    this.#context = context
    this.#store = context.store ?? new MemoryPlace()
    const step = context.host.bytes.sha256([Buffer.from(context.step, 'utf8')]).slice(0, 16)
    this.#folder = `sinks/${step}/`
  }

  async writer(task: number): Promise<HttpWriter> {
    const { host, schema, lineage, attempt } = this.#context
    const [store, target] = [this.#store, this.#target]
    const newName = (): string => `${this.#folder}${attempt}-${lineage}-${this.#names++}`
    return new HttpWriter({ host, store, target, schema, lineage, attempt, task, newName })
  }

  holdsBack(): boolean {
    return false
  }

  /** Sends for several tasks at a time; what belongs to one follows in order. */
  async commit(committables: readonly HttpCommittable[]): Promise<readonly CommitOutcome[]> {
    const answers: PromiseSettledResult<CommitOutcome>[] = []
    let next = 0
    const work = async (): Promise<void> => {
      for (let at = next++; at < committables.length; at = next++) {
        const [answer] = await Promise.allSettled([this.#commitOne(committables[at] as HttpCommittable)])
        answers[at] = answer
      }
    }
    // The same rows twice in one call are one after the other, so that the second finds the first done.
    const isRepeated = new Set(committables.map(({ kept }) => kept.name)).size < committables.length
    const workers = isRepeated ? 1 : Math.min(this.#target.inFlight, committables.length)
    await Promise.all(Array.from({ length: workers }, work))
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason
      return answer.value
    })
  }

  async sweep(keep: readonly HttpCommittable[]): Promise<void> {
    const named = new Set(keep.map(({ kept }) => kept.name))
    for (const { name } of await this.#store.list(this.#folder)) {
      const rows = name.endsWith(DELIVERED) ? name.slice(0, -DELIVERED.length) : name
      const isOlder = attemptOf(rows.slice(this.#folder.length)) < this.#context.attempt
      if (named.has(rows) || (!isOlder && !this.#delivered.has(rows))) continue
      await this.#store.remove(name)
      if (name !== rows) this.#delivered.delete(rows)
    }
  }

  async finish(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of this.#pauses) end()
  }

  async #commitOne(committable: HttpCommittable): Promise<CommitOutcome> {
    const { name } = committable.kept
    if (await this.#wasDelivered(committable)) return { kind: 'already-committed' }
    const delivery = this.#deliveries.get(name) ?? { sent: 0, notBeforeMs: 0 }
    this.#deliveries.set(name, delivery)
    const { host, step } = this.#context
    const outcome = await deliver(
      { host, store: this.#store, target: this.#target, step, pause: (untilMs) => this.#pause(untilMs) },
      committable,
      delivery,
    )
    // An attempt before this one may be at work still, and have delivered them meanwhile: then it has removed them.
    if (outcome.kind === 'lost' && (await this.#isMarked(name))) return { kind: 'already-committed' }
    if (outcome.kind !== 'committed') return outcome
    // A crash before this stands sends all of it again, with the same keys.
    await this.#store.create(`${name}${DELIVERED}`, new Uint8Array(0))
    this.#delivered.add(name)
    this.#newest.set(taskOf(committable), committable.epoch)
    this.#deliveries.delete(name)
    await this.#store.remove(name)
    return outcome
  }

  async #wasDelivered(committable: HttpCommittable): Promise<boolean> {
    if (committable.epoch <= (this.#newest.get(taskOf(committable)) ?? 0)) return true
    return committable.attempt !== this.#context.attempt && this.#isMarked(committable.kept.name)
  }

  async #isMarked(name: string): Promise<boolean> {
    return (await this.#store.read(`${name}${DELIVERED}`)) !== undefined
  }

  /** Waits as long as the service wants to be left alone. */
  async #pause(untilMs: number): Promise<void> {
    const { clock, timers } = this.#context.host
    const leftMs = untilMs - clock.monotonic()
    if (leftMs > 0 && !this.#isClosed)
      await new Promise<void>((resolve) => {
        const end = (): void => {
          timer.clear()
          this.#pauses.delete(end)
          resolve()
        }
        const timer = timers.set(leftMs, end)
        this.#pauses.add(end)
      })
    if (this.#isClosed) throw new MillraceError('run/cancelled', { what: 'the sink was closed' })
  }
}

function taskOf({ lineage, attempt, task }: HttpCommittable): string {
  return `${lineage}.${attempt}.${task}`
}

/** The attempt that staged rows belong to: their names begin with it. */
function attemptOf(name: string): number {
  return Number.parseInt(name, 10)
}
