// Any sequence of faults on object storage: the same end, or an error; never a wrong answer.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CheckpointLog, ObjectStore } from '../../src/checkpoint/index.ts'
import type { Appended, Entry } from '../../src/checkpoint/index.ts'
import { isMillraceError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import { SimulatedObjects } from '../../src/testing/simulated-objects.ts'
import type { ObjectEffect } from '../../src/testing/simulated-objects.ts'
import { createEagerHost } from '../testing/eager-host.ts'
import { randomOf } from '../testing/crashes.ts'
import { runStoreProgram, arbitraryStoreProgram } from './store-program.ts'

const effects: readonly ObjectEffect[] = [
  'unreachable',
  'timeout',
  'throttled',
  'server',
  'conflict',
  'damaged',
  'lost',
  'late',
  'silent',
]
const limits = { requests: 3, timeoutMs: 100 }

/** Strikes a request now and then; which and how follows from the seed. */
function striking(
  seed: number,
  percent: number,
): { strike: () => ObjectEffect | undefined; heal: () => void } {
  const choose = randomOf(seed)
  let isWell = false
  return {
    strike: () => (isWell || choose(100) >= percent ? undefined : effects[choose(effects.length)]),
    heal: () => {
      isWell = true
    },
  }
}

describe('a store on object storage, whatever its network does', () => {
  it('gives the answers of a store without faults, or errors', async () => {
    let failed = 0
    let ended = 0
    await fc.assert(
      fc.asyncProperty(
        arbitraryStoreProgram(),
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 70 }),
        async (program, seed, percent) => {
          const { strike, heal } = striking(seed, percent)
          const objects = new SimulatedObjects({ strike })
          const store = new ObjectStore(createEagerHost(), objects.client(), { partBytes: 100, limits })
          const { faults, errors } = await runStoreProgram(program, store, {
            heal: () => {
              heal()
              objects.arrive()
            },
          })
          expect(faults).toEqual([])
          failed += errors
          if (errors === 0) ended++
        },
      ),
      { numRuns: 300 },
    )
    // Both happen, often.
    expect(failed).toBeGreaterThan(100)
    expect(ended).toBeGreaterThan(30)
  })

  it.each([
    ['forgets that an answer was lost', /all were told that it exists/],
    ['takes whatever stands there for its own', /was told of [234] creators/],
  ] as const)('would be told from one that %s', async (defect, reason) => {
    const found = await firstFault(defect)
    expect(found).toMatch(reason)
  })
})

/** Racing creations through a client that makes the store wrong. */
async function firstFault(defect: string): Promise<string> {
  for (let seed = 1; seed <= 200; seed++) {
    const { strike } = striking(seed, 50)
    const objects = new SimulatedObjects({ strike })
    const client = objects.client()
    let lastTag = ''
    const broken =
      defect === 'takes whatever stands there for its own'
        ? {
            ...client,
            create: (...request: Parameters<typeof client.create>) => {
              lastTag = request[2]
              return client.create(...request)
            },
            get: async (...request: Parameters<typeof client.get>) => {
              const answer = await client.get(...request)
              return 'value' in answer && answer.value !== undefined
                ? { value: { ...answer.value, tag: lastTag } }
                : answer
            },
          }
        : {
            ...client,
            // A lost answer looks like a refusal for sure.
            create: async (...request: Parameters<typeof client.create>) => {
              const answer = await client.create(...request)
              return 'failure' in answer
                ? { failure: { ...answer.failure, kind: 'conflict' as const } }
                : answer
            },
          }
    const host = createEagerHost()
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        new ObjectStore(host, broken, { limits }).create('log/1', new Uint8Array(1)).catch(() => 'error'),
      ),
    )
    const created = answers.filter((answer) => answer === 'created').length
    if (created > 1) return `was told of ${created} creators`
    if (created === 0 && answers.every((answer) => answer === 'exists')) return 'all were told that it exists'
  }
  return 'nothing was found'
}

describe('racing creators', () => {
  it.each([0, 10, 30, 60])('ST1: one of twenty wins, with %i of 100 requests failing', async (percent) => {
    let decided = 0
    for (let seed = 1; seed <= 40; seed++) {
      const { created, unknown, isThere } = await race(seed, percent)
      // Who does not know may have been the one.
      expect(created).toBeLessThanOrEqual(1)
      expect(created + unknown).toBeGreaterThanOrEqual(1)
      // Whoever was told that it exists finds it there.
      expect(isThere || unknown === RACERS).toBe(true)
      decided += created
    }
    expect(decided).toBeGreaterThan(percent === 0 ? 39 : 0)
  })
})

