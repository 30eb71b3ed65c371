// Logs that grow and are rotated at any moment, and a job that is killed at any event: every line once, in both modes.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'

const Row = schema({ n: t.int32() })

/** What happens to the logs: lines to the newest one, to the one before it, or a rotation. */
type Happening =
  | { readonly kind: 'grow'; readonly lines: number }
  | { readonly kind: 'late'; readonly lines: number }
  | { readonly kind: 'rotate' }

/** What happens before a start and while it runs; undefined: it is not killed. */
interface Round {
  readonly before: readonly Happening[]
  readonly meanwhile: readonly Happening[]
  readonly killAfter: number | undefined
}

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), lines: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('late' as const), lines: fc.integer({ min: 1, max: 5 }) }),
  fc.constant({ kind: 'rotate' as const }),
)
const round: fc.Arbitrary<Round> = fc.record({
  before: fc.array(happening, { maxLength: 4 }),
  meanwhile: fc.array(happening, { maxLength: 3 }),
  killAfter: fc.option(fc.integer({ min: 20, max: 900 }), { nil: undefined }),
})

class Scene {
  readonly machine: SimulatedMachine
  readonly mode: 'continuous' | 'micro-batch'
  written = 0

  constructor(seed: number, mode: 'continuous' | 'micro-batch') {
    this.machine = new SimulatedMachine(seed)
    this.mode = mode
  }

  get files(): SimulatedFiles {
    return new SimulatedFiles(this.machine.disk)
  }

  async happen(what: Happening): Promise<void> {
    const { files } = this
    await files.makeDirectory('/in')
    if (what.kind === 'grow') return this.#append('/in/app.log', what.lines)
    const hasOld = (await files.status('/in/app.log.1')) !== undefined
    if (what.kind === 'late') return hasOld ? this.#append('/in/app.log.1', what.lines) : undefined
    if ((await files.status('/in/app.log')) === undefined) return
    let last = 1
    while ((await files.status(`/in/app.log.${last}`)) !== undefined) last++
    for (let number = last; number > 1; number--)
      await files.rename(`/in/app.log.${number - 1}`, `/in/app.log.${number}`)
    await files.rename('/in/app.log', '/in/app.log.1')
  }

  async #append(path: string, count: number): Promise<void> {
    const file = await this.files.open(path, 'append')
    const lines = Array.from({ length: count }, () => `{"n":${this.written++}}\n`)
    await file.write(Buffer.from(lines.join('')))
    await file.close()
  }

  async run({ before, meanwhile, killAfter }: Round): Promise<void> {
    for (const what of before) await this.happen(what)
    if (this.written === 0) await this.happen({ kind: 'grow', lines: 1 })
    const host = this.machine.boot()
    if (killAfter !== undefined) this.machine.killAfter(killAfter)
    const happenings = async (): Promise<void> => {
      for (const what of meanwhile) {
        await new Promise<void>((resolve) => void host.timers.set(25, resolve))
        await this.happen(what)
      }
    }
    try {
      await this.machine.run(Promise.all([this.#job(host).run(), happenings()]))
    } catch (error) {
      if (!(error instanceof ProcessKilled)) throw error
    }
    this.machine.kill('process')
  }

  #job(host: Host): Job {
    const built = pipeline('following', (p) => {
      const logs = ndjson('/in/app.log*', { schema: Row, follow: 'lines', pollInterval: '10 ms' })
      p.read('rows', logs, { perEpoch: { maxRows: 40 } }).write('out', ndjson('/out', { roll: 'epoch' }))
    }).build()
    const how =
      this.mode === 'continuous'
        ? { stopWhenIdleMs: 100, epochIntervalMs: 15, discoverIntervalMs: 10 }
        : { trigger: { kind: 'available-now' as const } }
    return new Job(built, { host, mode: this.mode, state: new DirectoryStore(host, '/state'), ...how })
  }

  async shown(): Promise<number[]> {
    const numbers: number[] = []
    for (const { name, kind } of await this.files.list('/out')) {
      if (kind !== 'file') continue
      const path = `/out/${name}`
      const bytes = new Uint8Array((await this.files.status(path))?.size ?? 0)
      const file = await this.files.open(path, 'read')
      await file.read(bytes, 0, bytes.length, 0)
      await file.close()
      for (const line of Buffer.from(bytes).toString().trim().split('\n'))
        numbers.push((JSON.parse(line) as { n: number }).n)
    }
    return numbers.toSorted((a, b) => a - b)
  }
}

// The path covers the names of rotated logs: one that comes and goes between two looks is seen under its next name.
test.each(['continuous', 'micro-batch'] as const)(
  'rotated logs give every line once in %s mode, whatever is killed',
  async (mode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(round, { minLength: 2, maxLength: 6 }),
        async (seed, rounds) => {
          const scene = new Scene(seed, mode)
          for (const one of rounds) await scene.run(one)
          const quiet: Round = { before: [], meanwhile: [], killAfter: undefined }
          await scene.run(quiet)
          await scene.run(quiet)
          const all = Array.from({ length: scene.written }, (_, n) => n)
          expect(await scene.shown()).toEqual(all)
        },
      ),
      { numRuns: 25 },
    )
  },
)
