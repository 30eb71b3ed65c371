/**
 * Which epoch of a job can become a savepoint: one whose rows are all out, so that it stands for itself. Pure.
 *
 * Whether a manifest's outputs were delivered is not written in it but in what came behind it; whether rows wait for a
 * later epoch (in files that are still open) is said by the outputs themselves, in the manifest.
 */
import { MillraceError } from '../errors.ts'
import type { Manifest, NumberedEntry, PendingCommit } from './entry.ts'
import { historyOf, owed } from './lineage.ts'

/**
 * The epoch that a savepoint is made of: `epoch`, or the newest of which all rows are out.
 *
 * @param place - of the job, for errors
 * @throws MillraceError `checkpoint/no-such-epoch`; `checkpoint/incompatible` when there is none, or not that one.
 */
export function chooseSavepointEpoch(
  entries: readonly NumberedEntry[],
  place: string,
  epoch: number | undefined,
): Manifest {
  const all = historyOf(entries).manifests.map(({ entry }) => entry)
  const newest = epoch === undefined ? all.at(-1) : all.find((manifest) => manifest.epoch === epoch)
  if (newest === undefined) throw noSuchEpoch(place, epoch, all)
  const standing = new Standing(entries)
  const asked = epoch === undefined ? all : [newest]
  const chosen = asked.findLast((manifest) => standing.obstacleTo(manifest) === undefined)
  if (chosen === undefined) throw refusal(place, newest.epoch, standing.obstacleTo(newest))
  return { ...chosen, pending: [], delivered: chosen.epoch }
}

/** Why an epoch does not stand for itself. */
type Obstacle =
  | { readonly kind: 'border' }
  /** Not known to be delivered. */
  | { readonly kind: 'owed' }
  /** These outputs keep rows for a later epoch, or do not say whether they do. */
  | { readonly kind: 'held'; readonly steps: readonly string[] }

class Standing {
  readonly #owed: readonly PendingCommit[]

  constructor(entries: readonly NumberedEntry[]) {
    this.#owed = owed(entries)
  }

  obstacleTo({ epoch, border, end, pending }: Manifest): Obstacle | undefined {
    if (border !== undefined) return { kind: 'border' }
    const isOwed = this.#owed.some((output) => output.epoch <= epoch)
    // The outputs of the last epoch of a run hold nothing back; a run that was killed behind it has not put them out.
    if (end !== undefined) return isOwed ? { kind: 'owed' } : undefined
    const held = pending.filter((output) => output.epoch === epoch && output.holds !== false)
    if (held.length > 0) return { kind: 'held', steps: [...new Set(held.map(({ step }) => step))] }
    return isOwed ? { kind: 'owed' } : undefined
  }
}

function refusal(place: string, epoch: number, obstacle: Obstacle | undefined): MillraceError {
  if (obstacle?.kind === 'border') return isInPhases(place, epoch)
  return obstacle?.kind === 'held' ? holdsRows(place, epoch, obstacle.steps) : owesRows(place, epoch)
}

function noSuchEpoch(
  place: string,
  epoch: number | undefined,
  manifests: readonly Manifest[],
): MillraceError {
  const kept = manifests.map((manifest) => manifest.epoch)
  return new MillraceError('checkpoint/no-such-epoch', {
    what: epoch === undefined ? 'no epoch of this job is complete' : `epoch ${epoch} is not kept`,
    ...(kept.length === 0
      ? {}
      : { detail: `kept are ${kept.length} epochs, from ${kept[0]} to ${kept.at(-1)}` }),
    hint: epoch === undefined ? 'look whether this is the state directory of a job' : 'choose one of these',
    place: { file: place },
  })
}

/** An epoch that is the only one, or that was asked for. */
function owesRows(place: string, epoch: number): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `epoch ${epoch} has output that is not known to be delivered`,
    detail: 'a savepoint stands for itself: such rows would be in neither history, or in both',
    hint: 'start the job once more where it has ended: it puts out what it owes; else leave --epoch out, or make the savepoint again when the job has gone on by an epoch or two; or end the job with Ctrl-C: its last epoch puts everything out',
    place: { file: place },
  })
}

function holdsRows(place: string, epoch: number, steps: readonly string[]): MillraceError {
  const names = steps.map((step) => `"${step}"`).join(', ')
  return new MillraceError('checkpoint/incompatible', {
    what: `epoch ${epoch} has rows that ${names} may hold back for later epochs, as files do that are still open`,
    detail: 'a savepoint stands for itself: such rows would be in neither history, or in both',
    hint: "end the job with Ctrl-C: its last epoch puts everything out; or let files end with every epoch (roll: 'epoch'), from the next start of the job on; then make the savepoint",
    place: { file: place },
  })
}

function isInPhases(place: string, epoch: number): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `epoch ${epoch} is a border between two phases of a batch`,
    detail: 'a batch keeps no state that another job could go on with, only what its own later phases read',
    hint: 'let the batch run to its end',
    place: { file: place },
  })
}
