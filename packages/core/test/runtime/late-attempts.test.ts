// Attempts that end late or for two reasons: who was taken over takes nothing away from its successor, and what a run has
// begun to deliver ends with it.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { rate } from '../../src/connect/index.ts'
import type { OpenSink, Sink } from '../../src/connect/index.ts'
import type { Host } from '../../src/host/host.ts'
import { pipeline } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
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
