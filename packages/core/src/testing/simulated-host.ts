/**
 * A simulated machine: processes on a virtual clock and a disk that loses power, in one thread, from a seed.
 *
 * Everything that a process waits for (files, timers, turns of the event loop, answers of other machines) is an event of
 * the machine. One happens at a time; which of those that are due comes first, and how long a file operation takes,
 * follows from the seed. A run can be killed behind any event, and started again as another process. Not simulated:
 * compression, which is the real one and takes real time, so that runs with compressed files are not the same twice.
 * Invariants (tests quote them):
 *  SH1  The same seed gives the same run: the same events at the same times, and the same bytes on the disk.
 *  SH2  Nothing of a process happens after it was killed; but a request that it had sent may arrive, whenever it likes.
 *  SH3  Time passes only while nothing is due.
 *  SH4  Whoever kills a process behind each of the `turningPoints` has killed it in every way: behind any other event all
 *       outside of it is as behind the turning point before, and the same requests are on their way.
 */
import type { Files, Host, Http, OpenFile, ProcessIdentity } from '../host/host.ts'
import { createNodeHost } from '../host/node/index.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import type { Choose } from './simulated-disk.ts'
import { SimulatedFiles } from './simulated-files.ts'

/** What a run on a simulated machine rejects with when its process was killed. */
export class ProcessKilled extends Error {}

/** How a process ends. */
export type Kill =
  /** As by SIGKILL: what it wrote is there. */
  | 'process'
  /** Of what was not synced, some is there. */
  | 'power'

interface MachineEvent {
  readonly dueMs: number
  readonly name: string
  readonly happen: () => void
  /** It is on its way to another machine: it may arrive when the process is dead (SH2). */
  readonly isRequest: boolean
}

/** A file operation takes up to so long. */
const FILE_MS_MAX = 4
/** The way to another machine takes up to so long, and the way back. */
const NETWORK_MS_MAX = 6
/** A request of a process that was killed arrives within this time, if it does. */
const LATE_MS_MAX = 60
/** 1 January 2020. */
const START_MS = 1_577_836_800_000

/** A machine over all its boots. */
export class SimulatedMachine {
  readonly disk: SimulatedDisk
  /** Who answers requests over HTTP; undefined: no machine can be reached. */
  service: Http['request'] | undefined
  readonly #choose: Choose
  readonly #real = createNodeHost()
  #now = START_MS
  /** What wall clocks are ahead of the time that passes. */
  #ahead = 0
  #events: MachineEvent[] = []
  #happened = 0
  #digest = 0
  #killAfter = Infinity
  #pid = 0
  #randoms = 0
  /** Requests that were sent, and that arrived. */
  #requests = 0
  #changes = 0
  readonly #turningPoints: number[] = []

