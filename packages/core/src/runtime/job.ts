/**
 * One run of a pipeline in this process, from its built plan to its result.
 *
 * A job owns an execution and the loop that drives it; what runs is decided by the plan, how long by the mode. It is
 * used once: `run` may be called one time, `stop` at any time, `progress` whenever somebody looks.
 */
import { MillraceError } from '../errors.ts'
import { checkOptionChoice, checkOptionNames } from '../data/option-names.ts'
import { drawTableSeed } from '../data/table-seed.ts'
import type { LoopEnd } from '../engine/index.ts'
import type { Host } from '../host/host.ts'
import { optimize } from '../plan/optimize.ts'
import { planPhysical } from '../plan/plan-physical.ts'
import type { BuiltPlan } from '../plan/logical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import type { OutputMode } from '../connect/sink.ts'
import type { CheckpointStore, Manifest } from '../checkpoint/index.ts'
import { admitBorder, isBorder } from './batch-phases.ts'
import { checkFolders } from './check-folders.ts'
import { checkJobOptions } from './check-job-options.ts'
import { checkStart } from './check-start.ts'
import type { StartCheck } from './check-start.ts'
import { noProgress } from './progress.ts'
import type { JobProgress } from './progress.ts'
import type { JobState } from './job-state.ts'
import { Restarts } from './restart.ts'
import type { RestartStrategy } from './restart.ts'
import { openCheckpoint } from './restore.ts'
import type { OpenedCheckpoint } from './restore.ts'
import { programSteps, stepsReadAnew } from './program-state.ts'
import {
  refuseOtherMode,
  refuseOtherPipeline,
  refuseOverwrite,
  refuseUnknownSteps,
  stateMisfit,
  successorOf,
} from './refuse-start.ts'
import type { Successor } from './refuse-start.ts'
import { RunningJob } from './running-job.ts'
import { explainDamage, isDamage } from './verify-checkpoints.ts'
import type { JobStart } from './running-job.ts'
import { takeOver } from './take-over.ts'
import { checkTrigger } from './trigger.ts'
import type { Trigger } from './trigger.ts'

/**
 * How an epoch ends: at the end of bounded input, every interval, or (micro-batch) when the input is read that was fixed
 * for it before.
 */
export type RunMode = 'batch' | 'micro-batch' | 'continuous'

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
  /** Micro-batch: when epochs are made. Default: by interval, every 10 seconds. */
  readonly trigger?: Trigger
  /** Continuous: milliseconds between epochs. Default 1,000. */
  readonly epochIntervalMs?: number
  /**
   * Continuous, and micro-batch by interval: end when no rows came for so long, and sources have looked once more since.
   * Default: never.
   */
  readonly stopWhenIdleMs?: number
  /** Continuous, and micro-batch by interval: when the run ends, move the watermark to its end so that every window fires. */
  readonly drain?: boolean
  /** How often unbounded sources are asked for new splits. Default 200 ms. */
  readonly discoverIntervalMs?: number
  /**
   * Where the run keeps its epochs, so that the next run of the same pipeline goes on where this one ends, however it
   * ends: nothing is lost and nothing repeated. Default: nowhere.
   */
  readonly state?: CheckpointStore
  /** With `state`: begin with this savepoint. A state that has begun with it goes on by itself. */
  readonly savepoint?: CheckpointStore
  /** With `state`: start from this epoch instead of the newest; what was put out since is put out again. */
  readonly from?: number
  /** With `state`: go on with new input although the run before came to its end. */
  readonly goOn?: boolean
  /** With `state`: whether and when the job starts again after a failure that may pass by itself. Default: it does not. */
  readonly restart?: RestartStrategy
  /**
   * With `state`: names of steps whose state may be left out where it does not fit the pipeline any more: of steps that
   * are gone, or keep something else. What fits is never dropped, and a name that neither the pipeline nor the state has is
   * refused. Default: none, and state that does not fit is refused.
   */
  readonly dropState?: readonly string[]
  /**
   * With `state`: the name that the pipeline had when its state was written. Default: the name that it has, and the state
   * of another pipeline is refused.
   */
  readonly renamedFrom?: string
  /**
   * With `state`: read the tables of lookup joins anew, and whatever is computed for them. Default: a table stays as it
   * was read by the first run.
   */
  readonly refreshTables?: boolean
  /** With `state`: take the job over also from a process that may still run it. */
  readonly takeOver?: boolean
}

