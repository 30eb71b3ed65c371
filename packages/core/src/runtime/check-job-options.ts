/**
 * Refuses values of a job's options that no job can have. JavaScript, a cast or a configuration file gets them past the
 * compiler, and some would only show as a run that never ends.
 */
import { MillraceError } from '../errors.ts'
import type { JobOptions } from './job.ts'

/** Options that mean something only where epochs are kept. */
const OF_STATE = [
  'savepoint',
  'from',
  'goOn',
  'takeOver',
  'dropState',
  'renamedFrom',
  'refreshTables',
] as const

/** A batch of more rows than this is a slip. */
const BATCH_ROWS_MAX = 1_000_000

/**
 * Checks the numbers of a job, its place for epochs, and that options which need one have it.
 *
 * @throws MillraceError `plan/invalid-argument` with the option and what was expected.
 */
export function checkJobOptions(options: JobOptions): void {
  checkWhole('parallelism', options.parallelism, 1024)
  checkWhole('batchRows', options.batchRows, BATCH_ROWS_MAX)
  checkWhole('from', options.from, Number.MAX_SAFE_INTEGER)
  checkMs('epochIntervalMs', options.epochIntervalMs)
  checkMs('stopWhenIdleMs', options.stopWhenIdleMs)
  checkMs('discoverIntervalMs', options.discoverIntervalMs)
  checkName('renamedFrom', options.renamedFrom)
  checkPlace('state', options.state)
  checkPlace('savepoint', options.savepoint)
  if (options.state !== undefined) return
  const lonely = OF_STATE.find((name) => saysSomething(options[name]))
  if (lonely === undefined) return
  throw new MillraceError('plan/invalid-argument', {
    what: `the option "${lonely}" says how to go on with kept state, and there is none`,
    hint: 'give the job a place for its epochs with the option "state"',
  })
}

function saysSomething(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
}

function checkWhole(name: string, value: unknown, most: number): void {
  if (value === undefined) return
  const isRight = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most
  if (!isRight) throw invalid(name, value, `a whole number from 1 to ${most}`)
}

function checkMs(name: string, value: unknown): void {
  if (value === undefined) return
  const isRight = typeof value === 'number' && value >= 0 && value < Infinity
  if (!isRight) throw invalid(name, value, 'a number of milliseconds')
}

function checkName(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return
  throw invalid(name, value, 'the name of a pipeline')
}

function checkPlace(name: string, value: unknown): void {
  if (value === undefined) return
  const store = value as { readonly create?: unknown; readonly list?: unknown } | null
  const isStore = typeof value === 'object' && store !== null && typeof store.create === 'function'
  if (!isStore) throw invalid(name, value, 'a store, such as new DirectoryStore(host, path)')
}

function invalid(name: string, value: unknown, expected: string): MillraceError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value)
  return new MillraceError('plan/invalid-argument', {
    what: `the option "${name}" of a job cannot be ${shown}`,
    detail: `expected ${expected}`,
  })
}
