// L2: whole jobs that keep their state in object storage, killed at every request of theirs and started again. The last
// request may have been carried out or not, or arrive while the next attempt runs.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, state, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { ObjectStore } from '../../src/checkpoint/index.ts'
import type { ObjectClient } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { PowerLost, SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedObjects } from '../../src/testing/simulated-objects.ts'
import type { ObjectEffect } from '../../src/testing/simulated-objects.ts'
import { isPowerLost, randomOf } from '../testing/crashes.ts'

const Row = schema({ key: t.string(), n: t.int32() })
const Counted = schema({ key: t.string(), n: t.int32(), count: t.int32() })
const rows = Array.from({ length: 60 }, (_, n) => ({ key: `k${n % 7}`, n }))

/** Counts the rows of each key as they come; every epoch has files of its own. */
const counting: Pipeline = pipeline('counting', (p) => {
  p.read('rows', memoryRows(Row, rows))
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: state.value(t.int32()) },
      output: Counted,
      onRow(row, { state: { count }, emit }) {
        const next = (count.get() ?? 0) + 1
        count.set(next)
        emit({ key: row.key, n: row.n, count: next })
      },
    })
    .write('out', ndjson('/data/out', { roll: 'epoch' }))
})

/** Where attempts run: a machine with its disk, and a bucket that outlives it. */
class World {
  readonly disk = new SimulatedDisk()
  readonly objects: SimulatedObjects
  requests = 0
  #killAt = Infinity
  #last: ObjectEffect | undefined
  #isKilled = false
  readonly #strike: () => ObjectEffect | undefined
  readonly #lie: (client: ObjectClient) => ObjectClient
  readonly #mode: 'continuous' | 'batch'

