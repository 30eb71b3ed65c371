// Exactly once, with real processes that are killed with SIGKILL behind entries of its log and started again. `npm run chaos --
// --runs 200` is the long form; every trial is drawn from its seed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoServer } from '../../packages/connector-postgres/test/postgres-server.ts'
import { DatabaseTargets } from './database-target.ts'
import { goesOn, scenarioOf } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { serviceTarget } from './service-target.ts'
import { sqliteTarget } from './sqlite-target.ts'
import { trial } from './trial.ts'
import type { Target } from './trial.ts'

const TEST_MS = 300_000

/** What is wrong with a trial: something lost or repeated, or nobody killed, or no epoch before or after the kills. */
async function wrongWith(scenario: Scenario, target?: Target): Promise<readonly string[]> {
  const { lost, repeated, trouble, killed, epochs } = await trial(scenario, target)
  const { killedBehind, last } = epochs
  const wrong = [...trouble]
  if (lost > 0 || repeated > 0) wrong.push(`${lost} lost, ${repeated} repeated`)
  if (killed === 0) wrong.push('no process was killed')
  if (last === 0) wrong.push('no epoch stands')
  if (goesOn(scenario) && (killedBehind === 0 || last <= killedBehind))
    wrong.push(`killed behind epoch ${killedBehind} of ${last}`)
  return wrong
}

describe('a run that is killed and started again', () => {
  // Batch, micro-batch and continuous; Parquet, gzip, files by time; sessions and joins; a bucket; rows at a rate.
  it.each([2, 4, 7, 9, 14, 16])(
    'loses and repeats nothing: seed %i',
    async (seed) => {
      expect(await wrongWith(scenarioOf(seed))).toEqual([])
    },
    TEST_MS,
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
      expect(await wrongWith(scenario, await targets.target(scenario))).toEqual([])
    },
    TEST_MS,
  )

  it(
    'together with its server loses and repeats nothing',
    async () => {
      const scenario = scenarioOf(9, 'postgres-append')
      expect(await wrongWith(scenario, await targets.target(scenario, { killsServer: true }))).toEqual([])
    },
    TEST_MS,
  )
})

describe('a run that writes to a table of SQLite and is killed', () => {
  it.each([
    [5, 'sqlite-append'],
    [4, 'sqlite-upsert'],
  ] as const)(
    'loses and repeats nothing: seed %i, %s',
    async (seed, sink) => {
      const scenario = scenarioOf(seed, sink)
      expect(await wrongWith(scenario, sqliteTarget(scenario))).toEqual([])
    },
    TEST_MS,
  )
})

describe('a run that sends to a service in trouble and is killed', () => {
  it.each([2, 13])(
    'loses and repeats nothing: seed %i',
    async (seed) => {
      const scenario = scenarioOf(seed, 'http')
      expect(await wrongWith(scenario, await serviceTarget(scenario))).toEqual([])
    },
    TEST_MS,
  )
})
