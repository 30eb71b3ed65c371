// Micro-batch mode: what an epoch reads, when epochs are made and when a run ends.
import { describe, expect, test } from 'vitest'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink, memoryStream, nexmark } from '../../src/connect/index.ts'
import type { MemorySink, Source, SplitReader } from '../../src/connect/index.ts'
import { csv, ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { EpochLimits } from '../../src/plan/index.ts'
import { hostWith, untilEnded } from '../bad-input/copying.ts'
import { runHere } from './run-here.ts'

const Event = schema({ key: t.string(), at: t.timestamp('ms') })
const event = (at: number, key = 'a'): { key: string; at: number } => ({ key, at })

describe('available-now', () => {
  test('reads a bounded input to its end, fires every window, and ends', async () => {
    const sink = memorySink()
    const built = pipeline('windows', (p) => {
      p.read('in', memoryRows(Event, [event(1), event(2), event(20_000)], { splits: 2 }), { eventTime: 'at' })
        .keyBy('key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    const { end, progress } = await runHere(built, {
      mode: 'micro-batch',
      trigger: { kind: 'available-now' },
    })
    expect({ end, epochs: progress.epoch }).toEqual({ end: 'finished', epochs: 2 })
    expect(sink.rows).toHaveLength(2)
  })

  test('reads what is there when it begins, and does not wait or drain', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink()
    const built = pipeline('windows', (p) => {
      p.read('in', source, { eventTime: 'at', perEpoch: { maxRows: 1 } })
        .filter('more', (row) => {
          if (row.at < 50_000) source.push(event(row.at + 100_000))
          return true
        })
        .keyBy('key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    source.push(event(1), event(2), event(20_000))
    const { end, progress } = await untilEnded(
      host,
      new Job(built.build(), { host, mode: 'micro-batch', trigger: { kind: 'available-now' } }).run(),
    )
    expect({ end, rows: progress.rowsIn }).toEqual({ end: 'idle', rows: 3 })
    expect(sink.rows).toMatchObject([{ n: 2 }])
  })
})

const passing = (source: ReturnType<typeof memoryStream<{ key: string; at: number }>>, perEpoch = {}) => {
  const sink = memorySink()
  const built: Pipeline = pipeline('passing', (p) => p.read('in', source, { perEpoch }).write('out', sink))
  const start = (host: ReturnType<typeof createManualHost>, options: Partial<JobOptions> = {}) =>
    new Job(built.build(), {
      host,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '10 s' },
      ...options,
    })
  return { sink, start }
}

describe('by interval', () => {
  test('makes an epoch per interval, and none where nothing came', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { sink, start } = passing(source)
    const job = start(host)
    source.push(event(1))
    const run = job.run()
    await host.advance(1)
    expect([sink.rows.length, job.progress().epoch]).toEqual([1, 1])
    source.push(event(2))
    await host.advance(9000)
    expect(sink.rows).toHaveLength(1)
    await host.advance(1000)
    expect([sink.rows.length, job.progress().epoch]).toEqual([2, 2])
    await host.advance(60_000)
    expect(job.progress().epoch).toBe(2)
    source.push(event(3))
    source.end()
    expect((await untilEnded(host, run)).end).toBe('finished')
    expect(sink.rows).toHaveLength(3)
  })
})

describe('once', () => {
  test('makes one epoch of what is there', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { sink, start } = passing(source)
    source.push(event(1), event(2))
    const { end, progress } = await untilEnded(host, start(host, { trigger: { kind: 'once' } }).run())
    expect({ end, epoch: progress.epoch, rows: sink.rows.length }).toEqual({ end: 'idle', epoch: 1, rows: 2 })
  })
})

const line = (at: number): string => `${JSON.stringify(event(at))}\n`
const available = { mode: 'micro-batch', trigger: { kind: 'available-now' } } as const

/** Rows of each epoch that brought any. */
function rowsByEpoch(sink: MemorySink): number[] {
  const epochs = new Map<number, number>()
  for (const { epoch, rows } of sink.commits) epochs.set(epoch, (epochs.get(epoch) ?? 0) + rows.length)
  return [...epochs.values()].filter((rows) => rows > 0)
}

describe('limits of an epoch', () => {
  const host = (): ReturnType<typeof hostWith> =>
    hostWith(
      Object.fromEntries(
        Array.from({ length: 5 }, (_, n) => [
          `in/${n}.ndjson`,
          Array.from({ length: 4 }, (_, i) => line(n * 10 + i)).join(''),
        ]),
      ),
    )
  const epochsOf = async (perEpoch: EpochLimits, options: Partial<JobOptions> = {}): Promise<number[]> => {
    const machine = host()
    await machine.advance(60_000)
    const sink = memorySink()
    const built = pipeline('limits', (p) =>
      p.read('in', ndjson('in', { schema: Event }), { perEpoch }).write('out', sink),
    )
    await untilEnded(machine, new Job(built.build(), { host: machine, ...available, ...options }).run())
    expect(sink.rows).toHaveLength(20)
    return rowsByEpoch(sink)
  }
  const bytes = line(0).length * 4

  test.each<[EpochLimits, number[]]>([
    [{}, [20]],
    [{ maxRows: 6 }, [6, 6, 6, 2]],
    [{ maxFiles: 2 }, [8, 8, 4]],
    [{ maxFiles: 2, maxRows: 5 }, [5, 5, 5, 5]],
    [{ maxBytes: bytes * 2 + 20 }, [8, 8, 4]],
    [{ maxBytes: 1 }, [4, 4, 4, 4, 4]],
  ])('%j of files that are read whole', async (limits, epochs) => {
    expect(await epochsOf(limits)).toEqual(epochs)
  })

  test('rows are shared out among tasks, and none goes without', async () => {
    const epochs = await epochsOf({ maxRows: 2 }, { parallelism: 3 })
    expect(Math.max(...epochs)).toBeLessThanOrEqual(2)
    expect(Math.max(...(await epochsOf({ maxRows: 7 }, { parallelism: 4 })))).toBeLessThanOrEqual(7)
  })

  test('bytes of lines that are followed: whole lines, and at least one', async () => {
    for (const [maxBytes, epochs] of [
      [bytes, [4, 4, 2]],
      [bytes + 5, [4, 4, 2]],
      [1, Array.from({ length: 10 }, () => 1)],
    ] as const) {
      const machine = hostWith({ 'in/a.ndjson': Array.from({ length: 10 }, (_, n) => line(n % 9)).join('') })
      const sink = memorySink()
      const built = pipeline('limits', (p) =>
        p
          .read('in', ndjson('in', { schema: Event, follow: 'lines' }), { perEpoch: { maxBytes } })
          .write('out', sink),
      )
      await untilEnded(machine, new Job(built.build(), { host: machine, ...available }).run())
      expect(rowsByEpoch(sink)).toEqual(epochs)
    }
  })

  test.each<EpochLimits>([{ maxFiles: 1 }, { maxRows: 1 }])(
    'files that are followed take turns: %j',
    async (perEpoch) => {
      const machine = hostWith({ 'in/a.ndjson': line(1), 'in/b.ndjson': line(2) })
      const sink = memorySink<{ at: number }>()
      const built = pipeline('turns', (p) =>
        p
          .read('in', ndjson('in', { schema: Event, follow: 'lines', pollInterval: '100 ms' }), {
            perEpoch,
          })
          .write('out', sink),
      )
      const job = new Job(built.build(), {
        host: machine,
        mode: 'micro-batch',
        trigger: { kind: 'interval', every: '1 s' },
      })
      const run = job.run()
      for (let n = 0; n < 4; n++) {
        machine.files.append('in/a.ndjson', line(10 + n) + line(20 + n))
        await machine.advance(1000)
      }
      expect(sink.rows.map(({ at }) => at)).toContain(2)
      job.stop()
      await untilEnded(machine, run)
    },
  )

  test('are refused where they cannot be kept', async () => {
    const rows = (perEpoch: EpochLimits): Pipeline =>
      pipeline('limits', (p) =>
        p.read('in', memoryRows(Event, [event(1)]), { perEpoch }).write('out', memorySink()),
      )
    await expect(runHere(rows({ maxBytes: 10 }), available)).rejects.toMatchObject({
      code: 'plan/unsupported',
      step: 'in',
    })
    expect(() => rows({ maxRows: 0 }).build()).toThrow('option "perEpoch.maxRows" has the value 0')
    expect(() => rows({ rows: 1 } as never).build()).toThrow('perEpoch has no option "rows"')
    const endless = pipeline('endless', (p) => p.read('in', nexmark('bid')).write('out', memorySink()))
    await expect(runHere(endless, available)).rejects.toMatchObject({ code: 'plan/unsupported', step: 'in' })
    const some = memorySink()
    const limited = pipeline('endless', (p) =>
      p.read('in', nexmark('bid'), { perEpoch: { maxRows: 10 } }).write('out', some),
    )
    await runHere(limited, { mode: 'micro-batch', trigger: { kind: 'once' } })
    expect(some.rows).toHaveLength(10)
  })
})

describe('a file that is followed', () => {
  test('is read to its last whole line, and makes no epoch for half of one', async () => {
    const machine = hostWith({ 'in/a.csv': 'key,at\na,1970-01-01T00:00:01\na,1970' })
    const sink = memorySink()
    const built = pipeline('followed', (p) =>
      p.read('in', csv('in', { schema: Event, follow: 'lines', pollInterval: '10 ms' })).write('out', sink),
    )
    const job = new Job(built.build(), {
      host: machine,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '1 s' },
    })
    const run = job.run()
    await machine.advance(5000)
    expect([sink.rows.length, job.progress().epoch]).toEqual([1, 1])
    machine.files.append('in/a.csv', '-01-01T00:00:02\n')
    await machine.advance(2000)
    expect([sink.rows.length, job.progress().epoch]).toEqual([2, 2])
    await machine.files.remove('in/a.csv')
    await machine.advance(3000)
    job.stop()
    expect((await untilEnded(machine, run)).end).toBe('stopped')
  })

  test.each([1, 12, 30, 1000])('a record of several lines is never cut: %i bytes', async (maxBytes) => {
    const text =
      'key,at\n"a\nb\nc",1970-01-01T00:00:01\nd,1970-01-01T00:00:02\n"\n\n\n",1970-01-01T00:00:03\n'
    const machine = hostWith({ 'in/a.csv': text })
    const sink = memorySink<{ key: string }>()
    const built = pipeline('records', (p) =>
      p
        .read('in', csv('in', { schema: Event, follow: 'lines' }), { perEpoch: { maxBytes } })
        .write('out', sink),
    )
    await untilEnded(machine, new Job(built.build(), { host: machine, ...available }).run())
    expect(sink.rows.map(({ key }) => key)).toEqual(['a\nb\nc', 'd', '\n\n\n'])
  })
})

