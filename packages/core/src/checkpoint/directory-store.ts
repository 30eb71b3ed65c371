/**
 * Checkpoints in a directory of this machine, or of one that it has mounted.
 *
 * A file is written whole under a name that begins with a dot, synced, and then gets its name in one step: by a hard
 * link where others may want the name (a link never replaces), by a rename where nobody does. The directory is synced
 * before the answer. After a failed sync the file is given up: a second sync would succeed and mean nothing.
 */
import { assert, isMillraceError, MillraceError } from '../errors.ts'
import { DurableFolders } from '../host/index.ts'
import type { Files, Host, OpenFile } from '../host/index.ts'
import { foreign, isOwnName, noPlace } from './store-place.ts'
import { isStoreName } from './store.ts'
import type { ByteRange, CheckpointStore, StoredFile, StoreWriter } from './store.ts'

/** What `DirectoryStore` reaches. */
export type DirectoryHost = Pick<Host, 'files' | 'random'>

/** The names of drafts: nothing else that begins with a dot is ours to remove. */
const DRAFT = /^\.[0-9a-f]{24}$/

/** Bytes gathered before they are written, at most and at first: most files are small. */
const BUFFER_BYTES = 256 * 1024
const BUFFER_BYTES_MIN = 4096

/** A store in a directory, which is created with the first file. */
export class DirectoryStore implements CheckpointStore {
  readonly place: string
  readonly #files: Files
  readonly #host: DirectoryHost
  readonly #folders: DurableFolders

  constructor(host: DirectoryHost, path: string) {
    this.#host = host
    this.#files = host.files
    this.place = host.files.resolve(path)
    this.#folders = new DurableFolders(host.files, this.place)
  }

  async check(): Promise<void> {
    return this.#guarded('listing', '', async () => {
      const status = await this.#files.status(this.place)
      if (status === undefined) return
      if (status.kind !== 'directory') throw noPlace(this.place, 'it is no directory')
      const names = (await this.#files.list(this.place)).map(({ name }) => name)
      const other = names.find((name) => !isOwnName(name))
      if (other !== undefined) throw noPlace(this.place, foreign(other))
    })
  }

  async create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const path = this.#path(name)
    return this.#guarded('creating', name, async () => {
      const draft = await this.#draft(path)
      try {
        await this.#writeWhole(draft, bytes)
        return await this.#link(draft, path)
      } finally {
        await this.#files.remove(draft).catch(() => undefined)
      }
    })
  }

  async write(name: string): Promise<StoreWriter> {
    const path = this.#path(name)
    return this.#guarded('writing', name, async () => {
      const draft = await this.#draft(path)
      const file = await this.#files.open(draft, 'create')
      return new DraftWriter({
        file,
        guarded: (run) => this.#guarded('writing', name, run),
        publish: async () => {
          await this.#files.rename(draft, path)
          await this.#files.syncDirectory(parentOf(path))
        },
        remove: () => this.#files.remove(draft),
      })
    })
  }

  async read(name: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    const path = this.#path(name)
    return this.#guarded('reading', name, async () => {
      let file: OpenFile
      try {
        file = await this.#files.open(path, 'read')
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw error
      }
      try {
        const { size } = await file.status()
        const start = Math.min(range?.start ?? 0, size)
        const length = Math.max(0, Math.min(range?.end ?? size, size) - start)
        return await readWhole(file, start, length)
      } finally {
        await file.close()
      }
    })
  }

  async names(prefix: string): Promise<readonly string[]> {
    return this.#guarded('listing', prefix, async () => {
      const names: string[] = []
      await this.#walk(prefix, (name) => names.push(name))
      return names.toSorted((a, b) => (a < b ? -1 : 1))
    })
  }

  async list(prefix: string): Promise<readonly StoredFile[]> {
    const names = await this.names(prefix)
    return this.#guarded('listing', prefix, async () => {
      const found: StoredFile[] = []
      for (const name of names) {
        const status = await this.#files.status(this.#path(name))
        if (status !== undefined) found.push({ name, bytes: status.size })
      }
      return found
    })
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name)
    return this.#guarded('removing', name, () => this.#removeIfThere(path))
  }

  async sweep(): Promise<void> {
    return this.#guarded('sweeping', '', async () => {
      const drafts: string[] = []
      await this.#walk(
        '',
        () => undefined,
        (path) => drafts.push(path),
      )
      // An attempt that was taken over may still be at work, and removes its own.
      for (const path of drafts) await this.#removeIfThere(path)
    })
  }

  async #removeIfThere(path: string): Promise<void> {
    try {
      await this.#files.remove(path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  #path(name: string): string {
    assert(isStoreName(name), `"${name}" is no name for a file of a checkpoint store`)
    return `${this.place}/${name}`
  }

  /** A path beside `path` that no one else has, in a directory that is there and stays there. */
  async #draft(path: string): Promise<string> {
    const folder = parentOf(path)
    await this.#folders.make([folder])
    return `${folder}/.${this.#host.random.hex(12)}`
  }

  async #writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#files.open(path, 'create')
    try {
      await file.write(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #link(draft: string, path: string): Promise<'created' | 'exists'> {
    let answer: 'created' | 'exists' = 'created'
    try {
      await this.#files.link(draft, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      answer = 'exists'
    }
    // Also for the loser: what it reads next must not vanish again with the power.
    await this.#files.syncDirectory(parentOf(path))
    return answer
  }

  async #walk(
    prefix: string,
    visit: (name: string) => unknown,
    draft: (path: string) => void = () => undefined,
  ): Promise<void> {
    const folder = prefix === '' ? this.place : this.#path(prefix.slice(0, -1))
    const children = await this.#files.list(folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    })
    for (const { name, kind } of children) {
      if (name.startsWith('.')) {
        if (kind === 'file' && DRAFT.test(name)) draft(`${folder}/${name}`)
      } else if (kind === 'directory') await this.#walk(`${prefix}${name}/`, visit, draft)
      else visit(`${prefix}${name}`)
    }
  }

  async #guarded<Result>(doing: string, name: string, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      throw isMillraceError(error) ? error : storeFailed(error, `${doing} a file`, `${this.place}/${name}`)
    }
  }
}

