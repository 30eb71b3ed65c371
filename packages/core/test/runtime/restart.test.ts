import { describe, expect, test } from 'vitest'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { MillraceError } from '../../src/errors.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { DirectoryStore, Job } from '../../src/runtime/index.ts'
import type { JobState, RestartStrategy } from '../../src/runtime/index.ts'
import { Restarts } from '../../src/runtime/restart.ts'
import type { Clock } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import type { Source } from '../../src/connect/index.ts'

const passing = new MillraceError('input/read-failed', { what: 'the network is away' })
const lasting = new MillraceError('step/function-failed', { what: 'the function threw' })

/** The waits after so many failures, one after the other; `undefined`: given up. */
function waits(
  strategy: RestartStrategy,
  failures: readonly { readonly atMs?: number; readonly ranMs?: number }[],
  random = 0,
): (number | undefined)[] {
  const restarts = new Restarts(strategy, () => random)
  return failures.map(({ atMs = 0, ranMs = 0 }) => {
    const decision = restarts.decide({ error: passing, atMs, ranMs })
    return decision.kind === 'restart' ? decision.delayMs : undefined
  })
}

const times = (count: number): object[] => Array.from({ length: count }, () => ({}))

describe('starting again after a failure', () => {
  test.each<RestartStrategy>([
    { kind: 'none' },
    { kind: 'fixed', delay: '1 s' },
    { kind: 'exponential' },
    { kind: 'failure-rate', failures: 5, within: '1 min', delay: '1 s' },
  ])('RS1: never happens when somebody has to mend something: %o', (strategy) => {
    for (const error of [lasting, new Error('a slip of ours')])
      expect(new Restarts(strategy, () => 0).decide({ error, atMs: 0, ranMs: 0 })).toMatchObject({
        kind: 'give-up',
      })
  })

  test('happens after fixed waits, so many times in a row', () => {
    expect(waits({ kind: 'fixed', delay: '2 s', attempts: 3 }, times(4))).toEqual([
      2000,
      2000,
      2000,
      undefined,
    ])
  })

  test('RS2: happens after waits that grow to the longest, shortened by jitter', () => {
    const strategy = { kind: 'exponential', first: '1 s', longest: '5 s' } as const
    expect(waits(strategy, times(5))).toEqual([1000, 2000, 4000, 5000, 5000])
    expect(waits(strategy, times(4), 0.5)).toEqual([900, 1800, 3600, 4500])
  })

  test('RS3: begins with the first wait after a run that lasted', () => {
    const failures = [{}, {}, { ranMs: 10_000 }, {}]
    expect(waits({ kind: 'exponential', resetAfter: '10 s' }, failures)).toEqual([1000, 2000, 1000, 2000])
  })

  test('begins its attempts anew after a run that lasted long enough (RS3)', () => {
    const fixed = { kind: 'fixed', delay: '10 s', attempts: 2 } as const
    expect(waits(fixed, [{}, {}, { ranMs: 599_999 }])).toEqual([10_000, 10_000, undefined])
    expect(waits(fixed, [{}, {}, { ranMs: 600_000 }, {}, {}])).toEqual([10_000, 10_000, 10_000, 10_000, undefined]) // prettier-ignore
    expect(waits({ ...fixed, resetAfter: '1 s' }, [{}, {}, { ranMs: 1000 }])).toEqual([10_000, 10_000, 10_000]) // prettier-ignore
  })

  test('ends when failures come too fast', () => {
    const strategy = { kind: 'failure-rate', failures: 2, within: '1 min', delay: '1 s' } as const
    const failures = [0, 59_000, 61_000, 62_000].map((atMs) => ({ atMs }))
    expect(waits(strategy, failures)).toEqual([1000, 1000, 1000, undefined])
  })

  test.each([
    [{ kind: 'sometimes' }, 'option "kind" of restart is sometimes'],
    [{ kind: 'fixed', delay: '1 s', attempts: -1 }, 'option "attempts" of restart is -1'],
    [{ kind: 'exponential', factor: 0.5 }, 'option "factor" of restart is 0.5'],
    [{ kind: 'fixed', dely: '1 s' }, 'restart has no option "dely"'],
  ])('refuses a strategy that cannot be: %o', (strategy, what) => {
    expect(() => new Restarts(strategy as unknown as RestartStrategy, () => 0)).toThrow(what)
  })
})

