/**
 * Whether a file that is gone was deleted, or whether what it lay on is not mounted: then its folder, or the nearest one
 * above it that is there, is on another device. Files of a disk that is away must not be taken for deleted ones: they would
 * be read again.
 */
import { MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import { inputError } from './file-errors.ts'
import { deviceOf } from './file-identity.ts'
import { folderOf } from './file-name.ts'

interface NearestFolder {
  readonly path: string
  readonly device: string
}

/** Looks at folders once. */
export class MissingFiles {
  readonly #host: Host
  readonly #nearest = new Map<string, NearestFolder | undefined>()

  constructor(host: Host) {
    this.#host = host
  }

  /** @throws MillraceError `input/not-found` when the folder of a file that is gone is on another device than the file was. */
  async refuseUnmounted({
    path,
    identity,
  }: {
    readonly path: string
    readonly identity: string
  }): Promise<void> {
    const nearest = await this.#nearestFolder(folderOf(path))
    if (nearest === undefined || nearest.device === deviceOf(identity)) return
    throw new MillraceError('input/not-found', {
      what: `input "${path}" is gone, and folder "${nearest.path}" is on another device than it was`,
      detail: 'when what it lies on is mounted again, it would be taken for a new file and read once more',
      hint: "mount the input and start again; where it was deleted, go on with { lostRows: 'skip' }",
      place: { file: path },
    })
  }

  /** The folder, or the nearest one above it that is there; undefined: none is. */
  async #nearestFolder(path: string): Promise<NearestFolder | undefined> {
    if (this.#nearest.has(path)) return this.#nearest.get(path)
    const nearest = await this.#look(path)
    this.#nearest.set(path, nearest)
    return nearest
  }

  async #look(path: string): Promise<NearestFolder | undefined> {
    const status = await this.#host.files.status(path).catch((error: unknown) => {
      throw inputError(error, path)
    })
    if (status !== undefined) return { path, device: deviceOf(status.identity) }
    const above = folderOf(path)
    return above === path ? undefined : this.#nearestFolder(above)
  }
}
