/**
 * An object store in memory that is as hostile as a network makes one: answers get lost, requests that were given up
 * arrive later, any request may be refused for a while.
 *
 * What it holds is never wrong: conditions are decided in one step (OC1), and everyone sees what was acknowledged (OC3).
 * The same choices give the same run (law L5).
 */
import type { ObjectAnswer, ObjectClient, ObjectFailureKind, ObjectUpload } from '../checkpoint/index.ts'

/** A request, by the method of the client. */
export type ObjectOperation = Exclude<keyof ObjectClient, 'place'>

/** What happens to a request instead of success. */
export type ObjectEffect =
  /** Refused for this reason; nothing is done. */
  | ObjectFailureKind
  /** Carried out; the answer is lost. */
  | 'lost'
  /** No connection, as it seems: it is carried out when `arrive` is called. */
  | 'late'
  /** Neither carried out nor answered. */
  | 'silent'

/** A fault to inject. */
export interface ObjectFault {
  readonly effect: ObjectEffect
  /** Only for this operation; default all. */
  readonly operation?: ObjectOperation
  /** Only for keys (or prefixes) that match; default all. */
  readonly key?: RegExp
  /** How many matching requests succeed before it strikes; default 0. */
  readonly after?: number
  /** How often it strikes; default for ever. */
  readonly times?: number
}

/** How a simulated store is made. */
export interface SimulatedObjectsOptions {
  /** Entries on a page of a list; default 3. */
  readonly pageSize?: number
  /** Decides over each request, unless an injected fault did. */
  readonly strike?: (operation: ObjectOperation, key: string) => ObjectEffect | undefined
  /** A store that takes the condition of `create` and does not look at it. */
  readonly ignoresConditions?: boolean
}

/** How a request gets to the store, and its answer back; as `remotely` of a simulated machine. */
export type Travel = <Answer>(name: string, arrive: () => Promise<Answer>) => Promise<Answer>

interface StoredObject {
  readonly bytes: Uint8Array
  readonly version: string
  readonly tag: string | undefined
}

interface StoredUpload {
  readonly key: string
  readonly tag: string
  readonly parts: Map<number, { readonly bytes: Uint8Array; readonly name: string }>
}

/** One bucket. */
export class SimulatedObjects {
  /** Every request that was carried out: `create log/1`. */
  readonly log: string[] = []
  readonly #objects = new Map<string, StoredObject>()
  readonly #uploads = new Map<string, StoredUpload>()
  readonly #options: SimulatedObjectsOptions
  #faults: { readonly fault: ObjectFault; seen: number; struck: number }[] = []
  #late: (() => unknown)[] = []
  #versions = 0

  constructor(options: SimulatedObjectsOptions = {}) {
    this.#options = options
  }

