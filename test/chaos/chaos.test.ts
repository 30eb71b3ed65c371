// Exactly once, with real processes that are killed with SIGKILL at random moments and started again. `npm run chaos --
// --runs 200` is the long form; every trial is drawn from its seed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoServer } from '../../packages/connector-postgres/test/postgres-server.ts'
import { DatabaseTargets } from './database-target.ts'
import { scenarioOf } from './scenario.ts'
import { serviceTarget } from './service-target.ts'
import { trial } from './trial.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]

describe('a run that is killed and started again', () => {
  it.each(SEEDS)(
    'loses and repeats nothing: seed %i',
    async (seed) => {
      const { lost, repeated, trouble } = await trial(scenarioOf(seed))
      expect({ lost, repeated, trouble }).toEqual({ lost: 0, repeated: 0, trouble: [] })
    },
    120_000,
  )
})

describe.skipIf(whyNoServer !== undefined)('a run that writes to a table and is killed', () => {
  let targets: DatabaseTargets
  beforeAll(async () => {
    targets = await DatabaseTargets.start()
  }, 60_000)
  afterAll(() => targets.stop())

  it.each([
    [7, 'postgres-append'],
    [8, 'postgres-upsert'],
    [12, 'postgres-append'],
  ] as const)(
    'loses and repeats nothing: seed %i, %s',
    async (seed, sink) => {
      const scenario = scenarioOf(seed, sink)
      const { lost, repeated, trouble } = await trial(scenario, await targets.target(scenario))
      expect({ lost, repeated, trouble }).toEqual({ lost: 0, repeated: 0, trouble: [] })
    },
    120_000,
  )
})

describe('a run that sends to a service in trouble and is killed', () => {
  it.each([2, 13])(
    'loses and repeats nothing: seed %i',
    async (seed) => {
      const scenario = scenarioOf(seed, 'http')
      const { lost, repeated, trouble } = await trial(scenario, await serviceTarget(scenario))
      expect({ lost, repeated, trouble }).toEqual({ lost: 0, repeated: 0, trouble: [] })
    },
    120_000,
  )
})
