/**
 * Folders whose names survive a loss of power: made where they are missing, with every folder above them synced.
 *
 * A folder that was there is no sign that its name is durable: who made it may have been killed before its sync.
 * Invariant (tests quote it):
 *  DF1  What `make` has answered for is there after any loss of power, whoever made it.
 */
import type { Files } from './host.ts'

/** What a system says of a folder that it does not open, or cannot sync; others made what is in it. */
const CLOSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL', 'EROFS', 'ENOTSUP', 'EOPNOTSUPP'])

/** Makes folders in one place durably. */
export class DurableFolders {
  readonly #files: Files
  readonly #place: string
  /** Folders that exist, with names that are durable. */
  readonly #durable = new Set<string>()

  /** `place`: only folders above it may be closed to us. */
  constructor(files: Files, place: string) {
    this.#files = files
    this.#place = files.resolve(place)
  }

  /**
   * Makes folders, and those above them. Each name is synced once, and each folder above once for all of them.
   *
   * `made` is told of folders that were not there, outer ones before inner ones; `refuse` of what is there and is no folder.
   */
  async make(
    folders: Iterable<string>,
    told: {
      readonly made?: (folder: string) => void
      readonly refuse?: (path: string) => Error
    } = {},
  ): Promise<void> {
    const found = new Map<string, boolean>()
    for (const folder of folders) await this.#find(this.#files.resolve(folder), found, told)
    const parents = new Map<string, boolean>()
    for (const [folder, isNew] of found) {
      const parent = parentOf(folder)
      parents.set(parent, isNew || parents.get(parent) === true)
    }
    for (const [parent, hasNew] of parents) await this.#sync(parent, hasNew)
    for (const folder of found.keys()) this.#durable.add(folder)
  }

  /** Looks again at folders that were there: others may have removed one. */
  forget(): void {
    this.#durable.clear()
  }

  /** Puts a folder and those above it among the `found` ones: true for those that are made now. */
  async #find(
    folder: string,
    found: Map<string, boolean>,
    told: {
      readonly made?: (folder: string) => void
      readonly refuse?: (path: string) => Error
    },
  ): Promise<void> {
    const parent = parentOf(folder)
    if (parent === folder || this.#durable.has(folder) || found.has(folder)) return
    await this.#find(parent, found, told)
    const status = await this.#files.status(folder)
    if (status !== undefined && status.kind !== 'directory' && told.refuse !== undefined)
      throw told.refuse(folder)
    if (status === undefined) {
      await this.#files.makeDirectory(folder)
      told.made?.(folder)
    }
    found.set(folder, status === undefined)
  }

  async #sync(folder: string, hasNew: boolean): Promise<void> {
    try {
      await this.#files.syncDirectory(folder)
    } catch (error) {
      const isOurs = `${folder}/`.startsWith(`${this.#place}/`)
      if (hasNew || isOurs || !CLOSED.has(codeOf(error))) throw error
    }
  }
}

/** The folder of an absolute path; of the root, itself. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash > 0) return path.slice(0, slash)
  return path.startsWith('/') ? '/' : path
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
