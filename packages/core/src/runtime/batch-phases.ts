/**
 * Whether a job runs in phases, and whether it can go on behind a border that an earlier attempt has sealed: asked before
 * anything is written, and by `check`.
 */
import { filesOf, StateFileReader } from '../checkpoint/index.ts'
import type { Manifest, StageBorder } from '../checkpoint/index.ts'
import { MillraceError } from '../errors.ts'
import type { BuiltPlan } from '../plan/logical.ts'
import { phasesHash, phasesOf } from '../plan/phases.ts'
import type { PhasedPlan } from '../plan/phases.ts'
import { planPhysical } from '../plan/plan-physical.ts'
import type { PhysicalPlan } from '../plan/physical.ts'
import type { RunMode } from './job.ts'
import type { CheckpointPlace } from './restore.ts'

/** A plan that is run in phases. */
export interface BatchPhases {
  readonly plan: PhasedPlan
  /** What the first so many phases compute. */
  readonly hashOf: (done: number) => string
}

/** The phases of a job; undefined: it runs in one go, because it is no batch, keeps nothing, or has nothing to seal. */
export function batchPhases(
  { built, physical }: { readonly built: BuiltPlan; readonly physical: PhysicalPlan },
  { mode = 'batch', state }: { readonly mode?: RunMode | undefined; readonly state?: unknown },
): BatchPhases | undefined {
  if (mode !== 'batch' || state === undefined) return undefined
  const plan = phasesOf(physical)
  if (plan.phases.length === 1) return undefined
  const { functions } = built.bindings
  return { plan, hashOf: (done) => phasesHash(physical, plan, { functions, done }) }
}

/** Tasks per stage, at most. */
export function tasksOf({ stages }: PhysicalPlan): number {
  return Math.max(...stages.map(({ tasks }) => tasks))
}

/**
 * Looks at what the phases before a border have sealed; blocks are checked when they are read. Gives the plan to go on
 * with: the one that was asked for, or where another number of tasks would compute something else on the way (begin
 * aggregations in front of exchanges, or not), the one that the border was written with.
 *
 * @throws MillraceError `checkpoint/incompatible` when these phases compute something else by now; `checkpoint/damaged`.
 */
export async function admitBorder(
  manifest: Manifest & { readonly border: StageBorder },
  { built, physical }: { readonly built: BuiltPlan; readonly physical: PhysicalPlan },
  { store, checks }: Omit<CheckpointPlace, 'input'>,
): Promise<PhysicalPlan> {
  const { done, of, hash, tasks } = manifest.border
  const { functions } = built.bindings
  const fits = (plan: PhysicalPlan): boolean => phasesHash(plan, phasesOf(plan), { functions, done }) === hash
  const asBefore = [true, false].map((preAggregate) =>
    planPhysical(built.plan, { parallelism: tasks, preAggregate }),
  )
  const plan = [physical, ...asBefore].find(fits)
  if (plan === undefined) throw otherPhases(done, of, store.place)
  for (const file of filesOf(manifest)) await StateFileReader.open(store, file, checks)
  return plan
}

/** Whether a manifest is that of a border. */
export function isBorder(manifest: Manifest): manifest is Manifest & { readonly border: StageBorder } {
  return manifest.border !== undefined
}

function otherPhases(done: number, of: number, place: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `phase ${done} of ${of} of the batch is complete, and what it computes is not what the pipeline computes now`,
    detail:
      'up to there the steps, their functions, the input or the columns that later phases ask for have changed',
    hint: 'undo the change (later phases may change, as long as they need the same columns); or begin anew in an empty state directory: nothing was put out yet',
    place: { file: place },
  })
}

/** Behind a border there is no earlier epoch whose input would be read again: what its phases have prepared is made once. */
export function lostOfPhases(cause: MillraceError): MillraceError {
  const { what, detail, step } = cause
  return new MillraceError('output/lost', {
    what,
    detail,
    hint: 'put back from a copy what was prepared and start again; or begin anew in an empty state directory, and let --output-mode overwrite replace what is visible: all phases are computed again',
    step,
    cause,
  })
}
