/** The flags of `millrace run` checked against each other, as the settings of a job. */
import type { JobOptions, RunMode, Trigger } from '@millrace/core/runtime'
import { parseDuration } from '@millrace/core/time'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, settingsOf, valueOf } from '../command-line/flag-values.ts'
import { nearName } from '../command-line/near-name.ts'
import { restartStrategy } from '../command-line/restart-strategy.ts'
import { UsageError } from '../command-line/usage-error.ts'

/** Tasks per stage and rows per batch, at most: beyond that it is a slip. */
const PARALLELISM_MAX = 1024
const BATCH_ROWS_MAX = 1_000_000

/** What the command line says about a run. */
export interface RunSettings {
  readonly module: string
  readonly mode: RunMode
  readonly set: { readonly [name: string]: string }
  readonly job: Omit<JobOptions, 'host' | 'state' | 'savepoint'>
  /** The state directory. */
  readonly state: string | undefined
  /** The savepoint that it begins with. */
  readonly savepoint: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

/**
 * Reads the flags.
 *
 * @throws UsageError
 */
export function runSettings(words: ParsedWords): RunSettings {
  const mode = modeOf(words)
  refuseFlagsOfOtherModes(words, mode)
  const trigger = triggerOf(words)
  const state = valueOf(words, 'state')
  if (state === undefined) refuseStateFlags(words)
  const restart = valueOf(words, 'restart')
  const dropState = words.values.get('drop-state')
  const renamedFrom = valueOf(words, 'renamed-from')
  const from = countOf(words, 'from', Number.MAX_SAFE_INTEGER)
  const outputMode = valueOf(words, 'output-mode') as JobOptions['outputMode']
  const stopWhenIdleMs = durationOf(words, 'stop-when-idle')
  const epochIntervalMs = durationOf(words, 'epoch-interval')
  const parallelism = countOf(words, 'parallelism', PARALLELISM_MAX)
  const batchRows = countOf(words, 'batch-rows', BATCH_ROWS_MAX)
  return {
    module: words.operands[0] ?? '',
    mode,
    set: settingsOf(words),
    job: {
      mode,
      ...(trigger === undefined ? {} : { trigger }),
      drain: words.given.has('drain'),
      ...(outputMode === undefined ? {} : { outputMode }),
      ...(stopWhenIdleMs === undefined ? {} : { stopWhenIdleMs }),
      ...(epochIntervalMs === undefined ? {} : { epochIntervalMs }),
      ...(from === undefined ? {} : { from }),
      goOn: words.given.has('go-on'),
      ...(restart === undefined ? {} : { restart: restartStrategy(restart) }),
      ...(dropState === undefined ? {} : { dropState }),
      ...(renamedFrom === undefined ? {} : { renamedFrom }),
      ...(words.given.has('refresh-tables') ? { refreshTables: true } : {}),
      takeOver: words.given.has('takeover'),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(batchRows === undefined ? {} : { batchRows }),
    },
    state,
    savepoint: valueOf(words, 'from-savepoint'),
    json: words.given.has('json'),
    quiet: words.given.has('quiet'),
  }
}

const modes: readonly RunMode[] = ['batch', 'micro-batch', 'continuous']

function modeOf(words: ParsedWords): RunMode {
  const text = valueOf(words, 'mode') ?? 'batch'
  const mode = modes.find((one) => one === text)
  if (mode !== undefined) return mode
  const near = nearName(text, modes)
  throw new UsageError(
    `--mode cannot be "${text}": it is batch, micro-batch or continuous`,
    near === undefined
      ? 'batch reads what is there and ends, continuous follows what comes, micro-batch does either in epochs'
      : `did you mean --mode ${near}?`,
  )
}

/** Modes beside batch that a flag belongs to. */
const flagModes: { readonly [flag: string]: readonly RunMode[] } = {
  'stop-when-idle': ['continuous', 'micro-batch'],
  drain: ['continuous', 'micro-batch'],
  'epoch-interval': ['continuous'],
  'refresh-tables': ['continuous', 'micro-batch'],
  trigger: ['micro-batch'],
}

function refuseFlagsOfOtherModes(words: ParsedWords, mode: RunMode): void {
  for (const [flag, of] of Object.entries(flagModes)) {
    if (of.includes(mode) || (!words.given.has(flag) && !words.values.has(flag))) continue
    throw new UsageError(
      `--${flag} belongs to ${of[0]} runs, and this is a ${mode} run`,
      flag === 'refresh-tables'
        ? 'leave the flag out: a batch run reads its tables each time'
        : mode === 'batch' && flag !== 'trigger'
          ? 'add --mode continuous, or leave the flag out: a batch run ends by itself and fires every window'
          : `add --mode ${of[0]}, or leave the flag out`,
    )
  }
}

function triggerOf(words: ParsedWords): Trigger | undefined {
  const text = valueOf(words, 'trigger')
  if (text === undefined) return undefined
  const kind = (['available-now', 'once'] as const).find((one) => one === text)
  if (kind === undefined) {
    if (!/^[\d.]/.test(text)) {
      const near = nearName(text, ['available-now', 'once'])
      throw new UsageError(
        `--trigger cannot be "${text}": it is a length of time, available-now or once`,
        near === undefined
          ? 'write --trigger 10s for an epoch every ten seconds'
          : `did you mean --trigger ${near}?`,
      )
    }
    return { kind: 'interval', every: durationOf(words, 'trigger') ?? 0 }
  }
  for (const flag of ['stop-when-idle', 'drain']) {
    if (!words.given.has(flag) && !words.values.has(flag)) continue
    throw new UsageError(
      `--${flag} is for runs that go on until they are stopped, and --trigger ${kind} ends by itself`,
      words.values.has('state')
        ? 'leave the flag out: windows that are open stay in the state, and a later run goes on with them'
        : 'for a row of every window run with --trigger 1s --stop-when-idle 5s --drain; with --state DIR a later run goes on with open windows',
    )
  }
  return { kind }
}

function refuseStateFlags(words: ParsedWords): void {
  for (const flag of [
    'from',
    'go-on',
    'takeover',
    'drop-state',
    'renamed-from',
    'refresh-tables',
    'from-savepoint',
    'restart',
  ]) {
    if (!words.given.has(flag) && !words.values.has(flag)) continue
    throw new UsageError(`--${flag} says how to go on with kept state`, 'add --state DIR')
  }
}

function durationOf(words: ParsedWords, flag: string): number | undefined {
  const text = valueOf(words, flag)
  if (text === undefined) return undefined
  // A bare number would be milliseconds in code; on a command line nobody knows.
  if (/^\d+$/.test(text)) throw new UsageError(`--${flag} ${text} has no unit`, `write --${flag} ${text}s`)
  const ms = parseDuration(text)
  if (ms > 0) return ms
  throw new UsageError(`--${flag} is 0`, `leave it out, or write a length of time such as 5s`)
}