/** What a run did. */
export interface JobResult {
  /** `finished`: all input was read; `idle`: nothing came any more; `stopped`: someone asked. */
  readonly end: LoopEnd
  readonly progress: JobProgress
  /** How it began; undefined without a state directory. */
  readonly start?: JobStart | undefined
}

/** A failure of a job. */
export interface JobFailure {
  /** Its number among all failures of the job, from 1. */
  readonly number: number
  /** Wall clock, for people. */
  readonly atMs: number
  readonly error: unknown
}

/** A job may start again for ever, and each failure has its causes. */
const FAILURES_KEPT = 100

/** The names of all options; the compiler says when one is missing. */
const optionNames = Object.keys({
  host: true,
  mode: true,
  trigger: true,
  outputMode: true,
  parallelism: true,
  preAggregate: true,
  batchRows: true,
  epochIntervalMs: true,
  stopWhenIdleMs: true,
  drain: true,
  discoverIntervalMs: true,
  state: true,
  savepoint: true,
  from: true,
  goOn: true,
  takeOver: true,
  dropState: true,
  renamedFrom: true,
  refreshTables: true,
  restart: true,
} satisfies { readonly [name in keyof JobOptions]-?: true })

/** What JavaScript, or a cast, lets through. */
function checkArguments(built: unknown, options: unknown): void {
  const parts: Partial<BuiltPlan> & { readonly build?: unknown } =
    typeof built === 'object' && built !== null ? built : {}
  if (parts.plan === undefined || parts.bindings === undefined) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'what a Job was given to run is no built pipeline',
      detail: typeof parts.build === 'function' ? 'it is a pipeline that was not built yet' : undefined,
      hint: 'write new Job(pipeline.build(), { host: createNodeHost() })',
    })
  }
  const { host } = (options ?? {}) as { readonly host?: unknown }
  if (typeof host === 'object' && host !== null) return
  throw new MillraceError('plan/invalid-argument', {
    what: 'a Job has no host',
    detail: 'the host is where it gets files, time and randomness from',
    hint: "give it one: import { createNodeHost } from 'millrace/host' and write new Job(built, { host: createNodeHost() })",
  })
}

/** A pipeline that is running, or is about to. */
export class Job {
  readonly physical: PhysicalPlan
  private readonly options: JobOptions
  private readonly built: BuiltPlan
  private readonly restarts: Restarts
  /** `physical`, or what a batch goes on with that was planned for another number of tasks. */
  private plan: PhysicalPlan
  private running: RunningJob | undefined
  /** Files of state that `check` has read: the start behind it does not read them for the same question. */
  private whole: Set<string> | undefined
  /** Since a stop the place of checkpoints is hurried; this ends it. */
  private hurried: (() => void) | undefined
  private wakeUp: (() => void) | undefined
  private current: JobState = 'created'
  private stopAsked = false
  private failed: readonly JobFailure[] = []