const Row = schema({ n: t.int32() })
const rows = Array.from({ length: 100 }, (_, n) => ({ n }))

/** Rows whose reader fails now and then, as one does behind a network. */
function flaky(failures: number, readsBefore = 4): Source<{ readonly n: number }> {
  const source = memoryRows(Row, rows) as Source<{ readonly n: number }>
  let left = failures
  return {
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      let reads = 0
      return {
        read(rowsMax) {
          if (++reads > readsBefore && left-- > 0) throw passing
          return reader.read(Math.min(rowsMax, 7))
        },
        position: () => reader.position(),
        bytesRead: () => reader.bytesRead(),
        close: () => reader.close(),
      }
    },
  }
}

describe('a job with a restart strategy', () => {
  const jobOf = (
    failures: number,
    strategy: RestartStrategy,
    more: { readonly clock?: Clock; readonly waited?: () => void; readonly readsBefore?: number } = {},
  ): { job: Job; sink: ReturnType<typeof memorySink<{ readonly n: number }>>; states: JobState[] } => {
    const real = createNodeHost()
    const host = { ...real, clock: more.clock ?? real.clock, files: new SimulatedFiles(new SimulatedDisk()) }
    const sink = memorySink<{ readonly n: number }>()
    const states: JobState[] = []
    const built = pipeline('p', (p) =>
      p.read('rows', flaky(failures, more.readsBefore)).write('out', sink),
    ).build()
    const job: Job = new Job(built, {
      host: {
        ...host,
        timers: {
          ...host.timers,
          set: (ms, callback) => {
            states.push(job.state)
            if (job.state === 'waiting') more.waited?.()
            return host.timers.set(Math.min(ms, 1), callback)
          },
        },
      },
      mode: 'continuous',
      epochIntervalMs: 1,
      state: new DirectoryStore(host, '/state'),
      restart: strategy,
    })
    return { job, sink, states }
  }

  test('goes on where it failed, and keeps every failure with its cause', async () => {
    const { job, sink, states } = jobOf(3, { kind: 'exponential' })
    const { end } = await job.run()
    expect(end).toBe('finished')
    expect(sink.rows.map(({ n }) => n)).toEqual(rows.map(({ n }) => n))
    expect(job.failures.map(({ error }) => (error as MillraceError).code)).toEqual(
      Array.from({ length: 3 }, () => 'input/read-failed'),
    )
    expect(states).toContain('waiting')
    expect(job.state).toBe('ended')
  })

  test('counts failures by the time that passes, however the wall clock jumps', async () => {
    let passedMs = 0
    let days = 0
    const { job } = jobOf(
      6,
      { kind: 'failure-rate', failures: 2, within: '1 min', delay: '1 min' },
      // Each start is a minute later, and earlier by the wall clock.
      {
        clock: { now: () => 1e12 - 86_400_000 * days++, monotonic: () => passedMs++, cpu: () => 0 },
        waited: () => (passedMs += 60_000),
        readsBefore: 0,
      },
    )
    expect((await job.run()).end).toBe('finished')
    expect(job.failures).toHaveLength(6)
  })

  test('keeps the newest failures of many, and how many there were', async () => {
    const { job } = jobOf(130, { kind: 'fixed', delay: '1 ms' }, { readsBefore: 0 })
    await job.run()
    expect(job.failures.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, n) => n + 31))
  })

  test('gives up with the last failure', async () => {
    const { job } = jobOf(100, { kind: 'fixed', delay: '1 ms', attempts: 2 })
    await expect(job.run()).rejects.toThrow(passing.what)
    expect(job.failures).toHaveLength(3)
    expect(job.state).toBe('failed')
  })

  test('is refused without a state directory', () => {
    const built = pipeline('p', (p) => p.read('rows', flaky(0)).write('out', memorySink())).build()
    expect(() => new Job(built, { host: createNodeHost(), restart: { kind: 'exponential' } })).toThrow(
      'cannot start again where it failed',
    )
  })
})
