/**
 * A bucket as what sinks of files ask of a disk: new files, second names, small records, lists, removal.
 *
 * Not a file system: files are written from their beginning to their end, and there are no folders but in names.
 * Invariants (tests quote them):
 *  OF1  A new file is there when its `sync` has answered, whole and durable, and not before.
 *  OF2  A second name is a copy that the store makes. It is looked at directly before whether something has that name;
 *       only who puts an object there at that moment loses it.
 *  OF3  In a folder whose name begins with `_`, an upload that was begun and not finished is listed as a file, and ends
 *       when that file is removed.
 *  OF4  What passes by itself is an error with the code `ESTORE`; what does not is an operating error.
 */
import type { ErrorCode } from '../errors.ts'
import { MillraceError } from '../errors.ts'
import type { Files, FileStatus, OpenFile, OpenMode } from '../host/host.ts'
import type { ObjectClient, ObjectFailureKind, ObjectPart, ObjectUpload } from './object-client.ts'
import { codedError, NewObject, SmallObject, statusOf, StoredObject } from './object-handles.ts'
import { ObjectRequests, passing } from './object-requests.ts'
import type { Doing, ObjectError, ObjectStoreHost, RequestLimits, Send } from './object-requests.ts'
import { ObjectWriter } from './object-writer.ts'

/** Which part of a bucket, and how it is asked. */
export interface ObjectFilesOptions {
  /** What paths begin with: the name of the place, for people. */
  readonly root: string
  /** What keys begin with, without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string
  readonly limits?: Partial<RequestLimits>
  /** Bytes of a part of an upload; default 5 MiB, the least that S3 takes. */
  readonly partBytes?: number
}

const DEFAULT_PART_BYTES = 5 * 1024 * 1024
/** A store copies some GB before it answers. */
const COPY_LIMITS: Partial<RequestLimits> = { timeoutMs: 300_000, patienceMs: 600_000 }
/** Pages of one list. */
const PAGES_MAX = 100_000

type Entry = { readonly name: string; readonly kind: FileStatus['kind'] }

/** Files under a prefix of a bucket. */
export class ObjectFiles implements Files {
  readonly #client: ObjectClient
  readonly #host: ObjectStoreHost
  readonly #root: string
  readonly #prefix: string
  readonly #partBytes: number
  readonly #requests: ObjectRequests
  readonly #copies: ObjectRequests
  /** Folders that somebody has asked for: they need nothing, and are there. */
  readonly #folders = new Set<string>()
  /** Small files that are open, by handle: where they are put. */
  readonly #open = new Map<SmallObject, string>()
  /** Uploads that a list has shown, by key (OF3). */
  readonly #uploads = new Map<string, ObjectUpload[]>()

