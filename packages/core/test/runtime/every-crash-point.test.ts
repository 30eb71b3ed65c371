// L2: small but whole jobs, killed behind every event of theirs that has changed anything, in each mode and with a sink of
// each family. What shows at any moment is part of the answer, and at the end it is the answer.
import { describe, expect, it } from 'vitest'
import { suiteSeed } from '../testing/crashes.ts'
import { answer, killedEverywhere, modes, outputs, wholeLife } from './small-jobs.ts'
import type { SmallJob } from './small-jobs.ts'

/** These tests wait for nothing; a machine with much else to do is slow. */
const TEST_MS = 300_000

const jobs = modes.flatMap((mode) =>
  outputs.map((output): SmallJob => ({ mode, output, store: 'directory' })),
)

describe('a job that is killed at every point', () => {
  it.each(jobs)(
    'gives each row once: $mode, $output',
    async (job) => {
      const { shown, epochs } = await wholeLife(suiteSeed, job)
      expect(shown).toEqual(answer)
      expect(epochs).toBeGreaterThan(job.mode === 'batch' ? 1 : 2)
      expect(await killedEverywhere(suiteSeed, job)).toEqual([])
    },
    TEST_MS,
  )
})
