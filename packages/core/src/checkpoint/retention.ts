/**
 * What may be removed from a store, and nothing else. Pure.
 *
 * Invariants (tests quote them):
 *  RT1  The last three checkpoints of the current history are kept that were read back and found whole; until there are so
 *       many, all are kept.
 *  RT2  No file is removed that a kept checkpoint names, by itself or through the files that it builds on.
 *  RT3  Files of an attempt that may still be at work are left alone.
 */
import { filesOf } from './entry.ts'
import type { NumberedEntry } from './entry.ts'
import { historyOf } from './lineage.ts'

/**
 * Checkpoints that stay, so that a start can go back when the newest are damaged. Who wants one for longer makes a
 * savepoint of it.
 */
export const CHECKPOINTS_KEPT = 3

/** What is known when files are to be removed. */
export interface RetentionFacts {
  readonly entries: readonly NumberedEntry[]
  /** Files of the store that hold state. */
  readonly files: readonly string[]
  /** Numbers of manifests that were read back, with their files, and found whole. */
  readonly verified: ReadonlySet<number>
  /** Tells which attempt wrote a file; undefined: not one of ours. */
  readonly attemptOf: (file: string) => number | undefined
  /** This attempt. Files of its own may belong to an epoch that has no manifest yet. */
  readonly attempt: number
}

/**
 * What is to be done, in this order: the next manifest names `trimBefore` as its base; when it stands the log is cut; then
 * files go that nothing names any more.
 */
export interface Removal {
  /** Entries before this number go; undefined: none, and the next manifest names the base that there is. */
  readonly trimBefore: number | undefined
  readonly files: readonly string[]
}

/** Decides what goes. */
export function decideRemoval(facts: RetentionFacts): Removal {
  const manifests = facts.entries.flatMap(({ number, entry }) =>
    entry.kind === 'manifest' ? [{ number, manifest: entry }] : [],
  )
  const verified = historyOf(facts.entries).manifests.filter(({ number }) => facts.verified.has(number))
  const oldestKept = verified.at(-CHECKPOINTS_KEPT)
  const kept =
    oldestKept === undefined ? manifests : manifests.filter(({ number }) => number >= oldestKept.number)
  const named = new Set(kept.flatMap(({ manifest }) => filesOf(manifest).map(({ name }) => name)))
  const files = facts.files.filter((file) => {
    if (named.has(file)) return false
    const attempt = facts.attemptOf(file)
    if (attempt === undefined || attempt > facts.attempt) return false
    return attempt < facts.attempt || manifests.some(({ manifest }) => isNamedBy(file, filesOf(manifest)))
  })
  const isFirst = oldestKept === undefined || oldestKept.number === facts.entries[0]?.number
  return { trimBefore: isFirst ? undefined : oldestKept.number, files }
}

function isNamedBy(file: string, named: readonly { readonly name: string }[]): boolean {
  return named.some(({ name }) => name === file)
}
