/** Waiting, by Node's event loop. */
import type { Timers } from '../host.ts'

/** setTimeout holds no more than this; a longer delay is waited for in pieces. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** As it is when this is loaded: tests that put clocks of their own in its place must not stop the engine. */
const atOnce = setImmediate

/** Timers of this process. A timer that is set keeps the process alive. */
export const nodeTimers: Timers = {
  set(delayMs, callback) {
    const dueMs = performance.now() + delayMs
    let handle: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const leftMs = Math.max(0, dueMs - performance.now())
      handle =
        leftMs > TIMEOUT_MS_MAX ? setTimeout(arm, TIMEOUT_MS_MAX) : setTimeout(callback, Math.ceil(leftMs))
    }
    arm()
    return { clear: () => clearTimeout(handle) }
  },
  // It runs after the poll phase, so I/O that has finished gets its turn; a resolved promise would not let it.
  yield: () => new Promise((resolve) => atOnce(resolve)),
}