interface Draft {
  readonly file: OpenFile
  readonly guarded: <Result>(run: () => Promise<Result>) => Promise<Result>
  publish(): Promise<void>
  remove(): Promise<void>
}

/** A file under its draft name. */
class DraftWriter implements StoreWriter {
  readonly #draft: Draft
  #buffer = new Uint8Array(BUFFER_BYTES_MIN)
  #used = 0
  #isOpen = true

  constructor(draft: Draft) {
    this.#draft = draft
  }

  async append(bytes: Uint8Array): Promise<void> {
    const needed = this.#used + bytes.length
    if (needed <= BUFFER_BYTES) {
      if (needed > this.#buffer.length) this.#grow(needed)
      this.#buffer.set(bytes, this.#used)
      this.#used = needed
      return
    }
    await this.#draft.guarded(async () => {
      await this.#flush()
      await this.#draft.file.write(bytes)
    })
  }

  async finish(): Promise<void> {
    try {
      await this.#draft.guarded(async () => {
        await this.#flush()
        await this.#draft.file.sync()
        await this.#draft.file.close()
        await this.#draft.publish()
      })
      this.#isOpen = false
    } catch (error) {
      await this.abort()
      throw error
    }
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#draft.file.close().catch(() => undefined)
    await this.#draft.remove().catch(() => undefined)
  }

  #grow(needed: number): void {
    const longer = new Uint8Array(Math.min(BUFFER_BYTES, Math.max(needed, 4 * this.#buffer.length)))
    longer.set(this.#buffer.subarray(0, this.#used))
    this.#buffer = longer
  }

  async #flush(): Promise<void> {
    if (this.#used > 0) await this.#draft.file.write(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}

async function readWhole(file: OpenFile, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  while (at < length) {
    const count = await file.read(bytes, at, length - at, start + at)
    if (count === 0) return bytes.subarray(0, at)
    at += count
  }
  return bytes
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What a system says when a place for checkpoints fails, as an operating error. */
function storeFailed(error: unknown, doing: string, file: string): MillraceError {
  const system = codeOf(error)
  const hints: { readonly [code: string]: string } = {
    ENOSPC: 'free some space and start again: the newest complete checkpoint is untouched',
    EDQUOT: 'free some space and start again: the newest complete checkpoint is untouched',
    EACCES: 'let the user who runs the job write to the state directory',
    EPERM: 'use a file system that has hard links, and let the user who runs the job write to it',
    EROFS: 'name a state directory on a file system that can be written',
    ENOTDIR: 'name a state directory whose folders are directories, and no files',
    ENOENT: 'name a state directory on a file system where folders can be made',
    EXDEV: 'keep the state directory within one file system',
  }
  return new MillraceError('checkpoint/store-failed', {
    what: `${doing} of the checkpoint store failed`,
    detail: error instanceof Error ? error.message : String(error),
    hint:
      hints[system ?? ''] ??
      'look after the disk, then start again: the newest complete checkpoint is untouched',
    place: { file },
    cause: error,
  })
}