  /**
   * Plans the run; nothing is opened yet. Throws what planning finds.
   *
   * @throws MillraceError `plan/invalid-argument` for what is no built pipeline, without a host, and for an option that does
   *   not exist, or a mode.
   */
  constructor(built: BuiltPlan, options: JobOptions) {
    checkArguments(built, options)
    checkOptionNames('Job', options, optionNames)
    checkOptionChoice('mode', options.mode, ['batch', 'micro-batch', 'continuous'])
    checkTrigger(options)
    checkOptionChoice('outputMode', options.outputMode, ['refuse', 'overwrite', 'append'])
    checkJobOptions(options)
    if (options.restart !== undefined && options.restart.kind !== 'none' && options.state === undefined)
      throw restartWithoutState()
    if (options.goOn === true && (options.mode ?? 'batch') === 'batch') throw nothingToGoOnWith()
    if (options.refreshTables === true && (options.mode ?? 'batch') === 'batch') throw nothingToRefresh()
    this.options = options
    this.restarts = new Restarts(options.restart ?? { kind: 'none' }, () => options.host.random.next())
    this.built = optimize(built)
    this.physical = planPhysical(this.built.plan, {
      parallelism: options.parallelism ?? 1,
      preAggregate: options.preAggregate ?? true,
    })
    this.plan = this.physical
    drawTableSeed(options.host.random)
  }

  /** Where the job is in its life. */
  get state(): JobState {
    return this.current
  }

  /**
   * The failures so far, each with its cause; the job started again after all but the last. Of more than a hundred the newest
   * are kept: numbers say how many there were.
   */
  get failures(): readonly JobFailure[] {
    return this.failed
  }

  /**
   * Runs to the end. Rejects with the failure that ends it. With a state directory the next start goes on from the last
   * epoch; without one nothing of the open epoch is visible anywhere, unless the failure came while sinks were committing
   * that epoch: then the error says so.
   *
   * @throws MillraceError `run/cancelled` when a batch run was stopped before its end; `checkpoint/owned` and others of
   *   its kind when the state cannot be gone on with.
   */
  async run(): Promise<JobResult> {
    if (this.current !== 'created')
      throw new MillraceError('internal/assertion', { what: 'a job was run twice' })
    this.current = 'starting'
    try {
      await checkFolders(this.built.bindings, this.options.host.files).catch((error: unknown) => {
        this.note(error)
        this.current = 'failed'
        throw error
      })
      return await this.runAttempts()
    } finally {
      this.hurried?.()
    }
  }

  private async runAttempts(): Promise<JobResult> {
    const { clock } = this.options.host
    for (;;) {
      const began = clock.monotonic()
      try {
        this.current = 'starting'
        const result = await this.attempt()
        this.current = 'ended'
        return result
      } catch (error) {
        const delayMs = this.fail(error, clock.monotonic() - began)
        if (delayMs === undefined) throw error
        await this.wait(delayMs)
        if (this.stopAsked) {
          this.current = 'failed'
          throw error
        }
      }
    }
  }

  /** Ends the run at the next border between steps, and what is waited for. */
  stop(): void {
    this.stopAsked = true
    if (this.current !== 'ended' && this.current !== 'failed') this.hurried ??= this.options.state?.hurry?.()
    if (this.current === 'running') this.current = 'stopping'
    this.running?.stop()
    this.wakeUp?.()
  }

  /**
   * Asks for an epoch now, besides those that come by themselves: it is cut as soon as the one on its way is durable, and
   * `progress().lastEpoch` tells when it was delivered. Nothing happens in a batch, in micro-batch mode where there is
   * nothing to read, and in a job that does not run.
   */
  cutEpoch(): void {
    if (this.current === 'running') this.running?.cutEpoch()
  }

  /** The run as it stands. */
  progress(): JobProgress {
    return this.running?.progress() ?? noProgress
  }

  /**
   * What `run` would do with the state directory, without doing it: nothing is written, and no source or output is opened.
   * Undefined without a state directory.
   *
   * @throws MillraceError `checkpoint/store-failed`.
   */
  async check(): Promise<StartCheck | undefined> {
    const { host, state } = this.options
    if (state === undefined) return undefined
    const { built, physical, options } = this
    this.whole = new Set()
    return checkStart({ built, physical, host, state, options, whole: this.whole })
  }

  private async attempt(): Promise<JobResult> {
    const { host, state } = this.options
    try {
      return await this.start()
    } catch (error) {
      // Where damage leads is for a person to decide, who needs to know what there is to choose from.
      if (state !== undefined && isDamage(error))
        throw await explainDamage(error, state, host.bytes).catch(() => error)
      throw error
    }
  }

