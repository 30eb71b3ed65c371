/**
 * The machine under a driven run: a disk that can lose power, a clock that only the test moves, and turns that are taken one
 * by one, so that the driver knows when a run has nothing more to do.
 *
 * Beside simulated-host.ts, where time passes by itself and a seed chooses what happens next: here nothing is left to
 * choose. Invariants (tests quote them):
 *  DM1  The clock stands still but for `advance`.
 *  DM2  After `settle` nothing of the process can go on before the clock moves or the test gives it something.
 *  DM3  Nothing of a process happens after it was killed.
 */
import { MillraceError } from '../../errors.ts'
import type { Files, Host, OpenFile } from '../../host/host.ts'
import { createNodeHost } from '../../host/node/index.ts'
import { SimulatedDisk } from '../simulated-disk.ts'
import { SimulatedFiles } from '../simulated-files.ts'

interface SetTimer {
  readonly dueMs: number
  readonly callback: () => void
}

/** A run that takes more turns than this between two steps of a test goes round in circles. */
const TURNS_MAX = 100_000

/** A machine over all processes of a test. */
export class DrivenMachine {
  /** Wall clock, in milliseconds. */
  now: number
  readonly #disk: SimulatedDisk
  readonly #real = createNodeHost()
  #timers: SetTimer[] = []
  #turns: (() => void)[] = []
  #pid = 0
  #randoms = 0

  constructor(startMs: number) {
    this.now = startMs
    this.#disk = new SimulatedDisk(() => this.now)
  }

  /** Starts a process. */
  boot(): Host {
    const pid = ++this.#pid
    const lives = (): boolean => this.#pid === pid
    return {
      ...this.#real,
      clock: { now: () => this.now, monotonic: () => this.now, cpu: () => 0 },
      timers: {
        set: (delayMs, callback) => this.#set(lives, delayMs, callback),
        yield: () => new Promise((resolve) => lives() && this.#turns.push(resolve)),
      },
      random: { next: () => this.#random() / 2 ** 32, hex: (bytes) => this.#hex(bytes) },
      files: filesWhile(lives, new SimulatedFiles(this.#disk)),
      terminal: { write: () => undefined },
      http: { request: () => Promise.reject(new Error('a driven run reaches no other machine')) },
      environment: { get: () => undefined },
      processes: {
        self: async () => ({ machine: 'driven', boot: '', space: '', pid, start: '' }),
        state: async (of) => (of.pid === this.#pid ? 'alive' : 'dead'),
      },
    }
  }

  /** Ends the process that runs, without a word (DM3); with `power` some of what was not synced is gone. */
  kill({ power }: { readonly power: boolean }): void {
    this.#pid++
    this.#timers = []
    this.#turns = []
    if (power) this.#disk.restart((below) => this.#random() % below)
    else this.#disk.killAll()
  }

  /** Lets the process do all that it can without the clock (DM2). */
  async settle(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      // Everything that waits for nothing but promises goes on before the next turn.
      await this.#real.timers.yield()
      const turn = this.#turns.shift() ?? this.#takeDue(this.now)
      if (turn === undefined) return
      turn()
    }
    throw new MillraceError('run/stalled', {
      what: 'the run does not come to rest',
      detail: `it took ${TURNS_MAX} turns while the clock stood still`,
    })
  }

  /** Moves the clock, stopping at every timer on the way. */
  async advance(ms: number): Promise<void> {
    const target = this.now + ms
    await this.settle()
    for (;;) {
      const due = this.#takeDue(target)
      if (due === undefined) break
      due()
      await this.settle()
    }
    this.now = target
    await this.settle()
  }

  /** Takes the timer that is due first, and moves the clock to it. */
  #takeDue(untilMs: number): (() => void) | undefined {
    let first: SetTimer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer
    if (first === undefined || first.dueMs > untilMs) return undefined
    this.#timers.splice(this.#timers.indexOf(first), 1)
    this.now = Math.max(this.now, first.dueMs)
    return first.callback
  }

  #set(lives: () => boolean, delayMs: number, callback: () => void): { clear(): void } {
    const timer = { dueMs: this.now + Math.max(0, delayMs), callback }
    if (lives()) this.#timers.push(timer)
    return {
      clear: () => {
        const at = this.#timers.indexOf(timer)
        if (at >= 0) this.#timers.splice(at, 1)
      },
    }
  }

  /** 32 bits: splitmix (Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014), from one seed for all tests. */
  #random(): number {
    this.#randoms = (this.#randoms + 0x9e3779b9) | 0
    let bits = this.#randoms
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return (bits ^ (bits >>> 15)) >>> 0
  }

  #hex(bytes: number): string {
    let text = ''
    while (text.length < bytes * 2) text += this.#random().toString(16).padStart(8, '0')
    return text.slice(0, bytes * 2)
  }
}

/** Files whose answers reach nobody once their process is dead. */
function filesWhile(lives: () => boolean, files: Files): Files {
  const guard = <Result>(answer: Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      answer.then(
        (result) => lives() && resolve(result),
        (error: unknown) => lives() && reject(error as Error),
      )
    })
  const guarded = (file: OpenFile): OpenFile => ({
    read: (target, offset, length, position) => guard(file.read(target, offset, length, position)),
    write: (bytes, position) => guard(file.write(bytes, position)),
    truncate: (length) => guard(file.truncate(length)),
    status: () => guard(file.status()),
    sync: () => guard(file.sync()),
    close: () => guard(file.close()),
  })
  return {
    open: async (path, mode) => guarded(await guard(files.open(path, mode))),
    status: (path) => guard(files.status(path)),
    list: (path) => guard(files.list(path)),
    makeDirectory: (path) => guard(files.makeDirectory(path)),
    rename: (from, to) => guard(files.rename(from, to)),
    link: (from, to) => guard(files.link(from, to)),
    remove: (path) => guard(files.remove(path)),
    removeDirectory: (path, options) => guard(files.removeDirectory(path, options)),
    syncDirectory: (path) => guard(files.syncDirectory(path)),
    real: (path) => guard(files.real(path)),
    resolve: (path) => files.resolve(path),
  }
}
