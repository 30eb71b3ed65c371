/**
 * Checkpoints in an object store: objects under a prefix, created by conditional requests.
 *
 * An object appears whole and durable in one step, so there are no drafts and nothing to sync. What a directory does not
 * know: an answer can be lost though its request was carried out, and a request that was given up can arrive later. So
 * every object that others may want carries a tag of the call that created it, and a call that was refused after a lost
 * answer looks whose tag stands there.
 *
 * A store that takes the condition and does not look at it would let two attempts write the same entry. So every
 * `ObjectStore` tries it out before its first creation, on an object that is there for that (law L10).
 */
import { assert, MillraceError } from '../errors.ts'
import type { ObjectClient } from '../objects/object-client.ts'
import { ObjectRequests } from '../objects/object-requests.ts'
import type { Doing, ObjectStoreHost, RequestLimits } from '../objects/object-requests.ts'
import { ObjectWriter } from '../objects/object-writer.ts'
import { foreign, isOwnName, noPlace } from './store-place.ts'
import { isStoreName } from './store.ts'
import type { ByteRange, CheckpointStore, StoredFile, StoreWriter } from './store.ts'

/** How an `ObjectStore` works; what is left out has a default. */
export interface ObjectStoreOptions {
  /** What keys begin with, such as `jobs/bids`; default empty: the whole bucket. */
  readonly prefix?: string
  /** Time and number of requests. */
  readonly limits?: Partial<RequestLimits>
  /** Bytes that are sent at once: files up to this size are one request. Default 8 MiB; S3 takes no less than 5 MiB. */
  readonly partBytes?: number
}

const DEFAULT_PART_BYTES = 8 * 1024 * 1024
/** Pages of one list; S3 has 1000 objects on each. */
const PAGES_MAX = 100_000
/** The object that tries out conditions: no store name, so no list shows it. It stays: the next trial is one request. */
const TRIAL = '.trial'
/** Rounds of one call: in each, others changed what it had just looked at. */
const ROUNDS_MAX = 10

/** A store in a bucket. */
export class ObjectStore implements CheckpointStore {
  readonly place: string
  readonly #client: ObjectClient
  readonly #host: ObjectStoreHost
  readonly #requests: ObjectRequests
  readonly #prefix: string
  readonly #partBytes: number
  #tried: Promise<void> | undefined

