/** What a state directory keeps, for people: the epochs of its history, with what each is made of. Reads only. */
import { CheckpointLog, filesOf, historyOf } from '../checkpoint/index.ts'
import type { CheckpointStore, Manifest } from '../checkpoint/index.ts'
import type { ByteChecks } from '../host/host.ts'

/** One epoch that can be gone on from. */
export interface KeptCheckpoint {
  /** The number of its entry in the log. */
  readonly number: number
  readonly manifest: Manifest
  /** Bytes of all state files that it names. */
  readonly stateBytes: number
  /** Bytes of those that no epoch before it names. */
  readonly newBytes: number
}

/** What a place keeps. */
export interface KeptCheckpoints {
  /** Of the history that goes on, oldest first. */
  readonly epochs: readonly KeptCheckpoint[]
  /** Bytes of everything there. */
  readonly bytes: number
}

/**
 * Reads the log, and no state.
 *
 * @throws MillraceError `checkpoint/damaged`, `checkpoint/newer-format`, `checkpoint/store-failed`.
 */
export async function readCheckpoints(
  store: CheckpointStore,
  checks: Pick<ByteChecks, 'sha256'>,
): Promise<KeptCheckpoints> {
  const { manifests } = historyOf(await new CheckpointLog(store, checks).read())
  const known = new Set<string>()
  const epochs = manifests.map(({ number, entry: manifest }): KeptCheckpoint => {
    const files = filesOf(manifest)
    const fresh = files.filter(({ name }) => !known.has(name))
    for (const { name } of fresh) known.add(name)
    return { number, manifest, stateBytes: bytesOf(files), newBytes: bytesOf(fresh) }
  })
  return { epochs, bytes: bytesOf(await store.list('')) }
}

function bytesOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
