// What may go wrong around a job with a state directory, one bad day each: it stops with what to do, or waits; and the next
// start goes on with nothing lost and nothing twice.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink, rate } from '../../src/connect/index.ts'
import type { CommitOutcome, OpenSink, RatePosition, RateRow, Sink, Source } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { MillraceError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { CheckpointStore, JobOptions, JobResult } from '../../src/runtime/index.ts'
import type { FileOperation } from '../../src/testing/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

/** Rows that come over a fifth of a second. */
const rows = rate({ rowsPerSecond: 1000, rows: 200 })
const answer = Array.from({ length: 200 }, (_, number) => JSON.stringify({ number })).toSorted()

interface Day {
  readonly sink?: (sink: Sink) => Sink
  readonly store?: (store: CheckpointStore) => CheckpointStore
  readonly source?: Source<RateRow>
  readonly host?: (host: Host) => Host
  readonly options?: Partial<JobOptions>
}

/** A job of the machine, as a new process. */
function jobOf(machine: SimulatedMachine, day: Day = {}): Job {
  const { sink = (same) => same, store = (same) => same, host: changed = (same) => same, options } = day
  const host: Host = changed(machine.boot())
  const built = pipeline('p', (p) => {
    const out = sink(ndjson('/out', { roll: 'epoch' }).toSink() as Sink)
    p.read('rows', day.source ?? rows)
      .select('number', { number: 'number' })
      .write('out', out)
  }).build()
  return new Job(built, {
    host,
    mode: 'continuous',
    batchRows: 5,
    epochIntervalMs: 10,
    state: store(new DirectoryStore(host, '/state')),
    ...options,
  })
}

function run(machine: SimulatedMachine, day?: Day): Promise<JobResult> {
  return machine.run(jobOf(machine, day).run())
}

async function visible(machine: SimulatedMachine): Promise<readonly string[]> {
  const files = new SimulatedFiles(machine.disk)
  const lines: string[] = []
  for (const { name } of await files.list('/out')) {
    if (/^[._]/.test(name)) continue
    const bytes = new Uint8Array((await files.status(`/out/${name}`))?.size ?? 0)
    await (await files.open(`/out/${name}`, 'read')).read(bytes, 0, bytes.length, 0)
    lines.push(...Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
  }
  return lines.toSorted()
}

describe('a disk that fails under the state', () => {
  it.each<readonly [string, FileOperation, string]>([
    ['is full', 'file-write', 'ENOSPC'],
    ['fails to sync a file', 'file-sync', 'EIO'],
    ['fails to sync a directory', 'syncDirectory', 'EIO'],
    ['cannot open', 'open', 'EMFILE'],
    ['cannot link', 'link', 'EIO'],
  ])('%s: the job stops, and goes on when it is mended', async (_, operation, code) => {
    for (let skip = 0; skip < 40; skip += 3) {
      const machine = new SimulatedMachine(skip + 1)
      const mend = machine.disk.inject({ operation, path: /^\/state\//, code, after: skip })
      // Behind its last operation a fault strikes nobody.
      const failed = await run(machine).then(
        () => ({ code: 'checkpoint/store-failed', place: { file: '/state' } }),
        (error: unknown) => error,
      )
      expect(failed).toMatchObject({
        code: 'checkpoint/store-failed',
        place: { file: expect.stringContaining('/state') as string },
      })
      mend()
      await run(machine)
      expect(await visible(machine)).toEqual(answer)
    }
  })
})

/** A sink whose second phase says so many times that it is not ready. */
function away(times: number, seen: { tries: number }, look?: () => void): (sink: Sink) => Sink {
  return (sink) => ({
    ...sink,
    open: async (context) => {
      const open = await sink.open(context)
      const commit: OpenSink['commit'] = async (committables) => {
        look?.()
        if (++seen.tries <= times)
          return committables.map((): CommitOutcome => ({ kind: 'retry', reason: 'the target is away' }))
        return open.commit(committables)
      }
      return new Proxy(open, {
        get: (of, name: keyof OpenSink) => {
          const found = name === 'commit' ? commit : of[name]
          return typeof found === 'function' ? (found.bind(of) as unknown) : found
        },
      })
    },
  })
}

describe('a sink that is away for long', () => {
  it('is waited for as long as it takes, and no more than two epochs wait for it', async () => {
    const machine = new SimulatedMachine(5)
    const seen = { tries: 0 }
    let atOnce = 0
    // At every try: two epochs may wait while the first of them is tried.
    const look = (): void => {
      const { epoch, lastEpoch } = job.progress()
      atOnce = Math.max(atOnce, epoch - (lastEpoch?.epoch ?? 0))
    }
    const job = jobOf(machine, { sink: away(100, seen, look) })
    expect((await machine.run(job.run())).end).toBe('finished')
    expect(seen.tries).toBeGreaterThan(100)
    expect(atOnce).toBe(2)
    expect(await visible(machine)).toEqual(answer)
  })

  it('gets what several epochs owe from the next start', async () => {
    const machine = new SimulatedMachine(6)
    const seen = { tries: 0 }
    machine.killAfter(900)
    await expect(run(machine, { sink: away(Infinity, seen) })).rejects.toThrow(ProcessKilled)
    expect(seen.tries).toBeGreaterThan(3)
    expect(await visible(machine)).toEqual([])
    machine.kill('power')
    const { start } = await run(machine)
    expect(start).toMatchObject({ kind: 'resume', committedAgain: 2 })
    expect(await visible(machine)).toEqual(answer)
  })

  it('lets a run that is asked to stop end, and owes nothing to nobody', async () => {
    const machine = new SimulatedMachine(7)
    const seen = { tries: 0 }
    const job = jobOf(machine, { sink: away(12, seen), options: { stopWhenIdleMs: 5 } })
    const running = machine.run(job.run())
    job.stop()
    const code = await running.then(
      () => undefined,
      (error: unknown) => (error as MillraceError).code,
    )
    expect([undefined, 'output/write-failed']).toContain(code)
    machine.kill('process')
    await run(machine)
    expect(await visible(machine)).toEqual(answer)
  })
})

describe('a store that becomes slow', () => {
  it('makes epochs longer, and holds no row up', async () => {
    const machine = new SimulatedMachine(9)
    let wait: (ms: number) => Promise<void> = async () => undefined
    const slow = (store: CheckpointStore): CheckpointStore => ({
      place: store.place,
      create: (name, bytes) => wait(500).then(() => store.create(name, bytes)),
      write: (name) => wait(300).then(() => store.write(name)),
      read: (name, range) => store.read(name, range),
      names: (prefix) => wait(200).then(() => store.names(prefix)),
      list: (prefix) => wait(200).then(() => store.list(prefix)),
      remove: (name) => store.remove(name),
      sweep: () => store.sweep(),
    })
    const job = jobOf(machine, { store: slow })
    const { timers } = machine.boot()
    wait = (ms) => new Promise((resolve) => timers.set(ms, resolve))
    const { progress } = await machine.run(job.run())
    // All rows are read while the first epochs are written.
    expect(progress.epoch).toBeLessThan(6)
    expect(await visible(machine)).toEqual(answer)
  })
})

describe('two processes on one state', () => {
  it('are refused while the first lives, and take over at once when it is dead', async () => {
    const machine = new SimulatedMachine(10)
    machine.killAfter(300)
    await expect(run(machine)).rejects.toThrow(ProcessKilled)
    machine.kill('process')
    const alive = (host: Host): Host => ({
      ...host,
      processes: { ...host.processes, state: async () => 'alive' },
    })
    await expect(run(machine, { host: alive })).rejects.toMatchObject({ code: 'checkpoint/owned' })
    await run(machine)
    expect(await visible(machine)).toEqual(answer)
  })

  it.each([15, 30, 60, 90, 120, 300, 700])(
    'fence the first when the second takes over after %i ms',
    async (ms) => {
      const machine = new SimulatedMachine(ms)
      // It would be at work for two seconds.
      const source = rate({ rowsPerSecond: 100, rows: 200 })
      const first = jobOf(machine, { source })
      const { timers } = machine.boot()
      const second = async (): Promise<JobResult> => {
        await new Promise<void>((resolve) => timers.set(ms, resolve))
        return jobOf(machine, { source, options: { takeOver: true } }).run()
      }
      const [stale, fresh] = await machine.run(Promise.allSettled([first.run(), second()]))
      // Also where its own file was swept while it wrote it.
      expect(stale).toMatchObject({ status: 'rejected', reason: { code: 'checkpoint/fenced' } })
      expect(fresh).toMatchObject({ status: 'fulfilled' })
      expect(await visible(machine)).toEqual(answer)
    },
  )
})

describe('two jobs of one process on one state', () => {
  /** Jobs of one process of a machine. */
  function processOf(machine: SimulatedMachine): (options?: Partial<JobOptions>) => Job {
    const host = machine.boot()
    return (options = {}) => jobOf(machine, { host: () => host, options })
  }

  it.each([1, 15, 40, 80])('the second is refused %i ms behind the first, which goes on', async (ms) => {
    const machine = new SimulatedMachine(ms)
    const next = processOf(machine)
    const { timers } = machine.boot()
    const later = async (): Promise<JobResult> => {
      await new Promise<void>((resolve) => timers.set(ms, resolve))
      return next().run()
    }
    const [first, second] = await machine.run(Promise.allSettled([next().run(), later()]))
    expect(first).toMatchObject({ status: 'fulfilled' })
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { code: 'checkpoint/owned', what: 'another Job of this process runs this job' },
    })
    expect(await visible(machine)).toEqual(answer)
  })

  it.each([1, 2, 3, 4, 5])(
    'of two that start at once one is refused, whichever is faster (%i)',
    async (seed) => {
      const machine = new SimulatedMachine(seed)
      const next = processOf(machine)
      const ends = await machine.run(Promise.allSettled([next().run(), next().run()]))
      expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'checkpoint/owned' },
      })
      expect(await visible(machine)).toEqual(answer)
    },
  )

  it('the second says so before it starts, may take over, and starts by itself when the first has ended', async () => {
    const machine = new SimulatedMachine(6)
    const next = processOf(machine)
    const { timers } = machine.boot()
    const first = next()
    const asked = async (): Promise<readonly unknown[]> => {
      await new Promise<void>((resolve) => timers.set(50, resolve))
      const codes = (await next().check())?.refusals.map(({ code }) => code)
      const open = (await next({ takeOver: true }).check())?.refusals
      first.stop()
      return [codes, open]
    }
    const [, looked] = await machine.run(Promise.all([first.run(), asked()]))
    expect(looked).toEqual([['checkpoint/owned'], []])
    await machine.run(next().run())
    expect(await visible(machine)).toEqual(answer)
  })

  it('one that failed leaves the job to the next', async () => {
    const machine = new SimulatedMachine(7)
    const next = processOf(machine)
    const mend = machine.disk.inject({ operation: 'file-sync', path: /^\/state\//, code: 'EIO', after: 10 })
    await expect(machine.run(next().run())).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    mend()
    await machine.run(next().run())
    expect(await visible(machine)).toEqual(answer)
  })
})

describe('input that cannot be read any more', () => {
  it('ends a run behind what was read before: it is put out, and not read again', async () => {
    const machine = new SimulatedMachine(11)
    const { withPushdown: _, ...plain } = rows
    const broken: Source<RateRow> = {
      ...plain,
      open: async (split, from, context) => {
        const reader = await rows.open(split, from as RatePosition | undefined, context)
        return {
          read(rowsMax) {
            if (Number(reader.position()['row']) >= 77) throw new Error('the cable is cut')
            return reader.read(Math.min(rowsMax, 7))
          },
          position: () => reader.position(),
          bytesRead: () => 0,
          close: () => reader.close(),
        }
      },
    }
    await expect(run(machine, { source: broken })).rejects.toMatchObject({ code: 'input/read-failed' })
    const found = await visible(machine)
    expect(found).toEqual(
      Array.from({ length: found.length }, (_, number) => JSON.stringify({ number })).toSorted(),
    )
    expect(found.length).toBeGreaterThanOrEqual(77)
    machine.kill('power')
    const { progress } = await run(machine)
    expect(progress.rowsIn).toBe(200 - found.length)
    expect(await visible(machine)).toEqual(answer)
  })

  it('keeps rows that were in hand when something else failed in the same turn', async () => {
    const machine = new SimulatedMachine(12)
    const Numbered = schema({ n: t.int32() })
    const few = memoryRows(Numbered, [{ n: 100 }, { n: 101 }, { n: 102 }, { n: 103 }])
    let isBroken = true
    const many = memoryRows(
      Numbered,
      Array.from({ length: 50 }, (_, n) => ({ n })),
    )
    const broken: typeof many = {
      ...many,
      withPushdown: () => broken,
      open: async (split, from, context) => {
        const reader = await many.open(split, from, context)
        return {
          read(rowsMax) {
            if (isBroken && mapped.includes(100)) throw new Error('the cable is cut')
            return reader.read(rowsMax)
          },
          position: () => reader.position(),
          bytesRead: () => 0,
          close: () => reader.close(),
        }
      },
    }
    const mapped: number[] = []
    const out = memorySink<{ n: number }>()
    const go = (): Promise<JobResult> => {
      const host = machine.boot()
      const built = pipeline('two', (p) => {
        p.read('broken', broken).write('none', memorySink())
        p.read('few', few)
          .map('map', Numbered, (row) => {
            mapped.push(row.n)
            if (isBroken && row.n === 101) throw new Error('a passing fault')
            return { n: row.n }
          })
          .write('out', out)
      }).build()
      const state = new DirectoryStore(host, '/state')
      const job = new Job(built, { host, mode: 'continuous', batchRows: 1, epochIntervalMs: 60_000, state })
      return machine.run(job.run())
    }
    await expect(go()).rejects.toMatchObject({ step: 'map' })
    isBroken = false
    await go()
    expect(out.rows.map(({ n }) => n)).toEqual([100, 101, 102, 103])
  })
})