describe('the plan', () => {
  test('M3: stands in the log before anything is read', async () => {
    const machine = createManualHost()
    const state = new DirectoryStore(machine, 'state')
    const seen: string[] = []
    const stored = new Proxy(state, {
      get(of, name: keyof DirectoryStore) {
        if (name !== 'create')
          return typeof of[name] === 'function' ? (of[name] as () => void).bind(of) : of[name]
        return async (file: string, content: Uint8Array) => {
          seen.push(Buffer.from(content).toString('latin1').split(' ')[2] ?? '')
          return of.create(file, content)
        }
      },
    })
    const source = memoryRows(Event, [event(1), event(2)]) as Source<{ key: string; at: number }>
    const watched: typeof source = {
      ...source,
      open: async (split, from, context) => {
        const reader = await source.open(split, from, context)
        return new Proxy(reader, {
          get(of, name: keyof SplitReader) {
            if (name === 'read') seen.push('read')
            const found = of[name]
            return typeof found === 'function' ? (found.bind(of) as unknown) : found
          },
        })
      },
    }
    const built = pipeline('planned', (p) => p.read('in', watched).write('out', memorySink()))
    await untilEnded(machine, new Job(built.build(), { host: machine, ...available, state: stored }).run())
    expect(seen.filter((what, at) => what !== seen[at - 1])).toEqual([
      'takeover',
      'plan',
      'read',
      'manifest',
      'plan',
      'manifest',
      'delivered',
    ])
  })

  test('M5: gives functions one time for all rows of an epoch, which never goes back', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink<{ at: number }>()
    let shift = 0
    const shifted = { ...host, clock: { ...host.clock, now: () => host.clock.now() + shift } }
    const built = pipeline('clock', (p) =>
      p
        .read('in', source)
        .keyBy('key', 'key')
        .process('stamp', {
          state: {},
          output: schema({ at: t.float64() }),
          onRow: (_row, { emit, now }) => emit({ at: now() }),
        })
        .write('out', sink),
    )
    const job = new Job(built.build(), {
      host: shifted,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '1 s' },
      batchRows: 1,
    })
    const run = job.run()
    source.push(event(1), event(2), event(3))
    await host.advance(1500)
    shift = -500
    source.push(event(4), event(5))
    await host.advance(3000)
    job.stop()
    await untilEnded(host, run)
    const [first = 0, , third, fourth = 0, fifth] = sink.rows.map(({ at }) => at)
    expect([third, fifth]).toEqual([first, fourth])
    expect(fourth).toBeGreaterThanOrEqual(first)
  })
})

