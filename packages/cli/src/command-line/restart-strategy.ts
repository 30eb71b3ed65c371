/** The value of `--restart`: whether and when a job starts again after a failure that may pass by itself. */
import { parseDuration } from '@millrace/core/time'
import type { RestartStrategy } from '@millrace/core/runtime'
import { nearName } from './near-name.ts'
import { UsageError } from './usage-error.ts'

const kinds = ['none', 'exponential', 'fixed', 'failure-rate'] as const
const forms =
  'none, exponential, fixed:10s (or fixed:10s:5 for five times in a row at most) or failure-rate:3/1m:10s'

/**
 * Reads `none`, `exponential`, `fixed:DELAY[:TIMES]` and `failure-rate:FAILURES/WITHIN:DELAY`.
 *
 * @throws UsageError for anything else.
 */
export function restartStrategy(text: string): RestartStrategy {
  const [kind = '', ...parts] = text.split(':')
  const [first = '', second] = parts
  switch (kind) {
    case 'none':
    case 'exponential':
      if (parts.length > 0) break
      return { kind }
    case 'fixed': {
      const times = second === undefined ? undefined : countIn(second)
      if (parts.length > 2 || (second !== undefined && times === undefined)) break
      const delay = durationIn(first)
      if (delay === undefined) break
      return { kind, delay, ...(times === undefined ? {} : { attempts: times }) }
    }
    case 'failure-rate': {
      const [count = '', within = '', ...rest] = first.split('/')
      const failures = countIn(count)
      const withinMs = durationIn(within)
      const delay = second === undefined ? undefined : durationIn(second)
      if (parts.length !== 2 || rest.length > 0 || failures === undefined) break
      if (withinMs === undefined || delay === undefined) break
      return { kind, failures, within: withinMs, delay }
    }
  }
  const near = (kinds as readonly string[]).includes(kind) ? undefined : nearName(kind, kinds)
  throw new UsageError(
    `--restart cannot be "${text}"`,
    near === undefined ? `it is ${forms}` : `did you mean --restart ${[near, ...parts].join(':')}?`,
  )
}

function countIn(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}

/** Milliseconds; a bare number has no unit, and `1m` is a minute. */
function durationIn(text: string): number | undefined {
  if (!/^\d+(\.\d+)?\s*[a-z]+$/i.test(text)) return undefined
  try {
    return parseDuration(text.replace(/(\d)m$/, '$1min') as `${number}min`)
  } catch {
    return undefined
  }
}
