// Batches in phases: whole jobs on a simulated machine that is killed behind any event. Rows are those of a run in one go,
// nothing shows before the last epoch, and what is sealed is not computed again.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, schema, session, sql, state, t, tumbling } from '../../src/index.ts'
import type { BuiltPipeline, Pipeline } from '../../src/index.ts'
import { CheckpointLog, DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { isMillraceError, MillraceError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { runHere, sorted } from './run-here.ts'
import { scriptedSink } from './scripted-connectors.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
const rows = Array.from({ length: 48 }, (_, n) => ({ key: `k${(n * 7) % 5}`, n, at: n * 100 }))
const Name = schema({ key: t.string(), name: t.string() })
const names = ['k0', 'k1', 'k2', 'k3'].map((key) => ({ key, name: `name of ${key}` }))

/** Calls of user functions, by the phase that they are in. */
type Calls = [number, number, number]

interface Changes {
  readonly thirds?: number
  readonly first?: (n: number) => number
  readonly last?: (seen: number) => number
  readonly inFirst?: () => void
  readonly inSecond?: () => void
  readonly inLast?: () => void
}

/**
 * Three phases, an output in each, and a table beside them: rows by key into windows, windows by name into sessions and a
 * process step.
 */
function inPhases(calls: Calls, changes: Changes = {}): Pipeline {
  const { first = (n) => n, last = (seen) => seen, thirds = 3, inFirst, inSecond, inLast } = changes
  return pipeline('in-phases', (p) => {
    const input = p.read('rows', memoryRows(Row, rows, { splits: 3 }), {
      eventTime: { column: 'at', disorder: '20 s' },
    })
    const table = p.read('names', memoryRows(Name, names))
    const mapped = input.map('first', Row, (row) => {
      calls[0]++
      inFirst?.()
      return { key: row.key, n: first(row.n), at: row.at }
    })
    mapped
      .where('thirds', sql`n % ${thirds} = 0`)
      .write('rows-out', ndjson('/data/out/rows', { roll: { size: 300 } }))
    const windows = mapped
      .keyBy('by-key', 'key')
      .window(tumbling('1 s'))
      .aggregate('windows', (a) => ({ n: a.count(), total: a.sum('n'), ends: a.last('n') }))
      .lookupJoin('named', table, { on: 'key', select: { name: 'name' } })
      .filter('counted', () => {
        calls[1]++
        inSecond?.()
        return true
      })
    windows.write('windows-out', ndjson('/data/out/windows'))
    const again = windows.keyBy('by-name', 'name')
    again
      .window(session('1 s'))
      .aggregate('sessions', (a) => ({ windows: a.count(), rows: a.sum('n') }))
      .write('sessions-out', ndjson('/data/out/sessions'))
    again
      .process('seen', {
        state: { seen: state.value(t.int32()) },
        output: schema({ name: t.string().nullable(), seen: t.int32() }),
        onRow(_, context) {
          calls[2]++
          inLast?.()
          context.state.seen.set((context.state.seen.get() ?? 0) + 1)
          context.setTimer('end', 60_000)
        },
        onTimer(context) {
          context.emit({ name: context.key.name, seen: last(context.state.seen.get() ?? 0) })
        },
      })
      .write('seen-out', ndjson('/data/out/seen'))
  })
}

const STATE = '/data/state'
const real = createNodeHost()

type Start = (host: Host, calls: Calls) => Promise<JobResult>

function starting(options: Partial<JobOptions> = {}, changes: Changes = {}): Start {
  return (host, calls) =>
    new Job(inPhases(calls, changes).build(), {
      host,
      state: new DirectoryStore(host, STATE),
      batchRows: 5,
      ...options,
    }).run()
}

/** Everything that shows, by folder, in an order of its own. */
async function visible(machine: SimulatedMachine): Promise<readonly string[]> {
  const files = new SimulatedFiles(machine.disk)
  const lines: string[] = []
  for (const folder of ['rows', 'windows', 'sessions', 'seen']) {
    const path = `/data/out/${folder}`
    if ((await files.status(path)) === undefined) continue
    for (const { name } of await files.list(path)) {
      if (/^[._]/.test(name)) continue
      const bytes = new Uint8Array((await files.status(`${path}/${name}`))?.size ?? 0)
      await (await files.open(`${path}/${name}`, 'read')).read(bytes, 0, bytes.length, 0)
      const text = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean)
      lines.push(...text.map((line) => `${folder} ${line}`))
    }
  }
  return lines.toSorted()
}

/** The newest manifest, and the files of state. */
async function kept(
  machine: SimulatedMachine,
): Promise<{ readonly manifest: Manifest | undefined; readonly files: readonly string[] }> {
  const store = new DirectoryStore({ ...real, files: new SimulatedFiles(machine.disk) }, STATE)
  const entries = await new CheckpointLog(store, real.bytes).read()
  const manifest = entries.findLast(({ entry }) => entry.kind === 'manifest')?.entry
  return {
    manifest: manifest?.kind === 'manifest' ? manifest : undefined,
    files: (await store.list('state/')).map(({ name }) => name),
  }
}

/** What a run shows that keeps nothing, and is not run in phases. */
async function answerOf(parallelism: number): Promise<readonly string[]> {
  const machine = new SimulatedMachine(1)
  const options = { host: machine.boot(), batchRows: 5, parallelism }
  await machine.run(new Job(inPhases([0, 0, 0]).build(), options).run())
  return visible(machine)
}

interface Life {
  readonly events: number
  readonly shown: readonly string[]
  readonly trouble: readonly string[]
}

/** Kills a job behind some events, one start after the other, and then lets it run to its end. */
async function live(start: Start, seed: number, kills: readonly number[], hasOutput = false): Promise<Life> {
  const machine = hasOutput ? await withOutput(seed) : new SimulatedMachine(seed)
  const before = await visible(machine)
  const trouble: string[] = []
  let done = 0
  for (const [at, kill] of [...kills, Infinity].entries()) {
    if (kill < Infinity) machine.killAfter(kill)
    const calls: Calls = [0, 0, 0]
    await machine.run(start(machine.boot(), calls)).catch((error: unknown) => {
      if (!(error instanceof ProcessKilled)) trouble.push(`start ${at}: ${String(error)}`)
    })
    // Behind the end the power stays: what was removed just now could come back, for the next start to remove.
    machine.kill(at % 2 === 0 && kill < Infinity ? 'power' : 'process')
    for (let phase = 0; phase < done; phase++)
      if (calls[phase] !== 0) trouble.push(`start ${at} computed phase ${phase} again, which was sealed`)
    const { manifest } = await kept(machine)
    if (manifest?.end === undefined && (await visible(machine)).join() !== before.join())
      trouble.push(`start ${at} showed rows before the last epoch`)
    done = manifest?.end === undefined ? (manifest?.border?.done ?? 0) : 3
  }
  const { files } = await kept(machine)
  if (files.length > 0) trouble.push(`the end left ${files.join()}`)
  return { events: machine.events, shown: await visible(machine), trouble }
}

/** A machine on which an output of other rows lies. */
async function withOutput(seed: number): Promise<SimulatedMachine> {
  const machine = new SimulatedMachine(seed)
  const other = inPhases([0, 0, 0], { first: (n) => n + 1000 }).build()
  await machine.run(new Job(other, { host: machine.boot() }).run())
  machine.kill('process')
  return machine
}

describe('a batch in phases', () => {
  it.each([1, 2, 3])('Q3: shows the rows of a run in one go, with parallelism %i', async (parallelism) => {
    const answer = await answerOf(parallelism)
    expect(answer.length).toBeGreaterThan(30)
    const { shown, trouble } = await live(starting({ parallelism }), parallelism, [])
    expect({ shown, trouble }).toEqual({ shown: answer, trouble: [] })
  })

  it.each([1, 2, 3])(
    'goes on at the last border, killed behind any event, with parallelism %i',
    async (parallelism) => {
      const start = starting({ parallelism })
      const answer = await answerOf(parallelism)
      const { events } = await live(start, 1, [])
      for (let point = 1; point < events; point += parallelism === 1 ? 7 : 13) {
        const { shown, trouble } = await live(start, point, [point, (point * 7) % events])
        expect({ point, trouble, shown }).toEqual({ point, trouble: [], shown: answer })
      }
    },
  )

  it('replaces an output at its end, killed behind any event', async () => {
    const start = starting({ parallelism: 2, outputMode: 'overwrite' })
    const answer = await answerOf(2)
    const { events } = await live(start, 1, [], true)
    for (let point = 1; point < events; point += 23) {
      const { shown, trouble } = await live(start, point, [point, (point * 5) % events], true)
      expect({ point, trouble, shown }).toEqual({ point, trouble: [], shown: answer })
    }
  })

  it('is seen to fail where borders are not synced', async () => {
    const lie = (host: Host): Host => ({
      ...host,
      files: {
        ...host.files,
        open: async (path, mode) => {
          const file = await host.files.open(path, mode)
          return path.startsWith(`${STATE}/state/`)
            ? Object.assign(file, { sync: async () => undefined })
            : file
        },
      },
    })
    const start = starting()
    const answer = await answerOf(1)
    let wrong = 0
    for (let point = 100; point < 700 && wrong === 0; point += 50) {
      const { shown, trouble } = await live((host, calls) => start(lie(host), calls), point, [point])
      if (trouble.length > 0 || shown.join() !== answer.join()) wrong++
    }
    expect(wrong).toBe(1)
  })

  it('ends when it is stopped, and goes on behind the last border', async () => {
    const machine = new SimulatedMachine(8)
    const host = machine.boot()
    const calls: Calls = [0, 0, 0]
    const stop = (): void => job.stop()
    const state = new DirectoryStore(host, STATE)
    const job: Job = new Job(inPhases(calls, { inSecond: stop }).build(), { host, state, batchRows: 5 })
    await expect(machine.run(job.run())).rejects.toMatchObject({
      code: 'run/cancelled',
      hint: expect.stringContaining('behind the last phase that was complete'),
    })
    expect(calls[2]).toBe(0)
    machine.kill('process')
    const result = await machine.run(starting()(machine.boot(), calls))
    expect(result.start).toMatchObject({ kind: 'resume', phases: { done: 1, of: 3, tasks: 1 } })
    expect(calls[0]).toBe(48)
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('Q3: finds the same rows late, whatever the tasks and batches', async () => {
    const row = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: -100, max: 100 }),
      at: fc.integer({ min: -20_000, max: 20_000 }),
    })
    const way = fc.record({ parallelism: fc.constantFrom(1, 2, 3), batchRows: fc.constantFrom(1, 3, 4096) })
    let late = 0
    const property = fc.asyncProperty(fc.array(row, { maxLength: 60 }), way, async (input, options) => {
      const shown = async (inPhases: boolean): Promise<readonly string[]> => {
        const [windows, left] = [memorySink(), memorySink()]
        const made = pipeline('late', (p) => {
          const counted = p
            .read('rows', memoryRows(Row, input, { splits: 3 }), {
              eventTime: { column: 'at', disorder: '100 ms' },
            })
            .keyBy('by-key', 'key')
            .window(tumbling('1 s'))
            .aggregate('count', (a) => ({ n: a.count(), last: a.last('n') }))
          counted.write('windows', windows)
          counted.late.write('left', left)
        })
        await runHere(made, { ...options, inPhases })
        late += left.rows.length
        return [...sorted(windows.rows), ...sorted(left.rows)]
      }
      expect(await shown(true)).toEqual(await shown(false))
    })
    await fc.assert(property, { numRuns: 60 })
    expect(late).toBeGreaterThan(20)
  })

  it('seals and prepares each sink once, and commits all of them at the end', async () => {
    const host = createManualHost()
    const calls: string[] = []
    const telling = (name: string): ReturnType<typeof scriptedSink> =>
      scriptedSink({
        seal: (epoch) => void calls.push(`${name} seal ${epoch}`),
        prepare: (epoch) => void calls.push(`${name} prepare ${epoch}`),
        commit: () => void calls.push(`${name} commit`),
        finish: () => void calls.push(`${name} finish`),
      })
    const two = pipeline('two', (p) => {
      const input = p.read('rows', memoryRows(Row, rows))
      input.write('first', telling('first'))
      input
        .keyBy('by-key', 'key')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('last', telling('last'))
    })
    await new Job(two.build(), { host: real, state: new DirectoryStore(host, '/state') }).run()
    expect(calls).toEqual([
      'first seal 1',
      'first prepare 1',
      'last seal 2',
      'last prepare 2',
      'first commit',
      'last commit',
      'first finish',
      'last finish',
    ])
  })

  it('ends on a full disk, and goes on when there is room', async () => {
    const host = createManualHost()
    const sink = memorySink()
    const counting = pipeline('counting', (p) => {
      p.read('rows', memoryRows(Row, rows))
        .keyBy('by-key', 'key')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    const run = (): Promise<JobResult> =>
      new Job(counting.build(), { host: real, state: new DirectoryStore(host, '/state') }).run()
    host.files.inject({ operation: 'file-write', path: /state\/state/, code: 'ENOSPC', times: 1 })
    await expect(run()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(sink.rows).toEqual([])
    expect(host.files.openFiles).toBe(0)
    await run()
    expect(sink.rows).toHaveLength(5)
  })

  it('seals three phases, and keeps the border before the newest', async () => {
    const machine = new SimulatedMachine(3)
    const manifests: (Manifest | undefined)[] = []
    const look = async (): Promise<void> => void manifests.push((await kept(machine)).manifest)
    const seen: Promise<void>[] = []
    const once = (calls: number[]) => (): void => {
      if (calls.length === 0) seen.push(look())
      calls.push(1)
    }
    const changes = { inSecond: once([]), inLast: once([]) }
    const result = await machine.run(starting({}, changes)(machine.boot(), [0, 0, 0]))
    await Promise.all(seen)
    expect(result.progress).toMatchObject({ epoch: 3, phase: { number: 3, of: 3 } })
    expect(manifests.map((manifest) => manifest?.border)).toMatchObject([
      { done: 1, of: 3 },
      { done: 2, of: 3 },
    ])
    expect(manifests[1]?.pending.map(({ step, epoch }) => `${step} ${epoch}`)).toEqual([
      'rows-out 1',
      'windows-out 2',
    ])
  })

  it('goes on at the last border after a failure, when it starts again by itself', async () => {
    const machine = new SimulatedMachine(5)
    const calls: Calls = [0, 0, 0]
    let failures = 2
    const inLast = (): void => {
      if (failures-- > 0) throw new MillraceError('input/read-failed', { what: 'the network is away' })
    }
    const job = starting({ restart: { kind: 'fixed', delay: '1 s', attempts: 3 } }, { inLast })
    const result = await machine.run(job(machine.boot(), calls))
    expect(result.start).toMatchObject({ kind: 'resume', epoch: 2, attempt: 3, committedAgain: 0 })
    expect(calls).toEqual([48, 25, 27])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it.each([
    [3, 2],
    [1, 3],
    [2, 1],
  ])('goes on with another number of tasks: %i, then %i', async (before, after) => {
    const machine = await stopped(starting({ parallelism: before }, breakingInLast))
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({ parallelism: after })(machine.boot(), calls))
    expect(calls).toEqual([0, 0, 25])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('says before a start what it would go on with', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const host = machine.boot()
    const job = new Job(inPhases([0, 0, 0]).build(), { host, state: new DirectoryStore(host, STATE) })
    const check = await machine.run(job.check())
    expect(check).toMatchObject({ kind: 'resume', epoch: 2, phases: { done: 2, of: 3 }, owes: [], steps: [] })
    expect(check?.refusals).toEqual([])
  })

  it('goes on with phases that have changed, when they are not sealed', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({}, { last: (seen) => seen * 100 })(machine.boot(), calls))
    expect(calls).toEqual([0, 0, 25])
    expect(await visible(machine)).toContain('seen {"name":"name of k0","seen":500}')
  })

  it('L7: refuses another program behind a border, and says so before it starts', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    for (const built of [
      pipeline('other', (p) =>
        p.read('rows', memoryRows(Row, rows)).write('out', ndjson('/data/new')),
      ).build(),
      inPhases([0, 0, 0], { thirds: 4 }).build(),
    ]) {
      const host = machine.boot()
      const job = new Job(built, { host, state: new DirectoryStore(host, STATE) })
      const check = await machine.run(job.check())
      const refused = {
        code: 'checkpoint/incompatible',
        message: expect.stringContaining('phase 2 of 3 of the batch is complete'),
      }
      expect(check?.refusals).toMatchObject([refused])
      await expect(machine.run(job.run())).rejects.toMatchObject(refused)
    }
  })

  it('goes on with the number of tasks that it had where another would change what crosses the border', async () => {
    const built = (inLast: () => void): BuiltPipeline =>
      pipeline('counting', (p) => {
        p.read('rows', memoryRows(Row, rows))
          .keyBy('by-key', 'key')
          .window(globalWindow())
          .aggregate('count', (a) => ({ n: a.count() }))
          .map('last', schema({ n: t.int32() }), ({ n }) => {
            inLast()
            return { n }
          })
          .write('out', ndjson('/data/counted'))
      }).build()
    const machine = new SimulatedMachine(7)
    let place = 0
    const run = (inLast: () => void, parallelism: number): Promise<JobResult> => {
      const host = machine.boot()
      const state = new DirectoryStore(host, `${STATE}-${place}`)
      return machine.run(new Job(built(inLast), { host, state, parallelism, outputMode: 'append' }).run())
    }
    const fail = breakingInLast.inLast as () => void
    for (const [before, after] of [
      [1, 2],
      [3, 1],
    ] as const) {
      await expect(run(fail, before)).rejects.toMatchObject({ code: 'step/function-failed' })
      machine.kill('process')
      const result = await run(() => undefined, after)
      expect(result.start?.phases).toEqual({ done: 1, of: 2, tasks: before })
      expect(result.progress).toMatchObject({ rowsIn: 0, rowsOut: 5 })
      machine.kill('process')
      place++
    }
  })

  it('makes no savepoint of a border', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const host = machine.boot()
    const from = new DirectoryStore(host, STATE)
    const made = writeSavepoint(from, new DirectoryStore(host, '/data/savepoint'), { checks: host.bytes })
    await expect(machine.run(made)).rejects.toMatchObject({ code: 'checkpoint/incompatible' })
  })

  it.each(['missing', 'cut', 'turned'] as const)(
    'refuses a border with a file that is %s, and computes it again from the one before when asked to',
    async (how) => {
      const machine = await stopped(starting({}, breakingInLast))
      const newest = await borderFile(machine, 2)
      await damage(machine, newest, how)
      const host = machine.boot()
      const failure: unknown = await machine.run(starting()(host, [0, 0, 0])).catch((error: unknown) => error)
      expect(isMillraceError(failure) && failure.code).toBe('checkpoint/damaged')
      expect(String(failure)).toContain('go back with --from 1: what comes behind phase 1 is computed again')
      expect(await visible(machine)).toEqual([])
      const calls: Calls = [0, 0, 0]
      await machine.run(starting({ from: 1, takeOver: true })(machine.boot(), calls))
      expect(calls).toEqual([0, 25, 25])
      expect(await visible(machine)).toEqual(await answerOf(1))
      expect((await kept(machine)).files).toEqual([])
    },
  )

  it('goes back over a damaged log, and keeps what the phases before have prepared', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    await damage(machine, `${STATE}/log/000000000003`, 'turned')
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(isMillraceError(failure) && failure.code).toBe('checkpoint/damaged')
    expect(String(failure)).toContain('behind phase 1 is computed again, and nothing was put out yet')
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({ from: 1, takeOver: true })(machine.boot(), calls))
    expect(calls).toEqual([0, 25, 25])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('does not say that nothing was put out where what cannot be read may be its end', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const store = (): DirectoryStore =>
      new DirectoryStore({ ...real, files: new SimulatedFiles(machine.disk) }, STATE)
    const newest = async (): Promise<string> => {
      const entries = await new CheckpointLog(store(), real.bytes).read()
      const number = entries.findLast(({ entry }) => entry.kind === 'manifest')?.number ?? 0
      return `log/${String(number).padStart(12, '0')}`
    }
    const border = await newest()
    const bytes = (await store().read(border)) as Uint8Array
    await machine.run(starting()(machine.boot(), [0, 0, 0]))
    machine.kill('process')
    await damage(machine, `${STATE}/${await newest()}`, 'turned')
    // As where the run was killed right behind its end, before it removed what it needs no more.
    const file = await new SimulatedFiles(machine.disk).open(`${STATE}/${border}`, 'create')
    await file.write(bytes)
    await file.close()
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(String(failure)).toContain('its output stands already')
    expect(String(failure)).not.toContain('nothing was put out yet')
  })

  it('says that outputs stay as the first start opened them', async () => {
    const machine = await stopped(starting({ outputMode: 'append' }, breakingInLast))
    await expect(
      machine.run(starting({ outputMode: 'overwrite' }, breakingInLast)(machine.boot(), [0, 0, 0])),
    ).rejects.toMatchObject({ code: 'input/read-failed' })
    machine.kill('process')
    const { start } = await machine.run(starting({ outputMode: 'overwrite' })(machine.boot(), [0, 0, 0]))
    expect(start?.phases).toMatchObject({ done: 2, outputMode: 'append' })
  })

  it('says how to begin anew when no border is whole', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    for (const epoch of [1, 2]) await damage(machine, await borderFile(machine, epoch), 'turned')
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(String(failure)).toContain('begin anew in an empty state directory: all phases are computed again')
  })

  it('is not one in phases without a state directory, or without rows that are dealt out', async () => {
    const machine = new SimulatedMachine(2)
    const host = machine.boot()
    const { progress } = await machine.run(new Job(inPhases([0, 0, 0]).build(), { host }).run())
    expect(progress.epoch).toBe(1)
    const plain = pipeline('plain', (p) =>
      p.read('rows', memoryRows(Row, rows)).write('out', ndjson('/data/plain')),
    )
    const state = new DirectoryStore(host, STATE)
    expect((await machine.run(new Job(plain.build(), { host, state }).run())).progress.epoch).toBe(1)
  })
})

