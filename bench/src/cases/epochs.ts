/**
 * What durable epochs cost: a keyed window of a million live keys, of which few change; how soon rows can be read in a
 * committed file; how long a start from a large checkpoint takes.
 */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pipeline, schema, t, tumbling } from 'millrace'
import type { Pipeline } from 'millrace'
import { blackhole, memoryBatches, nexmarkSchemas } from 'millrace/connect'
import type { ReadResult, Sink, Source } from 'millrace/connect'
import { makeBatch, rowCount } from 'millrace/data'
import type { Batch, Column } from 'millrace/data'
import { ndjson } from 'millrace/files'
import { createNodeHost } from 'millrace/host'
import { DirectoryStore, Job } from 'millrace/runtime'
import type { JobOptions, JobProgress } from 'millrace/runtime'
import { outputPath } from '../bench-folder.ts'
import type { BenchCase, CaseRun } from '../case.ts'
import { pacedBids } from '../paced-bids.ts'

const KEYS = 1_000_000
/** Keys that go on changing: 5 %. */
const HOT_KEYS = 50_000
const BATCH_ROWS = 4096
const ROUNDS = 5
/** Share of the rows before the clock is started. */
const UNCHARGED = 0.2

const Reading = schema({ key: t.int32(), at: t.timestamp('ms'), value: t.float64() })

function batchOf(keyOf: (row: number) => number): Batch {
  const keys = new Int32Array(BATCH_ROWS)
  const times = new Float64Array(BATCH_ROWS)
  const values = new Float64Array(BATCH_ROWS)
  for (let row = 0; row < BATCH_ROWS; row++) {
    keys[row] = keyOf(row)
    times[row] = 1000 + (row % 1000)
    values[row] = row
  }
  const columns = [keys, times, values].map((column, at) => ({
    layout: 'fixed',
    type: Reading.fields[at]?.type,
    values: column,
    validity: undefined,
  })) as Column[]
  return makeBatch(Reading, columns, BATCH_ROWS)
}

/** Every key once, then those that are hot, again and again. */
function readings(rows: number, keys: number): readonly Batch[] {
  const batches: Batch[] = []
  for (let first = 0; first < keys; first += BATCH_ROWS) batches.push(batchOf((row) => (first + row) % keys))
  const hot = Array.from({ length: 100 }, (_, batch) =>
    batchOf((row) => (((batch * BATCH_ROWS + row) * 7919) % HOT_KEYS) * (keys / HOT_KEYS)),
  )
  for (let at = 0; batches.length * BATCH_ROWS < keys + rows; at++) batches.push(hot[at % 100] as Batch)
  return batches
}

type ReadingSource = Source<{ readonly key: number; readonly at: number; readonly value: number }>

/** The batches, and then nothing more for ever: no window closes. `onRows` is told of every batch. */
function neverEnding(batches: readonly Batch[], onRows: () => void = () => undefined): ReadingSource {
  const source = memoryBatches(Reading, batches) as ReadingSource
  const forEver = new Promise<void>(() => undefined)
  return {
    ...source,
    withPushdown: () => neverEnding(batches, onRows),
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return {
        read(rowsMax) {
          const result = reader.read(rowsMax) as ReadResult
          if (result.kind === 'batch') onRows()
          return result.kind === 'end' ? { kind: 'idle', until: forEver } : result
        },
        position: () => reader.position(),
        bytesRead: () => 0,
        close: () => reader.close(),
      }
    },
  }
}

/** A window that does not close: its state is what there is. */
function counting(source: ReadingSource): Pipeline {
  return pipeline('counting', (p) =>
    p
      .read('readings', source, { eventTime: 'at' })
      .keyBy('by-key', 'key')
      .window(tumbling('1 day'))
      .aggregate('sums', (a) => ({ readings: a.count(), total: a.sum('value') }))
      .write('out', blackhole()),
  )
}

interface Pass {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly progress: JobProgress
}

async function pass(source: ReadingSource, options: Partial<JobOptions>): Promise<Pass> {
  const job = new Job(counting(source).build(), {
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
async function steadyPass(batches: readonly Batch[], options: Partial<JobOptions>): Promise<Pass> {
  const first = Math.floor(batches.length * UNCHARGED)
  let seen = 0
  let stop = watch()
  let charged = stop()
  const { progress } = await pass(
    neverEnding(batches, () => {
      seen++
      if (seen === first) stop = watch()
      else if (seen === batches.length) charged = stop()
    }),
    options,
  )
  return { ...charged, progress }
}

function stateIn(name: string): { readonly state: DirectoryStore; readonly path: string } {
  const path = join(outputPath('epochs'), name)
  rmSync(path, { recursive: true, force: true })
  return { state: new DirectoryStore(createNodeHost(), path), path }
}

/** Runs without state and with it in turns: the machine is not the same for long. */
async function costs(scale: number): Promise<CaseRun> {
  const batches = readings(Math.round(150_000_000 * scale), KEYS)
  const passes = new Map<string, Pass[]>()
  const settings: readonly (readonly [string, () => Partial<JobOptions>])[] = [
    ['none', () => ({})],
    ['1s', () => ({ state: stateIn('1s').state, epochIntervalMs: 1000 })],
    ['100ms', () => ({ state: stateIn('100ms').state, epochIntervalMs: 100 })],
  ]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, options] of settings)
      passes.set(name, [...(passes.get(name) ?? []), await steadyPass(batches, options())])
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

/** A checkpoint of some 100 MB: how fast it is written, and how soon a job goes on from it. */
async function restore(scale: number): Promise<CaseRun> {
  const keys = Math.max(HOT_KEYS * 2, Math.round((2_400_000 * scale) / HOT_KEYS) * HOT_KEYS)
  const { state, path } = stateIn('restore')
  const batches = readings(0, keys)
  const filling = await pass(neverEnding(batches), { state, epochIntervalMs: 3_600_000 })
  const bytes = readdirSync(join(path, 'state')).reduce(
    (sum, name) => sum + statSync(join(path, 'state', name)).size,
    0,
  )
  const began = performance.now()
  let firstRowMs = Number.NaN
  const more = neverEnding([...batches, batches[0] as Batch], () => {
    if (Number.isNaN(firstRowMs)) firstRowMs = performance.now() - began
  })
  const { progress } = await pass(more, { state })
  const megabytes = bytes / 2 ** 20
  return {
    units: filling.progress.rowsIn,
    // Nothing leaves a window that does not close.
    rowsOut: progress.rowsIn,
    extra: {
      checkpointMb: megabytes,
      writeMbPerSecond: (megabytes * 1000) / (filling.progress.lastEpoch?.writeMs ?? Number.NaN),
      cutMs: filling.progress.lastEpoch?.cutMs ?? Number.NaN,
      firstRowMs,
    },
  }
}

export const epochCases: readonly BenchCase[] = [
  {
    name: 'epochs',
    about:
      'a window of 1,000,000 live keys, 5 % of them hot: with epochs each 1 s, each 100 ms, and without state',
    unit: 'rows',
    run: costs,
  },
  {
    name: 'committed-latency',
    about: '50,000 rows per second into NDJSON files that roll with epochs of 10 ms: until they can be read',
    unit: 'rows',
    run: committedLatency,
  },
  {
    name: 'restore',
    about: 'a checkpoint of 2,400,000 keys: writing it whole, and the start from it',
    unit: 'rows',
    run: restore,
  },
]
