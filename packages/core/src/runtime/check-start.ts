/**
 * What a start would do, without doing it: nothing is opened but the state, and nothing is written anywhere.
 */
import {
  CheckpointLog,
  decideGoingBack,
  decideStart,
  historyOf,
  readSavepoint,
  refuseSavepoint,
  salvageLog,
} from '../checkpoint/index.ts'
import type { CheckpointStore, Manifest, NumberedEntry, RunEnd } from '../checkpoint/index.ts'
import { isMillraceError } from '../errors.ts'
import type { MillraceError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { BuiltPlan, LogicalPlan } from '../plan/logical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import { tableSources } from '../plan/plan-graph.ts'
import { admitBorder, isBorder } from './batch-phases.ts'
import { branchedAgain } from './branch-again.ts'
import type { JobOptions } from './job.ts'
import { movedOutputs, otherKind, sinksOf, unknownOutput } from './other-output.ts'
import type { MovedOutput } from './other-output.ts'
import { programSteps, stepsReadAnew } from './program-state.ts'
import {
  refuseOtherMode,
  refuseOtherPipeline,
  refuseOverwrite,
  refuseUnknownSteps,
  stateMisfit,
  successorOf,
} from './refuse-start.ts'
import { openCheckpoint, wasDrained } from './restore.ts'
import { tableEpochs, tablesKept } from './kept-tables.ts'
import type { TableEpoch } from './kept-tables.ts'
import type { StateFit, StepFit } from './state-fit.ts'
import type { SinkDescription } from '../connect/sink.ts'
import { standingOutputs } from './standing-output.ts'
import type { StandingOutput } from './standing-output.ts'
import { hasEnded, ownerOf, possible, readOrdered, refuseOwned } from './take-over.ts'
import type { JobOwner, Start } from './take-over.ts'
import { explainDamage, faultOfEpoch, isDamage } from './verify-checkpoints.ts'

/** An epoch, and the rows that outputs got in it. */
export interface EpochOutput {
  readonly epoch: number
  readonly atMs: number
  /** By output step. */
  readonly rows: { readonly [step: string]: number }
}

/** What a start would do. */
export interface StartCheck {
  readonly place: string
  /** `begin`: at the beginning; `resume`: behind `epoch`; `ended`: only what is owed is left. Undefined: nothing, see `refusals`. */
  readonly kind: 'begin' | 'resume' | 'ended' | undefined
  /** The epoch that would be gone on from; 0: none. */
  readonly epoch: number
  /** When that epoch became durable, in wall-clock time. */
  readonly atMs: number | undefined
  /** Why the run before wrote its last manifest. */
  readonly end: RunEnd | undefined
  /** How the run before ran, as far as it has said so. */
  readonly mode: string | undefined
  /** Of a batch in phases: how many are complete, of how many. */
  readonly phases?: { readonly done: number; readonly of: number }
  /** Another history begins: what was put out behind the epoch is put out again. */
  readonly isBranch: boolean
  /** The last process that ran the job; undefined: none, or the job came to its end. */
  readonly owner: JobOwner | undefined
  /** Outputs of earlier epochs that would be committed first. */
  readonly owes: readonly { readonly step: string; readonly epoch: number }[]
  /** Outputs that are somewhere else now, with rows in hand where they were: refused unless these were moved, too. */
  readonly moved: readonly MovedOutput[]
  /** Epochs whose output stands already and would be made a second time. */
  readonly repeats: readonly EpochOutput[]
  /** Where the output of these epochs stands. */
  readonly stands?: readonly StandingOutput[]
  /** Steps that keep state: what becomes of it. Empty unless there is some. */
  readonly steps: readonly StepFit[]
  /** Tables of lookup joins that stay as an earlier run has read them: the names of their sources. */
  readonly tables: readonly string[]
  /** Since when these tables are as they are, as far as that is known. */
  readonly tableEpochs: readonly TableEpoch[]
  /** Sources whose positions are given up: what they read before is read again, and what it gives is put out again. */
  readonly readsAgain: readonly string[]
  /** Steps whose windows the run before has fired before their time: they fire again, with later rows only. */
  readonly firesAgain: readonly string[]
  /** Why the start would be refused. Empty: it would not. */
  readonly refusals: readonly MillraceError[]
}

/** What is to be started. */
export interface ToBeStarted {
  readonly built: BuiltPlan
  readonly physical: PhysicalPlan
  readonly host: Host
  readonly state: CheckpointStore
  /** Gains the files of state that were found whole, as `faultOfEpoch` has it. */
  readonly whole: Set<string>
  readonly options: Pick<
    JobOptions,
    | 'from'
    | 'goOn'
    | 'savepoint'
    | 'takeOver'
    | 'dropState'
    | 'renamedFrom'
    | 'refreshTables'
    | 'mode'
    | 'outputMode'
  >
}

/** Looks at the state, and decides. */
export async function checkStart(started: ToBeStarted): Promise<StartCheck> {
  const { host, state, options } = started
  const refusals: MillraceError[] = []
  const nothing: StartCheck = {
    place: state.place,
    kind: undefined,
    epoch: 0,
    atMs: undefined,
    end: undefined,
    mode: undefined,
    isBranch: false,
    owner: undefined,
    owes: [],
    moved: [],
    repeats: [],
    steps: [],
    tables: [],
    tableEpochs: [],
    readsAgain: [],
    firesAgain: [],
    refusals,
  }
  try {
    await refuseSavepoint(state)
    const { entries, start, files } = await decide(started)
    const owner = await ownerOf(entries, host)
    const claim = { host, owner: await host.processes.self(), place: state.place }
    if (options.takeOver !== true) await attempt(refusals, () => refuseOwned(entries, claim))
    const successor = successorOf(started.built.plan, options)
    if (start.kind === 'begin') {
      await attempt(refusals, () => refuseUnknownSteps(undefined, successor))
      return { ...nothing, kind: 'begin', owner, steps: [...begun(started)] }
    }
    // What else does not fit then says nothing, and would be given up on its advice.
    refuseOtherPipeline(start.manifest, successor, files.place)
    await attempt(refusals, () => refuseUnknownSteps(start.manifest, successor))
    return { ...nothing, owner, ...(await goingOn({ entries, start, files }, started, refusals)) }
  } catch (error) {
    if (!isMillraceError(error)) throw error
    refusals.push(isDamage(error) ? await explainDamage(error, state, host.bytes) : error)
    return nothing
  }
}

interface Decided {
  readonly entries: readonly NumberedEntry[]
  readonly start: Start
  /** Where the files of the checkpoint lie. */
  readonly files: CheckpointStore
}

async function decide({ host, state, options, whole }: ToBeStarted): Promise<Decided> {
  const { savepoint, from } = options
  const log = new CheckpointLog(state, host.bytes)
  const entries = await readOrdered(log, from)
  if (entries === undefined) {
    const salvaged = await salvageLog(state, host.bytes)
    return {
      entries: salvaged.entries,
      start: possible(decideGoingBack(salvaged, from ?? 0), state.place),
      files: state,
    }
  }
  if (savepoint === undefined || entries.length > 0) {
    if (savepoint !== undefined)
      await readSavepoint(savepoint, { checks: host.bytes, entries, place: state.place })
    const decided = possible(decideStart(entries, options), state.place)
    const ground = { entries, wishes: options, store: state, checks: host.bytes, whole }
    const start = possible(await branchedAgain(decided, ground), state.place)
    return { entries, start, files: state }
  }
  const manifest = await readSavepoint(savepoint, { checks: host.bytes, entries, place: state.place })
  const parent = { lineage: manifest.lineage, epoch: manifest.epoch }
  const start: Start = {
    kind: 'resume',
    attempt: manifest.attempt + 2,
    lineage: undefined,
    parent,
    manifest,
    commitAgain: [],
    replay: undefined,
    repeats: [],
  }
  return { entries, start, files: savepoint }
}

function begun({ built, physical }: ToBeStarted): Iterable<StepFit> {
  return Array.from(programSteps(built, physical).keys(), (step) => ({
    step,
    verdict: 'begins',
    changes: [],
  }))
}

const noFit: Pick<StateFit, 'steps' | 'readsAgain'> = { steps: [], readsAgain: [] }

/** Steps with windows that a run has fired at its end, and which go on. */
function firedAtEnd(
  manifest: Manifest,
  { nodes }: LogicalPlan,
  steps: readonly StepFit[],
): readonly string[] {
  if (!wasDrained(manifest)) return []
  const goesOn = new Set(
    steps.flatMap(({ step, verdict }) => (verdict === 'keeps' || verdict === 'converts' ? [step] : [])),
  )
  return nodes.flatMap(({ kind, step }) => (kind === 'window-aggregate' && goesOn.has(step) ? [step] : []))
}

async function fitOf(
  manifest: Manifest,
  files: CheckpointStore,
  started: ToBeStarted,
  refusals: MillraceError[],
): Promise<Pick<StateFit, 'steps' | 'readsAgain'>> {
  const { built, physical, host, options } = started
  const successor = {
    steps: programSteps(built, physical),
    dropState: new Set(options.dropState ?? []),
    anew: stepsReadAnew(physical.logical, options.refreshTables ?? false),
  }
  try {
    const fault = await faultOfEpoch(files, manifest, host.bytes, started.whole)
    if (fault !== undefined) throw fault
    if (isBorder(manifest)) {
      await admitBorder(manifest, { built, physical }, { store: files, checks: host.bytes })
      return noFit
    }
    const { fit } = await openCheckpoint(
      manifest,
      { store: files, checks: host.bytes, input: host.files },
      successor,
    )
    if (fit.misfits.length > 0) refusals.push(stateMisfit(fit.misfits, files.place))
    return fit
  } catch (error) {
    if (!isMillraceError(error)) throw error
    refusals.push(isDamage(error) ? await explainDamage(error, files, host.bytes) : error)
    return noFit
  }
}

/** What a start would do that goes on with an epoch. */
async function goingOn(
  { entries, start, files }: Decided & { readonly start: Exclude<Start, { readonly kind: 'begin' }> },
  started: ToBeStarted,
  refusals: MillraceError[],
): Promise<Partial<StartCheck>> {
  const { state, options } = started
  const { manifest, commitAgain } = start
  await attempt(refusals, () => refuseOtherMode(manifest, options.mode ?? 'batch', state.place))
  await attempt(refusals, () => refuseOverwrite(manifest, options.outputMode, files !== state))
  const sinks = sinksOf(started.built)
  const inHand = hasEnded(manifest, entries) ? [] : manifest.pending
  const kind = otherKind(inHand, sinks)
  if (kind !== undefined) refusals.push(kind)
  const unknown = commitAgain.find(({ step }) => !sinks.has(step))
  if (unknown !== undefined) refusals.push(unknownOutput(unknown))
  const fit = start.kind === 'ended' ? noFit : await fitOf(manifest, files, started, refusals)
  const { steps } = fit
  const { plan } = started.built
  const tables = tablesKept(plan, steps)
  const sourcesOfTables = tableSources(plan)
  return {
    kind: start.kind,
    epoch: manifest.epoch,
    atMs: manifest.atMs,
    end: manifest.end,
    mode: manifest.mode,
    ...(manifest.border === undefined
      ? {}
      : { phases: { done: manifest.border.done, of: manifest.border.of } }),
    isBranch: start.kind === 'resume' && start.lineage === undefined,
    owes: commitAgain.map(({ step, epoch }) => ({ step, epoch })),
    moved: movedOutputs(inHand, sinks),
    ...outputAgain(entries, start, sinks),
    steps,
    tables,
    tableEpochs: tableEpochs(plan, tables, { manifest, entries }),
    readsAgain: fit.readsAgain.filter((step) => !sourcesOfTables.has(step)),
    firesAgain: start.kind === 'resume' ? firedAtEnd(manifest, plan, steps) : [],
  }
}

/** What is put out already and would be again. */
function outputAgain(
  entries: readonly NumberedEntry[],
  start: Start,
  sinks: ReadonlyMap<string, SinkDescription>,
): Pick<StartCheck, 'repeats' | 'stands'> {
  const epochs = start.kind === 'resume' ? start.repeats : []
  return { repeats: repeated(entries, epochs), stands: standingOutputs(entries, epochs, sinks) }
}

function repeated(entries: readonly NumberedEntry[], epochs: readonly number[]): readonly EpochOutput[] {
  return historyOf(entries).manifests.flatMap(({ entry: { epoch, atMs, rows = {} } }) =>
    epochs.includes(epoch) ? [{ epoch, atMs, rows }] : [],
  )
}

async function attempt(refusals: MillraceError[], refuse: () => unknown): Promise<void> {
  try {
    await refuse()
  } catch (error) {
    if (!isMillraceError(error)) throw error
    refusals.push(error)
  }
}
