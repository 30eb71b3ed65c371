/**
 * Folders that an output needs: made durably, and taken away again by a run that failed.
 */
import { DurableFolders } from '../../host/index.ts'
import type { Files } from '../../host/index.ts'

/** Makes the folders of one output. */
export class MadeFolders {
  readonly #files: Files
  /** The error of a file where a folder has to be. */
  readonly #inTheWay: (path: string) => Error
  readonly #durable: DurableFolders
  /** Folders that were not there before, outer ones first. */
  readonly #made: string[] = []

  /** `output`: the folder of the output. */
  constructor(files: Files, output: string, inTheWay: (path: string) => Error) {
    this.#files = files
    this.#inTheWay = inTheWay
    this.#durable = new DurableFolders(files, output)
  }

  /** Creates folders and the ones above them, durably (DF1). */
  create(folders: Iterable<string>): Promise<void> {
    return this.#durable.make(folders, {
      made: (folder) => this.#made.push(folder),
      refuse: this.#inTheWay,
    })
  }

  /** Looks again at folders that were there: one may have been removed as an empty one. */
  lookAgain(): void {
    this.#durable.forget()
  }

  /** Removes what was made and holds nothing. */
  async remove(): Promise<void> {
    for (const folder of this.#made.splice(0).toReversed())
      await this.#files.removeDirectory(folder).catch(() => undefined)
  }
}
