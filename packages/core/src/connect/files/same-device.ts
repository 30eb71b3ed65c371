/**
 * Whether a file that is gone was deleted, or whether what it lay on is not mounted: then its folder, if it is there at
 * all, is on another device. Files of a disk that is away must not be taken for deleted ones: they would be read again.
 */
import { MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import { deviceOf } from './file-identity.ts'
import { folderOf } from './file-name.ts'

/** Looks at folders once. */
export class MissingFiles {
  readonly #host: Host
  readonly #devices = new Map<string, string | undefined>()

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
    const folder = folderOf(path)
    if (!this.#devices.has(folder)) {
      const status = await this.#host.files.status(folder).catch(() => undefined)
      this.#devices.set(folder, status === undefined ? undefined : deviceOf(status.identity))
    }
    const device = this.#devices.get(folder)
    if (device === undefined || device === deviceOf(identity)) return
    throw new MillraceError('input/not-found', {
      what: `input "${path}" is gone, and folder "${folder}" is on another device than it was`,
      detail: 'when what it lies on is mounted again, it would be taken for a new file and read once more',
      hint: "mount the input and start again; where it was deleted, go on with { lostRows: 'skip' }",
      place: { file: path },
    })
  }
}
