/**
 * Goes on from a checkpoint of `keyedSums` in a process of its own and prints, as a line of JSON, what that took:
 * `node restore-run.js DIRECTORY BATCHES`, with the number of batches that were read.
 */
import { performance } from 'node:perf_hooks'
import { createNodeHost } from 'millrace/host'
import { DirectoryStore, Job } from 'millrace/runtime'
import { BATCH_ROWS, everyKey, keyedSums } from './keyed-sums.ts'

/** What a start from a checkpoint took. */
export interface RestoreCost {
  /** From the start of the job to the first row. */
  readonly firstRowMs: number
  /** From the start of the process. */
  readonly processMs: number
  readonly cpuSeconds: number
  readonly peakMemoryMb: number
}

const [directory = '', batches = '0'] = process.argv.slice(2)
const host = createNodeHost()
const began = performance.now()
const cpu = process.cpuUsage()
let cost: RestoreCost | undefined
const more = {
  batches: Number(batches) + 1,
  batch: () => everyKey(BATCH_ROWS).batch(0),
  onRead: () => {
    const { user, system } = process.cpuUsage(cpu)
    cost ??= {
      firstRowMs: performance.now() - began,
      processMs: performance.now(),
      cpuSeconds: (user + system) / 1e6,
      peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    }
  },
}
await new Job(keyedSums(more).build(), {
  host,
  mode: 'continuous',
  stopWhenIdleMs: 1,
  epochIntervalMs: 3_600_000,
  state: new DirectoryStore(host, directory),
}).run()
process.stdout.write(`${JSON.stringify(cost)}\n`)
