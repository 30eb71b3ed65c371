// Sinks that wait for their targets: progress says which, for what, since when and why; and a run that ends does not wait
// for them without end (law L6).
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryStream } from '../../src/connect/index.ts'
import type { OpenSink, Sink, SinkContext, SinkWriter } from '../../src/connect/index.ts'
import { memoryRows, pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobProgress } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { untilEnded } from '../bad-input/copying.ts'

const Row = schema({ n: t.int32() })
const START_MS = 946_684_800_000

/** A call of a sink that is let go by hand. */
class Gate {
  #open: (() => void) | undefined
  readonly passed: Promise<void> = new Promise((resolve) => (this.#open = resolve))
  letGo(): void {
    this.#open?.()
  }
}

type Call = 'open' | 'write' | 'prepare' | 'commit' | 'finish' | 'close writer' | 'abandon' | 'close'

/** A sink of which one call waits at a gate; `told` gets its context. */
function gated(call: Call, gate: Gate, told?: (context: SinkContext) => void): Sink {
  const at = (other: Call): Promise<void> => (call === other ? gate.passed : Promise.resolve())
  const writer: SinkWriter = {
    write: () => (call === 'write' ? gate.passed : undefined),
    seal: () => undefined,
    prepare: async (epoch) => at('prepare').then(() => ({ epoch })),
    written: () => ({ rows: 0, bytes: 0 }),
    close: () => at('close writer'),
  }
  const opened: OpenSink = {
    writer: async () => writer,
    commit: async (committables) =>
      at('commit').then(() => committables.map(() => ({ kind: 'committed', rows: 1 }))),
    sweep: async () => undefined,
    finish: () => at('finish'),
    abandon: () => at('abandon'),
    close: () => at('close'),
  }
  return {
    description: { connector: 'gated', options: { url: 'there' } },
    accepts: 'append',
    async open(context) {
      told?.(context)
      await at('open')
      return opened
    },
  }
}

const jobOf = (host: ManualHost, sink: Sink): Job =>
  new Job(pipeline('waits', (p) => p.read('rows', memoryRows(Row, [{ n: 1 }])).write('out', sink)).build(), {
    host,
  })

/** What needs no time is done. */
async function settled(host: ManualHost): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await host.advance(0)
}

const waitingOf = ({ waiting }: JobProgress): JobProgress['waiting'] => waiting

describe('a sink that waits for its target', () => {
  test.each([
    ['open', 'opening'],
    ['write', 'writing'],
    ['prepare', 'preparing'],
    ['commit', 'committing'],
    ['finish', 'finishing'],
    ['close writer', 'closing'],
    ['close', 'closing'],
  ] as const)('WT2: shows in progress while a call of %s is not answered for long', async (call, doing) => {
    const host = createManualHost()
    const gate = new Gate()
    const job = jobOf(host, gated(call, gate))
    const run = job.run()
    await settled(host)
    await host.advance(1900)
    expect(waitingOf(job.progress())).toEqual([])
    await host.advance(3100)
    expect(waitingOf(job.progress())).toEqual([
      { step: 'out', doing, target: 'there', reason: undefined, sinceMs: START_MS },
    ])
    gate.letGo()
    expect(waitingOf((await untilEnded(host, run)).progress)).toEqual([])
    expect(waitingOf(job.progress())).toEqual([])
  })

  test('WT1: shows at once what it tells, as it is now, until it takes it back', async () => {
    const host = createManualHost()
    const source = memoryStream(Row)
    let context: SinkContext | undefined
    const sink = gated('prepare', new Gate(), (told) => (context = told))
    const built = pipeline('waits', (p) => p.read('rows', source).write('out', sink)).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000 })
    const run = job.run()
    source.push({ n: 1 })
    await settled(host)
    await host.advance(500)
    let reason = 'it is away'
    const over = context?.waiting?.({ target: 'table "a"', reason: () => reason })
    const wait = { step: 'out', target: 'table "a"', sinceMs: START_MS + 500 }
    expect(waitingOf(job.progress())).toEqual([{ ...wait, doing: undefined, reason: 'it is away' }])
    reason = 'it is starting'
    await host.advance(5000)
    expect(waitingOf(job.progress())).toEqual([{ ...wait, doing: 'preparing', reason }])
    over?.()
    expect(waitingOf(job.progress())).toMatchObject([{ doing: 'preparing', reason: undefined }])
    job.stop()
    await expect(untilEnded(host, run)).rejects.toMatchObject({ code: 'output/write-failed', step: 'out' })
  })
})

