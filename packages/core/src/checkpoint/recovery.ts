/**
 * What a start does, decided from what the log says. Pure: it reaches nothing, and doing it is runtime's part.
 *
 * Invariants (tests quote them):
 *  D1  The newest manifest decides; nothing that was prepared after it, by anyone, is ever committed.
 *  D2  Everything that a manifest promised and nobody is known to have delivered is committed again, oldest epoch first.
 *  D3  The input of a planned epoch that has no manifest is read again exactly as planned.
 *  D4  A log that no run of the protocol can have written starts nothing.
 */
import type { EpochPlan, Manifest, NumberedEntry, PendingCommit, RunEnd, Takeover } from './entry.ts'

/** What the person who starts the job asked for. */
export interface StartWishes {
  /** Start from this epoch instead of the newest. */
  readonly from?: number
  /** Go on behind an end: read new input with a state that was drained or finished. */
  readonly goOn?: boolean
}

/** How a start continues. */
export type StartDecision =
  /** No epoch was ever complete: begin at the beginning. */
  | {
      readonly kind: 'begin'
      readonly attempt: number
      /** Undefined: the first attempt ever makes a new one. */
      readonly lineage: string | undefined
      readonly replay: EpochPlan | undefined
    }
  /** Restore this manifest and go on with the epoch behind it. */
  | {
      readonly kind: 'resume'
      readonly attempt: number
      /** Undefined: what follows is another history, under a new lineage. */
      readonly lineage: string | undefined
      readonly manifest: Manifest
      readonly commitAgain: readonly PendingCommit[]
      readonly replay: EpochPlan | undefined
      /** Epochs whose output stands already and will be made a second time, under the new lineage. */
      readonly repeats: readonly number[]
    }
  /** The job came to its end before; only what it owes is left to do. */
  | {
      readonly kind: 'ended'
      readonly attempt: number
      readonly end: RunEnd
      readonly manifest: Manifest
      readonly commitAgain: readonly PendingCommit[]
    }
  | { readonly kind: 'no-such-epoch'; readonly epochs: readonly number[] }
  | { readonly kind: 'impossible'; readonly number: number; readonly reason: string }

/** Decides how to start from the entries of a log, oldest first. */
export function decideStart(entries: readonly NumberedEntry[], wishes: StartWishes = {}): StartDecision {
  const fault = findFault(entries)
  if (fault !== undefined) return { kind: 'impossible', ...fault }
  const manifests = entries.flatMap(({ entry }) => (entry.kind === 'manifest' ? [entry] : []))
  const attempt = entries.reduce((most, { entry }) => Math.max(most, entry.attempt), 0) + 1
  const newest = manifests.at(-1)
  if (wishes.from !== undefined && wishes.from !== newest?.epoch)
    return fromEarlier(entries, wishes.from, attempt)
  if (newest === undefined) {
    return { kind: 'begin', attempt, lineage: newestTakeover(entries)?.lineage, replay: planOf(entries, 1) }
  }
  const commitAgain = owed(entries, newest)
  if (newest.end !== undefined && newest.end !== 'stopped' && wishes.goOn !== true)
    return { kind: 'ended', attempt, end: newest.end, manifest: newest, commitAgain }
  return {
    kind: 'resume',
    attempt,
    lineage: newest.lineage,
    manifest: newest,
    commitAgain,
    replay: planOf(entries, newest.epoch + 1),
    repeats: [],
  }
}

/** Output that a manifest promised and that is not known to be delivered (D2). */
export function owed(entries: readonly NumberedEntry[], manifest: Manifest): readonly PendingCommit[] {
  let delivered = manifest.delivered
  for (const { entry } of entries) {
    if (entry.kind === 'delivered' && entry.epoch > delivered) delivered = entry.epoch
  }
  return manifest.pending.filter(({ epoch }) => epoch > delivered).toSorted((a, b) => a.epoch - b.epoch)
}

function fromEarlier(entries: readonly NumberedEntry[], from: number, attempt: number): StartDecision {
  const manifests = entries.flatMap(({ entry }) => (entry.kind === 'manifest' ? [entry] : []))
  const manifest = manifests.find(({ epoch }) => epoch === from)
  const newest = manifests.at(-1)
  if (manifest === undefined || newest === undefined)
    return { kind: 'no-such-epoch', epochs: manifests.map(({ epoch }) => epoch) }
  return {
    kind: 'resume',
    attempt,
    lineage: undefined,
    manifest,
    // The newest manifest names all that is owed; what it owes of later epochs belongs to the history that is left.
    commitAgain: owed(entries, newest).filter(({ epoch }) => epoch <= from),
    replay: undefined,
    repeats: manifests.map(({ epoch }) => epoch).filter((epoch) => epoch > from),
  }
}

function newestTakeover(entries: readonly NumberedEntry[]): Takeover | undefined {
  return entries.flatMap(({ entry }) => (entry.kind === 'takeover' ? [entry] : [])).at(-1)
}

function planOf(entries: readonly NumberedEntry[], epoch: number): EpochPlan | undefined {
  return entries
    .flatMap(({ entry }) => (entry.kind === 'plan' && entry.epoch === epoch ? [entry] : []))
    .at(-1)
}

/** The first entry that no run of the protocol can have written where it stands (D4). */
function findFault(
  entries: readonly NumberedEntry[],
): { readonly number: number; readonly reason: string } | undefined {
  let attempt: number | undefined
  let last: Manifest | undefined
  let newLineage = false
  for (const { number, entry } of entries) {
    const isTakeover = entry.kind === 'takeover'
    if (attempt !== undefined && (isTakeover ? entry.attempt <= attempt : entry.attempt !== attempt))
      return { number, reason: `attempt ${entry.attempt} wrote behind attempt ${attempt}` }
    attempt = entry.attempt
    if (isTakeover) newLineage = last !== undefined && entry.lineage !== last.lineage
    if (entry.kind === 'delivered' && last !== undefined && entry.epoch > last.epoch)
      return { number, reason: `epoch ${entry.epoch} was delivered before its manifest` }
    if (entry.kind !== 'manifest') continue
    if (last !== undefined && !newLineage && entry.epoch !== last.epoch + 1)
      return { number, reason: `epoch ${entry.epoch} follows epoch ${last.epoch}` }
    newLineage = false
    last = entry
  }
  return undefined
}