const windows = (source: Source<{ key: string; at: number }>, idleAfter?: string) => {
  const [out, late] = [memorySink<{ n: number; windowStart: number }>(), memorySink()]
  const built = pipeline('windows', (p) => {
    const counts = p
      .read('in', source, {
        eventTime: { column: 'at', ...(idleAfter === undefined ? {} : { idleAfter: idleAfter as never }) },
      })
      .keyBy('key', 'key')
      .window(tumbling('10 s'))
      .aggregate('count', (a) => ({ n: a.count() }))
    counts.write('out', out)
    counts.late.write('late', late)
  }).build()
  return { built, out, late }
}

describe('event time', () => {
  test('M4: no row is late by a row of its own epoch, and one of the next epoch is', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { built, out, late } = windows(source)
    const job = new Job(built, { host, mode: 'micro-batch', trigger: { kind: 'interval', every: '1 s' } })
    const run = job.run()
    source.push(event(50_000), event(1000))
    await host.advance(500)
    expect([out.rows.length, late.rows.length]).toEqual([0, 0])
    source.push(event(2000))
    await host.advance(1000)
    expect(out.rows).toMatchObject([{ n: 1, windowStart: 0 }])
    expect(late.rows).toEqual([event(2000)])
    job.stop()
    await untilEnded(host, run)
  })

  test('M6: a watermark that moved makes one epoch more, and then there is none', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { built, out } = windows(source)
    const job = new Job(built, { host, mode: 'micro-batch', trigger: { kind: 'interval', every: '1 s' } })
    const run = job.run()
    source.push(event(1000), event(50_000))
    await host.advance(500)
    expect([out.rows.length, job.progress().epoch]).toEqual([0, 1])
    await host.advance(1000)
    expect([out.rows.length, job.progress().epoch]).toEqual([1, 2])
    await host.advance(10_000)
    expect(job.progress().epoch).toBe(2)
    job.stop()
    await untilEnded(host, run)
  })

  test('a split without rows for long holds no window back', async () => {
    const machine = hostWith({ 'in/a.ndjson': line(1000), 'in/b.ndjson': line(1000) })
    const source = ndjson('in', { schema: Event, follow: 'lines', pollInterval: '100 ms' }).toSource()
    const { built, out } = windows(source, '5 s')
    const job = new Job(built, {
      host: machine,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '1 s' },
    })
    const run = job.run()
    for (let n = 0; n < 4; n++) {
      machine.files.append('in/a.ndjson', line(20_000 + n * 1000))
      await machine.advance(1000)
    }
    expect(out.rows).toEqual([])
    for (let n = 4; n < 10; n++) {
      machine.files.append('in/a.ndjson', line(20_000 + n * 1000))
      await machine.advance(1000)
    }
    expect(out.rows).toMatchObject([{ n: 2, windowStart: 0 }])
    job.stop()
    await untilEnded(machine, run)
  })
})

