/**
 * Open files in a bucket: a new one that is written, a small one that is written again and again, one that is read.
 */
import type { FileStatus, OpenFile } from '../host/host.ts'
import type { ObjectPart } from './object-client.ts'
import type { ObjectWriter } from './object-writer.ts'

/** Bytes that are read at a time. */
const READ_BYTES = 4 * 1024 * 1024

/** An error with a code, as systems give them. */
export function codedError(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(`${code}: ${message}`, { cause }), { code })
}

/** What no open file of a bucket does unless it says so. */
abstract class OpenObject implements OpenFile {
  protected readonly path: string

  constructor(path: string) {
    this.path = path
  }

  read(_target: Uint8Array, _offset: number, _length: number, _position: number): Promise<number> {
    return this.#refuse('read')
  }

  write(_bytes: Uint8Array, _position?: number): Promise<void> {
    return this.#refuse('written')
  }

  truncate(_length: number): Promise<void> {
    return this.#refuse('cut')
  }

  status(): Promise<FileStatus> {
    return this.#refuse('looked at')
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(codedError('ENOTSUP', `"${this.path}" cannot be ${what} as it was opened`))
  }
}

/** A file that is written once: `sync` makes it whole, and there; closed before, it was never there (OF1). */
export class NewObject extends OpenObject {
  readonly #writer: ObjectWriter

  constructor(path: string, writer: ObjectWriter) {
    super(path)
    this.#writer = writer
  }

  override write(bytes: Uint8Array): Promise<void> {
    return this.#writer.append(bytes)
  }

  override sync(): Promise<void> {
    return this.#writer.finish()
  }

  override close(): Promise<void> {
    return this.#writer.abort()
  }
}

/** A small file that is held in memory, and put whole with every `sync`. */
export class SmallObject extends OpenObject {
  #bytes = Buffer.alloc(0)
  #isDirty = true
  readonly #put: (bytes: Uint8Array) => Promise<void>
  readonly #closed: () => void

  constructor(path: string, put: (bytes: Uint8Array) => Promise<void>, closed: () => void) {
    super(path)
    this.#put = put
    this.#closed = closed
  }

  override write(bytes: Uint8Array): Promise<void> {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    this.#isDirty = true
    return Promise.resolve()
  }

  override async sync(): Promise<void> {
    await this.#put(this.#bytes)
    this.#isDirty = false
  }

  override async close(): Promise<void> {
    try {
      if (this.#isDirty) await this.sync()
    } finally {
      this.#closed()
    }
  }
}

/** An object that is read, some MiB at a time. */
export class StoredObject extends OpenObject {
  #from = 0
  #part: ObjectPart
  readonly #get: (start: number, end: number) => Promise<ObjectPart | undefined>

  private constructor(
    path: string,
    first: ObjectPart,
    get: (start: number, end: number) => Promise<ObjectPart | undefined>,
  ) {
    super(path)
    this.#part = first
    this.#get = get
  }

  static async open(
    path: string,
    get: (start: number, end: number) => Promise<ObjectPart | undefined>,
  ): Promise<StoredObject> {
    const first = await get(0, READ_BYTES)
    if (first === undefined) throw codedError('ENOENT', `there is no "${path}"`)
    return new StoredObject(path, first, get)
  }

  override async read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    if (position >= this.#part.size || length === 0) return 0
    if (position < this.#from || position >= this.#from + this.#part.bytes.length) await this.#move(position)
    const start = position - this.#from
    const bytes = this.#part.bytes.subarray(start, start + length)
    target.set(bytes, offset)
    return bytes.length
  }

  override status(): Promise<FileStatus> {
    return Promise.resolve(statusOf(this.#part))
  }

  async #move(position: number): Promise<void> {
    const part = await this.#get(position, position + READ_BYTES)
    if (part === undefined) throw codedError('ENOENT', `"${this.path}" was removed`)
    if (part.version !== this.#part.version || part.bytes.length === 0)
      throw codedError('ESTALE', `"${this.path}" was replaced while it was read`)
    this.#from = position
    this.#part = part
  }
}

/** What an object is as a file. */
export function statusOf(part: ObjectPart): FileStatus {
  // Where the store does not tell when, it is never old.
  const { size, modifiedMs = Infinity, version } = part
  return { kind: 'file', size, modifiedMs, identity: version }
}
