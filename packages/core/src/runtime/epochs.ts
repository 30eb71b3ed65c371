/**
 * The epochs of a run, each from its cut to its delivery:
 *
 *   align -> copy (the cut) -> write: state, and outputs prepared -> publish: the manifest -> commit: outputs, sources told
 *
 * Invariants (tests quote them):
 *  N1  No output is committed before the manifest of its epoch stands (without a state directory: before all outputs of
 *      the epoch are prepared).
 *  N2  Manifests and commits come in the order of epochs; one epoch at a time is on its way to its manifest.
 *  N3  While so many epochs wait to be delivered, nothing is read and no further epoch is cut.
 *  N5  A plan of an epoch is written when the manifest of the one before stands.
 *  N4  The first failure of any phase ends the run.
 *  N7  A run that has failed delivers nothing more, and its sinks are closed when the commit under way has answered.
 *  N6  A sink is told to finish when the log knows of the delivery: who was taken over learns so before, and takes nothing
 *      away that its successor needs.
 */
import type { Json } from '../data/type.ts'
import { cutExecution } from '../engine/index.ts'
import type { EpochInput, Execution, ExecutionCut, LoopEnd, PlannedEpochs } from '../engine/index.ts'
import type { Clock } from '../host/host.ts'
import type { PendingCommit, RunEnd, StageBorder } from '../checkpoint/index.ts'
import type { Checkpoints } from './checkpoints.ts'
import { commitOutputs, finishOutputs, prepareOutputs, sealOutputs } from './commit-epoch.ts'
import type { PreparedOutput } from './commit-epoch.ts'
import type { CommitRetries } from './commit-retries.ts'
import { targetOf } from './other-output.ts'

/** Epochs that may wait for their delivery while another is read. */
const PENDING_COMMITS_MAX = 1

/** What epochs are made of. */
export interface EpochsOptions {
  readonly execution: Execution
  /** Where they are made durable; undefined: nowhere, and a crash loses the run. */
  readonly checkpoints: Checkpoints | undefined
  readonly retries: CommitRetries
  readonly clock: Clock
  /** The last epoch of the run that this one goes on from; 0: none. */
  readonly before: number
  /** What the epochs up to it have prepared and nobody has committed yet: a batch in phases shows it at its end. */
  readonly owed: readonly PendingCommit[]
  /** Epochs before the last one are borders of a batch in phases: what all of them prepared is committed by the last. */
  readonly showsAtEnd: boolean
  /** Whether that run came to an end of its own, and nothing of it is held back or owed. */
  readonly isClosed: boolean
  /** Whether windows have all fired when the run ends before its input does. */
  readonly drain: boolean
  readonly wake: () => void
  readonly failed: (error: unknown) => void
}

/** How long the phases of an epoch took, in milliseconds. */
export interface EpochPhases {
  readonly epoch: number
  /** From when it was time for the epoch until all that was read had been through. */
  readonly alignMs: number
  /** The loop stood still at the cut: sources and sinks said where they are, operators copied what changed. */
  readonly copyMs: number
  /** State was written and outputs were prepared. */
  readonly writeMs: number
  /** The manifest was appended to the log: from then on the epoch counts. */
  readonly publishMs: number
  /** Outputs were committed, and sources were told. */
  readonly commitMs: number
  /** Bytes of state that were written. */
  readonly stateBytes: number
  /** When it was delivered, in wall-clock time. */
  readonly deliveredAtMs: number
}

interface OpenEpoch {
  readonly epoch: number
  readonly cut: ExecutionCut
  readonly end: LoopEnd | undefined
  readonly border: StageBorder | undefined
  readonly alignMs: number
  readonly copyMs: number
  /** Rows that each output got. */
  readonly rows: ReadonlyMap<string, number>
}

/** Cuts epochs and sees them through. */
export class Epochs implements PlannedEpochs {
  readonly #options: EpochsOptions
  #epoch: number
  /** An epoch is on its way to its manifest. */
  #making: Promise<void> | undefined
  #delivering: Promise<void> = Promise.resolve()
  #undelivered = 0
  /** Outputs of epochs that are not known to be delivered. */
  #owed: readonly PendingCommit[]
  /** Of borders: sources are told at the end, with the rest. */
  readonly #unacknowledged: (() => Promise<void>)[] = []
  #last: EpochPhases | undefined
  /** Rows that each output has got so far. */
  readonly #rows = new Map<string, number>()
  #isClosed: boolean

  constructor(options: EpochsOptions) {
    this.#options = options
    this.#epoch = options.before
    this.#owed = options.owed
    this.#isClosed = options.isClosed
  }

  /** The epoch that was cut last. */
  get epoch(): number {
    return this.#epoch
  }

  /** The epoch that was delivered last. */
  get last(): EpochPhases | undefined {
    return this.#last
  }

  get keepsState(): boolean {
    return this.#options.checkpoints?.keepsState ?? false
  }

  get canCut(): boolean {
    return this.#making === undefined && !this.holdsReading
  }

