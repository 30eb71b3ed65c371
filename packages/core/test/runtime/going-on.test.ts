// Runs that end by themselves or are asked to, and the runs behind them.
import { describe, expect, test } from 'vitest'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import { blackhole, memorySink, rate } from '../../src/connect/index.ts'
import type { MemorySink, RateRow } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { pipeline, schema, session, t, tumbling } from '../../src/index.ts'
import type { Writable } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

const Row = schema({ key: t.string(), at: t.timestamp('ms') })
type Counted = { readonly key: string; readonly windowStart: number; readonly rows: number }

/** A folder in which files appear, and a job that counts their rows by key and ten seconds. */
class Scene {
  readonly machine: SimulatedMachine = new SimulatedMachine(1)

  async add(name: string, ...rows: readonly (readonly [key: string, seconds: number])[]): Promise<void> {
    const files = new SimulatedFiles(this.machine.disk)
    await files.makeDirectory('/in')
    const file = await files.open(`/in/${name}`, 'create')
    const lines = rows.map(([key, seconds]) => `${JSON.stringify({ key, at: seconds * 1000 })}\n`)
    await file.write(Buffer.from(lines.join('')))
    await file.close()
  }

  async savepoint(): Promise<void> {
    const host = this.machine.boot()
    const place = (name: string): DirectoryStore => new DirectoryStore(host, name)
    await this.machine.run(writeSavepoint(place('/state'), place('/saved'), { checks: host.bytes }))
  }