const breakingInLast: Changes = {
  inLast: () => {
    throw new MillraceError('input/read-failed', { what: 'the network is away' })
  },
}

/** A machine on which a job has failed in its last phase. */
async function stopped(start: Start): Promise<SimulatedMachine> {
  const machine = new SimulatedMachine(6)
  const failure = machine.run(start(machine.boot(), [0, 0, 0]))
  await expect(failure).rejects.toMatchObject({ code: 'input/read-failed' })
  machine.kill('process')
  expect((await kept(machine)).manifest?.border?.done).toBe(2)
  return machine
}

/** The file of a border, by the epoch that wrote it. */
async function borderFile(machine: SimulatedMachine, epoch: number): Promise<string> {
  const { files } = await kept(machine)
  return `${STATE}/${files.findLast((name) => name.includes(`-e${epoch}-`)) ?? ''}`
}

async function damage(
  machine: SimulatedMachine,
  path: string,
  how: 'missing' | 'cut' | 'turned',
): Promise<void> {
  const files = new SimulatedFiles(machine.disk)
  const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
  await (await files.open(path, 'read')).read(bytes, 0, bytes.length, 0)
  await files.remove(path)
  if (how === 'missing') return
  // In the first block: nothing but reading it finds it.
  if (how === 'turned') bytes[100] = (bytes[100] as number) ^ 1
  const file = await files.open(path, 'create')
  await file.write(how === 'cut' ? bytes.subarray(0, -7) : bytes)
  await file.close()
}
