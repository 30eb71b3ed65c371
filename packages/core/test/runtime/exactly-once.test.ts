// L2: whole jobs on a disk that loses power after any operation, started again until they end. What shows at any moment is
// part of the answer, and at the end it is the answer: nothing lost, nothing twice.
import { describe, expect, it, vi } from 'vitest'
import { pipeline, schema, session, sql, state, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows, memoryStream } from '../../src/connect/index.ts'
import type { CommitOutcome, OpenSink, Sink, Source } from '../../src/connect/index.ts'
import type { Json, RowOf } from '../../src/data/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Files, Host } from '../../src/host/host.ts'
import type { BuiltPlan } from '../../src/plan/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { PowerLost, SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import {
  isPowerLost,
  noLie,
  overlay,
  randomOf,
  suiteSeed,
  withoutDirectorySync,
  withoutFileSync,
} from '../testing/crashes.ts'
import type { Lie } from '../testing/crashes.ts'

// These tests wait for nothing; a machine with much else to do is slow.
vi.setConfig({ testTimeout: 300_000 })

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
const rows = Array.from({ length: 90 }, (_, n) => ({ key: `k${n % 7}`, n, at: n * 100 }))

/** Ends of a pipeline that break a promise. */
interface Defect {
  readonly source?: (source: Source<RowOf<typeof Row>>) => Source<RowOf<typeof Row>>
  readonly sink?: (sink: Sink) => Sink
}

/** Passes rows on, in files that roll with every epoch. */
function passingWith({ source = (same) => same, sink = (same) => same }: Defect): Pipeline {
  return pipeline('passing', (p) => {
    const rowsIn = source(memoryRows(Row, rows, { splits: 3 }) as Source<RowOf<typeof Row>>)
    p.read('rows', rowsIn).write('out', sink(fileSink()))
  })
}

const fileSink = (): Sink => ndjson('/data/out', { schema: Row, roll: 'epoch' }).toSink() as Sink

const passing = passingWith({})

const Counted = schema({ key: t.string(), n: t.int32(), count: t.int32() })

/** Counts the rows of each key as they come. */
const counting = pipeline('counting', (p) => {
  p.read('rows', memoryRows(Row, rows))
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: state.value(t.int32()) },
      output: Counted,
      onRow(row, { state: { count }, emit }) {
        const next = (count.get() ?? 0) + 1
        count.set(next)
        emit({ key: row.key, n: row.n, count: next })
      },
    })
    .write('out', ndjson('/data/out', { roll: 'epoch' }))
})

/** Counts by window of event time. */
const windowing = pipeline('windowing', (p) => {
  p.read('rows', memoryRows(Row, rows, { splits: 2 }), { eventTime: 'at' })
    .keyBy('by-key', 'key')
    .window(tumbling('1 s'))
    .aggregate('count', (a) => ({ n: a.count(), total: a.sum('n') }))
    .write('out', ndjson('/data/out', { roll: 'epoch' }))
})

const Name = schema({ key: t.string(), name: t.string() })

/** Two inputs, a table beside them, two outputs that hold rows back, one of them in partitions. */
const branching = pipeline('branching', (p) => {
  const left = p.read('left', memoryRows(Row, rows.slice(0, 50), { splits: 2 }), { eventTime: 'at' })
  const right = p.read('right', memoryRows(Row, rows.slice(40)), {
    eventTime: { column: 'at', disorder: '300 ms' },
  })
  const names = p.read(
    'names',
    memoryRows(
      Name,
      rows.slice(0, 5).map(({ key }) => ({ key, name: `name of ${key}` })),
    ),
  )
  const all = left.union('all', right)
  all
    .where('third', sql`n % 3 = 0`)
    .write('thirds', ndjson('/data/out/some', { roll: { size: 600 }, partitionBy: ['key'] }))
  const sessions = all
    .lookupJoin('named', names, { on: 'key', select: { name: 'name' } })
    .keyBy('by-key', 'key')
    .window(session('1500 ms'))
    .aggregate('sessions', (a) => ({ n: a.count(), mean: a.mean('n'), first: a.first('name') }))
  sessions.write('closed', ndjson('/data/out/sessions', { roll: { size: 400 } }))
})

/** An input that ends early, one from which nothing comes, a side output, and an output that takes its time. */
const sideways = pipeline('sideways', (p) => {
  const early = p.read('early', memoryRows(Row, rows.slice(0, 12)))
  const long = p.read('long', memoryRows(Row, rows.slice(12), { splits: 3 }))
  const silent = p.read('silent', memoryStream(Row))
  const counted = early
    .union('two', long)
    .union('all', silent)
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: state.value(t.int32()) },
      output: Counted,
      sideOutputs: { third: Row },
      onRow(row, { state: { count }, emit, emitTo }) {
        const next = (count.get() ?? 0) + 1
        count.set(next)
        emit({ key: row.key, n: 0, count: next })
        if (row.n % 3 === 0) emitTo('third', { ...row })
      },
    })
  counted.write('out', ndjson('/data/out/counts', { roll: 'epoch' }))
  counted
    .side('third')
    .write('thirds', slow(ndjson('/data/out/thirds', { roll: { size: 600 } }).toSink() as Sink))
})

