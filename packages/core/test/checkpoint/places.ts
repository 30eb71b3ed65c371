/** The two kinds of places for checkpoints, as suites that are about neither see them. */
import { DirectoryStore, ObjectStore } from '../../src/checkpoint/index.ts'
import type { CheckpointStore } from '../../src/checkpoint/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { SimulatedObjects } from '../../src/testing/simulated-objects.ts'
import { createEagerHost } from '../testing/eager-host.ts'

/** An empty place. */
export interface Place {
  readonly host: Pick<Host, 'bytes'>
  /** What errors call the place. */
  readonly path: string
  /** A store over the place, as another process would open it. */
  open(): CheckpointStore
  /** Puts a file there, whatever is there, past the store. */
  put(name: string, bytes: Uint8Array | string): void
  /** The next creation is carried out, and its caller does not learn so. */
  loseNextAnswer(): void
  /** What writers have open. */
  leftOpen(): number
}

function directory(): Place {
  const host = createManualHost()
  return {
    host,
    path: '/state',
    open: () => new DirectoryStore(host, '/state'),
    put: (name, bytes) => host.files.put(`/state/${name}`, bytes),
    // The link was made, then the sync of the directory failed: nobody was told.
    loseNextAnswer: () =>
      void host.files.inject({ operation: 'syncDirectory', path: /log$/, code: 'EIO', times: 1 }),
    leftOpen: () => host.files.openFiles,
  }
}

function objects(): Place {
  const host = createEagerHost()
  const bucket = new SimulatedObjects()
  // As few requests as there can be: an answer that is lost stays lost.
  const limits = { requests: 1 }
  return {
    host,
    path: 'simulated://bucket/state',
    open: () => new ObjectStore(host, bucket.client(), { prefix: 'state', partBytes: 300, limits }),
    put: (name, bytes) =>
      bucket.put(`state/${name}`, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes),
    loseNextAnswer: () =>
      void bucket.inject({ effect: 'lost', operation: 'create', key: /\/log\//, times: 1 }),
    leftOpen: () => bucket.openUploads,
  }
}

/** Each kind by its name. */
export const places: readonly (readonly [string, () => Place])[] = [
  ['a directory', directory],
  ['object storage', objects],
]