  /** Keys and bytes of all objects. */
  contents(): readonly (readonly [key: string, bytes: Uint8Array])[] {
    return [...this.#objects].map(([key, { bytes }]) => [key, bytes] as const)
  }

  /** Uploads that are neither finished nor forgotten. */
  get openUploads(): number {
    return this.#uploads.size
  }

  /** Makes matching requests fail from now on. Returns a function that takes the fault away. */
  inject(fault: ObjectFault): () => void {
    const entry = { fault, seen: 0, struck: 0 }
    this.#faults.push(entry)
    return () => {
      this.#faults = this.#faults.filter((other) => other !== entry)
    }
  }

  /** Carries out all requests that are late, and forgets what it would answer. */
  arrive(): void {
    const late = this.#late
    this.#late = []
    for (const run of late) run()
  }

  /** Puts an object under a key, whatever is there, as someone else would. */
  put(key: string, bytes: Uint8Array): void {
    this.#put(key, bytes, undefined)
  }

  /** A client as another process would have one. `travel`: the way there and back; default: none. */
  client(travel: Travel = (_, arrive) => arrive()): ObjectClient {
    const request = <Value>(
      operation: ObjectOperation,
      key: string,
      signal: AbortSignal,
      run: () => Value,
    ): Promise<ObjectAnswer<Value>> =>
      travel(`${operation} ${key}`, () => this.#request(operation, key, signal, run))
    return {
      place: 'simulated://bucket',
      create: (key, bytes, tag, signal) =>
        request('create', key, signal, () => this.#create(key, bytes, tag)),
      put: (key, bytes, signal) => request('put', key, signal, () => this.#put(key, bytes, undefined)),
      get: (key, { start, end }, signal) =>
        request('get', key, signal, () => {
          const object = this.#objects.get(key)
          if (object === undefined) return undefined
          return { ...object, bytes: object.bytes.slice(start, end), size: object.bytes.length }
        }),
      copy: (from, to, signal) =>
        request('copy', to, signal, () => {
          const object = this.#objects.get(from)
          if (object === undefined) return 'missing'
          this.#put(to, object.bytes, object.tag)
          return 'copied'
        }),
      list: (prefix, from, signal) =>
        request('list', prefix, signal, () => {
          const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix))
          const { page, next } = this.#page(keys, from)
          const bytesOf = (key: string): number => this.#objects.get(key)?.bytes.length ?? 0
          return { objects: page.map((key) => ({ key, bytes: bytesOf(key) })), next }
        }),
      remove: (key, signal) => request('remove', key, signal, () => void this.#objects.delete(key)),
      beginUpload: (key, tag, signal) =>
        request('beginUpload', key, signal, () => {
          const id = String(++this.#versions).padStart(9, '0')
          this.#uploads.set(id, { key, tag, parts: new Map() })
          return { key, id }
        }),
      uploadPart: (upload, number, bytes, signal) =>
        this.#orRefused(
          request('uploadPart', upload.key, signal, () => this.#uploadPart(upload, number, bytes)),
        ),
      finishUpload: (upload, parts, signal) =>
        this.#orRefused(request('finishUpload', upload.key, signal, () => this.#finishUpload(upload, parts))),
      abortUpload: ({ key, id }, signal) =>
        request('abortUpload', key, signal, () => void this.#uploads.delete(id)),
      listUploads: (prefix, from, signal) =>
        request('listUploads', prefix, signal, () => {
          const ids = [...this.#uploads].flatMap(([id, { key }]) => (key.startsWith(prefix) ? [id] : []))
          const { page, next } = this.#page(ids, from)
          return { uploads: page.map((id) => ({ id, key: this.#uploads.get(id)?.key ?? '' })), next }
        }),
    }
  }

  async #request<Value>(
    operation: ObjectOperation,
    key: string,
    signal: AbortSignal,
    run: () => Value,
  ): Promise<ObjectAnswer<Value>> {
    const carryOut = (): Value => {
      this.log.push(`${operation} ${key}`)
      return run()
    }
    // Others get a turn on the way there, and on the way back.
    await Promise.resolve()
    const effect = this.#effectOf(operation, key)
    if (effect === undefined) {
      const value = carryOut()
      await Promise.resolve()
      return { value }
    }
    if (effect === 'silent')
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(failure('unreachable', 'given up')))
      })
    if (effect === 'lost') carryOut()
    if (effect === 'late') this.#late.push(carryOut)
    const kind = effect === 'lost' || effect === 'late' ? 'unreachable' : effect
    return failure(kind, `${operation} was made to fail: ${effect}`)
  }

  #effectOf(operation: ObjectOperation, key: string): ObjectEffect | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry
      if (fault.operation !== undefined && fault.operation !== operation) continue
      if (fault.key?.test(key) === false) continue
      entry.seen++
      if (entry.seen <= (fault.after ?? 0) || entry.struck >= (fault.times ?? Infinity)) continue
      entry.struck++
      return fault.effect
    }
    return this.#options.strike?.(operation, key)
  }

  #create(key: string, bytes: Uint8Array, tag: string): 'created' | 'exists' {
    if (this.#objects.has(key) && this.#options.ignoresConditions !== true) return 'exists'
    this.#put(key, bytes, tag)
    return 'created'
  }

  #put(key: string, bytes: Uint8Array, tag: string | undefined): void {
    this.#objects.set(key, { bytes: bytes.slice(), tag, version: String(++this.#versions) })
  }

  #uploadPart(upload: ObjectUpload, number: number, bytes: Uint8Array): string | undefined {
    const name = `part ${++this.#versions}`
    const parts = this.#uploads.get(upload.id)?.parts
    parts?.set(number, { bytes: bytes.slice(), name })
    return parts === undefined ? undefined : name
  }

  async #orRefused<Value>(sent: Promise<ObjectAnswer<Value | undefined>>): Promise<ObjectAnswer<Value>> {
    const answer = await sent
    if ('failure' in answer) return answer
    const { value } = answer
    return value === undefined ? failure('refused', 'there is no such upload, or part') : { value }
  }

  /** A part that arrived once more has another name, as with some stores: what was named before is not there then. */
  #finishUpload(upload: ObjectUpload, names: readonly string[]): 'finished' | 'gone' | undefined {
    const found = this.#uploads.get(upload.id)
    if (found === undefined) return 'gone'
    const parts = names.map((name, at) => {
      const part = found.parts.get(at + 1)
      return part?.name === name ? part.bytes : undefined
    })
    if (!parts.every((part) => part !== undefined)) return undefined
    this.#uploads.delete(upload.id)
    this.#put(found.key, new Uint8Array(Buffer.concat(parts)), found.tag)
    return 'finished'
  }

  #page(keys: readonly string[], from: string | undefined): { page: string[]; next: string | undefined } {
    const size = this.#options.pageSize ?? 3
    const rest = keys.toSorted().filter((key) => from === undefined || key > from)
    const page = rest.slice(0, size)
    return { page, next: rest.length > size ? page.at(-1) : undefined }
  }
}

function failure(
  kind: ObjectFailureKind,
  message: string,
): { failure: { kind: ObjectFailureKind; message: string } } {
  return { failure: { kind, message } }
}
