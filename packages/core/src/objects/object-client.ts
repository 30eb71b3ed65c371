/**
 * The port to an object store: one method is one request, sent once, and its answer in words of this project.
 *
 * It knows of no retries, no waiting and no files of checkpoints: `object-requests.ts` sends again, and who calls it
 * (`checkpoint/object-store.ts`, `object-files.ts`) knows what to send. A client never rejects for what a store or a network does: that is a failure, and a value.
 *
 * Invariants (clients hold them, the store relies on them):
 *  OC1  `create` is decided by the store in one step: of all requests for one key that ever arrive, one creates.
 *  OC2  A success means that all bytes arrived as they were sent, and are durable; a `get` gives all bytes of its range.
 *  OC3  What a success has shown every later request sees, a list also.
 */

/** Why a request did not succeed. */
export type ObjectFailureKind =
  /** No connection, or one that broke. The request may have been carried out, or still will be. */
  | 'unreachable'
  /** No answer in time; as `unreachable`. */
  | 'timeout'
  /** The store asks for less (503, 429). */
  | 'throttled'
  /** The store failed (500, 502, 504). */
  | 'server'
  /** Another request for the same key was under way (409): nothing was done. */
  | 'conflict'
  /** Bytes were lost or changed on their way. */
  | 'damaged'
  /** The keys are missing, wrong or no longer valid. */
  | 'credentials'
  /** The keys are valid, and not enough. */
  | 'denied'
  /** The clocks of this machine and of the store are too far apart. */
  | 'clock'
  /** The bucket is in another region. */
  | 'region'
  | 'no-bucket'
  /** The store does not have what was asked for. */
  | 'unsupported'
  /** Anything else that the store will not do. */
  | 'refused'

/** A request that did not succeed. Its texts are for people and hold no secrets. */
export interface ObjectFailure {
  readonly kind: ObjectFailureKind
  /** What the store or the system said. */
  readonly message: string
  /** What to do, when the client knows better than the kind tells. */
  readonly hint?: string
  /** How long the store asks to wait. */
  readonly retryAfterMs?: number
}

/** What became of a request. */
export type ObjectAnswer<Value> = { readonly value: Value } | { readonly failure: ObjectFailure }

/** Part of an object. */
export interface ObjectPart {
  readonly bytes: Uint8Array
  /** Bytes of the whole object. */
  readonly size: number
  /** Tells this content from another one under the same key. */
  readonly version: string
  /** What `create` or `beginUpload` was given. */
  readonly tag: string | undefined
  /** When it was written, by the clock of the store, in milliseconds since 1970, where the store tells. */
  readonly modifiedMs?: number
}

/** Objects of a list, and where it goes on. */
export interface ObjectPage {
  readonly objects: readonly { readonly key: string; readonly bytes: number }[]
  readonly next: string | undefined
}

/** An object in several requests, until it is finished. */
export interface ObjectUpload {
  readonly key: string
  readonly id: string
}

/** Uploads that are not finished, and where the list goes on. */
export interface UploadPage {
  readonly uploads: readonly ObjectUpload[]
  readonly next: string | undefined
}

/** One bucket. Every method gives up when `signal` is aborted. */
export interface ObjectClient {
  /** For people: a URL without secrets and without a slash at its end. */
  readonly place: string
  /** Creates an object if none has its key (OC1). `tag` is kept with it. */
  create(
    key: string,
    bytes: Uint8Array,
    tag: string,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<'created' | 'exists'>>
  /** Creates or replaces an object. */
  put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<ObjectAnswer<void>>
  /** Bytes from `start` up to and without `end`, which is behind it; undefined when nothing has the key. */
  get(
    key: string,
    range: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<ObjectAnswer<ObjectPart | undefined>>
  /** Puts the bytes of an object under another key, too, whatever is there; the store does it. */
  copy(from: string, to: string, signal: AbortSignal): Promise<ObjectAnswer<'copied' | 'missing'>>
  /** Objects whose keys begin with `prefix`. */
  list(prefix: string, from: string | undefined, signal: AbortSignal): Promise<ObjectAnswer<ObjectPage>>
  /** Removes an object; one that is not there is removed already. */
  remove(key: string, signal: AbortSignal): Promise<ObjectAnswer<void>>
  beginUpload(key: string, tag: string, signal: AbortSignal): Promise<ObjectAnswer<ObjectUpload>>
  /** Sends part `number`, from 1; gives its name for `finishUpload`. */
  uploadPart(
    upload: ObjectUpload,
    number: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<string>>
  /** Makes the object of its parts appear; `gone` when the store knows no such upload, or none any more. */
  finishUpload(
    upload: ObjectUpload,
    parts: readonly string[],
    signal: AbortSignal,
  ): Promise<ObjectAnswer<'finished' | 'gone'>>
  /** Forgets an upload and its parts; one that is not there is forgotten already. */
  abortUpload(upload: ObjectUpload, signal: AbortSignal): Promise<ObjectAnswer<void>>
  listUploads(
    prefix: string,
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<ObjectAnswer<UploadPage>>
}
