// L2: whole jobs on a disk that loses power after any operation, started again until they end. What shows at any moment is
// part of the answer, and at the end it is the answer: nothing lost, nothing twice.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, state, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Files, Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { PowerLost, SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { isPowerLost, noLie, randomOf, withoutDirectorySync, withoutFileSync } from '../testing/crashes.ts'
import type { Lie } from '../testing/crashes.ts'

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
const rows = Array.from({ length: 90 }, (_, n) => ({ key: `k${n % 7}`, n, at: n * 100 }))

/** Passes rows on, in files that roll with every epoch. */
const passing = pipeline('passing', (p) => {
  p.read('rows', memoryRows(Row, rows, { splits: 3 })).write('out', ndjson('/data/out', { roll: 'epoch' }))
})

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

/** A process of the machine, whose clock moves when it is looked at: a run takes the same turns every time. */
function hostOf(disk: SimulatedDisk, files: Files, pid: number): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  const real = createNodeHost()
  let now = 1_700_000_000_000
  return {
    ...real,
    files,
    clock: { ...real.clock, now: () => now++, monotonic: () => now },
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

function run(disk: SimulatedDisk, pid: number, job: Pipeline, lie: Lie = noLie): Promise<JobResult> {
  const host = hostOf(disk, lie(new SimulatedFiles(disk)), pid)
  return new Job(job.build(), {
    host,
    mode: 'continuous',
    state: new DirectoryStore(host, '/data/state'),
    epochIntervalMs: 15,
    batchRows: 8,
    parallelism: 1 + (pid % 2),
  }).run()
}

/** Lines of all files that a reader of the output finds. */
async function visible(disk: SimulatedDisk): Promise<readonly string[]> {
  const files = new SimulatedFiles(disk)
  if ((await files.status('/data/out')) === undefined) return []
  const lines: string[] = []
  for (const { name } of await files.list('/data/out')) {
    if (!name.endsWith('.ndjson') || /^[._]/.test(name)) continue
    const path = `/data/out/${name}`
    const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
    const file = await files.open(path, 'read')
    await file.read(bytes, 0, bytes.length, 0)
    await file.close()
    lines.push(...Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
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
): Promise<{ readonly answer: readonly string[]; readonly points: number }> {
  const disk = new SimulatedDisk()
  const { progress } = await run(disk, 1, job)
  expect(progress.epoch).toBeGreaterThan(3)
  return { answer: await visible(disk), points: disk.operations }
}

/** Everything that goes wrong when the power fails after every `step`th operation, and once more in the next attempt. */
async function crashEverywhere(job: Pipeline, step: number, lie: Lie = noLie): Promise<readonly string[]> {
  const { answer, points } = await answerOf(job)
  const faults: string[] = []
  for (let point = 0; point <= points && faults.length < 5; point += step) {
    const fault = (text: string): unknown => faults.push(`after ${point} of ${points}: ${text}`)
    const random = randomOf(point + 1)
    const disk = new SimulatedDisk()
    let isOver = false
    for (let attempt = 1; attempt <= 20 && !isOver; attempt++) {
      if (attempt === 1) disk.losePowerAfter(point)
      if (attempt === 2) disk.losePowerAfter(random(points))
      isOver = await run(disk, attempt, job, attempt <= 2 ? lie : noLie).then(
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

describe('a job that is killed and started again', () => {
  it.each([
    ['passes rows on', passing, 90],
    ['keeps state by key', counting, 90],
    ['counts by window', windowing, 63],
  ] as const)('gives each row once: %s', async (_, job, lines) => {
    expect((await answerOf(job)).answer).toHaveLength(lines)
    expect(await crashEverywhere(job, 7)).toEqual([])
  })

  it('goes on behind its end with nothing to do', async () => {
    const disk = new SimulatedDisk()
    const first = await run(disk, 1, passing)
    expect(first.start).toEqual({ kind: 'begin', attempt: 1, epoch: 0, committedAgain: 0 })
    const found = await visible(disk)
    const again = await run(disk, 2, passing)
    expect(again.start).toMatchObject({ kind: 'ended', attempt: 2, epoch: first.progress.epoch })
    expect(again.progress.rowsIn).toBe(0)
    expect(await visible(disk)).toEqual(found)
  })

  it.each<readonly [string, Lie]>([
    ['that do not sync', withoutFileSync],
    ['whose directories do not sync', withoutDirectorySync],
  ])('is seen to fail on files %s', async (_, lie) => {
    expect((await crashEverywhere(passing, 5, lie)).length).toBeGreaterThan(0)
  })
})
