/**
 * A job while it runs: its execution, the loop that drives it, and its epochs, from the first open to the last close.
 *
 * The order of a start is the order of recovery: the job is taken over (take-over.ts, before this), sinks are opened,
 * what earlier attempts left unnamed is swept, what the newest manifest owes is committed again, state goes back into the
 * operators, and only then the first row is read.
 */
import type { Manifest, PendingCommit, StageBorder } from '../checkpoint/index.ts'
import type { Json } from '../data/type.ts'
import { Execution, LoopGround } from '../engine/index.ts'
import type { EpochInput, LoopEnd, MicroBatchLoop, TaskLoop } from '../engine/index.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import { within } from '../host/within.ts'
import type { BuiltPlan } from '../plan/logical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import { planHash, stateHash } from '../plan/plan-hash.ts'
import { stepMeanings } from '../plan/step-meaning.ts'
import { batchPhases, tasksOf, lostOfPhases } from './batch-phases.ts'
import type { BatchPhases } from './batch-phases.ts'
import { outputsNamed } from './checkpoint-upkeep.ts'
import { Checkpoints } from './checkpoints.ts'
import { commitOutputs, finishOutputs } from './commit-epoch.ts'
import { CommitRetries } from './commit-retries.ts'
import { Epochs, outputsOf } from './epochs.ts'
import type { JobOptions, JobResult } from './job.ts'
import { loopOf, plannedClock } from './loop-of.ts'
import { movedOutputs, notFoundThere, otherKind, sinksOf, unknownOutput } from './other-output.ts'
import { readProgress } from './progress.ts'
import type { JobProgress } from './progress.ts'
import { restoreExecution, wasDrained } from './restore.ts'
import type { OpenedCheckpoint } from './restore.ts'
import { PhasedRun } from './phased-run.ts'
import { tableEpochs, tablesKept } from './kept-tables.ts'
import type { TableEpoch } from './kept-tables.ts'
import type { StepFit } from './state-fit.ts'
import { hasEnded } from './take-over.ts'
import type { TakenOver } from './take-over.ts'

/** How a run with a state directory began. */
export interface JobStart {
  /** `begin`: at the beginning; `resume`: behind an epoch; `ended`: the job had come to its end before. */
  readonly kind: 'begin' | 'resume' | 'ended'
  readonly attempt: number
  /** The epoch that was gone on from; 0: none. */
  readonly epoch: number
  /** Of a batch in phases: how many were complete, of how many, and the tasks per stage with which it goes on. */
  readonly phases?:
    | {
        readonly done: number
        readonly of: number
        readonly tasks: number
        /** How outputs were opened by the first start, where this one asks for something else: that stays. */
        readonly outputMode?: string
      }
    | undefined
  /** Outputs of earlier attempts that were committed, or found committed. */
  readonly committedAgain: number
  /** Steps that did not simply go on with the state that was kept: what they gained, converted and dropped. */
  readonly changes: readonly StepFit[]
  /** Tables of lookup joins that stay as an earlier run has read them: the names of their sources. */
  readonly tables?: readonly string[]
  /** Since when these tables are as they are, as far as that is known. */
  readonly tableEpochs?: readonly TableEpoch[]
}

/** What a run is made of. */
export interface RunParts {
  readonly built: BuiltPlan
  readonly physical: PhysicalPlan
  /** Undefined: there is no state directory. */
  readonly taken: TakenOver | undefined
  /** The checkpoint that the run goes on from, which fits. */
  readonly opened: OpenedCheckpoint | undefined
}

const BATCH_ROWS = 4096
/** What a run that ends waits for that others do: a commit under way, checkpoints that are read back. */
const CLOSING_MS = 30_000

/** One run. */
export class RunningJob {
  readonly #parts: RunParts
  readonly #options: JobOptions
  readonly #execution: Execution
  readonly #ground: LoopGround
  readonly #checkpoints: Checkpoints | undefined
  readonly #retries: CommitRetries
  readonly #epochs: Epochs
  /** Undefined: the run is not one in phases. */
  readonly #phases: BatchPhases | undefined
  readonly #loop: TaskLoop | MicroBatchLoop | PhasedRun
  readonly #startedAt: number
  readonly #cpuAtStart: number

