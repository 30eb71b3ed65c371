/**
 * "Did you mean" for commands and flags. A small one of its own: `--help` and usage errors must not load the core.
 */

/** Characters of a name that is long enough to be a cut one with a slip. */
const CUT_LEAST = 5

/** The one of `names` that `name` most likely means, or undefined. A beginning of a name counts as near. */
export function nearName(name: string, names: readonly string[]): string | undefined {
  const begun = names.filter((candidate) => name.length > 1 && candidate.startsWith(name))
  if (begun.length > 0) return begun[0]
  const limit = Math.max(1, Math.floor(name.length / 3))
  const [best] = names
    .map((candidate) => ({
      candidate,
      edits: Math.min(edits(name, candidate), editsOfBeginning(name, candidate)),
    }))
    .toSorted((a, b) => a.edits - b.edits)
  return best !== undefined && best.edits <= limit ? best.candidate : undefined
}

/** A long name that is cut off may hold a slip as well: `--paralel`. */
function editsOfBeginning(name: string, candidate: string): number {
  return name.length < CUT_LEAST ? Infinity : 1 + edits(name, candidate.slice(0, name.length + 1))
}

/** Characters inserted, removed, replaced or swapped with their neighbour between two words. Words here are short. */
function edits(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let at = 1; at <= b.length; at++) {
      const replaced = (previous[at - 1] ?? 0) + (a[row - 1] === b[at - 1] ? 0 : 1)
      const isSwap = at > 1 && a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1]
      const swapped = isSwap ? (before[at - 2] ?? 0) + 1 : Infinity
      current.push(Math.min((previous[at] ?? 0) + 1, (current[at - 1] ?? 0) + 1, replaced, swapped))
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
