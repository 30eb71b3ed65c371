// Followed folders that are read to their end, are empty, or have files that are still written: windows wait for them.
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memorySink } from '../../src/connect/index.ts'
import type { MemorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { globalWindow, pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { Duration } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobProgress } from '../../src/runtime/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

const Row = schema({ at: t.timestamp('ms') })
const HOUR = 3_600_000

interface Ended {
  readonly progress: JobProgress
  /** Rows that windows of the run counted. */
  readonly counted: number
}

/** A machine with the folders /a and /b, and a job that counts the rows of both by the hour. */
class Scene {
  readonly machine = new SimulatedMachine(1)
  private readonly idleAfter: Duration | undefined
  private readonly follow: 'files' | 'lines'

  constructor(idleAfter?: Duration, follow: 'files' | 'lines' = 'files') {
    this.idleAfter = idleAfter
    this.follow = follow
  }

  /** Rows for each of the hours `from … to)`. */
  async add(
    path: string,
    from: number,
    to: number,
    { how = 'create', each = 1 }: { readonly how?: 'create' | 'append'; readonly each?: number } = {},
  ): Promise<void> {
    const files = new SimulatedFiles(this.machine.disk)
    for (const folder of ['/a', '/b']) await files.makeDirectory(folder)
    const file = await files.open(path, how)
    const hours = Array.from({ length: to - from }, (_, n) => from + n)
    await file.write(Buffer.from(hours.map((hour) => `{"at":${hour * HOUR}}\n`.repeat(each)).join('')))
    await file.close()
  }

  /** Lets time pass: files that were written before are as they are. */
  async settle(): Promise<void> {
    await this.machine.run(passed(this.machine.boot(), 60_000))
  }

  async run(
    options: Partial<JobOptions>,
    meanwhile?: (host: Host, job: Job) => Promise<void>,
  ): Promise<Ended> {
    const sink: MemorySink<{ readonly rows: number }> = memorySink()
    const host = this.machine.boot()
    const { idleAfter, follow } = this
    const built = pipeline('counting', (p) => {
      const time = { column: 'at' as const, ...(idleAfter === undefined ? {} : { idleAfter }) }
      const read = (name: 'a' | 'b') =>
        p.read(name, ndjson(`/${name}`, { schema: Row, pollInterval: '20 ms', follow }), { eventTime: time })
      read('a')
        .union('both', read('b'))
        .window(tumbling('1 hour'))
        .aggregate('count', (a) => ({ rows: a.count() }))
        .write('out', sink)
    }).build()
    const job = new Job(built, {
      host,
      mode: 'continuous',
      stopWhenIdleMs: 300,
      epochIntervalMs: 20,
      discoverIntervalMs: 10,
      state: new DirectoryStore(host, '/state'),
      ...options,
    })
    const ran = job.run()
    const [{ progress }] = await this.machine.run(Promise.all([ran, meanwhile?.(host, job)]))
    return { progress, counted: sink.rows.reduce((sum, { rows }) => sum + Number(rows), 0) }
  }
}

function passed(host: Host, ms: number): Promise<void> {
  return new Promise((resolve) => void host.timers.set(ms, resolve))
}

const modes: readonly (readonly [string, Partial<JobOptions>])[] = [
  ['continuous mode', {}],
  ['continuous mode with several tasks', { parallelism: 3 }],
  ['micro-batch mode', { mode: 'micro-batch', trigger: { kind: 'interval', every: '20 ms' } }],
  [
    'micro-batch mode with several tasks',
    { mode: 'micro-batch', trigger: { kind: 'interval', every: '20 ms' }, parallelism: 3 },
  ],
]

describe.each(modes)('SO4: in %s', (_, options) => {
  test('a folder that is read to its end holds windows back where it has come to, also over runs', async () => {
    const scene = new Scene()
    await scene.add('/a/1.ndjson', 0, 5)
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.settle()
    const first = await scene.run(options)
    // Five hours of both, the last of which may go on.
    expect([first.counted, first.progress.rowsLate]).toEqual([8, 0])
    const nothing = await scene.run(options)
    expect([nothing.counted, nothing.progress.rowsLate]).toEqual([0, 0])
    await scene.add('/a/2.ndjson', 5, 10)
    await scene.settle()
    const second = await scene.run({ ...options, drain: true })
    expect([second.progress.rowsLate, first.counted + second.counted]).toEqual([0, 30])
  })

  test('a folder that is empty as yet holds windows back', async () => {
    const scene = new Scene()
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.settle()
    const first = await scene.run(options)
    expect([first.counted, first.progress.rowsLate]).toEqual([0, 0])
    await scene.add('/a/1.ndjson', 0, 5)
    await scene.settle()
    const second = await scene.run({ ...options, drain: true })
    expect([second.progress.rowsLate, second.counted]).toEqual([0, 25])
  })

  test('SO2: a file that is still written when others are read makes them wait', async () => {
    const scene = new Scene()
    await scene.add('/a/2.ndjson', 5, 20)
    await scene.add('/b/2.ndjson', 5, 20)
    await scene.settle()
    await scene.add('/a/1.ndjson', 0, 5)
    const { progress, counted } = await scene.run({ ...options, drain: true })
    expect([progress.rowsLate, counted]).toEqual([0, 35])
  })
})

describe.each(modes)('SO4: with several files in %s', (_, options) => {
  test('tasks that have nothing left let no other input pass those by that have', async () => {
    const scene = new Scene()
    await scene.add('/a/1.ndjson', 0, 5)
    await scene.add('/a/2.ndjson', 0, 5, { each: 3000 })
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.add('/b/2.ndjson', 0, 2)
    await scene.settle()
    const { progress, counted } = await scene.run({ ...options, drain: true }, async (host) => {
      await passed(host, 200)
      await scene.add('/a/3.ndjson', 5, 10)
    })
    expect([progress.rowsLate, counted]).toEqual([0, 15_000 + 32])
  })

  test.each([undefined, 2])(
    'a file that is still written holds over a restart, too, with %s tasks',
    async (parallelism) => {
      const scene = new Scene()
      await scene.add('/a/2.ndjson', 5, 20)
      await scene.add('/b/2.ndjson', 0, 20)
      await scene.settle()
      await scene.add('/a/1.ndjson', 0, 1)
      const writing = async (host: Host, job: Job): Promise<void> => {
        for (let n = 0; n < 20; n++) {
          await passed(host, 10)
          await scene.add('/a/1.ndjson', 1, 2, { how: 'append' })
        }
        job.stop()
      }
      const first = await scene.run({ ...options, stopWhenIdleMs: 60_000 }, writing)
      expect([first.progress.rowsLate, first.counted]).toEqual([0, 0])
      await scene.add('/a/1.ndjson', 2, 5, { how: 'append' })
      await scene.settle()
      const second = await scene.run({
        ...options,
        drain: true,
        ...(parallelism === undefined ? {} : { parallelism }),
      })
      expect([second.progress.rowsLate, second.counted]).toEqual([0, 15 + 20 + 1 + 20 + 3])
    },
  )
})

describe('M1: an epoch that is read once more', () => {
  test('knows what was coming when it was planned', async () => {
    for (let killedBehind = 40; killedBehind < 260; killedBehind += 4) {
      const scene = new Scene()
      await scene.add('/a/2.ndjson', 5, 20)
      await scene.add('/b/2.ndjson', 0, 20)
      await scene.settle()
      await scene.add('/a/1.ndjson', 0, 1)
      const options: Partial<JobOptions> = {
        mode: 'micro-batch',
        trigger: { kind: 'interval', every: '20 ms' },
      }
      const writing = async (host: Host, job: Job): Promise<void> => {
        for (let n = 0; n < 30; n++) {
          await passed(host, 5)
          await scene.add('/a/1.ndjson', 1, 2, { how: 'append' })
        }
        job.stop()
      }
      scene.machine.killAfter(killedBehind)
      await scene.run({ ...options, stopWhenIdleMs: 60_000 }, writing).catch(() => undefined)
      scene.machine.kill('process')
      scene.machine.killAfter(Infinity)
      const second = await scene.run({ ...options, stopWhenIdleMs: 60_000 }, writing)
      await scene.add('/a/1.ndjson', 2, 5, { how: 'append' })
      const third = await scene.run({ ...options, drain: true })
      expect([killedBehind, second.progress.rowsLate, third.progress.rowsLate]).toEqual([killedBehind, 0, 0])
    }
  })
})

describe.each(modes)('an input that was idle and returns, in %s', (_, options) => {
  test('holds again before others go on', async () => {
    const scene = new Scene('100 ms', 'lines')
    await scene.add('/a/1.ndjson', 0, 6)
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.settle()
    const append = { how: 'append' } as const
    const { progress, counted } = await scene.run({ ...options, drain: true }, async (host) => {
      await passed(host, 250)
      await scene.add('/b/1.ndjson', 20, 21, append)
      await passed(host, 100)
      await scene.add('/a/1.ndjson', 20, 22, append)
      await scene.add('/b/1.ndjson', 21, 100, append)
      await passed(host, 60)
      await scene.add('/a/1.ndjson', 22, 90, append)
    })
    expect([progress.rowsLate, counted]).toEqual([0, 176])
  })
})

describe('SO4: a folder that may be idle', () => {
  test('holds nobody back any more when nothing has come for so long', async () => {
    const scene = new Scene('100 ms')
    await scene.add('/a/1.ndjson', 0, 5)
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.settle()
    const { progress, counted } = await scene.run({}, async (host) => {
      await passed(host, 150)
      await scene.add('/b/2.ndjson', 20, 30)
    })
    // All windows but the newest.
    expect([progress.rowsLate, counted]).toEqual([0, 34])
  })

  test('holds others back until then', async () => {
    const scene = new Scene('10 s')
    await scene.add('/a/1.ndjson', 0, 5)
    await scene.add('/b/1.ndjson', 0, 20)
    await scene.settle()
    const { progress, counted } = await scene.run({ drain: true, parallelism: 2 }, async (host) => {
      await passed(host, 100)
      await scene.add('/a/2.ndjson', 5, 10)
    })
    expect([progress.rowsLate, counted]).toEqual([0, 30])
  })
})

test('a batch does not wait for what cannot come', async () => {
  const machine = new SimulatedMachine(1)
  const host = machine.boot()
  const files = new SimulatedFiles(machine.disk)
  await files.makeDirectory('/a')
  const file = await files.open('/a/1.ndjson', 'create')
  await file.write(Buffer.from('{"at":0}\n'))
  await file.close()
  const sink: MemorySink<{ readonly rows: number }> = memorySink()
  const built = pipeline('all', (p) => {
    p.read('a', ndjson('/a', { schema: Row }), { eventTime: 'at' })
      .window(globalWindow())
      .aggregate('count', (a) => ({ rows: a.count() }))
      .write('out', sink)
  }).build()
  await machine.run(new Job(built, { host, parallelism: 3 }).run())
  expect(sink.rows.map(({ rows }) => Number(rows))).toEqual([1])
})
