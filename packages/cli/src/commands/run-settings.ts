/** The flags of `millrace run` checked against each other, as the settings of a job. */
import { MillraceError } from '@millrace/core/errors'
import type { JobOptions, RunMode } from '@millrace/core/runtime'
import { parseDuration } from '@millrace/core/time'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, settingsOf, valueOf } from '../command-line/flag-values.ts'
import { nearName } from '../command-line/near-name.ts'
import { UsageError } from '../command-line/usage-error.ts'

/** Tasks per stage and rows per batch, at most: beyond that it is a slip. */
const PARALLELISM_MAX = 1024
const BATCH_ROWS_MAX = 1_000_000

/** What the command line says about a run. */
export interface RunSettings {
  readonly module: string
  readonly mode: RunMode
  readonly set: { readonly [name: string]: string }
  readonly job: Omit<JobOptions, 'host' | 'state'>
  /** The state directory. */
  readonly state: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

/**
 * Reads the flags.
 *
 * @throws UsageError, or MillraceError `plan/unsupported` for a mode that does not exist yet
 */
export function runSettings(words: ParsedWords): RunSettings {
  const mode = modeOf(words)
  if (mode === 'batch') refuseContinuousFlags(words)
  const state = valueOf(words, 'state')
  if (state === undefined) refuseStateFlags(words)
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
      drain: words.given.has('drain'),
      ...(outputMode === undefined ? {} : { outputMode }),
      ...(stopWhenIdleMs === undefined ? {} : { stopWhenIdleMs }),
      ...(epochIntervalMs === undefined ? {} : { epochIntervalMs }),
      ...(from === undefined ? {} : { from }),
      goOn: words.given.has('go-on'),
      takeOver: words.given.has('takeover'),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(batchRows === undefined ? {} : { batchRows }),
    },
    state,
    json: words.given.has('json'),
    quiet: words.given.has('quiet'),
  }
}

const modes: readonly RunMode[] = ['batch', 'continuous']

function modeOf(words: ParsedWords): RunMode {
  const text = valueOf(words, 'mode') ?? 'batch'
  const mode = modes.find((one) => one === text)
  if (mode !== undefined) return mode
  if (text === 'micro-batch') {
    throw new MillraceError('plan/unsupported', {
      what: 'mode "micro-batch" is not there yet',
      detail: 'it comes with durable epochs',
      hint: 'use --mode continuous with --epoch-interval, or --mode batch',
    })
  }
  const near = nearName(text, modes)
  throw new UsageError(
    `--mode cannot be "${text}": it is batch or continuous`,
    near === undefined
      ? 'batch reads what is there and ends, continuous follows what comes'
      : `did you mean --mode ${near}?`,
  )
}

function refuseContinuousFlags(words: ParsedWords): void {
  for (const flag of ['stop-when-idle', 'drain', 'epoch-interval']) {
    if (!words.given.has(flag) && !words.values.has(flag)) continue
    throw new UsageError(
      `--${flag} belongs to continuous runs, and this is a batch run`,
      'add --mode continuous, or leave the flag out: a batch run ends by itself and fires every window',
    )
  }
}

function refuseStateFlags(words: ParsedWords): void {
  for (const flag of ['from', 'go-on', 'takeover']) {
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
