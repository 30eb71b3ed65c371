/**
 * Names near to one that does not exist, for "did you mean"; and names listed as people read them.
 */

/** Names compared at most; beyond that the help is not worth the time. */
const CANDIDATES_MAX = 2000

/** Up to three of `names` that differ from `name` by few edits (case counts little), nearest first. */
export function nearestNames(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase()
  const limit = Math.max(1, Math.floor(wanted.length / 3))
  return names
    .slice(0, CANDIDATES_MAX)
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase(), limit) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** "did you mean …" for a name that does not exist, or undefined when nothing is near. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const near = nearestNames(name, names)
  return near.length === 0 ? undefined : `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`
}

/** Names as people read a list: `"a", "b" and 3 more`. */
export function listNames(names: readonly string[], shown: number = 12): string {
  if (names.length === 0) return 'none'
  const some = names.slice(0, shown).map((name) => `"${name}"`)
  return names.length > shown ? `${some.join(', ')} and ${names.length - shown} more` : some.join(', ')
}

/**
 * Edits (insert, remove, replace, swap of neighbours) between two texts, or `limit + 1` when there are more.
 * Optimal string alignment, Boytsov, "Indexing methods for approximate dictionary searching" (2011), section 2.2.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min((previous[j] as number) + 1, (current[j - 1] as number) + 1, replaced)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] as number) + 1)
      }
      current.push(best)
    }
    before = previous
    previous = current
  }
  return previous[b.length] as number
}