  async run(
    options: Partial<JobOptions> = {},
    { host = this.machine.boot(), from }: { readonly host?: Host; readonly from?: string } = {},
  ): Promise<{ readonly result: JobResult; readonly rows: Counted[] }> {
    const sink: MemorySink<Counted> = memorySink<Counted>()
    const built = pipeline('counting', (p) =>
      p
        .read('rows', ndjson('/in', { schema: Row, eventTime: 'at', pollInterval: '10 ms' }))
        .keyBy('by-key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ rows: a.count() }))
        .write('out', sink),
    ).build()
    const job = new Job(built, {
      host,
      mode: 'continuous',
      stopWhenIdleMs: 60,
      epochIntervalMs: 20,
      discoverIntervalMs: 10,
      state: new DirectoryStore(host, from === undefined ? '/state' : '/other'),
      ...(from === undefined ? {} : { savepoint: new DirectoryStore(host, from) }),
      ...options,
    })
    const result = await this.machine.run(job.run())
    return { result, rows: sink.rows.map(({ key, windowStart, rows }) => ({ key, windowStart, rows })) }
  }
}

describe('a run behind one that ended cleanly', () => {
  test('finds new files, and closes the windows that were open', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1], ['a', 2], ['b', 12])
    expect((await scene.run()).rows).toEqual([{ key: 'a', windowStart: 0, rows: 2 }])
    await scene.add('2.ndjson', ['b', 13], ['a', 25])
    const { result, rows } = await scene.run()
    expect(result).toMatchObject({ end: 'idle', start: { kind: 'resume' } })
    expect(rows).toEqual([{ key: 'b', windowStart: 10_000, rows: 2 }])
    expect((await scene.run()).rows).toEqual([])
    await scene.add('3.ndjson', ['a', 31])
    expect((await scene.run()).rows).toEqual([{ key: 'a', windowStart: 20_000, rows: 1 }])
  })

  test('has nothing to do behind a drain, unless it is told to go on: then windows begin anew', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1], ['b', 12])
    expect((await scene.run({ drain: true })).rows).toHaveLength(2)
    await scene.add('2.ndjson', ['b', 13], ['a', 25])
    const idle = await scene.run()
    expect(idle.result.start).toMatchObject({ kind: 'ended' })
    expect(idle.rows).toEqual([])
    const { result, rows } = await scene.run({ goOn: true, drain: true })
    expect(result.progress.rowsLate).toBe(0)
    expect(result.progress.rowsIn).toBe(2)
    expect(rows.toSorted((one, other) => one.windowStart - other.windowStart)).toEqual([
      { key: 'b', windowStart: 10_000, rows: 1 },
      { key: 'a', windowStart: 20_000, rows: 1 },
    ])
  })

  test('runs behind one that went on after a drain know nothing of the end that the drain had made', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1])
    await scene.run({ drain: true })
    await scene.add('2.ndjson', ['b', 13])
    // One epoch: its state is the next file behind those of the drained run.
    expect((await scene.run({ goOn: true, epochIntervalMs: 60_000 })).rows).toEqual([])
    await scene.add('3.ndjson', ['b', 14], ['a', 25])
    const { result, rows } = await scene.run()
    expect([result.progress.rowsLate, rows]).toEqual([0, [{ key: 'b', windowStart: 10_000, rows: 2 }]])
  })

  test('event time begins anew behind a savepoint of a run that was drained, at every start', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1])
    await scene.run({ drain: true })
    await scene.savepoint()
    await scene.add('2.ndjson', ['b', 13])
    const first = await scene.run({ epochIntervalMs: 60_000 }, { from: '/saved' })
    expect(first.result).toMatchObject({ start: { kind: 'resume' }, progress: { rowsIn: 1, rowsLate: 0 } })
    expect(first.rows).toEqual([])
    await scene.add('3.ndjson', ['b', 14], ['a', 25])
    const { result, rows } = await scene.run({}, { from: '/saved' })
    expect([result.progress.rowsLate, rows]).toEqual([0, [{ key: 'b', windowStart: 10_000, rows: 2 }]])
  })

  test('leaves a history that began with another epoch, or with a savepoint, as it is: it can be started for ever', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1])
    await scene.run()
    await scene.savepoint()
    for (const ways of [{ from: '/saved' }, {}]) {
      const kinds: unknown[] = []
      for (const options of [{ drain: true, from: 1 }, { drain: true }, {}, {}, { goOn: true }]) {
        const { from, ...others } = options
        const chosen = ways.from === undefined && from !== undefined ? { ...others, from } : others
        kinds.push((await scene.run(chosen, ways)).result.start?.kind)
      }
      expect(kinds).toEqual(['resume', 'ended', 'ended', 'ended', 'resume'])
    }
  })

  test('goes on with a history that was begun behind a drained epoch and has no epoch of its own yet', async () => {
    let isThrough = false
    for (let killedBehind = 1; !isThrough; killedBehind++) {
      const scene = new Scene()
      const slow = { epochIntervalMs: 60_000 }
      await scene.add('1.ndjson', ['a', 1])
      await scene.run({ ...slow, drain: true })
      await scene.add('2.ndjson', ['b', 13])
      await scene.run({ ...slow, goOn: true })
      scene.machine.killAfter(killedBehind)
      isThrough = await scene.run({ ...slow, goOn: true, from: 1 }).then(
        () => true,
        () => false,
      )
      scene.machine.kill('process')
      scene.machine.killAfter(Infinity)
      const { result, rows } = await scene.run({ ...slow, goOn: true, drain: true })
      expect([killedBehind, result.end, rows]).toEqual([
        killedBehind,
        'idle',
        [{ key: 'b', windowStart: 10_000, rows: 1 }],
      ])
    }
  })

  test('may be on another machine, again and again, when the job has come to its end', async () => {
    const scene = new Scene()
    await scene.add('1.ndjson', ['a', 1])
    const starts: unknown[] = []
    for (const machine of ['one', 'two', 'three', 'four']) {
      const self = { machine, boot: '', space: '', pid: 1, start: '' }
      const host: Host = {
        ...scene.machine.boot(),
        processes: {
          self: async () => self,
          state: async (other) => (other.machine === machine ? 'alive' : 'unknown'),
        },
      }
      starts.push((await scene.run({ drain: true }, { host })).result.start?.kind)
    }
    expect(starts).toEqual(['begin', 'ended', 'ended', 'ended'])
  })
})

