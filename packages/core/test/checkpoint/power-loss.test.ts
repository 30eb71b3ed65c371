// The store and the log on a disk that loses power after every single operation.
import { describe, expect, it } from 'vitest'
import { CheckpointLog, DirectoryStore } from '../../src/checkpoint/index.ts'
import type { Entry } from '../../src/checkpoint/index.ts'
import type { Files, Host } from '../../src/host/host.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { isPowerLost, noLie, randomOf, withoutDirectorySync, withoutFileSync } from '../testing/crashes.ts'
import type { Lie } from '../testing/crashes.ts'

const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
/** Several sectors, so that half an entry can be there. */
const place = 'x'.repeat(1500)
const entries: readonly Entry[] = [
  { kind: 'takeover', attempt: 1, lineage: place, owner, token: '1', atMs: 0 },
  { kind: 'plan', attempt: 1, epoch: 1, ranges: { in: place }, clockMs: 0 },
  {
    kind: 'manifest',
    attempt: 1,
    lineage: 'l',
    epoch: 1,
    base: 2,
    planHash: '',
    stateHash: '',
    atMs: 0,
    watermarks: {},
    state: [],
    pending: [],
    delivered: 0,
  },
]
const SEEDS = 20

function hostOf(files: Files): Pick<Host, 'files' | 'random' | 'bytes'> {
  return { ...createManualHost(), files }
}

/** Appends, and writes a file of state, until the power is lost. Gives what was acknowledged. */
async function work(files: Files, acknowledged: string[]): Promise<void> {
  const host = hostOf(files)
  const store = new DirectoryStore(host, '/jobs/state')
  const log = new CheckpointLog(store, host.bytes)
  await log.read()
  for (const [at, entry] of entries.entries()) {
    const writer = await store.write(`state/${at}`)
    await writer.append(new TextEncoder().encode(place))
    await writer.finish()
    acknowledged.push(`state/${at}`)
    await log.append(entry)
    acknowledged.push(`entry ${at}`)
  }
  await log.trim()
}

/** What is wrong after the restart. */
async function faultsOf(files: Files, acknowledged: readonly string[]): Promise<readonly string[]> {
  const host = hostOf(files)
  const store = new DirectoryStore(host, '/jobs/state')
  const found = await new CheckpointLog(store, host.bytes).read()
  const faults: string[] = []
  const count = acknowledged.filter((name) => name.startsWith('entry')).length
  const last = found.at(-1)?.number ?? 0
  if (last < count) faults.push(`${count} entries were acknowledged, the log ends at ${last}`)
  for (const { number, entry } of found)
    if (JSON.stringify(entry) !== JSON.stringify(entries[number - 1]))
      faults.push(`entry ${number} is another`)
  for (const { name, bytes } of await store.list('state/'))
    if (bytes !== place.length) faults.push(`${name} has ${bytes} bytes`)
  for (const name of acknowledged) {
    if (!name.startsWith('state/')) continue
    const bytes = await store.read(name)
    if (bytes === undefined || new TextDecoder().decode(bytes) !== place) faults.push(`${name} is not whole`)
  }
  return faults
}

/** Every crash point, several outcomes each; `lie` may change what the files do. */
async function crashEverywhere(lie: Lie): Promise<{ points: number; faults: string[] }> {
  const whole = new SimulatedDisk()
  await work(lie(new SimulatedFiles(whole)), [])
  const faults: string[] = []
  for (let point = 0; point <= whole.operations; point++) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const disk = new SimulatedDisk()
      const acknowledged: string[] = []
      disk.losePowerAfter(point)
      await work(lie(new SimulatedFiles(disk)), acknowledged).catch((error: unknown) => {
        if (!isPowerLost(error)) throw error
      })
      disk.restart(randomOf(seed))
      const found = await faultsOf(new SimulatedFiles(disk), acknowledged).catch((error: unknown) => [
        String(error),
      ])
      faults.push(...found.map((fault) => `after ${point} operations, seed ${seed}: ${fault}`))
    }
  }
  return { points: whole.operations, faults }
}

describe('a store and its log', () => {
  it('keep what they acknowledged, and show nothing half, wherever the power is lost', async () => {
    const { points, faults } = await crashEverywhere(noLie)
    expect(faults).toEqual([])
    expect(points).toBeGreaterThan(40)
  })

  it('LG3: whoever took over acts on no entry that a loss of power takes back', async () => {
    const { points } = await crashEverywhere(noLie)
    for (let point = 1; point < points; point++) {
      const disk = new SimulatedDisk()
      disk.losePowerAfter(point)
      await work(new SimulatedFiles(disk), []).catch(() => undefined)
      // Killed only: what was not synced can be seen.
      disk.killAll()
      const host = hostOf(new SimulatedFiles(disk))
      const log = new CheckpointLog(new DirectoryStore(host, '/jobs/state'), host.bytes)
      const seen = await log.read()
      await log.append({ kind: 'takeover', attempt: 2, lineage: 'l', owner, token: '2', atMs: 0 })
      disk.restart(() => 0)
      const after = hostOf(new SimulatedFiles(disk))
      const still = await new CheckpointLog(new DirectoryStore(after, '/jobs/state'), after.bytes).read()
      expect(still.slice(0, -1), `killed after ${point} operations`).toEqual(seen)
    }
  })
})

describe('the check of crash points', () => {
  it.each<readonly [string, Lie]>([
    ['never syncs a directory', withoutDirectorySync],
    ['never syncs a file', withoutFileSync],
  ])('finds a store that %s', async (_, lie) => {
    const { faults } = await crashEverywhere(lie)
    expect(faults.length).toBeGreaterThan(0)
  })
})