describe('the end', () => {
  test('stopping finishes the epoch that has begun', async () => {
    const host = createManualHost()
    const sink = memorySink()
    const rows = Array.from({ length: 100 }, (_, n) => event(n))
    const job: Job = new Job(
      pipeline('stopped', (p) =>
        p
          .read('in', memoryRows(Event, rows), { perEpoch: { maxRows: 60 } })
          .filter('stop', (row) => {
            if (row.at === 30) job.stop()
            return true
          })
          .write('out', sink),
      ).build(),
      { host, ...available, batchRows: 7 },
    )
    expect((await untilEnded(host, job.run())).end).toBe('stopped')
    expect(sink.rows).toHaveLength(60)
  })

  test.each([
    [false, 0],
    [true, 1],
  ])('by interval, when nothing comes for long; drained: %s', async (drain, results) => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { built, out } = windows(source)
    source.push(event(1), event(2))
    const job = new Job(built, {
      host,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '1 s' },
      stopWhenIdleMs: 5000,
      drain,
    })
    expect((await untilEnded(host, job.run())).end).toBe('idle')
    expect(out.rows).toHaveLength(results)
  })

  test.each([
    [{ trigger: { kind: 'once' } }, 'a trigger belongs to micro-batch mode'],
    [{ mode: 'micro-batch', trigger: { kind: 'often' } }, 'option "trigger" cannot be often'],
    [
      { mode: 'micro-batch', trigger: { kind: 'interval', every: 0 } },
      'option "trigger" cannot be an interval of 0',
    ],
    [{ mode: 'micro-batch', trigger: { kind: 'once', every: 1 } }, 'trigger has no option "every"'],
    [{ ...available, drain: true }, 'a run with trigger "available-now" ends by itself'],
    [{ ...available, stopWhenIdleMs: 1 }, 'a run with trigger "available-now" ends by itself'],
  ] as const)('options that do not fit are refused: %j', (options, message) => {
    const { built } = windows(memoryStream(Event))
    expect(() => new Job(built, { host: createManualHost(), ...(options as object) })).toThrow(message)
  })
})

