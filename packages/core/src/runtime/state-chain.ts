/**
 * The state files of one step that a manifest names, and what the next one has.
 *
 * A chain is a whole file and the changes since, oldest first. Changes of the same records again and again would make it
 * longer for ever: where the step remembers what changed since its whole file, they are merged into one now and then. Many
 * small files are joined, one behind the other as they are. Where a chain has more changes than state, the next file is
 * whole. Pure decisions.
 *
 * Invariants (tests quote them):
 *  SC1  Restoring reads at most twice what a whole file has, and one file more.
 *  SC2  A merged file takes the place of changes of this attempt only: what an attempt changed before it was restored
 *       nobody remembers.
 *  SC3  A byte is joined once for each power of `JOINED` that the chain has in files.
 */
import type { StateFileReference } from '../checkpoint/index.ts'
import { assert } from '../errors.ts'
import type { SnapshotScope } from '../engine/index.ts'

/** Files beyond which the next one is whole, however small they are: joining them does not keep up. */
const FILES_MAX = 128

/** Files of one level that are joined into one of the next. */
const JOINED = 32

/** Changes before it is worth while to merge them. */
const MERGED_MIN = 8

/** The files of one step. */
export interface StateChain {
  readonly whole: StateFileReference
  /** Changes that an earlier attempt wrote. */
  readonly before: readonly StateFileReference[]
  /** What changed since the whole file, or since the restore, up to the first of `changes`. */
  readonly merged: StateFileReference | undefined
  readonly changes: readonly ChangeFile[]
}

/** A file of changes. */
export interface ChangeFile {
  readonly file: StateFileReference
  /** How often its bytes were joined. */
  readonly level: number
}

/** The chains by step of the files that a manifest names. */
export function chainsOf(files: readonly StateFileReference[]): Map<string, StateChain> {
  const chains = new Map<string, StateChain>()
  for (const file of files) {
    const chain = chains.get(file.step)
    if (chain === undefined || file.full) chains.set(file.step, begun(file))
    else chains.set(file.step, { ...chain, before: [...chain.before, file] })
  }
  return chains
}

/** Files of a chain, in the order in which they are restored. */
export function chainFiles({ whole, before, merged, changes }: StateChain): readonly StateFileReference[] {
  const joined = changes.map(({ file }) => file)
  return [whole, ...before, ...(merged === undefined ? [] : [merged]), ...joined]
}

/** What the next file has (SC1). */
export function nextScope(chain: StateChain | undefined, remembersWhole: boolean): SnapshotScope {
  if (chain === undefined) return 'whole'
  const files = chainFiles(chain)
  const isLong = files.length >= FILES_MAX || bytesOf(files) > 2 * chain.whole.bytes
  if (remembersWhole && (isLong || chain.changes.length >= MERGED_MIN) && paysToMerge(chain))
    return 'since-whole'
  return isLong ? 'whole' : 'changes'
}

/** The chain with one file more; undefined: nothing was in scope. */
export function grown(
  chain: StateChain | undefined,
  scope: SnapshotScope,
  file: StateFileReference | undefined,
): StateChain | undefined {
  if (scope === 'whole') return file && begun(file)
  assert(chain !== undefined, 'a first state file is whole')
  if (scope === 'since-whole') return { ...chain, merged: file, changes: [] }
  return file === undefined ? chain : { ...chain, changes: [...chain.changes, { file, level: 0 }] }
}

/** Files to be joined: the oldest of a level that has enough of them; none: there is no such level. */
export function toJoin({ changes }: StateChain): readonly ChangeFile[] {
  // Levels fall along the chain: older files have been joined more often.
  for (let level = changes.at(-1)?.level ?? 0; level <= (changes[0]?.level ?? -1); level++) {
    const same = changes.filter((change) => change.level === level)
    if (same.length >= JOINED) return same.slice(0, JOINED)
  }
  return []
}

/** The chain with one file in the place of others; undefined: they are not in it any more. */
export function joined(
  chain: StateChain,
  files: readonly ChangeFile[],
  file: StateFileReference,
): StateChain | undefined {
  const from = chain.changes.indexOf(files[0] as ChangeFile)
  if (from < 0) return undefined
  const level = (files[0] as ChangeFile).level + 1
  return { ...chain, changes: chain.changes.toSpliced(from, files.length, { file, level }) }
}

/** Merging writes what was merged before once more: only when there is as much that is new. */
function paysToMerge({ merged, changes }: StateChain): boolean {
  return changes.length > 1 && bytesOf(changes.map(({ file }) => file)) >= (merged?.bytes ?? 0)
}

function begun(whole: StateFileReference): StateChain {
  return { whole, before: [], merged: undefined, changes: [] }
}

function bytesOf(files: readonly StateFileReference[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