describe('a sink that never answers when it is closed', () => {
  test.each(['close writer', 'close'] as const)('lets a run end that ended well: %s', async (call) => {
    const host = createManualHost()
    const run = jobOf(host, gated(call, new Gate())).run()
    for (let turn = 0; turn < 3; turn++) await host.advance(30_000)
    expect((await untilEnded(host, run)).end).toBe('finished')
  })

  test.each(['close writer', 'abandon', 'close', 'prepare'] as const)(
    'lets a run end that failed, with what it failed for: %s',
    async (call) => {
      const host = createManualHost()
      const hangs = gated(call, new Gate())
      const fails: Sink = {
        ...hangs,
        async open(context) {
          const opened = await hangs.open(context)
          return {
            ...opened,
            writer: async () => ({
              ...(await opened.writer(0)),
              write: () => undefined,
              prepare: () => Promise.reject(new Error('the target refuses')),
            }),
          }
        },
      }
      const built = pipeline('waits', (p) => {
        const rows = p.read('rows', memoryRows(Row, [{ n: 1 }]))
        rows.write('hangs', hangs)
        rows.write('fails', fails)
      }).build()
      const run = new Job(built, { host }).run()
      const failure = run.then(
        () => 'none',
        (error: unknown) => String(error),
      )
      for (let turn = 0; turn < 10; turn++) await host.advance(30_000)
      expect(await untilEnded(host, failure)).toContain('the target refuses')
    },
  )
})

describe('a sink that never answers', () => {
  test.each(['write', 'prepare', 'commit', 'finish'] as const)(
    'WT3: ends a run that is stopped, with the step and what it was asked: %s',
    async (call) => {
      const host = createManualHost()
      const source = memoryStream(Row)
      const built = pipeline('waits', (p) =>
        p.read('rows', source).write('out', gated(call, new Gate())),
      ).build()
      const state = new DirectoryStore(host, '/state')
      const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000, state })
      const run = job.run()
      source.push({ n: 1 })
      await host.advance(5000)
      job.stop()
      const before = host.clock.monotonic()
      await expect(untilEnded(host, run)).rejects.toMatchObject({
        code: 'output/write-failed',
        step: 'out',
        what: expect.stringMatching(/^(writ|prepar|committ|finish)ing has taken too long in a run that was/),
      })
      expect(host.clock.monotonic() - before).toBeLessThan(200_000)
    },
  )

  test('keeps no failure of another one waiting', async () => {
    const host = createManualHost()
    const source = memoryStream(Row)
    const refusing: Sink = {
      ...gated('open', new Gate()),
      async open() {
        const gate = new Gate()
        gate.letGo()
        const opened = await gated('open', gate).open({} as SinkContext)
        const writer = await opened.writer(0)
        const write = async (): Promise<void> => {
          await new Promise<void>((resolve) => void host.timers.set(1000, resolve))
          throw new Error('the target refuses')
        }
        return { ...opened, writer: async () => ({ ...writer, write }) }
      },
    }
    const built = pipeline('waits', (p) => {
      const rows = p.read('rows', source)
      rows.write('hangs', gated('write', new Gate()))
      rows.write('fails', refusing)
    }).build()
    const run = new Job(built, { host, mode: 'continuous' }).run()
    source.push({ n: 1 })
    await expect(untilEnded(host, run)).rejects.toThrow('the target refuses')
  })
})
