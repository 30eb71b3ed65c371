/**
 * Folders that an output needs: made durably, and taken away again by a run that failed.
 */
import type { Files } from '../../host/host.ts'
import { folderOf } from './file-name.ts'

/** Makes the folders of one output. */
export class MadeFolders {
  readonly #files: Files
  /** The error of a file where a folder has to be. */
  readonly #inTheWay: (path: string) => Error
  readonly #durable = new Set<string>()
  /** Folders that were not there before, outer ones first. */
  readonly #made: string[] = []

  constructor(files: Files, inTheWay: (path: string) => Error) {
    this.#files = files
    this.#inTheWay = inTheWay
  }

  /** Creates a folder and the ones above it, durably. */
  async create(folder: string): Promise<void> {
    if (this.#durable.has(folder)) return
    const missing: string[] = []
    let path = folder
    let status = await this.#files.status(path)
    while (status === undefined) {
      missing.push(path)
      path = folderOf(path)
      status = await this.#files.status(path)
    }
    if (status.kind !== 'directory') throw this.#inTheWay(path)
    if (missing.length > 0) {
      this.#made.push(...missing.toReversed())
      await this.#files.makeDirectory(folder)
      for (const path of missing) await this.#files.syncDirectory(folderOf(path))
    }
    this.#durable.add(folder)
  }

  /** Looks again at folders that were there: one may have been removed as an empty one. */
  lookAgain(): void {
    this.#durable.clear()
  }

  /** Removes what was made and holds nothing. */
  async remove(): Promise<void> {
    for (const folder of this.#made.splice(0).toReversed())
      await this.#files.removeDirectory(folder).catch(() => undefined)
  }
}