  get holdsReading(): boolean {
    return this.#undelivered > PENDING_COMMITS_MAX
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  async plan(input: EpochInput): Promise<void> {
    await this.#making
    await this.#options.checkpoints?.writePlan({ epoch: this.#epoch + 1, ...input })
  }

  cut(alignMs: number): void {
    this.#begin({ alignMs })
  }

  async cutLast(end: LoopEnd): Promise<void> {
    await this.#making
    this.#begin({ end })
    await this.#making
    await this.#delivering
  }

  hurry(): void {
    this.#options.retries.stop()
  }

  /** N7. Resolves when nothing of this run is at work with its sinks any more. */
  async abort(): Promise<void> {
    this.#options.retries.abort()
    await this.#delivering.catch(() => undefined)
  }

  /** Ends a phase of a batch run; resolves when its manifest stands. What it has prepared is shown with the last epoch. */
  async cutBorder(border: StageBorder): Promise<void> {
    this.#begin({ border })
    await this.#making
  }

  #begin({
    end,
    border,
    alignMs = 0,
  }: {
    readonly end?: LoopEnd
    readonly border?: StageBorder
    readonly alignMs?: number
  }): void {
    const { execution, checkpoints, clock } = this.#options
    const began = clock.monotonic()
    const epoch = ++this.#epoch
    this.#isClosed = end !== undefined
    const isFinal = end !== undefined || border !== undefined
    sealOutputs(execution, epoch, isFinal)
    const cut = cutExecution(execution, checkpoints?.keepsState === true ? checkpoints.scopeOf : undefined)
    const copyMs = clock.monotonic() - began
    const open = { epoch, cut, end, border, alignMs, copyMs, rows: this.#rowsSince() }
    const making = this.#make(open)
    this.#making = making
    // Such an epoch is awaited by who cut it.
    if (!isFinal) making.catch(this.#options.failed)
  }

  /** Rows that outputs got since the last cut. */
  #rowsSince(): ReadonlyMap<string, number> {
    const since = new Map<string, number>()
    const { sinks, runners } = this.#options.execution
    for (const { step } of sinks) {
      const all = runners.get(step)?.reduce((sum, { counters }) => sum + counters.rowsIn, 0) ?? 0
      const rows = all - (this.#rows.get(step) ?? 0)
      this.#rows.set(step, all)
      if (rows > 0) since.set(step, rows)
    }
    return since
  }

  async #make(open: OpenEpoch): Promise<void> {
    const { execution, checkpoints, clock, wake } = this.#options
    const { epoch, cut, end, border } = open
    const began = clock.monotonic()
    const [outputs, stateBytes] = await Promise.all([
      prepareOutputs(execution, epoch),
      checkpoints?.writeStates(epoch, cut.states) ?? 0,
    ])
    const written = clock.monotonic()
    this.#options.retries.throwIfAborted()
    if (checkpoints !== undefined) {
      const own = outputs.map((output) => ({
        ...output,
        epoch,
        attempt: checkpoints.attempt,
        ...sinkOf(execution, output),
      }))
      this.#owed = [...this.#owed, ...own]
      await checkpoints.writeManifest({
        epoch,
        watermarks: cut.watermarks,
        pending: this.#owed,
        rows: open.rows,
        end: end === undefined ? undefined : runEnd(end, this.#options.drain),
        border,
      })
    }
    if (border !== undefined) {
      this.#unacknowledged.push(...cut.acknowledge)
      this.#making = undefined
      return
    }
    const phases = { writeMs: written - began, publishMs: clock.monotonic() - written, stateBytes }
    this.#undelivered++
    const due = this.#options.showsAtEnd ? this.#owed : outputs
    const delivering = this.#delivering.then(() => this.#deliver(open, due, phases))
    this.#delivering = delivering
    if (end === undefined) delivering.catch(this.#options.failed)
    this.#making = undefined
    wake()
  }

  async #deliver(
    { epoch, cut, end, alignMs, copyMs }: OpenEpoch,
    outputs: readonly PreparedOutput[],
    phases: Pick<EpochPhases, 'writeMs' | 'publishMs' | 'stateBytes'>,
  ): Promise<void> {
    const { execution, checkpoints, retries, clock, wake } = this.#options
    const began = clock.monotonic()
    await commitOutputs(execution, outputs, { epoch, retries })
    retries.throwIfAborted()
    this.#owed = this.#owed.filter((owed) => owed.epoch > epoch)
    await checkpoints?.delivered(epoch, end !== undefined)
    // N6
    if (end !== undefined) await finishOutputs(execution)
    const told = [...this.#unacknowledged.splice(0), ...cut.acknowledge]
    await Promise.all(told.map((acknowledge) => acknowledge()))
    this.#undelivered--
    const commitMs = clock.monotonic() - began
    this.#last = { epoch, alignMs, copyMs, ...phases, commitMs, deliveredAtMs: clock.now() }
    wake()
  }
}

/** What kind of sink a step is, where it puts its rows, and whether it holds some back. */
function sinkOf(
  execution: Execution,
  { step, committable }: PreparedOutput,
): Pick<PendingCommit, 'connector' | 'target' | 'holds'> {
  const node = execution.node(step)
  if (node.kind !== 'sink') return {}
  const target = targetOf(node.sink)
  const holds = execution.sinks.find((sink) => sink.step === step)?.sink.holdsBack?.(committable)
  return {
    connector: node.sink.connector,
    ...(target === undefined ? {} : { target }),
    ...(holds === undefined ? {} : { holds }),
  }
}

/** How a run ended, as its last manifest says it. */
function runEnd(end: LoopEnd, drain: boolean): RunEnd {
  if (end === 'finished') return 'finished'
  return drain ? 'drained' : end
}

/** What of a manifest a sink goes on from: what it prepared in the very epoch, delivered or not. */
export function outputsOf(
  pending: readonly PendingCommit[],
  epoch: number,
): ReadonlyMap<string, readonly Json[]> {
  const outputs = new Map<string, Json[]>()
  for (const { step, epoch: of, committable } of pending) {
    if (of !== epoch) continue
    const known = outputs.get(step)
    if (known === undefined) outputs.set(step, [committable])
    else known.push(committable)
  }
  return outputs
}