/** Takes some turns of the loop for everything. */
function slow(sink: Sink): Sink {
  const wait = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return overOpened(sink, (open) =>
    overlay(open, {
      writer: async (task, restored) => {
        const writer = await open.writer(task, restored)
        return overlay(writer, {
          write: (batch) => wait().then(() => writer.write(batch)),
          prepare: (epoch) => wait().then(() => writer.prepare(epoch)),
        })
      },
      commit: (committables) => wait().then(() => open.commit(committables)),
    }),
  )
}

/** A process of the machine, whose clock moves when it is looked at: a run takes the same turns every time. */
function hostOf(disk: SimulatedDisk, files: Files, pid: number): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  const real = createNodeHost()
  let now = 1_700_000_000_000
  return {
    ...real,
    files,
    clock: { ...real.clock, now: () => now, monotonic: () => now++ },
    timers: {
      ...real.timers,
      // Without power nobody waits: else a commit would be tried again for ever.
      set(_, callback) {
        if (!disk.hasPower) throw new PowerLost('waiting')
        return real.timers.set(0, callback)
      },
    },
    processes: {
      self: () => Promise.resolve(self),
      state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
    },
  }
}

/** In which mode a job is run, and on what. */
interface Way {
  readonly lie?: Lie
  /** Rows of each source in an epoch of micro-batch mode; undefined: continuous. */
  readonly maxRows?: number
}

function run(
  disk: SimulatedDisk,
  pid: number,
  job: Pipeline,
  { lie = noLie, maxRows }: Way = {},
): Promise<JobResult> {
  const host = hostOf(disk, lie(new SimulatedFiles(disk)), pid)
  return new Job(maxRows === undefined ? job.build() : limited(job.build(), maxRows), {
    host,
    ...(maxRows === undefined
      ? { mode: 'continuous', epochIntervalMs: 15 }
      : { mode: 'micro-batch', trigger: { kind: 'available-now' } }),
    ...(job === sideways ? { stopWhenIdleMs: 400 } : {}),
    state: new DirectoryStore(host, '/data/state'),
    batchRows: 8,
    parallelism: 1 + (pid % 2),
  }).run()
}

/** The same with so many rows of each source in an epoch. */
function limited({ plan, ...rest }: BuiltPlan, maxRows: number): BuiltPlan {
  const nodes = plan.nodes.map((node) => (node.kind === 'source' ? { ...node, perEpoch: { maxRows } } : node))
  return { ...rest, plan: { ...plan, nodes } }
}

/** Lines of all files that a reader of the output finds, each behind its folder. */
async function visible(disk: SimulatedDisk, folder = '/data/out'): Promise<readonly string[]> {
  const files = new SimulatedFiles(disk)
  if ((await files.status(folder)) === undefined) return []
  const lines: string[] = []
  for (const { name, kind } of await files.list(folder)) {
    const path = `${folder}/${name}`
    if (/^[._]/.test(name)) continue
    if (kind === 'directory') lines.push(...(await visible(disk, path)))
    if (!name.endsWith('.ndjson')) continue
    const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
    const file = await files.open(path, 'read')
    await file.read(bytes, 0, bytes.length, 0)
    await file.close()
    const text = Buffer.from(bytes).toString('utf8')
    lines.push(
      ...text
        .split('\n')
        .filter(Boolean)
        .map((line) => `${folder} ${line}`),
    )
  }
  return lines.toSorted()
}

/** What is wrong with what shows; undefined: it is part of the answer. */
function wrong(found: readonly string[], answer: readonly string[]): string | undefined {
  const left = new Map<string, number>()
  for (const line of answer) left.set(line, (left.get(line) ?? 0) + 1)
  for (const line of found) {
    const times = left.get(line) ?? 0
    if (times === 0) return `too often, or not of the answer: ${line}`
    left.set(line, times - 1)
  }
  return undefined
}

/** The answer of a run without any crash. */
async function answerOf(
  job: Pipeline,
  way: Way = {},
): Promise<{ readonly answer: readonly string[]; readonly points: number }> {
  const disk = new SimulatedDisk()
  const { progress } = await run(disk, 1, job, { ...way, lie: noLie })
  expect(progress.epoch).toBeGreaterThan(3)
  return { answer: await visible(disk), points: disk.operations }
}