test('a batch run has nothing to go on with: it would read all of its input again', () => {
  const built = pipeline('p', (p) =>
    p.read('rows', ndjson('/in', { schema: Row })).write('out', memorySink()),
  ).build()
  const host = new SimulatedMachine(1).boot()
  const options = { host, state: new DirectoryStore(host, '/state'), goOn: true }
  expect(() => new Job(built, options)).toThrow('a batch run that came to its end has nothing to go on with')
})

test('timers and sessions behind a drain that was gone on from are due at their own time again', async () => {
  const scene = new Scene()
  const job = async (options: Partial<JobOptions>): Promise<readonly unknown[]> => {
    const host = scene.machine.boot()
    const fired = memorySink<{ readonly key: string; readonly at: number }>()
    const sessions = memorySink<{ readonly key: string; readonly rows: number }>()
    const built = pipeline('timing', (p) => {
      const rows = p
        .read('rows', ndjson('/in', { schema: Row, eventTime: 'at', pollInterval: '10 ms' }))
        .keyBy('by-key', 'key')
      rows
        .process('timing', {
          output: Row,
          onRow: ({ at }, context) => context.setTimer('due', at + 5000),
          onTimer: ({ key, emit }, { time }) => emit({ key: key.key, at: time }),
        })
        .write('fired', fired)
      rows
        .window(session('5 s'))
        .aggregate('sessions', (a) => ({ rows: a.count() }))
        .write('ended', sessions)
    }).build()
    const settings = { mode: 'continuous', stopWhenIdleMs: 60, discoverIntervalMs: 10 } as const
    const state = new DirectoryStore(host, '/state')
    await scene.machine.run(new Job(built, { host, ...settings, state, ...options }).run())
    return [
      ...fired.rows.map(({ key, at }) => [key, at]),
      ...sessions.rows.map(({ key, rows }) => [key, rows]),
    ]
  }
  await scene.add('1.ndjson', ['a', 1])
  expect(await job({ drain: true })).toEqual([['a', 6000], ['a', 1]]) // prettier-ignore
  await scene.add('2.ndjson', ['b', 13])
  expect(await job({ goOn: true, epochIntervalMs: 60_000 })).toEqual([])
  await scene.add('3.ndjson', ['b', 14], ['c', 30])
  expect(await job({})).toEqual([['b', 19_000], ['b', 2]]) // prettier-ignore
})

