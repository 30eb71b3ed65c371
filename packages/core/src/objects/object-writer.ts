/**
 * Writes one object: in one request when it is small, in parts when it is not.
 *
 * At most two parts are in memory: one that fills, and one that is on its way. A part that failed leaves the file
 * broken: the next call says so, and `abort` tells the store to forget what it has.
 */
import { MillraceError } from '../errors.ts'
import type { ObjectClient, ObjectUpload } from './object-client.ts'
import type { Doing, ObjectRequests, Send } from './object-requests.ts'

/** Where an object goes, and how. */
export interface ObjectTarget {
  readonly key: string
  /** Tells this object from all others. */
  readonly tag: string
  readonly doing: Doing
  readonly client: ObjectClient
  readonly requests: ObjectRequests
  readonly partBytes: number
  /** The error of an object that can be written no further; default that of the store of checkpoints. */
  readonly broken?: (detail: string, hint: string) => MillraceError
}

/** What a part begins with; it doubles until it holds all that is appended. */
const FIRST_BUFFER_BYTES = 64 * 1024
/** S3 takes no more. */
const PARTS_MAX = 10_000

/** An object that is being written. */
export class ObjectWriter {
  readonly #target: ObjectTarget
  #buffer: Uint8Array
  #used = 0
  #upload: ObjectUpload | undefined
  readonly #parts: string[] = []
  /** The part that is on its way, and what became of the ones before. */
  #sending: Promise<void> = Promise.resolve()
  #isOpen = true

  constructor(target: ObjectTarget) {
    this.#target = target
    this.#buffer = new Uint8Array(Math.min(FIRST_BUFFER_BYTES, target.partBytes))
  }

  async append(bytes: Uint8Array): Promise<void> {
    const { partBytes } = this.#target
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, partBytes - this.#used)
      this.#reserve(this.#used + count)
      this.#buffer.set(bytes.subarray(at, at + count), this.#used)
      this.#used += count
      at += count
      // Not before there is more: a file of exactly one part is one request, and its caller does not wait here.
      if (this.#used === partBytes && at < bytes.length) await this.#sendPart()
    }
  }

  async finish(): Promise<void> {
    const { client, key } = this.#target
    if (this.#upload === undefined && this.#parts.length === 0) {
      const bytes = this.#buffer.subarray(0, this.#used)
      await this.#until((signal) => client.put(key, bytes, signal), bytes)
    } else {
      if (this.#used > 0) await this.#sendPart()
      await this.#sending
      await this.#finishUpload()
    }
    this.#isOpen = false
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    // A part that is on its way would arrive behind the end, and be kept.
    await this.#sending.catch(() => undefined)
    const upload = this.#upload
    if (upload === undefined) return
    const { client, doing, requests } = this.#target
    // What cannot be forgotten now is swept later: a store that is away holds nobody up.
    await requests.once(doing, (signal) => client.abortUpload(upload, signal)).catch(() => undefined)
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const larger = new Uint8Array(Math.min(this.#target.partBytes, Math.max(bytes, this.#buffer.length * 2)))
    larger.set(this.#buffer.subarray(0, this.#used))
    this.#buffer = larger
  }

  /** Sends what has been gathered, once the part before it has arrived. */
  async #sendPart(): Promise<void> {
    await this.#sending
    const { client, key, tag, partBytes } = this.#target
    const upload = (this.#upload ??= await this.#until((signal) => client.beginUpload(key, tag, signal)))
    const bytes = this.#buffer.subarray(0, this.#used)
    const number = this.#parts.length + 1
    if (number > PARTS_MAX) throw this.#tooLarge()
    // Not filled again: a request that was given up may still read from it.
    this.#buffer = new Uint8Array(partBytes)
    this.#used = 0
    const sending = this.#until((signal) => client.uploadPart(upload, number, bytes, signal), bytes)
    this.#sending = sending.then((part) => void this.#parts.push(part))
    // Looked at by the next call.
    this.#sending.catch(() => undefined)
  }

  async #finishUpload(): Promise<void> {
    const { client, key, tag, doing, requests } = this.#target
    const upload = this.#upload as ObjectUpload
    const { value, isRepeated } = await requests.until(doing, (signal) =>
      client.finishUpload(upload, this.#parts, signal),
    )
    if (value === 'finished') return
    // Gone: finished by a request whose answer was lost, or forgotten on behalf of somebody else.
    const object = isRepeated
      ? await this.#until((signal) => client.get(key, { start: 0, end: 1 }, signal))
      : undefined
    if (object?.tag !== tag) throw this.#swept()
  }

  async #until<Value>(send: Send<Value>, carried?: Uint8Array): Promise<Value> {
    const { requests, doing } = this.#target
    const { value } = await requests.until({ ...doing, bytes: carried?.length ?? 0 }, send)
    return value
  }

  #tooLarge(): MillraceError {
    return this.#broken(
      `it has more than ${PARTS_MAX} parts of ${this.#target.partBytes} bytes`,
      'give the store larger parts (`partBytes`)',
    )
  }

  #swept(): MillraceError {
    return this.#broken(
      'its upload was ended by somebody else',
      'see whether another attempt of the job has taken over, or a lifecycle rule ends uploads too early',
    )
  }

  #broken(detail: string, hint: string): MillraceError {
    const { broken, doing } = this.#target
    if (broken !== undefined) return broken(detail, hint)
    return new MillraceError('checkpoint/store-failed', {
      what: `${doing.what} of the checkpoint store failed`,
      detail,
      hint,
      place: { file: doing.file },
    })
  }
}
