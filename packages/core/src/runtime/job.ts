/**
 * One run of a pipeline in this process, from its built plan to its result.
 *
 * A job owns an execution and the loop that drives it; what runs is decided by the plan, how long by the mode. It is
 * used once: `run` may be called one time, `stop` at any time, `progress` whenever somebody looks.
 */
import { MillraceError } from '../errors.ts'
import { checkOptionChoice, checkOptionNames } from '../data/option-names.ts'
import { drawTableSeed } from '../data/table-seed.ts'
import { Execution, TaskLoop } from '../engine/index.ts'
import type { LoopEnd } from '../engine/index.ts'
import type { Host } from '../host/host.ts'
import { optimize } from '../plan/optimize.ts'
import { planPhysical } from '../plan/plan-physical.ts'
import type { BuiltPlan } from '../plan/logical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import type { OutputMode } from '../connect/sink.ts'
import { checkFolders } from './check-folders.ts'
import { commitEpoch } from './commit-epoch.ts'
import { CommitRetries } from './commit-retries.ts'
import { readProgress } from './progress.ts'
import type { JobProgress } from './progress.ts'

/** How an epoch ends: at the end of bounded input, or every interval. */
export type RunMode = 'batch' | 'continuous'

/** How a job is run. */
export interface JobOptions {
  readonly host: Host
  /** Default: batch. */
  readonly mode?: RunMode
  /** What to do with outputs that hold something already. Default: refuse. */
  readonly outputMode?: OutputMode
  /** Tasks per stage. Default 1. */
  readonly parallelism?: number
  /** Whether aggregations may begin in front of their exchange. Default true; false is for measuring and testing. */
  readonly preAggregate?: boolean
  /** Rows per batch, at most. Default 4,096: small enough for the caches, large enough to spread fixed costs. */
  readonly batchRows?: number
  /** Continuous: milliseconds between epochs. Default 1,000. */
  readonly epochIntervalMs?: number
  /** Continuous: end when no rows came for so long, and sources have looked once more since. Default: never. */
  readonly stopWhenIdleMs?: number
  /** Continuous: when the run ends, move the watermark to its end so that every window fires. */
  readonly drain?: boolean
  /** How often unbounded sources are asked for new splits. Default 200 ms. */
  readonly discoverIntervalMs?: number
}

/** What a run did. */
export interface JobResult {
  /** `finished`: all input was read; `idle`: nothing came any more; `stopped`: someone asked. */
  readonly end: LoopEnd
  readonly progress: JobProgress
}

const BATCH_ROWS = 4096
const EPOCH_INTERVAL_MS = 1000
const DISCOVER_INTERVAL_MS = 200

/** The names of all options; the compiler says when one is missing. */
const optionNames = Object.keys({
  host: true,
  mode: true,
  outputMode: true,
  parallelism: true,
  preAggregate: true,
  batchRows: true,
  epochIntervalMs: true,
  stopWhenIdleMs: true,
  drain: true,
  discoverIntervalMs: true,
} satisfies { readonly [name in keyof JobOptions]-?: true })

/** A pipeline that is running, or is about to. */
export class Job {
  readonly physical: PhysicalPlan
  private readonly options: JobOptions
  private readonly execution: Execution
  private readonly loop: TaskLoop
  private readonly retries: CommitRetries
  private epoch = 0
  private startedAt = 0
  private cpuAtStart = 0
  private started = false

  /**
   * Plans the run; nothing is opened yet. Throws what planning finds.
   *
   * @throws MillraceError `plan/invalid-argument` for an option that does not exist, or a mode.
   */
  constructor(built: BuiltPlan, options: JobOptions) {
    checkOptionNames('Job', options, optionNames)
    checkOptionChoice('mode', options.mode, ['batch', 'continuous'])
    checkOptionChoice('outputMode', options.outputMode, ['refuse', 'overwrite', 'append'])
    this.options = options
    const bounded = options.mode !== 'continuous'
    const optimized = optimize(built)
    this.physical = planPhysical(optimized.plan, {
      parallelism: options.parallelism ?? 1,
      preAggregate: options.preAggregate ?? true,
    })
    drawTableSeed(options.host.random)
    this.execution = new Execution({
      physical: this.physical,
      bindings: optimized.bindings,
      host: options.host,
      boundedness: bounded ? 'bounded' : 'unbounded',
      batchRows: options.batchRows ?? BATCH_ROWS,
      sink: { outputMode: options.outputMode ?? 'refuse', lineage: options.host.random.hex(8), attempt: 1 },
    })
    this.retries = new CommitRetries(options.host.timers)
    this.loop = new TaskLoop(this.execution, {
      epochIntervalMs: bounded ? undefined : (options.epochIntervalMs ?? EPOCH_INTERVAL_MS),
      stopWhenIdleMs: bounded ? undefined : options.stopWhenIdleMs,
      drain: options.drain ?? false,
      discoverIntervalMs: options.discoverIntervalMs ?? DISCOVER_INTERVAL_MS,
      closeEpoch: (final) => this.closeEpoch(final),
    })
  }

  /**
   * Runs to the end. Rejects with the first failure; then nothing of the open epoch is visible anywhere, unless it came
   * while sinks were committing that epoch: then the error says so.
   *
   * @throws MillraceError `run/cancelled` when a batch run was stopped before its end.
   */
  async run(): Promise<JobResult> {
    if (this.started) throw new MillraceError('internal/assertion', { what: 'a job was run twice' })
    this.started = true
    const { clock } = this.options.host
    this.startedAt = clock.monotonic()
    this.cpuAtStart = clock.cpu()
    let end: LoopEnd
    try {
      await checkFolders(this.execution.options.bindings, this.options.host.files)
      await this.execution.open({ wake: this.loop.wake, failed: this.loop.failed })
      for (const { sink } of this.execution.sinks) await sink.sweep([])
      end = await this.loop.run()
      if (end === 'stopped' && this.options.mode !== 'continuous') throw cancelled()
    } catch (error) {
      // The first failure is the one to report; closing after it may fail for the same reason.
      await this.execution.close(true).catch(() => undefined)
      throw error
    }
    const progress = this.progress()
    await this.execution.close()
    return { end, progress }
  }

  /** Ends the run at the next border between steps, and what is waited for to try a commit again. */
  stop(): void {
    this.loop.stop()
    this.retries.stop()
  }

  /** The run as it stands. */
  progress(): JobProgress {
    const { clock } = this.options.host
    return readProgress(this.execution, {
      elapsedMs: clock.monotonic() - this.startedAt,
      cpuMs: clock.cpu() - this.cpuAtStart,
      blockedMs: this.loop.blockedMs,
      epoch: this.epoch,
      retrying: this.retries.waiting,
    })
  }

  private async closeEpoch(final: boolean): Promise<void> {
    this.epoch++
    await commitEpoch(this.execution, this.epoch, { final, retries: this.retries })
  }
}

function cancelled(): MillraceError {
  return new MillraceError('run/cancelled', {
    what: 'the run was stopped before all input was read',
    detail: 'a batch run commits once, at its end: nothing was written',
    hint: 'run it again',
  })
}