/** Everything that goes wrong when the power fails after every `step`th operation, and once more in the next attempt. */
async function crashEverywhere(job: Pipeline, step: number, way: Way = {}): Promise<readonly string[]> {
  const { answer, points } = await answerOf(job, way)
  const faults: string[] = []
  // Others with another seed; of smaller jobs every one is in every-crash-point.test.ts.
  for (let point = suiteSeed % step; point <= points && faults.length < 5; point += step) {
    const fault = (text: string): unknown => faults.push(`after ${point} of ${points}: ${text}`)
    const random = randomOf(point + 1)
    const disk = new SimulatedDisk()
    let isOver = false
    for (let attempt = 1; attempt <= 20 && !isOver; attempt++) {
      if (attempt === 1) disk.losePowerAfter(point)
      if (attempt === 2) disk.losePowerAfter(random(points))
      isOver = await run(disk, attempt, job, attempt <= 2 ? way : { ...way, lie: noLie }).then(
        () => true,
        (error: unknown) => {
          if (!isPowerLost(error)) fault(`attempt ${attempt}: ${String(error)}`)
          return !isPowerLost(error)
        },
      )
      disk.restart(random)
      const trouble = wrong(await visible(disk), answer)
      if (trouble !== undefined) fault(`attempt ${attempt}: ${trouble}`)
    }
    const found = await visible(disk)
    if (found.length !== answer.length) fault(`${found.length} lines of ${answer.length}`)
  }
  return faults
}

/** Connectors that break one promise each: what an engine would do that had the defect. */
const defects: { readonly [what: string]: Defect } = {
  'output is committed before its manifest stands': {
    sink: (sink) =>
      overOpened(sink, (open) => ({
        ...open,
        writer: async (task, restored) => {
          const writer = await open.writer(task, restored)
          return overlay(writer, {
            prepare: async (epoch) => {
              const committable = await writer.prepare(epoch)
              if (committable !== undefined) await open.commit([committable])
              return committable
            },
          })
        },
      })),
  },
  'positions are those of rows that were not taken yet': {
    source: (source) => overRead(source, (position) => ({ ...position, row: position.row + 3 })),
  },
  'positions lag behind the rows that were pushed': {
    source: (source) => overRead(source, (position) => ({ ...position, row: Math.max(0, position.row - 3) })),
  },
  'every attempt writes under the name of the first': {
    sink: (sink) => ({ ...sink, open: (context) => sink.open({ ...context, attempt: 1 }) }),
  },
  'what an epoch owes is not committed again': {
    sink: (sink) => overOpened(sink, (open) => ({ ...open, commit: onlyOnce(open) })),
  },
}

/** The second phase of the first attempts fails without a word. */
function onlyOnce(open: OpenSink): OpenSink['commit'] {
  let calls = 0
  return async (committables) =>
    ++calls === 1
      ? committables.map((): CommitOutcome => ({ kind: 'already-committed' }))
      : open.commit(committables)
}

function overOpened(sink: Sink, change: (open: OpenSink) => OpenSink): Sink {
  return { ...sink, open: async (context) => change(overlay(await sink.open(context), {})) }
}

function overRead(
  source: Source<RowOf<typeof Row>>,
  change: (position: { readonly row: number }) => Json,
): Source<RowOf<typeof Row>> {
  return {
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return overlay(reader, { position: () => change(reader.position() as { row: number }) })
    },
  }
}

describe('a job that is killed and started again', () => {
  it.each([
    ['passes rows on', passing, 90, 11],
    ['keeps state by key', counting, 90, 11],
    ['counts by window', windowing, 63, 11],
    ['holds rows back in two outputs', branching, 40, 37],
    ['has inputs that end early or are silent, a side output and a slow one', sideways, 120, 61],
  ] as const)('gives each row once: %s', async (_, job, lines, step) => {
    expect((await answerOf(job)).answer).toHaveLength(lines)
    expect(await crashEverywhere(job, step)).toEqual([])
  })

  it.each([
    ['passes rows on', passing, 13, 29],
    ['keeps state by key', counting, 13, 29],
    ['counts by window', windowing, 13, 29],
    ['holds rows back in two outputs', branching, 17, 83],
  ] as const)('gives in micro-batch mode what continuous mode gives: %s', async (_, job, maxRows, step) => {
    expect((await answerOf(job, { maxRows })).answer).toEqual((await answerOf(job)).answer)
    expect(await crashEverywhere(job, step, { maxRows })).toEqual([])
  })

  it('goes on behind its end with nothing to do', async () => {
    const disk = new SimulatedDisk()
    const first = await run(disk, 1, passing)
    expect(first.start).toEqual({ kind: 'begin', attempt: 1, epoch: 0, committedAgain: 0, changes: [] })
    const found = await visible(disk)
    const again = await run(disk, 2, passing)
    expect(again.start).toMatchObject({ kind: 'ended', attempt: 2, epoch: first.progress.epoch })
    expect(again.progress.rowsIn).toBe(0)
    expect(await visible(disk)).toEqual(found)
  })

  it.each(Object.entries(defects))('is seen to fail when %s', async (_, defect) => {
    expect((await crashEverywhere(passingWith(defect), 5)).length).toBeGreaterThan(0)
  })

  it.each<readonly [string, Lie]>([
    ['that do not sync', withoutFileSync],
    ['whose directories do not sync', withoutDirectorySync],
  ])('is seen to fail on files %s', async (_, lie) => {
    expect((await crashEverywhere(passing, 5, { lie })).length).toBeGreaterThan(0)
  })
})