  constructor(seed: number) {
    this.#choose = choicesOf(seed)
    this.disk = new SimulatedDisk(() => this.#now)
  }

  /** Events that have happened. */
  get events(): number {
    return this.#happened
  }

  /** Numbers of events behind which something outside of the process was other than before (SH4). */
  get turningPoints(): readonly number[] {
    return this.#turningPoints
  }

  /** A digest of all events so far, of their times and of what was written (SH1). */
  get digest(): string {
    return (this.#digest >>> 0).toString(16)
  }

  /** Lets so many more events happen before the process is killed. */
  killAfter(events: number): void {
    this.#killAfter = this.#happened + events
  }

  /** Moves the wall clock, as an operator or a time server does; time that passes is not touched. */
  jump(ms: number): void {
    this.#ahead += ms
  }

  /** Starts a process: all before it are dead. */
  boot(): Host {
    this.#pid++
    const pid = this.#pid
    const self: ProcessIdentity = { machine: 'simulated', boot: '', space: '', pid, start: '' }
    const real = this.#real
    return {
      ...real,
      clock: { now: () => this.#now + this.#ahead, monotonic: () => this.#now, cpu: () => 0 },
      timers: {
        set: (delayMs, callback) => this.#at('timer', delayMs, callback),
        yield: () => new Promise((resolve) => this.#at('turn', 0, resolve)),
      },
      random: {
        next: () => this.#choose(1_000_003) / 1_000_003,
        // A number of its own in every text: names of attempts never meet.
        hex: (bytes) =>
          (++this.#randoms * 65_536 + this.#choose(65_536))
            .toString(16)
            .padStart(bytes * 2, '0')
            .slice(-bytes * 2),
      },
      files: this.#slow(new SimulatedFiles(this.disk)),
      terminal: { write: () => undefined },
      http: { request: (request) => this.#ask(request) },
      environment: { get: () => undefined },
      processes: {
        self: async () => self,
        state: async (of) => (of.pid === this.#pid ? 'alive' : 'dead'),
      },
    }
  }

  /**
   * Lets events happen until the work of a process is done.
   *
   * @throws ProcessKilled when it was killed before; an Error when it waits for something that never comes.
   */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    const outcome: { settled?: PromiseSettledResult<Result> } = {}
    work.then(
      (value) => (outcome.settled = { status: 'fulfilled', value }),
      (reason: unknown) => (outcome.settled = { status: 'rejected', reason }),
    )
    for (;;) {
      // All promises that can go on do so before the next event.
      await this.#real.timers.yield()
      this.#noteChanges()
      const { settled } = outcome
      if (settled?.status === 'fulfilled') return settled.value
      if (settled?.status === 'rejected') throw settled.reason
      if (this.#happened >= this.#killAfter) throw new ProcessKilled('the process was killed')
      this.#step()
    }
  }

  /**
   * Has something done by another machine: a request that arrives some time after it was sent, and an answer that takes
   * its time as well. Each is an event.
   */
  async remotely<Result>(name: string, operation: () => Promise<Result>): Promise<Result> {
    const pid = this.#pid
    this.#requests++
    return new Promise((resolve, reject) => {
      const answered = (settle: () => void): void => {
        if (pid === this.#pid) this.#at(`answer ${name}`, this.#choose(NETWORK_MS_MAX), settle)
      }
      const arrive = (): void => {
        this.#requests++
        void operation().then(
          (value) => answered(() => resolve(value)),
          (error: unknown) => answered(() => reject(error as Error)),
        )
      }
      this.#at(name, this.#choose(NETWORK_MS_MAX), arrive, true)
    })
  }

  /**
   * Ends the process that runs, if any (SH2). The next one is started by `boot`.
   *
   * @param arriving - which of the requests that are on their way arrive; default: some
   */
  kill(how: Kill, arriving: 'none' | 'some' | 'all' = 'some'): void {
    const arrives = (): boolean => arriving === 'all' || (arriving === 'some' && this.#choose(2) === 1)
    const sent = this.#events.filter(({ isRequest }) => isRequest && arrives())
    this.#events = sent.map((event) => ({ ...event, dueMs: this.#now + this.#choose(LATE_MS_MAX) }))
    this.#pid++
    this.#killAfter = Infinity
    if (how === 'power') this.disk.restart(this.#choose)
    else this.disk.killAll()
  }

  #step(): void {
    const earliest = this.#events.reduce((least, { dueMs }) => Math.min(least, dueMs), Infinity)
    if (earliest === Infinity) throw new Error('the process waits for something that never comes')
    this.#now = Math.max(this.#now, earliest)
    const due = this.#events.filter(({ dueMs }) => dueMs <= this.#now)
    const next = due[this.#choose(due.length)] as MachineEvent
    this.#events.splice(this.#events.indexOf(next), 1)
    this.#happened++
    this.#note(`${next.name} ${this.#now}`)
    next.happen()
  }

  #noteChanges(): void {
    const changes = this.disk.changes + this.#requests
    if (changes !== this.#changes) this.#turningPoints.push(this.#happened)
    this.#changes = changes
  }

  #note(text: string): void {
    // FNV-1a
    for (let at = 0; at < text.length; at++)
      this.#digest = Math.imul(this.#digest ^ text.charCodeAt(at), 16_777_619)
  }

  async #ask(request: Parameters<Http['request']>[0]): ReturnType<Http['request']> {
    const { service } = this
    if (service === undefined) throw new Error('a simulated machine reaches no other one')
    return this.remotely(`${request.method} ${request.url}`, () => service(request))
  }

  #at(name: string, delayMs: number, happen: () => void, isRequest = false): { clear(): void } {
    const event = { dueMs: this.#now + Math.max(0, delayMs), name, happen, isRequest }
    this.#events.push(event)
    return {
      clear: () => {
        this.#events = this.#events.filter((other) => other !== event)
      },
    }
  }

  /** An operation that happens some time after it was asked for. */
  #later<Result>(name: string, operation: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#at(name, this.#choose(FILE_MS_MAX), () => void operation().then(resolve, reject))
    })
  }

  #slow(files: Files): Files {
    return {
      open: async (path, mode) => {
        const file = await this.#later(`open ${path}`, () => files.open(path, mode))
        return this.#slowFile(path, file)
      },
      status: (path) => this.#later(`status ${path}`, () => files.status(path)),
      list: (path) => this.#later(`list ${path}`, () => files.list(path)),
      makeDirectory: (path) => this.#later(`make ${path}`, () => files.makeDirectory(path)),
      rename: (from, to) => this.#later(`rename ${from} ${to}`, () => files.rename(from, to)),
      link: (from, to) => this.#later(`link ${from} ${to}`, () => files.link(from, to)),
      remove: (path) => this.#later(`remove ${path}`, () => files.remove(path)),
      removeDirectory: (path, options) =>
        this.#later(`remove ${path}`, () => files.removeDirectory(path, options)),
      syncDirectory: (path) => this.#later(`sync ${path}`, () => files.syncDirectory(path)),
      real: (path) => files.real(path),
      resolve: (path) => files.resolve(path),
    }
  }

  #slowFile(path: string, file: OpenFile): OpenFile {
    return {
      read: (target, offset, length, position) =>
        this.#later(`read ${path}`, () => file.read(target, offset, length, position)),
      write: (bytes, position) => {
        // Taken when it is asked for: the caller may use its memory again when the answer is there, not before.
        const checksum = this.#real.bytes.crc32(bytes)
        return this.#later(`write ${path} ${position} ${checksum}`, () => file.write(bytes, position))
      },
      truncate: (length) => this.#later(`truncate ${path}`, () => file.truncate(length)),
      status: () => this.#later(`status ${path}`, () => file.status()),
      sync: () => this.#later(`sync ${path}`, () => file.sync()),
      close: () => this.#later(`close ${path}`, () => file.close()),
    }
  }
}

/** Choices of a seed: xorshift32 (Marsaglia, Xorshift RNGs, 2003). */
function choicesOf(seed: number): Choose {
  let state = Math.imul(seed, 2_654_435_761) | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
