// What a state directory keeps over many runs and many epochs: a bounded log, and checkpoints that can be read.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink, memoryStream, rate } from '../../src/connect/index.ts'
import { globalWindow, pipeline, schema, state, t } from '../../src/index.ts'
import { Job, verifyCheckpoints } from '../../src/runtime/index.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'

const Row = schema({ key: t.string() })

async function namesIn(machine: SimulatedMachine, path: string): Promise<readonly string[]> {
  return (await new SimulatedFiles(machine.disk).list(path)).map(({ name }) => name)
}

describe('upkeep of a state directory', () => {
  it.each(['continuous', 'micro-batch'] as const)(
    'keeps the log and the state of many short runs short: %s',
    async (mode) => {
      const machine = new SimulatedMachine(1)
      const stream = memoryStream(Row)
      const sink = memorySink<{ readonly n: number }>()
      const run = async (): Promise<void> => {
        const host = machine.boot()
        const built = pipeline('short', (p) => {
          p.read('rows', stream)
            .keyBy('by-key', 'key')
            .process('count', {
              state: {},
              output: schema({ n: t.int32() }),
              onRow: (_, { emit }) => emit({ n: sink.rows.length }),
            })
            .write('out', sink)
        }).build()
        const how =
          mode === 'continuous'
            ? { stopWhenIdleMs: 1, epochIntervalMs: 60_000 }
            : { trigger: { kind: 'available-now' as const } }
        await machine.run(
          new Job(built, { host, mode, state: new DirectoryStore(host, '/state'), ...how }).run(),
        )
      }
      let most = 0
      for (let at = 1; at <= 120; at++) {
        stream.push({ key: `k${at % 3}` })
        await run()
        expect(sink.rows).toHaveLength(at)
        most = Math.max(most, (await namesIn(machine, '/state/log')).length)
      }
      // Each run writes up to four entries; rounds begin at 16 manifests, and are waited for at 48.
      expect(most).toBeLessThan(4 * 64)
      expect((await namesIn(machine, '/state/log')).length).toBeLessThan(4 * 64)
      expect((await namesIn(machine, '/state/state')).length).toBeLessThan(4 * 64)
    },
    60_000,
  )

  it('writes state once more whose file cannot be read back, while it is in memory', async () => {
    const machine = new SimulatedMachine(2)
    const quiet = memoryStream(Row)
    for (let at = 0; at < 50; at++) quiet.push({ key: `k${at}` })
    const run = (stopAfterMs: number, between: () => Promise<void>) => {
      const host = machine.boot()
      const built = pipeline('two', (p) => {
        p.read('quiet', quiet)
          .keyBy('by-key', 'key')
          .window(globalWindow())
          .aggregate('counts', (a) => ({ n: a.count() }))
          .write('never', memorySink())
        p.read('busy', rate({ rowsPerSecond: 1000 })).write('out', memorySink())
      }).build()
      const job = new Job(built, {
        host,
        mode: 'continuous',
        epochIntervalMs: 10,
        state: new DirectoryStore(host, '/state'),
      })
      host.timers.set(100, () => void between())
      host.timers.set(stopAfterMs, () => job.stop())
      return machine.run(job.run())
    }
    const { progress } = await run(2000, async () => {
      const files = new SimulatedFiles(machine.disk)
      const first = (await namesIn(machine, '/state/state')).filter((name) => name.includes('-e1-'))
      expect(first.length).toBeGreaterThan(0)
      for (const name of first) {
        const file = await files.open(`/state/state/${name}`, 'overwrite')
        await file.write(new Uint8Array([1, 2, 3]))
        await file.close()
      }
    })
    expect(progress.epoch).toBeGreaterThan(60)
    expect((await namesIn(machine, '/state/log')).length).toBeLessThan(60)
    const host = machine.boot()
    const { epochs } = await machine.run(verifyCheckpoints(new DirectoryStore(host, '/state'), host.bytes))
    expect(epochs.at(-1)).toMatchObject({ fault: undefined })
  })

  it('joins small changes of a large state, which is written whole once', async () => {
    const machine = new SimulatedMachine(3)
    const sink = memorySink<{ readonly key: string; readonly count: number }>()
    const Row = schema({ key: t.string() })
    const keys = 20_000
    const run = async (stopAfterMs: number, first: number): Promise<void> => {
      const host = machine.boot()
      const stream = rate({ rowsPerSecond: 100 })
      const built = pipeline('large', (p) => {
        const all = p.read(
          'all',
          memoryRows(
            Row,
            Array.from({ length: keys }, (_, n) => ({ key: `k${n}` })),
          ),
        )
        p.read('few', stream)
          .map('key', Row, ({ number }) => ({ key: `k${number % 7}` }))
          .union('both', all)
          .keyBy('by-key', 'key')
          .process('count', {
            state: { count: state.value(t.int32()) },
            output: schema({ key: t.string(), count: t.int32() }),
            onRow({ key }, { state: { count }, emit }) {
              count.set((count.get() ?? 0) + 1)
              if (key === 'k0' || first > 0) emit({ key, count: count.get() ?? 0 })
            },
          })
          .write('out', sink)
      }).build()
      const store = new DirectoryStore(host, '/state')
      const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 10, state: store })
      host.timers.set(stopAfterMs, () => job.stop())
      await machine.run(job.run())
    }
    await run(4000, 0)
    const host = machine.boot()
    const { epochs } = await machine.run(verifyCheckpoints(new DirectoryStore(host, '/state'), host.bytes))
    const newest = epochs.at(-1)
    expect(newest?.fault).toBeUndefined()
    expect(newest?.manifest.epoch).toBeGreaterThan(150)
    const files = newest?.manifest.state.filter(({ step }) => step === 'count') ?? []
    expect(files.filter(({ full }) => full)).toEqual([expect.objectContaining({ epoch: 1 })])
    expect(files.length).toBeLessThan(100)
    const before = sink.rows.findLast(({ key }) => key === 'k0')?.count ?? 0
    const known = sink.rows.length
    await run(500, 1)
    expect(sink.rows.slice(known).find(({ key }) => key === 'k0')?.count).toBe(before + 1)
  })
})
