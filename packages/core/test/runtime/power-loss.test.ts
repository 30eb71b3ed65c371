// A run that writes files, on a disk that loses power after every single operation: what shows is whole, what was
// there before stays until all of the new is there, and the next run mends the rest.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import { ndjson, parquet } from '../../src/connect/files/index.ts'
import type { Files, Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { isPowerLost, noLie, randomOf, withoutDirectorySync, withoutFileSync } from '../testing/crashes.ts'
import type { Lie } from '../testing/crashes.ts'

const Row = schema({ part: t.string(), n: t.int32(), text: t.string() })
type Row = { part: string; n: number; text: string }
const PROMISED = /\.(ndjson|parquet)$/
const SEEDS = 3

type Format = 'ndjson' | 'parquet'

function writing(format: Format, generation: string): Pipeline {
  const rows = Array.from({ length: 60 }, (_, n) => ({
    part: n % 3 === 0 ? 'a' : 'b',
    n,
    text: `${generation} ${'x'.repeat(40)}`,
  }))
  return pipeline('writing', (p) => {
    const options = { schema: Row, partitionBy: ['part'], roll: { size: 1500 } } as const
    const files = format === 'ndjson' ? ndjson<Row>('/data/out', options) : parquet<Row>('/data/out', options)
    p.read('rows', memoryRows(Row, rows)).write('files', files)
  })
}

/** A process of the machine: every start is another one, and all before it are dead. */
function hostOf(files: Files, pid: number): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  const real = createNodeHost()
  return {
    ...real,
    files,
    // A commit that fails is tried again and again, with longer and longer waits: here they are short.
    timers: { ...real.timers, set: (_, callback) => real.timers.set(0, callback) },
    processes: {
      self: () => Promise.resolve(self),
      state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
    },
  }
}

async function run(disk: SimulatedDisk, pid: number, job: Pipeline, lie: Lie = noLie): Promise<void> {
  const files = lie(new SimulatedFiles(disk))
  await new Job(job.build(), { host: hostOf(files, pid), outputMode: 'overwrite', batchRows: 16 }).run()
}

/** What a reader of the output folder finds, as folder and content. */
async function visible(disk: SimulatedDisk): Promise<readonly string[]> {
  const files = new SimulatedFiles(disk)
  const found: string[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const { name, kind } of await files.list(folder)) {
      if (/^[._]/.test(name)) continue
      const path = `${folder}/${name}`
      if (kind === 'directory') await walk(path)
      else if (PROMISED.test(name)) found.push(`${folder}: ${await content(files, path)}`)
    }
  }
  if ((await files.status('/data/out')) !== undefined) await walk('/data/out')
  return found.toSorted()
}

async function content(files: Files, path: string): Promise<string> {
  const status = await files.status(path)
  const bytes = new Uint8Array(status?.size ?? 0)
  const file = await files.open(path, 'read')
  await file.read(bytes, 0, bytes.length, 0)
  await file.close()
  return Buffer.from(bytes).toString('latin1')
}

/** A disk with a whole earlier output. */
async function before(format: Format): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  await run(disk, 1, writing(format, 'old'))
  disk.restart(() => 0)
  return disk
}

/** Everything that is wrong, over all crash points. */
async function crashEverywhere(
  format: Format,
  lie: Lie,
): Promise<{ readonly faults: readonly string[]; readonly points: number }> {
  const whole = await before(format)
  const old = await visible(whole)
  const start = whole.operations
  await run(whole, 2, writing(format, 'new'))
  const points = whole.operations - start
  const wanted = await visible(whole)
  const faults: string[] = []
  for (let point = 0; point <= points; point++) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const fault = (text: string): unknown =>
        faults.push(`after ${point} of ${points}, seed ${seed}: ${text}`)
      const disk = await before(format)
      disk.losePowerAfter(point)
      const ended = await run(disk, 2, writing(format, 'new'), lie).then(
        () => true,
        (error: unknown) => {
          if (!isPowerLost(error)) fault(String(error))
          return false
        },
      )
      disk.restart(randomOf(seed))
      const found = await visible(disk)
      if (found.some((file) => !old.includes(file) && !wanted.includes(file))) fault('a file is not whole')
      if (ended && found.join() !== wanted.join()) fault('the run ended well, and its output is not there')
      const isOldWhole = old.every((file) => found.includes(file))
      const isNewWhole = wanted.every((file) => found.includes(file))
      if (!isOldWhole && !isNewWhole) fault('neither the old output is there nor the new')
      await run(disk, 3, writing(format, 'new')).catch((error: unknown) =>
        fault(`the next run: ${String(error)}`),
      )
      if ((await visible(disk)).join() !== wanted.join()) fault('the next run did not mend it')
    }
  }
  return { faults, points }
}

describe('an output that is overwritten, wherever the power is lost', () => {
  it.each(['ndjson', 'parquet'] as const)('of %s is the old or the new, and whole', async (format) => {
    const { faults, points } = await crashEverywhere(format, noLie)
    expect(faults).toEqual([])
    expect(points).toBeGreaterThan(50)
  })

  it.each<readonly [string, Lie]>([
    ['that do not sync', withoutFileSync],
    ['whose directories do not sync', withoutDirectorySync],
  ])('is seen to break on files %s', async (_, lie) => {
    const { faults } = await crashEverywhere('ndjson', lie)
    expect(faults.length).toBeGreaterThan(0)
  })
})