test('a file that is written to without end is not waited for', async () => {
  const machine = hostWith({ 'in/a.ndjson': line(1), 'in/b.ndjson': line(2) })
  await machine.advance(60_000)
  const sink = memorySink<{ at: number }>()
  const built = pipeline('busy', (p) => p.read('in', ndjson('in', { schema: Event })).write('out', sink))
  let ended = false
  const run = new Job(built.build(), { host: machine, ...available }).run().finally(() => {
    ended = true
  })
  for (let n = 0; n < 1000 && !ended; n++) {
    machine.files.append('in/b.ndjson', line(n))
    await machine.advance(100)
  }
  expect((await run).end).toBe('idle')
  expect(sink.rows.map(({ at }) => at)).toEqual([1])
})

describe('with a state directory', () => {
  const scene = (files: { readonly [path: string]: string }) => {
    const machine = hostWith(files)
    const state = new DirectoryStore(machine, 'state')
    const run = async (options: Partial<JobOptions> = available) => {
      const sink = memorySink<{ at: number }>()
      const built = pipeline('kept', (p) =>
        p.read('in', ndjson('in', { schema: Event })).write('out', sink),
      ).build()
      machine.restart()
      await machine.advance(60_000)
      const result = await untilEnded(machine, new Job(built, { host: machine, state, ...options }).run())
      return { result, rows: sink.rows.map(({ at }) => at).toSorted((a, b) => a - b) }
    }
    return { machine, state, run }
  }

  test('each run reads what is new, and one with nothing new leaves no epoch', async () => {
    const { machine, run } = scene({ 'in/a.ndjson': line(1) })
    expect((await run()).rows).toEqual([1])
    const quiet = await run()
    expect([quiet.rows, quiet.result.progress.epoch]).toEqual([[], 1])
    machine.files.put('in/b.ndjson', line(2))
    const third = await run({ mode: 'micro-batch', trigger: { kind: 'once' } })
    expect([third.rows, third.result.progress.epoch]).toEqual([[2], 2])
  })

  test('modes take over from each other', async () => {
    const { machine, run } = scene({ 'in/a.ndjson': line(1) })
    expect((await run()).rows).toEqual([1])
    machine.files.put('in/b.ndjson', line(2))
    expect((await run({ mode: 'continuous', stopWhenIdleMs: 2000 })).rows).toEqual([2])
    machine.files.put('in/c.ndjson', line(3))
    expect((await run()).rows).toEqual([3])
    machine.files.put('in/d.ndjson', line(4))
    expect((await run({ mode: 'continuous', stopWhenIdleMs: 2000 })).rows).toEqual([4])
  })
})

