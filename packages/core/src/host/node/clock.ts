/** Reads of time from Node. */
import type { Clock } from '../host.ts'

/** The clocks of this process. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}
