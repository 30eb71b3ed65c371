/**
 * One `COPY … FROM STDIN` on a connection of pg: bytes go out as the server takes them.
 *
 * pg calls the handlers (its queries are such objects); nobody else does. No type of pg is named here: who installs the
 * package has none of them.
 */

/** What pg's connections have and their types do not say. */
interface CopyConnection {
  readonly stream: {
    readonly writableNeedDrain: boolean
    once(event: 'drain', listener: () => void): void
    removeListener(event: 'drain', listener: () => void): void
  }
  query(text: string): void
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
}

/** A copy that is under way. */
export class CopyIn {
  /** Resolves when the server wants bytes. */
  readonly ready: Promise<void>
  /** Resolves to the rows that the server has taken, after `end`; rejects when it refuses them or is gone. */
  readonly done: Promise<number>
  readonly #text: string
  #connection: CopyConnection | undefined
  #rows = 0
  #failed: ((error: unknown) => void)[] = []
  #isReady: () => void = () => undefined
  #isDone: (rows: number) => void = () => undefined
  #failure: { readonly error: unknown } | undefined

  constructor(text: string) {
    this.#text = text
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve
      this.#failed.push(reject)
    })
    this.done = new Promise((resolve, reject) => {
      this.#isDone = resolve
      this.#failed.push(reject)
    })
    // Who waits for one of the two is told; the other is nobody's.
    this.ready.catch(() => undefined)
    this.done.catch(() => undefined)
  }

  /** Sends bytes; resolves when more may come. */
  async send(chunk: Uint8Array): Promise<void> {
    this.rethrow()
    const connection = this.#connection as CopyConnection
    connection.sendCopyFromChunk(chunk)
    if (!connection.stream.writableNeedDrain) return
    let drained: () => void = () => undefined
    const drain = new Promise<void>((resolve) => (drained = resolve))
    connection.stream.once('drain', drained)
    try {
      await Promise.race([drain, this.done])
    } finally {
      connection.stream.removeListener('drain', drained)
    }
  }

  /** Throws what the server has refused the rows for, if it has. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** All bytes were sent. */
  end(): Promise<number> {
    if (this.#failure === undefined) this.#connection?.endCopyFrom()
    return this.done
  }

  submit(connection: unknown): void {
    ;(connection as CopyConnection).query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#connection = connection
    this.#isReady()
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)/.exec(message.text)?.[1] ?? 0)
  }

  handleError(error: unknown): void {
    this.#failure = { error }
    for (const reject of this.#failed) reject(error)
  }

  handleReadyForQuery(): void {
    this.#isDone(this.#rows)
  }

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handlePortalSuspended(): void {}

  handleEmptyQuery(): void {}
}
