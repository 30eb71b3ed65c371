/** What a start is refused with whose program does not fit what is kept, and how one can go on. */
import type { Manifest } from '../checkpoint/index.ts'
import type { OutputMode } from '../connect/sink.ts'
import { didYouMean, listNames } from '../data/nearest-names.ts'
import { MillraceError } from '../errors.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import type { Misfit } from './column-fit.ts'
import { waysOn } from './ways-on.ts'

/** Misfits that are told of by themselves; the others are counted. */
const MISFITS_SHOWN = 5

/** A misfit as a clause: `its state "seen" changed: it was int32 and is string`. */
export function misfitText({ what, before, after }: Misfit): string {
  if (before === undefined || after === undefined) return what
  return `${what}: it was ${before} and is ${after}`
}

/** The error that refuses a program for these misfits; there is at least one. */
export function stateMisfit(misfits: readonly Misfit[], place: string): MillraceError {
  const [first] = misfits as readonly [Misfit]
  const isOneStep = misfits.every(({ step }) => step === first.step)
  const shown = misfits
    .slice(0, MISFITS_SHOWN)
    .map((misfit) => (isOneStep ? misfitText(misfit) : `step "${misfit.step}": ${misfitText(misfit)}`))
  const more = misfits.length - shown.length
  if (more > 0) shown.push(`and ${more} more`)
  const steps = [...new Set(misfits.map(({ step }) => step))]
  return new MillraceError('checkpoint/incompatible', {
    what: `the pipeline cannot go on with the state of ${steps.map((step) => `step "${step}"`).join(', ')}`,
    detail: shown.join('; '),
    hint: waysOn(misfits),
    ...(isOneStep ? { step: first.step } : {}),
    place: { file: place },
  })
}

/** A pipeline that is to go on with kept state, and what was wished. */
export interface Successor {
  /** Its name. */
  readonly name: string
  /** Its steps. */
  readonly steps: readonly string[]
  /** The name that it had before. */
  readonly renamedFrom?: string | undefined
  readonly dropState?: readonly string[] | undefined
}

/** What a plan and the options of a job say of it. */
export function successorOf(
  { name, nodes }: LogicalPlan,
  wishes: Pick<Successor, 'renamedFrom' | 'dropState'>,
): Successor {
  return { name, steps: nodes.map(({ step }) => step), ...wishes }
}

/**
 * Refuses the state of another pipeline: steps of the same name would go on with what that one has read and kept. A
 * manifest of an earlier release names none, and is taken as it is.
 *
 * @throws MillraceError `checkpoint/incompatible`.
 */
export function refuseOtherPipeline(
  { pipeline: kept }: Pick<Manifest, 'pipeline'>,
  { name, renamedFrom }: Pick<Successor, 'name' | 'renamedFrom'>,
  place: string,
): void {
  if (kept === undefined || kept === name || kept === renamedFrom) return
  throw new MillraceError('checkpoint/incompatible', {
    what: `the state is of pipeline "${kept}", and this is pipeline "${name}"`,
    detail:
      'what one pipeline has read and kept is not for another one: rows that were read would be missing there',
    hint: `see whether the module and the state directory belong together; or, where this pipeline is "${kept}" under a new name, say so with --renamed-from ${kept}`,
    place: { file: place },
  })
}

/**
 * Refuses to drop the state of steps that nobody knows: neither the pipeline nor its state, nor a start before that was
 * asked the same.
 *
 * @throws MillraceError `plan/invalid-argument`.
 */
export function refuseUnknownSteps(
  manifest: Pick<Manifest, 'state' | 'mayDrop'> | undefined,
  { steps, dropState = [] }: Pick<Successor, 'steps' | 'dropState'>,
): void {
  const kept = manifest?.state.map(({ step }) => step) ?? []
  const known = [...new Set([...kept, ...steps])]
  const unknown = dropState.find(
    (step) => !known.includes(step) && manifest?.mayDrop?.includes(step) !== true,
  )
  if (unknown === undefined) return
  throw new MillraceError('plan/invalid-argument', {
    what: `there is no step "${unknown}" whose state could be dropped`,
    detail: `neither the pipeline nor the state has it; they have ${listNames(known)}`,
    hint: didYouMean(unknown, known) ?? `leave --drop-state ${unknown} out`,
  })
}

/** What kind of run wrote a checkpoint. */
type StateKind = 'batch' | 'running'

/** Whether a checkpoint is that of a batch run, which keeps no state, or of one that goes on. */
function stateKindOf({ mode, state }: Pick<Manifest, 'mode' | 'state'>): StateKind {
  if (mode !== undefined) return mode === 'batch' ? 'batch' : 'running'
  return state.length === 0 ? 'batch' : 'running'
}

/**
 * Refuses a batch run with the state of a run that goes on, and the other way round.
 *
 * @throws MillraceError `checkpoint/incompatible`.
 */
export function refuseOtherMode(manifest: Manifest, mode: string, place: string): void {
  const kept = stateKindOf(manifest)
  if (kept === (mode === 'batch' ? 'batch' : 'running')) return
  throw new MillraceError('checkpoint/incompatible', {
    what:
      kept === 'batch'
        ? `a ${mode} run cannot go on with the state of a batch run`
        : 'a batch run cannot go on with the state of a continuous run',
    detail:
      kept === 'batch'
        ? 'a batch run reads its input whole and keeps no positions: all of it would be read and put out again'
        : 'a batch run reads its input from the beginning: what the continuous run put out would be put out again',
    hint:
      kept === 'batch'
        ? 'use --mode batch; or name a new state directory, and another output'
        : 'use --mode continuous, with --stop-when-idle for a run that ends; or name a new state directory, and another output',
    place: { file: place },
  })
}

/**
 * Refuses to overwrite outputs with what comes behind a savepoint: what was put out before it would be gone, and no run
 * puts it out again. `fromSavepoint`: the manifest is that of a savepoint which nothing has begun with here.
 *
 * @throws MillraceError `plan/invalid-argument`.
 */
export function refuseOverwrite(
  manifest: Manifest,
  outputMode: OutputMode | undefined,
  fromSavepoint: boolean,
): void {
  if (outputMode !== 'overwrite' || !(fromSavepoint || manifest.savepoint === true)) return
  throw new MillraceError('plan/invalid-argument', {
    what: `a job that begins with a savepoint cannot overwrite its outputs: rows that were put out up to epoch ${manifest.epoch} would be gone`,
    detail: 'it puts out what comes behind the savepoint, and nothing writes again what was put out before',
    hint: 'go on with the output of the job before with --output-mode append; or give this job outputs of its own; what a trial has left there is to be removed by hand first',
  })
}
