// Runs that end by themselves or are asked to, and the runs behind them.
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { blackhole, memorySink, rate } from '../../src/connect/index.ts'
import type { MemorySink, RateRow } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'

import { pipeline, schema, t, tumbling } from '../../src/index.ts'
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

  async run(
    options: Partial<JobOptions> = {},
  ): Promise<{ readonly result: JobResult; readonly rows: Counted[] }> {
    const sink: MemorySink<Counted> = memorySink<Counted>()
    const host = this.machine.boot()
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
      state: new DirectoryStore(host, '/state'),
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
})

test('a batch run has nothing to go on with: it would read all of its input again', () => {
  const built = pipeline('p', (p) =>
    p.read('rows', ndjson('/in', { schema: Row })).write('out', memorySink()),
  ).build()
  const host = new SimulatedMachine(1).boot()
  const options = { host, state: new DirectoryStore(host, '/state'), goOn: true }
  expect(() => new Job(built, options)).toThrow('a batch run that came to its end has nothing to go on with')
})

test('an output that becomes one of another kind is refused while rows of it are in hand', async () => {
  const machine = new SimulatedMachine(2)
  const rows = rate({ rowsPerSecond: 1000, rows: 200 })
  const run = (sink: Writable<RateRow>): Promise<JobResult> => {
    const host = machine.boot()
    const built = pipeline('p', (p) => p.read('rows', rows).write('out', sink)).build()
    const options = { host, mode: 'continuous', epochIntervalMs: 10, batchRows: 5 } as const
    return machine.run(new Job(built, { ...options, state: new DirectoryStore(host, '/state') }).run())
  }
  machine.killAfter(400)
  await expect(run(ndjson('/out', { roll: { interval: '1 hour' } }))).rejects.toThrow(ProcessKilled)
  machine.kill('process')
  await expect(run(blackhole())).rejects.toMatchObject({
    code: 'checkpoint/incompatible',
    what: expect.stringMatching(
      /rows of epoch \d+ in hand, as a sink of kind files, and is now of kind blackhole/,
    ) as string,
  })
  expect((await run(ndjson('/out', { roll: { interval: '1 hour' } }))).end).toBe('finished')
})
