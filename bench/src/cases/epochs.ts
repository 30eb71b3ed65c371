/**
 * What durable epochs cost: a keyed window of a million live keys, of which few change; how soon rows can be read in a
 * committed file; how long a start from a large checkpoint takes.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pipeline } from 'millrace'
import { nexmark, nexmarkSchemas } from 'millrace/connect'
import type { Sink, Source } from 'millrace/connect'
import { rowCount } from 'millrace/data'
import { ndjson } from 'millrace/files'
import { createNodeHost } from 'millrace/host'
import { DirectoryStore, Job } from 'millrace/runtime'
import type { JobOptions, JobProgress } from 'millrace/runtime'
import { outputPath } from '../bench-folder.ts'
import type { BenchCase, CaseRun } from '../case.ts'
import { BATCH_ROWS, everyKey, keyedSums, readingsOf } from '../keyed-sums.ts'
import type { Readings } from '../keyed-sums.ts'
import { pacedBids } from '../paced-bids.ts'
import type { RestoreCost, WriteCost } from '../restore-run.ts'
import { onBids, passThrough } from './queries.ts'

const KEYS = 1_000_000
/** Keys that go on changing: 5 %. */
const HOT_KEYS = 50_000
const ROUNDS = 5
const EMPTY_EPOCH_MS = 20
/** A run below this scale is only to see that the case works: it has fewer keys and rounds. */
const SCALE_MIN = 0.05
/** Share of the rows before the clock is started. */
const UNCHARGED = 0.2

/** Every key once, then those that are hot, again and again. */
function hotReadings(rows: number, keys: number): Readings {
  const all = everyKey(keys)
  const hot = Array.from({ length: 100 }, (_, batch) =>
    readingsOf((row) => (((batch * BATCH_ROWS + row) * 7919) % HOT_KEYS) * (keys / HOT_KEYS)),
  )
  return {
    batches: all.batches + Math.ceil(rows / BATCH_ROWS),
    batch: (n) => (n < all.batches ? all.batch(n) : (hot[n % 100] as (typeof hot)[0])),
  }
}

interface Pass {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly progress: JobProgress
}

async function pass(input: Readings, options: Partial<JobOptions>): Promise<Pass> {
  const job = new Job(keyedSums(input).build(), {
    host: createNodeHost(),
    mode: 'continuous',
    stopWhenIdleMs: 1,
    ...options,
  })
  const stop = watch()
  const { progress } = await job.run()
  return { ...stop(), progress }
}

/** Wall and CPU time from now on. */
function watch(): () => Omit<Pass, 'progress'> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const used = process.cpuUsage(cpu)
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (used.user + used.system) / 1e6 }
  }
}

/**
 * A pass of which only the last part is charged: when all keys are there and a first snapshot, which is whole, has been
 * written, what epochs cost goes on for ever.
 */
async function steadyPass(input: Readings, options: Partial<JobOptions>): Promise<Pass> {
  const first = Math.floor(input.batches * UNCHARGED)
  let stop = watch()
  let charged = stop()
  const onRead = (n: number): void => {
    if (n === first) stop = watch()
    else if (n === input.batches - 1) charged = stop()
  }
  const { progress } = await pass({ ...input, onRead }, options)
  return { ...charged, progress }
}

function stateIn(name: string): { readonly state: DirectoryStore; readonly path: string } {
  const path = join(outputPath('epochs'), name)
  rmSync(path, { recursive: true, force: true })
  return { state: new DirectoryStore(createNodeHost(), path), path }
}

/** What a job costs with epochs: `run` is told what it is to keep. */
type Charged = (options: Partial<JobOptions>) => Promise<Pass>

/** Runs without state and with it in turns: the machine is not the same for long. */
async function costs(run: Charged, rounds: number): Promise<CaseRun> {
  const passes = new Map<string, Pass[]>()
  const settings: readonly (readonly [string, () => Partial<JobOptions>])[] = [
    ['none', () => ({})],
    ['1s', () => ({ state: stateIn('1s').state, epochIntervalMs: 1000 })],
    ['100ms', () => ({ state: stateIn('100ms').state, epochIntervalMs: 100 })],
  ]
  for (let round = 0; round < rounds; round++) {
    for (const [name, options] of settings)
      passes.set(name, [...(passes.get(name) ?? []), await run(options())])
  }
  const of = (name: string): readonly Pass[] => passes.get(name) ?? []
  const cost = (name: string, what: 'seconds' | 'cpuSeconds'): number =>
    100 * (median(of(name).map((one, round) => one[what] / (of('none')[round] as Pass)[what])) - 1)
  const all = [...passes.values()].flat()
  return {
    units: all.reduce((sum, { progress }) => sum + progress.rowsIn, 0),
    rowsOut: 1,
    extra: {
      wallCost1sPercent: cost('1s', 'seconds'),
      wallCost100msPercent: cost('100ms', 'seconds'),
      cpuCost1sPercent: cost('1s', 'cpuSeconds'),
      cpuCost100msPercent: cost('100ms', 'cpuSeconds'),
      epochs1s: median(of('1s').map(({ progress }) => progress.epoch)),
      epochs100ms: median(of('100ms').map(({ progress }) => progress.epoch)),
      secondsWithout: median(of('none').map(({ seconds }) => seconds)),
    },
  }
}

