/**
 * The history that a log goes on with. Pure.
 *
 * A log is written in stretches, one per lineage. Each but the first says which epoch of the history before it it goes on
 * from; what that history did later was left, and decides nothing any more.
 */
import type { Branch, Manifest, NumberedEntry, PendingCommit } from './entry.ts'

/** What was written under one lineage. */
interface Stretch {
  readonly lineage: string
  readonly parent: Branch | undefined
  readonly entries: readonly NumberedEntry[]
}

/** The history that goes on. */
export interface History {
  /** The stretch that is written now; undefined: nothing was ever written. */
  readonly current: Stretch | undefined
  /** Oldest first: those of earlier lineages up to the epoch at which each was left, then those of the current one. */
  readonly manifests: readonly NumberedEntry<Manifest>[]
}

/** The stretches of a log, oldest first. */
function stretchesOf(entries: readonly NumberedEntry[]): readonly Stretch[] {
  const stretches: Stretch[] = []
  let open: NumberedEntry[] = []
  for (const numbered of entries) {
    const { entry } = numbered
    const isNamed = entry.kind === 'takeover' || entry.kind === 'manifest'
    if (isNamed && entry.lineage !== stretches.at(-1)?.lineage) {
      // The log may begin with an entry that names no lineage: it belongs to the first that is named.
      open = stretches.length === 0 ? open : []
      stretches.push({ lineage: entry.lineage, parent: entry.parent, entries: open })
    }
    open.push(numbered)
  }
  return stretches
}

/** The history that the newest stretch goes on with. */
export function historyOf(entries: readonly NumberedEntry[]): History {
  const stretches = stretchesOf(entries)
  const current = stretches.at(-1)
  let manifests = current === undefined ? [] : manifestsOf(current)
  for (let parent = current?.parent; parent !== undefined;) {
    const { lineage, epoch } = parent
    const left = stretches.findLast((stretch) => stretch.lineage === lineage)
    if (left === undefined) break
    manifests = [...manifestsOf(left).filter(({ entry }) => entry.epoch <= epoch), ...manifests]
    parent = left.parent
  }
  return { current, manifests }
}

/** Output that the history promised and that is not known to be delivered, oldest epoch first. */
export function owed(entries: readonly NumberedEntry[]): readonly PendingCommit[] {
  let owing: readonly PendingCommit[] = []
  for (const stretch of stretchesOf(entries)) {
    const left = stretch.parent?.epoch ?? 0
    const newest = manifestsOf(stretch).at(-1)?.entry
    // Its first manifest names all that is owed; until then it owes what was owed where it began.
    owing = newest?.pending ?? owing.filter(({ epoch }) => epoch <= left)
    let delivered = newest?.delivered ?? 0
    for (const { entry } of stretch.entries)
      if (entry.kind === 'delivered') delivered = Math.max(delivered, entry.epoch)
    owing = owing.filter(({ epoch }) => epoch > delivered)
  }
  return owing.toSorted((a, b) => a.epoch - b.epoch)
}

function manifestsOf({ entries }: Stretch): NumberedEntry<Manifest>[] {
  return entries.flatMap(({ number, entry }) => (entry.kind === 'manifest' ? [{ number, entry }] : []))
}
