/**
 * Some of the bytes that were read of a file, to be looked at again when it has been written to since.
 *
 * A file that grows is dated anew by that alone; whether it was also written from its beginning, over what was read,
 * only its bytes can tell. Not a proof: the ends of the last pieces that were read are compared, and of the first.
 */
import type { OpenFile } from '../../host/host.ts'
import { changedError } from './file-errors.ts'

/** Bytes of a sample: of lines with anything of their own, a few are enough. */
const SAMPLE_BYTES = 64

/** Samples that are kept; each costs a read when the file has changed. */
const SAMPLES_MAX = 16

interface Sample {
  readonly position: number
  readonly bytes: Uint8Array
}

/** The ends of pieces of a file, as they were read. */
export class ReadSamples {
  readonly #file: OpenFile
  readonly #path: string
  readonly #samples: Sample[] = []

  constructor(file: OpenFile, path: string) {
    this.#file = file
    this.#path = path
  }

  /** Keeps the end of what was read from `position` on. */
  take(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return
    const from = Math.max(0, bytes.length - SAMPLE_BYTES)
    // The first one stays, and of the others the newest.
    if (this.#samples.length >= SAMPLES_MAX) this.#samples.splice(1, 1)
    this.#samples.push({ position: position + from, bytes: bytes.slice(from) })
  }

  /** Throws input/changed when the file holds other bytes by now. Not `isAll`: only the first and the newest are compared. */
  async verify({
    isAll = true,
    hint,
  }: { readonly isAll?: boolean; readonly hint?: string } = {}): Promise<void> {
    for (const [at, { position, bytes }] of this.#samples.entries()) {
      if (!isAll && at > 0 && at < this.#samples.length - 1) continue
      const now = new Uint8Array(bytes.length)
      const count = await this.#file.read(now, 0, now.length, position)
      if (Buffer.compare(now.subarray(0, count), bytes) === 0) continue
      throw changedError(
        this.#path,
        `other bytes stand at byte ${position} than those that were read there`,
        hint,
      )
    }
  }
}
