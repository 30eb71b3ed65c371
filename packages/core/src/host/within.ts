/**
 * A wait for what others do, with an end: who ends a run cannot wait for ever for a connector or a store that hangs.
 *
 * It stops waiting, not the work: whoever calls it sees to it that an answer that comes later does no harm.
 */
import type { Timers } from './host.ts'

/** Waits for work, at most so long; whether it was done. Rejects when the work does in that time. */
export async function within(timers: Timers, ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: { clear(): void } | undefined
  const over = new Promise<false>((resolve) => {
    timer = timers.set(ms, () => resolve(false))
  })
  try {
    return await Promise.race([work.then(() => true), over])
  } finally {
    timer?.clear()
  }
}