  constructor(parts: RunParts, options: JobOptions) {
    const { host } = options
    const bounded = (options.mode ?? 'batch') === 'batch'
    const clock = plannedClock(options, parts.taken)
    this.#parts = parts
    this.#options = options
    this.#phases = batchPhases(parts, options)
    this.#startedAt = host.clock.monotonic()
    this.#cpuAtStart = host.clock.cpu()
    const manifest = manifestOf(parts.taken)
    this.#execution = new Execution({
      physical: parts.physical,
      bindings: parts.built.bindings,
      host,
      boundedness: bounded ? 'bounded' : 'unbounded',
      plannedClock: clock,
      batchRows: options.batchRows ?? BATCH_ROWS,
      sink: {
        outputMode: options.outputMode ?? 'refuse',
        lineage: parts.taken?.lineage ?? host.random.hex(8),
        attempt: parts.taken?.start.attempt ?? 1,
        resumable: parts.taken !== undefined,
        resumed: manifest !== undefined && manifest.savepoint !== true,
        unwritten: manifest?.border !== undefined,
        left: parts.taken === undefined ? [] : lineagesLeft(parts.taken),
        ...(parts.taken === undefined ? {} : { standing: manifest?.epoch ?? 0 }),
        ...(options.state === undefined ? {} : { store: options.state }),
      },
      // Sinks that wrote before a border are not written any more.
      ...(manifest === undefined || manifest.border !== undefined
        ? {}
        : { restoredOutput: outputsOf(manifest.pending, manifest.epoch) }),
    })
    this.#ground = new LoopGround(this.#execution)
    this.#checkpoints = parts.taken === undefined ? undefined : this.#makeCheckpoints(parts.taken)
    this.#retries = new CommitRetries(host.timers, options.state !== undefined)
    this.#epochs = new Epochs({
      execution: this.#execution,
      checkpoints: this.#checkpoints,
      retries: this.#retries,
      clock: host.clock,
      before: manifest?.epoch ?? 0,
      owed: manifest?.border === undefined ? [] : manifest.pending,
      showsAtEnd: this.#phases !== undefined,
      isClosed: isClosed(parts.taken),
      drain: options.drain ?? false,
      wake: this.#ground.wake,
      failed: this.#ground.failed,
    })
    this.#loop =
      this.#makePhasedRun(manifest) ??
      loopOf(options, {
        ground: this.#ground,
        epochs: this.#epochs,
        clock,
        replay: replayOf(parts),
      })
  }

  /** @param onRunning - called when everything is restored, before the first row is read */
  async run(onRunning: () => void): Promise<JobResult> {
    let end: LoopEnd
    let committedAgain: number
    let isUnused = true
    try {
      await this.#execution.openSinks()
      committedAgain = await this.#settleOutputs()
      end = await this.#runOn(() => {
        isUnused = false
        onRunning()
      })
    } catch (failure) {
      await this.#atMost(this.#epochs.abort())
      const told = this.#explainLost(failure)
      const error = await this.#explained(told)
      await this.#atMost(this.#checkpoints?.close())
      // The first failure is the one to report; closing after it may fail for the same reason.
      await this.#execution.close({ hasFailed: true, isUnused }).catch(() => undefined)
      throw error
    }
    const progress = this.progress()
    await this.#atMost(this.#checkpoints?.close())
    await this.#execution.close({ isUnused })
    return { end, progress, start: this.#start(committedAgain) }
  }

  stop(): void {
    this.#ground.stop()
    this.#retries.stop()
    this.#execution.stopSinks()
  }

  cutEpoch(): void {
    if (!(this.#loop instanceof PhasedRun)) this.#loop.cutNow()
  }

  progress(): JobProgress {
    const { clock } = this.#options.host
    return readProgress(this.#execution, {
      elapsedMs: clock.monotonic() - this.#startedAt,
      cpuMs: clock.cpu() - this.#cpuAtStart,
      blockedMs: this.#ground.blockedMs,
      epoch: this.#epochs.epoch,
      phase: this.#loop instanceof PhasedRun ? this.#loop.phase : undefined,
      lastEpoch: this.#epochs.last,
      retrying: this.#retries.waiting,
    })
  }

  /** A failure is reported soon, also when the store that would say more is what has failed. */
  async #explained(failure: unknown): Promise<unknown> {
    let error = failure
    await this.#atMost(this.#checkpoints?.explained(failure).then((told) => (error = told)))
    return error
  }

  async #atMost(work: Promise<unknown> | undefined): Promise<void> {
    if (work !== undefined) await within(this.#options.host.timers, CLOSING_MS, work)
  }

  async #runOn(onRunning: () => void): Promise<LoopEnd> {
    const { taken } = this.#parts
    if (taken?.start.kind === 'ended') {
      if (this.#phases !== undefined) await this.#checkpoints?.sweepFiles()
      return 'finished'
    }
    if (!(this.#loop instanceof PhasedRun)) await this.#execution.build(this.#ground)
    const manifest = manifestOf(taken)
    const { opened } = this.#parts
    if (opened !== undefined && manifest !== undefined) {
      await restoreExecution(this.#execution, manifest, opened)
      // Behind a drain all state is written anew: later starts are not to find the end that event time had come to.
      const renewed = wasDrained(manifest) ? opened.files : changesOf(opened)
      this.#checkpoints?.renew(renewed.map(({ step }) => step))
    }
    onRunning()
    const end = await this.#loop.run()
    const { mode = 'batch' } = this.#options
    if (end === 'stopped' && mode === 'batch') throw cancelled(this.#phases !== undefined)
    return end
  }

  /** What earlier attempts left: what no manifest names goes, what one owes is committed. Gives the number of outputs. */
  async #settleOutputs(): Promise<number> {
    const { taken } = this.#parts
    const retries = this.#retries
    // A run that came to a clean end has shown all that it had in hand.
    const inHand = isClosed(taken) ? [] : (manifestOf(taken)?.pending ?? [])
    const refusal = otherKind(inHand, sinksOf(this.#parts.built))
    if (refusal !== undefined) throw refusal
    const commitAgain = taken === undefined || taken.start.kind === 'begin' ? [] : taken.start.commitAgain
    const prepared =
      manifestOf(taken)?.border === undefined ? commitAgain : (manifestOf(taken)?.pending ?? [])
    await this.#sweep([...outputsNamed(taken?.entries ?? []), ...prepared])
    if (taken === undefined || taken.start.kind === 'begin') return 0
    const { manifest } = taken.start
    if (manifest.border !== undefined) {
      this.#refuseUnknown(manifest.pending)
      return 0
    }
    for (const [epoch, outputs] of byEpoch(commitAgain)) {
      this.#refuseUnknown(outputs)
      await commitOutputs(this.#execution, outputs, { epoch, retries })
    }
    await this.#checkpoints?.delivered(manifest.epoch, true)
    // The run that ended may have been killed before it could.
    if (taken.start.kind === 'ended') await finishOutputs(this.#execution)
    return commitAgain.length
  }

  /** Lets sinks remove what no checkpoint names. */
  async #sweep(kept: readonly PendingCommit[]): Promise<void> {
    for (const { step, sink, waits } of this.#execution.sinks) {
      const named = kept.filter((output) => output.step === step)
      const sweep = sink.sweep(named.map(({ committable }): Json => committable))
      await waits.during('sweeping', sweep)
    }
  }

  /** Rows that are not found where an output is now lie where it was before: then nothing is lost. */
  #explainLost(failure: unknown): unknown {
    if (!isMillraceError(failure) || failure.code !== 'output/lost') return failure
    const pending = manifestOf(this.#parts.taken)?.pending ?? []
    const moved = movedOutputs(pending, sinksOf(this.#parts.built)).find(({ step }) => step === failure.step)
    if (moved !== undefined) return notFoundThere(moved, failure)
    return this.#phases === undefined ? failure : lostOfPhases(failure)
  }

  /** Output that is owed to a step which is not there any more would be lost. */
  #refuseUnknown(outputs: readonly PendingCommit[]): void {
    const unknown = outputs.find(({ step }) => this.#execution.sinks.every((sink) => sink.step !== step))
    if (unknown === undefined) return
    throw unknownOutput(unknown)
  }

  #makePhasedRun(from: Manifest | undefined): PhasedRun | undefined {
    const { host, state, outputMode = 'refuse' } = this.#options
    if (this.#phases === undefined || this.#checkpoints === undefined || state === undefined) return undefined
    return new PhasedRun({
      ground: this.#ground,
      epochs: this.#epochs,
      checkpoints: this.#checkpoints,
      store: state,
      checks: host.bytes,
      physical: this.#parts.physical,
      ...this.#phases,
      from: from?.border,
      outputMode: from?.border?.outputMode ?? outputMode,
    })
  }

  #makeCheckpoints(taken: TakenOver): Checkpoints {
    const { host, state, mode } = this.#options
    const { start, lineage, log, entries } = taken
    const { plan } = this.#parts.built
    if (state === undefined) throw new MillraceError('internal/assertion', { what: 'a job without a place' })
    return new Checkpoints({
      store: state,
      log,
      entries,
      attempt: start.attempt,
      lineage,
      parent: start.kind === 'begin' ? undefined : start.parent,
      checks: host.bytes,
      planHash: planHash(plan),
      stateHash: stateHash(plan),
      mode: mode ?? 'batch',
      pipeline: plan.name,
      dropState: this.#options.dropState ?? [],
      meanings: stepMeanings(plan),
      keyGroups: this.#parts.physical.keyGroups,
      now: () => host.clock.now(),
      from: manifestOf(taken),
      keepsState: mode === 'continuous' || mode === 'micro-batch',
      inPhases: this.#phases !== undefined,
      gaveUp: (kept) => this.#sweep(kept),
    })
  }

  #tables(): Pick<JobStart, 'tables' | 'tableEpochs'> {
    const { taken, opened, built } = this.#parts
    const manifest = manifestOf(taken)
    if (taken === undefined || opened === undefined || manifest === undefined) return {}
    const tables = tablesKept(built.plan, opened.fit.steps)
    const { entries } = taken
    return { tables, tableEpochs: tableEpochs(built.plan, tables, { manifest, entries }) }
  }

  #start(committedAgain: number): JobStart | undefined {
    const { taken, opened } = this.#parts
    if (taken === undefined) return undefined
    const { kind, attempt } = taken.start
    const border = kind === 'resume' ? taken.start.manifest.border : undefined
    const phases =
      border === undefined
        ? undefined
        : {
            done: border.done,
            of: border.of,
            tasks: tasksOf(this.#parts.physical),
            ...openedOtherwise(border, this.#options),
          }
    return {
      kind,
      attempt,
      epoch: manifestOf(taken)?.epoch ?? 0,
      ...(phases === undefined ? {} : { phases }),
      committedAgain,
      changes: opened === undefined ? [] : changesOf(opened),
      ...this.#tables(),
    }
  }
}

/** The epoch to carry out again. What is read anew is not read as it was planned. */
function replayOf({ taken, opened }: RunParts): EpochInput | undefined {
  const replay = taken === undefined || taken.start.kind === 'ended' ? undefined : taken.start.replay
  if (replay === undefined || opened === undefined) return replay
  const readAnew = new Set([...opened.anew, ...opened.fit.readsAgain])
  const ranges = Object.entries(replay.ranges).filter(([step]) => !readAnew.has(step))
  return { ...replay, ranges: Object.fromEntries(ranges) }
}

function openedOtherwise(
  { outputMode }: StageBorder,
  { outputMode: asked = 'refuse' }: JobOptions,
): { readonly outputMode?: string } {
  return outputMode === undefined || outputMode === asked ? {} : { outputMode }
}

function changesOf({ fit }: OpenedCheckpoint): readonly StepFit[] {
  return fit.steps.filter(({ verdict }) => verdict !== 'keeps')
}

/** Histories of this place that were left: a later start goes back to none of their epochs behind the one where they were. */
function lineagesLeft({ entries, lineage }: TakenOver): readonly string[] {
  const named = entries.flatMap(({ entry }) =>
    entry.kind === 'takeover' || entry.kind === 'manifest' ? [entry.lineage] : [],
  )
  return [...new Set(named)].filter((one) => one !== lineage)
}

function manifestOf(taken: TakenOver | undefined): Manifest | undefined {
  return taken === undefined || taken.start.kind === 'begin' ? undefined : taken.start.manifest
}

/** Whether the run that is gone on from came to an end of its own, and its output is all shown. */
function isClosed(taken: TakenOver | undefined): boolean {
  const manifest = manifestOf(taken)
  if (taken === undefined || manifest === undefined) return false
  return hasEnded(manifest, taken.entries)
}

/** Oldest first. */
function byEpoch(outputs: readonly PendingCommit[]): ReadonlyMap<number, readonly PendingCommit[]> {
  const epochs = new Map<number, PendingCommit[]>()
  for (const output of outputs) epochs.set(output.epoch, [...(epochs.get(output.epoch) ?? []), output])
  return epochs
}

function cancelled(inPhases: boolean): MillraceError {
  return new MillraceError('run/cancelled', {
    what: 'the run was stopped before all input was read',
    detail: 'a batch run commits once, at its end: nothing was written',
    hint: inPhases ? 'run it again: it goes on behind the last phase that was complete' : 'run it again',
  })
}
