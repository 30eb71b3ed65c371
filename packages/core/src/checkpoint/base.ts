/**
 * Which entries of a log count. Pure.
 *
 * Old entries are removed one by one, and an attempt that slept may create one of the removed numbers anew. So where the
 * log begins is never read off the numbers that are there: the newest manifest says it, and says it before the first
 * entry below is removed.
 */
import type { NumberedEntry } from './entry.ts'

/** What counts of some entries. */
export interface Counted {
  /** Oldest first. */
  readonly entries: readonly NumberedEntry[]
  /** The number with which they begin; 1 as long as there is no manifest. */
  readonly base: number
  /** The first number from the base to the newest that is not there. */
  readonly missing: number | undefined
}

/** Cuts entries, oldest first, to those that count. */
export function cutToBase(all: readonly NumberedEntry[]): Counted {
  const newest = all.findLast(({ entry }) => entry.kind === 'manifest')?.entry
  const base = newest?.kind === 'manifest' ? newest.base : 1
  const entries = all.filter(({ number }) => number >= base)
  const gap = entries.findIndex(({ number }, at) => number !== base + at)
  return { entries, base, missing: gap < 0 ? undefined : base + gap }
}
