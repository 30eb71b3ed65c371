/**
 * What a start does, decided from what the log says. Pure: it reaches nothing, and doing it is runtime's part.
 *
 * Invariants (tests quote them):
 *  D1  The newest manifest decides; nothing that was prepared after it, by anyone, is ever committed.
 *  D2  Everything that a manifest promised and nobody is known to have delivered is committed again, oldest epoch first.
 *  D3  The input of a planned epoch that has no manifest is read again exactly as planned.
 *  D4  A log that no run of the protocol can have written starts nothing.
 *  D5  Only the history that goes on decides: nothing that a lineage did behind the epoch at which it was left is resumed,
 *      replayed, owed, believed to be delivered, or gone back to.
 *  D6  Going back is done once: the same wish again, after a crash at any moment, goes on with what it began.
 *  D7  At the border of a batch in phases nothing is owed: its output is shown with the last epoch, and never before.
 */
import type { Branch, EpochPlan, Manifest, NumberedEntry, PendingCommit, RunEnd } from './entry.ts'
import { historyOf, owed } from './lineage.ts'
import type { History } from './lineage.ts'

/** What the person who starts the job asked for. */
export interface StartWishes {
  /**
   * Start from this epoch of the current history, under a new lineage. When the current lineage began from it already,
   * this is a plain start (D6): a supervisor may give it with every start. Going back to the same epoch once more takes
   * another wish in between, or `again`.
   */
  readonly from?: number
  /** Begin another history at `from` also where the current one began there: it is damaged. */
  readonly again?: boolean
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
      /** What the takeover and every manifest name as theirs. */
      readonly parent: Branch | undefined
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
      readonly lineage: string
      readonly parent: Branch | undefined
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
  const attempt = entries.reduce((most, { entry }) => Math.max(most, entry.attempt), 0) + 1
  const history = historyOf(entries)
  const { current } = history
  const newest = history.manifests.at(-1)?.entry
  // A history that began behind a drained epoch has not come to an end of its own.
  const isBegun = newest !== undefined && newest.lineage !== current?.lineage
  const isOver = newest !== undefined && isEnd(newest.end) && wishes.goOn !== true && !isBegun
  const isBranch = wishes.again !== true && wishes.from === current?.parent?.epoch
  const hasBegun = isBranch || (isOver && wishes.from === newest.epoch)
  if (wishes.from !== undefined && !hasBegun) return goBack(entries, history, wishes.from, attempt)
  const lineage = current?.lineage
  const replay = planOf(history, (newest?.epoch ?? 0) + 1)
  if (newest === undefined) return { kind: 'begin', attempt, lineage, replay }
  const commitAgain = newest.border === undefined ? owed(entries) : []
  if (isOver && isEnd(newest.end))
    return {
      kind: 'ended',
      attempt,
      lineage: newest.lineage,
      parent: current?.parent,
      end: newest.end,
      manifest: newest,
      commitAgain,
    }
  const parent = current?.parent
  return { kind: 'resume', attempt, lineage, parent, manifest: newest, commitAgain, replay, repeats: [] }
}

/** Whether a job has come to its end, and not only a run of it. */
function isEnd(end: RunEnd | undefined): end is 'finished' | 'drained' {
  return end === 'finished' || end === 'drained'
}

function goBack(
  entries: readonly NumberedEntry[],
  { manifests }: History,
  from: number,
  attempt: number,
): StartDecision {
  const epochs = manifests.map(({ entry }) => entry.epoch)
  const manifest = manifests.find(({ entry }) => entry.epoch === from)?.entry
  if (manifest === undefined) return { kind: 'no-such-epoch', epochs }
  return {
    kind: 'resume',
    attempt,
    lineage: undefined,
    parent: { lineage: manifest.lineage, epoch: from },
    manifest,
    // What is owed of later epochs belongs to the history that is left.
    commitAgain: manifest.border === undefined ? owed(entries).filter(({ epoch }) => epoch <= from) : [],
    replay: undefined,
    repeats: epochs.filter((epoch) => epoch > from),
  }
}

function planOf({ current }: History, epoch: number): EpochPlan | undefined {
  return current?.entries
    .flatMap(({ entry }) => (entry.kind === 'plan' && entry.epoch === epoch ? [entry] : []))
    .at(-1)
}

/** An entry that cannot be where it is. */
interface Fault {
  readonly number: number
  readonly reason: string
}

/** The first entry that no run of the protocol can have written where it stands (D4). */
export function findFault(entries: readonly NumberedEntry[]): Fault | undefined {
  const faults = [findAttemptFault(entries), findLineageFault(entries)].filter((fault) => fault !== undefined)
  return faults.toSorted((left, right) => left.number - right.number)[0]
}

function findAttemptFault(entries: readonly NumberedEntry[]): Fault | undefined {
  let attempt: number | undefined
  for (const { number, entry } of entries) {
    const isTakeover = entry.kind === 'takeover'
    if (attempt !== undefined && (isTakeover ? entry.attempt <= attempt : entry.attempt !== attempt))
      return { number, reason: `attempt ${entry.attempt} wrote behind attempt ${attempt}` }
    attempt = entry.attempt
  }
  return undefined
}

/** As `findFault`, for lineages and the order of epochs in them. */
function findLineageFault(entries: readonly NumberedEntry[]): Fault | undefined {
  let lineage: string | undefined
  let parent: Branch | undefined
  /** The newest epoch of the history; undefined: not known, because the log was cut. */
  let epoch: number | undefined
  for (const { number, entry } of entries) {
    if (entry.kind === 'takeover' || entry.kind === 'manifest') {
      const isOther = entry.lineage !== lineage
      const isBranch = entry.kind === 'takeover' && entry.parent !== undefined
      if (lineage !== undefined && isOther && !isBranch)
        return { number, reason: `lineage ${entry.lineage} follows ${lineage} and does not say from where` }
      if (!isOther && !isSame(entry.parent, parent))
        return { number, reason: `lineage ${entry.lineage} begins at two places` }
      if (lineage !== undefined && isOther) epoch = entry.parent?.epoch
      lineage = entry.lineage
      parent = entry.parent
    }
    if (entry.kind === 'delivered' && epoch !== undefined && entry.epoch > epoch)
      return { number, reason: `epoch ${entry.epoch} was delivered before its manifest` }
    if (entry.kind !== 'manifest') continue
    if (epoch !== undefined && entry.epoch !== epoch + 1)
      return { number, reason: `epoch ${entry.epoch} follows epoch ${epoch}` }
    epoch = entry.epoch
  }
  return findLostParent(entries)
}

/** A lineage without a manifest of its own needs the one that it began from: others are no substitute (D5). */
function findLostParent(entries: readonly NumberedEntry[]): Fault | undefined {
  const { current, manifests } = historyOf(entries)
  const newest = manifests.at(-1)?.entry
  const from = current?.parent
  if (from === undefined || newest?.lineage === current?.lineage) return undefined
  if (newest !== undefined && isSame(from, newest)) return undefined
  const number = current?.entries[0]?.number ?? 0
  return { number, reason: `epoch ${from.epoch} of lineage ${from.lineage} is not there to begin from` }
}

function isSame(a: Branch | undefined, b: Branch | undefined): boolean {
  return a?.lineage === b?.lineage && a?.epoch === b?.epoch
}
