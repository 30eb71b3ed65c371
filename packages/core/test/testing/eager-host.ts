/** A host whose time passes by itself: when nothing else can go on, the timer that is due next fires. */
import type { Host, Timer } from '../../src/host/host.ts'
import { createManualHost } from '../../src/testing/index.ts'

/** For programs whose only waits are timers: everything else that they wait for has to be settled by promises alone. */
export function createEagerHost(): Host {
  let now = 0
  let isScheduled = false
  let timers: { readonly dueMs: number; readonly callback: () => void }[] = []
  const schedule = (): void => {
    if (isScheduled || timers.length === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      const next = timers.toSorted((left, right) => left.dueMs - right.dueMs)[0]
      if (next === undefined) return
      timers = timers.filter((timer) => timer !== next)
      now = Math.max(now, next.dueMs)
      next.callback()
      schedule()
    })
  }
  const set = (delayMs: number, callback: () => void): Timer => {
    const timer = { dueMs: now + delayMs, callback }
    timers.push(timer)
    schedule()
    return {
      clear() {
        timers = timers.filter((other) => other !== timer)
      },
    }
  }
  const manual = createManualHost()
  return {
    ...manual,
    clock: { now: () => now, monotonic: () => now, cpu: () => 0 },
    timers: { set, yield: () => manual.timers.yield() },
  }
}
