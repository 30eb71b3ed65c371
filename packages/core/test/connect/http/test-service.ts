// A service that takes rows, as services should: a key that it has seen does nothing again. It can be told to be slow, to
// refuse, to lose answers and to hang up.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** One request that arrived. */
export interface Arrival {
  readonly method: string
  readonly key: string
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What becomes of a request. */
export type Fate =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The rows are taken, and the answer is lost. */
  | { readonly kind: 'take-and-hang-up' }
  | { readonly kind: 'hang-up' }
  | { readonly kind: 'silence' } // prettier-ignore

/** A service on the loopback. */
export class TestService {
  readonly url: string
  /** All that arrived, repeated requests too. */
  readonly arrivals: Arrival[] = []
  /** Bodies by key, in the order in which keys came first. */
  readonly taken = new Map<string, string>()
  /** Keys that came again with another body. */
  readonly conflicts: string[] = []
  /** Requests that are being worked on at this moment, and the most there ever were. */
  atOnce = 0
  atOnceMost = 0
  /** What becomes of the next requests; when it is empty they are taken. */
  fates: Fate[] = []
  /** Called for every request; undefined: `fates` decide. */
  fate: ((arrival: Arrival) => Fate | undefined) | undefined
  delayMs = 0
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}/rows?key=in-the-url`
  }

  static start(): Promise<TestService> {
    return new Promise((resolve) => {
      const server = createServer((request, response) => void service.#serve(request, response))
      let service: TestService
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        service = new TestService(server, typeof address === 'object' && address !== null ? address.port : 0)
        resolve(service)
      })
    })
  }

  /** All rows, each as often as it was taken. */
  rows(): object[] {
    return Array.from(this.taken.values()).flatMap((body) => rowsOf(body))
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.atOnce++
    this.atOnceMost = Math.max(this.atOnceMost, this.atOnce)
    try {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const body = Buffer.concat(pieces).toString('utf8')
      const { method = '', headers } = request
      const arrival = { method, key: String(headers['idempotency-key']), body, headers }
      this.arrivals.push(arrival)
      if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
      this.#decide(arrival, response)
    } catch {
      response.destroy()
    } finally {
      this.atOnce--
    }
  }

  #decide(arrival: Arrival, response: ServerResponse): void {
    const fate = this.fate?.(arrival) ?? this.fates.shift() ?? { kind: 'answer', status: 200 }
    if (fate.kind === 'silence') return
    if (fate.kind === 'take-and-hang-up' || (fate.kind === 'answer' && fate.status < 300)) this.#take(arrival)
    if (fate.kind !== 'answer') response.destroy()
    else response.writeHead(fate.status, fate.headers).end(fate.body ?? '')
  }

  #take({ key, body }: Arrival): void {
    const before = this.taken.get(key)
    if (before === undefined) this.taken.set(key, body)
    else if (before !== body) this.conflicts.push(key)
  }
}

function rowsOf(body: string): object[] {
  if (body.startsWith('[')) return JSON.parse(body) as object[]
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object)
}