/** A window of many keys, of which few change. */
function windowCosts(scale: number): Promise<CaseRun> {
  const isSmall = scale < SCALE_MIN
  const input = hotReadings(Math.round(150_000_000 * scale), isSmall ? HOT_KEYS : KEYS)
  return costs((options) => steadyPass(input, options), isSmall ? 1 : ROUNDS)
}

/** Nexmark q0: no state but the source's position. A first run, which makes the code hot, does not count. */
async function statelessCosts(scale: number): Promise<CaseRun> {
  const events = Math.round(100_000_000 * scale)
  const built = onBids('q0', passThrough, (p) =>
    p.read('bids', nexmark('bid', { events }), { eventTime: 'dateTime' }),
  ).build()
  const run: Charged = async (options) => {
    const stop = watch()
    const { progress } = await new Job(built, {
      host: createNodeHost(),
      mode: 'continuous',
      ...options,
    }).run()
    return { ...stop(), progress }
  }
  await run({})
  return costs(run, scale < SCALE_MIN ? 1 : ROUNDS)
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN
}

/** A sink of files that notes, for every row, how long after it was due it could be read. */
function visibleAfter(sink: Sink, latencies: number[]): Sink {
  let due: number[] = []
  const sealed: number[][] = []
  return {
    ...sink,
    open: async (context) => {
      const open = await sink.open(context)
      return {
        sweep: (keep) => open.sweep(keep),
        finish: () => open.finish(),
        close: () => open.close(),
        async commit(committables) {
          const outcomes = await open.commit(committables)
          const now = performance.timeOrigin + performance.now()
          for (const time of sealed.shift() ?? []) latencies.push(now - time)
          return outcomes
        },
        async writer(task, restored) {
          const writer = await open.writer(task, restored)
          return {
            write(batch) {
              const times = batch.eventTime as Float64Array
              for (let row = 0; row < rowCount(batch); row++) due.push(times[row] as number)
              return writer.write(batch)
            },
            seal(epoch, options) {
              if (due.length > 0) sealed.push(due)
              due = []
              writer.seal(epoch, options)
            },
            prepare: (epoch) => writer.prepare(epoch),
            written: () => writer.written(),
            close: () => writer.close(),
          }
        },
      }
    },
  }
}

async function committedLatency(scale: number): Promise<CaseRun> {
  const rate = 50_000
  const seconds = Math.max(1, Math.ceil(10 * scale))
  const latencies: number[] = []
  const path = join(outputPath('epochs'), 'committed')
  rmSync(path, { recursive: true, force: true })
  const sink = visibleAfter(
    ndjson(path, { schema: nexmarkSchemas.bid, roll: 'epoch' }).toSink() as Sink,
    latencies,
  )
  const source: Source = pacedBids({ rate, seconds, schema: nexmarkSchemas.bid })
  const built = pipeline('committed', (p) =>
    p
      .read('bids', source as Source<{ auction: number }>, { eventTime: 'dateTime' as never })
      .write('out', sink),
  ).build()
  const { progress } = await new Job(built, {
    host: createNodeHost(),
    mode: 'continuous',
    epochIntervalMs: 10,
    state: stateIn('committed-state').state,
  }).run()
  const sorted = latencies.slice(Math.min(latencies.length / 4, rate)).sort((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    units: progress.rowsIn,
    rowsOut: progress.rowsOut,
    extra: { p50Ms: at(0.5), p99Ms: at(0.99), epochs: progress.epoch },
  }
}

/** What an epoch costs in which nothing has changed: a job that waits, with epochs and without. */
async function emptyEpochs(scale: number): Promise<CaseRun> {
  const idleMs = Math.max(500, 5000 * scale)
  const waiting = async (options: Partial<JobOptions>): Promise<Pass> => {
    let stop = watch()
    const input = everyKey(scale < SCALE_MIN ? HOT_KEYS : KEYS)
    const onRead = (n: number): void => {
      if (n === input.batches - 1) stop = watch()
    }
    const { progress } = await pass({ ...input, onRead }, { stopWhenIdleMs: idleMs, ...options })
    return { ...stop(), progress }
  }
  const none = await waiting({ state: stateIn('empty').state, epochIntervalMs: 3_600_000 })
  const often = await waiting({ state: stateIn('empty').state, epochIntervalMs: EMPTY_EPOCH_MS })
  const epochs = often.progress.epoch
  const cpuMsPerEpoch = (1000 * (often.cpuSeconds - none.cpuSeconds)) / (epochs - none.progress.epoch)
  const cpuMsPerSyncs = await cpuOfSyncs(epochs, stateIn('syncs').path)
  return {
    units: none.progress.rowsIn + often.progress.rowsIn,
    rowsOut: epochs,
    extra: {
      epochs,
      // Both write the state once.
      cpuMsPerEpoch,
      cpuMsPerSyncs,
      cpuMsBesideSyncs: cpuMsPerEpoch - cpuMsPerSyncs,
    },
  }
}

/** CPU time of what the log cannot do without, at the same pace: a small file and its directory, written and synced. */
async function cpuOfSyncs(times: number, folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true })
  const bytes = new Uint8Array(1024)
  const round = async (n: number, writes: boolean): Promise<void> => {
    if (writes) {
      const file = await open(join(folder, String(n)), 'wx')
      await file.write(bytes)
      await file.sync()
      await file.close()
      const directory = await open(folder, 'r')
      await directory.sync()
      await directory.close()
    }
    await wait(EMPTY_EPOCH_MS)
  }
  const cpuMs: number[] = []
  for (const writes of [false, true]) {
    const stop = watch()
    for (let n = 0; n < times; n++) await round(n, writes)
    cpuMs.push((1000 * stop().cpuSeconds) / times)
  }
  return (cpuMs[1] as number) - (cpuMs[0] as number)
}

