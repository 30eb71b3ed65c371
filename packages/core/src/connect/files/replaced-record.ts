/**
 * What a run that overwrites replaces, written down by its first attempt: a later one must not take files for old ones
 * that others have added since.
 */
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import { systemCode } from './file-errors.ts'
import { folderOf, joinPath } from './file-name.ts'
import { replacesName } from './output-name.ts'
import type { OutputWriter } from './output-name.ts'

/** Paths relative to the output folder. */
export interface Replaced {
  readonly files: readonly string[]
  /** Partition folders, outer ones first. */
  readonly folders: readonly string[]
}

/** The record of one writer, for all of its attempts. */
export class ReplacedRecord {
  readonly #host: Host
  /** The folder of staged files. */
  readonly #folder: string
  readonly #path: string
  /** The records of writers of histories that were left for this one's. */
  readonly #left: readonly string[]

  constructor(
    host: Host,
    folder: string,
    writers: { readonly own: OutputWriter; readonly left: Iterable<string> },
  ) {
    this.#host = host
    this.#folder = folder
    this.#path = joinPath(folder, replacesName(writers.own.id))
    this.#left = Array.from(writers.left, (id) => joinPath(folder, replacesName(id)))
  }

  /** What was written down; undefined: nothing, or not to its end. A history that was left leaves its record to this one. */
  async read(): Promise<Replaced | undefined> {
    const own = await this.#readAt(this.#path)
    if (own !== undefined) return own
    for (const path of this.#left) {
      const inherited = await this.#readAt(path)
      if (inherited === undefined) continue
      await this.write(inherited)
      await this.#removeAt(path)
      return inherited
    }
    return undefined
  }

  async #readAt(path: string): Promise<Replaced | undefined> {
    const { files } = this.#host
    try {
      const status = await files.status(path)
      if (status === undefined) return undefined
      const bytes = Buffer.alloc(status.size)
      const file = await files.open(path, 'read')
      try {
        for (let at = 0; at < bytes.length;) {
          const count = await file.read(bytes, at, bytes.length - at, at)
          if (count === 0) break
          at += count
        }
      } finally {
        await file.close()
      }
      return this.#decode(bytes, path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** Writes it down, durably, before the first row. */
  async write(replaced: Replaced): Promise<void> {
    const { files } = this.#host
    const text = JSON.stringify(replaced)
    const draft = `${this.#path}.draft`
    const file = await files.open(draft, 'overwrite')
    try {
      await file.write(Buffer.from(`${this.#checksum(text)} ${text}\n`))
      await file.sync()
    } finally {
      await file.close()
    }
    await files.rename(draft, this.#path)
    await files.syncDirectory(this.#folder)
    await files.syncDirectory(folderOf(this.#folder))
  }

  /** Once everything in it is gone. */
  async remove(): Promise<void> {
    // Also one that was inherited, where this was killed before it was taken away.
    for (const path of [this.#path, ...this.#left]) await this.#removeAt(path)
  }

  async #removeAt(path: string): Promise<void> {
    try {
      await this.#host.files.remove(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  #decode(bytes: Buffer, path: string): Replaced {
    const text = bytes.toString('utf8')
    const space = text.indexOf(' ')
    const body = text.slice(space + 1, -1)
    try {
      if (text.slice(0, space) === this.#checksum(body)) return JSON.parse(body) as Replaced
    } catch (error) {
      if (isMillraceError(error)) throw error
    }
    throw new MillraceError('output/lost', {
      what: 'what the run was to replace is not known any more',
      detail: 'the record of it is damaged',
      hint: 'remove the record and the older output by hand, then start again',
      place: { file: path },
    })
  }

  #checksum(text: string): string {
    return this.#host.bytes.sha256([Buffer.from(text, 'utf8')])
  }
}