const RACERS = 20

async function race(
  seed: number,
  percent: number,
): Promise<{ created: number; unknown: number; isThere: boolean }> {
  const { strike, heal } = striking(seed, percent)
  const objects = new SimulatedObjects({ strike })
  const host = createEagerHost()
  const open = (): ObjectStore => new ObjectStore(host, objects.client(), { limits })
  // Equal bytes: only the tags tell the callers apart.
  const answers = await Promise.all(
    Array.from({ length: RACERS }, () =>
      open()
        .create('log/1', new Uint8Array(1))
        .catch(() => 'unknown'),
    ),
  )
  heal()
  objects.arrive()
  return {
    created: answers.filter((answer) => answer === 'created').length,
    unknown: answers.filter((answer) => answer === 'unknown').length,
    isThere: (await open().read('log/1')) !== undefined,
  }
}

const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
const takeover = (attempt: number, token: string): Entry => ({
  kind: 'takeover',
  attempt,
  lineage: 'l',
  owner,
  token,
  atMs: 0,
})

describe('the log on object storage', () => {
  it('learns that an entry is its own when the answer was lost', async () => {
    const objects = new SimulatedObjects()
    const host = createEagerHost()
    const log = new CheckpointLog(new ObjectStore(host, objects.client()), host.bytes)
    await log.read()
    await log.append(takeover(1, 'a'))
    for (const effect of ['lost', 'late', 'server', 'silent'] as const)
      objects.inject({ effect, operation: 'create', times: 1 })
    expect(await log.append(takeover(1, 'b'))).toEqual({ kind: 'appended', number: 2 })
    expect(await log.append(takeover(1, 'c'))).toEqual({ kind: 'appended', number: 3 })
  })

  it('learns so also when the store itself had given up', async () => {
    const objects = new SimulatedObjects()
    const host = createEagerHost()
    const log = new CheckpointLog(new ObjectStore(host, objects.client(), { limits }), host.bytes)
    await log.read()
    await log.append(takeover(1, 'a'))
    const heal = objects.inject({ effect: 'lost', operation: 'create' })
    await expect(log.append(takeover(1, 'b'))).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    heal()
    expect(await log.append(takeover(1, 'b'))).toEqual({ kind: 'appended', number: 2 })
  })

  it.each([0, 20, 50])(
    'LG1: gives each number to one attempt, with %i of 100 requests failing',
    async (percent) => {
      let appended = 0
      for (let seed = 1; seed <= 30; seed++) {
        const { strike, heal } = striking(seed, percent)
        const objects = new SimulatedObjects({ strike })
        const host = createEagerHost()
        const told = await Promise.all(
          Array.from({ length: 5 }, (_, at) => appendOften(host, objects, `attempt ${at}`)),
        )
        heal()
        objects.arrive()
        const found = await new CheckpointLog(new ObjectStore(host, objects.client()), host.bytes).read()
        const byNumber = new Map(found.map(({ number, entry }) => [number, entry]))
        const numbers = told.flat().map(({ number }) => number)
        expect(new Set(numbers).size).toBe(numbers.length)
        for (const { number, entry } of told.flat()) expect(byNumber.get(number)).toEqual(entry)
        appended += numbers.length
      }
      expect(appended).toBeGreaterThan(100)
    },
  )
})

/** One attempt that appends as long as it can; gives what it was told of. */
async function appendOften(
  host: Host,
  objects: SimulatedObjects,
  name: string,
): Promise<readonly { readonly number: number; readonly entry: Entry }[]> {
  const told: { number: number; entry: Entry }[] = []
  const log = new CheckpointLog(new ObjectStore(host, objects.client(), { limits }), host.bytes)
  for (let k = 0; k < 6; k++) {
    const entry = takeover(k + 1, `${name} ${k}`)
    let answer: Appended
    try {
      answer = await log.append(entry)
    } catch (error) {
      // It does not know; a real attempt ends here and another one reads the log.
      if (!isMillraceError(error)) throw error
      continue
    }
    if (answer.kind === 'appended') told.push({ number: answer.number, entry })
  }
  return told
}
