/**
 * Going back to an epoch once more. A start that names the epoch at which the history that goes on began is a plain start
 * (D6), so that a supervisor may name it always; unless that history is damaged: then this is the way out that the error
 * of the damage names, and another history begins at the same epoch.
 */
import { decideStart } from '../checkpoint/index.ts'
import type { CheckpointStore, NumberedEntry, StartDecision, StartWishes } from '../checkpoint/index.ts'
import type { ByteChecks } from '../host/host.ts'
import { faultOfEpoch } from './verify-checkpoints.ts'

/** What a start decides by. */
export interface DecidedBy {
  readonly entries: readonly NumberedEntry[]
  readonly wishes: StartWishes
  readonly store: CheckpointStore
  readonly checks: ByteChecks
  /** As `faultOfEpoch` has it. */
  readonly whole?: Set<string> | undefined
}

/** Whether a decision goes on with a history that began at the epoch that the wishes name. */
function goesOnWithBranch(decision: StartDecision, { from }: StartWishes): boolean {
  if (from === undefined || decision.kind !== 'resume') return false
  return decision.lineage !== undefined && decision.manifest.epoch !== from
}

/**
 * The decision itself, or the one that begins another history at the same epoch. Reads all files of the epoch that would
 * be gone on from, where the question comes up.
 *
 * @throws MillraceError `checkpoint/damaged` where the epoch is not kept any more; `checkpoint/newer-format`,
 *   `checkpoint/store-failed`.
 */
export async function branchedAgain<Decision extends StartDecision>(
  decision: Decision,
  { entries, wishes, store, checks, whole }: DecidedBy,
): Promise<Decision | StartDecision> {
  if (decision.kind !== 'resume' || !goesOnWithBranch(decision, wishes)) return decision
  const fault = await faultOfEpoch(store, decision.manifest, checks, whole)
  if (fault === undefined) return decision
  const again = decideStart(entries, { ...wishes, again: true })
  if (again.kind === 'no-such-epoch') throw fault
  return again
}