  /** `strike` decides over requests of attempts that live; `lie` may change what clients say. */
  constructor(
    strike: () => ObjectEffect | undefined = () => undefined,
    lie: (client: ObjectClient) => ObjectClient = (client) => client,
    mode: 'continuous' | 'batch' = 'continuous',
  ) {
    this.#mode = mode
    this.#strike = strike
    this.#lie = lie
    this.objects = new SimulatedObjects({ strike: () => this.#request() })
  }

  /** The next attempt dies with its request number `at`, which meets `last`. */
  killAt(at: number, last: ObjectEffect | undefined): void {
    this.#killAt = this.requests + at
    this.#last = last
  }

  async run(pid: number): Promise<'ended' | 'killed'> {
    const host = this.#host(pid)
    const store = new ObjectStore(host, this.#lie(this.objects.client()), { prefix: 'state', partBytes: 400 })
    const job = new Job(counting.build(), {
      host,
      mode: this.#mode,
      state: store,
      epochIntervalMs: 15,
      batchRows: 8,
    })
    try {
      await job.run()
      return 'ended'
    } catch (error) {
      if (!this.#isKilled || !isPowerLost(error)) throw error
      return 'killed'
    } finally {
      this.disk.killAll()
      this.#isKilled = false
      this.#killAt = Infinity
    }
  }

  #request(): ObjectEffect | undefined {
    if (this.#isKilled) return 'silent'
    if (this.requests++ < this.#killAt) return this.#strike()
    this.#isKilled = true
    this.disk.losePowerAfter(0)
    return this.#last
  }

  #host(pid: number): Host {
    const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
    const real = createNodeHost()
    let now = 1_700_000_000_000
    return {
      ...real,
      files: new SimulatedFiles(this.disk),
      clock: { ...real.clock, now: () => now, monotonic: () => now++ },
      timers: {
        ...real.timers,
        set: (_, callback) => {
          // The dead do not wait.
          if (this.#isKilled) throw new PowerLost('waiting')
          return real.timers.set(0, callback)
        },
      },
      processes: {
        self: () => Promise.resolve(self),
        state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
      },
    }
  }

  /** Lines of all files that a reader of the output finds. */
  async visible(): Promise<readonly string[]> {
    const files = new SimulatedFiles(this.disk)
    if ((await files.status('/data/out')) === undefined) return []
    const lines: string[] = []
    for (const { name } of await files.list('/data/out')) {
      if (!name.endsWith('.ndjson') || name.startsWith('.') || name.startsWith('_')) continue
      const path = `/data/out/${name}`
      const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
      const file = await files.open(path, 'read')
      await file.read(bytes, 0, bytes.length, 0)
      await file.close()
      lines.push(...Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
    }
    return lines.toSorted()
  }
}

interface Whole {
  readonly answer: readonly string[]
  readonly requests: number
  readonly mode: 'continuous' | 'batch'
}

async function answerOf(mode: Whole['mode'] = 'continuous'): Promise<Whole> {
  const world = new World(undefined, undefined, mode)
  await world.run(1)
  return { answer: await world.visible(), requests: world.requests, mode }
}

/** What is wrong after the job was killed at a request, and again at one of the next attempt. */
async function killedAt(
  at: number,
  last: ObjectEffect | undefined,
  { answer, requests, mode }: Whole,
): Promise<readonly string[]> {
  const random = randomOf(at + 1)
  const world = new World(undefined, undefined, mode)
  const faults: string[] = []
  let end = ''
  for (let attempt = 1; attempt <= 5 && end !== 'ended'; attempt++) {
    if (attempt === 1) world.killAt(at, last)
    if (attempt === 2) world.killAt(random(requests), last)
    // What the attempt before had sent arrives at some moment of this one.
    const running = world.run(attempt)
    for (let turn = random(30); turn > 0; turn--) await new Promise(setImmediate)
    world.objects.arrive()
    end = await running
    const seen = await world.visible()
    const twice = seen.filter((line, index) => line === seen[index - 1])
    const wrong = seen.filter((line) => !answer.includes(line))
    if (twice.length + wrong.length > 0)
      faults.push(`killed at ${at}, ${last}: ${[...twice, ...wrong].join()}`)
  }
  const found = await world.visible()
  if (found.length !== answer.length) faults.push(`killed at ${at}, ${last}: ${found.length} lines`)
  return faults
}

describe('a job with its state in object storage', () => {
  it.each<readonly [string, ObjectEffect | undefined]>([
    ['is not carried out', 'silent'],
    ['is carried out, and its answer not heard', 'lost'],
    ['arrives while the next attempt runs', 'late'],
  ])('gives each row once, wherever it is killed, when its last request %s', async (_, last) => {
    const whole = await answerOf()
    expect(whole.answer).toHaveLength(60)
    expect(whole.requests).toBeGreaterThan(30)
    const faults: string[] = []
    for (let at = 0; at < whole.requests; at++) faults.push(...(await killedAt(at, last, whole)))
    expect(faults).toEqual([])
  })

  it.each<readonly [string, ObjectEffect | undefined]>([
    ['is not carried out', 'silent'],
    ['is carried out, and its answer not heard', 'lost'],
    ['arrives while the next attempt runs', 'late'],
  ])('gives each row of a batch in phases once, when its last request %s', async (_, last) => {
    const whole = await answerOf('batch')
    expect(whole.answer).toEqual((await answerOf()).answer)
    const faults: string[] = []
    for (let at = 0; at < whole.requests; at++) faults.push(...(await killedAt(at, last, whole)))
    expect(faults).toEqual([])
  })

  it('gives each row once while requests fail', async () => {
    const { answer } = await answerOf()
    for (let seed = 1; seed <= 20; seed++) {
      const choose = randomOf(seed)
      const effects: readonly ObjectEffect[] = [
        'lost',
        'late',
        'server',
        'throttled',
        'conflict',
        'unreachable',
      ]
      const world = new World(() => (choose(4) === 0 ? effects[choose(effects.length)] : undefined))
      expect(await world.run(1)).toBe('ended')
      expect(await world.visible()).toEqual(answer)
    }
  })

  it('is seen to fail with a client that believes what it did not hear', async () => {
    const believing = (client: ObjectClient): ObjectClient => ({
      ...client,
      create: async (...request) => {
        const answer = await client.create(...request)
        return 'failure' in answer ? { value: 'created' } : answer
      },
    })
    const { answer, requests } = await answerOf()
    let wrong = 0
    for (let seed = 1; seed <= 20; seed++) {
      const choose = randomOf(seed)
      const world = new World(() => (choose(5) === 0 ? 'server' : undefined), believing)
      world.killAt(choose(requests), 'silent')
      const isEnded = await world
        .run(1)
        .then(() => world.run(2))
        .then(
          (end) => end === 'ended',
          () => false,
        )
      if (!isEnded || (await world.visible()).join() !== answer.join()) wrong++
    }
    expect(wrong).toBeGreaterThan(0)
  })
})