  constructor(host: ObjectStoreHost, client: ObjectClient, options: ObjectStoreOptions = {}) {
    const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '')
    this.#client = client
    this.#host = host
    this.#requests = new ObjectRequests(host, options.limits)
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.#partBytes = options.partBytes ?? DEFAULT_PART_BYTES
    this.place = prefix === '' ? client.place : `${client.place}/${prefix}`
  }

  hurry(): () => void {
    return this.#requests.hurry()
  }

  async check(): Promise<void> {
    await this.#listKeys(this.#doing('listing files', ''), this.#prefix, (key) => {
      const name = key.slice(this.#prefix.length)
      if (!name.endsWith('/') && !isOwnName(name)) throw noPlace(this.place, foreign(name))
    })
  }

  async create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const key = this.#key(name)
    await this.#tryOut()
    return this.#create(this.#doing('creating a file', name), key, bytes)
  }

  async write(name: string): Promise<StoreWriter> {
    return new ObjectWriter({
      key: this.#key(name),
      tag: this.#host.random.hex(16),
      doing: this.#doing('writing a file', name),
      client: this.#client,
      requests: this.#requests,
      partBytes: this.#partBytes,
    })
  }

  async read(name: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    const key = this.#key(name)
    const doing = this.#doing('reading a file', name)
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const found = await this.#readOnce(doing, key, range)
      if (found !== 'changed') return found
    }
    throw this.#unstable(doing)
  }

  async names(prefix: string): Promise<readonly string[]> {
    return (await this.list(prefix)).map(({ name }) => name)
  }

  async list(prefix: string): Promise<readonly StoredFile[]> {
    const found: StoredFile[] = []
    await this.#listKeys(this.#doing('listing files', prefix), this.#prefix + prefix, (key, bytes) => {
      const name = key.slice(this.#prefix.length)
      // Consoles make objects with a slash at the end of their names, to show folders.
      if (!name.endsWith('/') && !isDraft(name)) found.push({ name, bytes })
    })
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async remove(name: string): Promise<void> {
    const key = this.#key(name)
    await this.#requests.until(this.#doing('removing a file', name), (signal) =>
      this.#client.remove(key, signal),
    )
  }

  async sweep(): Promise<void> {
    const doing = this.#doing('sweeping files', '')
    for (let from: string | undefined, page = 0; ; page++) {
      const at = from
      const { value } = await this.#requests.until(doing, (signal) =>
        this.#client.listUploads(this.#prefix, at, signal),
      )
      // Another job may have its place below this prefix.
      const own = value.uploads.filter(({ key }) => isOwnName(key.slice(this.#prefix.length)))
      for (const upload of own)
        await this.#requests.until(doing, (signal) => this.#client.abortUpload(upload, signal))
      from = value.next
      if (from === undefined) return
      if (from === at || page > PAGES_MAX) throw endless(doing)
    }
  }

  #key(name: string): string {
    assert(isStoreName(name), `"${name}" is no name for a file of a checkpoint store`)
    return this.#prefix + name
  }

  #doing(what: string, name: string): Doing {
    return { what, file: `${this.place}/${name}` }
  }

  /** ST1. Sending again is safe: only one request for a key creates, and the tag says whose it was. */
  async #create(doing: Doing, key: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const tag = this.#host.random.hex(16)
    let isRepeated = false
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const outcome = await this.#requests.until(doing, (signal) =>
        this.#client.create(key, bytes, tag, signal),
      )
      isRepeated ||= outcome.isRepeated
      if (outcome.value === 'created' || !isRepeated) return outcome.value
      const { value } = await this.#requests.until(doing, (signal) =>
        this.#client.get(key, { start: 0, end: 1 }, signal),
      )
      if (value !== undefined) return value.tag === tag ? 'created' : 'exists'
      // Removed in between, so the name is free, as if we had come later.
    }
    throw this.#unstable(doing)
  }

  /** One read, in requests of one part each: none takes longer than its time allows. */
  async #readOnce(
    doing: Doing,
    key: string,
    range: ByteRange | undefined,
  ): Promise<Uint8Array | undefined | 'changed'> {
    const start = range?.start ?? 0
    const wanted = range?.end ?? Infinity
    // An empty range asks whether there is such a file.
    const firstEnd = Math.max(start + 1, Math.min(wanted, start + this.#partBytes))
    const first = await this.#get(doing, key, start, firstEnd)
    if (first === undefined) return undefined
    const end = Math.min(wanted, first.size)
    if (end <= start) return new Uint8Array(0)
    if (end <= start + first.bytes.length) return first.bytes.subarray(0, end - start)
    const whole = new Uint8Array(end - start)
    whole.set(first.bytes)
    for (let at = start + first.bytes.length; at < end;) {
      const part = await this.#get(doing, key, at, Math.min(end, at + this.#partBytes))
      if (part === undefined || part.version !== first.version) return 'changed'
      whole.set(part.bytes, at - start)
      at += part.bytes.length
    }
    return whole
  }

  async #get(
    doing: Doing,
    key: string,
    start: number,
    end: number,
  ): Promise<{ bytes: Uint8Array; size: number; version: string } | undefined> {
    const { value } = await this.#requests.until(doing, (signal) =>
      this.#client.get(key, { start, end }, signal),
    )
    if (value !== undefined)
      assert(
        value.bytes.length === Math.max(0, Math.min(end, value.size) - start),
        'OC2: a client gives all bytes of a range',
      )
    return value
  }

  async #listKeys(
    doing: Doing,
    prefix: string,
    visit: (key: string, bytes: number) => unknown,
  ): Promise<void> {
    for (let from: string | undefined, page = 0; ; page++) {
      const at = from
      const { value } = await this.#requests.until(doing, (signal) => this.#client.list(prefix, at, signal))
      for (const { key, bytes } of value.objects) visit(key, bytes)
      from = value.next
      if (from === undefined) return
      if (from === at || page > PAGES_MAX) throw endless(doing)
    }
  }

  /** Once; again after a failure, since that said nothing about conditions. */
  async #tryOut(): Promise<void> {
    this.#tried ??= this.#tryConditions().catch((error: unknown) => {
      this.#tried = undefined
      throw error
    })
    await this.#tried
  }

  async #tryConditions(): Promise<void> {
    const doing = this.#doing('trying out conditional creation', TRIAL)
    const key = this.#prefix + TRIAL
    for (let k = 0; k < 2; k++) if ((await this.#create(doing, key, new Uint8Array(1))) === 'exists') return
    throw new MillraceError('checkpoint/store-failed', {
      what: 'this object store cannot keep checkpoints',
      detail: 'asked twice to create an object if there was none, it did so twice',
      hint: 'use a store that keeps "If-None-Match: *" with writes: S3 and recent MinIO do; or a directory',
      place: { file: this.place },
    })
  }

  #unstable(doing: Doing): MillraceError {
    return new MillraceError('checkpoint/store-failed', {
      what: `${doing.what} of the checkpoint store failed`,
      detail: 'others changed it again and again meanwhile',
      hint: 'see who else writes under this prefix: it belongs to one job',
      place: { file: doing.file },
    })
  }
}

/** Whether a part of the name begins with a dot. */
function isDraft(name: string): boolean {
  return name.startsWith('.') || name.includes('/.')
}

function endless(doing: Doing): MillraceError {
  return new MillraceError('checkpoint/store-failed', {
    what: `${doing.what} of the checkpoint store failed`,
    detail: 'the list of the object store has no end',
    hint: 'the store does not do what S3 does: use another one',
    place: { file: doing.file },
  })
}