  private async start(): Promise<JobResult> {
    const { host, state } = this.options
    let opened: OpenedCheckpoint | undefined
    this.plan = this.physical
    const admit = async (manifest: Manifest, isOver: boolean, files: CheckpointStore): Promise<void> => {
      opened = await this.admit(manifest, isOver, files)
    }
    const { whole } = this
    this.whole = undefined
    const begin = (): void => refuseUnknownSteps(undefined, this.successor())
    const wishes = { ...this.options, admit, begin, whole }
    const taken = state === undefined ? undefined : await takeOver(state, host, wishes)
    const { built, plan: physical } = this
    try {
      const running = new RunningJob({ built, physical, taken, opened }, this.options)
      this.running = running
      if (this.stopAsked) running.stop()
      return await running.run(() => (this.current = this.stopAsked ? 'stopping' : 'running'))
    } finally {
      taken?.ended()
    }
  }

  /** Refuses state that this pipeline cannot go on with, before anything is written or committed. */
  private async admit(
    manifest: Manifest,
    isOver: boolean,
    store: CheckpointStore,
  ): Promise<OpenedCheckpoint | undefined> {
    const { host, state, mode = 'batch', outputMode, dropState = [], refreshTables = false } = this.options
    refuseOtherPipeline(manifest, this.successor(), store.place)
    refuseUnknownSteps(manifest, this.successor())
    refuseOtherMode(manifest, mode, store.place)
    refuseOverwrite(manifest, outputMode, store !== state)
    if (isOver) return undefined
    const { built, physical } = this
    if (isBorder(manifest)) {
      this.plan = await admitBorder(manifest, { built, physical }, { store, checks: host.bytes })
      return undefined
    }
    const opened = await openCheckpoint(
      manifest,
      { store, checks: host.bytes, input: host.files },
      {
        steps: programSteps(built, physical),
        dropState: new Set(dropState),
        anew: stepsReadAnew(physical.logical, refreshTables),
      },
    )
    if (opened.fit.misfits.length > 0) throw stateMisfit(opened.fit.misfits, store.place)
    return opened
  }

  private successor(): Successor {
    const { renamedFrom, dropState } = this.options
    return successorOf(this.built.plan, { renamedFrom, dropState })
  }

  /** Takes note of a failure; gives the wait before the next start, undefined when there is none. */
  private fail(error: unknown, ranMs: number): number | undefined {
    this.note(error)
    const atMs = this.options.host.clock.monotonic()
    const decision = this.stopAsked ? undefined : this.restarts.decide({ error, atMs, ranMs })
    this.current = decision?.kind === 'restart' ? 'waiting' : 'failed'
    return decision?.kind === 'restart' ? decision.delayMs : undefined
  }

  private note(error: unknown): void {
    const number = (this.failed.at(-1)?.number ?? 0) + 1
    const failure = { number, atMs: this.options.host.clock.now(), error }
    this.failed = [...this.failed, failure].slice(-FAILURES_KEPT)
  }

  private async wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.options.host.timers.set(delayMs, resolve)
      this.wakeUp = () => {
        timer.clear()
        resolve()
      }
    })
    this.wakeUp = undefined
  }
}

/** A batch run keeps no positions: what it went on with would be all of its input, again. */
function nothingToGoOnWith(): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: 'a batch run that came to its end has nothing to go on with',
    detail: 'it reads all of its input each time',
    hint: 'read new input with mode micro-batch and the trigger available-now, or begin with a new state directory',
  })
}

function nothingToRefresh(): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: 'a batch run has no tables to read anew',
    detail: 'it reads its tables whole each time it is run',
    hint: 'leave the option "refreshTables" out',
  })
}

function restartWithoutState(): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: 'a job without a state directory cannot start again where it failed',
    hint: 'give it one with the option "state"',
  })
}
