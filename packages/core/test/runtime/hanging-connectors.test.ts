// Connectors that never answer: who stops a run does not wait for them without end (law L6).
import { expect, test } from 'vitest'
import type { Source, SplitEnumerator, SplitReader } from '../../src/connect/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { scriptedSink } from './scripted-connectors.ts'

const Row = schema({ n: t.int32() })
const never = new Promise<never>(() => undefined)

/** What of a source hangs. */
type Hanging = 'enumerate' | 'next' | 'open' | 'read' | 'close'

/** A source of one split without rows, of which one call never answers. */
function hanging(what: Hanging): Source<{ readonly n: number }> {
  const wait = async (call: Hanging): Promise<void> => (call === what ? never : undefined)
  let isTold = false
  const enumerator: SplitEnumerator = {
    async next() {
      await wait('next')
      const splits = isTold ? [] : [{ id: 'split', detail: 0, grows: true }]
      isTold = true
      return { splits, done: false }
    },
    close: () => wait('close'),
  }
  const reader: SplitReader = {
    read: () => (what === 'read' ? never : { kind: 'idle', until: never }),
    position: () => 0,
    bytesRead: () => 0,
    horizon: async () => undefined,
    readTo: () => undefined,
    close: () => wait('close'),
  }
  return {
    description: { connector: 'hanging', options: {} },
    schema: Row,
    supports: ['unbounded'],
    enumerate: async () => {
      await wait('enumerate')
      return enumerator
    },
    open: async () => {
      await wait('open')
      return reader
    },
  }
}

const modes: readonly Partial<JobOptions>[] = [
  { mode: 'continuous', epochIntervalMs: 50 },
  { mode: 'micro-batch', trigger: { kind: 'interval', every: '50 ms' } },
]
const calls: readonly Hanging[] = ['enumerate', 'next', 'open', 'read', 'close']

test.each(modes.flatMap((options) => calls.map((call) => [call, options.mode, options] as const)))(
  'a source whose %s hangs lets a stop end the run, in %s mode',
  async (call, _, options) => {
    const machine = new SimulatedMachine(1)
    const host = machine.boot()
    const built = pipeline('p', (p) => p.read('in', hanging(call)).write('out', scriptedSink())).build()
    const job = new Job(built, { host, state: new DirectoryStore(host, '/state'), ...options })
    const ended = job.run()
    await machine.run(new Promise<void>((resolve) => void host.timers.set(500, resolve)))
    const before = host.clock.monotonic()
    job.stop()
    expect((await machine.run(ended)).end).toBe('stopped')
    expect(host.clock.monotonic() - before).toBeLessThan(60_000)
  },
)
