/**
 * The attempts that are at work in this process.
 *
 * The log of a job names the process that owns it. Of another process the host can tell whether it is alive; of this one only
 * this page can tell whether its attempt is still at work, or ended and left the job to whoever comes next.
 */
import type { Host } from '../host/host.ts'

/** An attempt, as its takeover names it. */
export interface AttemptName {
  readonly lineage: string
  readonly attempt: number
}

/** What tells one process from another: all hosts of a process have the same. */
type Processes = Host['processes']

/** Tokens of takeovers by attempt: of several that race for one number, each is known until it has lost. */
const live = new WeakMap<Processes, Map<string, Set<string>>>()

/** Says that an attempt is about to begin; the function says that it has ended. */
export function beginAttempt(processes: Processes, name: AttemptName, token: string): () => void {
  const attempts = live.get(processes) ?? new Map<string, Set<string>>()
  live.set(processes, attempts)
  const key = keyOf(name)
  const tokens = attempts.get(key) ?? new Set()
  attempts.set(key, tokens.add(token))
  return () => {
    tokens.delete(token)
    if (tokens.size === 0 && attempts.get(key) === tokens) attempts.delete(key)
  }
}

/** Whether an attempt is at work in this process. */
export function isAtWork(processes: Processes, name: AttemptName): boolean {
  return live.get(processes)?.has(keyOf(name)) === true
}

/** Lineages are random: they tell jobs of any place apart. */
function keyOf({ lineage, attempt }: AttemptName): string {
  return `${lineage}/${attempt}`
}
