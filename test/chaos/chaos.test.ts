// Exactly once, with real processes that are killed with SIGKILL at random moments and started again. `npm run chaos --
// --runs 200` is the long form; every trial is drawn from its seed.
import { describe, expect, it } from 'vitest'
import { scenarioOf } from './scenario.ts'
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