  constructor(host: ObjectStoreHost, client: ObjectClient, options: ObjectFilesOptions) {
    const { root, prefix, limits = {}, partBytes = DEFAULT_PART_BYTES } = options
    this.#client = client
    this.#host = host
    this.#root = root
    this.#prefix = prefix
    this.#partBytes = partBytes
    this.#requests = new ObjectRequests(host, limits, outputError)
    this.#copies = new ObjectRequests(host, { ...COPY_LIMITS, ...limits }, outputError)
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    switch (mode) {
      case 'create':
        return new NewObject(path, this.#writer(path))
      case 'overwrite':
        return this.#openSmall(path)
      case 'read':
        return StoredObject.open(path, (start, end) => this.#get(path, start, end))
      case 'append':
        throw codedError('ENOTSUP', `nothing can be added to "${path}": it is an object`)
    }
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const isFolder = path === this.#root || this.#root.startsWith(`${path}/`) || this.#folders.has(path)
    if (isFolder) return { kind: 'directory', size: 0, modifiedMs: 0, identity: path }
    const part = await this.#get(path, 0, 1)
    return part === undefined ? undefined : statusOf(part)
  }

  async list(path: string): Promise<readonly Entry[]> {
    const key = this.#key(path)
    const prefix = key === '' ? '' : `${key}/`
    const kinds = new Map<string, FileStatus['kind']>()
    const note = (found: string): void => {
      const [name = '', ...inner] = found.slice(prefix.length).split('/')
      if (name !== '' && kinds.get(name) !== 'file') kinds.set(name, inner.length > 0 ? 'directory' : 'file')
    }
    await this.#pages(path, async (from, send) => {
      const { objects, next } = await send((signal) => this.#client.list(prefix, from, signal))
      for (const object of objects) note(object.key)
      return next
    })
    if (path.slice(path.lastIndexOf('/') + 1).startsWith('_'))
      for (const upload of await this.#listUploads(path, prefix)) note(upload.key)
    return Array.from(kinds, ([name, kind]) => ({ name, kind })).toSorted((a, b) =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    )
  }

  makeDirectory(path: string): Promise<void> {
    this.#folders.add(path)
    return Promise.resolve()
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#copy(from, to)
    for (const [file, path] of this.#open) if (path === from) this.#open.set(file, to)
    await this.remove(from)
  }

  async link(from: string, to: string): Promise<void> {
    // OF2
    if ((await this.#get(to, 0, 1)) !== undefined) throw codedError('EEXIST', `"${to}" is there already`)
    await this.#copy(from, to)
  }

  async remove(path: string): Promise<void> {
    const key = this.#key(path)
    await this.#until(doing('removing', path), (signal) => this.#client.remove(key, signal))
    const uploads = this.#uploads.get(key) ?? []
    this.#uploads.delete(key)
    for (const upload of uploads)
      await this.#until(doing('ending an upload of', path), (signal) =>
        this.#client.abortUpload(upload, signal),
      )
  }

  removeDirectory(path: string): Promise<void> {
    this.#folders.delete(path)
    return Promise.resolve()
  }

  /** Names are durable with what they name. */
  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve()
  }

  real(path: string): Promise<string> {
    return Promise.resolve(path)
  }

  resolve(path: string): string {
    return path
  }

  #writer(path: string): ObjectWriter {
    return new ObjectWriter({
      key: this.#key(path),
      tag: this.#host.random.hex(16),
      doing: doing('writing', path),
      client: this.#client,
      requests: this.#requests,
      partBytes: this.#partBytes,
      broken: (detail, hint) => writeFailed(`writing "${path}" failed`, path, { detail, hint }),
    })
  }

  #openSmall(path: string): SmallObject {
    const put = async (bytes: Uint8Array): Promise<void> => {
      const target = this.#open.get(file) ?? path
      await this.#until({ ...doing('writing', target), bytes: bytes.length }, (signal) =>
        this.#client.put(this.#key(target), bytes, signal),
      )
    }
    const file: SmallObject = new SmallObject(path, put, () => this.#open.delete(file))
    this.#open.set(file, path)
    return file
  }

  async #copy(from: string, to: string): Promise<void> {
    const { value } = await this.#copies.until(doing('copying', to), (signal) =>
      this.#client.copy(this.#key(from), this.#key(to), signal),
    )
    if (value === 'missing') throw codedError('ENOENT', `there is no "${from}"`)
  }

  #get(path: string, start: number, end: number): Promise<ObjectPart | undefined> {
    const key = this.#key(path)
    return this.#until(doing('reading', path), (signal) => this.#client.get(key, { start, end }, signal))
  }

  async #listUploads(path: string, prefix: string): Promise<readonly ObjectUpload[]> {
    const found: ObjectUpload[] = []
    await this.#pages(path, async (from, send) => {
      const { uploads, next } = await send((signal) => this.#client.listUploads(prefix, from, signal))
      found.push(...uploads)
      return next
    })
    for (const { key } of found) this.#uploads.delete(key)
    for (const upload of found) {
      const known = this.#uploads.get(upload.key)
      if (known === undefined) this.#uploads.set(upload.key, [upload])
      else known.push(upload)
    }
    return found
  }

  async #pages(
    path: string,
    page: (
      from: string | undefined,
      send: <Value>(send: Send<Value>) => Promise<Value>,
    ) => Promise<string | undefined>,
  ): Promise<void> {
    for (let from: string | undefined, pages = 0; ; pages++) {
      const next = await page(from, (send) => this.#until(doing('listing', path), send))
      if (next === undefined) return
      if (next === from || pages > PAGES_MAX)
        throw writeFailed(`listing "${path}" failed`, path, {
          detail: 'the list of the object store has no end',
          hint: 'the store does not do what S3 does: use another one',
        })
      from = next
    }
  }

  async #until<Value>(what: Doing, send: Send<Value>): Promise<Value> {
    return (await this.#requests.until(what, send)).value
  }

  /** The key of a path at or below the root. */
  #key(path: string): string {
    const name = path.slice(this.#root.length + 1)
    if (name === '' || this.#prefix === '') return name === '' ? this.#prefix : name
    return `${this.#prefix}/${name}`
  }
}

function doing(what: string, path: string): Doing {
  return { what: `${what} "${path}"`, file: path }
}

/** OF4 */
const outputError: ObjectError = (failure, { what, file }, { detail, hint }) => {
  if (passing.has(failure.kind)) return codedError('ESTORE', `${what} failed: ${detail}`)
  return writeFailed(`${what} failed`, file, { detail, hint }, codeOf(failure.kind))
}

function codeOf(kind: ObjectFailureKind): ErrorCode {
  return kind === 'denied' || kind === 'credentials' ? 'output/permission' : 'output/write-failed'
}

function writeFailed(
  what: string,
  file: string,
  { detail, hint }: { readonly detail: string; readonly hint: string | undefined },
  code: ErrorCode = 'output/write-failed',
): MillraceError {
  return new MillraceError(code, {
    what,
    detail,
    hint: hint ?? 'look after the object store, then start again: nothing unfinished is visible',
    place: { file },
  })
}
