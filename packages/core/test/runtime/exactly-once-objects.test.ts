// L2: whole jobs that keep their state in object storage, killed at every request of theirs and started again. Requests of
// the dead may have been carried out or not, or arrive while the next attempt runs.
import { describe, expect, it } from 'vitest'
import type { ObjectClient } from '../../src/checkpoint/index.ts'
import type { ObjectEffect } from '../../src/testing/simulated-objects.ts'
import { randomOf, suiteSeed } from '../testing/crashes.ts'
import { answer, killedBehind, killedEverywhere, modes, SmallWorld, wholeLife } from './small-jobs.ts'
import type { SmallJob } from './small-jobs.ts'

/** These tests wait for nothing; a machine with much else to do is slow. */
const TEST_MS = 300_000

const inBucket = { mode: 'continuous', output: 'files', store: 'bucket' } as const

describe('a job with its state in object storage', () => {
  it.each(modes.flatMap((mode) => (['none', 'all'] as const).map((arriving) => ({ mode, arriving }))))(
    'gives each row once, wherever it is killed: $mode, of its last requests arrive late: $arriving',
    async ({ mode, arriving }) => {
      const job: SmallJob = { ...inBucket, mode }
      expect((await wholeLife(suiteSeed, job)).shown).toEqual(answer)
      expect(await killedEverywhere(suiteSeed, job, { arriving })).toEqual([])
    },
    TEST_MS,
  )

  it('gives each row once while requests fail', async () => {
    const effects: readonly ObjectEffect[] = [
      'lost',
      'late',
      'silent',
      'server',
      'throttled',
      'conflict',
      'unreachable',
    ]
    for (let seed = suiteSeed; seed < suiteSeed + 20; seed++) {
      const choose = randomOf(seed)
      const strike = (): ObjectEffect | undefined =>
        choose(4) === 0 ? effects[choose(effects.length)] : undefined
      const world = new SmallWorld(seed, inBucket, { strike })
      await world.start()
      expect({ seed, shown: await world.visible() }).toEqual({ seed, shown: answer })
    }
  })

  it('is seen to fail with a client that believes what it did not hear', async () => {
    const client = (own: ObjectClient): ObjectClient => ({
      ...own,
      create: async (...request) => {
        const heard = await own.create(...request)
        return 'failure' in heard ? { value: 'created' } : heard
      },
    })
    let wrong = 0
    for (let seed = 1; seed <= 20; seed++) {
      const choose = randomOf(seed)
      const strike = (): ObjectEffect | undefined => (choose(5) === 0 ? 'server' : undefined)
      const world = new SmallWorld(seed, inBucket, { client, strike })
      const faults = await killedBehind(world, [{ events: choose(200), how: 'process' }])
      if (faults.length > 0) wrong++
    }
    expect(wrong).toBeGreaterThan(0)
  })
})

describe('a job with its output in a bucket', () => {
  it.each(['none', 'all'] as const)(
    'gives each row once, wherever it is killed, of its last requests arrive late: %s',
    async (arriving) => {
      const job: SmallJob = { mode: 'continuous', output: 'bucket files', store: 'directory' }
      expect((await wholeLife(suiteSeed, job)).shown).toEqual(answer)
      expect(await killedEverywhere(suiteSeed, job, { arriving })).toEqual([])
    },
    TEST_MS,
  )

  it('gives each row once while requests fail', async () => {
    const effects: readonly ObjectEffect[] = ['lost', 'late', 'silent', 'server', 'throttled', 'unreachable']
    for (let seed = suiteSeed; seed < suiteSeed + 20; seed++) {
      const choose = randomOf(seed)
      const strike = (): ObjectEffect | undefined =>
        choose(4) === 0 ? effects[choose(effects.length)] : undefined
      const world = new SmallWorld(
        seed,
        { mode: 'continuous', output: 'bucket files', store: 'bucket' },
        { strike },
      )
      await world.start()
      expect({ seed, shown: await world.visible() }).toEqual({ seed, shown: answer })
    }
  })
})
