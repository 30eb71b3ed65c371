// A machine whose clock moves whenever it is looked at, and whose timers are due at once: nothing waits for real time.
import { createNodeHost } from '../../src/host/node/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'

export function tickingHost(): ManualHost {
  let now = 1_700_000_000_000
  const real = createNodeHost()
  const host = createManualHost()
  return {
    ...host,
    clock: { ...host.clock, now: () => now, monotonic: () => now++ },
    timers: { ...real.timers, set: (_: number, callback: () => void) => real.timers.set(0, callback) },
  }
}
