/**
 * What a checkpoint of `keyedSums` costs, in processes of their own, so that nothing else is in memory: `restore-run.js write
 * DIRECTORY KEYS` writes a whole one and then one of 1 % of its keys; `restore-run.js start DIRECTORY BATCHES` goes on from
 * it, with the number of batches that were read. Each prints a line of JSON.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createNodeHost } from 'millrace/host'
import { DirectoryStore, Job } from 'millrace/runtime'
import type { JobProgress } from 'millrace/runtime'
import { BATCH_ROWS, everyKey, keyedSums } from './keyed-sums.ts'
import type { Readings } from './keyed-sums.ts'

/** What writing took. */
export interface WriteCost {
  readonly rows: number
  readonly rowsChanged: number
  readonly bytes: number
  readonly bytesChanged: number
  readonly copyMs: number
  readonly writeMs: number
  /** Batches that were read. */
  readonly batches: number
  readonly peakMemoryMb: number
}

/** What a start from a checkpoint took. */
export interface RestoreCost {
  /** From the start of the job to the first row. */
  readonly firstRowMs: number
  /** From the start of the process. */
  readonly processMs: number
  readonly cpuSeconds: number
  readonly peakMemoryMb: number
}

const [what = '', directory = '', count = '0'] = process.argv.slice(2)
const cost = what === 'write' ? await write(Number(count)) : await start(Number(count))
process.stdout.write(`${JSON.stringify(cost)}\n`)

async function run(input: Readings): Promise<JobProgress> {
  const host = createNodeHost()
  const job = new Job(keyedSums(input).build(), {
    host,
    mode: 'continuous',
    stopWhenIdleMs: 1,
    epochIntervalMs: 3_600_000,
    state: new DirectoryStore(host, directory),
  })
  const { progress } = await job.run()
  return progress
}

async function write(keys: number): Promise<WriteCost> {
  const all = everyKey(keys)
  const filled = await run(all)
  const peakMemoryMb = process.resourceUsage().maxRSS / 1024
  const bytes = stateBytes()
  const few = Math.ceil(keys / 100 / BATCH_ROWS)
  const batches = all.batches + few
  const changed = await run({ batches, batch: (n) => all.batch(n - all.batches) })
  return {
    rows: filled.rowsIn,
    rowsChanged: changed.rowsIn,
    bytes,
    bytesChanged: stateBytes() - bytes,
    copyMs: filled.lastEpoch?.copyMs ?? Number.NaN,
    writeMs: filled.lastEpoch?.writeMs ?? Number.NaN,
    batches,
    peakMemoryMb,
  }
}

async function start(batches: number): Promise<RestoreCost | undefined> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  let first: RestoreCost | undefined
  await run({
    batches: batches + 1,
    batch: () => everyKey(BATCH_ROWS).batch(0),
    onRead: () => {
      const { user, system } = process.cpuUsage(cpu)
      first ??= {
        firstRowMs: performance.now() - began,
        processMs: performance.now(),
        cpuSeconds: (user + system) / 1e6,
        peakMemoryMb: process.resourceUsage().maxRSS / 1024,
      }
    },
  })
  return first
}

/** Bytes of the state files in the directory. */
function stateBytes(): number {
  const folder = join(directory, 'state')
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}
