/**
 * A host for tests: files in memory, a clock that stands still until it is moved, text that can be looked at.
 *
 * Not the simulated host: nothing is random here, and no crash loses anything.
 */
import type { Compression, Host } from '../host/host.ts'
import { createNodeHost } from '../host/node/index.ts'
import { MemoryFiles } from './memory-files.ts'

/** A host whose time is moved by hand. */
export interface ManualHost extends Host {
  readonly files: MemoryFiles
  /** What was written to the terminal. */
  readonly output: readonly string[]
  /** Timers that wait. */
  readonly timersSet: number
  /** Moves the clock and fires what falls due, in order, then lets what waits on it go on. */
  advance(ms: number): Promise<void>
  /** What was this process so far is dead from now on, killed without a word; another one goes on with its files. */
  restart(): void
}

interface SetTimer {
  readonly dueMs: number
  readonly callback: () => void
}

/** 1 January 2000. */
const START_MS = 946_684_800_000

/** How often pending promises get a turn after the clock was moved: chains of awaits are longer than one. */
const TURNS = 20

/** Makes a host at 1 January 2000, with empty files. */
export function createManualHost(): ManualHost {
  let now = START_MS
  let timers: SetTimer[] = []
  let randoms = 0
  let pid = 1
  const output: string[] = []
  const real = createNodeHost()
  const compression: Compression = real.compression
  return {
    clock: { now: () => now, monotonic: () => now, cpu: () => 0 },
    timers: {
      set(delayMs, callback) {
        const timer = { dueMs: now + delayMs, callback }
        timers.push(timer)
        return {
          clear() {
            timers = timers.filter((other) => other !== timer)
          },
        }
      },
      yield: () => real.timers.yield(),
    },
    random: {
      next: () => (randoms++ % 1000) / 1000,
      hex: (bytes) =>
        (randoms++)
          .toString(16)
          .padStart(bytes * 2, '0')
          .slice(-bytes * 2),
    },
    files: new MemoryFiles(() => now),
    compression,
    bytes: real.bytes,
    terminal: { write: (text) => output.push(text) },
    // Nothing is there: a test that needs somebody at the other end gives its own.
    http: { request: () => Promise.reject(new Error('a manual host reaches no other machine')) },
    environment: { get: () => undefined },
    processes: {
      self: async () => ({ machine: 'manual', boot: '', space: '', pid, start: '' }),
      async state(of) {
        if (of.machine !== 'manual') return 'unknown'
        return of.pid === pid ? 'alive' : 'dead'
      },
    },
    output,
    get timersSet() {
      return timers.length
    },
    async advance(ms) {
      const target = now + ms
      for (;;) {
        const next = timers.toSorted((left, right) => left.dueMs - right.dueMs)[0]
        if (next === undefined || next.dueMs > target) break
        now = Math.max(now, next.dueMs)
        timers = timers.filter((timer) => timer !== next)
        next.callback()
        for (let turn = 0; turn < TURNS; turn++) await real.timers.yield()
      }
      now = target
      for (let turn = 0; turn < TURNS; turn++) await real.timers.yield()
    },
    restart() {
      pid++
    },
  }
}