/** Runs restore-run in a process of its own: as it was built, or, in tests, from its source. */
function inProcess(...args: readonly string[]): unknown {
  const isSource = import.meta.url.endsWith('.ts')
  const file = fileURLToPath(new URL(`../restore-run.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const node = isSource ? ['-C', 'millrace-source', '--import', 'tsx', file] : [file]
  const { stdout } = spawnSync(process.execPath, [...node, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(stdout)
}

/** Writes a whole checkpoint, then one of 1 % of its keys, and goes on from both. */
async function restore(keysAll: number): Promise<CaseRun> {
  const keys = Math.max(2 * HOT_KEYS, Math.round(keysAll / HOT_KEYS) * HOT_KEYS)
  const { path } = stateIn('restore')
  const written = inProcess('write', path, String(keys)) as WriteCost
  const started = inProcess('start', path, String(written.batches)) as RestoreCost
  // The same start where there is nothing to restore.
  const fresh = inProcess('start', stateIn('fresh').path, '0') as RestoreCost
  const megabytes = written.bytes / 2 ** 20
  return {
    units: written.rows,
    // Nothing leaves a window that does not close.
    rowsOut: written.rowsChanged,
    extra: {
      checkpointMb: megabytes,
      writeMbPerSecond: (megabytes * 1000) / written.writeMs,
      copyMs: written.copyMs,
      changedKeysPercent: (100 * written.rowsChanged) / keys,
      changedBytesPercent: (100 * written.bytesChanged) / written.bytes,
      firstRowMs: started.firstRowMs,
      startMbPerSecond: (megabytes * 1000) / started.firstRowMs,
      restoreMbPerSecond: (megabytes * 1000) / (started.firstRowMs - fresh.firstRowMs),
      restoreMbPerCpuSecond: megabytes / (started.cpuSeconds - fresh.cpuSeconds),
      restoreMemoryRatio: started.peakMemoryMb / written.peakMemoryMb,
    },
  }
}

export const epochCases: readonly BenchCase[] = [
  {
    name: 'epochs',
    about:
      'a window of 1,000,000 live keys, 5 % of them hot: with epochs each 1 s, each 100 ms, and without state',
    unit: 'rows',
    run: windowCosts,
  },
  {
    name: 'epochs-q0',
    about: 'Nexmark q0: with epochs each 1 s, each 100 ms, and without state',
    unit: 'bids',
    run: statelessCosts,
  },
  {
    name: 'committed-latency',
    about: '50,000 rows per second into NDJSON files that roll with epochs of 10 ms: until they can be read',
    unit: 'rows',
    run: committedLatency,
  },
  {
    name: 'empty-epochs',
    about: 'a job with a million keys that waits for rows: what an epoch costs in which nothing has changed',
    unit: 'rows',
    run: emptyEpochs,
  },
  {
    name: 'restore',
    about: 'a checkpoint of 2,400,000 keys (100 MB): writing it, 1 % of it once more, and the start from it',
    unit: 'rows',
    run: (scale) => restore(2_400_000 * scale),
  },
  {
    name: 'restore-1gb',
    about: 'the same with 24,000,000 keys (1 GB)',
    unit: 'rows',
    long: true,
    run: (scale) => restore(24_000_000 * scale),
  },
]