describe('an output that is somewhere else now', () => {
  const rows = rate({ rowsPerSecond: 1000, rows: 200 })
  const answer = Array.from({ length: 200 }, (_, number) => number)
  const jobTo = (machine: SimulatedMachine, folder: string, roll: 'epoch' | { interval: '1 hour' }): Job => {
    const host = machine.boot()
    const built = pipeline('p', (p) => p.read('rows', rows).write('out', ndjson(folder, { roll }))).build()
    const options = { host, mode: 'continuous', epochIntervalMs: 10, batchRows: 5 } as const
    return new Job(built, { ...options, state: new DirectoryStore(host, '/state') })
  }
  const shown = async (machine: SimulatedMachine, folder: string): Promise<readonly number[]> => {
    const files = new SimulatedFiles(machine.disk)
    const found: number[] = []
    for (const { name } of await files.list(folder)) {
      if (/^[._]/.test(name)) continue
      const bytes = new Uint8Array((await files.status(`${folder}/${name}`))?.size ?? 0)
      await (await files.open(`${folder}/${name}`, 'read')).read(bytes, 0, bytes.length, 0)
      const lines = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean)
      found.push(...lines.map((line) => (JSON.parse(line) as { number: number }).number))
    }
    return found.toSorted((a, b) => a - b)
  }
  /** Kills a run when rows are in hand: held back, or prepared and not shown. */
  const killed = async (roll: 'epoch' | { interval: '1 hour' }): Promise<SimulatedMachine> => {
    for (let events = 300; events < 600; events++) {
      const machine = new SimulatedMachine(3)
      machine.killAfter(events)
      await expect(machine.run(jobTo(machine, '/out', roll).run())).rejects.toThrow(ProcessKilled)
      machine.kill('process')
      const owes = (await machine.run(jobTo(machine, '/out', roll).check()))?.owes ?? []
      if (roll !== 'epoch' || owes.length > 0) return machine
    }
    throw new Error('nothing was ever owed')
  }

  test.each<['epoch' | { interval: '1 hour' }]>([['epoch'], [{ interval: '1 hour' }]])(
    'is told where the rows in hand are, and what the ways on are: roll %j',
    async (roll) => {
      const machine = await killed(roll)
      expect(await machine.run(jobTo(machine, '/else', roll).check())).toMatchObject({
        refusals: [],
        moved: [{ step: 'out', before: '/out', now: '/else' }],
      })
      for (let again = 0; again < 2; again++) {
        await expect(machine.run(jobTo(machine, '/else', roll).run())).rejects.toMatchObject({
          code: 'checkpoint/incompatible',
          step: 'out',
          what: expect.stringMatching(
            /output "out" has rows of epoch \d+ in hand that were prepared at \/out, and is now at \/else/,
          ) as string,
          hint: expect.stringContaining('start the version that writes to /out once more') as string,
        })
      }
      expect((await machine.run(jobTo(machine, '/out', roll).run())).end).toBe('finished')
      expect(await shown(machine, '/out')).toEqual(answer)
    },
  )

  test('goes on when the folder was moved as a whole', async () => {
    for (const roll of ['epoch', { interval: '1 hour' }] as const) {
      const machine = await killed(roll)
      await new SimulatedFiles(machine.disk).rename('/out', '/moved')
      await machine.run(jobTo(machine, '/moved', roll).run())
      expect(await shown(machine, '/moved')).toEqual(answer)
    }
  })

  test('or of another kind, is no matter behind a clean end', async () => {
    const machine = new SimulatedMachine(4)
    const job = jobTo(machine, '/out', { interval: '1 hour' })
    const { timers } = machine.boot()
    const stopping = new Promise<void>((resolve) => timers.set(60, resolve)).finally(() => job.stop())
    const [{ end }] = await machine.run(Promise.all([job.run(), stopping]))
    expect(end).toBe('stopped')
    const before = await shown(machine, '/out')
    expect(before.length).toBeGreaterThan(0)
    await machine.run(jobTo(machine, '/else', { interval: '1 hour' }).run())
    expect([...before, ...(await shown(machine, '/else'))].toSorted((a, b) => a - b)).toEqual(answer)
  })
})

test('an output that becomes one of another kind is refused while rows of it are in hand', async () => {
  const machine = new SimulatedMachine(2)
  const rows = rate({ rowsPerSecond: 1000, rows: 200 })
  const jobOf = (sink: Writable<RateRow>): Job => {
    const host = machine.boot()
    const built = pipeline('p', (p) => p.read('rows', rows).write('out', sink)).build()
    const options = { host, mode: 'continuous', epochIntervalMs: 10, batchRows: 5 } as const
    return new Job(built, { ...options, state: new DirectoryStore(host, '/state') })
  }
  const run = (sink: Writable<RateRow>): Promise<JobResult> => machine.run(jobOf(sink).run())
  machine.killAfter(400)
  await expect(run(ndjson('/out', { roll: { interval: '1 hour' } }))).rejects.toThrow(ProcessKilled)
  machine.kill('process')
  expect((await machine.run(jobOf(blackhole()).check()))?.refusals).toMatchObject([
    { code: 'checkpoint/incompatible', step: 'out' },
  ])
  await expect(run(blackhole())).rejects.toMatchObject({
    code: 'checkpoint/incompatible',
    what: expect.stringMatching(
      /rows of epoch \d+ in hand, as a sink of kind files, and is now of kind blackhole/,
    ) as string,
  })
  expect((await run(ndjson('/out', { roll: { interval: '1 hour' } }))).end).toBe('finished')
})
