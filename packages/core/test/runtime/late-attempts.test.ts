// Attempts that end late or for two reasons: who was taken over takes nothing away from its successor, and what a run has
// begun to deliver ends with it.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { rate } from '../../src/connect/index.ts'
import type { OpenSink, RatePosition, RateRow, Sink, Source } from '../../src/connect/index.ts'
import type { Host } from '../../src/host/host.ts'
import { MillraceError, pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import type { ScriptedSink } from './scripted-connectors.ts'
import { scriptedSink } from './scripted-connectors.ts'

/** The same sink, whose commits wait for `gate`. */
function gated(sink: Sink, gate: { readonly open: Promise<void>; readonly asked: () => void }): Sink {
  return {
    ...sink,
    async open(context) {
      const open = await sink.open(context)
      const commit: OpenSink['commit'] = async (committables) => {
        gate.asked()
        await gate.open
        return open.commit(committables)
      }
      return { ...open, commit }
    },
  }
}

function jobOf(host: Host, sink: Sink, options: Partial<JobOptions> = {}): Job {
  const built = pipeline('p', (p) => {
    p.read('rows', rate({ rowsPerSecond: 1000, rows: 20 })).write('out', sink)
  }).build()
  const state = new DirectoryStore(host, '/state')
  return new Job(built, { host, mode: 'continuous', epochIntervalMs: 10_000, state, ...options })
}

describe('an attempt that was taken over', () => {
  it('while it delivers its last epoch learns so before it finishes its sinks (N6)', async () => {
    const machine = new SimulatedMachine(1)
    const host = machine.boot()
    const first = scriptedSink()
    const second = scriptedSink()
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const delivers = new Promise<void>((asked) => {
      void jobOf(host, gated(first as Sink, { open: gate, asked })).run().catch((error: unknown) => (failure = error)) // prettier-ignore
    })
    let failure: unknown
    await machine.run(delivers)
    const { end, start } = await machine.run(jobOf(host, second as Sink, { takeOver: true }).run())
    expect([end, start?.kind]).toEqual(['finished', 'ended'])
    expect(second.calls).toContain('finish')
    open()
    await machine.run(new Promise<void>((resolve) => void host.timers.set(1000, resolve)))
    expect(failure).toMatchObject({ code: 'checkpoint/fenced' })
    expect(first.calls.filter((call) => /^(commit|finish|close)/.test(call))).toEqual([
      'commit 1',
      'close writer',
      'close',
    ])
  })
})

describe('a run that fails while a commit is tried again', () => {
  const isAway = { commit: () => ({ kind: 'retry' as const, reason: 'the target is away' }) }

  /** Steps that a failure ends while the first epoch waits for its delivery. */
  function failing(host: Host, sink: Sink, fails: () => void, source = rows): Job {
    const built = pipeline('p', (p) => {
      p.read('rows', source)
        .map('same', schema({ number: t.int32() }), ({ number }) => {
          fails()
          return { number }
        })
        .write('out', sink)
    }).build()
    const state = new DirectoryStore(host, '/state')
    return new Job(built, { host, mode: 'continuous', batchRows: 1, epochIntervalMs: 10, state })
  }
  const rows = rate({ rowsPerSecond: 1000, rows: 200 })

  /** How long the run lasts, how it ends, and what the sink is told within a minute behind its end. */
  async function outcome(machine: SimulatedMachine, make: (host: Host, sink: Sink) => Job) {
    const host = machine.boot()
    const sink = scriptedSink(isAway)
    const began = host.clock.monotonic()
    const failure = await machine.run(make(host, sink as Sink).run().then(() => undefined, (error: unknown) => error)) // prettier-ignore
    const tookMs = host.clock.monotonic() - began
    const told = sink.calls.length
    await machine.run(new Promise<void>((resolve) => void host.timers.set(60_000, resolve)))
    return { failure, tookMs, calls: sink.calls, later: sink.calls.slice(told) }
  }

  it('tries no more, and closes its sinks behind the last try (N7)', async () => {
    const { failure, calls, later, tookMs } = await outcome(new SimulatedMachine(2), (host, sink) =>
      failing(host, sink, () => {
        if ((sink as unknown as ScriptedSink).calls.includes('commit 1')) throw new Error('boom')
      }),
    )
    expect(failure).toMatchObject({ code: 'step/function-failed' })
    expect(calls).toContain('commit 1')
    expect([calls.at(-1), later]).toEqual(['close', []])
    expect(tookMs).toBeLessThan(1000)
  })

  it('because of its input reports that soon, with what is left to deliver', async () => {
    const unread: Source<RateRow, RatePosition> = { ...rows, open: async (split, position, context) => {
      const reader = await rows.open(split, position, context)
      let left = 15
      return Object.assign(Object.create(reader) as typeof reader, {
        read: (most: number) => {
          if (left-- <= 0) throw new MillraceError('input/read-failed', { what: 'the disk is gone', detail: 'EIO' })
          return reader.read(most)
        },
        position: () => reader.position(),
        bytesRead: () => 0,
        close: () => reader.close(),
      })
    } } // prettier-ignore
    const { failure, calls, later, tookMs } = await outcome(new SimulatedMachine(3), (host, sink) =>
      failing(host, sink, () => undefined, unread),
    )
    expect(failure).toMatchObject({
      code: 'input/read-failed',
      what: 'the disk is gone',
      detail: expect.stringMatching(
        /^EIO; what was read before is not all put out, and is left to the next start: output of epoch 1 could not be committed: the target is away, \d+ times/,
      ) as string,
      cause: expect.any(AggregateError) as Error,
    })
    expect(tookMs).toBeLessThan(10_000)
    expect([calls.at(-1), later]).toEqual(['close', []])
  })

  it('because prepared output is lost says where to go on from', async () => {
    const machine = new SimulatedMachine(5)
    const sink = scriptedSink({ commit: () => ({ kind: 'lost', reason: 'of 3 staged rows 0 are there' }) })
    const job = failing(machine.boot(), sink as Sink, () => undefined)
    await expect(machine.run(job.run())).rejects.toMatchObject({
      code: 'output/lost',
      detail: 'of 3 staged rows 0 are there',
      hint: 'bring back from a copy what was prepared for it and start again; or start from an earlier epoch with --from, which repeats what was put out since',
    })
  })

  it('because it was stopped says to start it again as it was', async () => {
    const machine = new SimulatedMachine(4)
    const host = machine.boot()
    const job = failing(host, scriptedSink(isAway) as Sink, () => undefined)
    const failed = job.run().then(() => undefined, (error: unknown) => error) // prettier-ignore
    await machine.run(new Promise<void>((resolve) => void host.timers.set(1000, resolve)))
    job.stop()
    expect(await machine.run(failed)).toMatchObject({
      code: 'output/write-failed',
      hint: 'mend the target and start it again as it was: the epoch stands, and its output comes first',
    })
  })
})
