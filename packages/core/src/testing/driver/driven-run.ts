/**
 * One run of the pipeline in one process of the driven machine: a `Job` like any other, started, fed and stepped.
 *
 * What is driven is the engine itself: its loops, its state files, its log of epochs. Only time, the ends of the pipeline and
 * the moments of epochs are in the hands of the test. Invariant (tests quote it):
 *  DR1  An entry of the input is released when the run has done all that it can with those before.
 */
import { DirectoryStore } from '../../checkpoint/index.ts'
import { MillraceError } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import type { BuiltPlan } from '../../plan/logical.ts'
import { Job } from '../../runtime/job.ts'
import type { JobOptions, RunMode } from '../../runtime/job.ts'
import type { JobProgress } from '../../runtime/progress.ts'
import type { DrivenMachine } from './driven-machine.ts'
import type { InputLog } from './input-log.ts'

/** Where the run keeps its epochs. */
export const STATE = '/state'

/** Longer than any test moves the clock: epochs come when the test says so. */
const NEVER_MS = 1e13
const DISCOVER_MS = 1000
/** Epochs that a run in micro-batch mode makes to come to its end, at most. */
const LAST_EPOCHS_MAX = 10_000

/** How a pipeline is run. */
export interface RunOptions {
  readonly mode: RunMode
  readonly parallelism: number
  readonly batchRows: number | undefined
  readonly dropState: readonly string[]
}

/** A run, from its start to its end or its death. */
export class DrivenRun {
  readonly host: Host
  readonly #machine: DrivenMachine
  readonly #log: InputLog
  readonly #job: Job
  readonly #mode: RunMode
  #outcome: { readonly error?: unknown } | undefined

  constructor(parts: { machine: DrivenMachine; log: InputLog; plan: BuiltPlan }, options: RunOptions) {
    const { machine, log, plan } = parts
    this.#machine = machine
    this.#log = log
    this.#mode = options.mode
    this.host = machine.boot()
    this.#job = new Job(plan, jobOptions(this.host, options))
    this.#job.run().then(
      () => (this.#outcome = {}),
      (error: unknown) => (this.#outcome = { error }),
    )
  }

  get hasEnded(): boolean {
    return this.#outcome !== undefined
  }

  /** What ended the run before its time. */
  get failure(): unknown {
    return this.#outcome?.error
  }

  get progress(): JobProgress {
    return this.#job.progress()
  }

  /** The epoch that was delivered last in this run. */
  get #delivered(): number {
    return this.#job.progress().lastEpoch?.epoch ?? 0
  }

  /** Starts, as far as it goes without input. */
  async begin(): Promise<void> {
    await this.#machine.settle()
    this.#throwIfFailed()
  }

  /** Lets everything that was sent be read. In micro-batch mode only what an epoch under way was planned with. */
  async settle(): Promise<void> {
    await this.#machine.settle()
    await this.#read()
    this.#throwIfFailed()
  }

  /** Makes an epoch and sees it through; undefined: there was no reason for one. */
  async epoch(): Promise<number | undefined> {
    if (await this.tryEpoch()) return this.#delivered
    if (this.#mode === 'micro-batch' || this.hasEnded) return undefined
    throw this.#stalled('does not come through its epoch')
  }

  /** Makes an epoch that somebody may hold up; whether it came through. */
  async tryEpoch(): Promise<boolean> {
    await this.settle()
    const before = this.#delivered
    await this.#makeEpoch()
    return this.#isDelivered(before)
  }

  async advance(ms: number): Promise<void> {
    await this.settle()
    await this.#machine.advance(ms)
    this.#throwIfFailed()
  }

  /** Everything was sent: runs to the end. */
  async finish(): Promise<void> {
    await this.settle()
    for (let epochs = 0; !this.hasEnded && this.#mode === 'micro-batch' && epochs < LAST_EPOCHS_MAX; epochs++)
      if ((await this.epoch()) === undefined) break
    if (!this.hasEnded) throw this.#stalled('does not come to its end')
  }

  /** Ends the run behind a last epoch, as a signal does. */
  async stop(): Promise<void> {
    await this.settle()
    this.#job.stop()
    await this.#machine.settle()
    if (!this.hasEnded) throw this.#stalled('does not stop')
  }

  #isDelivered(before: number): boolean {
    return this.#delivered > before
  }

  async #makeEpoch(): Promise<void> {
    this.#log.offer()
    this.#job.cutEpoch()
    await this.settle()
  }

  /** DR1. In micro-batch mode what the limits of an epoch leave is for the next. */
  async #read(): Promise<void> {
    const isPlanned = this.#mode === 'micro-batch'
    while (!this.hasEnded && (!isPlanned || this.#log.isAwaited) && this.#log.releaseNext())
      await this.#machine.settle()
  }

  #throwIfFailed(): void {
    if (this.#outcome !== undefined && 'error' in this.#outcome) throw this.#outcome.error
  }

  #stalled(what: string): MillraceError {
    const { waiting = [], steps } = this.progress
    const [wait] = waiting
    const marks = steps.map(({ step, watermark }) => `${step} at ${watermark}`).join(', ')
    return new MillraceError('run/stalled', {
      what: `the run ${what}`,
      detail:
        wait === undefined ? `nothing is left to do; watermarks: ${marks}` : `sink "${wait.step}" waits`,
      hint: 'a source that has not ended, or a clock that has to move, may be what it waits for',
    })
  }
}

function jobOptions(host: Host, { mode, parallelism, batchRows, dropState }: RunOptions): JobOptions {
  return {
    host,
    mode,
    parallelism,
    state: new DirectoryStore(host, STATE),
    outputMode: 'append',
    discoverIntervalMs: DISCOVER_MS,
    ...(batchRows === undefined ? {} : { batchRows }),
    ...(dropState.length === 0 ? {} : { dropState }),
    ...(mode === 'continuous' ? { epochIntervalMs: NEVER_MS } : {}),
    ...(mode === 'micro-batch' ? { trigger: { kind: 'interval', every: NEVER_MS } } : {}),
  }
}