test.each([1, 3])(
  'files that a plan had found are not found again, new ones are not mixed in: %i tasks',
  async (tasks) => {
    const machine = hostWith({ 'in/a.ndjson': line(1), 'in/b.ndjson': line(2) })
    const state = new DirectoryStore(machine, 'state')
    const run = async (isBroken: boolean, parallelism: number) => {
      const sink = memorySink<{ at: number }>()
      const built = pipeline('found', (p) =>
        p
          .read('in', ndjson('in', { schema: Event }))
          .filter('broken', ({ at }) => {
            if (isBroken && at === 2) throw new Error('broken')
            return true
          })
          .write('out', sink),
      ).build()
      machine.restart()
      await machine.advance(60_000)
      const error = await untilEnded(
        machine,
        new Job(built, { host: machine, ...available, state, parallelism }).run(),
      ).catch((caught: unknown) => caught)
      return { error, epochs: sink.commits.map(({ epoch, rows }) => [epoch, rows.map(({ at }) => at)]) }
    }
    expect(await run(true, 1)).toMatchObject({ error: { code: 'step/function-failed' }, epochs: [] })
    machine.files.put('in/0.ndjson', line(3))
    const { epochs } = await run(false, tasks)
    expect(epochs.filter(([epoch]) => epoch === 1).flatMap(([, rows]) => rows)).toEqual([1, 2])
    expect(epochs.filter(([epoch]) => epoch !== 1).flatMap(([, rows]) => rows)).toEqual([3])
  },
)

test('the table of a lookup join is read whole in the first epoch, and never again', async () => {
  const machine = hostWith({
    'in/a.ndjson': line(1) + line(2) + line(3),
    'names/n.ndjson': `${JSON.stringify({ key: 'a', name: 'Anna' })}\n${JSON.stringify({ key: 'b', name: 'Bert' })}\n`,
  })
  const state = new DirectoryStore(machine, 'state')
  const Name = schema({ key: t.string(), name: t.string() })
  const run = async (): Promise<readonly object[]> => {
    const sink = memorySink()
    const built = pipeline('table', (p) => {
      const names = p.read('names', ndjson('names', { schema: Name }), { perEpoch: { maxRows: 1 } })
      p.read('in', ndjson('in', { schema: Event }), { perEpoch: { maxRows: 1 } })
        .lookupJoin('named', names, { on: 'key', select: { name: 'name' } })
        .write('out', sink)
    })
    machine.restart()
    await machine.advance(60_000)
    await untilEnded(machine, new Job(built.build(), { host: machine, ...available, state }).run())
    return sink.rows
  }
  expect(await run()).toMatchObject([{ name: 'Anna' }, { name: 'Anna' }, { name: 'Anna' }])
  await machine.files.remove('names/n.ndjson')
  machine.files.put('in/b.ndjson', line(4))
  expect(await run()).toMatchObject([{ at: 4, name: 'Anna' }])
})
