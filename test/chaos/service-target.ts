/** A service over HTTP as the output of a trial: it tells repeated requests by their keys, and is often in trouble. */
import { TestService } from '../../packages/core/test/connect/http/test-service.ts'
import { textOf, timesAsNumbers } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import type { Target } from './trial.ts'

/** A service for one trial. */
export async function serviceTarget({ seed }: Scenario): Promise<Target> {
  const service = await TestService.start()
  let state = Math.imul(seed, 2_654_435_761) | 1
  service.fate = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    switch ((state >>> 0) % 12) {
      case 0:
        return { kind: 'hang-up' }
      case 1:
        return { kind: 'take-and-hang-up' }
      case 2:
        return { kind: 'answer', status: 503 }
      case 3:
        return { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }
      default:
        return undefined
    }
  }
  return {
    settings: { url: service.url },
    environment: {},
    // A key that came again with other rows counts as rows that are not of the answer.
    rows: async () => [...service.rows().map((row) => textOf(timesAsNumbers(row))), ...service.conflicts],
    remove: () => service.stop(),
  }
}
