/**
 * What can still be read of a log in which something is damaged, and how a job goes back in it. Nobody does that unasked:
 * a start refuses such a log, and a person names the epoch to go back to (`--from`).
 *
 * Whoever goes back begins another lineage behind everything that is there, and the first manifest of it names its own
 * takeover as the base: from then on nothing of the damage is read again. Invariants (tests quote them):
 *  SV1  The attempt is higher than that of any entry, read or not: each damaged entry may have been a takeover.
 *  SV2  Nothing behind the chosen epoch counts; what that epoch's manifest owes is committed again.
 */
import type { ByteChecks } from '../host/host.ts'
import { decodeEntry, expectEntry } from './entry.ts'
import type { Entry, Manifest, NumberedEntry } from './entry.ts'
import { historyOf } from './lineage.ts'
import { findFault } from './recovery.ts'
import type { StartDecision } from './recovery.ts'
import type { CheckpointStore } from './store.ts'

/** A file of the log that is no entry, or one that does not count where it stands. */
export interface DamagedEntry {
  readonly number: number
  readonly file: string
  readonly reason: string
  /** What it says all the same. */
  readonly entry?: Entry
}

/** Everything that a log has. */
export interface SalvagedLog {
  /** What can be read, oldest first; also what is below the base and not removed yet. */
  readonly entries: readonly NumberedEntry[]
  readonly damaged: readonly DamagedEntry[]
  /** The highest number that is taken. */
  readonly last: number
}

/**
 * Reads what can be read. Where all of it can, what begins with an entry that cannot be where it is (D4) is damage: parts of
 * two places were put together, and nothing tells which of them is right.
 *
 * @throws MillraceError `checkpoint/newer-format`: what a newer release wrote is no damage.
 */
export async function salvageLog(
  store: CheckpointStore,
  checks: Pick<ByteChecks, 'sha256'>,
): Promise<SalvagedLog> {
  const entries: NumberedEntry[] = []
  const damaged: DamagedEntry[] = []
  let last = 0
  for (const name of await store.names('log/')) {
    const number = /^log\/\d{12}$/.test(name) ? Number(name.slice(4)) : 0
    const file = `${store.place}/${name}`
    const bytes = number === 0 ? undefined : await store.read(name)
    if (bytes === undefined) continue
    last = Math.max(last, number)
    const found = decodeEntry(bytes, number, checks)
    if (found.kind === 'damaged') damaged.push({ number, file, reason: found.reason })
    else entries.push({ number, entry: expectEntry(found, { file }) })
  }
  const log = { entries, damaged, last }
  return damaged.length > 0 ? log : withoutMisplaced(log, store.place)
}

function withoutMisplaced(log: SalvagedLog, place: string): SalvagedLog {
  const fault = findFault(countingPart(log).entries)
  if (fault === undefined) return log
  const isBefore = ({ number }: NumberedEntry): boolean => number < fault.number
  const damaged = log.entries
    .filter((one) => !isBefore(one))
    .map(({ number, entry }): DamagedEntry => {
      const file = `${place}/log/${String(number).padStart(12, '0')}`
      const reason = number === fault.number ? fault.reason : `it is behind entry ${fault.number}`
      return { number, file, reason, entry }
    })
  return { ...log, entries: log.entries.filter(isBefore), damaged }
}

/** What counts of it: nothing below the base of the newest manifest that can be read (base.ts). */
export function countingPart({ entries, damaged, last }: SalvagedLog): SalvagedLog {
  const newest = entries.findLast(({ entry }) => entry.kind === 'manifest')?.entry
  const base = newest?.kind === 'manifest' ? newest.base : 1
  return {
    entries: entries.filter(({ number }) => number >= base),
    damaged: damaged.filter(({ number }) => number >= base),
    last,
  }
}

/** The manifests that can be read of the history that goes on, oldest first. Those of a history that was left do not count. */
export function salvagedManifests(log: SalvagedLog): readonly NumberedEntry<Manifest>[] {
  return historyOf(countingPart(log).entries).manifests
}

/** How a job goes back to an epoch in a log with damage. */
export function decideGoingBack(
  log: SalvagedLog,
  from: number,
): Extract<StartDecision, { kind: 'resume' | 'no-such-epoch' }> {
  const manifests = salvagedManifests(log)
  const chosen = manifests.find(({ entry }) => entry.epoch === from)?.entry
  const epochs = manifests.map(({ entry }) => entry.epoch)
  if (chosen === undefined) return { kind: 'no-such-epoch', epochs }
  const highest = [...log.entries, ...log.damaged].reduce(
    (most, { entry }) => Math.max(most, entry?.attempt ?? 0),
    0,
  )
  const numbers = [...log.entries, ...log.damaged].map(({ number }) => number)
  const unread = log.last + 1 - Math.min(log.last, ...numbers) - log.entries.length
  return {
    kind: 'resume',
    attempt: highest + unread + 1,
    lineage: undefined,
    parent: { lineage: chosen.lineage, epoch: from },
    manifest: chosen,
    commitAgain:
      chosen.border === undefined
        ? chosen.pending
            .filter(({ epoch }) => epoch > deliveredOf(log, chosen.lineage))
            .toSorted((a, b) => a.epoch - b.epoch)
        : [],
    replay: undefined,
    repeats: epochs.filter((epoch) => epoch > from),
  }
}

/** The last epoch of a lineage that is known to be delivered. */
function deliveredOf({ entries }: SalvagedLog, lineage: string): number {
  let delivered = 0
  const attempts = new Set<number>()
  for (const { entry } of entries) {
    if ((entry.kind === 'takeover' || entry.kind === 'manifest') && entry.lineage === lineage)
      attempts.add(entry.attempt)
    if (!attempts.has(entry.attempt)) continue
    if (entry.kind === 'delivered') delivered = Math.max(delivered, entry.epoch)
    if (entry.kind === 'manifest') delivered = Math.max(delivered, entry.delivered)
  }
  return delivered
}
